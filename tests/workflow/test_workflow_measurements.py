"""Measurements as files: callipers, outlines and findings, in JSON and as rows, without the patient."""

import csv
import json
from pathlib import Path

import numpy as np

from busi_viewer.core.callipers import Calibration, Calliper, Kind
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, Identity, LesionFindings, Location, from_json
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.workflow.measurements import measurements_json, write_measurements

SHAPE = (100, 120)


def described(calibrated=True):
    frames = ArrayFrames((np.full(SHAPE, 90, np.uint8), np.full(SHAPE, 91, np.uint8)))
    doc = Document(ImageRecord(Path("a.png"), "ab" * 32, "png", frames, SHAPE))
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 30:70] = True
    doc.set_reader_mask(1, mask)
    if calibrated:
        doc.set_calibration(Calibration(((0, 0), (0, 100)), 10.0))
    doc.set_callipers([Calliper(Kind.LENGTH, ((0, 0), (30, 40)), 0, "Depth")])
    here = LesionFindings(1, 1, doc.lesions(1)[0].bbox, {"margin": ("angular", "spiculated")}, assessment="4B")
    gone = LesionFindings(2, 0, (1, 1, 4, 4), {"shape": ("oval",)})
    doc.set_findings(
        Findings(
            lesions=(here, gone),
            location=Location("left", "2:00", 40.0),
            management="tissue sampling",
            history="Geheim",
            identity=Identity("Sample, Anna", "000-118"),
        )
    )
    return doc


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_json_holds_outlines_and_findings_that_can_be_read_again(tmp_path):
    doc = described()
    write_measurements(tmp_path / "m.json", doc)
    value = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    (lesion,) = value["lesions"]
    assert (lesion["frame"], lesion["name"], lesion["findings"], lesion["proposed"]) == (1, "Lesion 1", 1, False)
    assert (lesion["calibrated_by"], lesion["width_mm"], lesion["ap_mm"]) == ("reader", 4.0, 2.0)
    assert len(lesion["contour"]) > 3
    read = from_json(value["findings"])
    assert read.lesions == doc.findings.lesions
    assert read.identity == Identity()
    assert "Anna" not in (tmp_path / "m.json").read_text(encoding="utf-8")


def test_csv_has_a_row_for_each_value(tmp_path):
    write_measurements(tmp_path / "m.csv", described())
    found = rows(tmp_path / "m.csv")
    told = {(row["frame"], row["name"], row["kind"], row["quantity"]): (row["value"], row["unit"]) for row in found}
    assert told["0", "Depth", "length", "length"] == ("5.0", "mm")
    assert told["1", "Lesion 1", "outline", "width"] == ("4.0", "mm")
    assert told["1", "Lesion 1", "outline", "area"] == ("8.0", "mm²")
    assert told["1", "Lesion 1", "outline", "angle"][1] == "°"
    assert told["1", "Lesion 1", "finding", "margin"] == ("angular; spiculated", "")
    assert told["1", "Lesion 1", "finding", "assessment"] == ("4B", "")
    assert told["0", "Finding 2", "finding", "shape"] == ("oval", "")
    assert told["", "", "finding", "distance"] == ("40.0", "mm")
    assert told["", "", "finding", "management"] == ("tissue sampling", "")
    assert {row["calibrated_by"] for row in found if row["kind"] == "outline" and row["unit"] == "mm"} == {"reader"}
    assert "Anna" not in (tmp_path / "m.csv").read_text(encoding="utf-8")


def test_sizes_are_in_px_where_nothing_is_calibrated(tmp_path):
    doc = described(calibrated=False)
    write_measurements(tmp_path / "m.csv", doc)
    outline = {
        row["quantity"]: (row["value"], row["unit"]) for row in rows(tmp_path / "m.csv") if row["kind"] == "outline"
    }
    assert outline["width"] == ("40.0", "px")
    assert outline["area"] == ("800", "px²")
    assert measurements_json(doc)["lesions"][0]["calibrated_by"] is None
