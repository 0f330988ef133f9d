"""The image that derived objects refer to: what they take over of its patient, study and pixels, checked value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import config, uid
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.valuerep import validate_value

from busi_viewer.core.errors import OutputError, UnreadableImage
from busi_viewer.core.files import open_regular
from busi_viewer.core.image import ImageRecord
from busi_viewer.dicom import capture
from busi_viewer.dicom.header import DEFER_BYTES
from busi_viewer.dicom.pixels import reading
from busi_viewer.dicom.values import integer, text, value

PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
"""Type 1 and 2 elements of patient and study: written even where they are empty."""

OPTIONAL = (
    *("IssuerOfPatientID", "OtherPatientNames", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("StudyDescription", "PatientAge", "PatientSize", "PatientWeight", "Laterality", "ImageLaterality"),
)
_REFERENCE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_PIXELS = (
    *("PhotometricInterpretation", "BurnedInAnnotation", "LossyImageCompression", "LossyImageCompressionRatio"),
    "LossyImageCompressionMethod",
)
_GREY = ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "RescaleType", "VOILUTFunction")


@dataclass(frozen=True)
class Origin:
    """The source image: ``header`` holds only valid values, all of patient and study included; ``frames`` its number."""

    header: Dataset
    frames: int
    shape: tuple[int, int]

    @property
    def uid(self) -> str:
        """Its SOP Instance UID."""
        return str(self.header.SOPInstanceUID)

    @property
    def colour(self) -> bool:
        """Whether it is shown in colour, palettes included."""
        return not str(self.header.get("PhotometricInterpretation", "")).startswith("MONOCHROME")

    @property
    def side(self) -> str | None:
        """R, L or B where the image says so."""
        side = self.header.get("ImageLaterality") or self.header.get("Laterality")
        return str(side) if side in ("R", "L", "B") else None

    def reference(self, frames: Sequence[int] = ()) -> Dataset:
        """An item that refers to the image and, where it has several, to ``frames`` (from 0)."""
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = self.header.SOPClassUID, self.header.SOPInstanceUID
        if frames and self.frames > 1:
            item.ReferencedFrameNumber = [index + 1 for index in frames]
        return item

    def series(self) -> Dataset:
        """An item of a Referenced Series Sequence, without its instances."""
        item = Dataset()
        item.SeriesInstanceUID = self.header.SeriesInstanceUID
        return item


def find_origin(record: ImageRecord) -> Origin:
    """The source of an opened image; for a file that is not DICOM the Secondary Capture that stands for it.

    Raises UnreadableImage if the file cannot be read any more, OutputError if it is another one now or lacks the
    identifiers that a reference needs.
    """
    if record.kind != "dicom":
        return Origin(capture.header(record), len(record.frames), record.shape)
    with open_regular(record.path) as stream, reading(record.path):
        source: Dataset = dcmread(stream, force=True, defer_size=DEFER_BYTES, stop_before_pixels=True)
        header = _checked(source)
    for keyword in _REFERENCE:
        if not uid.UID(str(header.get(keyword, ""))).is_valid:
            raise OutputError(
                f"the image has no valid {_spaced(keyword)}, so no DICOM object can refer to it",
                path=record.path,
                remedy="Export the PDF report or PNGs instead, or ask for the image anew from where it was made.",
            )
    known = record.facts.get("SOPInstanceUID")
    if known is not None and known != header.SOPInstanceUID:
        raise UnreadableImage("the file is another image now", path=record.path, remedy="Open it again.")
    return Origin(header, len(record.frames), record.shape)


def _checked(source: Dataset) -> Dataset:
    """The elements that are taken over; a value that breaks the rules of its kind counts as unknown."""
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (*PATIENT, *STUDY, *OPTIONAL, *_REFERENCE, *_PIXELS, *_GREY):
        words = text(source, keyword)
        if words is not None and not _fits(keyword, words):
            words = None
        if words is not None or keyword in (*PATIENT, *STUDY):
            setattr(header, keyword, words or "")
    if header.get("PatientSex") not in ("M", "F", "O"):
        header.PatientSex = ""
    if header.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in header:
        header.DeidentificationMethod = "See the source image"
    header.InstanceNumber = integer(source, "InstanceNumber") or 1
    if value(source, "VOILUTSequence") is not None:
        header.VOILUTSequence = source.VOILUTSequence
    return header


def _fits(keyword: str, words: str) -> bool:
    vr = dictionary_VR(keyword)
    try:
        for part in words.split("\\"):
            validate_value(vr, part, config.RAISE)
    except ValueError:
        return False
    return True


def _spaced(keyword: str) -> str:
    """``SOPInstanceUID`` as ``SOP Instance UID``."""
    return keyword.replace("Instance", " Instance ").replace("Class", " Class ")
