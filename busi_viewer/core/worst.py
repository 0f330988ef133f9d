"""The cases to look at first: what went most wrong, by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from busi_viewer.core.cases import Case
from busi_viewer.core.evaluation import MALIGNANT

BELOW, MISSED, ALARMS, WRONG, POOREST = TITLES = (
    "Malignant below the operating point",
    "Missed lesions",
    "False alarms on normal images",
    "Wrong class",
    "Poorest outlines",
)
"""The kinds of failure."""
SHOWN = 12
"""So many cases of each kind are shown."""


@dataclass(frozen=True)
class Shown:
    """A case to look at, and its thumbnail with both outlines (JPEG), or None where it could not be made."""

    case: Case
    picture: bytes | None = None


@dataclass(frozen=True)
class Worst:
    """One kind of failure: its title, in which order, how many there are, and the first of them."""

    title: str
    order: str
    total: int
    shown: tuple[Shown, ...]


def worst_cases(cases: Sequence[Case], shown: int = SHOWN) -> list[Worst]:
    """Each kind of failure that occurs, worst first. An image may stand in several."""
    outlined = [case for case in cases if case.outline is not None]
    labelled = [case for case in cases if case.judged is not None]
    wrong = [case for case in labelled if case.prediction != case.label]
    return [
        worst
        for worst in (
            _kind(
                BELOW,
                "lowest estimate first",
                [case for case in labelled if case.label == "malignant" and not case.above_operating_point],
                lambda case: case.probabilities[MALIGNANT],
                shown,
            ),
            _kind(MISSED, "largest first", [c for c in outlined if _missed(c)], lambda c: -_share(c), shown),
            _kind(
                ALARMS,
                "largest outline first",
                [case for case in outlined if case.false_alarm],
                lambda case: -_outlined(case),
                shown,
            ),
            _kind(WRONG, "most sure first", wrong, lambda case: -max(case.probabilities), shown),
            _kind(
                POOREST,
                "lowest Dice first, without the missed",
                [case for case in outlined if case.outline and 0 < case.outline.dice < _POOR],
                lambda case: case.outline.dice if case.outline else 0.0,
                shown,
            ),
        )
        if worst.total
    ]


_POOR = 0.7


def _kind(title: str, order: str, cases: Sequence[Case], key: Callable[[Case], float], shown: int) -> Worst:
    ordered = sorted(cases, key=lambda case: (key(case), case.id))
    return Worst(title, order, len(ordered), tuple(Shown(case) for case in ordered[:shown]))


def _missed(case: Case) -> bool:
    return case.outline is not None and case.outline.missed


def _share(case: Case) -> float:
    return case.outline.lesion_share if case.outline is not None else 0.0


def _outlined(case: Case) -> int:
    return case.outline.counts.tp + case.outline.counts.fp if case.outline is not None else 0
