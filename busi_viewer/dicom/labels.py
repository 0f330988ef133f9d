"""The few header values by which a list is grouped, without touching pixels."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from busi_viewer.core.labels import Labels
from busi_viewer.dicom.source import looks_like_dicom
from busi_viewer.dicom.values import text

_TAGS = (
    *("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber"),
    *("SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "AcquisitionDateTime", "ContentDate", "ContentTime"),
)


def read_labels(path: Path) -> Labels | None:
    """What the header says, or None for a file that is no DICOM file or cannot be read; opening it says why."""
    try:
        with path.open("rb") as stream:
            if not looks_like_dicom(stream.read(4096)):
                return None
        ds: Dataset = dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
        return labels_of({tag: text(ds, tag) or "" for tag in _TAGS})
    except Exception:  # noqa: BLE001 - the boundary to a file of unknown content: pydicom raises anything on damaged ones
        return None


def labels_of(values: dict[str, str]) -> Labels:
    """Labels from header values by keyword ("" where absent)."""
    name = " ".join(part for part in values["PatientName"].replace("^", " ").split(" ") if part)
    patient = " · ".join(part for part in (name, values["PatientID"]) if part)
    day = values["StudyDate"]
    date = f"{day[:4]}-{day[4:6]}-{day[6:8]}" if len(day) == 8 and day.isdigit() else day
    study = " ".join(part for part in (date, values["StudyDescription"] or "Study") if part)
    number = values["SeriesNumber"]
    series = " ".join(
        part for part in (f"Series {number}" if number else "Series", values["SeriesDescription"]) if part
    )
    made = values["AcquisitionDateTime"] or values["ContentDate"] + values["ContentTime"]
    return Labels(
        patient=(values["PatientID"] or name or values["StudyInstanceUID"], patient or "Patient not named"),
        study=(day + values["StudyTime"] + values["StudyInstanceUID"], study),
        series=((f"{int(number):09d}" if number.isdigit() else number) + values["SeriesInstanceUID"], series),
        at=made or day + values["StudyTime"],
    )
