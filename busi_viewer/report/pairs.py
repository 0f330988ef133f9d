"""Which lesion of the reader is which lesion of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from busi_viewer.core.masks import fill_polygon
from busi_viewer.core.measure import Lesion


@dataclass(frozen=True)
class Pair:
    """A lesion as the machine outlined it and as the reader did; ``dice`` None where one of them is missing."""

    number: int
    ai: Lesion | None
    reader: Lesion | None
    dice: float | None

    @property
    def shown(self) -> Lesion:
        """The reader's lesion if there is one, else the machine's."""
        lesion = self.reader or self.ai
        if lesion is None:
            raise ValueError("a pair of no lesions")
        return lesion

    @property
    def edited(self) -> bool:
        """Whether the reader's outline is not exactly the machine's."""
        return self.dice is None or self.dice < 1.0


def _dice(a: Lesion, b: Lesion) -> float:
    """Dice of two lesions' filled outlines; 1.0 only for the same pixels."""
    x = min(a.bbox[0], b.bbox[0])
    y = min(a.bbox[1], b.bbox[1])
    shape = max(v.bbox[1] + v.bbox[3] for v in (a, b)) - y, max(v.bbox[0] + v.bbox[2] for v in (a, b)) - x
    first, second = (fill_polygon(shape, lesion.contour - np.array([x, y])) for lesion in (a, b))
    share = 2.0 * float((first & second).sum()) / max(float(first.sum() + second.sum()), 1.0)
    return share if share < 1.0 or a.area_px == b.area_px else 0.99


def pair_lesions(ai: Sequence[Lesion], reader: Sequence[Lesion], *, has_reader: bool) -> tuple[Pair, ...]:
    """Number the reader's lesions (else the machine's), each with its best-overlapping counterpart."""
    if not has_reader:
        return tuple(Pair(n, lesion, None, None) for n, lesion in enumerate(ai, 1))
    scored = sorted(((_dice(a, r), i, j) for i, a in enumerate(ai) for j, r in enumerate(reader)), reverse=True)
    match: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for dice, i, j in scored:
        if dice > 0 and i not in taken and j not in match:
            match[j] = (i, dice)
            taken.add(i)
    pairs = []
    for j, lesion in enumerate(reader):
        found = match.get(j)
        pairs.append(Pair(j + 1, ai[found[0]] if found else None, lesion, found[1] if found else None))
    left = [lesion for i, lesion in enumerate(ai) if i not in taken]
    return (*pairs, *(Pair(len(pairs) + k, lesion, None, None) for k, lesion in enumerate(left, 1)))
