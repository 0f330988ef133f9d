"""The errors a user can cause or meet, each with a file and a remedy.

Anything that is not a :class:`UserError` is our bug: it is logged with its traceback and shown as such.
"""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """Something the user can understand and act upon.

    ``what`` says what happened, ``path`` to which file (or None), ``remedy`` what to do about it.
    """

    def __init__(self, what: str, *, path: Path | str | None = None, remedy: str = "") -> None:
        self.what = what.rstrip(".")
        self.path = Path(path) if path is not None else None
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path is not None else ""
        tail = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}.{tail}"


class UnreadableImage(UserError):
    """A file that cannot be shown as an image: missing, truncated, encrypted, mislabelled or not an image."""


class TooLarge(UnreadableImage):
    """An image that would not fit in memory; refused before its pixels are decoded."""


class NotUltrasound(UserError):
    """An image of another modality: it can be looked at, but is not analysed."""


class ModelError(UserError):
    """A model that is missing, altered (wrong SHA-256) or of an unknown architecture."""


class DataSetError(UserError):
    """A data set that cannot be used: wrong layout, missing masks, one class only."""


class OutputError(UserError):
    """A result that could not be written."""


class StoreError(UserError):
    """The case store cannot be opened, read or written; what it held before is unchanged."""


class NoStore(StoreError):
    """There is no case store yet."""


class StoreInUse(StoreError):
    """Another window has the case store open."""


class UsageError(UserError):
    """Words on the command line that do not fit together (exit code 2)."""


class Cancelled(Exception):
    """Work was stopped on request; nothing half-written is left."""
