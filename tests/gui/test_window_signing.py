"""Signing in the window, the trail of exports, and the operating point of a window session."""

import json
from dataclasses import replace
from unittest.mock import patch

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from window_kit import MODEL, ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image

from busi_viewer import bootstrap, paths, settings
from busi_viewer.gui import operating_row
from busi_viewer.workflow import casework

CARD = json.loads((paths.bundled_models() / "busi-default" / "card.json").read_text(encoding="utf-8"))
BUNDLED = replace(MODEL, name="busi-default", sha256=CARD["sha256"], operating_point=CARD["operating_point"])


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def sign(qtbot, made, reason="", name="Dr R. Example"):
    panel = made.result.sections.signature
    before = panel._state.text()
    made.actions_["sign"].trigger()
    panel.name.setText(name)
    panel.reason.setText(reason)
    panel._confirm()
    qtbot.waitUntil(lambda: panel._state.text() != before, timeout=8000)
    return panel


def trail(made, action):
    made.keeping.flush(5.0)
    found = []
    made.keeping.run(lambda store: found.extend(store.audit.rows()), lambda _none: None)
    made.keeping._pool.waitForDone()
    return [row for row in reversed(found) if row.action == action]


def test_enter_in_the_name_signs_and_accepts_no_outline(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        panel = made.result.sections.signature
        made.activateWindow()
        made.actions_["sign"].trigger()
        qtbot.waitUntil(panel.name.hasFocus)
        QTest.keyClicks(panel.name, "Dr R. Example")
        QTest.keyClick(panel.name, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: panel._state.text() == "Signed, version 1", timeout=8000)
        assert made.reading.session.proposal() is not None, "the window's Enter accepts; this one was the field's"


def test_a_report_is_signed_changed_and_signed_again_and_the_first_version_stays(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        session = made.reading.session
        QTest.keyClicks(made.result.findings.assessment.assessment, "2")
        panel = sign(qtbot, made)
        assert panel._state.text() == "Signed, version 1"
        assert not made.actions_["sign"].isEnabled(), "nothing changed, nothing to sign"
        QTest.keyClicks(made.result.findings.assessment.assessment, "3")
        qtbot.waitUntil(lambda: panel._state.text() == "Changed since version 1 was signed")
        sign(qtbot, made, "Second look")
        assert panel._state.text() == "Signed, version 2"
        assert "Version 1, " in panel._versions.text()
        assert panel._versions.text().count("Dr R. Example") == 2
        assert made.model.item(made.reading.path).reported
        image = made.reading.image
        assert session.undo.count() == 2, "signing is no change that can be undone"
    assert settings.load().reader == "Dr R. Example"
    store = casework.open_store(bootstrap.services())
    first, second = store.reports(image)
    assert (first.content["findings"]["assessment"], second.content["findings"]["assessment"]) == ("2", "3")
    assert (first.content["signer"], second.reason, second.current) == ("Dr R. Example", "Second look", True)
    store.close()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        panel = made.result.sections.signature
        qtbot.waitUntil(lambda: panel._state.text() == "Signed, version 2")
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and made.reading.session is not None)
        qtbot.waitUntil(lambda: panel._state.text() == "Not signed")


def test_a_name_is_needed_and_for_a_new_version_a_reason(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        panel = made.result.sections.signature
        made.actions_["sign"].trigger()
        assert panel._box.isVisible()
        assert not panel.reason.isVisible()
        assert not panel._confirmed.isEnabled()
        panel._cancel.click()
        assert not panel._box.isVisible()
        sign(qtbot, made)
        made.reading.session.accept()
        QTest.keyClicks(made.result.findings.place.side, "l")
        qtbot.waitUntil(lambda: made.actions_["sign"].isEnabled())
        made.actions_["sign"].trigger()
        assert panel.name.text() == "Dr R. Example"
        assert not panel._confirmed.isEnabled()
        panel.reason.setText("side")
        assert panel._confirmed.isEnabled()


def test_what_is_being_typed_is_part_of_what_is_signed(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.result.findings.texts.fields["impression"].setPlainText("Cyst.")
        sign(qtbot, made)
        image = made.reading.image
    store = casework.open_store(bootstrap.services())
    (report,) = store.reports(image)
    assert report.content["findings"]["impression"] == "Cyst."
    assert report.current
    store.close()


def test_an_exported_report_is_on_record(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        with patch.object(QFileDialog, "getSaveFileName", lambda *_: (str(study / "us1.pdf"), "")):
            made.actions_["report"].trigger()
        qtbot.waitUntil(lambda: (study / "us1.pdf").exists(), timeout=20000)
        qtbot.waitUntil(lambda: bool(trail(made, "report exported")), timeout=8000)
        (row,) = trail(made, "report exported")
        assert (row.new, row.image) == ("us1.pdf", made.reading.session.document.record.sha256)


def test_the_operating_point_moves_among_those_measured_and_says_what_it_meant(qtbot, qapp, study):
    with window(qtbot, qapp, ThresholdEngine(model=BUNDLED)) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        row = made.result.estimate._operating
        qtbot.waitUntil(row.isVisible)
        assert "sensitivity 96 % (95 % CI 88–98), specificity 73 % (95 % CI 65–80)" in row.meant.text()
        assert "validation parts of BUS-BRA, BUS-UCLM, Dataset_BUSI_with_GT, n = 405" in row.meant.text()
        QTest.keyClicks(made.result.findings.assessment.assessment, "3")
        assert "above the operating point" in made.result.findings.notices[0].text
        row.slider.setValue(row.slider.maximum())
        session = made.reading.session
        qtbot.waitUntil(lambda: "The model's own is 8.4 %" in row.meant.text())
        assert session.document.result.model.point == 0.9
        assert not session.document.result.frame(0).above_operating_point
        assert made.result.findings.notices == ()
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and made.reading.session is not None)
        analyse_and_wait(qtbot, made)
        assert made.reading.session.document.result.model.point == 0.9, "it holds for the whole window session"
        row.own.click()
        assert session.document.result.model.chosen_point is None
    with window(qtbot, qapp, ThresholdEngine(model=BUNDLED)) as made:
        open_and_wait(qtbot, made, study)
        assert made.reading.session.document.result.model.chosen_point is None


def test_where_the_operating_point_came_to_rest_is_on_record_and_in_what_is_signed(qtbot, qapp, study):
    with window(qtbot, qapp, ThresholdEngine(model=BUNDLED)) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        slider = made.result.estimate._operating.slider
        qtbot.waitUntil(slider.isVisible)
        for value in (2, 7, 12):
            slider.setValue(value)
        qtbot.waitUntil(lambda: bool(trail(made, "operating point")), timeout=8000)
        (noted,) = trail(made, "operating point")
        assert (noted.old, noted.new) == ("8.4 % (the model's own)", "40 %")
        assert noted.field.startswith("busi-default 1.0, SHA-256 ")
        sign(qtbot, made)
        image = made.reading.image
    store = casework.open_store(bootstrap.services())
    point = store.reports(image)[0].content["estimate"]["operating_point"]
    assert (point["value"], point["own"]) == (0.4, CARD["operating_point"])
    assert point["basis"].startswith("sensitivity 85 % (95 % CI 75–91)")
    store.close()


def test_a_model_without_validation_figures_has_no_slider(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        row = made.result.estimate._operating
        qtbot.waitUntil(row.isVisible)
        assert not row._bar.isVisible()
        assert row.meant.text() == "Operating point: 30 %."


@pytest.mark.parametrize(("share", "words"), [(0.084348, "8.4 %"), (0.05, "5 %"), (0.4, "40 %"), (0.075, "7.5 %")])
def test_thresholds_are_said_exactly_enough(share, words):
    assert operating_row.percent(share) == words
