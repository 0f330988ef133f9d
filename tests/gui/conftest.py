"""Offscreen Qt for the whole folder, and a check that no test leaves a thread running."""

import gc
import os
import threading
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt, QThread, QThreadPool
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """A fresh home for every test: settings and kept cases do not reach the next one."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(home))
    return home


@pytest.fixture
def held_store():
    """The case store is open elsewhere, so that a window goes on without keeping."""
    from busi_viewer import bootstrap
    from busi_viewer.workflow import casework

    store = casework.open_store(bootstrap.services())
    yield store
    store.close()


@pytest.fixture(autouse=True)
def no_thread_left_behind():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "keeper"], "a keeper was left running"
    assert QThreadPool.globalInstance().waitForDone(5000), "pool work was still running 5 s after the test"
    app = QCoreApplication.instance()
    main = app.thread() if app is not None else None
    running = [t for t in gc.get_objects() if isinstance(t, QThread) and t is not main and _is_running(t)]
    assert not running, f"the test left threads running: {running}"


def _is_running(thread):
    try:
        return thread.isRunning() and thread is not QThread.currentThread()
    except RuntimeError:  # already deleted by Qt
        return False


SHAPE = (120, 160)


@pytest.fixture
def phantom():
    """Builds a session over synthetic frames: a dark disc of radius 25 at (80, 60) in speckle, seed fixed."""
    import numpy as np

    from busi_viewer.core.document import Document
    from busi_viewer.core.image import ArrayFrames, ImageRecord
    from busi_viewer.gui.session import Session

    def build(count=1, frames=None, **fields):
        yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
        grey = np.random.default_rng(3).integers(90, 150, SHAPE).astype(np.uint8)
        grey[np.hypot(xx - 80, yy - 60) < 25] //= 4
        frames = frames or ArrayFrames(tuple(grey.copy() for _ in range(count)))
        fields = {"window": (0.0, 255.0), **fields}
        return Session(Document(ImageRecord(Path("phantom.png"), "abc", "png", frames, SHAPE, **fields)))

    return build


@pytest.fixture
def propose():
    """Offers a session an analysis: the disc's outline and heat, on every frame."""
    import numpy as np

    from busi_viewer.core.measure import measure_all
    from busi_viewer.core.results import AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality

    def offer(session, abstained=False, heat=True, mask=None):
        document = session.document
        yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
        distance = np.hypot(xx - 80, yy - 60)
        mask = distance < 25 if mask is None else mask
        values = np.exp(-((distance / 20) ** 2)).astype(np.float32)
        lesions = measure_all(mask, document.record, np.full(SHAPE, 0.91, dtype=np.float32))
        frames = tuple(
            FrameResult(
                index=i,
                probabilities=(0.1, 0.2, 0.7),
                calibrated=True,
                above_operating_point=True,
                abstained=abstained,
                abstain_reasons=("unlike the training images",) if abstained else (),
                quality=Quality(not abstained, 0.9),
                mask=mask,
                lesions=lesions,
                heatmap=Heatmap("malignant", values, 0.8) if heat else None,
            )
            for i in range(len(document.record.frames))
        )
        model = ModelInfo("m", "1", "0" * 64)
        return session.offer(AnalysisResult(Path("phantom.png"), "abc", model, "cpu", frames, document.revision))

    return offer


@pytest.fixture
def canvas(qtbot):
    """A canvas on the screen, 800 × 640."""
    from busi_viewer.gui.canvas import Canvas

    made = Canvas()
    qtbot.addWidget(made)
    made.resize(800, 640)
    made.show()
    return made


@pytest.fixture
def mouse(qtbot, canvas):
    """Presses, moves and releases at image positions of the canvas."""
    return Mouse(qtbot, canvas)


@pytest.fixture
def hand(qtbot):
    """Puts a hand on the mouse of any canvas, such as a window's."""
    return lambda canvas: Mouse(qtbot, canvas)


class Mouse:
    """A hand on the mouse."""

    def __init__(self, qtbot, canvas):
        self._qtbot, self._canvas = qtbot, canvas
        self.viewport = canvas._view.viewport()

    def at(self, x, y):
        return self._canvas.camera.to_screen(x, y).toPoint()

    def send(self, kind, position, button=Qt.MouseButton.LeftButton, held=None, keys=Qt.KeyboardModifier.NoModifier):
        move = kind == QEvent.Type.MouseMove
        held = button if held is None else held
        pressed = Qt.MouseButton.NoButton if move else button
        where = QPointF(position)
        event = QMouseEvent(kind, where, self.viewport.mapToGlobal(where), pressed, held, keys)
        QApplication.sendEvent(self.viewport, event)

    def press(self, x, y, **how):
        self.send(QEvent.Type.MouseButtonPress, self.at(x, y), **how)

    def move(self, x, y, **how):
        self.send(QEvent.Type.MouseMove, self.at(x, y), **how)

    def release(self, x, y, **how):
        self.send(QEvent.Type.MouseButtonRelease, self.at(x, y), held=Qt.MouseButton.NoButton, **how)

    def drag(self, *points, **how):
        self.press(*points[0], **how)
        for point in points[1:]:
            self.move(*point, **how)
        self.release(*points[-1], **how)

    def click(self, x, y, **how):
        self.press(x, y, **how)
        self.release(x, y, **how)

    def double_click(self, x, y, **how):
        self.click(x, y, **how)
        self.send(QEvent.Type.MouseButtonDblClick, self.at(x, y), **how)
        self.release(x, y, **how)

    def wheel(self, x, y, notches=1, keys=Qt.KeyboardModifier.NoModifier):
        at = QPointF(self.at(x, y))
        event = QWheelEvent(
            at,
            self.viewport.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.viewport, event)
