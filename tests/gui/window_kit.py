"""What the window's tests share: an honest small engine (threshold and geometry), files to open, a window to drive."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import cv2
import numpy as np

from busi_viewer import bootstrap, settings
from busi_viewer.core.errors import Cancelled, ModelError
from busi_viewer.core.image import to_grey
from busi_viewer.core.masks import components
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import CLASSES, AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality
from busi_viewer.gui import theme
from busi_viewer.gui.dialogs import CloseDialog
from busi_viewer.gui.window import MainWindow

MODEL = ModelInfo("threshold", "1.0", "ab" * 32, 0.3, ("Calibrated on test images.",))


@dataclass
class ThresholdEngine:
    """Outlines the largest dark area; the darker it is, the more malignant. ``gate`` lets a test hold an analysis."""

    abstain: bool = False
    gate: threading.Event | None = None
    seen: list = field(default_factory=list)
    explained: list = field(default_factory=list)
    model: ModelInfo = MODEL
    device: str = "cpu"

    def analyse(self, record, frames=None, *, heatmap=True, revision=0, progress=None, cancel=None):
        self.seen.append(record.path)
        done = []
        for index in range(len(record.frames)) if frames is None else frames:
            if progress is not None:
                progress("outline", 0.5)
            while self.gate is not None and not self.gate.wait(0.01):
                if cancel is not None and cancel.is_set():
                    raise Cancelled
            if cancel is not None and cancel.is_set():
                raise Cancelled
            done.append(self._frame(record, index, heatmap))
        return AnalysisResult(record.path, record.sha256, self.model, self.device, tuple(done), revision)

    def _frame(self, record, index, heatmap):
        grey = cv2.GaussianBlur(to_grey(record.frames[index], record.window), (0, 0), 2)
        parts = components(grey < 60)
        mask = parts[0] if parts else np.zeros(record.shape, bool)
        malignant = 0.8 if mask.any() and grey[mask].mean() < 30 else 0.1
        probabilities = (0.05, 0.95 - malignant, malignant) if mask.any() else (0.8, 0.15, 0.05)
        heat = np.where(mask, 1.0, 0.1).astype(np.float32)
        share = float(heat[mask].sum() / heat.sum()) if mask.any() else None
        return FrameResult(
            index,
            probabilities,
            True,
            probabilities[2] >= 0.3,
            self.abstain,
            ("Unlike the training images",) if self.abstain else (),
            Quality(not self.abstain, 0.2 if self.abstain else 0.9),
            mask,
            measure_all(mask, record),
            Heatmap(CLASSES[int(np.argmax(probabilities))], heat, share) if heatmap else None,
        )

    def heatmap(self, record, frame, target, method="Grad-CAM", mask=None):
        self.explained.append((target, method))
        values = np.full(record.shape, 0.2 + 0.2 * len(target) / 10, np.float32)
        return Heatmap(target, values, 0.5, method)


def write_image(path, dark=20, seed=0, shape=(120, 160)):
    """A speckled image with a dark disc (``dark`` None: without)."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    grey = np.random.default_rng(seed).integers(100, 160, shape).astype(np.uint8)
    if dark is not None:
        grey[np.hypot(xx - 80, yy - 60) < 25] = dark
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), grey)
    return path


def services(engine=None, error=None):
    """The real adapters around a small engine; ``error`` is raised in place of loading it."""

    def load(_model, _device):
        if error is not None:
            raise error
        return engine if engine is not None else ThresholdEngine()

    real = bootstrap.services()
    return replace(real, load_engine=load)


NO_MODEL = ModelError("no model is installed", remedy="Install one with: busi-viewer models install FOLDER.")


@contextmanager
def window(qtbot, qapp, engine=None, error=None, size=(1400, 900)):
    """A shown window with its case store open (or refused, and said); closed, with its threads, at the end."""
    theme.install(qapp)
    theme.apply(qapp, "dark")
    made = MainWindow(services(engine, error), replace(settings.Settings(), window_size=size))
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.keeping.writable or bool(made.notices.shown()), timeout=8000)
    try:
        yield made
    finally:
        with patch.object(CloseDialog, "exec", lambda _self: CloseDialog.DialogCode.Accepted):
            made.close()
        made.deleteLater()
        qapp.processEvents()


def open_and_wait(qtbot, made, *paths):
    """Open paths and wait for the first image."""
    made.open_paths(list(paths))
    qtbot.waitUntil(
        lambda: made.reading.session is not None and made.reading.path == made.worklist.current(), timeout=8000
    )


def analyse_and_wait(qtbot, made):
    """Analyse the image in view and wait for the result."""
    made.actions_["analyse"].trigger()
    qtbot.waitUntil(
        lambda: made.reading.stage is None and made.reading.session.document.result is not None, timeout=8000
    )
