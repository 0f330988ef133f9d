"""A batch in the background: counts, failures, pause, cancel, and closing while it runs."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog
from window_kit import ThresholdEngine, open_and_wait, window, write_image

from busi_viewer.core.edits import MaskEdit
from busi_viewer.gui import dialogs
from busi_viewer.gui.calm import CALM_MS
from busi_viewer.gui.controls import KeyButton
from busi_viewer.gui.worklist_parts import BatchFoot


@pytest.fixture
def study(tmp_path):
    for i in range(6):
        write_image(tmp_path / "study" / f"us{i + 1}.png", seed=i)
    return tmp_path / "study"


def test_a_batch_analyses_everything_and_counts_what_failed(qtbot, qapp, study):
    (study / "us4.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        batch = made.reading.batch
        assert batch.active
        qtbot.waitUntil(lambda: not batch.active, timeout=15000)
        assert (batch.total, batch.done, batch.failed) == (6, 6, 1)
        states = [item.status for item in made.model.items]
        assert states.count("Analysed") == 5
        assert states[3] == "Failed"
        assert any("5 images analysed, 1 failed" in notice.title for notice in made.notices.shown())
        assert made.reading.session.document.result is not None, "the image in view has its result too"
        made.worklist.go_next()
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == made.worklist.current())
        assert made.reading.session.document.result is not None, "results of the batch are there when opened"


def test_the_list_does_not_grow_under_a_moving_mouse_when_the_batch_ends(qtbot, qapp, study, monkeypatch):
    way = iter(range(10_000))
    monkeypatch.setattr("busi_viewer.gui.calm.QCursor.pos", lambda: QPoint(next(way), 0))
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        foot, batch = made.findChild(BatchFoot), made.reading.batch
        assert not foot.isVisible()
        made.actions_["analyse_all"].trigger()
        assert foot.isVisible()
        qtbot.waitUntil(lambda: batch.done > 0 and foot.height() == foot.sizeHint().height(), timeout=5000)
        height = made.worklist.view.height()
        qtbot.waitUntil(lambda: not batch.active, timeout=15000)
        qtbot.wait(CALM_MS + 200)
        assert made.worklist.view.height() == height, "the mouse moves: a click may be on its way"
        assert not any(button.isEnabled() for button in foot.findChildren(KeyButton))
        monkeypatch.setattr("busi_viewer.gui.calm.QCursor.pos", lambda: QPoint(5, 5))
        qtbot.waitUntil(lambda: not foot.isVisible(), timeout=3000)


class Lost(ThresholdEngine):
    """Goes over to the CPU at its third image, as the real one does when its device fails."""

    def analyse(self, record, *given, **options):
        if len(self.seen) < 2:
            return super().analyse(record, *given, **options)
        fails, self.device = self.device != "cpu", "cpu"
        result = super().analyse(record, *given, **options)
        return replace(result, warnings=("The device cuda:0 failed; the CPU computes from now on.",) if fails else ())


def test_a_batch_goes_on_when_the_device_fails_and_says_so(qtbot, qapp, study):
    with window(qtbot, qapp, Lost(device="cuda:0")) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        assert [item.status for item in made.model.items] == ["Analysed"] * 6
        notice = next(one for one in made.notices.shown() if "failed" in one.title)
        assert "CPU computes from now on" in notice.text
        results = [made.reading.results.get(item.path) for item in made.model.items]
        assert [result.device for result in results] == ["cuda:0"] * 2 + ["cpu"] * 4
        assert [len(result.warnings) for result in results] == [0, 0, 1, 0, 0, 0]


def test_reading_goes_on_and_the_image_in_view_goes_first(qtbot, qapp, study):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: bool(engine.seen))
        made.worklist.select(study / "us6.png")
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == study / "us6.png")
        made.actions_["analyse"].trigger()
        gate.set()
        batch = made.reading.batch
        qtbot.waitUntil(lambda: not batch.active, timeout=15000)
        assert engine.seen[1] == study / "us6.png"
        assert len(engine.seen) == 6, "what the reader asked for is not done twice"
        assert batch.done == batch.total == 6


def test_pause_stops_new_files_and_cancel_leaves_the_rest_new(qtbot, qapp, study):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        batch = made.reading.batch
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: bool(engine.seen))
        made.actions_["pause"].trigger()
        gate.set()
        qtbot.waitUntil(lambda: made.lane.current is None)
        qtbot.wait(100)
        paused_at = batch.done
        assert batch.active
        assert paused_at < 6
        made.actions_["cancel_all"].trigger()
        assert not batch.active
        states = [item.status for item in made.model.items]
        assert states.count("Analysed") == paused_at
        assert states.count("New") == 6 - paused_at


def test_closing_during_a_batch_is_quick_and_clean(qtbot, qapp, study):
    engine = ThresholdEngine(gate=threading.Event())
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: bool(engine.seen))
        begun = time.perf_counter()
        assert made.close()
        assert time.perf_counter() - begun < 3.0
        assert not made.isVisible()


def test_closing_asks_before_outlines_are_lost(qtbot, qapp, study, monkeypatch, held_store):
    asked = []

    def answer(self):
        asked.append(self)
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(dialogs.CloseDialog, "exec", answer)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert made.reading.desk.unexported() == 0
        made.reading.session.apply(MaskEdit(0, (5, 5, 25, 20), np.ones((15, 20), bool), "Brush"))
        assert not made.close()
        assert made.isVisible()
        assert len(asked) == 1
        assert "1 image carries" in asked[0].findChildren(dialogs.label("").__class__)[0].text()


def test_images_whose_work_is_not_kept_are_never_put_away(qtbot, qapp, tmp_path, held_store):
    for i in range(24):
        write_image(tmp_path / f"us{i:02}.png", seed=i)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path)
        first = made.reading.session
        first.apply(MaskEdit(0, (5, 5, 25, 20), np.ones((15, 20), bool), "Brush"))
        for _ in range(23):
            made.worklist.go_next()
            qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == made.worklist.current())
        assert len(made.reading._sessions) < 16
        made.worklist.select(tmp_path / "us00.png")
        assert made.reading.session is first
