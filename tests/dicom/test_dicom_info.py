"""What ``dicom info`` says of a file."""

import numpy as np
import pytest
from dicom_files import ultrasound, write
from pydicom.dataset import Dataset

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.dicom.info import describe


def test_says_what_it_is_and_names_no_patient(tmp_path):
    region = Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 2
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = 21
    pixels = np.zeros((3, 24, 32), np.uint8)
    ds = ultrasound(pixels, PatientName="Secret^Name", PatientID="4711", SequenceOfUltrasoundRegions=[region])
    said = describe(write(tmp_path / "a.dcm", ds))
    assert (said["kind"], said["frames"], said["rows"], said["columns"]) == ("Ultrasound Image Storage", 3, 24, 32)
    assert said["regions"] == [{"box": [2, 2, 22, 22], "spacing_mm": [0.1, 0.1]}]
    assert said["identifying"] == ["PatientName", "PatientID"]
    assert "Secret" not in str(said)
    assert "4711" not in str(said)


def test_references_are_found_at_any_depth(tmp_path):
    deep, outer = Dataset(), Dataset()
    deep.ReferencedSOPInstanceUID = "1.2.9"
    outer.SourceImageSequence = [deep]
    ds = ultrasound(np.zeros((4, 4), np.uint8), DerivationImageSequence=[outer])
    assert describe(write(tmp_path / "a.dcm", ds))["refers_to"] == ["1.2.9"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no DICOM at all" * 20, "not a DICOM"), (b"\0" * 128 + b"DICM" + b"\xff" * 3, "empty")],
)
def test_other_files_are_refused(tmp_path, content, words):
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=words):
        describe(path)
