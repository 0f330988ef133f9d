"""A hyperparameter search as others see it: what its progress file tells of the trials, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from busi_viewer.core.training import read_events

TRIAL, TRIAL_END = "trial", "trial_end"
"""Events of the progress file beside those of a training; those of a training carry the number of their ``trial``."""
TRIALS = "trials"
"""Said by the event ``data``: how many trials there are in all."""
WAITING, RUNNING, COMPLETE, PRUNED, FAILED = "waiting", "running", "complete", "pruned", "failed"


@dataclass(frozen=True)
class TrialRow:
    """A trial as it stands: its number from 1, what it tries, its state, last epoch, best score so far, and what went wrong."""

    number: int
    parameters: Mapping[str, Any]
    state: str = RUNNING
    epoch: int = 0
    score: float | None = None
    problem: str = ""


def read_trials(path: Path) -> tuple[TrialRow, ...]:
    """The rows of a progress file (:func:`busi_viewer.core.training.read_events`), by number."""
    return trial_rows(read_events(path))


def trial_rows(events: Iterable[Mapping[str, Any]]) -> tuple[TrialRow, ...]:
    """The events of a search, oldest first, as rows. A trial that is begun again keeps its row."""
    rows: dict[int, TrialRow] = {}
    for event in events:
        number = event.get("trial")
        if not isinstance(number, int):
            continue
        kind = event.get("event")
        if kind == TRIAL:
            rows[number] = TrialRow(number, event["parameters"])
        elif number in rows and kind == "epoch":
            best = max((s for s in (rows[number].score, event.get("score")) if s is not None), default=None)
            rows[number] = replace(rows[number], epoch=int(event["epoch"]), score=best)
        elif number in rows and kind == TRIAL_END:
            problem = str(event.get("problem") or "")
            score = event.get("score", rows[number].score)
            rows[number] = replace(rows[number], state=event["state"], score=score, problem=problem)
    return tuple(rows[number] for number in sorted(rows))
