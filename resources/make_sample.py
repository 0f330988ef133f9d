"""Make the bundled sample study (resources/sample): synthetic phantoms, no real data.

Run ``python resources/make_sample.py`` from the checkout with the package installed. The PNGs have no calibration; the
DICOM cine has 0.1 mm/px in an ultrasound region.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from busi_viewer.core.phantom import cine, phantom

FOLDER = Path(__file__).resolve().parent / "sample"
STILLS = {"cyst": ("cyst", 1), "benign": ("benign", 3), "malignant": ("malignant", 2), "normal": ("none", 3)}


def write_stills() -> None:
    """The four PNGs."""
    for name, (kind, seed) in STILLS.items():
        image, _ = phantom(kind, seed)
        cv2.imwrite(str(FOLDER / f"{name}.png"), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def write_cine() -> None:
    """A 12-frame ultrasound multi-frame object with a calibrated region; UIDs derive from its name."""
    frames, _ = cine("malignant", 5, 12)
    count, height, width = frames.shape
    uids = {name: generate_uid(entropy_srcs=["busi_viewer sample cine", name]) for name in ("study", "series", "image")}
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = uids["image"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = Dataset()
    data.file_meta = meta
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.SOPClassUID = UltrasoundMultiFrameImageStorage
    data.SOPInstanceUID = uids["image"]
    data.StudyInstanceUID = uids["study"]
    data.SeriesInstanceUID = uids["series"]
    data.StudyDate = data.SeriesDate = data.ContentDate = "20250311"
    data.StudyTime = data.SeriesTime = data.ContentTime = "102100"
    data.AccessionNumber = "SAMPLE-1"
    data.Modality = "US"
    data.Manufacturer = "busi_viewer phantom"
    data.ReferringPhysicianName = ""
    data.PatientName = "Phantom^Sample"
    data.PatientID = "PHANTOM-1"
    data.PatientBirthDate = ""
    data.PatientSex = ""
    data.StudyID = "1"
    data.SeriesNumber = data.InstanceNumber = 1
    data.Laterality = "L"
    data.FrameTime = "50"
    data.FrameIncrementPointer = 0x00181063
    data.SequenceOfUltrasoundRegions = [_region(width, height)]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.NumberOfFrames = count
    data.Rows, data.Columns = height, width
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.LossyImageCompression = "00"
    data.PixelData = np.ascontiguousarray(frames).tobytes()
    data.save_as(FOLDER / "cine.dcm", enforce_file_format=True)


def _region(width: int, height: int) -> Dataset:
    """A 2D tissue region over the whole image, 0.01 cm a pixel."""
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = width - 1, height - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    return region


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_stills()
    write_cine()
