"""What a list is grouped by, from headers whole, poor and broken."""

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from busi_viewer.dicom.labels import read_labels


def write(path, **values):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.save_as(path, enforce_file_format=True)
    return path


def test_patient_study_and_series_are_told_apart_and_named(tmp_path):
    uids = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}
    path = write(
        tmp_path / "a.dcm",
        PatientName="Müller^Eva",
        PatientID="P7",
        SpecificCharacterSet="ISO_IR 192",
        StudyDate="20250311",
        StudyTime="102100",
        StudyDescription="Breast",
        SeriesNumber=2,
        SeriesDescription="left",
        AcquisitionDateTime="20250311102130",
        **uids,
    )
    labels = read_labels(path)
    assert labels.patient == ("P7", "Müller Eva · P7")
    assert labels.study[1] == "2025-03-11 Breast"
    assert labels.series == ("0000000021.2.3", "Series 2 left")
    assert labels.at == "20250311102130"
    tenth = read_labels(write(tmp_path / "b.dcm", PatientID="P7", SeriesNumber=10, StudyDate="20250311", **uids))
    assert labels.series[0] < tenth.series[0]
    assert (labels.patient[0], tenth.patient[1]) == (tenth.patient[0], "P7")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_a_file_without_a_header_has_none_and_a_broken_one_does_no_harm(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    found = read_labels(path)
    assert found is None or found.patient[1] == "Patient not named"
    assert read_labels(tmp_path / "missing") is None


def test_an_anonymous_file_is_grouped_by_its_study(tmp_path):
    one = read_labels(write(tmp_path / "a.dcm", StudyInstanceUID="1.2", SeriesInstanceUID="1"))
    other = read_labels(write(tmp_path / "b.dcm", StudyInstanceUID="1.3", SeriesInstanceUID="1"))
    assert one.patient[1] == "Patient not named"
    assert one.patient[0] != other.patient[0]
