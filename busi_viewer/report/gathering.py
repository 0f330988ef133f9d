"""From a Document to what its report says: frames, the reader's words, signature, and the model's own figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer import __version__
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, LesionFindings, assigned
from busi_viewer.core.findings_notices import notices
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.lexicon import EDITIONS
from busi_viewer.core.operating import curve_of
from busi_viewer.core.reporting import FULL, UNKNOWN, Trail
from busi_viewer.core.results import AnalysisResult
from busi_viewer.report import words
from busi_viewer.report.content import (
    Clock,
    ClockMark,
    Fact,
    ReportContent,
    Signed,
    Statement,
    Texts,
    Verdict,
)
from busi_viewer.report.frame_parts import Sources, frame_part, lesion_pairs
from busi_viewer.report.lesion_rows import Describe
from busi_viewer.report.selection import select
from busi_viewer.report.sentences import description, place_words, sentence

CardOf = Callable[[str], Mapping[str, Any] | None]
"""The card (JSON) of the model with these weights (SHA-256), or None."""

NBSP = "\u00a0"


@dataclass(frozen=True)
class Letter:
    """Whose paper: name, address, and the logo as RGB pixels or None."""

    facility: str = "busi_viewer"
    address: str = ""
    logo: NDArray[np.uint8] | None = None


def build_content(
    document: Document,
    *,
    when: datetime,
    letter: Letter | None = None,
    describe: Describe | None = None,
    card_of: CardOf = lambda _sha256: None,
    trail: Trail = UNKNOWN,
    template: str = FULL,
) -> ReportContent:
    """Gather what the report of ``document`` says; ``describe`` proposes descriptors.

    Raises UnreadableImage if a frame cannot be decoded.
    """
    letter = letter or Letter()
    record, result, findings = document.record, document.result, document.findings
    chosen, selection = select(document)
    sources = Sources(document, trail, describe, when)
    names = _names(document)
    shown = {one.key for one in findings.lesions if names[one.key].startswith("Lesion") and one.frame in chosen}
    unseen = [one for one in findings.lesions if one.key not in shown]
    return ReportContent(
        facility=letter.facility,
        address=letter.address,
        logo=letter.logo,
        accession=words.fact(record.facts, "accession") or findings.identity.accession.strip() or None,
        patient=_patient(record, findings),
        image_name=record.path.name,
        texts=_texts(record, findings),
        selection=selection,
        frames=tuple(frame_part(sources, index) for index in chosen),
        leading=_leading(document, chosen),
        unseen=tuple(
            sentence(names[one.key], place_words(findings.location_of(one)), description(one), "", "", one.assessment)
            for one in unseen
        ),
        clock=_clock(findings, names),
        verdict=_verdict(findings, names),
        signed=_signed(trail, when),
        notices=_notices(document, names),
        lexicon=findings.edition.title if document.described else "",
        statement=_statement(result, card_of),
        software=f"busi_viewer {__version__}",
        template=template,
        when=when,
    )


def _patient(record: ImageRecord, findings: Findings) -> tuple[Fact, ...]:
    """Two identifiers, date of birth and examination: the file's, else what the reader typed."""
    facts = []
    for label, name in (
        ("Patient", "patient"),
        ("Patient ID", "patient_id"),
        ("Date of birth", "birth"),
        ("Examination", "examination"),
    ):
        typed = getattr(findings.identity, name).strip()
        facts.append(Fact(label, words.fact(record.facts, name) or typed or None))
    person, number, birth, examination = facts
    age = words.age(birth.value or "", examination.value or "")
    return (
        person,
        number,
        Fact(birth.label, f"{birth.value} ({age} y)" if age is not None else birth.value),
        examination,
    )


def _texts(record: ImageRecord, findings: Findings) -> Texts:
    height, width = record.shape
    kind = {"jpeg": "JPEG", "dicom": "DICOM"}.get(record.kind, record.kind.upper())
    frames = f", {len(record.frames)} frames" if len(record.frames) > 1 else ""
    side = words.fact(record.facts, "side")
    parts = (
        f"Image {record.path.name}, {width} × {height} px, {kind}{frames}.",
        f"{words.spacing(record)}.",
        f"Side {side}, as the file states." if side else "",
    )
    return Texts(
        history=findings.history.strip() or None,
        technique=findings.technique.strip() or None,
        acquired=" ".join(part for part in parts if part),
        composition=findings.composition,
        comparison=findings.comparison.strip() or None,
        impression=findings.impression.strip() or None,
    )


def _names(document: Document) -> dict[int, str]:
    """What each described lesion is called: by its outline's number in its frame; by its key where it has none."""
    findings, many = document.findings, len(document.record.frames) > 1
    names = {lesion.key: f"Finding {lesion.key}, no outline" for lesion in findings.lesions}
    for frame in {lesion.frame for lesion in findings.lesions}:
        of = f", frame {frame + 1}" if many else ""
        mine, _ = assigned(findings, frame, document.lesions(frame))
        names |= {one.key: f"Lesion {number}{of}" for number, one in enumerate(mine, 1) if one is not None}
    return names


def _clock(findings: Findings, names: Mapping[int, str]) -> Clock | None:
    """The lesions that have a position, else that of the image; one described on several frames stands there once."""
    marks = [_mark(findings, one, names[one.key]) for one in findings.lesions]
    here = findings.location
    if not marks and here.position is not None:
        marks = [ClockMark("", "Image", here.position, here.distance_mm)]
    once: dict[tuple[str, str, float | None], ClockMark] = {}
    for mark in marks:
        called = mark.number if ":" in mark.position else mark.name  # what stands on the face, or below it
        once.setdefault((called, mark.position, mark.distance_mm), mark)
    placed = tuple(mark for mark in once.values() if mark.position)
    return Clock(here.side, placed) if placed else None


def _mark(findings: Findings, one: LesionFindings, name: str) -> ClockMark:
    place = findings.location_of(one)
    number = name.split(",")[0].split()[-1]
    return ClockMark(number, name, place.position or "", place.distance_mm)


def _verdict(findings: Findings, names: Mapping[int, str]) -> Verdict:
    category = findings.category
    edition = EDITIONS[findings.lexicon]
    said = ""
    if category is not None:
        likelihood = edition.likelihoods.get(category)
        said = edition.assessments[category] + (f", likelihood {likelihood.replace(' ', NBSP)}" if likelihood else "")
    lesions = tuple((names[one.key], one.assessment) for one in findings.lesions if one.assessment is not None)
    return Verdict(category, said[:1].upper() + said[1:], lesions, findings.management)


def _signed(trail: Trail, when: datetime) -> Signed | None:
    found = trail.signature
    if found is None:
        return None
    at = words.local(found.at, when)
    return Signed(found.signer, found.account, at, found.version, found.reason, found.current)


def _notices(document: Document, names: Mapping[int, str]) -> tuple[str, ...]:
    record, result = document.record, document.result
    stated = (
        ["Sizes in mm rest on a calibration by the reader, not on the file."] if record.calibrated_by_reader else []
    )
    remarks = notices(document.findings, result, record.facts, names) if document.described else ()
    found = (*(n.text for n in remarks), *record.warnings, *(result.warnings if result else ()), *stated)
    return tuple(dict.fromkeys(found))


def _statement(result: AnalysisResult | None, card_of: CardOf) -> Statement:
    if result is None:
        return Statement("", "", "", "", (), ())
    model = result.model
    card = card_of(model.sha256) or {}
    curve = curve_of(card)
    point = ""
    if model.point is not None:
        whose = "the model's own" if model.chosen_point is None else "chosen by the reader"
        measured = curve.at(model.point) if curve is not None else None
        held = f"{measured}, on the {curve.basis}" if curve is not None and measured is not None else model.chosen_basis
        point = f"Operating point {words.percent(model.point)}, {whose}"
        point += f": {held}." if held else "."
    told = [model.point_note] if model.point_note and not point.count(":") else []
    limits = card.get("limits", ())
    return Statement(
        f"{model.name} {model.version}",
        model.sha256,
        result.device,
        point,
        (*model.notes, *told),
        tuple(limit for limit in limits if isinstance(limit, str)) if isinstance(limits, list | tuple) else (),
    )


def _leading(document: Document, chosen: tuple[int, ...]) -> int:
    """Which of the chosen frames a short report shows: that of the gravest category, of findings, of the largest outline."""
    findings = document.findings
    order = findings.edition.gravity

    def rank(frame: int) -> tuple[int, int, int]:
        here = [one for one in findings.lesions if one.frame == frame]
        gravest = max((order.index(one.assessment) for one in here if one.assessment is not None), default=-1)
        largest = max((pair.shown.area_px for pair in lesion_pairs(document, frame)), default=0)
        return gravest, len(here), largest

    return max(range(len(chosen)), key=lambda i: (rank(chosen[i]), -i))
