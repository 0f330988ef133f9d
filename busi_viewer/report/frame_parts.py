"""All that a report says of one frame: figures, sentences, estimate, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from busi_viewer.core.callipers import repeats
from busi_viewer.core.document import Document
from busi_viewer.core.findings import LesionFindings, assigned
from busi_viewer.core.image import ImageRecord, Mask, to_uint8
from busi_viewer.core.measure import measure_all
from busi_viewer.core.render import outlines, smooth
from busi_viewer.core.reporting import Trail
from busi_viewer.core.results import CLASSES, GRAD_CAM, NO_OUTLINE, AnalysisResult, FrameResult, ModelInfo
from busi_viewer.report import lesion_rows, words
from busi_viewer.report.content import NO_LESION, Bar, Estimate, Figure, FramePart, Outline
from busi_viewer.report.lesion_rows import Describe
from busi_viewer.report.measured import BY_READER, Measured, callipers_of
from busi_viewer.report.pairs import Pair, pair_lesions
from busi_viewer.report.sentences import description, place_words, sentence

MAX_LESIONS = 6
"""Lesions listed of one frame; the rest are counted."""


@dataclass(frozen=True)
class Sources:
    """What frames are described from."""

    document: Document
    trail: Trail
    describe: Describe | None
    when: datetime


def frame_part(sources: Sources, index: int) -> FramePart:
    """Gather one frame. Raises UnreadableImage if it cannot be decoded."""
    document = sources.document
    record, result = document.record, document.result
    machine = result.frame(index) if result else None
    mask = document.reader_mask(index)
    offered = machine if machine and not machine.abstained else None
    pairs = lesion_pairs(document, index)
    listed = pairs[:MAX_LESIONS]
    said = _said(document, index, pairs)
    callipers = callipers_of(document, index)
    proposals = lesion_rows.propose(document, index, listed, sources.describe)
    frame = lesion_rows.Frame(machine, mask is not None, sources.trail.outlines.get(index), sources.trail, sources.when)
    return FramePart(
        title=f"Frame {index + 1} of {len(record.frames)}" if len(record.frames) > 1 else "",
        sentences=_sentences(document, pairs, said, machine, mask),
        figures=_with_callipers(_figures(record, index, offered, mask, pairs), callipers, record),
        estimate=_estimate(machine, result, pairs, mask) if machine and result else None,
        lesions=tuple(
            lesion_rows.table(pair, frame, proposed, said.get(pair.number))
            for pair, proposed in zip(listed, proposals, strict=True)
        ),
        callipers=callipers,
    )


def lesion_pairs(document: Document, index: int) -> tuple[Pair, ...]:
    """The numbered lesions of a frame: the reader's, else the machine's unless withheld, each with its counterpart."""
    machine = document.result.frame(index) if document.result else None
    mask = document.reader_mask(index)
    reader = measure_all(mask, document.record) if mask is not None else ()
    offered = machine.lesions if machine and not machine.abstained else ()
    return pair_lesions(offered, reader, has_reader=mask is not None)


def _said(document: Document, index: int, pairs: Sequence[Pair]) -> dict[int, LesionFindings]:
    """What the reader said of each numbered lesion whose outline stands."""
    standing = [pair for pair in pairs if pair.reader is not None or document.reader_mask(index) is None]
    mine, _ = assigned(document.findings, index, [pair.shown for pair in standing])
    return {pair.number: one for pair, one in zip(standing, mine, strict=True) if one is not None}


def _sentences(
    document: Document,
    pairs: Sequence[Pair],
    said: Mapping[int, LesionFindings],
    machine: FrameResult | None,
    mask: Mask | None,
) -> tuple[str, ...]:
    """The findings of a frame, one plain sentence for each lesion."""
    if not pairs:
        if mask is not None:
            return ("No lesion outlined by the reader.",)
        if machine is None:
            return ("Not analysed; no outline by a reader.",)
        if document.result is not None and not document.result.model.outlines:
            return (f"{NO_OUTLINE}; no outline by a reader.",)
        return (f"AI {'withheld its outline' if machine.abstained else 'outlined no lesion'}; no outline by a reader.",)
    found = []
    for pair in pairs[:MAX_LESIONS]:
        one = said.get(pair.number)
        place = place_words(document.findings.location_of(one)) if one is not None else ""
        told = description(one) if one is not None else ""
        kind = _kind(pair, has_reader=mask is not None)
        category = one.assessment if one is not None else None
        found.append(sentence(f"Lesion {pair.number}", place, told, words.axes(pair.shown), kind, category))
    if len(pairs) > MAX_LESIONS:
        found.append(f"And {words.plural(len(pairs) - MAX_LESIONS, 'more lesion')}, not listed.")
    return tuple(found)


def _kind(pair: Pair, *, has_reader: bool) -> str:
    """Whose outline it is, in words."""
    if not has_reader:
        return "outlined by AI, not accepted by a reader"
    if pair.reader is None:
        return "outlined by AI, removed by the reader"
    if pair.dice is None:
        return "drawn by the reader"
    return "AI outline edited by the reader" if pair.edited else "AI outline accepted by the reader"


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


def _figures(
    record: ImageRecord, index: int, machine: FrameResult | None, mask: Mask | None, pairs: Sequence[Pair]
) -> tuple[Figure, ...]:
    """Image with outlines, and the heatmap beside it; ``machine`` is None where nothing is offered."""
    image = to_uint8(record.frames[index], record.window)
    proposed = _outlines(machine.mask, pairs, ai=True, callipers=mask is None) if machine else ()
    drawn = _outlines(mask, pairs, ai=False, callipers=True) if mask is not None else ()
    numbers_edited = {pair.number for pair in pairs if pair.edited}
    beneath = tuple(o for o in proposed if mask is None or o.number in numbers_edited)
    spacing = _spacing(record, pairs)
    mm, aspect = (spacing[1], spacing[0] / spacing[1]) if spacing else (None, 1.0)
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
    rings = tuple(map(smooth, band.rings)) if band else ()
    first = Figure(image, (*beneath, *drawn), text, mm, band=rings, aspect=aspect)
    heatmap = machine.heatmap if machine else None
    if heatmap is not None:
        how = "" if heatmap.method == GRAD_CAM else f" by {heatmap.method}"
        other = "" if machine is None or heatmap.target == machine.prediction else " (not the most probable)"
        caption = f"Heatmap{how}, class {heatmap.target}{other}: where the model looked, not the cause."
        plain = tuple(Outline(o.number, o.paths, o.dashed) for o in proposed)
        return first, Figure(image, plain, caption, mm, heatmap.values, aspect=aspect)
    if not first.outlines:
        return (first,)
    return first, Figure(image, (), "The same image without marks.", mm, aspect=aspect)


def _outlines(mask: Mask, pairs: Sequence[Pair], *, ai: bool, callipers: bool) -> tuple[Outline, ...]:
    shown = [(p.number, lesion) for p in pairs if (lesion := p.ai if ai else p.reader) is not None]
    paths = outlines(mask, [lesion for _, lesion in shown])
    return tuple(
        Outline(number, path, ai, lesion if callipers and number <= MAX_LESIONS else None)
        for (number, lesion), path in zip(shown, paths, strict=True)
    )


def _spacing(record: ImageRecord, pairs: Sequence[Pair]) -> tuple[float, float] | None:
    """Spacing (down, across) in mm for scale bar and aspect: where the first lesion is, else in the middle of the image."""
    x, y = record.shape[1] / 2, record.shape[0] / 2
    lesion = pairs[0].shown if pairs else None
    if lesion is not None:
        x, y = lesion.bbox[0] + lesion.bbox[2] / 2, lesion.bbox[1] + lesion.bbox[3] / 2
    return record.spacing_at(x, y)


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
    if leading == "normal" and not machine.lesions:  # also of a model that gives no outline: it excludes no more
        headline = NO_LESION
    return Estimate(headline, leading, source, bars, _estimate_notes(machine, result.model, pairs, mask))


def _estimate_notes(
    machine: FrameResult, model: ModelInfo, pairs: Sequence[Pair], mask: Mask | None
) -> tuple[str, ...]:
    notes, point = [], model.point
    if point is not None:
        side = "at or above" if machine.above_operating_point else "below"
        notes.append(f"Malignant estimate {side} the operating point ({words.threshold(point)}, dashed tick).")
    if model.outlines and bool(machine.lesions) != (machine.prediction != "normal"):
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
