"""Callipers, outlines' sizes and findings of an image as files: JSON, or CSV with a row for each value.

Whatever is in mm says who calibrated it, and what the machine proposed says so until the reader takes it over. Nothing names the
patient.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from busi_viewer.core.callipers import SCHEMA, Calliper, measured, to_json
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Identity, assigned
from busi_viewer.core.findings import to_json as to_json_findings
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.measure import Lesion
from busi_viewer.workflow.export import lesion_json, number, write_bytes, write_json

COLUMNS = ("input", "frame", "name", "kind", "quantity", "value", "unit", "calibrated_by", "proposed", "note")
SIZES = ("long_axis", "short_axis", "ap", "width")


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
    """All callipers of an image, the reader's calibration if there is one, outlines and findings."""
    record = document.record
    return {
        "schema": SCHEMA,
        "input": {"path": record.path.name, "sha256": record.sha256},
        "calibration": to_json((), document.calibration)["calibration"],
        "callipers": [calliper_json(item, record) for item in document.callipers],
        "lesions": lesions_json(document),
        "findings": findings_json(document),
    }


def lesions_json(document: Document) -> list[dict[str, Any]]:
    """Every outline as it stands, with its sizes and contour; ``proposed``: the machine's, not accepted by the reader.

    ``findings`` is the key of what the reader says of it, or null.
    """
    analysed = [frame.index for frame in document.result.frames] if document.result is not None else []
    found = []
    for frame in sorted({*document.edited_frames, *analysed}):
        lesions = document.lesions(frame)
        said, _ = assigned(document.findings, frame, lesions)
        for place, (lesion, one) in enumerate(zip(lesions, said, strict=True), 1):
            sizes = {name: value for name, value in lesion_json(lesion).items() if name not in ("bbox", "descriptors")}
            found.append(
                {
                    "frame": frame,
                    "name": f"Lesion {place}",
                    "proposed": document.is_proposal(frame),
                    "calibrated_by": _calibrated_by(lesion, document.record),
                    "findings": one.key if one is not None else None,
                    **sizes,
                }
            )
    return found


def _calibrated_by(lesion: Lesion, record: ImageRecord) -> str | None:
    if lesion.long_axis_mm is None:
        return None
    return "reader" if record.calibrated_by_reader else "file"


def findings_json(document: Document) -> dict[str, Any]:
    """What the reader says, without who the patient is."""
    return to_json_findings(replace(document.findings, identity=Identity()))


def write_measurements(path: Path, document: Document) -> None:
    """Write JSON where the name ends so, else CSV (UTF-8), atomically. Raises OutputError."""
    value = measurements_json(document)
    if path.suffix.lower() == ".json":
        write_json(path, value, indent=1)
        return
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in (*_calliper_rows(value), *_lesion_rows(value), *_finding_rows(document)):
        table.writerow({"input": value["input"]["path"], **row})
    write_bytes(path, text.getvalue().encode("utf-8", errors="backslashreplace"))


Row = dict[str, Any]


def _calliper_rows(value: dict[str, Any]) -> Iterator[Row]:
    for item in value["callipers"]:
        for found in item["values"]:
            yield {
                **{name: item[name] for name in ("frame", "name", "kind")},
                **{"quantity": found["name"], "value": found["value"], "unit": found["unit"]},
                "calibrated_by": item["calibrated_by"] or "",
                "proposed": "true" if item["proposed"] else "false",
                "note": item["note"] or "",
            }


def _lesion_rows(value: dict[str, Any]) -> Iterator[Row]:
    """Sizes in mm where they are known, else in px."""
    for lesion in value["lesions"]:
        for quantity, power in (*((size, 1) for size in SIZES), ("area", 2), ("angle", 0)):
            known = lesion["calibrated_by"] is not None
            unit = "deg" if power == 0 else ("mm2" if known else "px") if power == 2 else "mm" if known else "px"
            yield {
                "frame": lesion["frame"],
                "name": lesion["name"],
                "kind": "outline",
                "quantity": quantity,
                "value": lesion[f"{quantity}_{unit}"],
                "unit": {"mm2": "mm²", "deg": "°"}.get(unit, "px²" if power == 2 else unit),
                "calibrated_by": lesion["calibrated_by"] or "",
                "proposed": "true" if lesion["proposed"] else "false",
            }


def _finding_rows(document: Document) -> Iterator[Row]:
    """What the reader says: of the image under no name, of a lesion under that of its outline, else of its finding."""
    findings = document.findings
    place = {name: getattr(findings.location, name) for name in ("side", "position", "distance_mm", "plane")}
    texts = ("composition", "assessment", "management", "history", "technique", "comparison", "impression")
    yield from _said("", {**place, **{name: getattr(findings, name) for name in texts}})
    for frame in sorted({one.frame for one in findings.lesions}):
        mine, gone = assigned(findings, frame, document.lesions(frame))
        named = [(f"Lesion {place}", one) for place, one in enumerate(mine, 1) if one is not None]
        for name, one in (*named, *((f"Finding {one.key}", one) for one in gone)):
            own = {"position": one.position, "distance_mm": one.distance_mm, "assessment": one.assessment}
            words = {title: "; ".join(said) for title, said in one.words.items()}
            yield from _said(name, {**words, **own}, frame)


def _said(name: str, values: Mapping[str, Any], frame: int | str = "") -> Iterator[Row]:
    for quantity, value in values.items():
        if value not in (None, ""):
            unit = "mm" if quantity == "distance_mm" else ""
            yield {"frame": frame, "name": name, "kind": "finding", "quantity": quantity.removesuffix("_mm"),
                   "value": value, "unit": unit, "proposed": "false"}  # fmt: skip
