"""Crashes of native code: each window has a file into which its stacks are written should it crash, for review afterwards.

The file is in ``crashes`` in the log folder. It says when the window was started, the versions of what runs, and, after a
crash, where each thread was: names of functions and of the program's own files, no values, so nothing of a patient.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from busi_viewer import __version__, paths

PACKAGES = ("PySide6-Essentials", "torch", "openvino", "numpy", "opencv-python-headless", "pydicom")
_MARK = "Fatal "
"""What faulthandler's words on a crash begin with ("Fatal Python error", on Windows "Windows fatal exception")."""


def folder() -> Path:
    """Where the records are."""
    return paths.log_dir() / "crashes"


def begin() -> TextIO | None:
    """Let a crash of native code from now on leave its stacks; None where the log folder cannot be written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        stream = (folder() / f"{os.getpid()}-{time.time_ns()}.txt").open("w", encoding="utf-8")
        stream.write(_header())
        stream.flush()
    except OSError:
        return None
    faulthandler.enable(stream)
    return stream


def describe(stream: TextIO | None) -> None:
    """Add what runs here, which takes a moment to find out: once the window is painted."""
    if stream is not None:
        versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
        with contextlib.suppress(OSError):
            stream.write(f"{versions}\n\n")
            stream.flush()


def end(stream: TextIO | None) -> None:
    """The window ended as it should: nothing is left."""
    if stream is None:
        return
    faulthandler.disable()
    stream.close()
    with contextlib.suppress(OSError):
        Path(stream.name).unlink()


def records() -> list[Path]:
    """The records of crashed windows, newest first; files of windows that were killed hold none and are removed."""
    import psutil

    found = []
    for path in folder().glob("*.txt"):
        process = path.stem.partition("-")[0]
        if process.isdigit() and psutil.pid_exists(int(process)):
            continue
        if _MARK in read(path):
            found.append(path)
        else:
            remove([path])
    return sorted(found, key=lambda path: -path.stat().st_mtime)


def read(path: Path) -> str:
    """A record's text, "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def remove(found: Iterable[Path]) -> None:
    """Delete records; those that cannot be stay."""
    for path in found:
        with contextlib.suppress(OSError):
            path.unlink()


def _header() -> str:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    system = f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"
    return f"busi_viewer {__version__}, started {started}\n{system}\n"


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not found"
