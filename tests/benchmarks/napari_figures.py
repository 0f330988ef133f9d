"""The same actions in napari: ``NAPARI_PYTHON tests/benchmarks/napari_figures.py PART DATA`` prints one JSON object.

Runs in an environment of its own with ``napari[pyqt6]`` and pydicom; nothing of busi_viewer is imported. Parts and data are those
of ``window_figures.py``; what is set beside what is said in ``window_against_napari.py``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import Peak, Screen, megabytes, summary

STROKE_MOVES = 200
SWITCHES = 60
LOOK_S = 0.5


class Desk:
    """A napari viewer, painted, and a clock on its canvas."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        import napari
        from qtpy import QtCore, QtWidgets

        self.viewer = napari.Viewer(show=False)
        self.app = QtWidgets.QApplication.instance()
        window = self.viewer.window._qt_window
        self.native = self.viewer.window._qt_viewer.canvas.native
        self.whole = Screen(self.app, QtCore, window)
        self.screen = Screen(self.app, QtCore, self.native)
        if size is not None:
            window.resize(*size)
        self.screen.painted(self.viewer.window.show)
        self.screen.rest(1.0 if size is not None else 0.0)

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()


def start(_data: Path, started: float) -> dict[str, Any]:
    """The window is painted."""
    Desk()
    return {"start_s": round(time.time() - started, 3), "memory_mb": round(megabytes(), 1), "version": _version()}


def _version() -> str:
    import napari

    return str(napari.__version__)


def paint(data: Path, _started: float) -> dict[str, Any]:
    """One long stroke on a labels layer over each image."""
    import imageio.v3 as iio
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    figures = {}
    for path in sorted(data.glob("*.png")):
        desk = Desk(tuple(int(side) for side in path.stem.split("_in_")[1].split("x")))
        image = iio.imread(path)
        desk.viewer.add_image(image)
        labels = desk.viewer.add_labels(np.zeros(image.shape, dtype=np.uint8))
        desk.screen.rest(1.0)
        labels.brush_size = round(2 * 14 * image.shape[0] / 768)
        labels.mode = "paint"
        native, zoom = desk.native, desk.viewer.camera.zoom / desk.native.devicePixelRatioF()
        middle, reach = QPointF(native.width() / 2, native.height() / 2), 0.3 * image.shape[0] * zoom

        def send(
            kind: Any, step: int, down: bool, middle: Any = middle, reach: float = reach, native: Any = native
        ) -> None:
            at = middle + QPointF(reach * math.cos(step * 0.03), reach * math.sin(step * 0.03))
            button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
            held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
            event = QMouseEvent(kind, at, native.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(native, event)

        send(QEvent.Type.MouseButtonPress, 0, True)
        times = [
            desk.screen.painted(lambda step=step: send(QEvent.Type.MouseMove, step, True))
            for step in range(1, STROKE_MOVES + 1)
        ]
        send(QEvent.Type.MouseButtonRelease, STROKE_MOVES, False)
        painted = int(np.count_nonzero(labels.data))
        figures[path.stem] = {**summary(times), "painted_px": painted, "view": [native.width(), native.height()]}
        desk.close()
    return figures


def switch(data: Path, _started: float) -> dict[str, Any]:
    """Decoded arrays given to the image layer in turn."""
    import imageio.v3 as iio

    images = [iio.imread(path) for path in sorted(data.glob("*.png"))[:6]]
    desk = Desk((1600, 1000))
    layer = desk.viewer.add_image(images[0])
    desk.screen.rest(1.0)
    times = []
    for number in range(1, SWITCHES + 13):
        times.append(desk.screen.painted(lambda number=number: setattr(layer, "data", images[number % 6])))
        desk.screen.rest(0.1)
    return summary(times[12:])


def folder(data: Path, _started: float) -> dict[str, Any]:
    """The files as one stack that napari reads lazily. Fewer steps than ours: each takes a second."""
    desk = Desk((1600, 1000))
    dims = desk.viewer.dims
    with Peak() as peak:
        files = sorted(str(path) for path in data.iterdir())
        opened = desk.screen.painted(
            lambda: desk.viewer.open(files, stack=True), lambda: len(desk.viewer.layers) > 0, 200
        )
        desk.screen.rest(3.0)
        leaps = [
            desk.screen.painted(lambda step=step: dims.set_current_step(0, round((len(files) - 1) * step / 40)))
            for step in range(1, 41)
        ]
        dims.set_current_step(0, 0)
        desk.screen.rest(1.0)
        looked = [_next(desk, number, LOOK_S) for number in range(1, 21)]
        held = [_next(desk, number, 0.0) for number in range(21, 41)]
    return {
        "listed_s": round(opened / 1000, 3),
        "thumbnails_s": round(opened / 1000, 3),
        "scroll_ms": summary(leaps),
        "next_ms": summary(looked),
        "key_held_ms": summary(held),
        "growth_mb": peak.growth,
    }


def _next(desk: Desk, number: int, look: float) -> float:
    took = desk.screen.painted(lambda: desk.viewer.dims.set_current_step(0, number))
    desk.screen.rest(look)
    return took


def cine(path: Path, _started: float) -> dict[str, Any]:
    """One cine as a lazy stack of frames, read by pydicom one at a time; annotated: a labels layer over all of them."""
    import dask
    import dask.array
    import pydicom
    from pydicom.pixels import pixel_array

    desk = Desk((1600, 1000))

    def show() -> None:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        shape = (header.Rows, header.Columns, 3)
        frame, count = dask.delayed(pixel_array), header.NumberOfFrames
        frames = [dask.array.from_delayed(frame(path, index=i), shape, np.uint8) for i in range(count)]
        desk.viewer.add_image(dask.array.stack(frames), rgb=True)

    with Peak() as peak:
        opened = desk.screen.painted(show, lambda: len(desk.viewer.layers) > 0)
        desk.screen.rest(2.0)
        plain = _scrub(desk)
        grown = peak.growth
        count, height, width = desk.viewer.layers[0].data.shape[:3]
        yy, xx = np.mgrid[:height, :width]
        masks = np.zeros((count, height, width), dtype=np.uint8)
        for index in range(count):
            radius = height * (0.15 + 0.1 * math.sin(index / 40))
            masks[index] = np.hypot(yy - height / 2, xx - width / 2) < radius
        desk.viewer.add_labels(masks)
        desk.screen.rest(1.0)
        annotated = _scrub(desk)
    desk.close()
    return {
        "open_ms": round(opened, 1),
        "fps": plain,
        "fps_annotated": annotated,
        "growth_mb": grown,
        "growth_annotated_mb": peak.growth,
        "whole_mb": round(peak.most, 1),
    }


def _scrub(desk: Desk) -> dict[str, float]:
    dims, count = desk.viewer.dims, desk.viewer.layers[0].data.shape[0]
    rates = {}
    for name, order in (("forward", range(1, 201)), ("leaps", [(37 * step) % count for step in range(1, 101)])):
        begun = time.perf_counter()
        for index in order:
            desk.screen.painted(lambda index=index: dims.set_current_step(0, index))
        rates[name] = round(len(order) / (time.perf_counter() - begun), 1)
    return rates


PARTS = {each.__name__: each for each in (start, paint, switch, folder, cine)}


def main() -> None:
    """Measure one part and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--started", type=float, required=True, help="when the process was started, seconds since the epoch"
    )
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(PARTS[arguments.part](arguments.data, arguments.started)) + "\n")


if __name__ == "__main__":
    main()
