"""The window and its case store: work is there again after a restart and a kill, and where it is not kept the reader knows."""

import csv
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image
from window_session import stroke

from busi_viewer import bootstrap
from busi_viewer.core.callipers import Calibration, Calliper, Kind
from busi_viewer.gui import dialogs
from busi_viewer.workflow import casework

HERE, ROOT = Path(__file__).parent, Path(bootstrap.__file__).parents[1]


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45, None)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def titles(made):
    return [notice.title for notice in made.notices.shown()]


def told(qtbot, made, words):
    """Wait for a notice that holds these words."""
    qtbot.waitUntil(lambda: any(words in title for title in titles(made)), timeout=8000)
    return next(notice for notice in made.notices.shown() if words in notice.title)


def test_result_outline_and_undo_history_are_there_again_after_a_restart(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session = made.reading.session
        session.accept()
        session.apply(stroke(1))
        session.apply(stroke(2))
        session.undo.undo()
        states = [session.document.reader_mask(0).copy()]
        result = session.document.result
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        assert titles(made) == [], "a proper end leaves nothing to recover"
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        assert np.array_equal(session.document.reader_mask(0), states[0])
        again = session.document.result
        assert again.model == result.model
        assert np.array_equal(again.frame(0).mask, result.frame(0).mask)
        assert again.frame(0).probabilities == result.frame(0).probabilities
        item = made.model.item(study / "us1.png")
        assert (item.status, item.summary) == ("Edited", "Malignant 80 %")
        assert (session.undo.count(), session.undo.index()) == (3, 2)
        assert made.actions_["undo"].text() == "Undo: Stroke 1"
        made.actions_["redo"].trigger()
        assert session.document.reader_mask(0)[15:25, 19:29].all()
        for _ in range(3):
            made.actions_["undo"].trigger()
        assert session.document.is_proposal(0)
        assert not made.actions_["undo"].isEnabled()
        made.actions_["redo"].trigger()
        assert engine.seen == [], "a kept estimate is not made again"
        assert made.reading.desk.unexported() == 0
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        assert (session.undo.count(), session.undo.index()) == (3, 1), "undoing is kept too"
        assert np.array_equal(session.document.reader_mask(0), result.frame(0).mask)


def test_callipers_and_the_readers_calibration_are_there_again_after_a_restart(qtbot, qapp, study):
    item = Calliper(Kind.LENGTH, ((10.25, 20.0), (40.0, 60.5)), name="Length 1")
    scale = Calibration(((0.0, 0.0), (0.0, 50.0)), 10.0)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.reading.session.set_callipers([item], "Length")
        made.reading.session.set_calibration(scale, "Calibrate")
        start = time.monotonic()
        assert made.keeping.flush(1.0), "kept within a second"
        assert time.monotonic() - start < 1.0
        assert made.reading.desk.unexported() == 0
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        document = made.reading.session.document
        assert (document.callipers, document.calibration) == ((item,), scale)
        assert document.record.spacing_mm == (0.2, 0.2)


def test_the_worklist_shows_what_is_kept_before_anything_is_opened(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: made.reading.session is not None)
        made.reading.session.accept()
    write_image(study / "us4.png", seed=9)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        qtbot.waitUntil(lambda: made.model.items[2].analysed, timeout=8000)
        assert [item.status for item in made.model.items] == ["Analysed", "Edited", "Analysed", "New"]
        assert [item.summary.split()[0] for item in made.model.items] == ["Malignant", "Benign", "Normal", "Not"]
        counts = made.model.counts()
        assert (counts["New"], counts["Analysed"], counts["Edited"]) == (1, 3, 1)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        assert made.reading.batch.total == 1, "what is analysed is not analysed again"


@pytest.mark.timeout(180)
def test_after_kill_9_everything_committed_is_there_and_it_is_said_once(qtbot, qapp, study, own_home):
    image = study / "us1.png"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "window_session.py"), str(image)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))},
    )
    lines = []
    while not lines or lines[-1] != b"kept 18\n":
        lines.append(process.stdout.readline())
        assert lines[-1], "the window ended by itself"
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    done = max(int(line.split()[1]) for line in lines if line.startswith(b"did"))
    kept = max(int(line.split()[1]) for line in lines if line.startswith(b"kept"))

    with window(qtbot, qapp) as made:
        notice = told(qtbot, made, "Recovered")
        assert "1 image" in notice.title
        recovered = int(re.search(r"Recovered: (\d+) change", notice.title)[1])
        assert kept <= recovered <= done + 1
        assert "not finished" in notice.text
        notice.answers[0].click()
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=8000)
        session = made.reading.session
        assert made.reading.path == image
        strokes = []
        for number in range(1, recovered + 1):
            if number % 5 == 4:
                gone = strokes.pop()
            else:
                strokes.append(number)
        expected = np.zeros(session.document.record.shape, bool)
        for number in strokes:
            stroke(number).apply(expected)
        assert np.array_equal(session.document.reader_mask(0), expected)
        assert session.undo.index() == len(strokes)
        assert session.undo.undoText() == f"Stroke {strokes[-1]}"
        assert gone
        qtbot.waitUntil(lambda: made.keeping._store.recovery is None, timeout=5000)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        assert titles(made) == []


def test_a_second_window_says_that_it_keeps_nothing_and_keeps_all_once_it_can(
    qtbot, qapp, study, held_store, monkeypatch
):
    asked = []
    monkeypatch.setattr(dialogs.CloseDialog, "exec", lambda self: asked.append(self) or QDialog.DialogCode.Rejected)
    with window(qtbot, qapp) as made:
        notice = told(qtbot, made, "open in another window")
        assert "not kept" in notice.text
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        session.apply(stroke(1))
        analyse_and_wait_over_outline(qtbot, made)
        session.apply(stroke(2))
        session.undo.undo()
        assert made.reading.desk.unexported() == 1
        assert not made.close()
        assert made.isVisible()
        assert len(asked) == 1
        notice.answers[0].click()
        told(qtbot, made, "open in another window")
        assert not made.keeping.writable
        held_store.close()
        made.keeping.retry()
        told(qtbot, made, "kept again")
        assert not any("open in another window" in notice.title for notice in made.notices.shown())
        qtbot.waitUntil(lambda: made.reading.desk.unexported() == 0, timeout=8000)
        mask = session.document.reader_mask(0).copy()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        assert np.array_equal(session.document.reader_mask(0), mask)
        assert (session.undo.count(), session.undo.index()) == (2, 1)
        assert session.document.result is not None


def analyse_and_wait_over_outline(qtbot, made):
    made.actions_["analyse"].trigger()
    next(n for n in made.notices.shown() if n.answers and "outline" in n.title).answers[0].click()
    qtbot.waitUntil(
        lambda: made.reading.stage is None and made.reading.session.document.result is not None, timeout=8000
    )


def test_a_folder_that_cannot_be_written_is_said_and_reading_goes_on(qtbot, qapp, study, own_home):
    (own_home / "data").mkdir()
    (own_home / "data" / "cases").write_text("in the way")
    with window(qtbot, qapp) as made:
        notice = told(qtbot, made, "case store cannot be written")
        assert "BUSI_VIEWER_HOME" in notice.text
        assert "not kept" in notice.text
        open_and_wait(qtbot, made, study)
        made.reading.session.apply(stroke(1))
        assert made.reading.desk.unexported() == 1
        made.actions_["audit_page"].trigger()
        qtbot.waitUntil(lambda: "not open" in made.audit.outcome.text())


READ_ONLY = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from window_kit import services
from busi_viewer import logs
from busi_viewer.gui import app

logs.set_up()

class Window(app.MainWindow):
    def _on_session(self, session):
        super()._on_session(session)
        if session is not None:
            QTimer.singleShot(300, self.look)
    def look(self):
        self.actions_["analyse"].trigger()
        QTimer.singleShot(1500, self.leave)
    def leave(self):
        print([n.title for n in self.notices.shown()])
        print(self.reading.session.document.result is not None)
        self.close()

app.MainWindow = Window
sys.exit(app.run(services(), [Path(sys.argv[1])]))
"""


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_home_that_cannot_be_written_still_shows_and_analyses(tmp_path, study):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if bound and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv to give up root's right to write everywhere")
    env = {**os.environ, "HOME": str(home), "BUSI_VIEWER_HOME": str(home / "busi"), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTHONPATH"] = os.pathsep.join((str(HERE), str(ROOT)))
    words = [*bound, sys.executable, "-c", READ_ONLY, str(study / "us1.png")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    shown, analysed = done.stdout.splitlines()
    assert "case store cannot be written" in shown
    assert analysed == "True"
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_said_nothing_is_lost_and_all_is_saved_when_there_is_room(qtbot, qapp, study, monkeypatch):
    asked = []
    monkeypatch.setattr(dialogs.CloseDialog, "exec", lambda self: asked.append(self) or QDialog.DialogCode.Rejected)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        session.apply(stroke(1))
        assert made.keeping.flush(5)
        connection = made.keeping._store._db._connection
        full = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {full}")
        for number in range(2, 60):
            session.apply(stroke(number))
        notice = told(qtbot, made, "disk is full")
        assert "stays in memory" in notice.text
        waiting = made.keeping.pending
        assert waiting > 0
        assert not made.close(), "closing would lose what waits"
        assert "not saved yet" in asked[0].findChildren(dialogs.label("").__class__)[0].text()
        connection.execute("PRAGMA max_page_count = 1000000")
        told(qtbot, made, "saved again")
        assert not any("disk is full" in notice.title for notice in made.notices.shown())
        assert made.keeping.flush(10)
        mask = session.document.reader_mask(0).copy()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert np.array_equal(made.reading.session.document.reader_mask(0), mask)
        assert made.reading.session.undo.count() == 59


def test_moved_and_changed_files_are_told(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.reading.session.apply(stroke(1))
        mask = made.reading.session.document.reader_mask(0).copy()
    moved = study / "elsewhere" / "us1.png"
    moved.parent.mkdir()
    shutil.move(study / "us1.png", moved)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, moved)
        assert np.array_equal(made.reading.session.document.reader_mask(0), mask)
        told(qtbot, made, "us1.png has moved; your work came with it")
        write_image(moved, dark=80, seed=77)
        made.keeping.check_file(moved, made.reading.image)
        notice = told(qtbot, made, "changed on the disk")
        notice.answers[0].click()
        told(qtbot, made, "changed since it was opened last")
        assert made.reading.session.document.reader_mask(0) is None, "the other content carries no outline"
        assert made.model.item(moved).status == "New"
        moved.rename(moved.with_name("renamed.png"))
        made.keeping.check_file(moved, made.reading.image)
        told(qtbot, made, "has moved to")


def test_work_on_a_copy_of_an_image_already_worked_on_is_refused_clearly(qtbot, qapp, study):
    shutil.copy(study / "us1.png", study / "us1b.png")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        qtbot.waitUntil(lambda: study / "us1b.png" in made.reading._sessions, timeout=8000)
        made.reading.session.apply(stroke(1))
        made.worklist.select(study / "us1b.png")
        qtbot.waitUntil(lambda: made.reading.session is not None)
        made.reading.session.apply(stroke(2))
        told(qtbot, made, "is a copy of us1.png")
        assert made.reading.desk.unexported() == 1
        assert made.keeping.flush(5)
        assert made.keeping._store.check() == []


def test_kept_images_are_put_away_and_come_back_whole(qtbot, qapp, tmp_path):
    for i in range(24):
        write_image(tmp_path / f"us{i:02}.png", seed=i)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path)
        first = made.reading.path
        made.reading.session.apply(stroke(1))
        for _ in range(23):
            made.worklist.go_next()
            qtbot.waitUntil(
                lambda: made.reading.session is not None and made.reading.path == made.worklist.current(), timeout=8000
            )
        assert first not in made.reading._sessions
        made.worklist.select(first)
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=8000)
        assert made.reading.session.document.reader_mask(0)[10:20, 12:22].all()
        assert made.actions_["undo"].isEnabled()
        made.clear_list()
        assert made.model.rowCount() == 0, "what is kept need not stay in the list"


def test_the_audit_log_is_read_filtered_verified_and_exported(qtbot, qapp, study, tmp_path, monkeypatch, own_home):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session = made.reading.session
        session.accept()
        session.apply(stroke(1))
        session.undo.undo()
        assert made.keeping.flush(5)
        page = made.audit
        made.actions_["audit_page"].trigger()
        assert made.pages.currentWidget() is page
        qtbot.waitUntil(lambda: page.model.rowCount() > 0, timeout=8000)
        assert not made.actions_["brush"].isEnabled(), "keys of the image rest while it is not in view"
        first = [page.model.index(0, column).data() for column in range(8)]
        assert first[2:5] == ["Undo", "us1.png", "outline of frame 1"]
        assert first[5].endswith(" px")
        assert "sha256" in page.model.index(0, 5).data(Qt.ItemDataRole.ToolTipRole)
        page.action.setCurrentText("Analyses")
        qtbot.waitUntil(lambda: page.model.rowCount() == 1, timeout=8000)
        page.action.setCurrentText("Everything")
        page.search.setText("us1.png")
        qtbot.waitUntil(lambda: page.model.rowCount() == 5, timeout=8000)
        assert {row.image for row in page.model.rows} == {session.document.record.sha256}
        page.search.clear()
        page.verify.click()
        qtbot.waitUntil(lambda: page.outcome.text().startswith("Intact"), timeout=8000)
        target = tmp_path / "log.csv"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
        page.export.click()
        told(qtbot, made, "Saved log.csv")
        rows = list(csv.DictReader(target.open(encoding="utf-8")))
        assert {"outline", "undo", "analysis", "image added"} <= {row["action"] for row in rows}
        made.actions_["review_page"].trigger()
        assert made.pages.currentWidget() is made.review
        assert made.actions_["brush"].isEnabled()
    connection = sqlite3.connect(own_home / "data" / "cases" / "cases.sqlite3")
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("UPDATE audit SET new = '1 px' WHERE action = 'outline'")
    connection.commit()
    connection.close()
    with window(qtbot, qapp) as made:
        made.actions_["audit_page"].trigger()
        made.audit.verify.click()
        qtbot.waitUntil(lambda: "was changed" in made.audit.outcome.text(), timeout=8000)
        assert made.audit.outcome.text().startswith("Not intact")


def test_a_long_audit_log_is_read_page_by_page(qtbot, qapp, own_home):
    store = casework.open_store(bootstrap.services())
    for number in range(900):
        store.set_setting("counter", number)
    store.close()
    with window(qtbot, qapp) as made:
        made.actions_["audit_page"].trigger()
        model = made.audit.model
        qtbot.waitUntil(lambda: model.rowCount() > 0, timeout=8000)
        assert model.rowCount() == 400
        made.audit.table.scrollToBottom()
        qtbot.waitUntil(lambda: model.rowCount() >= 800, timeout=8000)
        made.audit.table.scrollToBottom()
        qtbot.waitUntil(lambda: model.complete, timeout=8000)
        numbers = [row.number for row in model.rows]
        assert numbers == list(range(numbers[0], 0, -1))


def test_a_neighbour_read_ahead_is_not_in_the_audit_trail_until_it_is_shown(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        near = study / "us2.png"
        qtbot.waitUntil(lambda: near in made.reading.desk.open, timeout=8000)
        assert added(made) == ["us1.png"]
        made.worklist.select(near)
        qtbot.waitUntil(lambda: made.reading.image is not None, timeout=8000)
        assert added(made) == ["us1.png", "us2.png"]
        made.reading.session.apply(stroke(1))
        assert made.keeping.flush(5.0)
        assert made.reading.desk.only_here() == set()


def added(made):
    rows = made.keeping._store.audit.rows()
    return sorted(Path(row.new).name for row in rows if row.action == "image added")
