"""What every derived object has in common: patient, study, series, equipment, its source, and how it becomes bytes."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian

from busi_viewer import __version__
from busi_viewer.core.derived import Derived
from busi_viewer.dicom import codes
from busi_viewer.dicom.naming import date, equip, name_model, time, uid_of
from busi_viewer.dicom.origin import OPTIONAL, PATIENT, STUDY, Origin

_TAKEN_OVER = (*PATIENT, *STUDY, *(keyword for keyword in OPTIONAL if "Laterality" not in keyword))


@dataclass(frozen=True)
class Series:
    """A kind of object: its name in UIDs, its SOP class, its series' number, modality and description."""

    kind: str
    sop_class: str
    number: int
    modality: str
    description: str

    def uid(self, origin: Origin) -> UID:
        """Every export of this kind of the source's series goes into one series."""
        return uid_of(self.kind, __version__, origin.header.StudyInstanceUID, origin.header.SeriesInstanceUID)


def begin(series: Series, origin: Origin, derived: Derived) -> Dataset:
    """A data set with all but its content. Its SOP Instance UID follows from what is said, of what and when."""
    ds = Dataset()
    ds.SOPInstanceUID = uid_of("instance", series.kind, origin.uid, _said(derived))
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _TAKEN_OVER:
        if keyword in origin.header:
            setattr(ds, keyword, origin.header[keyword].value)
    ds.SOPClassUID = series.sop_class
    ds.SeriesInstanceUID, ds.SeriesNumber = series.uid(origin), series.number
    ds.Modality, ds.SeriesDescription = series.modality, series.description
    ds.InstanceNumber = origin.header.InstanceNumber
    ds.InstanceCreationDate, ds.InstanceCreationTime = date(derived.when), time(derived.when)
    if series.modality != "PR":  # it has a date of its own
        ds.ContentDate, ds.ContentTime = date(derived.when), time(derived.when)
    if series.modality in ("US", "PR"):
        ds.Laterality = origin.side if origin.side in ("L", "R") else ""
    if series.modality in ("SEG", "US"):
        ds.PatientOrientation = ""
    offset = derived.when.strftime("%z")
    if offset:
        ds.TimezoneOffsetFromUTC = offset
    equip(ds)
    name_model(ds, derived.model)
    return ds


def _said(derived: Derived) -> str:
    """All that is said, as text for a UID."""
    shapes = [
        (outline.label, outline.frame, outline.lesion.bbox, outline.part.tobytes()) for outline in derived.outlines
    ]
    frames = [(frame.index, frame.probabilities, frame.abstained) for frame in derived.frames]
    return repr(
        (derived.when.isoformat(), derived.model, derived.reader, shapes, frames, derived.findings, derived.callipers)
    )


def refer(ds: Dataset, origin: Origin) -> None:
    """Name the source among the referenced series (Common Instance Reference)."""
    item = origin.series()
    item.ReferencedInstanceSequence = Sequence([origin.reference()])
    ds.ReferencedSeriesSequence = Sequence([item])


def lossy(ds: Dataset, origin: Origin) -> None:
    """Say whether the pixels that all follows from were ever compressed with loss."""
    was = origin.header.get("LossyImageCompression") == "01"
    ds.LossyImageCompression = "01" if was else "00"
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if was and keyword in origin.header:
            setattr(ds, keyword, origin.header[keyword].value)


def breast(origin: Origin) -> Sequence:
    """The Anatomic Region Sequence: breast, with its side where the image states it."""
    region = Dataset()
    region.update(codes.BREAST)
    if origin.side:
        region.AnatomicRegionModifierSequence = Sequence([codes.SIDES[origin.side]])
    return Sequence([region])


def encode(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The object as a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = (
        PYDICOM_IMPLEMENTATION_UID,
        f"BUSIVIEWER_{__version__}"[:16],
    )
    buffer = BytesIO()
    ds.file_meta = meta
    dcmwrite(buffer, ds, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
