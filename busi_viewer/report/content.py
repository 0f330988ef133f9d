"""What a report says, frozen, with no idea of paper or PDF. :mod:`busi_viewer.report.gathering` builds it from a Document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.measure import Lesion
from busi_viewer.core.render import Path2d
from busi_viewer.report.measured import Measured

NO_LESION = "No lesion outlined on this image; does not exclude cancer"


@dataclass(frozen=True)
class Fact:
    """A labelled value; ``value`` None is shown as not given."""

    label: str
    value: str | None


@dataclass(frozen=True)
class Row:
    """One line of a lesion's table. ``changed``: the reader's value differs from the machine's; ``by``: who said it when."""

    label: str
    ai: str
    reader: str
    changed: bool = False
    by: str = ""


@dataclass(frozen=True)
class Outline:
    """An outline as drawn: closed ``paths`` (N, 2) x, y, dashed for the machine's; callipers if ``lesion`` is set."""

    number: int
    paths: tuple[Path2d, ...]
    dashed: bool
    lesion: Lesion | None = None


@dataclass(frozen=True)
class Figure:
    """An 8-bit image (H, W) or (H, W, 3) with outlines, and, for a heatmap, heat (H, W). ``mm_per_px`` is across,
    ``aspect`` the height of a pixel over its width.

    ``band``: closed rings (N, 2) that enclose the uncertainty band by the even-odd rule. ``scale_note``: who calibrated it.
    """

    image: NDArray[np.uint8]
    outlines: tuple[Outline, ...]
    caption: str
    mm_per_px: float | None = None
    heat: NDArray[np.float32] | None = None
    band: tuple[Path2d, ...] = ()
    callipers: tuple[Measured, ...] = ()
    scale_note: str = ""
    aspect: float = 1.0


@dataclass(frozen=True)
class Bar:
    """One class and its estimate in [0, 1]; ``tick`` is the operating point where it applies."""

    name: str
    share: float
    tick: float | None = None


@dataclass(frozen=True)
class Estimate:
    """What the machine says about a frame; ``leading`` names the headline's class. Abstained: no bars, no class."""

    headline: str
    leading: str | None
    source: str
    bars: tuple[Bar, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LesionTable:
    """The machine's values of a lesion beside the reader's; ``note`` says what the machine's words rest on."""

    number: int
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True)
class FramePart:
    """All of one frame. ``title`` is empty for single images. ``sentences`` are the findings, one for each lesion."""

    title: str
    sentences: tuple[str, ...]
    figures: tuple[Figure, ...]
    estimate: Estimate | None
    lesions: tuple[LesionTable, ...]
    callipers: tuple[Measured, ...] = ()


@dataclass(frozen=True)
class ClockMark:
    """A lesion on the clock face: ``position`` and ``distance_mm`` as said, ``name`` what it is called in words."""

    number: str
    name: str
    position: str
    distance_mm: float | None


@dataclass(frozen=True)
class Clock:
    """Where in the breast the lesions lie; ``side`` None = not said."""

    side: str | None
    marks: tuple[ClockMark, ...]


@dataclass(frozen=True)
class Texts:
    """What the reader wrote or chose for the whole image; None = not given. ``acquired`` is what the file says."""

    history: str | None
    technique: str | None
    acquired: str
    composition: str | None
    comparison: str | None
    impression: str | None


@dataclass(frozen=True)
class Verdict:
    """The reader's assessment and management, None = not given; ``lesions`` are (name, category) where those have one."""

    category: str | None
    words: str
    lesions: tuple[tuple[str, str], ...]
    management: str | None


@dataclass(frozen=True)
class Signed:
    """The signature, times in the report's own time zone; ``current``: nothing has changed since."""

    signer: str
    account: str
    at: str
    version: int
    reason: str
    current: bool


@dataclass(frozen=True)
class Statement:
    """Which model spoke, how it did on its validation set, on what, and its limits. ``name`` is empty without an analysis."""

    name: str
    sha256: str
    device: str
    point: str
    notes: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True)
class ReportContent:
    """The whole report. ``when`` is the time of writing; nothing else depends on the clock. ``leading`` indexes ``frames``."""

    facility: str
    address: str
    logo: NDArray[np.uint8] | None
    accession: str | None
    patient: tuple[Fact, ...]
    image_name: str
    texts: Texts
    selection: str
    frames: tuple[FramePart, ...]
    leading: int
    unseen: tuple[str, ...]
    clock: Clock | None
    verdict: Verdict
    signed: Signed | None
    notices: tuple[str, ...]
    lexicon: str
    statement: Statement
    software: str
    template: str
    when: datetime

    @property
    def draft(self) -> bool:
        """Whether nobody has signed the report as it is."""
        return self.signed is None or not self.signed.current
