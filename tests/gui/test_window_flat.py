"""Switching images for hours while analyses run: memory stays flat, and closing leaves no thread and no timer behind.

BUSI_VIEWER_SWITCHES=1000 is the long version.
"""

import gc
import os
import threading

import numpy as np
import psutil
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QThread, QTimer
from window_kit import ThresholdEngine, open_and_wait, window, write_image

from busi_viewer.core.callipers import Calliper, Kind
from busi_viewer.gui.app import give_memory_back
from busi_viewer.gui.desk import SPARE_SESSIONS
from busi_viewer.gui.session import Session

SWITCHES = int(os.environ.get("BUSI_VIEWER_SWITCHES", "30"))
WARM = 20
"""Switches before memory is looked at: by then every cache of the window is full."""
SHAPE, FILES = (512, 640), 16
MOST_MB = 20.0
"""Growth allowed over all switches; one analysis kept for each of 30 switches would be 60 MB."""


@pytest.fixture
def study(tmp_path):
    for i in range(FILES):
        write_image(tmp_path / "study" / f"us{i:02}.png", dark=(20, 45)[i % 2], seed=i, shape=SHAPE)
    return tmp_path / "study"


def megabytes():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def switch(qtbot, made, number):
    """Go on to another image as soon as it is shown, with its analysis under way; sometimes draw and measure first."""
    made.worklist.select(made.model.items[(5 * number) % FILES].path)
    qtbot.waitUntil(
        lambda: made.reading.session is not None and made.reading.path == made.worklist.current(), timeout=8000
    )
    session = made.reading.session
    made.actions_["analyse"].trigger()
    if number % 5 == 0:
        session.set_callipers([Calliper(Kind.LENGTH, ((10, 10), (50, number % 90 + 20)))], "Length")
    if number % 7 == 0:
        qtbot.waitUntil(lambda: made.reading.stage is None, timeout=8000)
        made.canvas.grab_view()


def sessions():
    return [each for each in gc.get_objects() if isinstance(each, Session) and shiboken6.isValid(each)]


@pytest.mark.timeout(120 + 3 * SWITCHES)
def test_memory_is_flat_over_image_switches_with_analyses_running(qtbot, qapp, study):
    give_memory_back()
    engine = ThresholdEngine()
    before = set(threading.enumerate())
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        for number in range(WARM):
            switch(qtbot, made, number)
        start, figures = megabytes(), []
        for number in range(SWITCHES):
            switch(qtbot, made, number)
            if number % 10 == 9:
                figures.append(megabytes() - start)
        assert len(engine.seen) > SWITCHES // 4, "analyses ran meanwhile"
        assert np.median(figures[-3:]) < MOST_MB, [round(mb, 1) for mb in figures]
        assert made.keeping.flush(20), "all is kept"
        for number in range(1, 4):
            assert made.keeping.flush(20), "what is being written keeps its session"
            switch(qtbot, made, number)
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        assert len(sessions()) <= SPARE_SESSIONS + 4, "those not needed are put away"
    timers = [each for each in gc.get_objects() if isinstance(each, QTimer) and shiboken6.isValid(each)]
    assert not [each for each in timers if each.isActive() and not each.isSingleShot()], "a timer goes on"
    threads = [each for each in gc.get_objects() if isinstance(each, QThread) and shiboken6.isValid(each)]
    assert not [each for each in threads if each is not qapp.thread() and each.isRunning()], "a Qt thread goes on"
    left = [each for each in threading.enumerate() if each not in before and not each.daemon]
    assert not left, left
