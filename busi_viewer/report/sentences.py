"""A reader's descriptors as one sentence for each lesion: the lexicon's words, joined; nothing is added to them."""

from __future__ import annotations

from busi_viewer.core.findings import LesionFindings, Location
from busi_viewer.core.lexicon import (
    ASSOCIATED,
    CALCIFICATIONS,
    ECHO,
    MARGIN,
    ORIENTATION,
    POSTERIOR,
    SHAPE,
    SPECIAL,
)

KINDS = ("indistinct", "angular", "microlobulated", "spiculated")


def place_words(location: Location) -> str:
    """``left breast, 2:00, 4 cm from the nipple, radial``; empty where nothing was said."""
    parts = (
        f"{location.side} breast" if location.side else "",
        location.position or "",
        f"{location.distance_mm / 10:g} cm from the nipple" if location.distance_mm is not None else "",
        f"{location.plane} plane" if location.plane else "",
    )
    return ", ".join(part for part in parts if part)


def description(lesion: LesionFindings) -> str:
    """``irregular shape, hypoechoic, not parallel, margin not circumscribed (angular)…``; empty where nothing was said."""
    parts = [
        *(f"{word} shape" for word in lesion.said(SHAPE)),
        *lesion.said(ECHO),
        *(f"{word} orientation" if word == "parallel" else word for word in lesion.said(ORIENTATION)),
        _margin(lesion.said(MARGIN)),
        *_posterior(lesion.said(POSTERIOR)),
        _calcifications(lesion.said(CALCIFICATIONS)),
        *("no associated features" if word == "none" else word for word in lesion.said(ASSOCIATED)),
        *(word for word in lesion.said(SPECIAL) if word != "none"),
    ]
    return ", ".join(part for part in parts if part)


def sentence(name: str, place: str, words: str, size: str, kind: str, category: str | None) -> str:
    """One sentence: ``Lesion 1, left breast, 2:00: irregular shape, …; 20.1 × 15.0 mm, outlined by …. Category 4C.`` ."""
    head = ", ".join(part for part in (name, place) if part)
    body = "; ".join(part for part in (words, ", ".join(part for part in (size, kind) if part)) if part)
    return f"{head}: {body or 'not described'}." + (f" Category {category}." if category else "")


def _margin(words: tuple[str, ...]) -> str:
    kinds = [word for word in words if word in KINDS]
    if kinds:
        return f"margin not circumscribed ({', '.join(kinds)})"
    if "not circumscribed" in words:
        return "margin not circumscribed"
    return "circumscribed margin" if words else ""


def _posterior(words: tuple[str, ...]) -> list[str]:
    said = {"none": "no posterior features", "combined pattern": "combined posterior pattern"}
    return [said.get(word, f"posterior {word}") for word in words]


def _calcifications(words: tuple[str, ...]) -> str:
    if words == ("none",):
        return "no calcifications"
    return f"calcifications {' and '.join(words)}" if words else ""
