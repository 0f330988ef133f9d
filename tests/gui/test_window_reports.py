"""The report's preview, letterhead and template, and reports of many images, in the window."""

import re
from unittest.mock import patch

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer import settings
from busi_viewer.core.findings import Findings, Identity
from busi_viewer.gui.exporting import snapshot
from busi_viewer.gui.report_preview import discreet


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45, 20)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def text_of(path):
    with pdfium.PdfDocument(path) as pdf:
        return re.sub(r"\s+", " ", " ".join(page.get_textpage().get_text_range() for page in pdf))


def shown(made, qtbot, count=None):
    """Wait until the preview has drawn; its pages."""
    preview = made.printing.preview
    qtbot.waitUntil(lambda: not preview._later.isActive() and preview._pool.activeThreadCount() == 0, timeout=20000)
    qtbot.waitUntil(
        lambda: bool(preview._pictures) and (count is None or len(preview._pictures) == count), timeout=20000
    )
    return preview._pictures


def red(page):
    return (page[..., 0].astype(int) - page[..., 1] > 200).sum()


def export(made, qtbot, target):
    with patch.object(QFileDialog, "getSaveFileName", lambda *_: (str(target), "")):
        made.actions_["report"].trigger()
    qtbot.waitUntil(target.exists, timeout=20000)
    return text_of(target)


def test_the_preview_shows_the_pages_follows_changes_and_waits_for_nothing(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.actions_["preview"].trigger()
        preview = made.printing.preview
        before = shown(made, qtbot)
        assert not preview.isModal()
        assert preview.isWindow()
        sheets = [sheet for sheet in preview.findChildren(QLabel) if sheet.accessibleName().startswith("Page ")]
        assert sheets[0].pixmap().width() == before[0].shape[1]
        assert before[0].shape[0] / before[0].shape[1] == pytest.approx(297 / 210, rel=0.01)
        QTest.keyClicks(made.result.findings.assessment.assessment, "3")
        qtbot.waitUntil(lambda: not np.array_equal(shown(made, qtbot)[-1], before[-1]), timeout=20000)
        preview.template.setCurrentText("Short, one page")
        shown(made, qtbot, 1)
        assert "page 1 of 1" in export(made, qtbot, tmp_path / "short.pdf")
        assert settings.load().template == "short"
        made.clear_list()
        qtbot.waitUntil(lambda: preview._state.isVisible() and "Open an image" in preview._state.text())
        assert not preview.export.isEnabled()


def test_the_letterhead_is_remembered_stands_in_reports_and_a_bad_logo_is_told(qtbot, qapp, study, tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGB", (60, 60), (250, 0, 0)).save(logo)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["preview"].trigger()
        preview = made.printing.preview
        preview.letter.click()
        preview.facility.setText("Example Breast Centre")
        preview.facility.editingFinished.emit()
        with patch.object(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "nothing.png"), "")):
            preview.choose.click()
        assert "The logo is left out: " in preview._fault.text()
        with patch.object(QFileDialog, "getOpenFileName", lambda *_: (str(logo), "")):
            preview.choose.click()
        assert not preview._fault.isVisible()
        qtbot.waitUntil(lambda: red(shown(made, qtbot)[0]) > 300, timeout=20000)
        assert "Example Breast Centre" in export(made, qtbot, tmp_path / "a.pdf")
    assert (settings.load().facility, settings.load().logo) == ("Example Breast Centre", str(logo))


def test_in_privacy_mode_the_preview_names_nobody(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["privacy"].trigger()
        document = made.reading.session.document
        document.set_findings(Findings(identity=Identity(patient="Geheim, Berta")))
        hidden = discreet(snapshot(document))
        assert hidden.record.path.name != "us1.png"
        assert hidden.findings.identity == Identity()
        assert document.findings.identity.patient == "Geheim, Berta"


def test_reports_of_many_images_are_written_counted_and_put_on_record(qtbot, qapp, study, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "us1.pdf").write_text("mine")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and made.reading.session is not None)
        QTest.keyClicks(made.result.findings.assessment.assessment, "2")
        with patch.object(QFileDialog, "getExistingDirectory", lambda *_: str(out)):
            made.actions_["reports_many"].trigger()
        assert made.printing.bar.isVisible()
        assert not made.actions_["reports_many"].isEnabled()
        qtbot.waitUntil(lambda: not made.printing.bar.isVisible(), timeout=30000)
        said = [(notice.title, notice.text) for notice in made.notices.shown()]
        assert ("2 reports written.", "1 left out: neither analysed nor described.") in said
        assert sorted(path.name for path in out.iterdir()) == ["us1-2.pdf", "us1.pdf", "us2.pdf"]
        assert (out / "us1.pdf").read_text() == "mine"
        assert "BI-RADS category 2" in text_of(out / "us2.pdf")


def test_writing_many_reports_can_be_stopped(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.printing.start([study / "us1.png"] * 50, tmp_path)
        made.printing.bar.cancel.click()
        qtbot.waitUntil(lambda: not made.printing.bar.isVisible(), timeout=30000)
        assert any("then stopped" in notice.title for notice in made.notices.shown())
        assert len(list(tmp_path.glob("*.pdf"))) < 50


def test_the_exported_report_says_who_said_what_and_who_signed(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.actions_["accept"].trigger()
        assert "Draft, not signed" in export(made, qtbot, tmp_path / "draft.pdf")
        made.actions_["sign"].trigger()
        panel = made.result.sections.signature
        panel.name.setText("Dr R. Example")
        panel._confirm()
        qtbot.waitUntil(lambda: panel._state.text().startswith("Signed"), timeout=8000)
        text = export(made, qtbot, tmp_path / "signed.pdf")
        assert "Draft" not in text
        assert "Read and signed by Dr R. Example" in text
        assert "Outline proposed accepted, not edited Dr R. Example, 20" in text
