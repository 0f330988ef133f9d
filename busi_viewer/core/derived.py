"""What is handed to other systems about one image: outlines followed through its frames, estimates, and who says so.

Coordinates are pixel centres of the whole image, x right and y down; frames count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import cv2
import numpy as np

from busi_viewer.core.callipers import Calliper
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings
from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import FrameResult, ModelInfo

NOT_EXCLUDED = "No lesion outlined on this image; does not exclude cancer."
WITHHELD = "Outline and estimate withheld: the model did not judge this image; does not exclude cancer."
RESEARCH = "Research use only. Not for clinical decisions."
HEAT_CAVEAT = "Heatmap: what weighed in the network's estimate. It is no outline of a lesion and no proof."


@dataclass(frozen=True)
class Outline:
    """One lesion on one frame. ``part`` is its mask inside ``lesion.bbox`` (x, y, w, h), holes included.

    ``number`` counts from 1 for reader and machine apart; a lesion keeps it as long as its outlines on neighbouring frames
    overlap. ``accepted``: the reader's outline is the machine's, unchanged.
    """

    frame: int
    number: int
    by_reader: bool
    lesion: Lesion
    part: Mask
    accepted: bool = False

    @property
    def label(self) -> str:
        """What the outline is called wherever it is named."""
        return f"{'Reader' if self.by_reader else 'AI'} lesion {self.number}"

    def fill(self, mask: Mask) -> None:
        """Set its pixels in a mask of the whole image, in place."""
        x, y, w, h = self.lesion.bbox
        mask[y : y + h, x : x + w] |= self.part


@dataclass(frozen=True)
class Derived:
    """All that is said about one image. ``frames`` are the analysed ones; they need no masks, which ``outlines`` hold.

    ``reader`` is who outlined and judged, empty if unknown; ``when`` is the time of export, with its time zone.
    """

    record: ImageRecord
    when: datetime
    outlines: tuple[Outline, ...] = ()
    frames: tuple[FrameResult, ...] = ()
    model: ModelInfo | None = None
    reader: str = ""
    findings: Findings = field(default_factory=Findings)
    callipers: tuple[Calliper, ...] = ()

    @property
    def nothing(self) -> tuple[str, str]:
        """What it is called that there is no outline, and what it means: none was found, or all was withheld."""
        if self.frames and all(frame.abstained for frame in self.frames):
            return "Outline withheld", WITHHELD
        return "No lesion outlined", NOT_EXCLUDED

    @property
    def tracks(self) -> tuple[tuple[Outline, ...], ...]:
        """The outlines of each lesion through the frames: the reader's first, then the machine's, by number."""
        found: dict[tuple[bool, int], list[Outline]] = {}
        for outline in self.outlines:
            found.setdefault((not outline.by_reader, outline.number), []).append(outline)
        return tuple(tuple(sorted(found[key], key=lambda o: o.frame)) for key in sorted(found))


class Tracker:
    """Turns the masks of successive frames into numbered outlines of one maker, the reader or the machine."""

    def __init__(self, *, by_reader: bool) -> None:
        self._by_reader = by_reader
        self._count = 0
        self._last: list[Outline] = []

    def add(self, frame: int, mask: Mask, lesions: Sequence[Lesion], machine: Mask | None = None) -> list[Outline]:
        """The outlines of the next frame; ``lesions`` are the measured components of ``mask``, ``machine`` AI's mask."""
        _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        before = [outline for outline in self._last if outline.frame == frame - 1]
        found: list[Outline] = []
        for lesion in lesions:
            x, y, w, h = lesion.bbox
            column, row = (int(v) for v in lesion.contour[0])
            part = labels[y : y + h, x : x + w] == labels[row, column]
            same = machine is not None and bool((machine[y : y + h, x : x + w] & part == part).all())
            taken = {outline.number for outline in found}
            number = self._followed(lesion, part, [outline for outline in before if outline.number not in taken])
            found.append(Outline(frame, number, self._by_reader, lesion, part, same and _alone(machine, lesion, part)))
        self._last = found
        return found

    def _followed(self, lesion: Lesion, part: Mask, before: Sequence[Outline]) -> int:
        """The number of the outline before that it overlaps most, else the next free number."""
        shared = [(_overlap(lesion, part, outline), -outline.number) for outline in before]
        most = max(shared, default=(0, 0))
        if most[0]:
            return -most[1]
        self._count += 1
        return self._count


def derive(
    document: Document,
    when: datetime,
    reader: str = "",
    describe: Callable[[FrameResult], FrameResult] = lambda frame: frame,
) -> Derived:
    """What an open document says: the reader's outlines, the machine's (unless withheld) and the estimates.

    ``describe`` adds proposed words to the machine's lesions.
    """
    result = document.result
    reader_tracks, machine_tracks = Tracker(by_reader=True), Tracker(by_reader=False)
    outlines: list[Outline] = []
    analysed = {frame.index: frame for frame in result.frames} if result else {}
    for index in sorted({*document.edited_frames, *analysed}):
        found, mask = analysed.get(index), document.reader_mask(index)
        shown = found.mask if found is not None and not found.abstained else None
        if mask is not None:
            outlines += reader_tracks.add(index, mask, document.lesions(index), shown)
        if shown is not None and found is not None:
            outlines += machine_tracks.add(index, shown, describe(found).lesions)
    frames = tuple(analysed[index] for index in sorted(analysed))
    model = result.model if result else None
    return Derived(document.record, when, tuple(outlines), frames, model, reader, document.findings, document.callipers)


def _overlap(lesion: Lesion, part: Mask, other: Outline) -> int:
    """How many pixels two outlines share."""
    x, y, w, h = lesion.bbox
    u, v, s, t = other.lesion.bbox
    x0, y0, x1, y1 = max(x, u), max(y, v), min(x + w, u + s), min(y + h, v + t)
    if x1 <= x0 or y1 <= y0:
        return 0
    mine, theirs = part[y0 - y : y1 - y, x0 - x : x1 - x], other.part[y0 - v : y1 - v, x0 - u : x1 - u]
    return int(np.count_nonzero(mine & theirs))


def _alone(machine: Mask | None, lesion: Lesion, part: Mask) -> bool:
    """Whether no pixel of the machine's mask touches the outline from outside: then both are the same component."""
    if machine is None:
        return False
    x, y, w, h = lesion.bbox
    x0, y0, x1, y1 = max(x - 1, 0), max(y - 1, 0), min(x + w + 1, machine.shape[1]), min(y + h + 1, machine.shape[0])
    ring = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    ring[y - y0 : y - y0 + h, x - x0 : x - x0 + w] = part
    around = cv2.dilate(ring, np.ones((3, 3), np.uint8)).astype(bool) & ~ring.astype(bool)
    return not bool((machine[y0:y1, x0:x1] & around).any())
