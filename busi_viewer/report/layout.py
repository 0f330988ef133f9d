"""The report's parts as platypus flowables: header, facts, findings, estimate, tables, the reader's box."""

from __future__ import annotations

from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Spacer, Table, TableStyle

from busi_viewer.report import fonts, words
from busi_viewer.report.content import Bar, Estimate, Fact, Figure, FramePart, LesionTable, ReportContent
from busi_viewer.report.figures import COLOUR_BAR, FigureFlowable, fitted
from busi_viewer.report.measured import Measured

MARGIN = 14 * mm
PAGE = (210 * mm, 297 * mm)
WIDTH = PAGE[0] - 2 * MARGIN
GAP = 18.0

TEXT, TEXT2, TEXT3 = HexColor("#171B20"), HexColor("#434C57"), HexColor("#5A6470")
LINE, TRACK, ACCENT = HexColor("#D9DDE2"), HexColor("#E3E6EA"), HexColor("#0A6B5C")
WARN, WARN_BG = HexColor("#765700"), HexColor("#FBF3D9")
CLASS_COLOURS = {"normal": HexColor("#525C68"), "benign": HexColor("#1B66AD"), "malignant": HexColor("#A34A06")}
CLASS_GLYPHS = {"normal": "○", "benign": "■", "malignant": "▲"}
_GUTTER = ("RIGHTPADDING", (0, 0), (0, -1), GAP)


def _style(size: float, font: str = fonts.REGULAR, colour: HexColor = TEXT, **more: object) -> ParagraphStyle:
    fonts.register()
    name = f"{font}-{size}"
    return ParagraphStyle(
        name, fontName=font, fontSize=size, leading=size * 1.42, textColor=colour, splitLongWords=True, **more
    )


def _text(text: str, size: float, font: str = fonts.REGULAR, colour: HexColor = TEXT, **more: object) -> Paragraph:
    return Paragraph(escape(fonts.printable(text, font)), _style(size, font, colour, **more))


def _heading(text: str) -> Paragraph:
    return _text(text, 8, fonts.BOLD, ACCENT, spaceBefore=7, spaceAfter=2)


def _grid(rows: list[list[object]], widths: list[float], *extra: tuple[object, ...]) -> Table:
    bare = [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return Table(rows, colWidths=widths, style=TableStyle([*bare, *extra]), hAlign="LEFT")


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
    """The application's sign: two echoes in a frame."""

    SIDE = 24.0

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Size in points."""
        return self.SIDE, self.SIDE

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        canvas = self.canv
        canvas.setStrokeColor(TEXT)
        canvas.setLineWidth(0.9)
        canvas.roundRect(0.5, 0.5, self.SIDE - 1, self.SIDE - 1, 3, stroke=1, fill=0)
        canvas.setLineCap(1)
        canvas.setLineWidth(1.2)
        for reach in (3.2, 7.0):
            canvas.arc(12 - reach, 8.5 - reach, 12 + reach, 8.5 + reach, 25, 130)


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


def story(content: ReportContent) -> list[Flowable]:
    """The whole report in reading order."""
    parts: list[Flowable] = [*_header(content), _facts(content.patient), Rule(0.5, LINE, 7, 6), _facts(content.image)]
    parts += [Rule(0.5, LINE, 7, 0), _heading("Findings")]
    if content.selection:
        parts += [_text(content.selection, 9, colour=TEXT2), Spacer(1, 3)]
    many = len(content.frames) > 1
    for number, frame in enumerate(content.frames, 1):
        parts += _frame(frame, number, compact=many)
    if content.notices:
        parts.append(_notices(content.notices))
    parts.append(_reader_box())
    return parts


def _header(content: ReportContent) -> list[Flowable]:
    left = [_text(content.facility, 12, fonts.BOLD)]
    if content.address:
        left.append(_text(content.address, 8, colour=TEXT3))
    right: list[Flowable] = [_text("Breast ultrasound image report", 12, fonts.BOLD, alignment=2)]
    under = f"Accession {content.accession}" if content.accession else f"Written {content.when:%Y-%m-%d, %H:%M}"
    right.append(_text(under, 8, colour=TEXT3, alignment=2))
    sign = Mark.SIDE + 9
    row = _grid(
        [[Mark(), left, right]], [sign, WIDTH * 0.55 - sign, WIDTH * 0.45], ("VALIGN", (0, 0), (1, 0), "MIDDLE")
    )
    return [row, Rule(1.1, TEXT, 7, 7)]


def _facts(facts: tuple[Fact, ...]) -> Table:
    widths = [WIDTH * share for share in (0.31, 0.23, 0.25, 0.21)]
    cells: list[object] = []
    for fact, room in zip(facts, widths, strict=True):
        given = fact.value is not None
        cells.append(
            [
                _text(fact.label, 7.5, colour=TEXT3),
                _text(
                    fonts.shorten(fact.value or words.NOT_GIVEN, 2 * (room - 14), fonts.MEDIUM, 9),
                    9,
                    fonts.MEDIUM if given else fonts.REGULAR,
                    TEXT if given else TEXT3,
                ),
            ]
        )
    return _grid([cells], widths, ("RIGHTPADDING", (0, 0), (-1, -1), 8))


def _frame(frame: FramePart, number: int, *, compact: bool) -> list[Flowable]:
    """One frame's findings; ``compact`` puts estimate and table side by side, so that two frames fit a page."""
    head: list[Flowable] = []
    if frame.title:
        head += [_text(frame.title, 9, fonts.BOLD, spaceBefore=4)]
    proposed = any(lesion.proposals is not None for lesion in frame.lesions)
    tallest = 150.0 if compact else 180.0 if proposed else 205.0
    head += [_text(frame.statement, 9), Spacer(1, 5), _figures(frame.figures, number, tallest)]
    estimate = frame.estimate
    if compact and estimate is not None and len(frame.lesions) == 1:
        half = (WIDTH - GAP) / 2
        row = _grid([[_estimate(estimate, half), _lesion(frame.lesions[0], half)]], [half + GAP, half], _GUTTER)
        below = _callipers(frame.callipers, WIDTH)
        return [KeepTogether([*head, Spacer(1, 4), Rule(0.5, LINE, 0, 4), row]), *below, Spacer(1, 10)]
    parts: list[Flowable] = [KeepTogether(head), Spacer(1, 6)]
    if estimate is not None:
        rule = [Rule(0.5, LINE, 0, 5)] if estimate.bars else []
        parts.append(KeepTogether([*rule, *_estimate(estimate, WIDTH), Spacer(1, 5)]))
    return [*parts, *_lesions(frame.lesions), *_callipers(frame.callipers, WIDTH), Spacer(1, 4)]


def _figures(figures: tuple[Figure, ...], number: int, tallest: float) -> Flowable:
    """Figures side by side with their captions below; very wide images one under the other."""
    shape = figures[0].image.shape
    stacked = len(figures) > 1 and shape[1] / shape[0] > 2.6
    gap = 14.0
    heat = COLOUR_BAR if any(figure.heat is not None for figure in figures) else 0.0
    room = WIDTH - heat if stacked else (WIDTH - gap - heat) / 2 if len(figures) > 1 else WIDTH * 0.62
    tallest *= 0.6 if stacked else 1.35 if len(figures) == 1 else 1.1 if shape[0] > shape[1] else 1.0
    width, height = fitted(shape, (room, tallest))
    cells: list[object] = []
    captions: list[object] = []
    for letter, figure in zip("ab", figures, strict=False):
        many = len({outline.number for outline in figure.outlines}) > 1
        cells.append(FigureFlowable(figure, width, height, many=many))
        label = f'<font name="{fonts.MEDIUM}" color="#434C57">{number}{letter if len(figures) > 1 else ""}</font>'
        captions.append(
            Paragraph(f"{label}&#160; {escape(fonts.printable(figure.caption))}", _style(7.5, colour=TEXT3))
        )
    below = ("TOPPADDING", (0, 1), (-1, 1), 3)
    if stacked:
        rows = [[part] for pair in zip(cells, captions, strict=True) for part in pair]
        return _grid(rows, [WIDTH], ("BOTTOMPADDING", (0, 1), (-1, 1), 6))
    if len(cells) == 1:
        return _grid([cells, captions], [WIDTH], below)
    first = (WIDTH - heat + gap) / 2
    return _grid([cells, captions], [first, WIDTH - first], below, ("RIGHTPADDING", (0, 1), (0, 1), gap))


def _estimate(estimate: Estimate, width: float) -> list[Flowable]:
    """The estimate ``width`` points wide: bars beside the headline, or below it where it is narrow."""
    if estimate.leading is None:
        lines: list[Flowable] = [_text(estimate.headline, 12, fonts.BOLD, WARN)]
        lines += [_text(note, 8.5, colour=TEXT2) for note in estimate.notes]
        return [_card(lines, width)]
    glyph = CLASS_GLYPHS[estimate.leading]
    colour = CLASS_COLOURS[estimate.leading].hexval().replace("0x", "#")
    size = 13 if len(estimate.headline) < 30 else 10.5
    hang = fonts.width(f"{glyph}\u00a0", fonts.BOLD, size)
    headline = f'<font color="{colour}">{glyph}</font>&#160;{escape(fonts.printable(estimate.headline, fonts.BOLD))}'
    left: list[Flowable] = [
        Paragraph(headline, _style(size, fonts.BOLD, leftIndent=hang, firstLineIndent=-hang)),
        _text(estimate.source, 8, colour=TEXT3),
    ]
    notes = _text(" ".join(estimate.notes), 7.5, colour=TEXT2)
    if width < WIDTH:
        return [*left, Spacer(1, 4), Bars(estimate.bars, width), Spacer(1, 3), notes]
    half = WIDTH / 2
    return [_grid([[left, Bars(estimate.bars, half - 14)]], [half + 14, half - 14], _GUTTER), Spacer(1, 3), notes]


def _lesions(tables: tuple[LesionTable, ...]) -> list[Flowable]:
    """One lesion across the page; several, two to a row."""
    if len(tables) == 1:
        return [KeepTogether([*_lesion(tables[0], WIDTH), Spacer(1, 4)])]
    half = (WIDTH - GAP) / 2
    parts: list[Flowable] = []
    for start in range(0, len(tables), 2):
        row: list[object] = [_lesion(table, half) for table in tables[start : start + 2]]
        row += [""] * (2 - len(row))
        parts += [KeepTogether([_grid([row], [half + GAP, half], _GUTTER), Spacer(1, 6)])]
    return parts


def _lesion(lesion: LesionTable, width: float) -> list[Flowable]:
    """A lesion's table and, below it, what the model proposes: apart from the values, for it is nobody's finding."""
    parts: list[Flowable] = [_table(lesion, width)]
    proposals = lesion.proposals
    if proposals is not None:
        parts += [
            _text(f"Model's descriptor proposals for {proposals.of}", 7.5, fonts.MEDIUM, TEXT2, spaceBefore=4),
            _text(_sentence("; ".join(proposals.words)), 7.5, colour=TEXT2),
            _text(proposals.basis, 7, colour=TEXT3),
        ]
    return parts


def _callipers(items: tuple[Measured, ...], width: float) -> list[Flowable]:
    """What the reader measured, a row for each calliper."""
    if not items:
        return []
    rows: list[list[object]] = [[_text("Reader's callipers", 7.5, fonts.BOLD), "", ""]]
    rows += [
        [_text(item.name, 8.5, colour=TEXT2), _text(item.values, 8.5), _text(item.note, 7.5, colour=TEXT3)]
        for item in items
    ]
    table = _grid(
        rows,
        [width * share for share in (0.26, 0.42, 0.32)],
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, TEXT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
    )
    return [Spacer(1, 4), table, Spacer(1, 4)]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _table(lesion: LesionTable, width: float) -> Table:
    head: list[object] = [
        _text(f"Lesion {lesion.number}", 7.5, fonts.BOLD),
        _text("AI value", 7.5, colour=TEXT3),
        _text("Reader's value", 7.5, colour=TEXT3),
    ]
    rows: list[list[object]] = [head]
    narrow = width < WIDTH
    size = 8.0 if narrow else 8.5
    for row in lesion.rows:
        muted = row.reader in (words.NO_VALUE, "not yet accepted")
        reader = _text(row.reader, size, fonts.BOLD if row.changed else fonts.REGULAR, TEXT3 if muted else TEXT)
        rows.append([_text(row.label, size, colour=TEXT2), _text(row.ai, size), reader])
    return _grid(
        rows,
        [width * share for share in ((0.22, 0.43, 0.35) if narrow else (0.26, 0.37, 0.37))],
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, TEXT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2 if narrow else 6),
    )


def _card(lines: list[Flowable], width: float) -> Table:
    return Table(
        [[lines]],
        colWidths=[width],
        style=TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), WARN_BG),
                ("LEFTPADDING", (0, 0), (-1, -1), 9),
                ("RIGHTPADDING", (0, 0), (-1, -1), 9),
                ("TOPPADDING", (0, 0), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
                ("ROUNDEDCORNERS", [3, 3, 3, 3]),
            ]
        ),
    )


def _notices(notices: tuple[str, ...]) -> Flowable:
    shown = notices[:8]
    lines: list[Flowable] = [_text("Notes on this image", 8, fonts.BOLD, WARN)]
    lines += [_text(fonts.shorten(notice, 3 * WIDTH), 8, colour=TEXT2) for notice in shown]
    if len(notices) > len(shown):
        lines.append(_text(f"And {len(notices) - len(shown)} more, shown in the application.", 8, colour=TEXT2))
    return KeepTogether([_card(lines, WIDTH), Spacer(1, 6)])


def _reader_box() -> Flowable:
    """Room for what only the reader may say, to be filled in by hand."""
    half = WIDTH / 2
    left = [_text("Assessment (reader)", 8, fonts.BOLD, ACCENT), Spacer(1, 40)]
    right = [_text("Signature (reader)", 8, fonts.BOLD, ACCENT), Spacer(1, 26), Rule(0.5, TEXT3, 0, 2)]
    right.append(_text("Name, date", 7.5, colour=TEXT3))
    box = Table(
        [[left, right]],
        colWidths=[half, half],
        style=TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.8, TEXT),
                ("ROUNDEDCORNERS", [3, 3, 3, 3]),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 9),
                ("RIGHTPADDING", (0, 0), (-1, -1), 9),
                ("TOPPADDING", (0, 0), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
            ]
        ),
    )
    note = "busi_viewer proposes no assessment category and no management."
    return KeepTogether([Spacer(1, 2), box, _text(note, 7.5, colour=TEXT3, spaceBefore=3)])
