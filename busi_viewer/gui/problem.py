"""What went wrong, in words for the reader, made on whatever thread it happened."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from pathlib import Path

from busi_viewer.core.errors import UserError
from busi_viewer.gui import privacy
from busi_viewer.gui.language import said, tr
from busi_viewer.logs import stack_without_values

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """An error as shown: what happened, to which file, what to do, and the details for a bug report."""

    what: str
    path: Path | None = None
    remedy: str = ""
    details: str = ""

    @property
    def is_bug(self) -> bool:
        """Whether this is our error rather than something the user can mend."""
        return bool(self.details)


def problem_from(error: BaseException, doing: str, path: Path | None = None) -> Problem:
    """Describe ``error`` met while ``doing`` something; log it without messages or paths, which may name a patient."""
    if isinstance(error, UserError):
        _log.warning("%s: %s", doing, type(error).__name__)
        return Problem(error.what, error.path or path, error.remedy)
    if isinstance(error, MemoryError):
        _log.error("%s: out of memory", doing)
        return Problem("There is not enough memory for this", path, "Close other programs or open a smaller file.")
    _log.error("%s: %s", doing, stack_without_values(error))
    frames = "".join(traceback.format_tb(error.__traceback__))
    return Problem(
        tr("An error of the program while {doing}", doing=said(doing)),
        path,
        "The application goes on. Please report it with the details.",
        f"{type(error).__name__}{'' if privacy.on() else f': {error}'}\n\n{frames}",
    )
