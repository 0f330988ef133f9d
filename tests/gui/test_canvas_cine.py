"""Frames: the cine bar plays without blocking, the loader caches, drops what nobody wants and reports errors."""

import threading
import time

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.gui import theme
from busi_viewer.gui.cine import CineBar
from busi_viewer.gui.frames import FrameLoader
from busi_viewer.gui.review_page import stack_up

SHAPE = (120, 160)


class SlowFrames:
    """Decodes a frame in a few ms and remembers on which threads."""

    def __init__(self, count=20, bad=(), delay=0.002):
        self.count, self.bad, self.delay = count, bad, delay
        self.decoded, self.threads = [], set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        time.sleep(self.delay)
        self.decoded.append(index)
        self.threads.add(threading.get_ident())
        if index in self.bad:
            raise UnreadableImage("the pixel data ends early")
        return np.full(SHAPE, 10 * index % 250, dtype=np.uint8)


@pytest.fixture
def bar(qtbot):
    made = CineBar()
    qtbot.addWidget(made)
    return made


def test_hidden_for_a_single_image(bar, phantom):
    bar.set_session(phantom())
    assert not bar.isVisibleTo(bar.parentWidget())
    bar.set_session(phantom(count=5))
    assert bar.isVisible()
    bar.set_session(None)
    assert not bar.isVisible()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_bar_has_a_ground_of_its_own_below_the_dark_image(qtbot, qapp, phantom, name):
    ground = QWidget()
    ground.setObjectName("canvasGround")
    ground.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    made, rest = CineBar(), QWidget()
    stack_up(ground, rest, made, stretch=rest)
    qtbot.addWidget(ground)
    theme.apply(qapp, name)
    try:
        made.set_session(phantom(count=5))
        ground.resize(600, 200)
        ground.show()
        picture = ground.grab().toImage()
        assert picture.pixelColor(3, made.geometry().center().y()) == QColor(theme.tokens().panel)
        assert picture.pixelColor(3, 5) != QColor(theme.tokens().panel)
    finally:
        theme.apply(qapp, "dark")


def test_buttons_and_slider_move_the_frame(qtbot, bar, phantom):
    session = phantom(count=5)
    bar.set_session(session)
    bar.last()
    assert session.frame == 4
    assert bar._label.text() == "Frame 5 / 5"
    bar.previous()
    bar.previous()
    assert session.frame == 2
    bar.next()
    assert session.frame == 3
    bar.first()
    assert session.frame == 0
    bar._slider.setValue(2)
    assert session.frame == 2
    session.set_frame(4)
    assert bar._slider.value() == 4
    qtbot.mouseClick(bar._strip, Qt.MouseButton.LeftButton, pos=bar._strip.rect().center())
    assert session.frame == 2


def test_playing_decodes_off_the_gui_thread_and_repeats(qtbot, bar, canvas, phantom):
    frames = SlowFrames(8)
    session = phantom(frames=frames, frame_rate=200.0)
    canvas.set_session(session)
    bar.set_session(session)
    seen = []
    session.frame_changed.connect(seen.append)
    bar.toggle()
    assert bar.playing
    qtbot.waitUntil(lambda: len(seen) >= 12, timeout=5000)
    bar.toggle()
    assert not bar.playing
    assert seen[:8] == [1, 2, 3, 4, 5, 6, 7, 0], "no frame is skipped"
    assert threading.get_ident() not in frames.threads
    assert sorted(frames.decoded) == list(range(8)), "each frame is decoded once"


def test_without_repeat_it_stops_at_the_end(qtbot, bar, phantom):
    session = phantom(count=4, frame_rate=200.0)
    bar.set_session(session)
    bar._repeat.setChecked(False)
    bar.set_playing(True)
    qtbot.waitUntil(lambda: not bar.playing)
    assert session.frame == 3


def test_the_speed_comes_from_the_file(bar, phantom):
    bar.set_session(phantom(count=4, frame_rate=40.0))
    assert bar._timer.interval() == 25
    bar._speed.setCurrentIndex(1)
    assert bar._timer.interval() == 50


def test_the_wheel_steps_frames_and_ctrl_wheel_zooms(canvas, phantom, mouse):
    session = phantom(count=5)
    canvas.set_session(session)
    zoom = canvas.zoom
    mouse.wheel(80, 60, -2)
    assert session.frame == 2
    assert canvas.zoom == zoom
    mouse.wheel(80, 60, 1, Qt.KeyboardModifier.ControlModifier)
    assert session.frame == 2
    assert canvas.zoom > zoom


def test_tools_wait_until_the_frame_is_there(qtbot, canvas, phantom, mouse):
    session = phantom(frames=SlowFrames(10, delay=0.05))
    canvas.set_session(session)
    canvas.set_tool("brush")
    assert not canvas.ready
    mouse.drag((20, 20), (30, 20))
    assert session.undo.count() == 0
    qtbot.waitUntil(lambda: canvas.ready)
    mouse.drag((20, 20), (30, 20))
    assert session.undo.count() == 1


def test_a_bad_frame_is_named_and_the_others_go_on(qtbot, canvas, phantom):
    session = phantom(frames=SlowFrames(5, bad=(2,)))
    canvas.set_session(session)
    session.set_frame(2)
    qtbot.waitUntil(lambda: "ends early" in canvas._message)
    session.set_frame(3)
    qtbot.waitUntil(lambda: canvas.ready)
    assert canvas._message == ""


def test_wishes_nobody_has_any_more_are_dropped(qtbot):
    frames = SlowFrames(100, delay=0.02)
    loader = FrameLoader(frames)
    for index in range(0, 90, 10):
        loader.want(index, ahead=5)
    with qtbot.waitSignal(loader.loaded, check_params_cb=lambda i: i == 80):
        pass
    assert len(frames.decoded) <= 4


def test_the_cache_keeps_within_its_bytes(qtbot, monkeypatch):
    monkeypatch.setattr("busi_viewer.gui.frames.CACHE_BYTES", 3 * SHAPE[0] * SHAPE[1])
    loader = FrameLoader(SlowFrames(10))
    for index in range(6):
        with qtbot.waitSignal(loader.loaded):
            loader.want(index)
    assert [loader.peek(i) is not None for i in range(6)] == [False] * 3 + [True] * 3


def test_an_unexpected_failure_is_logged_without_the_words_it_carries(qtbot, caplog):
    class Leaking(SlowFrames):
        def __getitem__(self, index):
            raise RuntimeError("Doe^Jane")

    loader = FrameLoader(Leaking(3))
    with caplog.at_level("ERROR", logger="busi_viewer"), qtbot.waitSignal(loader.failed) as failed:
        loader.want(1)
    assert "Doe" not in failed.args[1]
    assert "RuntimeError" in caplog.text
    assert "Doe" not in caplog.text
