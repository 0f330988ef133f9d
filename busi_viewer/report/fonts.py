"""The report's fonts, embedded as TrueType, and text made safe for them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from busi_viewer.paths import resource

REGULAR = "Inter-Regular"
MEDIUM = "Inter-Medium"
BOLD = "Inter-SemiBold"
MONO = "JetBrainsMono-Regular"
MISSING = "□"


@lru_cache(maxsize=1)
def register() -> None:
    """Make the bundled fonts known to reportlab, once. Raises reportlab's TTFError if they are missing."""
    for name in (REGULAR, MEDIUM, BOLD, MONO):
        pdfmetrics.registerFont(TTFont(name, str(resource("fonts", f"{name}.ttf"))))


@lru_cache(maxsize=4)
def _known(font: str) -> frozenset[int]:
    register()
    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)


def printable(text: str, font: str = REGULAR) -> str:
    """The text on one line, composed (NFC), with a replacement mark for each character that the font lacks."""
    known = _known(font)
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    visible = (c for c in composed if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return "".join(c if ord(c) in known else MISSING for c in visible)


def width(text: str, font: str, size: float) -> float:
    """Width in points of printable text."""
    register()
    return float(pdfmetrics.stringWidth(text, font, size))


def shorten(text: str, room: float, font: str = REGULAR, size: float = 8.5) -> str:
    """Printable text cut in the middle until it is at most ``room`` points wide."""
    text = printable(text, font)
    if width(text, font, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        keep = (low + high + 1) // 2
        if width(_cut(text, keep), font, size) <= room:
            low = keep
        else:
            high = keep - 1
    return _cut(text, low)


def _cut(text: str, keep: int) -> str:
    tail = keep // 2
    return text[: keep - tail] + "…" + (text[-tail:] if tail else "")
