"""The window beside napari, action by action, in one run: a table with ratios and the window's bars, and JSON (``-o FILE``).

    python3.11 -m venv /somewhere/napari && /somewhere/napari/bin/pip install "napari[pyqt6]" pydicom
    xvfb-run -a -s "-screen 0 3840x2160x24" .venv/bin/python tests/benchmarks/window_against_napari.py \
        --napari /somewhere/napari/bin/python [--part paint …] [--data DIR] [-o FILE]

napari lives in an environment of its own; without ``--napari`` only the window is measured. Each part runs in a fresh process
on either side, one after the other, on the display at hand; take a machine that does nothing else. The images are made here
(``--data DIR`` keeps them, 2 GB). What is set beside what:

start   the interpreter is started → the window is painted (napari: ``napari.Viewer()``); median of seven, files in the page cache
paint   a mouse movement of a 200-step brush stroke is delivered → the canvas has painted (napari: a labels layer over the image)
switch  another image whose pixels are in memory is chosen → the canvas has painted (napari: ``layer.data = array``)
folder  10,000 PNGs of 800 × 600 in one folder. napari has no list with thumbnails: the nearest is the stack it reads lazily
        (``viewer.open(files, stack=True)``), where opening is the time to its one painted image, and scrolling is dragging its
        slider
cine    500 DICOM frames of 800 × 600 RGB, raw and JPEG. napari has no DICOM reader: the nearest is a lazy stack of frames read
        by pydicom; annotated is an outline on every frame (napari: a labels layer over the stack)

napari draws by OpenGL, which a virtual screen does in software; on a graphics card it paints faster than here.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.phantom import phantom

HERE = Path(__file__).parent
PARTS = ("start", "paint", "switch", "folder", "cine")
STARTS = 7
FILES, DISTINCT, SCENES = 10_000, 200, 10
FRAMES = 500
LIMIT_S = 600


@dataclass(frozen=True)
class Row:
    """One line of the table: where the figure is (keys joined by dots), its unit, our bar, and whether more is better."""

    title: str
    key: str
    unit: str = "ms"
    bar: float | None = None
    more: bool = False


ROWS = (
    Row("start to painted window", "start.start_s", "s", 1.0),
    Row("memory once painted", "start.memory_mb", "MB"),
    *(
        Row(f"brush to screen, {name}, {share}", f"paint.{key}.{share}", "ms", bar if share == "p95" else None)
        for key, name, bar in (
            ("1024x768_in_1600x1000", "1024×768", 8.0),
            ("3840x2160_in_1600x1000", "3840×2160", 16.0),
            ("3840x2160_in_3840x2160", "3840×2160 on a 4K window", 16.0),
        )
        for share in ("p50", "p95")
    ),
    Row("another open image, p50", "switch.p50"),
    Row("another open image, p95", "switch.p95"),
    Row("10,000 files: list complete", "folder.listed_s", "s"),
    Row("10,000 files: thumbnails on screen", "folder.thumbnails_s", "s", 1.0),
    Row("10,000 files: longest standstill while scrolling", "folder.scroll_ms.max"),
    Row("10,000 files: next image, p50", "folder.next_ms.p50"),
    Row("10,000 files: next image, p95", "folder.next_ms.p95", "ms", 50.0),
    Row("10,000 files: next image, key held, p95", "folder.key_held_ms.p95"),
    Row("10,000 files: memory growth", "folder.growth_mb", "MB", 300.0),
    *(
        Row(f"500 frames, {name}: {words}", f"cine.{name}.{key}", unit, bar, more)
        for name in ("raw", "jpeg")
        for words, key, unit, bar, more in (
            ("open", "open_ms", "ms", 500.0, False),
            ("scrub", "fps.forward", "fps", 30.0, True),
            ("scrub in leaps", "fps.leaps", "fps", 30.0, True),
            ("scrub, annotated", "fps_annotated.forward", "fps", 30.0, True),
            ("scrub in leaps, annotated", "fps_annotated.leaps", "fps", 30.0, True),
            ("memory of all, annotated", "whole_mb", "MB", 1024.0, False),
        )
    ),
)


def make_data(data: Path, parts: list[str]) -> None:
    """Make what the parts need and is not there yet."""
    data.mkdir(parents=True, exist_ok=True)
    for part in parts:
        folder = data / part
        if not folder.exists() and part in MAKERS:
            with tempfile.TemporaryDirectory(dir=data) as fresh:
                MAKERS[part](Path(fresh))
                os.rename(fresh, folder)
                os.mkdir(fresh)


@functools.cache
def _scene(number: int) -> NDArray[np.uint8]:
    return phantom("malignant", number)[0]


def _picture(number: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """One of many pictures (H, W) with the texture of ultrasound, no two alike."""
    scene = cv2.resize(_scene(number % SCENES), shape[::-1], interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(number).integers(0, 12, shape, dtype=np.uint8)
    return cv2.add(np.roll(scene, 3 * number, axis=1), noise)


def _paint_images(folder: Path) -> None:
    for shape, window in (((768, 1024), "1600x1000"), ((2160, 3840), "1600x1000"), ((2160, 3840), "3840x2160")):
        cv2.imwrite(str(folder / f"{shape[1]}x{shape[0]}_in_{window}.png"), _picture(0, shape))


def _switch_images(folder: Path) -> None:
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), _picture(number, (768, 1024)))


def _many_files(folder: Path) -> None:
    """Hard links to distinct images: every file is opened and decoded for itself, and the disk holds few."""
    for number in range(FILES):
        path = folder / f"image ({number}).png"
        if number < DISTINCT:
            cv2.imwrite(str(path), _picture(number, (600, 800)))
        else:
            os.link(folder / f"image ({number % DISTINCT}).png", path)


def _cines(folder: Path) -> None:
    sys.path.insert(0, str(HERE.parent / "dicom"))
    from dicom_files import ultrasound, write
    from pydicom.uid import JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage

    frames = np.stack([_picture(number, (600, 800)) for number in range(FRAMES)])
    colour = np.stack([frames, frames, np.minimum(frames, 220)], axis=-1)
    elements = {
        "SOPClassUID": UltrasoundMultiFrameImageStorage,
        "FrameTime": "33.3",
        "FrameIncrementPointer": 0x00181063,
    }
    write(folder / "raw.dcm", ultrasound(colour, **elements))
    packed = [cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes() for frame in colour]
    compressed = ultrasound(colour, **elements, PhotometricInterpretation="YBR_FULL_422")
    write(folder / "jpeg.dcm", compressed, JPEGBaseline8Bit, packed)


MAKERS = {"paint": _paint_images, "switch": _switch_images, "folder": _many_files, "cine": _cines}


def measure(interpreter: str, side: str, part: str, data: Path) -> dict[str, Any]:
    """What one side says of one part. The starts are those of several processes, after one that warms the page cache."""
    if part == "folder" and side == "window":
        return {**_run(interpreter, side, part, data / part), **_run(interpreter, side, "memory", data / part)}
    if part == "cine":
        return {path.stem: _run(interpreter, side, part, path) for path in sorted((data / part).glob("*.dcm"))}
    if part != "start":
        return _run(interpreter, side, part, data / part)
    runs = [_run(interpreter, side, part, data) for _ in range(STARTS + 1)][1:]
    return sorted(runs, key=lambda run: float(run["start_s"]))[STARTS // 2]


def _run(interpreter: str, side: str, part: str, data: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        own = {"BUSI_VIEWER_HOME": home, "NAPARI_CONFIG": f"{home}/napari.yaml", "NAPARI_ASYNC": "0"}
        script = str(HERE / f"{side}_figures.py")
        command = [interpreter, "-W", "ignore", script, part, str(data), f"--started={time.time()}"]
        environment = {**os.environ, **own}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as an installation is
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=LIMIT_S, check=False)
    if done.returncode:
        sys.exit(f"{side} {part} ended with {done.returncode}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def find(figures: dict[str, Any], key: str) -> float | None:
    """The figure at a dotted key, or None."""
    for name in key.split("."):
        if not isinstance(figures, dict) or name not in figures:
            return None
        figures = figures[name]
    return float(figures)


def table(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """The figures as Markdown; the ratio is ours to napari's."""
    lines = ["| action | busi_viewer | bar | napari | ratio |", "|---|--:|--:|--:|--:|"]
    for row in ROWS:
        mine, other = find(ours, row.key), find(theirs, row.key)
        if mine is None:
            continue
        missed = row.bar is not None and (mine < row.bar if row.more else mine > row.bar)
        bar = "" if row.bar is None else f"{'≥' if row.more else '≤'} {row.bar:g}{' **missed**' if missed else ''}"
        beside = ("", "") if other is None else (f"{other:,.4g} {row.unit}", f"{mine / other:.2f}")
        lines.append(f"| {row.title} | {mine:,.4g} {row.unit} | {bar} | {beside[0]} | {beside[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Measure both sides, part by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--napari", help="the interpreter of an environment with napari[pyqt6] and pydicom")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part (again for more)")
    parser.add_argument("--data", type=Path, help="where the images are made, or already lie")
    parser.add_argument("-o", "--out", type=Path, help="write the figures there, beside parts measured into it earlier")
    parser.add_argument("--only-data", action="store_true", help="make the images and end")
    arguments = parser.parse_args()
    parts = arguments.part or list(PARTS)
    figures: dict[str, Any] = {"busi_viewer": {}, "napari": {}}
    if arguments.out and arguments.out.exists():
        figures.update(json.loads(arguments.out.read_text()))
    with tempfile.TemporaryDirectory() as spare:
        data = arguments.data or Path(spare)
        make_data(data, parts)
        for part in () if arguments.only_data else parts:
            figures["busi_viewer"][part] = measure(sys.executable, "window", part, data)
            if arguments.napari:
                figures["napari"][part] = measure(arguments.napari, "napari", part, data)
            if arguments.out:
                arguments.out.write_text(json.dumps(figures, indent=1))
    sys.stdout.write(f"{json.dumps(figures, indent=1)}\n\n{table(figures['busi_viewer'], figures['napari'])}\n")


if __name__ == "__main__":
    main()
