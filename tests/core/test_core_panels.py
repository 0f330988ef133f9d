"""Figures of panels: every panel at the image's own size, in its place."""

from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.panels import GAP, EpochPanel, epoch_panels, four_panels, sanity_panels
from busi_viewer.core.render import blend_heatmap, heatmap_image
from busi_viewer.core.results import Heatmap, heat_inside


@pytest.mark.parametrize("shape", [(90, 140), (300, 64)])
def test_panels_hold_image_mask_heat_and_both(shape):
    height, width = shape
    frame = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    values = np.linspace(0, 1, frame.size, dtype=np.float32).reshape(shape)
    mask = np.zeros(shape, bool)
    mask[20:60, 20:50] = True
    record = ImageRecord(Path("x.png"), "0" * 64, "png", ArrayFrames((frame,)), shape)
    lesions = measure_all(mask, record)
    heat = Heatmap("malignant", values, 0.5)
    figure = four_panels(frame, mask, lesions, heat)
    top = (figure.shape[0] - 26) // 2 - GAP - height
    right = width + 3 * GAP
    image, painted = figure[top : top + height, GAP : GAP + width], figure[top : top + height, right : right + width]
    assert np.array_equal(image, np.dstack([frame] * 3))
    assert np.array_equal(painted.any(axis=2), mask)
    below = top + height + 2 * GAP + 26
    heated, over = (figure[below : below + height, x : x + width] for x in (GAP, right))
    assert np.array_equal(heated, heatmap_image(values))
    assert not np.array_equal(over, image)
    assert np.array_equal(over[0, :9], image[0, :9]), "where there is no heat the image is as it was"
    jet = four_panels(frame, mask, lesions, heat, jet=True)
    assert jet.shape == figure.shape
    assert not np.array_equal(jet[below : below + height, right : right + width], over)
    assert np.array_equal(jet[: below - 26], figure[: below - 26])
    cold, unknown = (Heatmap("malignant", v, None) for v in (np.zeros_like(values), values))
    captions = [four_panels(frame, mask, lesions, one)[below - 26 : below, :width] for one in (cold, unknown)]
    assert not np.array_equal(*captions), "an empty heatmap says that it is"
    withheld = four_panels(frame, None, (), heat)
    assert not withheld[top : top + height, right : right + width].any()
    own = four_panels(frame, mask, lesions, heat, by_reader=True)
    assert not np.array_equal(own[below:], figure[below:]), "a reader's outline is solid"


def test_epochs_stand_in_a_row_and_random_weights_beside_the_model():
    frame = np.random.default_rng(0).integers(0, 255, (60, 80)).astype(np.uint8)
    mask = np.zeros(frame.shape, bool)
    mask[20:40, 20:50] = True
    values = np.linspace(0, 1, frame.size, dtype=np.float32).reshape(frame.shape)
    heat = Heatmap("malignant", values, heat_inside(values, mask))
    assert heat.inside_mask_share == pytest.approx(values[mask].sum() / values.sum())
    assert heat_inside(values, ~mask & mask) is None
    lesions = measure_all(mask, ImageRecord(Path("x.png"), "0" * 64, "png", ArrayFrames((frame,)), frame.shape))
    panels = [EpochPanel(epoch, mask, lesions, heat, "malignant 80 %") for epoch in (1, 5)]
    figure = epoch_panels(frame, mask, panels)
    assert figure.shape == (60 + 2 * 26 + 2 * GAP + 26, 3 * (80 + 2 * GAP), 3)
    assert epoch_panels(frame, None, panels * 3).shape[0] == 2 * (60 + 2 * 26 + 2 * GAP) + 26
    sanity = sanity_panels(frame, [(heat, Heatmap("malignant", 1 - values, None), -1.0)])
    left, right = (sanity[26 + GAP : 86 + GAP, x : x + 80] for x in (92 + GAP, 184 + GAP))
    assert np.array_equal(left, blend_heatmap(frame, values))
    assert np.array_equal(right, blend_heatmap(frame, 1 - values))
