"""The PDF report, read back."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pypdfium2 as pdfium
import pytest

from busi_viewer.core.band import Band, on_image
from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import Basis, Proposal
from busi_viewer.core.measure import Lesion, measure_all
from busi_viewer.core.render import LESION_COLOURS
from busi_viewer.core.reporting import SHORT
from busi_viewer.core.results import AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality
from busi_viewer.report.content import NO_LESION
from busi_viewer.report.gathering import build_content
from busi_viewer.report.pdf import BADGE, TITLE, PdfReportWriter, render

WHEN = datetime(2025, 3, 11, 10, 48, tzinfo=UTC)
MODEL = ModelInfo("busi-test", "1.2.3", "9f3c" * 16, 0.3, ("Calibrated on phantoms, n = 12, half malignant",))


def disc(shape: tuple[int, int], x: float, y: float, r: float) -> np.ndarray:
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return (xx - x) ** 2 + (yy - y) ** 2 <= r * r


def frame_result(record: ImageRecord, mask: np.ndarray, **more: object) -> FrameResult:
    values: dict[str, object] = {
        "index": 0,
        "probabilities": (0.03, 0.10, 0.87),
        "calibrated": True,
        "above_operating_point": True,
        "abstained": False,
        "abstain_reasons": (),
        "quality": Quality(True, 0.94),
        "mask": mask,
        "lesions": measure_all(mask, record, np.full(mask.shape, 0.91)),
        "heatmap": Heatmap("malignant", mask.astype(np.float32), 0.86),
    }
    return FrameResult(**{**values, **more})  # type: ignore[arg-type]


def document(
    mask: np.ndarray | None = None,
    *,
    frames: int = 1,
    analysed: bool = True,
    name: str = "scan.png",
    spacing: tuple[float, float] | None = (0.1, 0.1),
    facts: dict[str, str] | None = None,
    **more: object,
) -> Document:
    mask = disc((240, 300), 150, 110, 50) if mask is None else mask
    stack = tuple(np.full(mask.shape, 90 + i, np.uint8) for i in range(frames))
    record = ImageRecord(
        Path(name), "ab" * 32, "png", ArrayFrames(stack), mask.shape, spacing, facts=MappingProxyType(facts or {})
    )
    doc = Document(record)
    if analysed:
        results = tuple(frame_result(record, mask, **{"index": i, **more}) for i in range(frames))
        assert doc.offer(AnalysisResult(record.path, record.sha256, MODEL, "cpu", results))
    return doc


def rendered(doc: Document) -> bytes:
    return render(build_content(doc, when=WHEN))


def pages(data: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pdfium.PdfDocument(data)]


def flat(data: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(pages(data)))


def test_states_lesion_estimate_model_and_research_use() -> None:
    text = flat(rendered(document()))
    for words in (
        TITLE,
        BADGE,
        "Malignant 87 %",
        "AI estimate, calibrated",
        "Lesion 1: 10.1 × 10.1 mm, outlined by AI, not accepted by a reader.",
        "proposed, confidence 0.91",
        "not yet accepted",
        "where the model looked, not the cause",
        "operating point (30 %",
        "Model busi-test 1.2.3",
        "Calibrated on phantoms, n = 12",
        "scan.png",
        "Not given",
        "Assessment (reader)",
        "No category given",
        "Not signed",
        "Draft, not signed",
        "page 1 of 2",
        "2025-03-11, 10:48",
    ):
        assert words in text, words


def test_proposes_no_category_and_no_management() -> None:
    for doc in (document(), document(np.zeros((240, 300), bool), probabilities=(0.9, 0.07, 0.03))):
        text = flat(rendered(doc)).lower()
        assert "bi-rads" not in text
        assert "no category given" in text
        assert "biopsy" not in text
        assert "diagnosis" not in text


def test_abstained_gives_reasons_and_no_number_of_the_model() -> None:
    doc = document(abstained=True, abstain_reasons=("The image does not resemble the training images",))
    text = flat(rendered(doc))
    assert "No estimate given" in text
    assert "does not resemble" in text
    assert "AI withheld its outline" in text
    for hidden in ("%", "confidence", "Malignant", "Heatmap", "0.94", "Lesion 1"):
        assert hidden not in text.split("The model and its limits")[0], hidden
    doc.set_reader_mask(0, disc((240, 300), 150, 110, 40))
    text = flat(rendered(doc))
    assert "withheld" in text
    assert "drawn" in text


def with_words(doc: Document) -> str:
    """The report's text with descriptors proposed by a stand-in that says the same of every outline."""

    def describe(record: ImageRecord, pixels: np.ndarray, lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
        basis = Basis(126, "BrEaST", 0.71, (0.62, 0.79))
        words = (Proposal("orientation", "parallel"), Proposal("shape", "irregular", 0.78, basis))
        return tuple(replace(lesion, descriptors=words) for lesion in lesions)

    return flat(render(build_content(doc, when=WHEN, describe=describe)))


def test_descriptors_stand_apart_as_the_models_proposals() -> None:
    doc = document()
    text = with_words(doc)
    assert "Orientation parallel (geometry) not said" in text
    assert "Shape irregular, 78 % not said" in text
    assert "Balanced accuracy (95 % CI), cross-validated on 126 lesions of BrEaST: shape 0.71 (0.62–0.79)." in text
    doc.set_reader_mask(0, disc((240, 300), 150, 110, 40))
    assert "irregular, 78 %" in with_words(doc)
    doc.set_reader_mask(0, np.zeros((240, 300), bool))
    assert "irregular" not in with_words(doc), "the reader removed the outline"


def test_no_descriptors_on_an_image_unlike_those_known() -> None:
    assert "irregular" not in with_words(document(quality=Quality(False, 0.1, ("Unlike",))))


def test_normal_without_lesion_does_not_exclude_cancer() -> None:
    doc = document(np.zeros((240, 300), bool), probabilities=(0.91, 0.06, 0.03), above_operating_point=False)
    assert NO_LESION in flat(rendered(doc))


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (lambda m: m, "accepted, not edited"),
        (lambda m: m & (np.arange(m.shape[1]) > 120), "edited, overlap (Dice)"),
        (lambda m: np.zeros_like(m), "removed"),
    ],
)
def test_says_what_the_reader_did(reader: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    doc = document()
    proposal = doc.shown_mask(0)
    assert proposal is not None
    doc.set_reader_mask(0, reader(proposal))
    assert words in flat(rendered(doc))


def test_image_not_analysed_is_reported_with_the_readers_outline() -> None:
    doc = document(analysed=False)
    doc.set_reader_mask(0, disc((240, 300), 150, 110, 40))
    text = flat(rendered(doc))
    assert "drawn" in text
    assert "Not analysed: no model was used." in text
    assert "%" not in text


def test_unknown_spacing_gives_pixels() -> None:
    text = flat(rendered(document(spacing=None)))
    assert "Not calibrated: sizes in px" in text
    assert re.search(r"10[01] × 10[01] px", text)
    assert " mm" not in text


def test_fonts_are_embedded_and_text_is_text() -> None:
    data = rendered(document())
    assert b"+Inter-Regular" in data
    assert b"+Inter-SemiBold" in data
    assert data.count(b"/FontFile2") >= 3
    assert data.count(b"/BaseFont") == data.count(b"/Subtype /TrueType")


def test_no_patient_data_outside_the_page_text() -> None:
    facts = {"patient_name": "Geheim^Berta", "patient_id": "ZZ-4711"}
    data = rendered(document(name="geheim-berta.png", facts=facts))
    assert "Geheim, Berta" in flat(data)
    assert "ZZ-4711" in flat(data)
    pdf = pdfium.PdfDocument(data)
    metadata = pdf.get_metadata_dict()
    assert metadata["Title"] == TITLE
    assert metadata["CreationDate"].startswith("D:20250311104800")
    for planted in ("geheim", "berta", "4711"):
        assert planted not in " ".join(metadata.values()).lower()
        assert planted.encode() not in data.lower()
        assert planted.encode("utf-16-be") not in data.lower()


def test_same_input_same_bytes() -> None:
    assert rendered(document()) == rendered(document())
    later = render(build_content(document(), when=WHEN.replace(minute=49)))
    assert later != rendered(document())


@pytest.mark.parametrize("proposal", [True, False])
def test_outline_is_drawn_on_the_boundary(proposal: bool) -> None:
    doc = document()
    if not proposal:
        doc.set_reader_mask(0, doc.shown_mask(0))
    page = pdfium.PdfDocument(rendered(doc))[0]
    image = page.render(scale=4).to_numpy()[..., 2::-1].astype(int)
    cyan = np.abs(image - np.array(LESION_COLOURS[0])).sum(axis=-1) < 40
    left = cyan[:, : cyan.shape[1] // 2]
    rows, cols = np.nonzero(left)
    centre = (cols.min() + cols.max()) / 2, (rows.min() + rows.max()) / 2
    radius = np.hypot(cols - centre[0], rows - centre[1])
    across = (cols.max() - cols.min()) / 2
    assert np.percentile(np.abs(radius - across), 95) < 4
    figure = 4 * (595.28 - 79.4 - 14 - 26) / 2
    assert across == pytest.approx(figure * 50 / 300, rel=0.05)


def test_what_is_round_in_millimetres_is_round_on_paper() -> None:
    yy, xx = np.mgrid[:120, :300]
    doc = document(((xx - 150) / 50) ** 2 + ((yy - 55) / 25) ** 2 <= 1, spacing=(0.2, 0.1))
    page = pdfium.PdfDocument(rendered(doc))[0]
    image = page.render(scale=4).to_numpy()[..., 2::-1].astype(int)
    cyan = np.abs(image - np.array(LESION_COLOURS[0])).sum(axis=-1) < 40
    rows, cols = np.nonzero(cyan[:, : cyan.shape[1] // 2])
    assert np.ptp(rows) == pytest.approx(np.ptp(cols), rel=0.03)


def test_multi_frame_shows_edited_and_most_suspicious_frames() -> None:
    doc = document(frames=9)
    assert doc.result is not None
    doc.set_reader_mask(6, disc((240, 300), 150, 110, 30))
    data = rendered(doc)
    text = flat(data)
    assert "9 frames, 9 analysed. Outlined by the reader: frame 7. Highest malignant estimate: frames 1, 2, 3." in text
    assert [n for n in range(1, 10) if f"Frame {n} of 9" in text] == [1, 2, 3, 7]
    assert all(BADGE in page and "busi-test" in page for page in pages(data))
    assert f"page {len(pages(data))} of {len(pages(data))}" in text


def test_two_lesions_are_numbered() -> None:
    mask = disc((240, 300), 80, 110, 50) | disc((240, 300), 230, 110, 30)
    text = flat(rendered(document(mask)))
    for words in ("Lesion 1", "Lesion 2", "1A", "2A"):
        assert words in text


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (60, 4000), (3000, 90), (2200, 2600)])
def test_any_image_shape_is_laid_out(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, bool)
    mask[: max(1, shape[0] // 2), : max(1, shape[1] // 2)] = True
    assert 1 <= len(pages(rendered(document(mask)))) <= 2


@pytest.mark.parametrize(
    "name",
    ["Пациент.png", "Ωμέγα.png", "患者の画像.png", "صورة.png", "x" * 250 + ".png", "<b>&amp;.png", "a\x07b\u202e.png"],
)
def test_any_file_name_is_laid_out(name: str) -> None:
    data = render(build_content(document(name=name), when=WHEN, template=SHORT))
    assert len(pages(data)) == 1
    if name.startswith(("П", "Ω", "<")):
        assert name in flat(data)


def test_long_facts_and_notes_stay_on_their_pages() -> None:
    facts = {"patient_name": "Aa" * 400, "patient_id": "9" * 300}
    doc = document(facts=facts)
    assert doc.result is not None
    model = ModelInfo("m" * 300, "1", "f" * 64, 0.3, tuple(f"Note {i} " + "words " * 40 for i in range(30)))
    doc.offer(
        AnalysisResult(doc.record.path, doc.record.sha256, model, "cpu", doc.result.frames, warnings=("w" * 900,) * 1)
    )
    assert len(pages(rendered(doc))) <= 3
    assert len(pages(render(build_content(doc, when=WHEN, template=SHORT)))) == 1


def test_writes_whole_or_not_at_all(tmp_path: Path) -> None:
    writer = PdfReportWriter(clock=lambda: WHEN)
    writer.write(document(), tmp_path / "out.pdf")
    assert [p.name for p in tmp_path.iterdir()] == ["out.pdf"]
    assert (tmp_path / "out.pdf").read_bytes() == rendered(document())


@pytest.mark.parametrize("where", ["missing/out.pdf", "file.txt/out.pdf", "folder"])
def test_unwritable_place_is_a_clear_error_and_leaves_nothing(tmp_path: Path, where: str) -> None:
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError) as caught:
        PdfReportWriter().write(document(), tmp_path / where)
    assert caught.value.path == tmp_path / where
    assert caught.value.remedy
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file.txt", "folder"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_readonly_folder_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        PdfReportWriter().write(document(), tmp_path / "out.pdf")
    tmp_path.chmod(0o700)


def test_old_report_survives_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.pdf"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        PdfReportWriter().write(document(), path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.pdf"]


def test_the_band_is_tinted_and_named_only_around_the_models_own_outline() -> None:
    shape = (300, 400)
    record = ImageRecord(Path("x.png"), "ab" * 32, "png", ArrayFrames((np.full(shape, 90, np.uint8),)), shape)
    mask = disc(shape, 200, 150, 60)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    falling = (1 / (1 + np.exp((np.hypot(xx - 200, yy - 150) - 60) / 6))).astype(np.float32)
    frame = frame_result(record, mask, band=on_image(falling, mask, Band(0.1, 0.9, 0.0, 0.9)))
    doc = Document(record)
    doc.offer(AnalysisResult(record.path, record.sha256, MODEL, "cpu", (frame,)))
    with_band = build_content(doc, when=WHEN).frames[0].figures[0]
    assert len(with_band.band) == 2
    assert "holds 90 % of the true boundary" in flat(rendered(doc))
    doc.set_reader_mask(0, disc(shape, 210, 150, 50))
    edited = build_content(doc, when=WHEN).frames[0].figures[0]
    assert edited.band == ()
    assert "Tinted" not in edited.caption
