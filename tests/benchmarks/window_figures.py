"""Figures of the real window with the real model: ``python tests/benchmarks/window_figures.py FOLDER [-o FILE]``.

Measured in a process of its own on the display at hand: seconds from the process's start to the painted window (torch must not be
loaded then), from the request to the first result (with the engine still to load), the time of switching to the next image
while a batch runs (until its pixels are painted), and resident memory at each of these moments.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil


def _megabytes() -> float:
    return round(psutil.Process().memory_info().rss / 2**20, 1)


def _run_until(app: Any, done: Any, seconds: float) -> float:
    """Let the application work until ``done()``; the seconds that took. Raises TimeoutError."""
    begun = time.perf_counter()
    while not done():
        if time.perf_counter() - begun > seconds:
            raise TimeoutError
        app.processEvents()
    return time.perf_counter() - begun


def measure(folder: Path, switches: int, started: float) -> dict[str, Any]:
    """All figures as one dictionary; ``started`` is when the process was started (seconds since the epoch)."""
    from PySide6.QtCore import QEvent, QObject

    from busi_viewer import bootstrap, settings
    from busi_viewer.gui.app import make_application
    from busi_viewer.gui.window import MainWindow

    chosen = settings.load()
    app = make_application(chosen)
    window = MainWindow(bootstrap.services(), chosen)
    painted: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                painted.append("x")
            return False

    watch = Watch()
    window.installEventFilter(watch)
    window.show()
    _run_until(app, lambda: bool(painted), 20)
    app.processEvents()
    figures: dict[str, Any] = {
        "start_to_painted_s": round(time.time() - started, 3),
        "torch_loaded_when_painted": "torch" in sys.modules,
        "memory_painted_mb": _megabytes(),
    }
    canvas_paints: list[str] = []

    class CanvasWatch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                canvas_paints.append("x")
            return False

    canvas_watch = CanvasWatch()
    for child in [window.canvas, *window.canvas.findChildren(QObject)]:
        child.installEventFilter(canvas_watch)
    window.open_paths([folder])
    _run_until(app, lambda: window.reading.session is not None, 30)
    begun = time.perf_counter()
    window.reading.analyse()
    _run_until(app, lambda: window.reading.session.document.result is not None, 120)
    figures["request_to_first_result_s"] = round(time.perf_counter() - begun, 3)
    figures["start_to_first_result_s"] = round(time.time() - started, 3)
    figures["memory_first_result_mb"] = _megabytes()

    window.reading.analyse_many([item.path for item in window.model.items])
    _run_until(app, lambda: window.lane.current is not None, 60)
    times = []
    for _ in range(switches):
        before = window.reading.session
        canvas_paints.clear()
        begun = time.perf_counter()
        window.worklist.go_next()
        _run_until(app, lambda before=before: window.reading.session not in (None, before) and bool(canvas_paints), 30)
        times.append(1000 * (time.perf_counter() - begun))
        pause = time.perf_counter()
        _run_until(app, lambda pause=pause: time.perf_counter() - pause > 0.35, 5)
    figures["batch_still_running"] = window.reading.batch.active
    times.sort()
    figures["switch_ms"] = {
        "n": len(times),
        "median": round(times[len(times) // 2], 1),
        "p95": round(times[min(len(times) - 1, int(0.95 * len(times)))], 1),
        "max": round(times[-1], 1),
    }
    figures["memory_after_batch_mb"] = _megabytes()
    window.reading.batch.cancel()
    window.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--switches", type=int, default=40)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.started is None:
        sys.exit(subprocess.run([sys.executable, *sys.argv, f"--started={time.time()}"], check=False).returncode)
    text = json.dumps(measure(arguments.folder, arguments.switches, arguments.started), indent=1)
    sys.stdout.write(text + "\n")
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
