"""The shipped model says of the bundled sample what it said when it was released."""

import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core.metrics import dice
from busi_viewer.inference import engine as engines
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


@pytest.mark.parametrize("name", RELEASED)
def test_what_is_computed_in_bfloat16_stays_that_of_float32(engine, name, monkeypatch):
    """The bars of ``tests/benchmarks/engine_figures.py``, where 200 real images are held to them."""
    assert engine.card.bfloat16
    read = engines.read_card
    monkeypatch.setattr(engines, "read_card", lambda folder: read(folder).model_copy(update={"bfloat16": False}))
    exact = ModelEngine(paths.bundled_models() / "busi-default", "cpu")
    record = open_image(paths.resource("sample") / f"{name}.png", (RasterSource(),))
    found, expected = (each.analyse(record).frames[0] for each in (engine, exact))
    assert np.abs(np.subtract(found.probabilities, expected.probabilities)).max() <= 0.01
    assert dice(found.mask, expected.mask) >= 0.995 if expected.mask.any() else not found.mask.any()
    assert np.corrcoef(found.heatmap.values.ravel(), expected.heatmap.values.ravel())[0, 1] >= 0.99
