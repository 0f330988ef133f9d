"""DICOMDIR: its images in the order of patient, study and series."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from dicom_files import ultrasound, write
from pydicom.fileset import FileSet

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.dicom.directory import read_directory
from busi_viewer.dicom.source import DicomSource
from busi_viewer.workflow.inputs import expand_inputs

BUNDLED = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"


@pytest.fixture
def medium(tmp_path):
    """Two patients with two series each, two images a series, written in another order."""
    files = FileSet()
    for number in (7, 2, 5, 0, 1, 6, 3, 4):
        patient, series = number // 4, number // 2
        ds = ultrasound(np.full((8, 8), number, np.uint8), SOPInstanceUID=f"1.2.9.{number}", PatientID=f"P{patient}")
        ds.PatientName, ds.StudyInstanceUID, ds.SeriesInstanceUID = "A^B", f"1.2.7.{patient}", f"1.2.8.{series}"
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260101", "1200", "S", ""
        ds.SeriesNumber, ds.InstanceNumber = series, number
        written = pydicom.dcmread(write(tmp_path / "one", ds))
        written.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        files.add(written)
    files.write(tmp_path / "medium")
    return tmp_path / "medium"


def numbers(inputs):
    return [int(DicomSource().open(found.path).frames[0][0, 0]) for found in inputs]


@pytest.mark.parametrize("named", ["folder", "file"])
def test_images_come_by_patient_study_and_series(medium, named):
    start = medium if named == "folder" else medium / "DICOMDIR"
    found = numbers(expand_inputs([start], recursive=True, read_directory=read_directory))
    assert sorted(found) == list(range(8))
    assert [number // 4 for number in found] == sorted((number // 4 for number in found), reverse=found[0] > 3)
    assert all(found[i] // 2 == found[i + 1] // 2 for i in range(0, 8, 2))


def test_missing_images_are_told_once(medium):
    listed = read_directory(medium / "DICOMDIR")
    listed.images[0].unlink()
    listed.images[3].unlink()
    inputs = expand_inputs([medium], recursive=True, read_directory=read_directory)
    assert len(numbers(inputs[:6])) == 6
    assert [found.path.name for found in inputs[6:]] == ["DICOMDIR"]
    with pytest.raises(UnreadableImage, match="2 of the 8 images that this DICOMDIR lists are missing") as error:
        DicomSource().open(inputs[6].path)
    assert listed.images[0].relative_to(medium).as_posix() in str(error.value)


def test_names_of_another_case_are_found(medium):
    folder = read_directory(medium / "DICOMDIR").images[0].parent
    folder.rename(folder.with_name(folder.name.lower()))
    listed = read_directory(medium / "DICOMDIR")
    assert (len(listed.images), listed.missing) == (8, ())


def test_other_images_of_the_folder_follow(medium):
    write(medium / "extra.dcm", ultrasound(np.full((8, 8), 99, np.uint8)))
    assert numbers(expand_inputs([medium], recursive=True, read_directory=read_directory))[-1] == 99


@pytest.mark.parametrize("parts", [["..", "outside"], [".", "IM"], ["/etc/passwd"], ["C:", "IM"], ["link"]])
def test_nothing_outside_the_medium_is_listed(medium, parts, tmp_path):
    write(tmp_path / "outside", ultrasound(np.zeros((8, 8), np.uint8)))
    (medium / "link").symlink_to(tmp_path / "outside")
    ds = pydicom.dcmread(medium / "DICOMDIR")
    for record in ds.DirectoryRecordSequence:
        if record.DirectoryRecordType == "IMAGE":
            record.ReferencedFileID = parts
    ds.save_as(medium / "DICOMDIR")
    assert read_directory(medium / "DICOMDIR").images == ()


@pytest.mark.parametrize(
    "content", [b"", b"no DICOM", bytes(128) + b"DICM", bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00"]
)
def test_a_damaged_one_is_an_input_only_where_named(tmp_path, content):
    (tmp_path / "DICOMDIR").write_bytes(content)
    assert read_directory(tmp_path / "DICOMDIR") is None
    assert expand_inputs([tmp_path], read_directory=read_directory) == []
    inputs = expand_inputs([tmp_path / "DICOMDIR"], read_directory=read_directory)
    assert [found.path.name for found in inputs] == ["DICOMDIR"]


@pytest.mark.parametrize("ending", ["", "-bigEnd", "-implicit", "-nooffset", "-reordered"])
def test_published_ones_in_every_encoding(tmp_path, ending):
    """Also with offsets that lead nowhere, and with records in another order than their offsets."""
    shutil.copytree(BUNDLED, tmp_path / "medium")
    listed = read_directory(tmp_path / "medium" / f"DICOMDIR{ending}")
    assert listed.missing == ()
    assert set(listed.images) == set(read_directory(tmp_path / "medium" / "DICOMDIR").images)
    assert len(listed.images) == 31
    for level in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
        values = [pydicom.dcmread(image, stop_before_pixels=True)[level].value for image in listed.images]
        assert len(set(values)) == len(list(itertools.groupby(values)))  # what belongs together comes together
