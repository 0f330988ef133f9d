"""Callipers and the reader's calibration in the report: values, notes, frames, and the page itself."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium

from busi_viewer.core.callipers import DIFFERENT, Calibration, Calliper, Kind, proposal
from busi_viewer.core.document import Document
from busi_viewer.core.image import ArrayFrames, ImageRecord, Region
from busi_viewer.report.gathering import build_content
from busi_viewer.report.pdf import PdfReportWriter

WHEN = datetime(2025, 3, 11, 10, 48, tzinfo=UTC)
SHAPE = (200, 300)


def opened(frames=1, **more):
    stack = tuple(np.full(SHAPE, 60, np.uint8) for _ in range(frames))
    return Document(ImageRecord(Path("scan.png"), "a" * 64, "png", ArrayFrames(stack), SHAPE, **more))


def text_of(path):
    with pdfium.PdfDocument(path) as pdf:
        return " ".join(page.get_textpage().get_text_range() for page in pdf).replace("\r\n", " ")


def test_callipers_are_listed_and_drawn_and_mm_say_who_calibrated(tmp_path):
    document = opened()
    document.set_callipers(
        [
            Calliper(Kind.LENGTH, ((10, 10), (40, 50)), 0, "Distance to skin"),
            Calliper(Kind.ELLIPSE, ((50, 100), (150, 100), (100, 130)), 0, "Cyst"),
            Calliper(Kind.ANGLE, ((50, 10), (20, 10), (20, 40)), 0),
        ]
    )
    (frame,) = build_content(document, when=WHEN).frames
    assert [(item.name, item.values, item.note) for item in frame.callipers] == [
        ("Distance to skin", "50 px", ""),
        ("Cyst", "A 100 px, B 60 px, circumference 255 px, area 4,712 px²", ""),
        ("Angle", "90°", ""),
    ]
    document.set_calibration(Calibration(((0, 0), (0, 100)), 10.0))
    content = build_content(document, when=WHEN)
    (frame,) = content.frames
    assert frame.callipers[0].values == "5.0 mm"
    assert frame.callipers[0].note == "Calibrated by reader"
    assert len(frame.figures[0].callipers) == 3
    assert frame.figures[0].scale_note == "Calibrated by reader"
    PdfReportWriter().write(document, tmp_path / "r.pdf")
    page = text_of(tmp_path / "r.pdf")
    for words in (
        "Reader's callipers",
        "Distance to skin",
        "5.0 mm",
        "0.1 mm/px, calibrated by reader",
        "Sizes in mm rest on",
    ):
        assert words in page, words


def test_a_calliper_across_regions_says_so():
    document = opened(regions=(Region(0, 0, 150, 200, (0.1, 0.1)), Region(150, 0, 300, 200, (0.2, 0.2))))
    document.set_callipers([Calliper(Kind.LENGTH, ((100, 10), (200, 10)), 0, "Across")])
    (item,) = build_content(document, when=WHEN).frames[0].callipers
    assert (item.values, item.note) == ("100 px", f"In px: {DIFFERENT}")


def test_a_proposed_calliper_stands_in_place_of_the_same_axes():
    document = opened()
    mask = np.zeros(SHAPE, bool)
    mask[60:120, 80:200] = True
    document.set_reader_mask(0, mask)
    assert build_content(document, when=WHEN).frames[0].figures[0].outlines[0].lesion is not None
    document.set_callipers([proposal(document.lesions(0)[0], 0, "Lesion 1")])
    document.set_calibration(Calibration(((0, 0), (0, 86)), 10.0))
    (frame,) = build_content(document, when=WHEN).frames
    assert frame.figures[0].outlines[0].lesion is None
    assert frame.callipers[0].note == "Calibrated by reader; proposed from the outline, not moved by the reader"


def test_a_frame_that_was_measured_is_shown():
    document = opened(frames=9)
    document.set_callipers([Calliper(Kind.LENGTH, ((10, 10), (40, 50)), 6, "Length 1")])
    content = build_content(document, when=WHEN)
    assert [frame.title for frame in content.frames] == ["Frame 7 of 9"]
    assert "Measured by the reader: frame 7." in content.selection
