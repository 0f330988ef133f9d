"""What the case store says: kept work, cases in a list, rows of the audit trail, what was recovered. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from busi_viewer.core.image import Mask
from busi_viewer.core.results import AnalysisResult
from busi_viewer.core.steps import CALLIPERS, FINDINGS, READING, SHOWING, Step

STORE_FILE = "cases.sqlite3"
"""The file in a folder that makes it a case store."""

FIELDS = (FINDINGS, CALLIPERS, READING, SHOWING)
"""What an image carries besides masks, each as a JSON value of which every version is kept. READING is the reader's own
reading, locked before the machine's was shown. SHOWING is ``{"shown": bool}``, of images analysed while the reader read blind;
of all others what the machine says was shown."""


class FileState(StrEnum):
    """How an image's file compares with what was read when it was last opened."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Version:
    """One version of a JSON value: findings, callipers. ``number`` counts from 1; ``at`` is UTC, ISO 8601."""

    number: int
    at: str
    user: str
    value: Any
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """One signed version of an image's report; never changed afterwards.

    ``content`` is what it said (JSON); ``findings`` the version of the findings it rests on (0 = none); ``masks`` the
    SHA-256 of each frame's outline at that moment; ``current`` whether nothing has changed since.
    """

    version: int
    at: str
    user: str
    content: Mapping[str, Any]
    findings: int
    masks: Mapping[int, str]
    reason: str
    current: bool


@dataclass(frozen=True)
class Kept:
    """All that the store holds of one image, as :meth:`~busi_viewer.core.ports.CaseStore.open_image` gives it.

    ``image`` is its number in the store. ``steps`` is the undo stack, oldest first, of which the first ``position`` are
    applied and the others can be redone. ``moved_from`` is where the file lay before, if it moved. ``replaces`` is the number
    of the image that was read from the same path before its content changed: its work is kept under that number.
    ``image`` is 0 where the store does not know the image yet. ``reading`` is the reading locked last. ``hidden``: what the
    machine says was never shown, the reader read blind. ``draft``: the file's content was not known yet when this was done.
    """

    image: int
    case: str
    masks: Mapping[int, Mask]
    steps: tuple[Step, ...]
    position: int
    result: AnalysisResult | None
    findings: Version | None
    callipers: Version | None
    report: Report | None
    moved_from: Path | None = None
    replaces: int | None = None
    flagged: bool = False
    reading: Version | None = None
    hidden: bool = False
    draft: bool = False

    @property
    def tidings(self) -> bool:
        """Whether the file moved, with work on it, or changed: the reader should know."""
        return (self.moved_from is not None and not self.empty) or self.replaces is not None

    @property
    def blank(self) -> bool:
        """Whether the reader drew, measured and said nothing on the image yet."""
        return not (self.masks or self.steps or self.findings or self.callipers)

    @property
    def empty(self) -> bool:
        """Whether nothing was done on the image yet."""
        return not (
            self.masks or self.steps or self.result or self.findings or self.callipers or self.report or self.reading
        )


@dataclass(frozen=True)
class StoredImage:
    """An image's identity and file. ``shape`` is (height, width); the UIDs are DICOM's, or None.

    ``draft`` is the name it had before its content was known, if it was kept by then; ``sha256`` is that name until it is known.
    """

    image: int
    case: str
    path: Path
    sha256: str
    kind: str
    shape: tuple[int, int]
    frames: int
    sop_uid: str | None = None
    draft: str | None = None


@dataclass(frozen=True)
class ImageState:
    """What a list shows of one image without opening it. ``prediction`` and ``share`` (its probability) are those of the
    first analysed frame of the latest analysis, None without one or where the estimate is withheld (``abstained``).
    ``locked``: a reading of the reader's own was locked.
    """

    path: Path
    analysed: bool
    abstained: bool
    prediction: str | None
    share: float | None
    edited: bool
    signed: bool
    flagged: bool = False
    locked: bool = False


@dataclass(frozen=True)
class CaseQuery:
    """What to list. Words of ``text`` must all occur in path, patient, title or UID, whatever their case.

    ``edited``, ``analysed`` and ``signed``: True, False, or None for either. ``prediction`` is one of CLASSES or None.
    """

    text: str = ""
    prediction: str | None = None
    analysed: bool | None = None
    edited: bool | None = None
    signed: bool | None = None
    limit: int = 200
    offset: int = 0


@dataclass(frozen=True)
class CaseSummary:
    """One line of the list of cases. ``prediction`` is the latest analysis' gravest class; ``at`` the last change (UTC)."""

    case: str
    title: str
    patient: str
    paths: tuple[Path, ...]
    images: int
    prediction: str | None
    analysed: bool
    edited: bool
    signed: bool
    at: str


@dataclass(frozen=True)
class AuditRow:
    """One row of the audit trail: who, when (UTC), what, on what, old and new value, why, with what. ``hash`` is hex."""

    number: int
    at: str
    user: str
    action: str
    case: str
    image: str
    field: str
    old: str
    new: str
    reason: str
    software: str
    model: str
    hash: str


@dataclass(frozen=True)
class AuditQuery:
    """Which rows to show, newest first. Empty means any; ``since`` and ``until`` are ISO dates or times (UTC)."""

    user: str = ""
    action: str = ""
    case: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    limit: int = 500
    offset: int = 0


@dataclass(frozen=True)
class AuditCheck:
    """The outcome of verifying the chain. ``problems`` say in words which row is wrong; empty = intact."""

    rows: int
    head: str
    problems: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether every row is there and as it was written."""
        return not self.problems


@dataclass(frozen=True)
class Recovery:
    """What the last session, which did not end properly, left: all of it is in the store.

    ``since`` is its start (UTC), ``edits`` counts committed strokes and fields, ``images`` are the files they belong to.
    """

    since: str
    last: str
    user: str
    edits: int
    images: tuple[Path, ...]


@dataclass(frozen=True)
class Corrected:
    """A frame with a reader's outline, for a training set. ``group`` is secret-keyed, the same for one patient's images."""

    image: StoredImage
    frame: int
    mask: Mask
    name: str
    group: str
    label: str | None
    origin: Mapping[str, Any] = field(default_factory=dict)
