"""Figures of the real window: ``python tests/benchmarks/window_figures.py PART [DATA]`` prints one JSON object.

Every part is measured in a process of its own on the display at hand. ``window_against_napari.py`` makes the data, asks for
all of them and sets napari's beside them; ``first`` and ``batch`` need the shipped model and any folder of images.

start   seconds from the process's start to the painted window (torch must not be loaded then), and memory
paint   from a movement of the mouse with the brush down to the painted canvas, image by image
switch  from the choice of an image that is open to the painted canvas
folder  10,000 files: first thumbnails, whole list, the longest standstill while scrolling, next image
memory  what 10,000 files add to the memory of a window that has its model loaded
cine    500 frames: opening, scrubbing with and without outlines, memory
first   from the request to the first result, with the engine still to load
batch   the next image while a batch is analysed
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from timing import Peak, Screen, megabytes, summary

STROKE_MOVES = 200
SWITCHES = 60
LOOK_S = 0.5
"""How long a reader looks before the next image at least."""


class Desk:
    """The window as a reader has it, painted, and a clock on its canvas."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        from PySide6 import QtCore

        from busi_viewer import bootstrap, settings
        from busi_viewer.gui.app import make_application
        from busi_viewer.gui.window import MainWindow

        chosen = settings.load()
        self.app = make_application(chosen)
        self.window = window = MainWindow(bootstrap.services(), chosen)
        self.canvas = window.canvas
        self.whole = Screen(self.app, QtCore, window)
        self.screen = Screen(self.app, QtCore, self.canvas._view.viewport())
        if size is not None:
            window.resize(*size)
        self.whole.painted(window.show)

    def shows(self, path: Path | None = None, frame: int | None = None) -> bool:
        """Whether the canvas has an image (this one, this frame of it) to paint."""
        session = self.canvas.session
        if session is None or self.canvas.pixels is None or (path is not None and session.document.record.path != path):
            return False
        return frame is None or session.frames.peek(frame) is self.canvas.pixels

    def open(self, path: Path) -> float:
        """Open a file or folder; the milliseconds until its first image is painted."""
        return self.screen.painted(lambda: self.window.open_paths([path]), self.shows)

    def close(self) -> None:
        """Close without asking: what was drawn is not to be kept."""
        self.window.close()


def start(_data: Path, started: float) -> dict[str, Any]:
    """The window is painted: the program as it is started without words, until Qt has handled its first paint event."""
    figures: dict[str, Any] = {}
    load = importlib.import_module

    def watched(name: str) -> Any:
        """The module; its window says when it is painted, and closes."""
        module = load(name)
        if name == "busi_viewer.gui.app":
            from PySide6.QtCore import QTimer

            class Watched(module.MainWindow):
                def paintEvent(self, event: Any) -> None:
                    super().paintEvent(event)
                    if not figures:
                        figures["torch_loaded"] = "torch" in sys.modules
                        QTimer.singleShot(0, self.tell)

                def tell(self) -> None:
                    figures.update(start_s=round(time.time() - started, 3), memory_mb=round(megabytes(), 1))
                    self.close()

            module.MainWindow = Watched
        return module

    importlib.import_module = watched
    from busi_viewer import bootstrap

    bootstrap.main([])
    return figures


def paint(data: Path, _started: float) -> dict[str, Any]:
    """One long stroke on each image of the folder; the window has the size that the file's name ends with."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    figures = {}
    for path in sorted(data.glob("*.png")):
        desk = Desk(tuple(int(side) for side in path.stem.split("_in_")[1].split("x")))
        desk.open(path)
        desk.screen.rest(1.0)
        canvas, camera = desk.canvas, desk.canvas.camera
        height, width = canvas.session.document.record.shape
        canvas.set_tool("brush")
        canvas.set_brush_radius(14 * height / 768)
        viewport = canvas._view.viewport()
        middle, reach = camera.to_screen(width / 2, height / 2), 0.3 * height * camera.scale

        def send(kind: QEvent.Type, step: int, down: bool, middle=middle, reach=reach, viewport=viewport) -> None:
            at = middle + QPointF(reach * math.cos(step * 0.03), reach * math.sin(step * 0.03))
            button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
            held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
            event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(viewport, event)

        send(QEvent.Type.MouseButtonPress, 0, True)
        times = [
            desk.screen.painted(lambda step=step: send(QEvent.Type.MouseMove, step, True))
            for step in range(1, STROKE_MOVES + 1)
        ]
        ended = desk.screen.painted(lambda: send(QEvent.Type.MouseButtonRelease, STROKE_MOVES, False))
        mask = canvas.session.document.reader_mask(0)
        figures[path.stem] = {
            **summary(times),
            "release_ms": round(ended, 2),
            "painted_px": int(mask.sum()),
            "view": viewport.size().toTuple(),
        }
        canvas.session.undo.undo()
        desk.close()
    return figures


def switch(data: Path, _started: float) -> dict[str, Any]:
    """To and fro among images that are open."""
    desk = Desk((1600, 1000))
    desk.open(data)
    paths = [item.path for item in desk.window.model.items][:6]

    def go(path: Path) -> float:
        return desk.screen.painted(lambda: desk.window.worklist.select(path), lambda: desk.shows(path))

    for path in [*paths[1:], *paths]:
        go(path)
        desk.screen.rest(LOOK_S)
    times = []
    for number in range(1, SWITCHES + 1):
        times.append(go(paths[number % len(paths)]))
        desk.screen.rest(0.1)
    desk.close()
    return summary(times)


def folder(data: Path, _started: float) -> dict[str, Any]:
    """A folder of very many files, opened in a fresh window."""
    desk = Desk((1600, 1000))
    window, view = desk.window, desk.window.worklist.view
    desk.screen.rest(1.0)
    wanted = sum(1 for entry in os.scandir(data))
    begun = time.perf_counter()
    window.open_paths([data])
    listed = desk.screen.until(lambda: window.model.rowCount() == wanted)
    desk.screen.until(lambda: _visible_have_thumbnails(window))
    thumbnails = time.perf_counter() - begun
    desk.screen.rest(3.0)
    bar, stalls = view.verticalScrollBar(), []
    for step in range(401):
        value = round(bar.maximum() * step / 400)
        stalls.append(desk.screen.until(_once(lambda value=value: bar.setValue(value))) * 1000)
        desk.screen.rest(0.01)
    bar.setValue(0)
    paths = [item.path for item in window.model.items]
    looked = [_next(desk, paths[number], LOOK_S) for number in range(1, 41)]
    held = [_next(desk, paths[number], 0.0) for number in range(41, 141)]
    figures = {
        "listed_s": round(listed, 3),
        "thumbnails_s": round(thumbnails, 3),
        "scroll_ms": summary(stalls),
        "next_ms": summary(looked),
        "key_held_ms": summary(held),
    }
    desk.close()
    return figures


def memory(data: Path, _started: float) -> dict[str, Any]:
    """What very many files add to a window that has its model loaded: list, scroll through, look at 100."""
    desk = Desk((1600, 1000))
    window = desk.window
    window.lane.warm()
    desk.screen.until(lambda: window.lane.has_engine)
    with Peak() as peak:
        desk.open(data)
        bar = window.worklist.view.verticalScrollBar()
        for step in range(401):
            bar.setValue(round(bar.maximum() * step / 400))
            desk.screen.rest(0.02)
        paths = [item.path for item in window.model.items]
        for number in range(1, 101):
            _next(desk, paths[number], 0.0)
    desk.close()
    return {"growth_mb": peak.growth}


def _once(deed: Callable[[], object]) -> Callable[[], bool]:
    """False at first, after doing it; then, with the events it caused handled, True."""
    left = [deed]

    def done() -> bool:
        if left:
            left.pop()()
            return False
        return True

    return done


def _visible_have_thumbnails(window: Any) -> bool:
    view, rows = window.worklist.view, window.worklist.shown
    last = view.indexAt(view.viewport().rect().bottomLeft()).row()
    shown = [rows.path_at(row) for row in range(last + 1)]
    return bool(shown) and all(path in window.thumbnails._kept for path in shown if path is not None)


def _next(desk: Desk, path: Path, look: float) -> float:
    """Milliseconds from the key to the painted next image, which is ``path``; then the reader looks at it."""
    took = desk.screen.painted(desk.window.worklist.go_next, lambda: desk.shows(path))
    desk.screen.rest(look)
    return took


def cine(path: Path, _started: float) -> dict[str, Any]:
    """One cine file: plain, then with a reader's outline on every frame."""
    desk = Desk((1600, 1000))
    desk.screen.rest(1.0)
    with Peak() as peak:
        opened = desk.open(path)
        desk.screen.rest(2.0)
        plain = _scrub(desk)
        grown = peak.growth
        session = desk.canvas.session
        height, width = session.document.record.shape
        yy, xx = np.mgrid[:height, :width]
        for index in range(len(session.frames)):
            radius = height * (0.15 + 0.1 * math.sin(index / 40))
            session.document.set_reader_mask(index, np.hypot(yy - height / 2, xx - width / 2) < radius)
        annotated = _scrub(desk)
    figures = {
        "open_ms": round(opened, 1),
        "fps": plain,
        "fps_annotated": annotated,
        "growth_mb": grown,
        "growth_annotated_mb": peak.growth,
        "whole_mb": round(peak.most, 1),
    }
    for index in range(len(session.frames)):
        session.document.set_reader_mask(index, None)
    desk.close()
    return figures


def _scrub(desk: Desk) -> dict[str, float]:
    """Frames a second, each painted before the next is asked for: one after the other, and in leaps to and fro."""
    session, count = desk.canvas.session, len(desk.canvas.session.frames)
    rates = {}
    for name, order in (("forward", range(1, 201)), ("leaps", [(37 * step) % count for step in range(1, 101)])):
        begun = time.perf_counter()
        for index in order:
            desk.screen.painted(
                lambda index=index: session.set_frame(index), lambda index=index: desk.shows(frame=index)
            )
        rates[name] = round(len(order) / (time.perf_counter() - begun), 1)
    return rates


def first(data: Path, started: float) -> dict[str, Any]:
    """The first analysis."""
    desk = Desk()
    desk.open(data)
    reading = desk.window.reading
    begun = time.perf_counter()
    reading.analyse()
    desk.screen.until(lambda: reading.session.document.result is not None, 120)
    figures = {
        "request_to_result_s": round(time.perf_counter() - begun, 3),
        "start_to_result_s": round(time.time() - started, 3),
        "memory_mb": round(megabytes(), 1),
    }
    desk.close()
    return figures


def batch(data: Path, _started: float) -> dict[str, Any]:
    """The next image while all others are analysed."""
    desk = Desk((1600, 1000))
    desk.open(data)
    window = desk.window
    window.reading.analyse_many([item.path for item in window.model.items])
    desk.screen.until(lambda: window.lane.current is not None)
    paths = [item.path for item in window.model.items]
    times = [_next(desk, path, LOOK_S) for path in paths[1:41]]
    figures = {
        "next_ms": summary(times),
        "still_running": window.reading.batch.active,
        "memory_mb": round(megabytes(), 1),
    }
    window.reading.batch.cancel()
    desk.close()
    return figures


PARTS = {each.__name__: each for each in (start, paint, switch, folder, memory, cine, first, batch)}


def main() -> None:
    """Measure one part and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("data", type=Path, nargs="?", default=Path())
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.started is None:  # measure a fresh process with folders of its own
        with tempfile.TemporaryDirectory() as home:
            environment = {"BUSI_VIEWER_HOME": home, **os.environ}
            command = [sys.executable, *sys.argv, f"--started={time.time()}"]
            sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    sys.stdout.write(json.dumps(PARTS[arguments.part](arguments.data, arguments.started)) + "\n")


if __name__ == "__main__":
    main()
