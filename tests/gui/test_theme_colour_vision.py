"""Colours that carry meaning stay apart for readers with protanopia, deuteranopia and tritanopia."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from busi_viewer.gui import theme
from busi_viewer.gui.worklist_delegate import STATUS_ICONS

VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG 2009:
severity 1, for linear RGB."""


def lab(colour, vision):
    """CIE L*a*b* of "#RRGGBB" as it is seen."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISIONS[vision] @ linear, 0, 1)
    back = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(back.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2Lab)[0, 0]


def distance(one, other, vision):
    """ΔE*ab."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def test_the_simulation_itself_confuses_what_it_should():
    assert distance("#C00000", "#6B6B00", "deuteranopia") < 0.5 * distance("#C00000", "#6B6B00", "normal")
    assert distance("#000000", "#FFFFFF", "protanopia") == pytest.approx(100, abs=1)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("tokens", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_classes_stay_apart(tokens, vision):
    colours = {name: tokens.of_class(name) for name in ("normal", "benign", "malignant")}
    for (a, one), (b, other) in combinations(colours.items(), 2):
        assert distance(one, other, vision) >= 21, (a, b)


@pytest.mark.parametrize("vision", VISIONS)
def test_lesions_stay_apart_from_each_other_and_from_callipers(vision):
    for one, other in combinations(theme.LESION_COLOURS, 2):
        assert distance(one, other, vision) >= 15, (one, other)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("tokens", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_states_of_the_worklist_stay_apart(tokens, vision):
    """Done (accent), failed (error), flagged (warn) and untouched (text3) are also told by icon and word."""
    for one, other in combinations((tokens.accent, tokens.error, tokens.warn, tokens.text3), 2):
        assert distance(one, other, vision) >= 7, (one, other)
    assert len(set(STATUS_ICONS.values())) == len(STATUS_ICONS), "each state has an icon of its own"
