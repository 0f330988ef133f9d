"""What the reader said, in the report: sentences, table with who and when, clock, assessment, signature, both templates."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image

from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, FindingsError, Identity, LesionFindings, Location, from_json, to_json
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import EDITIONS, POSITIONS
from busi_viewer.core.reporting import SHORT, TEMPLATES, Change, Letterhead, Signature, Trail
from busi_viewer.paths import bundled_models
from busi_viewer.report.clock import ClockFace, caption
from busi_viewer.report.content import Clock, ClockMark
from busi_viewer.report.gathering import Letter, build_content
from busi_viewer.report.layout import DRAFT
from busi_viewer.report.parts import PAGE
from busi_viewer.report.pdf import BADGE, PdfReportWriter, render
from busi_viewer.report.sentences import description
from busi_viewer.report.words import age

WHEN = datetime(2025, 3, 11, 10, 48, tzinfo=UTC)
SHAPE = (240, 300)
WORDS = {
    "shape": ("irregular",),
    "orientation": ("parallel",),
    "margin": ("angular", "spiculated"),
    "echo_pattern": ("hypoechoic",),
    "posterior_features": ("shadowing",),
    "calcifications": ("in a mass",),
    "associated_features": ("architectural distortion",),
}
IDENTITY = Identity("Sample, Anna", "000-118", "1971-05-04", "2025-03-11", "EX-118")
EVERYTHING = {
    one.name: tuple(v for v in one.values if v not in one.alone) if one.several else one.values[-1:]
    for one in EDITIONS["birads-us-2013"].lesion
}


def ellipse(x, y, a, b):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((xx - x) / a) ** 2 + ((yy - y) / b) ** 2 <= 1


def drawn(mask=None, frames=1, **facts):
    stack = tuple(np.full(SHAPE, 90, np.uint8) for _ in range(frames))
    doc = Document(ImageRecord(Path("scan.png"), "ab" * 32, "png", ArrayFrames(stack), SHAPE, (0.1, 0.1), facts=facts))
    doc.set_reader_mask(0, ellipse(150, 110, 60, 40) if mask is None else mask)
    return doc


def said(doc, **more):
    lesion = LesionFindings(1, 0, doc.lesions(0)[0].bbox, WORDS, assessment="4C")
    location = Location("left", "2:00", 40.0, "radial")
    findings = Findings(location=location, lesions=(lesion,), composition="heterogeneous", identity=IDENTITY)
    doc.set_findings(
        replace(
            findings, **{"management": "tissue sampling", "history": "Palpable lump.", "comparison": "None.", **more}
        )
    )
    return doc


def trail(**more):
    change = Change("Dr R. Example", "2025-03-11T10:41:00+00:00")
    signature = Signature("Dr R. Example", "rex", "2025-03-11T10:47:00+00:00", 1)
    return Trail({f"lesions.1.{name}": change for name in WORDS}, {0: change}, replace(signature, **more))


def pages(data):
    with pdfium.PdfDocument(data) as pdf:
        return [re.sub(r"\s+", " ", page.get_textpage().get_text_range()) for page in pdf]


def in_order(text, words):
    at = 0
    for each in words:
        found = text.find(each, at)
        assert found >= 0, (each, text[at : at + 300])
        at = found + len(each)


def test_everything_stands_in_the_order_of_the_lexicon():
    doc = said(drawn(), impression="Suspicious.")
    text = " ".join(pages(render(build_content(doc, when=WHEN, trail=trail(), letter=Letter("Centre", "1 Road")))))
    in_order(
        text,
        (
            *("Centre", "1 Road", "Accession EX-118", "Sample, Anna", "000-118", "1971-05-04 (53 y)", "2025-03-11"),
            *("Indication and history", "Palpable lump.", "Breast composition", "Heterogeneous"),
            *("Scope and technique", "0.1 mm/px"),
            "Lesion 1, left breast, 2:00, 4 cm from the nipple, radial plane: irregular shape, hypoechoic, parallel "
            "orientation, margin not circumscribed (angular, spiculated), posterior shadowing, calcifications in a mass, "
            "architectural distortion; 12.1 × 8.1 mm, drawn by the reader. Category 4C.",
            *("Left breast, front view", "Lesion 1 AI value Reader's value Changed by"),
            "Margin no proposal angular, spiculated Dr R. Example, 2025-03-11, 10:41",
            *("Comparison", "None.", "Impression", "Suspicious."),
            *("BI-RADS category 4C", "High suspicion, likelihood > 50 to < 95 %", "Tissue sampling"),
            *("Read and signed by", "Dr R. Example", "2025-03-11, 10:47, version 1 (account rex)"),
        ),
    )
    assert DRAFT not in text


@pytest.mark.parametrize("template", TEMPLATES)
def test_unsigned_and_changed_reports_are_drafts_on_every_page(template):
    doc = said(drawn())
    for state in (Trail(), trail(current=False, version=2, reason="Second look")):
        found = pages(render(build_content(doc, when=WHEN, trail=state, template=template)))
        assert all(DRAFT in page and BADGE in page for page in found)
        assert "Not signed" in " ".join(found)
    assert "Changed since Dr R. Example signed it: 2025-03-11, 10:47, version 2" in " ".join(found)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_same_content_gives_the_same_bytes(template):
    one, other = (render(build_content(said(drawn()), when=WHEN, trail=trail(), template=template)) for _ in "ab")
    assert one == other


def overfull():
    mask = np.zeros(SHAPE, bool)
    for i in range(9):
        mask |= ellipse(50 + 100 * (i % 3), 40 + 80 * (i // 3), 30 + i, 20 + i)
    doc = drawn(mask)
    long = "Longwordwithoutanyspace" * 12 + " and a very talkative text." * 60
    lesions = [
        LesionFindings(i + 1, 0, lesion.bbox, EVERYTHING, POSITIONS[i * 3], 20.0 * i, "4A")
        for i, lesion in enumerate(doc.lesions(0))
    ]
    lesions.append(LesionFindings(30, 0, (0, 0, 2, 2), EVERYTHING, "axilla", None, "5"))
    doc.set_findings(
        Findings(
            lesions=tuple(lesions),
            location=Location("right", "9:00", 60.0, "oblique"),
            **dict.fromkeys(("history", "technique", "comparison", "impression"), long),
            identity=Identity(*("X" * 300,) * 5),
            management="comparison with earlier examinations",
        )
    )
    doc.record = replace(doc.record, warnings=tuple(f"Warning {i} " + "words " * 40 for i in range(20)))
    return doc, long


def test_however_much_there_is_nothing_leaves_the_page_and_a_short_report_is_one():
    doc, long = overfull()
    signed = Trail(signature=Signature("S" * 200, "account" * 30, "2025-03-11T10:47:00+00:00", 12, "because " * 60))
    letter = Letter("Facility " * 30, "Address " * 60)
    full = render(build_content(doc, when=WHEN, trail=signed, letter=letter))
    assert re.sub(r"\s", "", long) in re.sub(r"\s", "", " ".join(pages(full))).replace("\ufffe", "")
    short = render(build_content(doc, when=WHEN, trail=signed, letter=letter, template=SHORT))
    assert len(pages(short)) == 1
    in_order(pages(short)[0], ("in the full report", "BI-RADS category 5", "Read and signed by", "page 1 of 1"))
    for data in (full, short):
        with pdfium.PdfDocument(data) as pdf:
            for page in pdf:
                text = page.get_textpage()
                for i in range(text.count_rects()):
                    left, bottom, right, top = text.get_rect(i)
                    assert 30 < left <= right < PAGE[0] - 30, text.get_text_bounded(left, bottom, right, top)
                    assert 30 < bottom <= top < PAGE[1] - 25


def test_what_is_said_of_a_lesion_without_outline_is_not_lost():
    doc = said(drawn())
    doc.set_findings(doc.findings.with_lesion(LesionFindings(7, 0, (0, 0, 3, 3), {"shape": ("oval",)}, assessment="2")))
    for template in TEMPLATES:
        content = build_content(doc, when=WHEN, template=template)
        assert "Finding 7, no outline, left breast, 2:00" in " ".join(pages(render(content)))
    assert content.verdict.lesions == (("Lesion 1", "4C"), ("Finding 7, no outline", "2"))


def test_a_described_frame_is_shown_and_leads_a_short_report():
    doc = drawn(frames=9)
    lesion = LesionFindings(3, 6, (10, 10, 40, 40), {"shape": ("oval",)}, assessment="4A")
    doc.set_findings(Findings(lesions=(lesion,)))
    content = build_content(doc, when=WHEN)
    assert [frame.title for frame in content.frames] == ["Frame 1 of 9", "Frame 7 of 9"]
    assert content.frames[content.leading].title == "Frame 7 of 9"
    assert "Described by the reader: frame 7." in content.selection


def test_the_files_identity_goes_before_the_typed_one_and_nothing_of_it_into_metadata_or_outline():
    doc = said(drawn(PatientName="Geheim^Berta", PatientID="ZZ-4711"))
    data = render(build_content(doc, when=WHEN, trail=trail()))
    text = " ".join(pages(data))
    assert "Geheim, Berta" in text
    assert "Sample, Anna" not in text
    assert "1971-05-04" in text, "what the file does not say is the reader's"
    with pdfium.PdfDocument(data) as pdf:
        outline = [item.get_title() for item in pdf.get_toc()]
        told = " ".join((*outline, *pdf.get_metadata_dict().values()))
    assert outline[0] == "Breast ultrasound report"
    assert {"Findings", "Comparison", "Assessment and management", "Signature"} <= set(outline)
    for planted in ("Geheim", "Berta", "4711", "Sample", "000-118", "scan"):
        assert planted not in told


def test_bookmarks_lead_to_their_pages():
    doc, _ = overfull()
    data = render(build_content(doc, when=WHEN))
    with pdfium.PdfDocument(data) as pdf:
        places = {item.get_title(): item.get_dest().get_index() for item in pdf.get_toc()}
        texts = [page.get_textpage().get_text_range() for page in pdf]
    for heading in ("Scope and technique", "Findings", "Comparison", "Impression"):
        assert heading in texts[places[heading]]
    assert places["Impression"] > places["Findings"]


def test_identity_survives_as_json_and_strangers_are_refused():
    findings = Findings(identity=IDENTITY)
    assert from_json(json.loads(json.dumps(to_json(findings)))) == findings
    assert "identity" not in to_json(Findings())
    with pytest.raises(FindingsError, match="unknown entry 'nickname'"):
        from_json({**to_json(findings), "identity": {"nickname": "x"}})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({}, ""),
        ({"margin": ("circumscribed",)}, "circumscribed margin"),
        ({"margin": ("not circumscribed",)}, "margin not circumscribed"),
        ({"margin": ("not circumscribed", "indistinct")}, "margin not circumscribed (indistinct)"),
        ({"posterior_features": ("none",), "calcifications": ("none",)}, "no posterior features, no calcifications"),
        ({"posterior_features": ("combined pattern",)}, "combined posterior pattern"),
        ({"calcifications": ("in a mass", "intraductal")}, "calcifications in a mass and intraductal"),
        ({"orientation": ("not parallel",), "special_cases": ("none",)}, "not parallel"),
        ({"special_cases": ("simple cyst",), "associated_features": ("none",)}, "no associated features, simple cyst"),
    ],
)
def test_sentences_hold_the_readers_words_alone(words, sentence):
    assert description(LesionFindings(1, words=words)) == sentence


def test_every_word_of_the_lexicon_comes_into_its_sentence():
    for descriptor in EDITIONS["birads-us-2013"].lesion:
        for value in descriptor.values:
            told = description(LesionFindings(1, words={descriptor.name: (value,)}))
            assert value in told or value in ("none", "combined pattern"), (descriptor.name, value)


def test_the_clock_puts_lesions_where_they_lie_and_none_over_another():
    marks = (
        ClockMark("1", "Lesion 1", "3:00", 40.0),
        ClockMark("2", "Lesion 2", "12:00", 80.0),
        ClockMark("3", "Lesion 3", "3:00", 40.0),
        ClockMark("4", "Lesion 4", "9:00", None),
        ClockMark("5", "Lesion 5", "axilla", None),
    )
    placed = list(ClockFace(Clock("right", marks), 92.0)._placed())
    assert [round(v) for v in placed[0][1]] == [23, 0], "4 of 8 cm to the right"
    assert [round(v) for v in placed[1][1]] == [0, 46]
    assert placed[3][3], "a distance not said is a hollow mark"
    assert placed[4][1][0] < 0 < placed[4][1][1], "the right axilla lies to the viewer's left"
    places = [place for _, place, _, _ in placed]
    assert min(np.hypot(*np.subtract(a, b)) for i, a in enumerate(places) for b in places[:i]) > 10
    assert caption(Clock("right", marks)) == "Right breast, front view, hollow: distance not said"
    assert "not drawn: Lesion 5" in caption(Clock(None, marks))


def test_a_logo_is_used_and_a_bad_one_never_stops_a_report(tmp_path):
    logo, broken = tmp_path / "logo.png", tmp_path / "broken.png"
    Image.new("RGBA", (300, 100), (200, 0, 0, 128)).save(logo)
    broken.write_bytes(logo.read_bytes()[:200])
    (tmp_path / "text.png").write_text("no picture")
    writer = PdfReportWriter(Letterhead("Centre", "", logo), clock=lambda: WHEN)
    assert writer.logo_fault(logo) == ""
    red = writer.pages(writer.pdf(drawn()), 100)[0][40:100, 50:220].astype(int)
    assert ((red[..., 0] - red[..., 1]) > 60).sum() > 2000, "half-transparent red on white"
    for bad in (broken, tmp_path / "text.png", tmp_path / "missing.png", tmp_path):
        assert writer.logo_fault(bad), bad
        assert pages(PdfReportWriter(Letterhead("Centre", "", bad)).pdf(drawn()))


def test_a_white_logo_stands_on_a_dark_ground(tmp_path):
    logo = tmp_path / "logo.png"
    picture = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    picture.paste((255, 255, 255, 255), (60, 30, 240, 70))
    picture.save(logo)
    writer = PdfReportWriter(Letterhead("Centre", "", logo), clock=lambda: WHEN)
    shown = writer.pages(writer.pdf(drawn()), 100)[0][40:100, 50:220].astype(int)
    assert (shown.max(axis=-1) < 60).sum() > 1000
    assert (shown.min(axis=-1) > 240).sum() > 1000


def test_a_lesion_described_on_several_frames_is_on_the_clock_once():
    doc = said(drawn(frames=2))
    doc.set_reader_mask(1, ellipse(150, 110, 60, 40))
    first = doc.findings.lesions[0]
    doc.set_findings(replace(doc.findings, lesions=(first, replace(first, key=2, frame=1))))
    assert len(build_content(doc, when=WHEN).clock.marks) == 1
    doc.set_findings(replace(doc.findings, lesions=(first, replace(first, key=2, frame=1, position="4:00"))))
    assert len(build_content(doc, when=WHEN).clock.marks) == 2


def test_letters_that_cannot_be_printed_are_explained():
    said_of = said(drawn(), identity=replace(IDENTITY, patient="王小明"))
    assert "stands for a letter" in " ".join(pages(render(build_content(said_of, when=WHEN))))
    assert "stands for a letter" not in " ".join(pages(render(build_content(said(drawn()), when=WHEN))))


def test_a_long_history_begins_on_the_first_page():
    found = pages(render(build_content(said(drawn(), history="It was felt three weeks ago. " * 260), when=WHEN)))
    assert "three weeks ago" in found[0]
    assert "three weeks ago" in found[1]


def test_the_models_own_figures_and_limits_are_stated():
    card = json.loads((bundled_models() / "busi-default" / "card.json").read_text(encoding="utf-8"))
    from test_report_pdf import document

    doc = document()
    assert doc.result is not None
    model = replace(doc.result.model, sha256=card["sha256"], operating_point=card["operating_point"])
    doc.result = replace(doc.result, model=model)
    text = " ".join(pages(render(build_content(doc, when=WHEN, card_of=lambda sha: card))))
    assert re.search(r"the model's own: sensitivity \d+ % \(95 % CI \d+–\d+\), specificity \d+ % \(95 % CI", text)
    assert card["limits"][0][:60] in text
    assert card["sha256"] in text


@pytest.mark.parametrize(
    ("birth", "at", "years"),
    [("1971-05-04", "2025-03-11", 53), ("1971-05-04", "2025-05-04, 10:00", 54), ("4 May 1971", "2025-01-01", None)],
)
def test_age_in_whole_years(birth, at, years):
    assert age(birth, at) == years
