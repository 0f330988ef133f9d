"""How long the application takes from nothing: to its window, and to a first result with an empty cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROUNDS = 3
LIMIT_S = 300.0

_WINDOW = """
import sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from busi_viewer import bootstrap, settings
from busi_viewer.gui.app import make_application
from busi_viewer.gui.window import MainWindow
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            print(time.time(), int("torch" in sys.modules), flush=True)
            watched.removeEventFilter(self)
            QTimer.singleShot(0, watched.close)
        return False
chosen = settings.load()
app = make_application(chosen)
window = MainWindow(bootstrap.services(), chosen)
watch = Watch()
window.installEventFilter(watch)
window.show()
app.exec()
"""


def to_window() -> list[float] | None:
    """Seconds from the process's start to the painted window, several times; None in a frozen application."""
    if getattr(sys, "frozen", False):
        return None
    found = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            started = time.time()  # what systems say of a process's start is up to a second off
            run = subprocess.run(
                [sys.executable, "-c", _WINDOW], env=_environment(home), capture_output=True, text=True, timeout=LIMIT_S
            )
        words = run.stdout.split()
        if not words:
            return None
        found.append(float(words[0]) - started)
    return found


def to_first_result(image: Path) -> list[tuple[float, float]]:
    """(Seconds, peak resident memory in MB) of analysing one image at the command line with an empty cache, several times."""
    command = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "busi_viewer"]
    found = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            started = time.perf_counter()
            words = [*command, "analyze", str(image), "-o", str(Path(home) / "out"), "--device", "cpu"]
            process = psutil.Popen(words, env=_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            peak = 0
            while process.poll() is None:
                peak = max(peak, _resident(process))
                time.sleep(0.01)
            found.append((time.perf_counter() - started, peak / 1e6))
    return found


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _environment(home: str) -> dict[str, str]:
    """The environment of this process, with an empty home for the application, and off the screen where there is none."""
    away = {} if os.environ.get("DISPLAY") or sys.platform != "linux" else {"QT_QPA_PLATFORM": "offscreen"}
    here = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    return {**os.environ, **here, **away, "BUSI_VIEWER_HOME": home}
