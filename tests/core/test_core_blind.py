"""What is kept of a reading that was locked blind, and where it differs from the machine's."""

from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core.blind import disagreements, reading_of
from busi_viewer.core.document import Document
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality

SHAPE = (100, 120)


def disc(x, y, radius):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(xx - x, yy - y) < radius


@pytest.fixture
def document():
    frames = ArrayFrames((np.full(SHAPE, 100, np.uint8),))
    return Document(ImageRecord(Path("a.png"), "abc", "png", frames, SHAPE, window=(0.0, 255.0)))


def offer(document, mask, abstained=False):
    frame = FrameResult(
        0,
        (0.1, 0.2, 0.7),
        True,
        True,
        abstained,
        (),
        Quality(True, 0.9),
        mask,
        measure_all(mask, document.record),
        None,
    )
    result = AnalysisResult(
        Path("a.png"), "abc", ModelInfo("m", "1", "0" * 64, 0.3), "cpu", (frame,), document.revision
    )
    assert document.offer(result)


def test_agreement_lists_nothing(document):
    document.set_reader_mask(0, disc(50, 50, 20))
    offer(document, disc(51, 50, 20))
    assert disagreements(document) == ()


def test_lesions_that_only_one_saw_are_listed(document):
    document.set_reader_mask(0, disc(30, 30, 12) | disc(90, 30, 12))
    offer(document, disc(30, 30, 12) | disc(60, 80, 12))
    assert disagreements(document) == (
        "1 lesion outlined by the reader only.",
        "1 lesion outlined by AI only.",
        "Outlines overlap with Dice 0.50.",
    )


def test_a_lesion_the_reader_did_not_see_at_all_is_listed(document):
    offer(document, disc(30, 30, 12))
    assert disagreements(document) == ("1 lesion outlined by AI only.",)


def test_sizes_that_differ_are_given_side_by_side(document):
    document.set_reader_mask(0, disc(50, 50, 30))
    offer(document, disc(50, 50, 15))
    found = disagreements(document)
    assert found[0].startswith("Outlines overlap with Dice 0.4")
    assert found[1] == "Largest lesion: long axis 61 px by the reader, 31 px by AI."


def test_a_category_against_the_operating_point_is_listed(document):
    from dataclasses import replace

    document.set_reader_mask(0, disc(50, 50, 20))
    document.set_findings(replace(document.findings, assessment="2"))
    offer(document, disc(50, 50, 20))
    (found,) = disagreements(document)
    assert "operating point" in found


def test_a_withheld_estimate_disagrees_with_nothing(document):
    offer(document, disc(50, 50, 15), abstained=True)
    assert disagreements(document) == ()


def test_the_locked_reading_states_outline_category_time_and_what_was_known(document):
    from dataclasses import replace

    document.set_reader_mask(0, disc(50, 50, 20))
    document.set_findings(replace(document.findings, assessment="4A", management="tissue sampling"))
    said = reading_of(document, 12.34, ai_seen_before=False)
    assert said["outline of frame 1"].startswith("long axis 41 px, 1")
    assert (said["category"], said["management"], said["seconds"]) == ("4A", "tissue sampling", 12.3)
    assert said["AI seen before"] is False
    document.set_reader_mask(0, None)
    assert reading_of(document, 0, ai_seen_before=True)["outline"] == "no lesion outlined"
