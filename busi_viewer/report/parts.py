"""The report's building blocks as platypus flowables: text, headings, grids, rules, boxes; and its colours and measures."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table, TableStyle

from busi_viewer.report import fonts

MARGIN = 14 * mm
PAGE = (210 * mm, 297 * mm)
WIDTH = PAGE[0] - 2 * MARGIN
GAP = 18.0

TEXT, TEXT2, TEXT3 = HexColor("#171B20"), HexColor("#434C57"), HexColor("#5A6470")
LINE, TRACK, ACCENT = HexColor("#D9DDE2"), HexColor("#E3E6EA"), HexColor("#0A6B5C")
WARN, WARN_BG = HexColor("#765700"), HexColor("#FBF3D9")
CLASS_COLOURS = {"normal": HexColor("#525C68"), "benign": HexColor("#1B66AD"), "malignant": HexColor("#A34A06")}
CLASS_GLYPHS = {"normal": "○", "benign": "■", "malignant": "▲"}
GUTTER = ("RIGHTPADDING", (0, 0), (0, -1), GAP)


def style(size: float, font: str = fonts.REGULAR, colour: HexColor = TEXT, **more: object) -> ParagraphStyle:
    """A paragraph style that breaks even words without spaces."""
    fonts.register()
    name = f"{font}-{size}"
    return ParagraphStyle(
        name, fontName=font, fontSize=size, leading=size * 1.42, textColor=colour, splitLongWords=True, **more
    )


def text(words: str, size: float, font: str = fonts.REGULAR, colour: HexColor = TEXT, **more: object) -> Paragraph:
    """A paragraph of plain words."""
    return Paragraph(escape(fonts.printable(words, font)), style(size, font, colour, **more))


def paragraphs(words: str, size: float, colour: HexColor = TEXT) -> list[Flowable]:
    """What a reader typed: a paragraph for each of its lines, empty ones left out."""
    return [text(line, size, colour=colour) for line in words.splitlines() if line.strip()]


class Heading(Paragraph):  # type: ignore[misc]
    """A section's heading; ``bookmark`` is its entry in the PDF's outline ("" = none), ``level`` how deep it stands there."""

    def __init__(self, words: str, bookmark: str | None = None, level: int = 0) -> None:
        super().__init__(
            escape(fonts.printable(words, fonts.BOLD)),
            style(8, fonts.BOLD, ACCENT, spaceBefore=7, spaceAfter=2, keepWithNext=1),
        )
        self.bookmark, self.level = words if bookmark is None else bookmark, level

    def draw(self) -> None:
        """Draw it and set its bookmark."""
        mark(self.canv, self.bookmark, self.level)
        super().draw()


class Bookmark(Flowable):  # type: ignore[misc]
    """An entry of the PDF's outline without anything on paper. Its words never come from patient or file."""

    def __init__(self, words: str, level: int = 0) -> None:
        super().__init__()
        self.words, self.level = words, level
        self.width = self.height = 0.0

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Takes no room."""
        return 0.0, 0.0

    def draw(self) -> None:
        """Set the bookmark."""
        mark(self.canv, self.words, self.level)


def mark(canvas: Canvas, words: str, level: int) -> None:
    """Add an entry to the PDF's outline at the canvas's place."""
    if not words:
        return
    number = getattr(canvas, "bookmarks", 0) + 1
    canvas.bookmarks = number
    canvas.bookmarkHorizontal(f"part-{number}", 0, 14)
    canvas.addOutlineEntry(words, f"part-{number}", level, closed=False)


def grid(rows: Sequence[Sequence[object]], widths: Sequence[float], *extra: tuple[object, ...]) -> Table:
    """A table without any padding or lines but those in ``extra``."""
    bare = [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return _table(rows, widths, *bare, *extra)


def _table(rows: Sequence[Sequence[object]], widths: Sequence[float], *commands: tuple[object, ...]) -> Table:
    """A table in the report's own font: for its cells reportlab would name Helvetica, which is not embedded."""
    font = ("FONTNAME", (0, 0), (-1, -1), fonts.REGULAR)
    return Table(rows, colWidths=list(widths), style=TableStyle([font, *commands]), hAlign="LEFT")


RULED = (
    ("LINEBELOW", (0, 0), (-1, 0), 0.8, TEXT),
    ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
    ("RIGHTPADDING", (0, 0), (-1, -1), 6),
)
"""A heading row over a dark line, rows over faint ones."""


def card(lines: Sequence[Flowable], width: float) -> Table:
    """Lines on a warning's ground."""
    rounded = ("ROUNDEDCORNERS", [3, 3, 3, 3])
    return _table([[list(lines)]], [width], ("BACKGROUND", (0, 0), (-1, -1), WARN_BG), *_INSIDE, rounded)


def box(left: Sequence[Flowable], right: Sequence[Flowable], width: float) -> Table:
    """Two columns in a frame."""
    return _table(
        [[list(left), list(right)]],
        [width * 0.5, width * 0.5],
        ("BOX", (0, 0), (-1, -1), 0.8, TEXT),
        ("ROUNDEDCORNERS", [3, 3, 3, 3]),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *_INSIDE,
    )


_INSIDE = (
    ("LEFTPADDING", (0, 0), (-1, -1), 9),
    ("RIGHTPADDING", (0, 0), (-1, -1), 9),
    ("TOPPADDING", (0, 0), (-1, -1), 5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
)


class Rule(Flowable):  # type: ignore[misc]
    """A horizontal line across the page, with space around it."""

    def __init__(self, weight: float, colour: HexColor, before: float, after: float) -> None:
        super().__init__()
        self.weight, self.colour, self.before, self.after = weight, colour, before, after

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As wide as the column."""
        self.width = available_width
        return available_width, self.before + self.after + self.weight

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        self.canv.setStrokeColor(self.colour)
        self.canv.setLineWidth(self.weight)
        self.canv.line(0, self.after, self.width, self.after)


class Mark(Flowable):  # type: ignore[misc]
    """The facility's logo (RGB pixels), else the application's sign: two echoes in a frame."""

    SIDE, LONGEST = 26.0, 110.0

    def __init__(self, logo: NDArray[np.uint8] | None = None) -> None:
        super().__init__()
        self.logo = logo
        self.width, self.height = self.SIDE, self.SIDE
        if logo is not None:
            tall, wide = logo.shape[:2]
            factor = min(self.SIDE / tall, self.LONGEST / wide)
            self.width, self.height = wide * factor, tall * factor

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Size in points."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        canvas = self.canv
        if self.logo is not None:
            canvas.drawImage(ImageReader(Image.fromarray(self.logo)), 0, 0, self.width, self.height)
            return
        canvas.setStrokeColor(TEXT)
        canvas.setLineWidth(0.9)
        canvas.roundRect(0.5, 0.5, self.SIDE - 1, self.SIDE - 1, 3, stroke=1, fill=0)
        canvas.setLineCap(1)
        canvas.setLineWidth(1.2)
        for reach in (3.2, 7.0):
            canvas.arc(13 - reach, 9 - reach, 13 + reach, 9 + reach, 25, 130)


def pill(canvas: Canvas, words: str, right: float, y: float) -> float:
    """Amber words in a frame that ends at ``right``, its foot at ``y``; the frame's width."""
    wide = fonts.width(words, fonts.BOLD, 7.5) + 12
    canvas.setStrokeColor(WARN)
    canvas.setLineWidth(0.8)
    canvas.roundRect(right - wide, y, wide, 16, 2, stroke=1, fill=0)
    canvas.setFillColor(WARN)
    canvas.setFont(fonts.BOLD, 7.5)
    canvas.drawString(right - wide + 6, y + 5.3, words)
    return wide
