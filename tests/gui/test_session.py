"""The session: one undo item for each change, exact inverses, accept and discard, stale results, no leaks."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from busi_viewer.core.callipers import Calibration, Calliper, Kind, from_json
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality
from busi_viewer.gui.session import Session

SHAPE = (60, 80)


def make_session(frames=1):
    stack = tuple(np.full(SHAPE, 100 + i, dtype=np.uint8) for i in range(frames))
    return Session(Document(ImageRecord(Path("case.png"), "abc", "png", ArrayFrames(stack), SHAPE)))


def disc(x=30, y=25, radius=12):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(yy - y, xx - x) <= radius


def make_result(session, mask=None, abstained=False, revision=None):
    mask = disc() if mask is None else mask
    document = session.document
    frames = tuple(
        FrameResult(
            index=i,
            probabilities=(0.1, 0.2, 0.7),
            calibrated=True,
            above_operating_point=True,
            abstained=abstained,
            abstain_reasons=("unlike the training images",) if abstained else (),
            quality=Quality(not abstained, 0.9),
            mask=mask,
            lesions=measure_all(mask, document.record),
            heatmap=None,
        )
        for i in range(len(document.record.frames))
    )
    revision = document.revision if revision is None else revision
    return AnalysisResult(Path("case.png"), "abc", ModelInfo("m", "1", "0" * 64), "cpu", frames, revision)


def square(frame=0, label="Brush"):
    return MaskEdit(frame, (5, 6, 15, 16), np.ones((10, 10), dtype=bool), label)


def test_an_edit_is_one_undo_item_with_its_label(qtbot):
    session = make_session()
    with qtbot.waitSignal(session.changed):
        session.apply(square())
    assert session.undo.count() == 1
    assert session.undo.undoText() == "Brush"
    assert session.document.reader_mask(0).sum() == 100


def test_none_is_no_edit(qtbot):
    session = make_session()
    session.apply(None)
    assert session.undo.count() == 0


@pytest.mark.parametrize("box", [(-1, 0, 9, 10), (75, 0, 85, 10), (0, 55, 10, 65)])
def test_an_edit_outside_the_image_never_reaches_the_stack(qtbot, box):
    session = make_session()
    with pytest.raises(ValueError, match="leaves"):
        session.apply(MaskEdit(0, box, np.ones((10, 10), dtype=bool), "Brush"))
    assert session.undo.count() == 0


def test_an_edit_of_a_frame_that_is_not_there_is_refused(qtbot):
    session = make_session()
    with pytest.raises(ValueError, match="no frame 3"):
        session.apply(square(frame=3))


def test_undoing_the_first_edit_brings_the_proposal_back(qtbot):
    session = make_session()
    session.offer(make_result(session))
    session.apply(square())
    assert not session.document.is_proposal(0)
    assert np.array_equal(session.document.shown_mask(0), disc() | session.document.reader_mask(0))
    session.undo.undo()
    assert session.document.is_proposal(0)
    assert np.array_equal(session.document.shown_mask(0), disc())
    session.undo.redo()
    assert session.document.reader_mask(0)[10, 10]


def test_accept_and_its_undo(qtbot):
    session = make_session()
    session.offer(make_result(session))
    session.accept()
    assert session.undo.undoText() == "Accept outline"
    assert np.array_equal(session.document.reader_mask(0), disc())
    assert session.proposal() is None
    session.undo.undo()
    assert session.document.reader_mask(0) is None
    assert session.proposal() is not None


def test_discard_leaves_an_empty_reader_outline(qtbot):
    session = make_session()
    session.offer(make_result(session))
    session.discard()
    assert session.undo.undoText() == "Discard outline"
    assert not session.document.reader_mask(0).any()
    session.undo.undo()
    assert session.document.is_proposal(0)


def test_clear_empties_and_undo_restores(qtbot):
    session = make_session()
    session.apply(square())
    session.clear()
    assert not session.document.reader_mask(0).any()
    session.undo.undo()
    assert session.document.reader_mask(0).sum() == 100
    session.undo.redo()
    session.clear()
    assert session.undo.count() == 2, "clearing an empty mask is no edit"


def test_back_to_the_proposal(qtbot):
    session = make_session()
    session.apply(square())
    session.reset_to_ai()
    assert session.undo.count() == 1, "there is no proposal to go back to"
    session.offer(make_result(session))
    session.reset_to_ai()
    assert session.document.is_proposal(0)
    session.undo.undo()
    assert session.document.reader_mask(0).sum() == 100


def test_a_withheld_outline_is_neither_proposed_nor_edited(qtbot):
    session = make_session()
    session.offer(make_result(session, abstained=True))
    assert session.proposal() is None
    session.accept()
    session.discard()
    assert session.undo.count() == 0
    session.apply(square())
    assert session.document.reader_mask(0).sum() == 100


def test_a_stale_result_is_refused(qtbot):
    session = make_session()
    stale = make_result(session)
    session.apply(square())
    assert not session.offer(stale)
    assert session.offer(replace(stale, revision=session.document.revision))


def test_undo_shows_the_frame_it_changes(qtbot):
    session = make_session(frames=4)
    session.set_frame(2)
    session.apply(square(frame=2))
    session.set_frame(0)
    with qtbot.waitSignal(session.frame_changed) as caught:
        session.undo.undo()
    assert caught.args == [2]


def test_frames_out_of_range_go_to_the_nearest(qtbot):
    session = make_session(frames=4)
    session.set_frame(99)
    assert session.frame == 3
    session.set_frame(-5)
    assert session.frame == 0


def test_lesions_follow_the_mask_and_are_measured_once(qtbot):
    session = make_session()
    session.apply(square())
    first = session.lesions()
    assert [lesion.area_px for lesion in first] == [100]
    assert session.lesions() is first
    session.clear()
    assert session.lesions() == ()


def test_a_closed_session_is_freed_with_its_undo_items(qtbot):
    session = make_session()
    session.apply(square())
    session.offer(make_result(session))
    gone = weakref.ref(session.document)
    del session
    gc.collect()
    assert gone() is None


boxes = st.tuples(st.integers(0, 70), st.integers(0, 50), st.integers(1, 10), st.integers(1, 10), st.booleans())
steps = st.lists(st.one_of(boxes, st.sampled_from(["accept", "discard", "clear", "reset"])), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, proposed=st.booleans())
def test_undo_and_redo_are_exact(qtbot, steps, proposed):
    session = make_session()
    if proposed:
        session.offer(make_result(session))

    def state():
        mask = session.document.reader_mask(0)
        return None if mask is None else mask.tobytes()

    states = [state()]
    for step in steps:
        count = session.undo.count()
        if isinstance(step, str):
            {"accept": session.accept, "discard": session.discard, "clear": session.clear}.get(
                step, session.reset_to_ai
            )()
        else:
            x, y, w, h, on = step
            session.apply(MaskEdit(0, (x, y, x + w, y + h), np.full((h, w), on), "Brush"))
        if session.undo.count() > count:
            states.append(state())
    for expected in reversed(states[:-1]):
        session.undo.undo()
        assert state() == expected
    for expected in states[1:]:
        session.undo.redo()
        assert state() == expected


def test_callipers_and_calibration_are_undo_items_that_are_kept(qtbot):
    session, kept = make_session(frames=2), []
    session.keep = lambda kind, what, _reason: kept.append((kind, what.inverse() if kind == "undo" else what))
    item = Calliper(Kind.LENGTH, ((0, 0), (30, 40)), frame=1)
    session.set_frame(1)
    session.set_callipers([item], "Length")
    session.set_callipers([item], "Length")
    assert session.undo.count() == 1, "what changes nothing is no undo item"
    session.set_calibration(Calibration(((0, 0), (0, 10)), 1.0, 1), "Calibrate")
    assert session.document.record.spacing_mm == (0.1, 0.1)
    session.set_frame(0)
    session.undo.undo()
    assert session.document.record.spacing_mm is None
    session.undo.undo()
    assert session.document.callipers == ()
    assert session.frame == 1, "undoing shows the frame"
    session.undo.redo()
    assert session.document.callipers == (item,)
    assert [kind for kind, _ in kept] == ["step", "step", "undo", "undo", "redo"]
    assert [from_json(step.after) for _, step in kept[-2:]] == [((), None), ((item,), None)]
    with pytest.raises(ValueError, match="frame that is not there"):
        session.set_callipers([replace(item, frame=2)], "Length")
    assert session.undo.count() == 2


def test_a_calibration_changes_the_sizes_of_lesions(qtbot):
    session = make_session()
    session.apply(square())
    assert session.lesions()[0].long_axis_mm is None
    session.set_calibration(Calibration(((0, 0), (0, 10)), 1.0), "Calibrate")
    assert session.lesions()[0].long_axis_mm == pytest.approx(session.lesions()[0].long_axis_px / 10)
    session.undo.undo()
    assert session.lesions()[0].long_axis_mm is None
