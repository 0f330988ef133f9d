"""What the reader said, as the report says it: in words, with what was left unsaid as None."""

from __future__ import annotations

from dataclasses import dataclass

from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, LesionFindings, Location, assigned
from busi_viewer.core.findings_notices import notices
from busi_viewer.core.lexicon import EDITIONS, LEXICON


@dataclass(frozen=True)
class LesionPart:
    """One lesion: ``name`` as the figures number it, else by its key; ``words`` are (descriptor's title, what was said)."""

    key: int
    frame: int
    name: str
    location: str
    words: tuple[tuple[str, str], ...]
    assessment: str | None


@dataclass(frozen=True)
class FindingsPart:
    """The reader's findings. ``assessment`` is the image's category (the gravest lesion's where only those have one)."""

    lexicon: str
    composition: str | None
    location: Location
    place: str
    lesions: tuple[LesionPart, ...]
    assessment: str | None
    assessment_words: str
    management: str | None
    history: str
    comparison: str
    technique: str
    impression: str
    notices: tuple[str, ...]


def findings_part(document: Document) -> FindingsPart | None:
    """What was said of a document, or None where the reader said nothing."""
    findings = document.findings
    if not document.described:
        return None
    category = findings.category
    names = _names(document)
    return FindingsPart(
        lexicon=LEXICON,
        composition=findings.composition,
        location=findings.location,
        place=place_words(findings.location),
        lesions=tuple(_lesion(findings, lesion, names[lesion.key]) for lesion in findings.lesions),
        assessment=category,
        assessment_words=category_words(findings, category) if category else "",
        management=findings.management,
        history=findings.history,
        comparison=findings.comparison,
        technique=findings.technique,
        impression=findings.impression,
        notices=tuple(n.text for n in notices(findings, document.result, document.record.facts, names)),
    )


def place_words(location: Location) -> str:
    """``left breast, 2:00, 4 cm from the nipple, radial``; empty where nothing was said."""
    parts = (
        f"{location.side} breast" if location.side else "",
        location.position or "",
        f"{location.distance_mm / 10:g} cm from the nipple" if location.distance_mm is not None else "",
        location.plane or "",
    )
    return ", ".join(part for part in parts if part)


def category_words(findings: Findings, category: str) -> str:
    """``high suspicion, > 50 to < 95 %``: the category's words and the range that the edition names."""
    edition = EDITIONS[findings.lexicon]
    likelihood = edition.likelihoods.get(category)
    return edition.assessments[category] + (f", {likelihood}" if likelihood else "")


def _names(document: Document) -> dict[int, str]:
    """What each described lesion is called: by its outline's number in its frame; by its key where it has none."""
    findings, many = document.findings, len(document.record.frames) > 1
    names = {lesion.key: f"Finding {lesion.key}" for lesion in findings.lesions}
    for frame in {lesion.frame for lesion in findings.lesions}:
        mine, _ = assigned(findings, frame, document.lesions(frame))
        of = f", frame {frame + 1}" if many else ""
        names |= {one.key: f"Lesion {number}{of}" for number, one in enumerate(mine, 1) if one is not None}
    return names


def _lesion(findings: Findings, lesion: LesionFindings, name: str) -> LesionPart:
    said = tuple(
        (descriptor.title, ", ".join(lesion.said(descriptor.name)))
        for descriptor in findings.edition.lesion
        if lesion.said(descriptor.name)
    )
    place = place_words(findings.location_of(lesion))
    return LesionPart(lesion.key, lesion.frame, name, place, said, lesion.assessment)
