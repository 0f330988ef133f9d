"""A study of a run read back for showing: figures, confusion, ROC, calibration, worst cases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from busi_viewer.core.curves import malignant_scores, reliability, roc
from busi_viewer.core.errors import DataSetError
from busi_viewer.workflow.cases import CASES, read_cases
from busi_viewer.workflow.evaluate import LIST, PAGE, RESULT, WORST

FIGURES = (
    ("Dice", "segmentation", "dice"),
    ("IoU", "segmentation", "iou"),
    ("Lesion recall", "segmentation", "lesion_recall"),
    ("False alarms on normal", "segmentation", "false_alarm_rate_normal"),
    ("Accuracy", "classification", "accuracy"),
    ("AUC, malignant against rest", "classification", "auc_malignant_vs_rest"),
    ("AUC, malignant against benign", "classification", "auc_malignant_vs_benign"),
    ("Sensitivity, malignant", "classification", "sensitivity_malignant"),
    ("Specificity, malignant", "classification", "specificity_malignant"),
    ("ECE", "classification", "ece"),
    ("Brier score", "classification", "brier"),
)


@dataclass(frozen=True)
class WorstCase:
    """One of a kind of failure: its image's id, JPEG (or None), reference class and prediction, Dice where known."""

    kind: str
    id: str
    picture: bytes | None
    label: str | None
    prediction: str
    dice: float | None


@dataclass(frozen=True)
class Results:
    """A study. ``figures`` are (name, value, 95 % interval or None); ``roc`` rates (x, y) from (0, 0); ``calibration`` pairs
    (stated, observed) of p(malignant); ``confusion`` has the reference in rows, or is None for a model that does not classify.
    """

    page: Path
    n: int
    figures: tuple[tuple[str, float, tuple[float, float] | None], ...]
    confusion: list[list[int]] | None
    roc: tuple[Sequence[float], Sequence[float]]
    calibration: tuple[Sequence[float], Sequence[float]]
    worst: tuple[WorstCase, ...]


def read(folder: Path) -> Results:
    """The study in a folder that evaluate or a training wrote. Raises DataSetError."""
    try:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataSetError("the results cannot be read", path=folder / RESULT, remedy="Evaluate again.") from error
    cases = read_cases(folder / CASES)
    classified = result.get("classification")
    x, y = roc(*malignant_scores(cases)) if classified else ((), ())
    bins = reliability(cases)["malignant"] if classified else []
    return Results(
        page=folder / PAGE,
        n=int(result["n"]),
        figures=tuple(_figures(result)),
        confusion=classified["confusion"] if classified else None,
        roc=(list(x), list(y)),
        calibration=([row[3] for row in bins], [row[4] for row in bins]),
        worst=tuple(_worst(folder / WORST)),
    )


def _figures(result: Mapping[str, Any]) -> list[tuple[str, float, tuple[float, float] | None]]:
    found = []
    for words, part, key in FIGURES:
        section = result.get(part) or {}
        entry = section.get(key)
        if isinstance(entry, Mapping):
            value, interval = entry.get("value", entry.get("mean")), entry.get("ci95")
        else:
            value, interval = entry, section.get(f"{key}_ci95")
        if value is not None:
            found.append((words, float(value), tuple(interval) if interval else None))
    return found


def _worst(folder: Path) -> list[WorstCase]:
    try:
        kinds = json.loads((folder / LIST).read_text(encoding="utf-8"))["kinds"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        WorstCase(
            kind["title"], one["id"], _picture(folder, one["picture"]), one["label"], one["prediction"], one["dice"]
        )
        for kind in kinds
        for one in kind["shown"]
    ]


def _picture(folder: Path, name: str | None) -> bytes | None:
    try:
        return (folder / name).read_bytes() if name else None
    except OSError:
        return None
