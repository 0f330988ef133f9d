"""The four-panel figure: every panel at the image's own size, in its place."""

from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.panels import GAP, four_panels
from busi_viewer.core.render import heatmap_image
from busi_viewer.core.results import Heatmap


@pytest.mark.parametrize("shape", [(90, 140), (300, 64)])
def test_panels_hold_image_heat_outline_and_both(shape):
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
    image, heated = figure[top : top + height, GAP : GAP + width], figure[top : top + height, right : right + width]
    assert np.array_equal(image, np.dstack([frame] * 3))
    assert np.array_equal(heated, heatmap_image(values))
    below = top + height + 2 * GAP + 26
    outlined, over = (figure[below : below + height, x : x + width] for x in (GAP, right))
    assert not np.array_equal(outlined, image)
    assert np.array_equal(outlined[-20:, -10:], image[-20:, -10:]), "away from the lesion the image is as it was"
    jet = four_panels(frame, mask, lesions, heat, jet=True)
    assert jet.shape == figure.shape
    assert not np.array_equal(jet[below : below + height, right : right + width], over)
    assert np.array_equal(jet[: below - 26], figure[: below - 26])
    withheld = four_panels(frame, None, (), heat)
    assert np.array_equal(withheld[below : below + height, GAP : GAP + width], image)
