"""A picture that is not DICOM as Secondary Capture, so that PACS can hold it and derived objects can refer to it.

The object follows from the file's content and our version alone: the same file gives the same bytes and UIDs, whoever exports
it. So it holds no calibration by the reader.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from busi_viewer import __version__
from busi_viewer.core.image import ImageRecord, to_uint8
from busi_viewer.dicom.naming import equip, uid_of


def header(record: ImageRecord) -> Dataset:
    """The Secondary Capture without its pixels: UIDs from the content's SHA-256.

    The patient is unknown; a name and an ID that say so keep pictures apart, which an archive would else give one patient.
    """
    several, colour = len(record.frames) > 1, record.frames[0].ndim == 3
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = SecondaryCaptureImageStorage
    if several:
        ds.SOPClassUID = (
            MultiFrameTrueColorSecondaryCaptureImageStorage
            if colour
            else MultiFrameGrayscaleByteSecondaryCaptureImageStorage
        )
    ds.SOPInstanceUID = uid_of("image", __version__, record.sha256)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid_of("study", record.sha256), uid_of("series", record.sha256)
    ds.PatientName, ds.PatientID = f"Unknown^Picture {record.sha256[:8]}", f"PICTURE-{record.sha256[:16]}"
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(ds, keyword, "")
    ds.ReferringPhysicianName = ds.StudyID = ds.AccessionNumber = ds.PatientOrientation = ds.Laterality = ""
    ds.Modality, ds.ConversionType = "US", "WSD"
    ds.SeriesDescription = "Picture of unknown origin"
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    equip(ds)
    return ds


def secondary_capture(record: ImageRecord) -> Dataset:
    """The Secondary Capture with its pixels as they are shown, 8 bits deep. Raises UnreadableImage."""
    ds = header(record)
    frames = [to_uint8(record.frames[index], record.window) for index in range(len(record.frames))]
    put_pixels(ds, np.stack(frames))
    ds.BurnedInAnnotation = "YES"  # unknown, so to be taken for granted
    if record.spacing_mm is not None and not record.calibrated_by_reader:
        ds.PixelSpacing = [f"{length:.10g}" for length in record.spacing_mm]
        ds.NominalScannedPixelSpacing = ds.PixelSpacing
    return ds


def put_pixels(ds: Dataset, frames: np.ndarray) -> None:
    """Set the pixel description and data: (N, H, W) or (N, H, W, 3) uint8; multi-frame where N > 1."""
    colour = frames.ndim == 4
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    if len(frames) > 1:
        describe_frames(ds, len(frames))
    data = frames.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"


def describe_frames(ds: Dataset, count: int) -> None:
    """What a multi-frame Secondary Capture says of its frames: they are pages, not a film."""
    ds.NumberOfFrames = count
    ds.FrameIncrementPointer = 0x00182002  # Frame Label Vector
    ds.FrameLabelVector = [f"Frame {number}" for number in range(1, count + 1)]
    if ds.get("SamplesPerPixel") == 1:
        ds.PresentationLUTShape, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "IDENTITY", 0, 1, "US"
