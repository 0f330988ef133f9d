"""Outlines through the frames: numbers that stay, parts that hold the mask, and what the reader left as it was."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from busi_viewer.core.derived import Tracker, derive
from busi_viewer.core.document import Document
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality

SHAPE = (24, 32)


def record(frames=1):
    stack = tuple(np.zeros(SHAPE, np.uint8) for _ in range(frames))
    return ImageRecord("a.png", "ab" * 32, "png", ArrayFrames(stack), SHAPE)


def boxes(*places):
    mask = np.zeros(SHAPE, bool)
    for x0, y0, x1, y1 in places:
        mask[y0:y1, x0:x1] = True
    return mask


def numbers(*masks, start=0):
    tracker = Tracker(by_reader=False)
    return [
        {o.lesion.bbox[:2]: o.number for o in tracker.add(start + i, mask, measure_all(mask, record()))}
        for i, mask in enumerate(masks)
    ]


def test_numbers_follow_overlap_not_size():
    first, second = numbers(boxes((0, 0, 8, 8), (20, 0, 26, 6)), boxes((1, 1, 5, 5), (19, 0, 31, 12)))
    assert first == {(0, 0): 1, (20, 0): 2}
    assert second == {(1, 1): 1, (19, 0): 2}


def test_a_number_is_not_given_twice_nor_kept_over_a_gap():
    first, split, gap, after = numbers(
        boxes((0, 0, 20, 8)), boxes((0, 0, 9, 8), (12, 0, 20, 8)), boxes(), boxes((0, 0, 9, 8))
    )
    assert first == {(0, 0): 1}
    assert split == {(0, 0): 1, (12, 0): 2}
    assert gap == {}
    assert after == {(0, 0): 3}


@given(mask=arrays(bool, SHAPE, elements=st.booleans()))
def test_parts_make_up_the_mask(mask):
    back = np.zeros(SHAPE, bool)
    for outline in Tracker(by_reader=True).add(0, mask, measure_all(mask, record())):
        outline.fill(back)
    assert (back == mask).all()


def analysed(mask, *, abstained=False):
    document = Document(record())
    quality = Quality(True, 1.0)
    found = FrameResult(0, (0.1, 0.2, 0.7), True, True, abstained, (), quality, mask, measure_all(mask, record()), None)
    model = ModelInfo("m", "1", "0" * 64)
    document.offer(AnalysisResult("a.png", document.record.sha256, model, "cpu", (found,)))
    return document


def test_reader_and_machine_both_speak_and_what_is_withheld_does_not():
    mask, when = boxes((2, 2, 9, 9)), datetime(2026, 1, 1, tzinfo=UTC)
    document = analysed(mask)
    assert [o.label for o in derive(document, when).outlines] == ["AI lesion 1"]
    document.set_reader_mask(0, boxes((2, 2, 9, 9), (20, 10, 24, 14)))
    outlines = derive(document, when).outlines
    assert [(o.label, o.accepted) for o in outlines] == [
        ("Reader lesion 1", True),
        ("Reader lesion 2", False),
        ("AI lesion 1", False),
    ]
    document.set_reader_mask(0, boxes((2, 2, 9, 10)))
    assert not derive(document, when).outlines[0].accepted
    document.set_reader_mask(0, boxes((2, 2, 9, 8)))
    assert not derive(document, when).outlines[0].accepted
    assert derive(analysed(mask, abstained=True), when).outlines == ()
