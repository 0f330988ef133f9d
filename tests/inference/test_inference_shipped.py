"""The shipped model says of the bundled sample what it said when it was released."""

import pytest

from busi_viewer import paths
from busi_viewer.inference.engine import ModelEngine
from busi_viewer.raster.source import RasterSource
from busi_viewer.workflow.open import open_image

RELEASED = {
    "benign": (9626, (0.0077, 0.86204, 0.13025)),
    "cyst": (6543, (0.00356, 0.98287, 0.01357)),
    "malignant": (19538, (0.00173, 0.01196, 0.98631)),
    "normal": (0, (0.77385, 0.1031, 0.12305)),
}
"""Pixels of the mask, and calibrated probabilities."""


@pytest.fixture(scope="module")
def engine():
    return ModelEngine(paths.bundled_models() / "busi-default", "cpu")


@pytest.mark.parametrize("name", RELEASED)
def test_masks_and_probabilities_are_those_of_the_release(engine, name):
    pixels, probabilities = RELEASED[name]
    record = open_image(paths.resource("sample") / f"{name}.png", (RasterSource(),))
    frame = engine.analyse(record, heatmap=False).frames[0]
    assert abs(int(frame.mask.sum()) - pixels) <= 0.002 * pixels
    assert frame.probabilities == pytest.approx(probabilities, abs=1e-3)
    assert frame.classified
    assert engine.model.tasks == ("segmentation", "classification")
