"""The callipers of an image as files: JSON, or CSV with a row for each value. Whatever is in mm says who calibrated it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from busi_viewer.core.callipers import SCHEMA, Calliper, measured, to_json
from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord
from busi_viewer.workflow.export import number, write_bytes, write_json

COLUMNS = ("input", "frame", "name", "kind", "quantity", "value", "unit", "calibrated_by", "proposed", "note")


def calliper_json(item: Calliper, record: ImageRecord) -> dict[str, Any]:
    """One calliper with its values; points x right, y down, pixel centres. ``calibrated_by`` is file, reader or null (px)."""
    found, scale = measured(item, record)
    by = None if scale.spacing_mm is None else "reader" if scale.by_reader else "file"
    return {
        "name": item.name,
        "kind": item.kind.value,
        "frame": item.frame,
        "points": [[number(x, 3), number(y, 3)] for x, y in item.points],
        "proposed": item.proposed,
        "values": [{"name": q.name, "value": number(q.value, 3), "unit": q.unit} for q in found],
        "calibrated_by": by,
        "note": scale.note or None,
    }


def measurements_json(document: Document) -> dict[str, Any]:
    """All callipers of an image, and the reader's calibration, if there is one."""
    record = document.record
    return {
        "schema": SCHEMA,
        "input": {"path": record.path.name, "sha256": record.sha256},
        "calibration": to_json((), document.calibration)["calibration"],
        "callipers": [calliper_json(item, record) for item in document.callipers],
    }


def write_measurements(path: Path, document: Document) -> None:
    """Write JSON where the name ends so, else CSV (UTF-8), atomically. Raises OutputError."""
    value = measurements_json(document)
    if path.suffix.lower() == ".json":
        write_json(path, value, indent=1)
        return
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for item in value["callipers"]:
        for found in item["values"]:
            table.writerow(
                {
                    "input": value["input"]["path"],
                    **{name: item[name] for name in ("frame", "name", "kind")},
                    **{"quantity": found["name"], "value": found["value"], "unit": found["unit"]},
                    "calibrated_by": item["calibrated_by"] or "",
                    "proposed": "true" if item["proposed"] else "false",
                    "note": item["note"] or "",
                }
            )
    write_bytes(path, text.getvalue().encode("utf-8", errors="backslashreplace"))
