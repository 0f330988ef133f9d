"""Time from a mouse movement with the brush down to the repainted canvas, 95th percentile against the bar; and edits at 4K."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from busi_viewer.core.document import Document
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.gui.canvas import Canvas
from busi_viewer.gui.session import Session

BARS_MS = {(768, 1024): 8.0, (2160, 3840): 16.0}
EDIT_MS = 300.0
"""From an edit to its sizes."""
SLACK = 3.0
"""A shared test machine may be this much slower than the bar before the test fails; the report has the true figures."""


def speckle(shape):
    rng = np.random.default_rng(1)
    return rng.integers(0, 255, shape, dtype=np.uint8)


def open_canvas(qtbot, shape):
    path = Path("phantom.png")
    record = ImageRecord(path, hashlib.sha256(b"x").hexdigest(), "png", ArrayFrames((speckle(shape),)), shape)
    session = Session(Document(record))
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    radius = shape[0] * (0.22 + 0.02 * np.sin(9 * np.arctan2(yy - shape[0] / 2, xx - shape[1] / 2)))
    session.document.set_reader_mask(0, np.hypot(yy - shape[0] / 2, xx - shape[1] / 2) < radius)
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(1200, 900)
    canvas.show()
    canvas.set_session(session)
    canvas.set_tool("brush")
    canvas.set_brush_radius(14 * shape[0] / 768)
    qtbot.wait(20)
    return canvas


def send(viewport, kind, at, buttons):
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(viewport, event)


@pytest.mark.parametrize("limited", [False, True], ids=["free", "grey range"])
@pytest.mark.parametrize("shape", list(BARS_MS), ids=["1024x768", "3840x2160"])
def test_stroke_update(qtbot, benchmark, shape, limited):
    canvas = open_canvas(qtbot, shape)
    canvas.options.set("range_high", 127)
    canvas.options.set("range_on", limited)
    viewport = canvas._view.viewport()
    middle = canvas.camera.to_screen(shape[1] / 2, shape[0] / 2)
    reach = 0.22 * shape[0] * canvas.camera.scale
    left = Qt.MouseButton.LeftButton
    count = 0

    def at(step):
        angle = step * 0.03
        return middle + QPointF(reach * math.cos(angle), reach * math.sin(angle))

    send(viewport, QEvent.Type.MouseButtonPress, at(0), left)
    QApplication.processEvents()

    def update():
        nonlocal count
        count += 1
        send(viewport, QEvent.Type.MouseMove, at(count), left)
        QApplication.processEvents()

    benchmark.pedantic(update, rounds=400, iterations=1, warmup_rounds=10)
    send(viewport, QEvent.Type.MouseButtonRelease, at(count), Qt.MouseButton.NoButton)
    times = np.asarray(benchmark.stats.stats.data) * 1000
    p95 = float(np.percentile(times, 95))
    benchmark.extra_info["p95_ms"] = p95
    assert canvas.session.undo.count() == 1
    assert p95 <= SLACK * BARS_MS[shape], f"p95 {p95:.1f} ms"


@pytest.mark.parametrize("tool", ["margin", "smooth", "holes", "islands"])
def test_refining_at_4k_takes_no_more_than_an_edit_may(qtbot, benchmark, tool):
    canvas = open_canvas(qtbot, (2160, 3840))
    canvas.set_tool(tool)
    qtbot.wait(300)

    def update():
        canvas.apply_tool()
        canvas.session.lesions()
        QApplication.processEvents()

    benchmark.pedantic(update, rounds=10, iterations=1)
    assert max(benchmark.stats.stats.data) * 1000 <= SLACK * EDIT_MS
