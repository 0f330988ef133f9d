"""An evaluation's images as a table, ``cases.csv``: written by evaluate and crossval, read by compare and crossval.

Lengths in pixels or mm at native size; empty = unknown or undefined. Shares and probabilities keep every digit, so that
figures made from the table are those of the evaluation (but for the AUC over pixels, which a table of images cannot give).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from busi_viewer.core.cases import Axis, Case, Outline
from busi_viewer.core.errors import DataSetError
from busi_viewer.core.metrics import PixelCounts
from busi_viewer.core.results import CLASSES
from busi_viewer.workflow.export import write_bytes

CASES = "cases.csv"
COLUMNS = (
    *("id", "set", "group", "label", "p_normal", "p_benign", "p_malignant", "prediction", "above_operating_point"),
    *(
        "abstained",
        "truth",
        "tp",
        "fp",
        "fn",
        "tn",
        "lesion_share",
        "dice",
        "iou",
        "hd95_px",
        "lesions",
        "lesions_found",
    ),
    *(
        "missed",
        "false_alarm",
        "true_long_axis_px",
        "long_axis_px",
        "true_long_axis_mm",
        "long_axis_mm",
        "milliseconds",
    ),
)


def write_cases(path: Path, cases: Sequence[Case]) -> None:
    """Write the table, one line an image, sorted by id. Raises OutputError."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(_row(case) for case in sorted(cases, key=lambda case: case.id))
    write_bytes(path, text.getvalue().encode("utf-8", errors="backslashreplace"))


def _word(value: float | bool | str | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return "" if value is None else str(value)


def _row(case: Case) -> dict[str, str]:
    values: dict[str, float | bool | str | None] = {
        "id": case.id,
        "set": case.set,
        "group": case.group,
        "label": case.label,
        **{f"p_{name}": p if case.classified else None for name, p in zip(CLASSES, case.probabilities, strict=True)},
        "prediction": case.prediction if case.classified else None,
        "above_operating_point": case.above_operating_point,
        "abstained": case.abstained,
        "truth": case.truth,
        "milliseconds": case.milliseconds,
    }
    if case.outline is not None:
        values |= _outline_values(case.outline)
        values["false_alarm"] = case.false_alarm if case.label == "normal" else None
    return {name: _word(values.get(name)) for name in COLUMNS}


def _outline_values(outline: Outline) -> dict[str, float | bool | str | None]:
    axes = (("true_long_axis", outline.true_axis), ("long_axis", outline.axis))
    counts = outline.counts
    return {
        **{"tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn},
        "lesion_share": outline.lesion_share,
        "dice": outline.dice,
        "iou": outline.iou,
        "hd95_px": outline.hd95,
        "lesions": outline.lesions,
        "lesions_found": outline.found,
        "missed": outline.missed if outline.has_lesion else None,
        **{f"{name}_{unit}": getattr(axis, unit) if axis else None for name, axis in axes for unit in ("px", "mm")},
    }


def read_cases(path: Path) -> list[Case]:
    """The table's cases. Raises DataSetError where it is not one that :func:`write_cases` made."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            table = csv.DictReader(stream, strict=True)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise ValueError("columns are missing")
            return [_case(row) for row in table]
    except OSError as error:
        raise DataSetError(f"the table of cases cannot be read ({error.strerror})", path=path) from error
    except (ValueError, TypeError, csv.Error) as error:
        raise DataSetError(
            "this is no table of cases", path=path, remedy="Evaluate again: busi-viewer evaluate … -o DIR."
        ) from error


def _case(row: dict[str, str]) -> Case:
    if row["label"] not in ("", *CLASSES):
        raise ValueError("unknown label")
    classified = bool(row[f"p_{CLASSES[0]}"])
    first, second, third = (float(row[f"p_{name}"]) if classified else 1 / len(CLASSES) for name in CLASSES)
    return Case(
        group=int(row["group"]),
        label=row["label"] or None,
        probabilities=(first, second, third),
        above_operating_point=row["above_operating_point"] == "true",
        abstained=row["abstained"] == "true",
        milliseconds=_number(row["milliseconds"]),
        outline=_outline(row) if row["tp"] else None,
        id=row["id"],
        truth=row["truth"],
        classified=classified,
    )


def _outline(row: dict[str, str]) -> Outline:
    distance = _number(row["hd95_px"])
    return Outline(
        counts=PixelCounts(*(int(row[name]) for name in ("tp", "fp", "fn", "tn"))),
        hd95=float("nan") if distance is None else distance,
        found=int(row["lesions_found"]),
        lesions=int(row["lesions"]),
        histogram=None,
        true_axis=_axis(row, "true_long_axis"),
        axis=_axis(row, "long_axis"),
    )


def _axis(row: dict[str, str], name: str) -> Axis | None:
    length = _number(row[f"{name}_px"])
    return None if length is None else Axis(length, _number(row[f"{name}_mm"]))


def _number(text: str) -> float | None:
    return float(text) if text else None
