"""The page of an audit: counts, what was found, and each finding with its thumbnails side by side, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from busi_viewer.report import page
from busi_viewer.report.page import Markup

CARDS = 24
"""So many findings of a kind stand open; the others are folded away."""
NOTE_CARDS = 12
"""The same for kinds that are only notes."""
MOST = 500
"""So many of a kind have their thumbnails on the page in all; those left out are counted."""
ABREAST = 6
"""So many images of one finding are shown."""
_WORDS = {"error": "error", "warn": "to check", "note": "to know"}
_CLASSES = ("normal", "benign", "malignant")

Finding = Mapping[str, Any]


def audit_page(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The whole file as text. ``result`` is the audit's JSON (see ``workflow.audit``), ``pictures`` JPEGs by image id."""
    labels = _labels(result)
    parts: list[page.Part] = [_tiles(result), _overview(result), _sets(result)]
    if result["split"] is not None:
        parts.append(_split(result["split"]))
    for kind in result["summary"]:
        found = [finding for finding in result["findings"] if finding["kind"] == kind["kind"]]
        if found:
            parts.append(_kind(kind, found, labels, pictures))
    names = ", ".join(counts["name"] for counts in result["sets"])
    foot = "Outlines are the masks that come with the images. Findings are hints: look before you change a set."
    return page.page("Audit of data sets", parts, subtitle=names, foot=foot)


def _labels(result: Mapping[str, Any]) -> dict[str, str | None]:
    """Labels of the images in groups, the only ones that the findings state."""
    return {id_: label for group in result["groups"] for id_, label in zip(group["ids"], group["labels"], strict=True)}


def _tiles(result: Mapping[str, Any]) -> Markup:
    by_kind = {kind["kind"]: kind for kind in result["summary"]}

    def total(severity: str) -> int:
        return sum(kind["findings"] for kind in result["summary"] if kind["severity"] == severity)

    tiles: list[tuple[page.Cell, str] | tuple[page.Cell, str, str]] = [
        (result["n"], "images"),
        (total("error"), "errors", "error") if total("error") else (0, "errors"),
        (total("warn"), "to check", "warn") if total("warn") else (0, "to check"),
        (len(result["groups"]), "groups of one scene"),
        (sum(len(group["ids"]) for group in result["groups"]), "images in such groups"),
    ]
    if "leak_duplicates" in by_kind:
        leaks = by_kind["leak_duplicates"]["findings"] + by_kind["leak_patient"]["findings"]
        tiles.append((leaks, "leaks between parts", "error") if leaks else (0, "leaks between parts"))
    return page.tiles(tiles)


def _overview(result: Mapping[str, Any]) -> Markup:
    rows = []
    for kind in result["summary"]:
        found = kind["findings"]
        title: page.Part = page.link(kind["title"]) if found else kind["title"]
        mark: page.Part = page.badge(_WORDS[kind["severity"]], kind["severity"]) if found else "none found"
        rows.append((title, mark, found, kind["images"], kind["do"] if found else ""))
    head = ("looked for", "", "findings", "images", "what to do")
    return page.section("What was found", page.table(head, rows, numeric=(2, 3)))


def _sets(result: Mapping[str, Any]) -> Markup:
    rows = []
    for counts in result["sets"]:
        each = counts["images_per_patient"]
        spread = None if each is None else f"{each['min']}–{each['max']}, median {each['median']:g}"
        classes = [counts["by_class"][name] for name in (*_CLASSES, "no label")]
        rows.append(
            (
                counts["name"],
                counts["images"],
                *classes,
                counts["with_mask"],
                counts["patients"],
                spread,
                counts["unreadable"],
            )
        )
    head = (
        "set",
        "images",
        *map(page.class_name, _CLASSES),
        "no label",
        "with mask",
        "patients",
        "a patient",
        "unreadable",
    )
    note = "A dash stands where the set does not tell who the patients are."
    return page.section("Data sets", page.table(head, rows, numeric=range(1, 10), note=note))


def _split(split: Mapping[str, Any]) -> Markup:
    rows = [
        (name, part["images"], *(part["by_class"][label] for label in _CLASSES), part["patients"])
        for name, part in split["parts"].items()
    ]
    head = ("part", "images", *map(page.class_name, _CLASSES), "patients")
    return page.section("Parts of the split", page.table(head, rows, numeric=range(1, 6)), note=split["name"])


def _kind(
    kind: Mapping[str, Any],
    found: Sequence[Finding],
    labels: Mapping[str, str | None],
    pictures: Mapping[str, bytes],
) -> Markup:
    limit = NOTE_CARDS if kind["severity"] == "note" else CARDS
    cards = [_card(finding, labels, pictures) for finding in found[:MOST]]
    gallery = page.gallery(cards[:limit], cards[limit:], left_out=len(found) - len(cards))
    return page.section(kind["title"], gallery, note=f"{len(found):,} found. {kind['do']}")


def _card(finding: Finding, labels: Mapping[str, str | None], pictures: Mapping[str, bytes]) -> Markup:
    ids, parts = finding["ids"], finding["numbers"].get("parts")
    figures = []
    lines: list[page.Part] = []
    if pictures.keys() & set(ids):
        for number, id_ in enumerate(ids[:ABREAST]):
            part = parts[number] if isinstance(parts, list) else None
            figures.append(_figure(id_, labels, part, pictures))
    else:
        lines += [page.code(name) for name in (ids or finding["files"])[:ABREAST]]
    if len(ids) > ABREAST:
        lines.append(f"and {len(ids) - ABREAST} more")
    return page.card(figures, finding["what"], lines)


def _figure(id_: str, labels: Mapping[str, str | None], part: str | None, pictures: Mapping[str, bytes]) -> Markup:
    words: list[page.Part] = [page.code(id_)]
    if id_ in labels:
        words.append(page.class_name(labels[id_]))
    if part is not None:
        words.append(f"in {part}")
    caption = page.join(words, " · ")
    return page.picture(pictures[id_], caption, alternative=id_) if id_ in pictures else page.missing_picture(caption)
