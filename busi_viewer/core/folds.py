"""A cross-validation as others see it: what its progress file tells of the folds, row by row, and their mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

BEGUN, FOLD, FOLD_END = "folds", "fold", "fold_end"
"""Events of the progress file beside those of a training: the number of folds; a fold begins; it is evaluated.

Those of a training carry the number of their ``fold``.
"""
WAITING, RUNNING, COMPLETE = "waiting", "running", "complete"
MEASURED = ("dice", "auc_malignant_vs_rest", "accuracy", "sensitivity_malignant", "specificity_malignant")
"""The figures of a fold that its end tells."""


@dataclass(frozen=True)
class FoldRow:
    """A fold as it stands: its number from 1, its state, its last epoch of how many, and its ``figures`` (some of MEASURED)."""

    number: int
    state: str = WAITING
    epoch: int = 0
    epochs: int = 0
    figures: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Mean:
    """The mean of a figure over ``n`` finished folds, and half of its 95 % interval (None with fewer than two)."""

    mean: float
    half: float | None
    n: int


def fold_rows(events: Iterable[Mapping[str, Any]]) -> tuple[FoldRow, ...]:
    """The events of a cross-validation, oldest first, as rows, those that wait too."""
    rows: dict[int, FoldRow] = {}
    for event in events:
        kind, number = event.get("event"), event.get("fold")
        if kind == BEGUN:
            rows = {n: rows.get(n, FoldRow(n)) for n in range(1, int(event["folds"]) + 1)}
        elif not isinstance(number, int) or number not in rows:
            continue
        elif kind == FOLD:
            rows[number] = replace(rows[number], state=RUNNING)
        elif kind == "epoch":
            rows[number] = replace(rows[number], epoch=int(event["epoch"]), epochs=int(event.get("of") or 0))
        elif kind == FOLD_END:
            rows[number] = replace(rows[number], state=COMPLETE, figures=event["figures"])
    return tuple(rows[number] for number in sorted(rows))


def mean_over(rows: Sequence[FoldRow], name: str) -> Mean | None:
    """The mean of a figure over the finished folds, with Student's 95 % interval; None where no fold defines it.

    Folds share training images, so that the interval is somewhat too narrow (Bengio & Grandvalet, JMLR 5, 2004).
    """
    values = [v for row in rows if row.state == COMPLETE and (v := row.figures.get(name)) is not None]
    if not values:
        return None
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Mean(mean, None, len(values))
    from scipy.stats import t as student  # the window starts without scipy

    deviation = sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return Mean(mean, float(student.ppf(0.975, len(values) - 1)) * deviation / sqrt(len(values)), len(values))
