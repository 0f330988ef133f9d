"""Logging: one rotating file in the user's log folder, warnings on the terminal. No patient data, no file contents."""

from __future__ import annotations

import logging
import logging.handlers
import traceback

from busi_viewer import paths


def set_up(*, verbose: bool = False) -> None:
    """Configure the root logger; where the log folder cannot be written, only the terminal is used.

    A full disk costs the line that was to be written, and no more: Python's own account of it would print messages that may
    name a patient's file.
    """
    logging.raiseExceptions = False
    root = logging.getLogger("busi_viewer")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    root.propagate = False
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if verbose else logging.ERROR)
    terminal.setFormatter(form)
    root.addHandler(terminal)
    try:
        paths.log_dir().mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            paths.log_dir() / "busi_viewer.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        return
    file.setFormatter(form)
    root.addHandler(file)


def stack_without_values(error: BaseException) -> str:
    """Type and stack of an error without its message, which may hold a file's name or a patient's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return type(error).__name__ + "".join(f"\n  {f.filename}:{f.lineno} in {f.name}" for f in frames)
