"""Who owns the store: a lock on its folder, and a note beside it for those who find it taken.

SQLite's own locks (POSIX record locks) vanish when any file descriptor of the database is closed in the process that holds
them, as happens when a folder of images that holds the store is listed. So the folder itself is locked too (flock: it goes
with the process and with nothing else). Where folders cannot be locked, as on Windows and some network folders, SQLite's
lock stands alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

if sys.platform != "win32":
    import fcntl

HOLDER = "cases.in-use.json"
WAIT_S = 0.5
"""How long to wait for a window that is just closing."""
ENDING_S = 15.0
"""How long to wait for a process that is ending: a killed one gives its memory back before its locks."""
PAUSE_S = 0.05

T = TypeVar("T")


class Ownership:
    """The lock and the note of one store's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None
        self._signed = False

    def take(self) -> None:
        """Lock the folder. Raises BlockingIOError where another has it and stays; OSError if there is no such folder."""
        if sys.platform == "win32":
            return  # locks belong to the handle there
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            self.wait_for(lambda: self._flock(handle))
        except BaseException:
            os.close(handle)
            raise
        self._lock = handle

    def _flock(self, handle: int) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return  # a file system without such locks

    def wait_for(self, attempt: Callable[[], T]) -> T:
        """What ``attempt()`` returns, tried as long as it raises BlockingIOError and the holder may be ending."""
        start = time.monotonic()
        while True:
            try:
                return attempt()
            except BlockingIOError:
                waited = time.monotonic() - start
                if waited > (ENDING_S if self._is_ending() else WAIT_S):
                    raise
                time.sleep(PAUSE_S)

    def release(self) -> None:
        """Take our note away and give the folder free."""
        if self._signed:
            self._signed = False
            with contextlib.suppress(OSError):
                (self._folder / HOLDER).unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def sign(self, user: str, since: str) -> None:
        """Leave a note on who has the store open; without it only the message to others is poorer."""
        note = {"user": user, "computer": socket.gethostname(), "process": os.getpid(), "since": since}
        with contextlib.suppress(OSError):
            (self._folder / HOLDER).write_text(json.dumps(note), encoding="utf-8")
            self._signed = True

    def holder(self) -> str:
        """Who has the store open, in words, or ""."""
        note = self._note()
        try:
            return f"{note['user']} on {note['computer']}, process {note['process']}, since {note['since']}"
        except (KeyError, TypeError):
            return ""

    def _note(self) -> Any:
        try:
            return json.loads((self._folder / HOLDER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _is_ending(self) -> bool:
        """Whether the holder is a process of this computer that has ended, or has nothing left but its locks."""
        note = self._note()
        try:
            if note["computer"] != socket.gethostname():
                return False
            process = psutil.Process(int(note["process"]))
            return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) or not process.cmdline()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return True
        except (psutil.AccessDenied, KeyError, TypeError, ValueError):
            return False
