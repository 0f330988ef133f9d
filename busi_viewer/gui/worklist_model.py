"""The worklist's data: the files in natural order and what is known of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from busi_viewer.core.labels import Labels
from busi_viewer.core.results import AnalysisResult
from busi_viewer.gui import privacy
from busi_viewer.gui.language import said, tr
from busi_viewer.workflow.inputs import Input, natural_key

if TYPE_CHECKING:
    from busi_viewer.core.casebook import ImageState

FILTERS = ("All", "New", "Analysed", "Edited", "Reported", "Failed")
"""The states a reader can filter by."""
FLAGGED = "Flagged"
HIDDEN = "Hidden until locked"


@dataclass
class Item:
    """One file of the worklist and what is known of it.

    ``place`` is the folder's whole path. ``phase`` is "", queued, running or failed; ``note`` says more of it (the stage, the
    error), ``reason`` why it failed. ``prediction`` and ``share`` (probability) are None until analysed or where the estimate is
    withheld (``abstained``). ``veiled``: the reader reads blind and has not locked a reading yet (``locked``), so nothing of the
    machine's may be shown; what is shown goes by ``estimate`` and ``summary``. ``labels`` is what the header says,
    ``seen_header`` whether it was read, ``changed`` the file's time (s).
    """

    path: Path
    name: str
    folder: str
    place: str = ""
    phase: str = ""
    note: str = ""
    analysed: bool = False
    abstained: bool = False
    prediction: str | None = None
    share: float | None = None
    edited: bool = False
    reported: bool = False
    flagged: bool = False
    locked: bool = False
    veiled: bool = False
    reason: str = ""
    labels: Labels | None = None
    changed: float = 0.0
    seen_header: bool = False

    @property
    def estimate(self) -> tuple[str, float] | None:
        """Class and probability, if there is an estimate and it may be shown."""
        if self.veiled or self.prediction is None or self.share is None:
            return None
        return self.prediction, self.share

    @property
    def shown(self) -> str:
        """What the file is called on screen."""
        return privacy.name(self.path, stem=True)

    @property
    def status(self) -> str:
        """The word of the status chip."""
        if self.phase:
            return self.phase.capitalize()
        if self.reported:
            return "Reported"
        if self.edited:
            return "Edited"
        return "Analysed" if self.analysed else "New"

    @property
    def summary(self) -> str:
        """The second line: the estimate, the stage or why there is none."""
        if self.phase in ("running", "failed") and self.note:
            return said(self.note)
        if self.veiled and self.analysed:
            return tr(HIDDEN)
        if self.abstained:
            return tr("No estimate given")
        if self.estimate is not None:
            name, share = self.estimate
            return tr("{name} {percent:.0f} %", name=tr(name).capitalize(), percent=share * 100)
        return tr("Not analysed")

    @property
    def badges(self) -> tuple[str, ...]:
        """What else is true of it beside its status."""
        also = (("Edited", self.edited and self.status != "Edited"), (FLAGGED, self.flagged))
        return tuple(word for word, true in also if true)

    def matches(self, wanted: str) -> bool:
        """Whether the item belongs to a filter of FILTERS."""
        if wanted == "All":
            return True
        if wanted == "Failed":
            return self.phase == "failed"
        if wanted == "New":
            return not (self.analysed or self.edited or self.reported) and self.phase != "failed"
        return {"Analysed": self.analysed, "Edited": self.edited, "Reported": self.reported}[wanted]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The filters that the item belongs to."""
        return (*(name for name in FILTERS if self.matches(name)), *((FLAGGED,) if self.flagged else ()))

    def forget(self) -> None:
        """Know nothing of the file any more, as if it were new."""
        self.phase = self.note = ""
        self.analysed = self.abstained = self.edited = self.reported = False
        self.prediction = self.share = None

    def learn(self, state: ImageState) -> None:
        """Note what the case store knows of a file that is not open."""
        self.analysed, self.abstained = state.analysed, state.abstained
        self.prediction, self.share = state.prediction, state.share
        self.edited, self.reported, self.flagged, self.locked = (
            state.edited,
            state.signed,
            state.flagged or self.flagged,
            state.locked,
        )

    def take(self, result: AnalysisResult, frame: int = 0) -> None:
        """Note the estimate of a finished analysis (that of ``frame``, else of the first analysed frame)."""
        shown = result.frame(frame) or (result.frames[0] if result.frames else None)
        self.phase, self.note, self.reason, self.analysed, self.reported = "", "", "", True, False
        self.abstained = shown.abstained if shown else False
        self.prediction = self.share = None
        if shown is not None and not shown.abstained and shown.classified:
            self.prediction = shown.prediction
            self.share = max(shown.probabilities)


class WorklistModel(QObject):
    """The files in natural order. Every path occurs once.

    ``touched(path)`` when an item changed, ``altered`` when many did, ``listed`` when files came or went or what may be shown
    of them changed.
    """

    touched = Signal(object)
    altered = Signal()
    listed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Item] = []
        self._rows: dict[Path, int] = {}
        self._counts: Counter[str] = Counter()
        self._counted: dict[Path, tuple[str, ...]] = {}
        self.blind = False

    def rowCount(self) -> int:
        """Number of files."""
        return len(self._items)

    @property
    def items(self) -> Sequence[Item]:
        """All items in order (do not change them except through :meth:`touch`)."""
        return self._items

    def item(self, path: Path) -> Item | None:
        """The item of a file, or None."""
        row = self._rows.get(path)
        return self._items[row] if row is not None else None

    def row(self, path: Path) -> int:
        """The row of a file, or −1."""
        return self._rows.get(path, -1)

    def add(self, inputs: Iterable[Input]) -> int:
        """Add files that are not yet listed; returns how many were new."""
        new = []
        seen = set(self._rows)
        for entry in inputs:
            if entry.path not in seen:
                seen.add(entry.path)
                folder = entry.path.parent
                new.append(Item(entry.path, entry.path.stem, folder.name, str(folder)))
        if new:
            self._set([*self._items, *new])
        return len(new)

    def keep_only(self, paths: set[Path]) -> None:
        """Remove every file that is not among ``paths``."""
        self._set([item for item in self._items if item.path in paths])

    def touch(self, path: Path) -> None:
        """Tell the views that an item changed."""
        item = self.item(path)
        if item is not None:
            self._count(item)
            item.veiled = self.blind and not item.locked
            self.touched.emit(path)

    def set_blind(self, blind: bool) -> None:
        """Hide what the machine says of files without a locked reading, or show it again."""
        self.blind = blind
        for item in self._items:
            item.veiled = blind and not item.locked
        self.listed.emit()

    def rename(self) -> None:
        """Tell the views that files are called differently."""
        self.listed.emit()

    def learn(self, states: Mapping[Path, ImageState]) -> None:
        """Note what the case store knows of listed files, except of those something was done with meanwhile."""
        for path, state in states.items():
            item = self.item(path)
            if item is not None and item.status == "New":
                item.learn(state)
                self._count(item)
                item.veiled = self.blind and not item.locked
        if states and self._items:
            self.altered.emit()

    def learn_headers(self, found: Mapping[Path, tuple[Labels | None, float]]) -> None:
        """Note what headers say, and when files changed."""
        for path, (labels, changed) in found.items():
            item = self.item(path)
            if item is not None:
                item.labels, item.changed, item.seen_header = labels, changed, True
        self.altered.emit()

    def counts(self) -> Counter[str]:
        """How many items belong to each filter, as of the last :meth:`touch` of each."""
        return self._counts

    def _count(self, item: Item) -> None:
        """Count an item that may have changed; the others, of which there may be thousands, are not looked at."""
        self._counts.subtract(self._counted.get(item.path, ()))
        self._counted[item.path] = item.kinds
        self._counts.update(item.kinds)

    def _set(self, items: list[Item]) -> None:
        folders = {folder: natural_key(folder) for folder in {item.place for item in items}}
        self._items = sorted(items, key=lambda item: (folders[item.place], natural_key(item.name)))
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        privacy.meet(self._rows)
        self._counted = {item.path: item.kinds for item in self._items}
        self._counts = Counter(kind for kinds in self._counted.values() for kind in kinds)
        self.set_blind(self.blind)
