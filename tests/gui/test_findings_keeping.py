"""Findings in the window: each change one undo item, kept at once with its reason, there again after restart and kill -9."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from window_kit import open_and_wait, window, write_image

from busi_viewer import bootstrap
from busi_viewer.core.findings import Findings, LesionFindings, to_json
from busi_viewer.workflow import casework

HERE, ROOT = Path(__file__).parent, Path(bootstrap.__file__).parents[1]
OVAL = Findings(lesions=(LesionFindings(1, 0, (50, 30, 60, 60), {"shape": ("oval",)}),))


@pytest.fixture
def study(tmp_path):
    return write_image(tmp_path / "study" / "us1.png").parent


def audit(made):
    made.keeping.flush(5.0)
    found = []
    made.keeping.run(lambda store: found.extend(store.audit.rows()), lambda _none: None)
    made.keeping._pool.waitForDone()
    return [(row.field, row.old, row.new, row.reason) for row in reversed(found) if row.action == "findings"]


def test_each_change_is_one_undo_item_and_kept_with_its_reason(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        session.set_findings(OVAL, "Shape", "proposed was irregular")
        session.set_findings(OVAL, "Shape")
        session.set_findings(replace(OVAL, assessment="3"), "Assessment")
        assert session.undo.count() == 2
        session.undo.undo()
        assert session.document.findings == OVAL
        assert [row for row in audit(made) if row[0] not in ("schema", "lexicon")] == [
            ("lesions.1.frame", "", "0", "proposed was irregular"),
            ("lesions.1.place", "", "[50,30,60,60]", "proposed was irregular"),
            ("lesions.1.shape", "", '["oval"]', "proposed was irregular"),
            ("assessment", "", '"3"', ""),
            ("assessment", '"3"', "", "undone"),
        ]
        assert made.reading.desk.unexported() == 0


def test_typing_on_is_one_undo_item_until_something_else_is_done(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        for text in ("Lu", "Lump", "Lump, left"):
            session.set_findings(replace(session.document.findings, history=text), "History", text="history")
        assert session.undo.count() == 1
        session.set_findings(replace(session.document.findings, impression="Cyst"), "Impression", text="impression")
        session.set_findings(replace(session.document.findings, history="Lump"), "History", text="history")
        assert session.undo.count() == 3
        for _ in range(3):
            session.undo.undo()
        assert session.document.findings == Findings()
        assert not session.document.described


def test_typing_without_a_pause_is_kept_while_it_goes_on(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        form = made.result.findings.texts
        field = form.fields["history"]
        typed = ""
        for letter in "a long history, typed without any pause " * 20:
            QTest.keyClick(field, letter)
            typed += letter
            qtbot.wait(20)
            if made.keeping._store.versions(made.reading.image, "findings"):
                break
        else:
            pytest.fail("nothing was kept while typing went on")
        QTest.keyClick(field, "!")
        form.commit()
        assert field.toPlainText() == f"{typed}!", "what is kept meanwhile moves no letter"
        assert made.reading.session.document.findings.history == field.toPlainText()
        assert made.reading.session.undo.count() == 1


def test_findings_are_there_again_after_a_restart(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.reading.session.set_findings(OVAL, "Shape")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        assert session.document.findings == OVAL
        assert session.undo.undoText() == "Shape"
        session.undo.undo()
        assert session.document.findings == Findings()


def test_findings_that_cannot_be_read_are_said_and_stay_as_a_version(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        image = made.reading.image
    store = casework.open_store(bootstrap.services())
    store.save_field(image, "findings", {"shape": "irregular"})
    store.close()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        qtbot.waitUntil(lambda: bool(made.notices.shown()))
        notice = made.notices.shown()[0]
        assert "a part of what is kept of it could not be read; all else is shown" in notice.title
        assert "findings cannot be used" in notice.text
        made.reading.session.set_findings(OVAL, "Shape")
        made.keeping.flush(5.0)
    store = casework.open_store(bootstrap.services())
    assert [version.value for version in store.versions(image, "findings")] == [{"shape": "irregular"}, to_json(OVAL)]
    store.close()


SESSION = """
import os, sys
from dataclasses import replace
from pathlib import Path
from PySide6.QtCore import QTimer
from window_kit import services
from busi_viewer.gui import app

class Window(app.MainWindow):
    done = 0
    def __init__(self, *given):
        super().__init__(*given)
        self.hand = QTimer(self, interval=30)
        self.hand.timeout.connect(self.say)
        self.hand.start()
    def say(self):
        session = self.reading.session
        if session is None or self.reading.image is None:
            return
        self.done += 1
        session.set_findings(replace(session.document.findings, impression=f"Version {self.done}"), "Impression")
        os.write(1, f"{self.done}\\n".encode())

app.MainWindow = Window
sys.exit(app.run(services(), [Path(sys.argv[1])]))
"""


@pytest.mark.timeout(120)
def test_after_kill_9_what_was_said_a_second_ago_is_there(qtbot, qapp, study):
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(study / "us1.png")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))},
    )
    seen = []
    begun = time.monotonic()
    while time.monotonic() - begun < 60 and len([1 for at, _ in seen if at < time.monotonic() - 1]) < 5:
        seen.append((time.monotonic(), int(process.stdout.readline())))
    process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    process.wait()
    process.stdout.close()
    old = max(number for at, number in seen if at < killed - 1)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert int(made.reading.session.document.findings.impression.split()[1]) >= old
