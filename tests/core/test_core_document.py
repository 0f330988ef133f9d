"""The document: what is shown, what is stale, and that the machine's mask stays as it was."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.findings import Findings
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality

SHAPE = (12, 16)
RECORD = ImageRecord(
    Path("a.png"), "a" * 64, "png", ArrayFrames(tuple(np.zeros(SHAPE, np.uint8) for _ in range(2))), SHAPE, (0.1, 0.1)
)


def proposal(revision=0, sha256="a" * 64, *, abstained=False, frames=(0,)):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3:8, 4:10] = True
    mask.setflags(write=False)
    results = tuple(
        FrameResult(
            index=index,
            probabilities=(0.2, 0.3, 0.5),
            calibrated=True,
            above_operating_point=True,
            abstained=abstained,
            abstain_reasons=("unsure",) if abstained else (),
            quality=Quality(True, 0.9),
            mask=mask,
            lesions=measure_all(mask, RECORD),
            heatmap=None,
        )
        for index in frames
    )
    return AnalysisResult(Path("a.png"), sha256, ModelInfo("m", "1", "b" * 64), "cpu", results, revision)


def paint(x=0, y=0, value=True, frame=0):
    return MaskEdit(frame, (x, y, x + 2, y + 2), np.full((2, 2), value), "paint")


def test_an_analysis_becomes_the_proposal_and_a_later_edit_starts_from_it():
    document = Document(RECORD)
    result = proposal()
    assert document.offer(result)
    assert document.is_proposal(0)
    assert document.shown_mask(0) is result.frames[0].mask
    document.apply(paint())
    assert not document.is_proposal(0)
    assert document.edited_frames == (0,)
    expected = result.frames[0].mask.copy()
    expected[:2, :2] = True
    assert np.array_equal(document.shown_mask(0), expected)


@pytest.mark.parametrize("change", [lambda d: d.apply(paint()), lambda d: d.set_reader_mask(0, np.ones(SHAPE, bool))])
def test_an_analysis_asked_for_before_a_change_is_dropped(change):
    document = Document(RECORD)
    change(document)
    assert not document.offer(proposal(revision=0))
    assert document.result is None
    assert document.offer(proposal(revision=document.revision))


def test_an_analysis_of_another_file_is_dropped():
    document = Document(RECORD)
    assert not document.offer(proposal(sha256="f" * 64))
    assert document.result is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("paint"), st.integers(0, 14), st.integers(0, 10), st.booleans()),
            st.tuples(st.just("accept"), st.just(0), st.just(0), st.just(True)),
            st.tuples(st.just("discard"), st.just(0), st.just(0), st.just(True)),
        ),
        max_size=8,
    )
)
def test_nothing_the_reader_does_alters_the_machines_mask_and_every_edit_can_be_undone(steps):
    document = Document(RECORD)
    result = proposal()
    document.offer(result)
    untouched = result.frames[0].mask.copy()
    for kind, x, y, value in steps:
        before = document.shown_mask(0)
        before = None if before is None else before.copy()
        revision = document.revision
        if kind == "paint":
            inverse = document.apply(paint(x, y, value))
            after = document.shown_mask(0).copy()
            redo = document.apply(inverse)
            assert np.array_equal(document.shown_mask(0), before)
            document.apply(redo)
            assert np.array_equal(document.shown_mask(0), after)
        elif kind == "accept":
            document.set_reader_mask(0, result.frames[0].mask)
        else:
            document.set_reader_mask(0, None)
        assert document.revision > revision
        assert np.array_equal(result.frames[0].mask, untouched)


def test_a_withheld_outline_is_not_shown():
    document = Document(RECORD)
    document.offer(proposal(abstained=True))
    assert document.shown_mask(0) is None
    assert not document.is_proposal(0)
    assert document.lesions(0) == ()


def test_frames_are_edited_apart():
    document = Document(RECORD)
    document.offer(proposal(frames=(0, 1)))
    document.apply(paint(frame=1))
    assert document.edited_frames == (1,)
    assert document.is_proposal(0)
    assert document.reader_mask(1) is not None


def test_setting_a_mask_returns_the_one_before_and_keeps_its_own_copy():
    document = Document(RECORD)
    first, second = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    assert document.set_reader_mask(0, first) is None
    first[:] = True
    assert not document.reader_mask(0).any()
    assert np.array_equal(document.set_reader_mask(0, second), np.zeros(SHAPE, bool))
    assert document.set_reader_mask(0, None).all()
    assert not document.edited


def test_a_mask_of_another_size_is_refused():
    document = Document(RECORD)
    with pytest.raises(ValueError, match="fit"):
        document.set_reader_mask(0, np.zeros((3, 3), bool))
    assert document.revision == 0


def test_sizes_follow_the_shown_mask():
    document = Document(RECORD)
    document.offer(proposal())
    assert [lesion.area_px for lesion in document.lesions(0)] == [30]
    document.apply(paint(4, 3, False))
    assert [lesion.area_px for lesion in document.lesions(0)] == [26]
    assert document.lesions(0)[0].ap_mm == pytest.approx(0.5)


def test_every_change_is_told_once():
    document = Document(RECORD)
    heard = []
    document.on_change = lambda: heard.append(document.revision)
    document.offer(proposal())
    document.apply(paint())
    document.set_reader_mask(0, None)
    assert heard == [0, 1, 2]
    document.offer(proposal(revision=0))
    assert heard == [0, 1, 2]


def test_findings_change_without_making_an_analysis_stale() -> None:
    told = []
    document = Document(RECORD)
    document.on_change = lambda: told.append(document.findings)
    said = Findings(assessment="2")
    assert document.set_findings(said) == Findings()
    assert document.set_findings(Findings()) == said
    assert told == [said, Findings()]
    assert document.revision == 0
