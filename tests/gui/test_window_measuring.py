"""Measuring in the window: from outlines, in the list, by keys, calibrated, in four panels, exported, there again."""

import csv
import json

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.core.callipers import Calliper, Kind
from busi_viewer.gui.session import Grip


@pytest.fixture
def study(tmp_path):
    return write_image(tmp_path / "study" / "us1.png")


def save_as(monkeypatch, target, kind=""):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), kind))


def test_callipers_from_the_outline_are_listed_named_and_deleted(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert made.result.callipers.isHidden()
        assert not made.actions_["propose_callipers"].isEnabled()
        analyse_and_wait(qtbot, made)
        session, listed = made.reading.session, made.result.callipers
        (lesion,) = session.lesions()
        made.actions_["propose_callipers"].trigger()
        made.actions_["propose_callipers"].trigger()
        (item,) = session.document.callipers
        assert (item.kind, item.proposed, item.points) == (Kind.TWO_AXIS, True, (*lesion.long_axis, *lesion.short_axis))
        assert session.undo.count() == 1, "the same is not proposed twice"
        qtbot.waitUntil(listed.isVisible)
        (row,) = listed.rows
        assert row.value.text() == f"{lesion.long_axis_px:.0f} × {lesion.short_axis_px:.0f} px"
        assert made.canvas._scene.callipers
        made.canvas.grab_view()
        texts = [tag.text for tag in made.canvas._scene._marks[1]]
        assert texts == [f"Lesion 1: A {lesion.long_axis_px:.0f} px", f"B {lesion.short_axis_px:.0f} px"]
        assert [tag.text for tag in made.canvas._scene._tags[1]] == ["L1 · AI"], "the same axes are not drawn twice"
        row.name.setFocus()
        row.name.setText("Mass")
        qtbot.keyClick(row.name, Qt.Key.Key_Return)
        assert session.document.callipers[0].name == "Mass"
        assert session.document.is_proposal(0), "Enter in the field accepts no proposal"
        assert session.document.callipers[0].proposed, "a name moves nothing"
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
        assert session.chosen == Grip(0)
        qtbot.waitUntil(made.canvas.hasFocus)
        qtbot.waitUntil(lambda: not row.visibleRegion().isEmpty())
        qtbot.keyClick(made.canvas, Qt.Key.Key_PageDown)
        qtbot.keyClick(made.canvas, Qt.Key.Key_Right)
        assert session.frame == 0
        assert not session.document.callipers[0].proposed, "moved, it is the reader's"
        row._delete.click()
        assert session.document.callipers == ()
        assert [session.undo.text(i) for i in range(session.undo.count())] == [
            "Callipers from outline",
            "Rename Lesion 1",
            "Nudge Mass",
            "Delete Mass",
        ]
        qtbot.waitUntil(listed.isHidden)


def test_a_known_length_calibrates_and_is_marked_wherever_mm_are_shown(qtbot, qapp, study, hand):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session, mouse = made.reading.session, hand(made.canvas)
        assert not made.actions_["drop_calibration"].isEnabled()
        made.activateWindow()
        made.actions_["calibrate"].trigger()
        mouse.drag((20, 10), (20, 60))
        field = made.review.options.control("known_mm")
        qtbot.waitUntil(field.hasFocus)
        qtbot.keyClicks(field, "25")
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert session.document.calibration.mm == 25
        assert made.canvas.hasFocus()
        assert session.document.is_proposal(0), "Enter in the field accepts no proposal"
        assert made.review.options.hint.startswith("Calibrated by reader: 0.")
        qtbot.waitUntil(lambda: "Calibrated by reader" in made.bottom._calibration_text)
        _, measures, _ = made.result._lesions[0]
        qtbot.waitUntil(measures._by_reader.isVisible)
        assert measures._values[0].text().endswith("mm")
        assert made.result.callipers._scale.isVisible()
        assert made.actions_["drop_calibration"].isEnabled()
        analyse_and_wait(qtbot, made)
        made.actions_["drop_calibration"].trigger()
        qtbot.waitUntil(lambda: measures._values[0].text().endswith("px"))
        assert not measures._by_reader.isVisible()
        assert made.bottom._calibration_text == "Not calibrated: sizes in px"


def test_callipers_show_on_the_image_panel_and_on_their_frame_alone(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        made.actions_["layout_four"].trigger()
        (image, *_) = made.review.panels.shown_panes()
        qtbot.waitUntil(lambda: image.ready)
        before = image.grab_view()
        session.set_callipers([Calliper(Kind.LENGTH, ((20, 20), (120, 90)), name="Length 1")], "Length")
        assert image.grab_view() != before
        session.undo.undo()
        assert image.grab_view() == before


def test_overlay_and_measurements_are_exported(qtbot, qapp, study, tmp_path, monkeypatch):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        assert not made.actions_["export_measures"].isEnabled()
        plain = tmp_path / "plain.png"
        save_as(monkeypatch, plain)
        made.actions_["export_overlay"].trigger()
        qtbot.waitUntil(plain.exists, timeout=8000)
        session.set_callipers([Calliper(Kind.LENGTH, ((20, 20), (50, 60)), name="Length 1")], "Length")
        for name, kind in (("o.png", ""), ("m.csv", ""), ("m.json", ""), ("m2", "JSON (*.json)")):
            save_as(monkeypatch, tmp_path / name, kind)
            made.actions_["export_overlay" if name == "o.png" else "export_measures"].trigger()
        qtbot.waitUntil((tmp_path / "m2.json").exists, timeout=8000)
        qtbot.waitUntil((tmp_path / "o.png").exists, timeout=8000)
        one, other = (cv2.imread(str(tmp_path / name)) for name in ("plain.png", "o.png"))
        assert one.shape == other.shape == (720, 960, 3), "a whole multiple of 160 × 120"
        ys, xs = np.nonzero((one != other).any(axis=2))
        assert xs.min() < 21 * 6 < 50 * 6 <= xs.max()
        assert ys.max() >= 60 * 6
        (row,) = csv.DictReader((tmp_path / "m.csv").open(encoding="utf-8"))
        assert (row["name"], row["quantity"], row["value"], row["unit"]) == ("Length 1", "length", "50.0", "px")
        value = json.loads((tmp_path / "m.json").read_text())
        assert value["callipers"][0]["points"] == [[20, 20], [50, 60]]
        assert value["callipers"][0]["calibrated_by"] is None
