"""What the readable form of a model's card says, whatever it is written in: sections of paragraphs, facts, tables and plots.

The card comes as plain JSON and may have grown: missing fields are left out, unknown ones are shown under their own names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from busi_viewer.report import descriptor_content as descriptors
from busi_viewer.report import study_parts as parts
from busi_viewer.report.plots import operating_curve, reliability


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str


@dataclass(frozen=True)
class Points:
    """A list of points."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table of words under a caption."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Plot:
    """A drawing (made when asked for: SVG text), its caption, and the table that stands for it where nothing can be drawn."""

    draw: Callable[[], str]
    caption: str
    table: Table


Block = Text | Points | Facts | Table | Plot


@dataclass(frozen=True)
class Section:
    """A titled part of the card."""

    title: str
    blocks: tuple[Block, ...]


STANDING = (
    "Research use only. Not a medical device; never a diagnosis, a BI-RADS category or a recommendation.",
    "An image called normal reads: No lesion outlined on this image; does not exclude cancer.",
    "The training data hold far more cancers than a clinic sees: probabilities do not carry over to a screening population.",
    "Where an image is unlike the training data, or no class is likely enough, no estimate is given.",
)
"""Limits that hold for every model of this application."""

_PARTS = {"val": "validation part", "test": "test part", "external": "external data"}
_PART_NOTES = {
    "val": "Calibration, thresholds and the choice of the epoch were made on these images: the figures flatter.",
    "test": "Held out from training and calibration; where a choice was made with them in view, the limits say so.",
    "external": "Of other hospitals; never trained on.",
}
_KNOWN = frozenset(
    (
        *(
            "schema",
            "name",
            "version",
            "architecture",
            "input",
            "classes",
            "sha256",
            "licence",
            "intended_use",
            "limits",
        ),
        *("mask_threshold", "min_lesion_share", "no_outline_above", "outline_sure_from", "operating_point"),
        *("abstain_below", "calibration", "guard", "training", "metrics", "data"),
    )
)
"""Fields that have their place; any other gets a section of its own."""
_WEIGHTS = ("name", "version", "lexicon", "sha256", "licence", "architecture", "input", "classes", "schema")
_LONG = 12
"""Lists of more numbers than this are counted, not shown."""


def sections(card: Mapping[str, Any]) -> list[Section]:
    """The card in the order of reading. Sections with nothing to say are left out."""
    made = _of_descriptors(card) if card.get("kind") == "descriptors" else _of_model(card)
    return [section for section in made if section.blocks]


def _of_descriptors(card: Mapping[str, Any]) -> list[Section]:
    data, stated = card.get("data") or {}, Text(str(card.get("intended_use", "")))
    figures = Table(descriptors.HEAD, descriptors.rows(card), descriptors.CAPTION)
    return [
        Section("Intended use and limits", (stated, *generic(card.get("limits")))),
        Section("Data", (*generic(_without(data, ("sources",))), *generic(data.get("sources")))),
        Section("Figures: cross-validation", (figures,)),
        Section("Training", generic(card.get("protocol"))),
        Section("Model and weights", generic({key: card[key] for key in _WEIGHTS if key in card})),
    ]


def _of_model(card: Mapping[str, Any]) -> list[Section]:
    return [
        Section("Intended use and limits", _use(card)),
        Section("Data", _data(card)),
        *_metrics(card),
        Section("Calibration", _calibration(card)),
        Section("Operating point and thresholds", _thresholds(card)),
        Section("Input guard", generic(card.get("guard"))),
        *(Section(words(key).capitalize(), generic(value)) for key, value in card.items() if key not in _KNOWN),
        Section("Training", generic(_without(card.get("training"), ("train", "validation")))),
        Section("Model and weights", generic({key: card[key] for key in _WEIGHTS if key in card})),
    ]


def words(key: str) -> str:
    """A field's name for reading."""
    return key.replace("_", " ")


def _use(card: Mapping[str, Any]) -> tuple[Block, ...]:
    limits = card.get("limits")
    own: tuple[str, ...] = (limits,) if isinstance(limits, str) else ()
    if isinstance(limits, list) and _is_words(limits):
        own = tuple(limits)
    rest = () if own else generic(limits)
    stated = [Text(str(card["intended_use"]))] if card.get("intended_use") else []
    return (*stated, Points((*own, *STANDING)), *rest)


def _is_words(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, str) for item in value)


def _data(card: Mapping[str, Any]) -> tuple[Block, ...]:
    training = card.get("training") or {}
    counts = [
        ("trained on" if part == "train" else part, name, by_class)
        for part in ("train", "validation")
        for name, by_class in (training.get(part) or {}).items()
        if isinstance(by_class, Mapping)
    ]
    rows = tuple(
        (part, name, *(f"{by_class.get(c, 0):,}" for c in parts.CLASSES), f"{sum(by_class.values()):,}")
        for part, name, by_class in counts
    )
    blocks: list[Block] = []
    if rows:
        blocks.append(
            Table(("part", "data set", *parts.CLASSES, "images"), rows, "Images by part, data set and class.")
        )
    blocks += generic(card.get("data"))
    prevalence = (card.get("calibration") or {}).get("prevalence")
    if prevalence:
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in prevalence.items())
        blocks.append(Text(f"Shares of the classes in the calibration data: {shares}."))
    return tuple(blocks)


def _metrics(card: Mapping[str, Any]) -> list[Section]:
    made = []
    for part, sets in (card.get("metrics") or {}).items():
        if not isinstance(sets, Mapping) or not all(_is_short(short) for short in sets.values()):
            made.append(Section(f"Figures: {words(part)}", generic(sets)))
            continue
        head, rows = parts.figures_by_set(sets)
        counts = ("images by class", *(parts.classes_of(short.get("by_class", {})) for short in sets.values()))
        note = parts.CI_NOTE if not made else ""
        table = Table(tuple(head), (counts, *(tuple(row) for row in rows)), note)
        said = [Text(_PART_NOTES[part])] if part in _PART_NOTES else []
        made.append(Section(f"Figures: {_part(part)}", (*said, table)))
    return made


def _part(name: str) -> str:
    return _PARTS.get(name, words(name))


def _is_short(value: Any) -> bool:
    return isinstance(value, Mapping) and "n" in value


def _whole(sets: Any, key: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Of a part's figures those to draw: of all sets together where they are there, else each set's."""
    if not isinstance(sets, Mapping):
        return []
    found = {name: short for name, short in sets.items() if isinstance(short, Mapping) and short.get(key)}
    return [("all data sets", found["all"])] if "all" in found else list(found.items())


def _calibration(card: Mapping[str, Any]) -> tuple[Block, ...]:
    blocks = list(generic(_without(card.get("calibration"), ("prevalence",))))
    for part, sets in (card.get("metrics") or {}).items():
        for name, short in _whole(sets, "reliability"):
            blocks += _reliability(short["reliability"], f"{_part(part).capitalize()}, {name}")
    return tuple(blocks)


def _reliability(bins: Mapping[str, Any], where: str) -> list[Block]:
    made: list[Block] = []
    for key, stated, observed, title in (
        ("malignant", "stated malignant estimate", "share that was malignant", "Malignant estimate"),
        ("top_class", "stated estimate of the leading class", "share that was right", "Leading class"),
    ):
        rows = bins.get(key)
        if rows:
            head, body = parts.bins_table(rows)
            caption = f"{title}: stated and observed, 95 % intervals. {where}, n {sum(row[2] for row in rows):,}."
            table = Table(tuple(head), tuple(tuple(row) for row in body), caption)
            made.append(Plot(_drawing(reliability, rows, stated, observed), caption, table))
    return made


def _drawing(draw: Callable[..., str], *arguments: Any) -> Callable[[], str]:
    return lambda: draw(*arguments)


def _thresholds(card: Mapping[str, Any]) -> tuple[Block, ...]:
    meanings = {
        "operating_point": "malignant is marked from an estimate of",
        "abstain_below": "no estimate is given where no class reaches",
        "mask_threshold": "pixels are outlined from a probability of",
        "no_outline_above": "nothing is outlined where normal reaches",
        "outline_sure_from": "but it is all the same where a pixel of it reaches",
        "min_lesion_share": "smallest outline, share of the image's area",
    }
    rows = tuple((text, share(card[key])) for key, text in meanings.items() if card.get(key) is not None)
    blocks: list[Block] = [Facts(rows)] if rows else []
    for part, sets in (card.get("metrics") or {}).items():
        for name, short in _whole(sets, "operating_curve"):
            curve, point = short["operating_curve"], card.get("operating_point")
            head, body = parts.operating_table(curve, point)
            where = f"{_part(part).capitalize()}, {name}"
            caption = f"Sensitivity and specificity for malignant by threshold, 95 % intervals. {where}."
            table = Table(tuple(head), tuple(tuple(row) for row in body), caption)
            blocks.append(Plot(_drawing(operating_curve, curve, point), caption, table))
    return tuple(blocks)


def _without(value: Any, names: Sequence[str]) -> Any:
    return {k: v for k, v in value.items() if k not in names} if isinstance(value, Mapping) else value


def share(value: Any) -> str:
    """A probability or share in per cent."""
    return f"{100 * value:.3g} %" if isinstance(value, int | float) else str(value)


def generic(value: Any) -> tuple[Block, ...]:
    """Blocks for any JSON: scalars as facts, like objects as a table, lists of words as points."""
    if value is None or value in ({}, [], ""):
        return ()
    if isinstance(value, str):
        return (Text(value),)
    if _is_words(value):
        return (Points(tuple(value)),)
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value):
        return (_table("", [("", item) for item in value]),)
    return (Text(scalar(value)),)


def _of_mapping(value: Mapping[str, Any]) -> tuple[Block, ...]:
    if len(value) > 1 and all(_is_object(item) for item in value.values()):
        return (_table(" ", [(words(str(key)), item) for key, item in value.items()]),)
    facts: list[tuple[str, str]] = []
    blocks: list[Block] = []
    for key, item in value.items():
        if str(key).endswith("_ci95") and str(key)[:-5] in value:
            continue
        if f"{key}_ci95" in value:
            facts.append((words(str(key)), parts.with_interval(value, str(key), 3)))
        elif _is_object(item) and not any(_is_object(inner) or _holds_objects(inner) for inner in item.values()):
            facts += [(f"{words(str(key))}: {words(str(name))}", scalar(inner)) for name, inner in item.items()]
        elif _is_object(item) or _holds_objects(item):
            blocks += [Text(f"{words(str(key)).capitalize()}:"), *generic(item)]
        else:
            facts.append((words(str(key)), scalar(item)))
    return (*([Facts(tuple(facts))] if facts else []), *blocks)


def _is_figure(value: Any) -> bool:
    return isinstance(value, Mapping) and "ci95" in value and ("value" in value or "mean" in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and not _is_figure(value)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value)


def _table(first: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """One row an object, one column a field of any of them."""
    fields = list(dict.fromkeys(str(key) for _, item in rows for key in item))
    fields = [key for key in fields if not (key.endswith("_ci95") and key[:-5] in fields)]
    body = []
    for name, item in rows:
        cells = [
            parts.with_interval(item, key, 3) if f"{key}_ci95" in item else scalar(item.get(key)) for key in fields
        ]
        body.append((*([name] if first else []), *cells))
    return Table((*([first] if first else []), *(words(key) for key in fields)), tuple(body))


def scalar(value: Any) -> str:
    """A value on one line: figures with their interval, long lists counted, objects as ``name value``."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if _is_figure(value):
        return parts.with_interval({"figure": value}, "figure", 3)
    if isinstance(value, Mapping):
        return ", ".join(f"{words(str(key))} {scalar(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        if len(value) > _LONG:
            return f"{len(value)} values"
        return ", ".join(scalar(item) for item in value) or "none"
    return str(value)
