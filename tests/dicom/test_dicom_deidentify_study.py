"""A study with our own results keeps its references when it is de-identified, and the objects stay valid."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from out_kit import document, kept, run, tool

from busi_viewer.core.deidentify import DeidentifyOptions
from busi_viewer.core.errors import UserError
from busi_viewer.dicom.deidentify import FileDeidentifier

RESULTS = ("segmentation", "structured_report", "presentation")
NAMES = ("Müller", "Änne", "Mueller", "Rita", "Lump", "19700102", "20260102")


def original(kind):
    return document("mono").record.path if kind == "image" else kept("mono", kind)


@functools.cache
def done(kind):
    """The path of the de-identified object, and what was done."""
    folder = Path(tempfile.mkdtemp(prefix="busi-viewer-clean-"))
    told = FileDeidentifier(b"k" * 32, DeidentifyOptions()).deidentify(original(kind), folder, lambda *_: None)
    return folder / told.name, told


def clean(kind):
    return done(kind)[0]


def uids(ds, keyword):
    """All values of a keyword in a data set and its sequences."""
    return {str(element.value) for element in ds.iterall() if element.keyword == keyword}


def errors(words):
    """dciodvfy's errors."""
    return sorted(line for line in words.splitlines() if line.startswith("Error"))


@pytest.mark.parametrize("kind", RESULTS)
def test_references_lead_to_the_same_image_as_before(kind):
    before, after = pydicom.dcmread(original(kind)), pydicom.dcmread(clean(kind))
    image, renamed = pydicom.dcmread(original("image")), pydicom.dcmread(clean("image"))
    assert image.SOPInstanceUID in uids(before, "ReferencedSOPInstanceUID")
    assert renamed.SOPInstanceUID in uids(after, "ReferencedSOPInstanceUID")
    assert len(uids(after, "ReferencedSOPInstanceUID")) == len(uids(before, "ReferencedSOPInstanceUID"))
    assert (after.StudyInstanceUID, after.PatientID) == (renamed.StudyInstanceUID, renamed.PatientID)
    old = {str(element.value) for element in before.iterall() if element.VR == "UI"} - uids(before, "SOPClassUID")
    new = {str(element.value) for element in after.iterall() if element.VR == "UI"}
    assert [uid for uid in old & new if not uid.startswith("1.2.840.10008.")] == []


@pytest.mark.parametrize("kind", ["image", *RESULTS])
def test_names_and_dates_are_nowhere(kind):
    data = clean(kind).read_bytes()
    for name in NAMES:
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            assert name.encode(encoding) not in data, (name, encoding)


@pytest.mark.parametrize("kind", ["image", *RESULTS])
def test_dciodvfy_finds_no_more_errors_than_before(kind):
    dciodvfy = tool("dciodvfy", "dicom3tools")
    before, after = (run(dciodvfy, path)[1] for path in (original(kind), clean(kind)))
    assert [line for line in errors(after) if line not in errors(before)] == []


def test_only_of_pictures_it_is_said_what_was_taken_for_the_acquisition():
    assert {kind: done(kind)[1].region for kind in ("image", *RESULTS)} == {
        "image": "calibrated",
        **dict.fromkeys(RESULTS, "none"),
    }


def test_outlines_and_measurements_are_as_they_were():
    masks = (pydicom.dcmread(path).pixel_array for path in (kept("mono", "segmentation"), clean("segmentation")))
    np.testing.assert_array_equal(*masks)
    before, after = (pydicom.dcmread(path) for path in (kept("mono", "structured_report"), clean("structured_report")))
    for keyword in ("NumericValue", "GraphicData"):
        listed = [[element.value for element in ds.iterall() if element.keyword == keyword] for ds in (before, after)]
        assert listed[0] == listed[1] != []
    states = (pydicom.dcmread(path) for path in (kept("mono", "presentation"), clean("presentation")))
    drawn = [
        [item.GraphicData for one in ds.GraphicAnnotationSequence for item in one.get("GraphicObjectSequence", [])]
        for ds in states
    ]
    assert drawn[0] == drawn[1] != []


def test_the_heatmap_is_refused_for_the_sentences_on_it(tmp_path):
    with pytest.raises(UserError, match="there may be text"):
        FileDeidentifier(b"k" * 32, DeidentifyOptions()).deidentify(kept("mono", "heatmap"), tmp_path, lambda *_: None)


def test_the_report_as_pdf_is_refused(tmp_path):
    with pytest.raises(UserError, match="no pixels"):
        FileDeidentifier(b"k" * 32, DeidentifyOptions()).deidentify(kept("mono", "pdf"), tmp_path, lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def test_said_codes_stay_said():
    """A coded finding is still there with its meaning."""
    report = pydicom.dcmread(clean("structured_report"))
    meanings = {element.value for element in report.iterall() if element.keyword == "CodeMeaning"}
    assert {"Left", "Breast"} & meanings
