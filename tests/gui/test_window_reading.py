"""Opening, switching, analysing and exporting in the real window with real files and a small engine."""

import threading

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from window_kit import NO_MODEL, ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image

from busi_viewer import paths
from busi_viewer.core.edits import MaskEdit
from busi_viewer.gui.result_panel import EDITED, NORMAL


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45, None)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def paint(session):
    session.apply(MaskEdit(0, (5, 5, 25, 20), np.ones((15, 20), bool), "Brush"))


def words(widget):
    from PySide6.QtWidgets import QLabel

    return " ".join(part.text() for part in widget.findChildren(QLabel) if part.isVisible())


def test_a_folder_opens_shows_its_first_image_and_the_neighbour_is_ready(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        assert made.pages.currentWidget() is made.welcome
        open_and_wait(qtbot, made, study)
        assert [item.name for item in made.model.items] == ["us1", "us2", "us3"]
        assert made.canvas.session is made.reading.session
        assert "us1" in made.windowTitle()
        qtbot.waitUntil(lambda: study / "us2.png" in made.reading._sessions)
        qtbot.keyClick(made.worklist.view, Qt.Key.Key_Down)
        assert made.reading.path == study / "us2.png"
        assert made.reading.session is not None, "a neighbour opened ahead is shown at once"
        assert str(study) in made._settings.recent


def test_analysing_shows_the_estimate_the_sizes_and_the_row(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        shown = words(made.result)
        assert "Malignant 80 %" in shown
        assert "calibrated" in shown
        assert "Calibrated on test images." in shown
        assert "Malignant above the operating point" in shown
        assert "AI outline, not yet accepted" in shown
        assert "not the cause" in shown
        item = made.model.items[0]
        assert (item.status, item.summary) == ("Analysed", "Malignant 80 %")
        assert "threshold 1.0" in words(made.bottom)


def test_edits_keep_the_estimate_say_so_and_move_the_sizes(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session = made.reading.session
        session.accept()
        qtbot.wait(120)
        assert EDITED not in words(made.result), "accepting changes nothing"
        paint(session)
        qtbot.waitUntil(lambda: EDITED in words(made.result), timeout=500)
        assert "Malignant 80 %" in words(made.result)
        assert "Lesion 2" in words(made.result)
        assert made.model.items[0].status == "Edited"
        made.actions_["analyse"].trigger()
        assert made.reading.stage is None, "not over the reader's outline without asking"
        made.notices.shown()[0].answers[0].click()
        qtbot.waitUntil(lambda: made.reading.stage is None and EDITED not in words(made.result), timeout=8000)
        made.actions_["undo"].trigger()
        assert len(session.lesions()) == 1


def test_a_normal_image_gets_the_exact_words(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study / "us3.png")
        analyse_and_wait(qtbot, made)
        assert NORMAL == "No lesion outlined on this image; does not exclude cancer"
        assert NORMAL in words(made.result)


def test_an_abstained_estimate_shows_no_number_anywhere(qtbot, qapp, study):
    with window(qtbot, qapp, ThresholdEngine(abstain=True)) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        shown = words(made.result)
        assert "No estimate given" in shown
        assert "Unlike the training images" in shown
        assert "%" not in shown
        assert not made.result.estimate._bars.isVisible()
        assert made.model.items[0].summary == "No estimate given"
        assert "Draw the outline yourself" in shown


def test_a_result_for_an_outline_edited_meanwhile_is_dropped_and_said(qtbot, qapp, study):
    gate = threading.Event()
    engine = ThresholdEngine(gate=gate)
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: bool(engine.seen))
        assert made.review.card.isVisible()
        paint(made.reading.session)
        gate.set()
        qtbot.waitUntil(lambda: made.reading.stage is None)
        assert made.reading.session.document.result is None
        assert any("outline changed" in notice.title for notice in made.notices.shown())
        assert not made.review.card.isVisible()


def test_an_image_left_before_it_opened_does_not_come_back(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.reading.show(study / "us3.png")
        made.reading.show(study / "us1.png")
        qtbot.wait(150)
        assert made.canvas.session.document.record.path == study / "us1.png"


def test_escape_cancels_the_analysis(qtbot, qapp, study):
    engine = ThresholdEngine(gate=threading.Event())
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: bool(engine.seen))
        made.actions_["leave"].trigger()
        qtbot.waitUntil(lambda: made.reading.stage is None)
        assert made.model.items[0].status == "New"


def test_a_broken_file_is_named_with_a_remedy_and_the_others_go_on(qtbot, qapp, study):
    bad = study / "us2.png"
    bad.write_bytes(bad.read_bytes()[:300])
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.worklist.go_next()
        qtbot.waitUntil(lambda: bool(made.notices.shown()), timeout=5000)
        notice = made.notices.shown()[0]
        assert notice.title.startswith("us2.png")
        assert "other 2 images are not affected" in notice.text
        assert made.model.items[1].status == "Failed"
        made.worklist.go_next()
        qtbot.waitUntil(lambda: made.reading.session is not None)
        analyse_and_wait(qtbot, made)
        write_image(bad)
        made.worklist.go_previous()
        qtbot.wait(50)
        made.reading.retry(bad)
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == bad, timeout=5000)
        assert made.model.items[1].status == "New"


def test_a_missing_model_is_said_with_its_remedy_and_drawing_still_works(qtbot, qapp, study):
    with window(qtbot, qapp, error=NO_MODEL) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: bool(made.notices.shown()))
        assert "models install" in made.notices.shown()[0].text
        assert "No model is installed" in words(made.result)
        paint(made.reading.session)
        qtbot.waitUntil(lambda: "Lesion 1" in words(made.result))


def test_frames_analysed_earlier_stay_though_their_results_had_to_go(qtbot, qapp, tmp_path, monkeypatch, held_store):
    from busi_viewer.gui import result_cache

    monkeypatch.setattr(result_cache, "RESULT_BYTES", 1)
    other = write_image(tmp_path / "us.png")
    cine = paths.resource("sample", "cine.dcm")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, cine, other)
        made.worklist.select(cine)
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == cine)
        analyse_and_wait(qtbot, made)
        made.worklist.select(other)
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == other)
        analyse_and_wait(qtbot, made)
        assert made.reading.results.get(cine) is None
        made.worklist.select(cine)
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == cine)
        session = made.reading.session
        session.set_frame(2)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: [frame.index for frame in session.document.result.frames] == [0, 2], timeout=8000)


def test_multi_frame_files_are_analysed_by_frame_and_gather_their_frames(qtbot, qapp):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, paths.resource("sample", "cine.dcm"))
        session = made.reading.session
        analyse_and_wait(qtbot, made)
        session.set_frame(2)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: len(session.document.result.frames) == 2, timeout=8000)
        assert [frame.index for frame in session.document.result.frames] == [0, 2]
        assert session.document.result.frame(2).heatmap is not None
        made.actions_["next_frame"].trigger()
        qtbot.wait(120)
        assert "has not been analysed" in words(made.result)


def test_mask_and_report_are_written_in_the_background(qtbot, qapp, study, tmp_path, monkeypatch, held_store):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.reading.session.accept()
        assert made.reading.desk.unexported() == 1
        target = tmp_path / "out" / "mask"
        target.parent.mkdir()
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
        made.actions_["export_mask"].trigger()
        qtbot.waitUntil(lambda: any("Saved mask.png" in n.title for n in made.notices.shown()), timeout=5000)
        pixels = cv2.imread(str(target) + ".png", cv2.IMREAD_UNCHANGED)
        assert set(np.unique(pixels)) == {0, 255}
        assert ((pixels > 0) == made.reading.session.document.reader_mask(0)).all()
        assert made.reading.desk.unexported() == 0
        made.actions_["report"].trigger()
        qtbot.waitUntil(lambda: any("mask.pdf" in n.title for n in made.notices.shown()), timeout=20000)
        assert made.notices.shown()[0].title == "Saved mask.pdf"
        assert (target.parent / "mask.pdf").read_bytes().startswith(b"%PDF")
        assert made.model.items[0].status == "Reported"
        paint(made.reading.session)
        assert made.model.items[0].status == "Edited"
        assert made.reading.desk.unexported() == 1


def test_clearing_the_worklist_leaves_images_whose_work_is_not_kept(qtbot, qapp, study, held_store):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        paint(made.reading.session)
        made.clear_list()
        assert [item.name for item in made.model.items] == ["us1"]
        assert made.reading.session.document.edited


def test_an_analysis_no_longer_kept_is_made_again_when_its_image_is_opened(
    qtbot, qapp, tmp_path, monkeypatch, held_store
):
    from busi_viewer.gui import desk, result_cache

    monkeypatch.setattr(result_cache, "RESULT_BYTES", 1)
    monkeypatch.setattr(desk, "SPARE_SESSIONS", 0)
    for i in range(5):
        write_image(tmp_path / f"us{i}.png", seed=i)
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, tmp_path)
        first = made.reading.path
        analyse_and_wait(qtbot, made)
        for _ in range(4):
            made.worklist.go_next()
            qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == made.worklist.current())
        analyse_and_wait(qtbot, made)
        assert first not in made.reading._sessions
        made.worklist.select(first)
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.session.document.result is not None)
        assert made.reading.session.document.result.path == first
        assert engine.seen.count(first) == 2
