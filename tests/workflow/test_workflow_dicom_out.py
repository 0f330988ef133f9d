"""DICOM objects as files: the batch, one object, the whole set."""

import numpy as np
import pydicom
import pytest
from small_engine import OtsuEngine

from busi_viewer import bootstrap
from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.workflow.analyse import Analysis, Outputs, gather
from busi_viewer.workflow.dicom_out import OBJECTS, write_all, write_object
from busi_viewer.workflow.open import open_image


class Quiet:
    def progress(self, text, share):
        pass

    def skipped(self, path):
        pass

    def failed(self, failure):
        raise AssertionError(failure)


@pytest.fixture
def opened(tmp_path, make_image):
    """A document of a picture, analysed and accepted."""

    def open_(name="a.png", **options):
        make_image(tmp_path / name, **options)
        document = Document(open_image(tmp_path / name, bootstrap.services().sources))
        document.offer(OtsuEngine().analyse(document.record))
        return document

    return open_


def references(path):
    ds = pydicom.dcmread(path)
    return {e.value for e in ds.iterall() if e.keyword == "ReferencedSOPInstanceUID"}


def test_a_batch_writes_segmentation_report_and_the_picture_they_refer_to(tmp_path, make_image):
    make_image(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    analysis = Analysis(Outputs(out, seg=True, sr=True), bootstrap.services(), OtsuEngine, Quiet())
    analysis.run(gather([tmp_path / "in"], recursive=False))
    assert {path.name for path in out.iterdir()} == {"a.json", "a.seg.dcm", "a.sr.dcm", "a.image.dcm", "summary.csv"}
    image = pydicom.dcmread(out / "a.image.dcm").SOPInstanceUID
    assert image in references(out / "a.seg.dcm")
    assert image in references(out / "a.sr.dcm")
    assert pydicom.dcmread(out / "a.seg.dcm").pixel_array.any()


def test_a_set_lies_in_one_new_folder_and_never_over_another(tmp_path, opened):
    document = opened()
    first = write_all(document, tmp_path, bootstrap.services())
    again = write_all(document, tmp_path, bootstrap.services())
    assert (first.folder.name, again.folder.name) == ("a-dicom", "a-dicom-2")
    assert {path.name for path in first.files} == {"a.image.dcm", *(f"a{ending}" for ending in OBJECTS.values())}
    assert all(pydicom.dcmread(path).PatientID.startswith("PICTURE-") for path in first.files)
    uids = [pydicom.dcmread(folder / "a.seg.dcm").SeriesInstanceUID for folder in (first.folder, again.folder)]
    assert uids[0] == uids[1]


def test_what_there_is_nothing_to_say_for_is_left_out_and_named(tmp_path, make_image):
    make_image(tmp_path / "a.png")
    document = Document(open_image(tmp_path / "a.png", bootstrap.services().sources))
    written = write_all(document, tmp_path, bootstrap.services())
    assert {path.name for path in written.files} == {"a.image.dcm", "a.pdf.dcm"}
    assert [words.split(" (")[0] for words in written.left_out] == [
        "segmentation",
        "structured report",
        "heatmap",
        "presentation",
    ]
    with pytest.raises(OutputError, match="no heatmap"):
        write_object("heatmap", document, tmp_path / "h.dcm", bootstrap.services())
    assert not (tmp_path / "h.dcm").exists()


@pytest.mark.parametrize("kind", OBJECTS)
def test_one_object_takes_the_picture_along(tmp_path, opened, kind):
    document = opened()
    document.set_reader_mask(0, np.asarray(document.shown_mask(0)))
    target = tmp_path / f"x{OBJECTS[kind]}"
    write_object(kind, document, target, bootstrap.services())
    assert pydicom.dcmread(tmp_path / "a.image.dcm").SOPInstanceUID in references(target)


def test_the_machines_words_come_along(tmp_path, opened):
    target = tmp_path / "x.sr.dcm"
    write_object(
        "structured_report", opened(shape=(160, 200), boxes=((40, 40, 110, 150),)), target, bootstrap.services()
    )
    meanings = {e.value for e in pydicom.dcmread(target).iterall() if e.keyword == "CodeMeaning"}
    assert {"Shape", "Margins", "Posterior acoustic features"} <= meanings
