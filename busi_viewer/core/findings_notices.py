"""What a second reader would remark on findings: contradictions and gaps, as notices that never block anything.

Nothing here judges which category is right: it compares what the reader said in one place with what was said in another,
with the model's estimate, and with the file's header.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from busi_viewer.core.findings import Findings, LesionFindings, stated_side
from busi_viewer.core.lexicon import ECHO, EXPLAINED_BY, MARGIN, ORIENTATION, SPECIAL, SUSPICIOUS
from busi_viewer.core.results import AnalysisResult

LOW, HIGH = ("1", "2", "3"), ("4C", "5")
BENIGN = ("1", "2")
SUSPECTED = ("4", "4A", "4B", "4C", "5")


@dataclass(frozen=True)
class Notice:
    """One remark. ``lesion`` is the key of the lesion it is about, None = the image; ``gap``: something is missing only."""

    text: str
    lesion: int | None = None
    gap: bool = False


def notices(
    findings: Findings,
    result: AnalysisResult | None,
    facts: Mapping[str, str],
    names: Mapping[int, str] | None = None,
    gone: Sequence[int] = (),
) -> tuple[Notice, ...]:
    """Everything remarkable, contradictions first.

    ``result`` is the analysis whose frames say whether the estimate reaches the operating point in force; ``facts`` are the
    record's; ``names`` is what the lesions are called on screen, by key; ``gone`` the keys of those without an outline.
    """
    found: list[Notice] = []
    called = {lesion.key: f"Lesion {lesion.key}" for lesion in findings.lesions} | dict(names or {})
    for lesion in findings.lesions:
        name = called[lesion.key]
        found += [Notice(f"{name}: {text}.", lesion.key) for text in _of_lesion(lesion)]
        found += [Notice(f"{name}: {text}.", lesion.key, True) for text in _gaps(lesion, lesion.key in gone)]
    found += [Notice(f"{text}.") for text in _of_image(findings, facts, called)]
    found += against_the_estimate(findings, result, called)
    if findings.assessment == "4":
        found.append(Notice("Category 4 without its subcategory (4A, 4B or 4C).", gap=True))
    return tuple(sorted(found, key=lambda notice: notice.gap))


def _of_lesion(lesion: LesionFindings) -> Iterator[str]:
    category = lesion.assessment
    telling = [word for name, words in SUSPICIOUS.items() for word in lesion.said(name) if word in words]
    special = lesion.said(SPECIAL)
    if category == "3" and "not parallel" in lesion.said(ORIENTATION):
        telling.append("not parallel")
    if category in LOW and telling and not set(special) & set(EXPLAINED_BY):
        yield f"{', '.join(telling)} with category {category}"
    if category == "1":
        yield "a lesion is described with category 1"
    if "simple cyst" in special:
        echo = lesion.said(ECHO)
        if echo and echo != ("anechoic",):
            yield f"simple cyst with echo pattern {echo[0]}"
        if category in SUSPECTED:
            yield f"simple cyst with category {category}"
    if category in HIGH and _harmless(lesion):
        yield f"oval or round, parallel and circumscribed with category {category}"


def _harmless(lesion: LesionFindings) -> bool:
    shape = lesion.said("shape")
    calm = lesion.said(ORIENTATION) == ("parallel",) and lesion.said(MARGIN) == ("circumscribed",)
    telling = any(word in words for name, words in SUSPICIOUS.items() for word in lesion.said(name))
    return shape in (("oval",), ("round",)) and calm and not telling


def _gaps(lesion: LesionFindings, gone: bool) -> Iterator[str]:
    if lesion.assessment == "4":
        yield "category 4 without its subcategory (4A, 4B or 4C)"
    if lesion.said(MARGIN) == ("not circumscribed",):
        yield "margin not circumscribed, its kind not said"
    if gone:
        yield "described, but no longer outlined"


def _of_image(findings: Findings, facts: Mapping[str, str], called: Mapping[int, str]) -> Iterator[str]:
    stated, said = stated_side(facts), findings.location.side
    if stated is not None and said is not None and stated != said:
        yield f"Side {said}, but the file's header says {stated}"
    category, management = findings.category, findings.management
    order = findings.edition.gravity
    for lesion in findings.lesions:
        given, own = findings.assessment, lesion.assessment
        if given is not None and own is not None and order.index(given) < order.index(own):
            yield f"Category {given} for the image, but {own} for {called[lesion.key].lower()}"
    if category in BENIGN and management in ("tissue sampling", "surgical excision"):
        yield f"{management.capitalize()} with category {category}"
    if category in SUSPECTED and management in ("routine screening", "short-interval follow-up"):
        yield f"{management.capitalize()} with category {category}"


def against_the_estimate(
    findings: Findings, result: AnalysisResult | None, names: Mapping[int, str] | None = None
) -> list[Notice]:
    """The estimate is the frame's: a lesion is compared with that of its frame, the image with that of all its frames.

    Where there are several lesions, a remark begins with the name of its own (``names``, by key). What is remarked of a
    lesion is not said again of the image.
    """
    if result is None or result.model.point is None:
        return []
    said = [f for f in result.frames if not f.abstained and f.classified]
    point = f"the operating point of {100 * result.model.point:.0f} %"
    found: list[Notice] = []
    told: set[str] = set()
    for lesion in findings.lesions:
        here = [f.above_operating_point for f in said if f.index == lesion.frame]
        name = (names or {}).get(lesion.key, f"Lesion {lesion.key}")
        start = f"{name}: the" if len(findings.lesions) > 1 else "The"
        remarks = list(_disagreement(lesion.assessment, here, point))
        found += [Notice(f"{start} {text}", lesion.key) for text in remarks]
        told.update(remarks)
    if findings.assessment is not None:
        above = [f.above_operating_point for f in said]
        found += [
            Notice(f"The {text}") for text in _disagreement(findings.assessment, above, point) if text not in told
        ]
    return found


def _disagreement(category: str | None, above: Sequence[bool], point: str) -> Iterator[str]:
    if category in LOW and any(above):
        yield f"malignant estimate is above {point}, with category {category}."
    if category in SUSPECTED and above and not any(above):
        yield f"malignant estimate is below {point}, with category {category}."
