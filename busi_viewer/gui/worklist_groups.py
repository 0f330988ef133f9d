"""How the worklist is grouped and sorted: by folder or by patient, study and series. Plain values, no Qt."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import privacy
from busi_viewer.gui.language import tr
from busi_viewer.gui.worklist_model import Item
from busi_viewer.workflow.inputs import natural_key

GROUPINGS = ("none", "folder", "dicom")
SORTS = ("name", "estimate", "status", "flagged", "date")
_STATUS = ("Failed", "Running", "Queued", "New", "Analysed", "Edited", "Reported")
Level = tuple[Any, str]
"""What a group is sorted and told apart by, and its words."""


@dataclass
class Group:
    """A header row: ``key`` tells it apart, ``items`` are all below it, sub-groups included."""

    key: tuple[Any, ...]
    title: str
    depth: int = 0
    items: list[Item] = field(default_factory=list)
    direct: list[Item] = field(default_factory=list)
    inner: dict[Any, Group] = field(default_factory=dict)
    is_open: bool = True
    number: int = 0

    @property
    def shown(self) -> str:
        """What the group is called on screen."""
        return tr("Group {number}", number=self.number) if privacy.on() else self.title

    @property
    def words(self) -> str:
        """For the header's right side: how many, and how many are still to be read."""
        to_read = sum(not (item.reported or item.edited) and item.phase != "failed" for item in self.items)
        count = tr("{n:,}", n=len(self.items))
        return tr("{n:,} of {count} to read", n=to_read, count=count) if to_read else tr("{count} read", count=count)


def sort_key(sort: str) -> Callable[[Item], Any] | None:
    """What items are ordered by within their group; None: the natural order of the list."""
    if sort == "estimate":
        return _by_estimate
    if sort == "status":
        return lambda item: _STATUS.index(item.status)
    if sort == "flagged":
        return lambda item: not item.flagged
    if sort == "date":
        return _by_date
    return None


def _by_estimate(item: Item) -> tuple[int, float]:
    """The gravest and surest first; without an estimate last."""
    if item.estimate is None:
        return 1, 0.0
    prediction, share = item.estimate
    return 0, -(CLASSES.index(prediction) + share)


def _by_date(item: Item) -> tuple[bool, int]:
    """The newest first; what states no date goes by the file's."""
    at = "".join(filter(str.isdigit, item.labels.at))[:14].ljust(14, "0") if item.labels is not None else ""
    return not at and not item.changed, -(int(at) if at else _as_digits(item.changed))


@lru_cache(maxsize=20_000)
def _as_digits(seconds: float) -> int:
    return int(datetime.datetime.fromtimestamp(seconds).strftime("%Y%m%d%H%M%S"))


def levels_of(items: Iterable[Item], grouping: str) -> Callable[[Item], Sequence[Level]]:
    """The groups an item belongs to, the outermost first."""
    if grouping == "dicom":
        return _dicom_levels
    places = {item.place for item in items}
    root = Path(os.path.commonpath(places)) if places else Path()
    known: dict[str, tuple[Level, ...]] = {}

    def of(item: Item) -> Sequence[Level]:
        if item.place not in known:
            parts = Path(item.place).relative_to(root).parts or (root.name or str(root),)
            known[item.place] = tuple((tuple(natural_key(part)), part) for part in parts)
        return known[item.place]

    return of


def _dicom_levels(item: Item) -> Sequence[Level]:
    labels = item.labels
    if labels is None:
        return [((1, ""), tr("No DICOM header"))] if item.seen_header else [((2, ""), tr("Reading headers…"))]
    return [((0, *level[:1]), level[1]) for level in (labels.patient, labels.study, labels.series)]


def grouped(items: Sequence[Item], grouping: str, folded: Iterable[tuple[Any, ...]]) -> list[Item | Group]:
    """The rows to show: headers, each followed by its own items and then its sub-groups; folded ones alone.

    A group whose only content is another group is shown as one with it.
    """
    levels = levels_of(items, grouping)
    top: dict[Any, Group] = {}
    for item in items:
        inner, group = top, None
        key: tuple[Any, ...] = ()
        for mark, title in levels(item):
            key = (*key, mark)
            group = inner.get(mark)
            if group is None:
                group = inner[mark] = Group(key, title)
            group.items.append(item)
            inner = group.inner
        if group is not None:
            group.direct.append(item)
    rows: list[Item | Group] = []
    closed = set(folded)
    separator = " · " if grouping == "dicom" else "/"
    for mark in sorted(top):
        _emit(top[mark], 0, closed, separator, rows)
    for number, header in enumerate((row for row in rows if isinstance(row, Group)), 1):
        header.number = number
    return rows


def _emit(group: Group, depth: int, closed: set[tuple[Any, ...]], separator: str, rows: list[Item | Group]) -> None:
    title = group.title
    while len(group.inner) == 1 and not group.direct:
        group = next(iter(group.inner.values()))
        title = f"{title}{separator}{group.title}"
    group.title, group.depth, group.is_open = title, depth, group.key not in closed
    rows.append(group)
    if group.is_open:
        rows.extend(group.direct)
        for mark in sorted(group.inner):
            _emit(group.inner[mark], depth + 1, closed, separator, rows)
