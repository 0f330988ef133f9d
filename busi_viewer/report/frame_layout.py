"""A frame on paper: sentences, figures with captions, the estimate's bars, tables of lesions and callipers."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, Spacer, Table

from busi_viewer.report import fonts, words
from busi_viewer.report.content import Bar, Estimate, Figure, FramePart, LesionTable
from busi_viewer.report.figures import COLOUR_BAR, FigureFlowable, fitted
from busi_viewer.report.measured import Measured
from busi_viewer.report.parts import (
    CLASS_COLOURS,
    CLASS_GLYPHS,
    GUTTER,
    LINE,
    RULED,
    TEXT,
    TEXT2,
    TEXT3,
    TRACK,
    WARN,
    WIDTH,
    Bookmark,
    Rule,
    card,
    grid,
    style,
    text,
)

MUTED = (words.NO_VALUE, words.NOT_SAID, "not yet accepted", "no proposal", "reader only", "not analysed")
CLOCK_ROOM = 146.0
FEW_LETTERS = 700
"""Findings up to this length stay on the page of their figures."""


class Bars(Flowable):  # type: ignore[misc]
    """The three classes' estimates as bars with glyph, word and per cent; a dashed tick marks the operating point."""

    ROW = 14.5

    def __init__(self, bars: tuple[Bar, ...], width: float) -> None:
        super().__init__()
        self.bars, self.width = bars, width

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Size in points."""
        return self.width, self.ROW * len(self.bars)

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        for row, bar in enumerate(self.bars):
            self._bar(bar, self.ROW * (len(self.bars) - row - 1) + 4)

    def _bar(self, bar: Bar, y: float) -> None:
        canvas, colour = self.canv, CLASS_COLOURS[bar.name]
        left, room, tall = 62.0, self.width - 62 - 42, 6.5
        canvas.setFillColor(colour)
        canvas.setFont(fonts.REGULAR, 7)
        canvas.drawString(0, y + 0.6, CLASS_GLYPHS[bar.name])
        canvas.setFillColor(TEXT)
        canvas.setFont(fonts.REGULAR, 8.5)
        canvas.drawString(11, y, bar.name.capitalize())
        canvas.setFillColor(TRACK)
        canvas.rect(left, y - 0.5, room, tall, stroke=0, fill=1)
        canvas.setFillColor(colour, alpha=0.45)
        canvas.rect(left, y - 0.5, room * bar.share, tall, stroke=0, fill=1)
        canvas.setFillColor(colour, alpha=1)
        at = left + min(max(room * bar.share, 0.8), room - 0.8)
        canvas.rect(at - 0.8, y - 1.5, 1.6, tall + 2, stroke=0, fill=1)
        if bar.tick is not None:
            canvas.setStrokeColor(TEXT)
            canvas.setLineWidth(0.7)
            canvas.setDash(1.6, 1.2)
            canvas.line(left + room * bar.tick, y - 3, left + room * bar.tick, y + tall + 2)
            canvas.setDash()
        canvas.setFillColor(TEXT)
        canvas.setFont(fonts.BOLD, 8.5)
        canvas.drawRightString(self.width, y, words.percent(bar.share))


def frame_story(frame: FramePart, number: int, *, many: bool, beside: Flowable | None) -> list[Flowable]:
    """One frame's findings; what is ``beside`` (the clock) stands left of the estimate."""
    parts: list[Flowable] = []
    if frame.title:
        parts += [Bookmark(frame.title, 1), text(frame.title, 9, fonts.BOLD, spaceBefore=4, keepWithNext=1)]
    tallest = 160.0 if many else 205.0
    parts += [*sentence_lines(frame.sentences), Spacer(1, 5), figures_row(frame.figures, number, tallest), Spacer(1, 6)]
    if sum(map(len, frame.sentences)) < FEW_LETTERS:
        parts = [KeepTogether(parts)]
    room = WIDTH - CLOCK_ROOM if beside is not None else WIDTH
    estimate = estimate_lines(frame.estimate, room) if frame.estimate is not None else []
    if beside is not None:
        estimate = [grid([[[beside], estimate]], [CLOCK_ROOM, room])]
    if estimate:
        parts.append(KeepTogether([Rule(0.5, LINE, 0, 5), *estimate, Spacer(1, 6)]))
    for table in frame.lesions:
        whole = [_table(table, WIDTH), *_note(table)]
        parts += [CondPageBreak(90), *whole] if many else [KeepTogether(whole)]
        parts.append(Spacer(1, 8))
    return [*parts, *_callipers(frame.callipers), Spacer(1, 4)]


def sentence_lines(sentences: Sequence[str]) -> list[Flowable]:
    """The findings, a paragraph each."""
    return [text(sentence, 9, spaceAfter=2) for sentence in sentences]


def figures_row(figures: tuple[Figure, ...], number: int, tallest: float, beside: Flowable | None = None) -> Flowable:
    """Figures side by side with their captions below; very wide images one under the other; ``beside`` them the clock."""
    if beside is None:
        return _figures(figures, number, tallest, WIDTH)
    room = WIDTH - CLOCK_ROOM
    return grid([[_figures(figures, number, tallest, room), beside]], [room, CLOCK_ROOM])


def _figures(figures: tuple[Figure, ...], number: int, tallest: float, across: float) -> Flowable:
    wide, tall = fitted(figures[0], (1.0e3, 1.0e3))
    stacked = len(figures) > 1 and wide / tall > 2.6
    gap = 14.0
    heat = COLOUR_BAR if any(figure.heat is not None for figure in figures) else 0.0
    room = across - heat if stacked else (across - gap - heat) / 2 if len(figures) > 1 else across * 0.62
    tallest *= 0.6 if stacked else 1.35 if len(figures) == 1 else 1.1 if tall > wide else 1.0
    width, height = fitted(figures[0], (room, tallest))
    cells: list[object] = []
    captions: list[object] = []
    for letter, figure in zip("ab", figures, strict=False):
        many = len({outline.number for outline in figure.outlines}) > 1
        cells.append(FigureFlowable(figure, width, height, many=many))
        label = f'<font name="{fonts.MEDIUM}" color="#434C57">{number}{letter if len(figures) > 1 else ""}</font>'
        captions.append(Paragraph(f"{label}&#160; {escape(fonts.printable(figure.caption))}", style(7.5, colour=TEXT3)))
    below = ("TOPPADDING", (0, 1), (-1, 1), 3)
    if stacked:
        rows = [[part] for pair in zip(cells, captions, strict=True) for part in pair]
        return grid(rows, [across], ("BOTTOMPADDING", (0, 1), (-1, 1), 6))
    if len(cells) == 1:
        return grid([[cells[0]], [captions[0]]], [across], below)
    first = (across - heat + gap) / 2
    return grid([cells, captions], [first, across - first], below, ("RIGHTPADDING", (0, 1), (0, 1), gap))


def estimate_lines(estimate: Estimate, width: float, letters: int = 2000) -> list[Flowable]:
    """The estimate ``width`` points wide: bars beside the headline, or below it where it is narrow."""
    notes = " ".join(note if note.endswith((".", "!", "?")) else f"{note}." for note in estimate.notes)
    notes = notes if len(notes) <= letters else notes[:letters].rsplit(" ", 1)[0] + "…"
    if estimate.leading is None:
        lines: list[Flowable] = [text(estimate.headline, 12, fonts.BOLD, WARN)]
        return [card([*lines, text(notes, 8.5, colour=TEXT2)], width)]
    glyph = CLASS_GLYPHS[estimate.leading]
    colour = CLASS_COLOURS[estimate.leading].hexval().replace("0x", "#")
    size = 12 if len(estimate.headline) < 30 else 10
    hang = fonts.width(f"{glyph}\u00a0", fonts.BOLD, size)
    headline = f'<font color="{colour}">{glyph}</font>&#160;{escape(fonts.printable(estimate.headline, fonts.BOLD))}'
    left: list[Flowable] = [
        Paragraph(headline, style(size, fonts.BOLD, leftIndent=hang, firstLineIndent=-hang)),
        text(estimate.source, 8, colour=TEXT3),
    ]
    said = text(notes, 7.5, colour=TEXT2)
    if width < WIDTH:
        return [*left, Spacer(1, 3), Bars(estimate.bars, width), Spacer(1, 2), said]
    half = WIDTH / 2
    return [grid([[left, Bars(estimate.bars, half - 14)]], [half + 14, half - 14], GUTTER), Spacer(1, 3), said]


def _note(lesion: LesionTable) -> list[Flowable]:
    return [text(lesion.note, 7, colour=TEXT3, spaceBefore=3)] if lesion.note else []


def _table(lesion: LesionTable, width: float) -> Table:
    tracked = any(row.by for row in lesion.rows)
    titles = ("AI value", "Reader's value", *(["Changed by"] if tracked else []))
    head = [text(f"Lesion {lesion.number}", 8, fonts.BOLD), *(text(title, 7.5, colour=TEXT3) for title in titles)]
    rows: list[list[object]] = [list(head)]
    for row in lesion.rows:
        muted = row.reader in MUTED
        font = fonts.BOLD if row.changed else fonts.REGULAR
        cells = [
            text(row.label, 8.5, colour=TEXT2),
            text(row.ai, 8.5, colour=TEXT3 if row.ai in MUTED else TEXT),
            text(row.reader, 8.5, font, TEXT3 if muted else TEXT),
        ]
        rows.append([*cells, *([text(row.by, 7.5, colour=TEXT3)] if tracked else [])])
    shares = (0.18, 0.26, 0.27, 0.29) if tracked else (0.26, 0.37, 0.37)
    last = ("NOSPLIT", (0, max(-3, -len(rows))), (-1, -1))
    table = grid(rows, [width * share for share in shares], *RULED, last)
    table.repeatRows = 1
    return table


def _callipers(items: tuple[Measured, ...]) -> list[Flowable]:
    """What the reader measured, a row for each calliper."""
    if not items:
        return []
    rows: list[list[object]] = [[text("Reader's callipers", 8, fonts.BOLD), "", ""]]
    rows += [
        [text(item.name, 8.5, colour=TEXT2), text(item.values, 8.5), text(item.note, 7.5, colour=TEXT3)]
        for item in items
    ]
    table = grid(rows, [WIDTH * share for share in (0.26, 0.42, 0.32)], *RULED)
    table.repeatRows = 1
    return [Spacer(1, 4), table, Spacer(1, 4)]
