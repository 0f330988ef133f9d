"""What a DICOM file is: its kind, pixels, calibration and what it refers to. No value that names a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.uid import UID

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.files import open_regular
from busi_viewer.dicom.calibration import Calibration, calibrate, frame_rate
from busi_viewer.dicom.header import DEFER_BYTES
from busi_viewer.dicom.pixels import reading
from busi_viewer.dicom.source import looks_like_dicom
from busi_viewer.dicom.values import integer, items, nested, text, value

IDENTIFYING = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "AccessionNumber",
    "InstitutionName",
    "ReferringPhysicianName",
    "OperatorsName",
)
_MOST_REFERENCES = 10_000


def describe(path: Path) -> dict[str, Any]:
    """The file as plain values for people and JSON; unknown is None.

    Raises UnreadableImage if the file is not DICOM or is damaged.
    """
    with open_regular(path) as stream, reading(path):
        if not looks_like_dicom(stream.peek(132)[:132]):
            raise UnreadableImage("this is not a DICOM file", path=path, remedy="Name a DICOM file.")
        stream.seek(0)
        ds: Dataset = dcmread(stream, force=True, defer_size=DEFER_BYTES, stop_before_pixels=True)
        if not len(ds):
            raise UnreadableImage("the DICOM file is empty", path=path, remedy="Export or copy it again.")
        return _described(ds, path)


def _described(ds: Dataset, path: Path) -> dict[str, Any]:
    sop = text(ds, "SOPClassUID") or text(getattr(ds, "file_meta", Dataset()), "MediaStorageSOPClassUID")
    syntax = text(getattr(ds, "file_meta", Dataset()), "TransferSyntaxUID")
    rows, columns = integer(ds, "Rows"), integer(ds, "Columns")
    calibration = calibrate(ds, (rows, columns)) if rows and columns else Calibration()
    return {
        "path": str(path),
        "kind": UID(sop).name if sop else None,
        "sop_class": sop,
        "sop_instance": text(ds, "SOPInstanceUID"),
        "study": text(ds, "StudyInstanceUID"),
        "series": text(ds, "SeriesInstanceUID"),
        "series_description": text(ds, "SeriesDescription"),
        "modality": text(ds, "Modality"),
        "manufacturer": text(ds, "Manufacturer"),
        "model": text(ds, "ManufacturerModelName"),
        "software": text(ds, "SoftwareVersions"),
        "transfer_syntax": UID(syntax).name if syntax else None,
        "rows": rows,
        "columns": columns,
        "frames": (integer(ds, "NumberOfFrames") or 1) if rows else None,
        "frame_rate": frame_rate(ds),
        "photometric": text(ds, "PhotometricInterpretation"),
        "bits_stored": integer(ds, "BitsStored"),
        "spacing_mm": list(calibration.spacing) if calibration.spacing else None,
        "regions": [{"box": [r.x0, r.y0, r.x1, r.y1], "spacing_mm": list(r.spacing_mm)} for r in calibration.regions],
        "segments": [text(item, "SegmentLabel") for item in items(ds, "SegmentSequence")],
        "refers_to": _references(ds),
        "identifying": [keyword for keyword in IDENTIFYING if value(ds, keyword) is not None],
        "deidentified": text(ds, "PatientIdentityRemoved") == "YES",
        "warnings": list(calibration.warnings),
    }


def _references(ds: Dataset) -> list[str]:
    """SOP instances that the object refers to anywhere, each once, in order."""
    found: dict[str, None] = {}
    queue = [ds]
    while queue and len(found) < _MOST_REFERENCES:
        part = queue.pop(0)
        uid = text(part, "ReferencedSOPInstanceUID")
        if uid:
            found.setdefault(uid)
        queue += nested(part)
    return list(found)
