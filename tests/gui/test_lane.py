import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QThread
from window_kit import NO_MODEL, ThresholdEngine

from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.gui.lane import AnalysisRequest, Lane


def record(name):
    frames = ArrayFrames((np.full((40, 50), 90, np.uint8),))
    return ImageRecord(Path(name), name, "png", frames, (40, 50))


class Listener(QObject):
    """Notes what the lane says, and on which thread."""

    def __init__(self, lane):
        super().__init__()
        self.events, self.threads = [], set()
        lane.started.connect(self.on_started)
        lane.finished.connect(self.on_finished)
        lane.failed.connect(self.on_failed)
        lane.cancelled.connect(self.on_cancelled)
        lane.engine_ready.connect(self.on_ready)
        lane.engine_failed.connect(self.on_engine_failed)

    def note(self, kind, value):
        self.events.append((kind, str(value)))
        self.threads.add(QThread.currentThread())

    def on_started(self, key):
        self.note("started", key)

    def on_finished(self, key, _result):
        self.note("finished", key)

    def on_failed(self, key, _problem):
        self.note("failed", key)

    def on_cancelled(self, key):
        self.note("cancelled", key)

    def on_ready(self, model, device):
        self.note("ready", f"{model.name} {device}")

    def on_engine_failed(self, problem):
        self.note("no engine", problem.what)

    def of(self, kind):
        return [value for name, value in self.events if name == kind]


@pytest.fixture
def make_lane(qapp):
    lanes = []

    def make(load):
        lane = Lane(load)
        lanes.append(lane)
        return lane, Listener(lane)

    yield make
    for lane in lanes:
        lane.close()


def test_the_engine_is_loaded_and_used_on_the_lane_and_heard_on_the_gui_thread(make_lane, qtbot, qapp):
    loaded_on = []

    def load():
        loaded_on.append(QThread.currentThread())
        return ThresholdEngine()

    lane, heard = make_lane(load)
    lane.submit(AnalysisRequest(record("a")))
    qtbot.waitUntil(lambda: heard.of("finished") == ["a"])
    assert heard.of("ready") == ["threshold cpu"]
    assert len(loaded_on) == 1
    assert loaded_on[0] is not qapp.thread()
    assert heard.threads == {qapp.thread()}


def test_an_engine_that_goes_over_to_another_device_is_told_once(make_lane, qtbot):
    class Falling(ThresholdEngine):
        def analyse(self, *given, **named):
            self.device = "cpu"
            return super().analyse(*given, **named)

    engine = Falling(device="cuda:0")
    lane, heard = make_lane(lambda: engine)
    lane.submit(AnalysisRequest(record("a")))
    lane.submit(AnalysisRequest(record("b")))
    qtbot.waitUntil(lambda: len(heard.of("finished")) == 2)
    assert heard.of("ready") == ["threshold cuda:0", "threshold cpu"]


def test_the_image_in_view_goes_ahead_of_the_batch(make_lane, qtbot):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    lane, heard = make_lane(lambda: engine)
    for name in ("b1", "b2", "b3"):
        lane.submit(AnalysisRequest(record(name), urgent=False))
    qtbot.waitUntil(lambda: engine.seen == [Path("b1")])
    lane.submit(AnalysisRequest(record("view")))
    assert lane.waiting() == (Path("view"), Path("b2"), Path("b3"))
    gate.set()
    qtbot.waitUntil(lambda: len(heard.of("finished")) == 4)
    assert heard.of("finished") == ["b1", "view", "b2", "b3"]


def test_asking_again_for_a_waiting_file_replaces_it(make_lane, qtbot):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    lane, heard = make_lane(lambda: engine)
    for name in ("a", "b", "c", "b"):
        lane.submit(AnalysisRequest(record(name), urgent=False))
    assert lane.waiting() == (Path("c"), Path("b"))
    gate.set()
    qtbot.waitUntil(lambda: heard.of("finished") == ["a", "c", "b"])


def test_cancelling_stops_the_running_one_and_the_next_goes_on(make_lane, qtbot):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    lane, heard = make_lane(lambda: engine)
    for name in ("a", "b", "c"):
        lane.submit(AnalysisRequest(record(name), urgent=False))
    qtbot.waitUntil(lambda: engine.seen == [Path("a")])
    lane.cancel(Path("b"))
    lane.cancel(Path("a"))
    qtbot.waitUntil(lambda: engine.seen == [Path("a"), Path("c")])
    gate.set()
    qtbot.waitUntil(lambda: heard.of("finished") == ["c"])
    assert heard.of("cancelled") == ["b", "a"]


def test_cancel_all_leaves_nothing(make_lane, qtbot):
    engine = ThresholdEngine(gate=threading.Event())
    lane, heard = make_lane(lambda: engine)
    for name in ("a", "b", "c"):
        lane.submit(AnalysisRequest(record(name), urgent=False))
    qtbot.waitUntil(lambda: engine.seen == [Path("a")])
    lane.cancel_all()
    qtbot.waitUntil(lambda: sorted(heard.of("cancelled")) == ["a", "b", "c"])
    assert lane.current is None
    assert lane.waiting() == ()
    assert heard.of("finished") == []


def test_a_missing_model_fails_every_request_with_one_reason(make_lane, qtbot):
    def load():
        raise NO_MODEL

    lane, heard = make_lane(load)
    for name in ("a", "b"):
        lane.submit(AnalysisRequest(record(name)))
    qtbot.waitUntil(lambda: sorted(heard.of("failed")) == ["a", "b"])
    assert heard.of("no engine") == ["no model is installed"]
    lane.warm()
    qtbot.wait(30)
    assert len(heard.of("no engine")) == 1, "warming up does not nag"


def test_an_error_in_one_analysis_is_reported_and_the_next_goes_on(make_lane, qtbot):
    class Stumbling(ThresholdEngine):
        def analyse(self, record, *args, **kwargs):
            if record.path.name == "bad":
                raise RuntimeError("SMITH^ANNA")
            return super().analyse(record, *args, **kwargs)

    engine = Stumbling()
    lane, heard = make_lane(lambda: engine)
    for name in ("bad", "good"):
        lane.submit(AnalysisRequest(record(name), urgent=False))
    qtbot.waitUntil(lambda: heard.of("finished") == ["good"])
    assert heard.of("failed") == ["bad"]


def test_closing_during_an_analysis_waits_and_says_nothing_more(make_lane, qtbot, qapp):
    engine = ThresholdEngine(gate=threading.Event())
    lane, heard = make_lane(lambda: engine)
    lane.submit(AnalysisRequest(record("a")))
    lane.submit(AnalysisRequest(record("b")))
    qtbot.waitUntil(lambda: engine.seen == [Path("a")])
    lane.close()
    qapp.processEvents()
    assert heard.of("finished") == []
    lane.submit(AnalysisRequest(record("c")))
    assert lane.waiting() == ()
    lane.close()


SHIPPED = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from busi_viewer import bootstrap, paths
from busi_viewer.gui.lane import AnalysisRequest, Lane
from busi_viewer.workflow.open import open_image
app, services = QCoreApplication([]), bootstrap.services()
lane = Lane(lambda: services.load_engine(None, "cpu"))
record = open_image(paths.resource("sample", "malignant.png"), services.sources)
left = [1, 2]
def finished(key, result):
    left.pop()
    lane.submit(AnalysisRequest(record)) if left else app.quit()
lane.finished.connect(finished)
lane.submit(AnalysisRequest(record))
QTimer.singleShot(120000, app.quit)
app.exec()
lane.close()
sys.exit(len(left))
"""


def test_the_shipped_model_answers_again_and_again_on_the_lanes_thread():
    run = subprocess.run([sys.executable, "-c", SHIPPED], check=False, timeout=150, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
