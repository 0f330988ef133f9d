"""Export without patients in the window: what is asked, progress and cancel, what is left out and why."""

import threading
from unittest.mock import patch

import cv2
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from window_kit import open_and_wait, window

from busi_viewer.core.deidentify import DeidentifyOptions
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.phantom import phantom
from busi_viewer.gui.deidentify_dialog import DeidentifyDialog


@pytest.fixture
def study(tmp_path):
    """Two images without regions: a plain one, and one with the patient's name over the tissue."""
    plain = np.ascontiguousarray(phantom("benign", 3, (160, 320))[0])
    named = plain.copy()
    named[:28] = 0
    cv2.putText(named, "MUELLER ANNA", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    (tmp_path / "study").mkdir()
    for number, frame in enumerate((named, plain)):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = uid.UltrasoundImageStorage, f"1.2.3.{number}", "US"
        ds.PatientName, ds.PatientID, ds.StudyDate = "Mueller^Anna", "P1", "20240311"
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        ds.set_pixel_data(frame, "MONOCHROME2", 8)
        ds.save_as(tmp_path / "study" / f"{number}.dcm", enforce_file_format=True)
    return tmp_path / "study"


def asked(qtbot, made):
    made.actions_["deidentify"].trigger()
    (dialog,) = made.findChildren(DeidentifyDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def go_on(dialog, folder):
    with patch.object(QFileDialog, "getExistingDirectory", lambda *_: str(folder)):
        dialog.go_on.click()


def notices(made):
    return [f"{notice.title} {notice.text}" for notice in made.notices.shown()]


def test_what_may_show_text_is_left_out_and_named(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        dialog = asked(qtbot, made)
        dialog.dates.setCurrentText("Moved, by days of each patient's own")
        go_on(dialog, tmp_path)
        assert made.deidentifying.bar.isVisible()
        assert not made.actions_["deidentify"].isEnabled()
        qtbot.waitUntil(lambda: any("1 file de-identified" in words for words in notices(made)), timeout=60000)
        assert any("1 left out" in words and "look at it before" in words for words in notices(made))
        shown = made.notices.shown()[0]._details.toPlainText()
        assert "0.dcm: it states no acquisition region, and there may be text on it (frame 1)" in shown
        assert made.actions_["deidentify"].isEnabled()
    (clean,) = (tmp_path / "deidentified").rglob("*.dcm")
    assert b"Mueller" not in clean.read_bytes()
    assert pydicom.dcmread(clean).LongitudinalTemporalInformationModified == "MODIFIED"


def test_a_box_drawn_on_the_image_in_view_is_all_that_is_kept(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study / "0.dcm")
        dialog = asked(qtbot, made)
        assert not dialog.picker.isVisible()
        dialog.kept.setCurrentText("A box drawn here, on every frame")
        picture = dialog.picker.picture
        scale = picture.width() / 320
        start, end = (QPoint(round(x * scale), round(y * scale)) for x, y in ((40, 40), (300, 150)))
        qtbot.mousePress(picture, Qt.MouseButton.LeftButton, pos=start)
        qtbot.mouseMove(picture, end)
        qtbot.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=end)
        assert dialog.picker.box == pytest.approx((40, 40, 300, 150), abs=1)
        dialog.picker.fields[0].setValue(60)
        go_on(dialog, tmp_path)
        qtbot.waitUntil(lambda: any("1 file de-identified" in words for words in notices(made)), timeout=60000)
    (clean,) = (tmp_path / "deidentified").rglob("*.dcm")
    pixels = pydicom.dcmread(clean).pixel_array
    assert (pixels[:38].max(), pixels[:, :60].max()) == (0, 0)
    assert pixels[60:140, 80:280].mean() > 20


def test_cancel_leaves_nothing(qtbot, qapp, study, tmp_path):
    begun = threading.Event()

    def forever(_self, _path, _folder, _progress, cancel):
        begun.set()
        cancel.wait()
        raise Cancelled

    with window(qtbot, qapp) as made, patch("busi_viewer.dicom.deidentify.FileDeidentifier.deidentify", forever):
        open_and_wait(qtbot, made, study)
        made.deidentifying.start(sorted(study.iterdir()), tmp_path / "out", DeidentifyOptions())
        qtbot.waitUntil(begun.is_set, timeout=10000)
        made.deidentifying.bar.cancel.click()
        qtbot.waitUntil(lambda: any("Cancelled" in words for words in notices(made)), timeout=10000)
        assert not made.deidentifying.bar.isVisible()
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == []


def test_without_a_dicom_image_in_view_no_box_can_be_drawn(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        made.actions_["deidentify"].trigger()
        assert made.findChildren(DeidentifyDialog) == []
        dialog = DeidentifyDialog(made, 1, None)
        assert (dialog.picker, dialog.kept.isEnabled()) == (None, False)
