"""DICOM objects from the window: one, or the whole set, in the background."""

from pathlib import Path
from unittest.mock import patch

import pydicom
import pytest
from PySide6.QtWidgets import QFileDialog
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.workflow.dicom_out import OBJECTS


@pytest.fixture
def reading(qtbot, qapp, tmp_path):
    """A window in which an image is analysed."""
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, write_image(tmp_path / "a.png"))
        analyse_and_wait(qtbot, made)
        yield made


def said(made):
    """Every notice on screen."""
    return " ".join(f"{notice.title} {notice.text}" for notice in made.notices.shown())


def test_the_set_goes_into_a_new_folder(qtbot, reading, tmp_path):
    with patch.object(QFileDialog, "getExistingDirectory", return_value=str(tmp_path)):
        reading.actions_["dicom_set"].trigger()
    qtbot.waitUntil(lambda: "6 DICOM objects" in said(reading), timeout=20000)
    names = {path.name for path in (tmp_path / "a-dicom").iterdir()}
    assert names == {"a.image.dcm", *(f"a{ending}" for ending in OBJECTS.values())}


@pytest.mark.parametrize("kind", OBJECTS)
def test_one_object(qtbot, reading, tmp_path, kind):
    target = tmp_path / f"out{OBJECTS[kind]}"
    with patch.object(QFileDialog, "getSaveFileName", return_value=(str(target), "")):
        reading.actions_[f"dicom_{kind}"].trigger()
    qtbot.waitUntil(lambda: target.name in said(reading), timeout=20000)
    assert pydicom.dcmread(target).Manufacturer == "busi_viewer"


def test_without_a_heatmap_the_reason_is_said(qtbot, qapp, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, write_image(tmp_path / "a.png"))
        target = tmp_path / "a.heatmap.dcm"
        with patch.object(QFileDialog, "getSaveFileName", return_value=(str(target), "")):
            made.actions_["dicom_heatmap"].trigger()
        qtbot.waitUntil(lambda: "no heatmap" in said(made), timeout=20000)
        assert not Path(target).exists()


def test_needs_an_image(qtbot, qapp):
    with window(qtbot, qapp) as made:
        assert not made.actions_["dicom_set"].isEnabled()
        assert not made.actions_["dicom_segmentation"].isEnabled()


def test_only_a_signature_names_the_reader(qtbot, reading, tmp_path):
    def observers(name):
        target = tmp_path / name
        with patch.object(QFileDialog, "getSaveFileName", return_value=(str(target), "")):
            reading.actions_["dicom_structured_report"].trigger()
        qtbot.waitUntil(lambda: name in said(reading), timeout=20000)
        return [str(e.value) for e in pydicom.dcmread(target).iterall() if e.keyword == "PersonName"]

    assert observers("before.sr.dcm") == []
    panel = reading.result.sections.signature
    reading.actions_["sign"].trigger()
    panel.name.setText("Dr R. Example")
    panel._confirm()
    qtbot.waitUntil(lambda: reading.reports.signed_by != "", timeout=8000)
    assert observers("after.sr.dcm") == ["Dr R. Example^"]
    reading.actions_["clear"].trigger()
    assert reading.reports.signed_by == ""
