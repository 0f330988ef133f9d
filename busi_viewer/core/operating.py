"""What an operating point on p(malignant) would have meant on a model's validation set, as its card records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VALIDATION = "val"
"""The name under which a card holds the figures of the validation part."""
ALL = "all"
COLUMNS = ("threshold", "sensitivity", "low", "high", "specificity", "low", "high")

Share = tuple[float, float | None, float | None]
"""A share and its 95 % interval; the ends are None where it could not be said."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on p(malignant) with the sensitivity and specificity for malignant that it had on the validation set."""

    threshold: float
    sensitivity: Share
    specificity: Share

    def __str__(self) -> str:
        return f"sensitivity {_share(self.sensitivity)}, specificity {_share(self.specificity)}"


@dataclass(frozen=True)
class OperatingCurve:
    """The thresholds that were measured, rising, on ``n_malignant`` and ``n_other`` images of ``data``; never in between."""

    data: str
    n_malignant: int
    n_other: int
    points: tuple[OperatingPoint, ...]

    def nearest(self, threshold: float) -> int:
        """The index of the measured point that is nearest to a threshold."""
        return min(range(len(self.points)), key=lambda i: abs(self.points[i].threshold - threshold))

    def at(self, threshold: float) -> OperatingPoint | None:
        """The measured point at a threshold (the card rounds to six places), or None."""
        point = self.points[self.nearest(threshold)]
        return point if abs(point.threshold - threshold) < 1e-5 else None

    @property
    def basis(self) -> str:
        """The set and its size in words."""
        return f"{self.data}, n = {self.n_malignant + self.n_other}, {self.n_malignant} malignant"


def curve_of(card: Mapping[str, Any]) -> OperatingCurve | None:
    """The operating curve that a card (as JSON) records for its validation part; None where it records none that is whole."""
    try:
        return _curve(card["metrics"][VALIDATION])
    except (KeyError, TypeError, IndexError, AttributeError):
        return None


def _curve(recorded: Mapping[str, Any]) -> OperatingCurve | None:
    sets = [name for name in recorded if name != ALL]
    if ALL not in recorded and len(sets) != 1:
        return None
    curve = recorded[ALL if ALL in recorded else sets[0]]["operating_curve"]
    if tuple(curve["columns"]) != COLUMNS:
        return None
    points = tuple(
        OperatingPoint(float(row[0]), (row[1], row[2], row[3]), (row[4], row[5], row[6]))
        for row in curve["rows"]
        if row[1] is not None and row[4] is not None
    )
    if not points:
        return None
    data = f"validation part{'s' if len(sets) > 1 else ''} of {', '.join(sets)}"
    return OperatingCurve(data, int(curve["n_malignant"]), int(curve["n_other"]), points)


def _share(share: Share) -> str:
    value, low, high = share
    interval = "" if low is None or high is None else f" (95 % CI {100 * low:.0f}–{100 * high:.0f})"
    return f"{100 * value:.0f} %{interval}"
