"""A crash of native code is recorded and offered once the program starts again; a killed or proper end leaves nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from window_kit import window, write_image

from busi_viewer import __version__, bootstrap
from busi_viewer.gui.crash_review import CrashReview
from busi_viewer.workflow import crashes

ROOT = Path(bootstrap.__file__).parents[1]
SECRET = "MUSTERFRAU"
SESSION = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from busi_viewer import bootstrap, logs
from busi_viewer.gui import app
logs.set_up()
original = app.MainWindow

class Window(original):
    def _on_session(self, session):
        super()._on_session(session)
        if session is not None:
            QTimer.singleShot(0, lambda: end(session.document.record.path.name, self))

def end(patient, window):
    print("shown", flush=True)
    import ctypes
    {ending}

app.MainWindow = Window
sys.exit(app.run(bootstrap.services(), [Path(sys.argv[1])]))
"""
ENDINGS = {
    "segfault": ("ctypes.string_at(0)", -signal.SIGSEGV),
    "abort in a thread": ("threading.Thread(target=ctypes.CDLL(None).abort).start()", -signal.SIGABRT),
    "kill": ("__import__('os').kill(__import__('os').getpid(), 9)", -signal.SIGKILL),
    "proper": ("window.close()", 0),
    "asked by the system": (
        "__import__('subprocess').Popen(f'sleep 0.5; kill {__import__(\"os\").getpid()}', shell=True)",
        0,
    ),
}


def run_session(ending, image):
    return subprocess.run(
        [sys.executable, "-c", SESSION.replace("{ending}", ending), str(image)],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("name", ENDINGS)
def test_only_a_crash_leaves_a_record_and_it_names_no_patient(qtbot, qapp, tmp_path, own_home, monkeypatch, name):
    ending, code = ENDINGS[name]
    done = run_session(ending, write_image(tmp_path / f"{SECRET}.png"))
    assert (done.returncode, done.stdout) == (code, b"shown\n"), done.stderr
    with window(qtbot, qapp) as made:
        review = CrashReview(made.notices, made)
        review.offer()
        if code in (0, -signal.SIGKILL):
            assert not [notice for notice in made.notices.shown() if "crashed" in notice.title]
            assert list(crashes.folder().glob("*")) == []
            return
        notice = next(notice for notice in made.notices.shown() if "crashed" in notice.title)
        text = notice._details.toPlainText()
        assert f"busi_viewer {__version__}" in text
        assert "Fatal Python error" in text
        assert "PySide6-Essentials 6" in text
        assert SECRET not in text
        target = tmp_path / "record.txt"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
        if name == "segfault":
            notice.answers[0].click()
            assert target.read_text(encoding="utf-8") == text
        else:
            notice.answers[1].click()
        assert not [notice for notice in made.notices.shown() if "crashed" in notice.title]
    assert crashes.records() == []


def test_a_record_of_a_running_window_is_left_alone(own_home):
    crashes.folder().mkdir(parents=True)
    running = crashes.folder() / f"{os.getpid()}-1.txt"
    running.write_text("busi_viewer", encoding="utf-8")
    assert crashes.records() == []
    assert running.exists()
