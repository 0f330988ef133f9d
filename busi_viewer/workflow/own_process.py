"""A command of this application in a process of its own, waited for: what loads torch does not load it into the window."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from busi_viewer.core.errors import Cancelled, UsageError, UserError
from busi_viewer.core.ports import CancelToken
from busi_viewer.workflow.training_runs import own_command

_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows has it
ASK_S = 0.2
"""How often it is asked whether to stop."""


def run(words: Iterable[str], cancel: CancelToken) -> None:
    """Run the command and wait. Raises UserError with its last error, Cancelled once ``cancel`` is set (it is ended then)."""
    flags: dict[str, Any] = {"creationflags": _NO_WINDOW} if sys.platform == "win32" else {}
    with subprocess.Popen(
        own_command(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **flags
    ) as process:
        while True:
            try:
                said = process.communicate(timeout=ASK_S)[1]
                break
            except subprocess.TimeoutExpired:
                if cancel.is_set():
                    process.kill()
                    process.communicate()
                    raise Cancelled from None
    if process.returncode != 0:
        raise _error(said.decode("utf-8", errors="replace"))


def _error(said: str) -> UserError:
    """What the command said last, in its own words."""
    lines = [line.removeprefix("error: ") for line in said.splitlines() if line.startswith("error: ")]
    return UsageError(lines[-1]) if lines else UserError("the process ended without a word", remedy="Try again.")
