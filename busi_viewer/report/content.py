"""What a report says, frozen: built from a Document, with no idea of paper or PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from busi_viewer import __version__
from busi_viewer.core.callipers import repeats
from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord, Mask, to_uint8
from busi_viewer.core.measure import Lesion, measure_all
from busi_viewer.core.render import Path2d, outlines, smooth
from busi_viewer.core.results import CLASSES, GRAD_CAM, AnalysisResult, FrameResult
from busi_viewer.report import words
from busi_viewer.report.findings_part import FindingsPart, findings_part
from busi_viewer.report.measured import BY_READER, Measured, callipers_of
from busi_viewer.report.pairs import Pair, pair_lesions
from busi_viewer.report.proposals import Describe, Proposals, propose
from busi_viewer.report.selection import select

MAX_LESIONS = 6
"""Lesions listed of one frame; the rest are counted."""

NO_LESION = "No lesion outlined on this image; does not exclude cancer"


@dataclass(frozen=True)
class Fact:
    """A labelled value; ``value`` None is shown as not given."""

    label: str
    value: str | None


@dataclass(frozen=True)
class Row:
    """One line of a lesion's table. ``changed``: the reader's value differs from the machine's."""

    label: str
    ai: str
    reader: str
    changed: bool = False


@dataclass(frozen=True)
class Outline:
    """An outline as drawn: closed ``paths`` (N, 2) x, y, dashed for the machine's; callipers if ``lesion`` is set."""

    number: int
    paths: tuple[Path2d, ...]
    dashed: bool
    lesion: Lesion | None = None


@dataclass(frozen=True)
class Figure:
    """An 8-bit image (H, W) or (H, W, 3) with outlines, and, for a heatmap, heat (H, W). ``mm_per_px`` is across.

    ``band``: closed rings (N, 2) that enclose the uncertainty band by the even-odd rule. ``scale_note``: who calibrated it.
    """

    image: NDArray[np.uint8]
    outlines: tuple[Outline, ...]
    caption: str
    mm_per_px: float | None = None
    heat: NDArray[np.float32] | None = None
    band: tuple[Path2d, ...] = ()
    callipers: tuple[Measured, ...] = ()
    scale_note: str = ""


@dataclass(frozen=True)
class Bar:
    """One class and its estimate in [0, 1]; ``tick`` is the operating point where it applies."""

    name: str
    share: float
    tick: float | None = None


@dataclass(frozen=True)
class Estimate:
    """What the machine says about a frame; ``leading`` names the headline's class. Abstained: no bars, no class."""

    headline: str
    leading: str | None
    source: str
    bars: tuple[Bar, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LesionTable:
    """The machine's values of a lesion beside the reader's; ``proposals`` None = none were made."""

    number: int
    rows: tuple[Row, ...]
    proposals: Proposals | None = None


@dataclass(frozen=True)
class FramePart:
    """All of one frame. ``title`` is empty for single images; ``more`` counts lesions that are not listed."""

    title: str
    statement: str
    figures: tuple[Figure, ...]
    estimate: Estimate | None
    lesions: tuple[LesionTable, ...]
    callipers: tuple[Measured, ...] = ()


@dataclass(frozen=True)
class ReportContent:
    """The whole report. ``when`` is the time of writing; nothing else depends on the clock."""

    facility: str
    address: str
    accession: str | None
    patient: tuple[Fact, ...]
    image: tuple[Fact, ...]
    selection: str
    frames: tuple[FramePart, ...]
    notices: tuple[str, ...]
    model: str
    sha256: str
    device: str
    model_notes: tuple[str, ...]
    software: str
    when: datetime
    findings: FindingsPart | None = None


def build_content(
    document: Document,
    *,
    when: datetime,
    facility: str = "busi_viewer",
    address: str = "",
    describe: Describe | None = None,
) -> ReportContent:
    """Gather what the report of ``document`` says; ``describe`` proposes descriptors.

    Raises UnreadableImage if a frame cannot be decoded.
    """
    record, result = document.record, document.result
    chosen, selection = select(document)
    parts = tuple(_frame_part(document, index, describe, titled=len(record.frames) > 1) for index in chosen)
    model = result.model if result else None
    stated = (
        ("Sizes in mm rest on a calibration by the reader, not on the file.",) if record.calibrated_by_reader else ()
    )
    return ReportContent(
        facility=facility,
        address=address,
        accession=words.fact(record.facts, "accession"),
        patient=_patient(record),
        image=_image_facts(record),
        selection=selection,
        frames=parts,
        notices=tuple(dict.fromkeys((*record.warnings, *(result.warnings if result else ()), *stated))),
        model=f"{model.name} {model.version}" if model else "",
        sha256=model.sha256 if model else "",
        device=result.device if result else "",
        model_notes=words.model_notes(model) if model else (),
        software=f"busi_viewer {__version__}",
        when=when,
        findings=findings_part(document),
    )


def _patient(record: ImageRecord) -> tuple[Fact, ...]:
    names = (
        ("Patient", "patient"),
        ("Patient ID", "patient_id"),
        ("Date of birth", "birth"),
        ("Examination", "examination"),
    )
    return tuple(Fact(label, words.fact(record.facts, name)) for label, name in names)


def _image_facts(record: ImageRecord) -> tuple[Fact, ...]:
    height, width = record.shape
    kind = {"jpeg": "JPEG", "dicom": "DICOM"}.get(record.kind, record.kind.upper())
    frames = f", {len(record.frames)} frames" if len(record.frames) > 1 else ""
    side = words.fact(record.facts, "side")
    return (
        Fact("Image file", record.path.name),
        Fact("Size", f"{width} × {height} px, {kind}{frames}"),
        Fact("Pixel spacing", words.spacing(record)),
        Fact("Side", side.capitalize() if side else None),
    )


def _frame_part(document: Document, index: int, describe: Describe | None, *, titled: bool) -> FramePart:
    record, result = document.record, document.result
    machine = result.frame(index) if result else None
    mask = document.reader_mask(index)
    reader = measure_all(mask, record) if mask is not None else ()
    offered = machine if machine and not machine.abstained else None
    pairs = pair_lesions(offered.lesions if offered else (), reader, has_reader=mask is not None)
    callipers = callipers_of(document, index)
    proposals = propose(document, index, pairs[:MAX_LESIONS], describe)
    return FramePart(
        title=f"Frame {index + 1} of {len(record.frames)}" if titled else "",
        statement=_statement(pairs, machine, mask),
        figures=_with_callipers(_figures(record, index, offered, mask, pairs), callipers, record),
        estimate=_estimate(machine, result, pairs, mask) if machine and result else None,
        lesions=tuple(
            replace(_table(pair, machine, mask is not None), proposals=proposed)
            for pair, proposed in zip(pairs[:MAX_LESIONS], proposals, strict=True)
        ),
        callipers=callipers,
    )


def _with_callipers(
    figures: tuple[Figure, ...], callipers: tuple[Measured, ...], record: ImageRecord
) -> tuple[Figure, ...]:
    """The figures with the reader's callipers on the first, in place of the same axes, and with who calibrated the image."""
    note = BY_READER if record.calibrated_by_reader else ""
    caption = f"{figures[0].caption} Reader's callipers." if callipers else figures[0].caption
    first, *others = (replace(figure, scale_note=note) for figure in figures)
    drawn = [item.calliper for item in callipers]
    outlines_ = tuple(
        replace(each, lesion=None) if each.lesion and any(repeats(item, each.lesion) for item in drawn) else each
        for each in first.outlines
    )
    return (replace(first, outlines=outlines_, callipers=callipers, caption=caption), *others)


def _statement(pairs: Sequence[Pair], machine: FrameResult | None, mask: Mask | None) -> str:
    """The findings in one or two plain sentences."""
    if not pairs:
        if mask is not None:
            return "No lesion outlined by the reader."
        if machine is None:
            return "Not analysed; no outline by a reader."
        return f"AI {'withheld its outline' if machine.abstained else 'outlined no lesion'}; no outline by a reader."
    shown = pairs[:MAX_LESIONS]
    kinds = [_kind(pair, has_reader=mask is not None) for pair in shown]
    sizes = [f"Lesion {pair.number}: {words.axes(pair.shown)}" for pair in shown]
    if len(set(kinds)) == 1 and len(shown) > 1:
        text = "; ".join((sizes[0], *(size.lower() for size in sizes[1:]))) + f"; each {kinds[0]}."
    else:
        text = " ".join(f"{size}, {kind}." for size, kind in zip(sizes, kinds, strict=True))
    if len(pairs) > MAX_LESIONS:
        text += f" And {words.plural(len(pairs) - MAX_LESIONS, 'more lesion')}, not listed."
    return text


def _kind(pair: Pair, *, has_reader: bool) -> str:
    """Whose outline it is, in words."""
    if not has_reader:
        return "outlined by AI, not accepted by a reader"
    if pair.reader is None:
        return "outlined by AI, removed by the reader"
    if pair.dice is None:
        return "drawn by the reader"
    return "AI outline edited by the reader" if pair.edited else "AI outline accepted by the reader"


def _figures(
    record: ImageRecord, index: int, machine: FrameResult | None, mask: Mask | None, pairs: Sequence[Pair]
) -> tuple[Figure, ...]:
    """Image with outlines, and the heatmap beside it; ``machine`` is None where nothing is offered."""
    image = to_uint8(record.frames[index], record.window)
    proposed = _outlines(machine.mask, pairs, ai=True, callipers=mask is None) if machine else ()
    drawn = _outlines(mask, pairs, ai=False, callipers=True) if mask is not None else ()
    numbers_edited = {pair.number for pair in pairs if pair.edited}
    beneath = tuple(o for o in proposed if mask is None or o.number in numbers_edited)
    mm = _mm_per_px(record, pairs)
    ends = " + A long axis, × B short axis." if (drawn or (mask is None and beneath)) else ""
    if mask is None:
        text = f"Outline proposed by AI (dashed).{ends}" if beneath else "Image as opened, no outline."
    elif drawn:
        text = f"Reader's outline (solid){', AI proposal (dashed)' if beneath else ''}.{ends}"
    else:
        text = "AI proposal removed by the reader (dashed)." if beneath else "Image as opened, no outline."
    unaltered = machine is not None and (mask is None or np.array_equal(mask, machine.mask))
    band = machine.band if machine is not None and unaltered and (beneath or drawn) else None
    if band is not None and band.rings:
        text += f" {words.band(band.coverage)}"
    first = Figure(image, (*beneath, *drawn), text, mm, band=tuple(map(smooth, band.rings)) if band else ())
    heatmap = machine.heatmap if machine else None
    if heatmap is not None:
        how = "" if heatmap.method == GRAD_CAM else f" by {heatmap.method}"
        other = "" if machine is None or heatmap.target == machine.prediction else " (not the most probable)"
        caption = f"Heatmap{how}, class {heatmap.target}{other}: where the model looked, not the cause."
        plain = tuple(Outline(o.number, o.paths, o.dashed) for o in proposed)
        return first, Figure(image, plain, caption, mm, heatmap.values)
    return (first, Figure(image, (), "The same image without marks.", mm)) if first.outlines else (first,)


def _outlines(mask: Mask, pairs: Sequence[Pair], *, ai: bool, callipers: bool) -> tuple[Outline, ...]:
    shown = [(p.number, lesion) for p in pairs if (lesion := p.ai if ai else p.reader) is not None]
    paths = outlines(mask, [lesion for _, lesion in shown])
    return tuple(
        Outline(number, path, ai, lesion if callipers and number <= MAX_LESIONS else None)
        for (number, lesion), path in zip(shown, paths, strict=True)
    )


def _mm_per_px(record: ImageRecord, pairs: Sequence[Pair]) -> float | None:
    """Horizontal spacing for the scale bar: where the first lesion is, else in the middle of the image."""
    x, y = record.shape[1] / 2, record.shape[0] / 2
    lesion = pairs[0].shown if pairs else None
    if lesion is not None:
        x, y = lesion.bbox[0] + lesion.bbox[2] / 2, lesion.bbox[1] + lesion.bbox[3] / 2
    found = record.spacing_at(x, y)
    return found[1] if found else None


def _estimate(machine: FrameResult, result: AnalysisResult, pairs: Sequence[Pair], mask: Mask | None) -> Estimate:
    if machine.abstained:
        reasons = tuple(dict.fromkeys((*machine.abstain_reasons, *machine.quality.reasons)))
        return Estimate(
            "No estimate given", None, "", (), (*reasons, "Read the image without it; an outline can be drawn by hand.")
        )
    if not machine.classified:
        return Estimate("No class given", None, "", (), result.model.notes)
    point = result.model.point
    shares = dict(zip(CLASSES, machine.probabilities, strict=True))
    bars = tuple(Bar(n, shares[n], point if n == "malignant" else None) for n in ("malignant", "benign", "normal"))
    leading = machine.prediction
    headline = f"{leading.capitalize()} {words.percent(shares[leading])}"
    source = (
        "AI estimate, calibrated" if machine.calibrated else "AI estimate, not calibrated: a score, not a frequency"
    )
    if leading == "normal" and not machine.lesions:
        headline = NO_LESION
    return Estimate(headline, leading, source, bars, _estimate_notes(machine, point, pairs, mask))


def _estimate_notes(
    machine: FrameResult, point: float | None, pairs: Sequence[Pair], mask: Mask | None
) -> tuple[str, ...]:
    notes = []
    if point is not None:
        side = "at or above" if machine.above_operating_point else "below"
        notes.append(f"Malignant estimate {side} the operating point ({words.percent(point)}, dashed tick).")
    if bool(machine.lesions) != (machine.prediction != "normal"):
        notes.append("The outline and the estimate do not agree: read with care.")
    if machine.heatmap is not None and machine.heatmap.inside_mask_share is not None and machine.lesions:
        notes.append(f"Heat inside the AI outline: {words.percent(machine.heatmap.inside_mask_share)}.")
    quality = machine.quality
    score = f" ({quality.score:.2f})" if quality.score is not None else ""
    notes.append(f"Input {'similar to' if quality.in_distribution else 'unlike'} the training images{score}.")
    notes += quality.reasons
    if mask is not None and any(pair.edited for pair in pairs):
        notes.append("The estimate is of the image as the model saw it; editing the outline does not change it.")
    return tuple(dict.fromkeys(notes))


def _table(pair: Pair, machine: FrameResult | None, has_reader: bool) -> LesionTable:
    if pair.ai is not None:
        confidence = pair.ai.mean_probability
        proposed = "proposed" if confidence is None else f"proposed, confidence {confidence:.2f}"
    elif machine is None:
        proposed = "not analysed"
    else:
        proposed = "withheld" if machine.abstained else "not outlined"
    if pair.reader is not None:
        done = words.outline_change(pair.dice, machine is not None)
    else:
        done = "removed" if has_reader else "not yet accepted"
    rows = [Row("Outline", proposed, done, pair.ai is not None and pair.reader is not None and pair.edited)]
    for label, said in _SIZES:
        ai = said(pair.ai) if pair.ai else words.NO_VALUE
        reader = said(pair.reader) if pair.reader else words.NO_VALUE
        rows.append(Row(label, ai, reader, pair.ai is not None and pair.reader is not None and ai != reader))
    return LesionTable(pair.number, tuple(rows))


_SIZES = (
    ("Long axis A", lambda v: words.length(v.long_axis_mm, v.long_axis_px)),
    ("Short axis B", lambda v: words.length(v.short_axis_mm, v.short_axis_px)),
    ("AP (vertical)", lambda v: words.length(v.ap_mm, v.ap_px)),
    ("Width", lambda v: words.length(v.width_mm, v.width_px)),
    ("Area", words.area),
    ("Angle to top", words.angle),
)
