"""A small engine that needs no network, and generated images for it: fixtures of the rooms that run whole jobs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from busi_viewer import bootstrap
from busi_viewer.core.image import ImageRecord, to_grey
from busi_viewer.core.masks import remove_small
from busi_viewer.core.measure import measure_all
from busi_viewer.core.ports import Services
from busi_viewer.core.results import AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Every test has its own models and choices."""
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path_factory.mktemp("home")))


class OtsuEngine:
    """Outlines what is darker than Otsu's threshold; the more irregular, the more malignant. Fully deterministic."""

    model = ModelInfo("otsu", "1.0", "0" * 64, operating_point=0.4)
    device = "cpu"

    def __init__(self) -> None:
        self.chunks: list[list[int]] = []

    def analyse(self, record: ImageRecord, frames=None, *, heatmap=True, revision=0, progress=None, cancel=None):
        """Analyse frames as :class:`busi_viewer.core.ports.Engine` says."""
        indices = list(range(len(record.frames))) if frames is None else list(frames)
        self.chunks.append(indices)
        results = tuple(self._frame(record, index, heatmap) for index in indices)
        return AnalysisResult(record.path, record.sha256, self.model, self.device, results, revision)

    def prepare_many(self) -> int:
        """It is used from one thread."""
        return 1

    def _frame(self, record: ImageRecord, index: int, heatmap: bool) -> FrameResult:
        started = time.perf_counter()
        grey = cv2.GaussianBlur(to_grey(record.frames[index], record.window), (0, 0), 3)
        level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        contrast = float(grey.std())
        probability = 1 / (1 + np.exp((grey.astype(np.float32) - level) / 8))
        mask = remove_small(probability > 0.5, 30) if contrast > 8 else np.zeros(grey.shape, bool)
        lesions = measure_all(mask, record, probability)
        p = (0.9, 0.06, 0.04)
        if lesions:
            roughness = 1 - min(lesions[0].short_axis_px / max(lesions[0].long_axis_px, 1), 1)
            p = (0.1, 0.9 * (1 - roughness), 0.9 * roughness)
        heat = probability.astype(np.float32)
        share = float(heat[mask].sum() / heat.sum()) if mask.any() else None
        spent = 1000 * (time.perf_counter() - started)
        timing = dict.fromkeys(("decode", "preprocess", "forward", "postprocess", "heatmap"), 0.0)
        return FrameResult(
            index=index,
            probabilities=p,
            calibrated=False,
            above_operating_point=p[2] >= 0.4,
            abstained=contrast < 2,
            abstain_reasons=("the image has no contrast",) if contrast < 2 else (),
            quality=Quality(contrast >= 2, min(contrast / 50, 1.0)),
            mask=mask,
            lesions=lesions,
            heatmap=Heatmap("malignant", heat, share) if heatmap else None,
            timing_ms={**timing, "forward": spent, "total": spent},
            probability=probability.astype(np.float16),
        )


class TinyReport:
    """Writes a file that starts as a PDF does and names what it was given."""

    def write(self, document, path: Path, **_more) -> None:
        """Write the document's frames, each on a line with the area of its mask."""
        lines = [f"{f.index} {f.prediction} {int(f.mask.sum())}" for f in document.result.frames]
        path.write_text("%PDF-1.4\n" + "\n".join(lines), encoding="utf-8")


def around(engine, **parts) -> Services:
    """The real adapters around an engine, with ``parts`` in place of theirs."""
    from busi_viewer.raster.source import RasterSource

    ours = {"sources": (RasterSource(),), "load_engine": lambda model, device: engine, "report_writer": TinyReport}
    return replace(bootstrap.services(), **{**ours, **parts})


@pytest.fixture
def engine() -> OtsuEngine:
    """A small deterministic engine."""
    return OtsuEngine()


@pytest.fixture
def services(engine) -> Services:
    """The real adapters, but for the reader of DICOM, around the small engine."""

    def missing(**options):
        raise AssertionError(f"not expected here: {options}")

    return around(engine, train=missing, benchmark=missing)


def lesion_image(shape=(96, 128), boxes=((30, 40, 60, 90),), seed=0) -> np.ndarray:
    """Speckled grey tissue (H, W) uint8 with dark ellipses in boxes (y0, x0, y1, x1)."""
    noise = np.random.default_rng(seed).normal(150, 12, shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for y0, x0, y1, x1 in boxes:
        inside = ((y - (y0 + y1) / 2) / (y1 - y0)) ** 2 + ((x - (x0 + x1) / 2) / (x1 - x0)) ** 2 <= 0.25
        noise[inside] -= 110
    return np.clip(noise, 0, 255).astype(np.uint8)


@pytest.fixture
def make_image():
    """Write a generated image with dark lesions: ``make_image(path, **as_for_lesion_image)`` → the array."""

    def write(path: Path, **options) -> np.ndarray:
        image = lesion_image(**options)
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), image)
        return image

    return write
