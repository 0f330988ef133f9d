"""Analysis never runs over a reader's outline without asking."""

import numpy as np
import pytest
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.core.edits import MaskEdit


@pytest.fixture
def study(tmp_path):
    for i in range(3):
        write_image(tmp_path / f"us{i}.png", seed=i)
    return tmp_path


def draw(session):
    session.apply(MaskEdit(session.frame, (5, 5, 15, 15), np.ones((10, 10), bool), "Brush"))


def question(made):
    return next((notice for notice in made.notices.shown() if notice.answers and "Analyse" in notice.title), None)


def test_the_reader_keeps_the_outline_or_has_ais_shown_and_can_go_back(qtbot, qapp, study):
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        assert question(made) is None, "nothing was drawn yet"
        session = made.reading.session
        draw(session)
        drawn = session.document.reader_mask(0).copy()
        made.actions_["analyse"].trigger()
        made.actions_["analyse"].trigger()
        assert len(made.notices.shown()) == 1, "asked once"
        assert len(engine.seen) == 1, "not before the answer"
        question(made).answers[0].click()
        qtbot.waitUntil(lambda: len(engine.seen) == 2 and made.reading.stage is None)
        assert question(made) is None
        assert np.array_equal(session.document.reader_mask(0), drawn)
        made.actions_["analyse"].trigger()
        question(made).answers[1].click()
        qtbot.waitUntil(lambda: len(engine.seen) == 3 and made.reading.stage is None)
        assert session.document.is_proposal(0)
        assert session.undo.undoText() == "Reset to AI outline"
        session.undo.undo()
        assert np.array_equal(session.document.reader_mask(0), drawn)


def test_dismissing_or_leaving_means_no(qtbot, qapp, study):
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        draw(made.reading.session)
        made.actions_["analyse"].trigger()
        question(made).dismiss()
        made.actions_["analyse"].trigger()
        assert question(made) is not None
        made.actions_["next_case"].trigger()
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path.name == "us1.png")
        assert question(made) is None
        assert not engine.seen


def test_a_batch_leaves_drawn_images_out_and_asks(qtbot, qapp, study):
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        draw(made.reading.session)
        drawn = made.reading.session.document.reader_mask(0).copy()
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: len(engine.seen) == 2 and not made.reading.batch.active, timeout=8000)
        assert "us0.png" not in {path.name for path in engine.seen}
        question(made).answers[0].click()
        qtbot.waitUntil(lambda: len(engine.seen) == 3 and not made.reading.batch.active, timeout=8000)
        assert np.array_equal(made.reading.session.document.reader_mask(0), drawn)
