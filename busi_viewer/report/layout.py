"""The report on paper: header, facts, the reader's texts, findings with figures, assessment, signature, the model."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, Spacer, Table

from busi_viewer.core.reporting import SHORT
from busi_viewer.report import fonts, words
from busi_viewer.report.clock import ClockFace, caption
from busi_viewer.report.content import Clock, Fact, ReportContent, Signed, Statement
from busi_viewer.report.frame_layout import estimate_lines, figures_row, frame_story, sentence_lines
from busi_viewer.report.parts import (
    LINE,
    TEXT,
    TEXT2,
    TEXT3,
    WARN,
    WIDTH,
    Bookmark,
    Heading,
    Mark,
    Rule,
    box,
    card,
    grid,
    paragraphs,
    style,
    text,
)

REPORT = "Breast ultrasound report"
DRAFT = "Draft, not signed"
COLUMN_LETTERS = 1000
FEW_LINES = 60.0
"""Points below which a heading and what follows begin on the next page."""
FIXED = "Single B-mode images; not tested on Doppler, elastography, implants or the axilla."
UNPRINTABLE = (
    f"{fonts.MISSING} stands for a letter of a script that this report cannot print (it has Latin, Greek and Cyrillic)."
)
CUT = " … (all of it in the full report)"


@dataclass(frozen=True)
class Brevity:
    """How much a short report says: height of its figures in points, letters of a text, lines of lists."""

    figures: float
    letters: int
    lines: int


BREVITIES = (
    Brevity(165.0, 900, 6),
    Brevity(140.0, 900, 6),
    Brevity(120.0, 900, 6),
    Brevity(120.0, 450, 6),
    Brevity(120.0, 300, 4),
    Brevity(120.0, 200, 3),
    Brevity(100.0, 200, 3),
    Brevity(100.0, 120, 2),
    Brevity(80.0, 120, 2),
    Brevity(80.0, 70, 1),
    Brevity(60.0, 70, 1),
    Brevity(40.0, 70, 1),
    Brevity(0.0, 70, 1),
)
"""Tried one after the other until a short report fits its page."""


def story(content: ReportContent, brevity: Brevity = BREVITIES[0]) -> list[Flowable]:
    """The report in reading order; ``brevity`` is for a short one."""
    start = [*_header(content), _facts(content.patient), *_unprintable(content), Rule(0.5, LINE, 7, 0)]
    return [*start, *(_short(content, brevity) if content.template == SHORT else _full(content))]


def _full(content: ReportContent) -> list[Flowable]:
    parts = [*_texts_above(content, None), Heading("Findings")]
    if content.selection:
        parts += [text(content.selection, 9, colour=TEXT2), Spacer(1, 3)]
    clock = _clock(content.clock) if content.clock is not None else None
    for number, frame in enumerate(content.frames, 1):
        parts += frame_story(frame, number, many=len(content.frames) > 1, beside=clock if number == 1 else None)
    parts += sentence_lines(content.unseen)
    parts += [*_texts_below(content, None), *_notices(content.notices, 12), *_verdict(content)]
    return [*parts, _signature(content.signed), *_model(content.statement, content.lexicon)]


def _short(content: ReportContent, brevity: Brevity) -> list[Flowable]:
    frame = content.frames[content.leading]
    said = (*frame.sentences, *content.unseen)
    left_out = len(said) - brevity.lines
    shown = [_cut(one, 2 * brevity.letters) for one in said[: brevity.lines]]
    parts = [*_texts_above(content, brevity.letters), Heading("Findings")]
    where = ", ".join(part for part in (frame.title, _others(content)) if part)
    if where:
        parts += [text(f"{where}.", 8, colour=TEXT2), Spacer(1, 2)]
    parts += sentence_lines(shown)
    if left_out > 0:
        parts.append(text(f"And {words.plural(left_out, 'more finding')}, in the full report.", 9, colour=TEXT2))
    clock = _clock(content.clock, 62.0) if content.clock is not None else None
    if brevity.figures:
        parts += [Spacer(1, 4), figures_row(frame.figures, 1, brevity.figures, clock), Spacer(1, 4)]
    if frame.estimate is not None:
        parts += [*estimate_lines(frame.estimate, WIDTH, brevity.letters), Spacer(1, 2)]
    parts += [*_texts_below(content, brevity.letters), *_notices(content.notices, brevity.lines, brevity.letters)]
    parts += [*_verdict(content, 2 * brevity.lines), _signature(content.signed, 1)]
    return [*parts, *_model(content.statement, content.lexicon, brevity.letters)]


def _others(content: ReportContent) -> str:
    count = len(content.frames) - 1
    return f"{words.plural(count, 'more frame')} in the full report" if count else ""


def _cut(words_: str, most: int | None) -> str:
    if most is None or len(words_) <= most:
        return words_
    return words_[:most].rsplit(" ", 1)[0][:most].rstrip(" ,;.") + CUT


def _header(content: ReportContent) -> list[Flowable]:
    left: list[Flowable] = [text(fonts.shorten(content.facility, 420, fonts.BOLD, 12), 12, fonts.BOLD)]
    if content.address:
        left.append(text(fonts.shorten(content.address, 420, size=8), 8, colour=TEXT3))
    right: list[Flowable] = [text(REPORT, 12, fonts.BOLD, alignment=2)]
    written = f"Written {content.when:%Y-%m-%d, %H:%M}"
    under = fonts.shorten(f"Accession {content.accession}", 210, size=8) if content.accession else written
    right.append(text(under, 8, colour=TEXT3, alignment=2))
    if content.draft:
        right.append(text(DRAFT, 8, fonts.BOLD, WARN, alignment=2))
    sign = Mark(content.logo)
    across = sign.width + 9
    row = grid(
        [[sign, left, right]], [across, WIDTH * 0.58 - across, WIDTH * 0.42], ("VALIGN", (0, 0), (1, 0), "MIDDLE")
    )
    return [Bookmark(REPORT), row, Rule(1.1, TEXT, 7, 7)]


def _facts(facts: tuple[Fact, ...]) -> Table:
    widths = [WIDTH * share for share in (0.31, 0.23, 0.25, 0.21)]
    cells: list[object] = []
    for fact, room in zip(facts, widths, strict=True):
        given = fact.value is not None
        value = fonts.shorten(fact.value or words.NOT_GIVEN, 2 * (room - 14), fonts.BOLD, 9.5)
        font, colour = (fonts.BOLD, TEXT) if given else (fonts.REGULAR, TEXT3)
        cells.append([text(fact.label, 7.5, colour=TEXT3), text(value, 9.5, font, colour)])
    return grid([cells], widths, ("RIGHTPADDING", (0, 0), (-1, -1), 8))


def _unprintable(content: ReportContent) -> list[Flowable]:
    """Says what the mark for letters stands for that no font of the report has, where the reader or the file used some."""
    texts = content.texts
    typed = [fact.value or "" for fact in content.patient] + [content.facility, content.address]
    typed += [words_ or "" for words_ in (texts.history, texts.technique, texts.comparison, texts.impression)]
    if not any(fonts.MISSING in fonts.printable(words_) for words_ in typed):
        return []
    return [Spacer(1, 3), text(UNPRINTABLE, 7.5, colour=WARN)]


def _texts_above(content: ReportContent, most: int | None) -> list[Flowable]:
    """History beside technique, in two columns where they are brief, else one under the other; then the tissue."""
    texts = content.texts
    history = _said(texts.history, most)
    technique = [*(paragraphs(_cut(texts.technique, most), 9) if texts.technique else [])]
    technique.append(text(fonts.shorten(texts.acquired, 3 * WIDTH / 2.4, size=8), 8, colour=TEXT2))
    left: list[Flowable] = [Heading("Indication and history"), *history]
    right: list[Flowable] = [Heading("Scope and technique"), *technique]
    tissue: list[Flowable] = [Heading("Breast composition"), *_said(texts.composition, most)]
    longest = max(len(_cut(said, most)) for said in (texts.history or "", texts.technique or ""))
    return _columns([*left, *tissue], right, longest)


def _texts_below(content: ReportContent, most: int | None) -> list[Flowable]:
    texts = content.texts
    left: list[Flowable] = [Heading("Comparison"), *_said(texts.comparison, most)]
    if texts.impression is None:
        return left
    right: list[Flowable] = [Heading("Impression"), *paragraphs(_cut(texts.impression, most), 9)]
    longest = max(len(_cut(said, most)) for said in (texts.comparison or "", texts.impression))
    return _columns(left, right, longest)


def _columns(left: list[Flowable], right: list[Flowable], letters: int) -> list[Flowable]:
    """Side by side, or one under the other where there are many letters: columns cannot run on to the next page."""
    if letters > COLUMN_LETTERS:
        return _running([*left, *right])
    half = WIDTH / 2
    return [Spacer(1, 5), grid([[left, right]], [half + 9, half - 9], ("RIGHTPADDING", (0, 0), (0, -1), 18))]


def _running(parts: list[Flowable]) -> list[Flowable]:
    """Headings and texts that begin on this page where a few lines of them fit, however long they are."""
    found: list[Flowable] = []
    for part in parts:
        if isinstance(part, Heading):
            part.keepWithNext = 0
            found.append(CondPageBreak(FEW_LINES))
        found.append(part)
    return found


def _said(said: str | None, most: int | None) -> list[Flowable]:
    if said is None:
        return [text(words.NOT_GIVEN, 9, colour=TEXT3)]
    return paragraphs(_cut(said[:1].upper() + said[1:], most), 9)


def _clock(clock: Clock, size: float = 92.0) -> Flowable:
    room = 140.0
    name = text(fonts.shorten(caption(clock), 3 * room, size=7.5), 7.5, colour=TEXT3, alignment=1)
    face = ClockFace(clock, size)
    face.hAlign = "CENTER"
    return grid([[[face, name]]], [room])


def _notices(notices: tuple[str, ...], most: int, letters: int = 1000) -> list[Flowable]:
    if not notices:
        return []
    shown = notices[:most]
    lines: list[Flowable] = [text("Notes on this image", 8, fonts.BOLD, WARN)]
    lines += [text(notice if len(notice) <= letters else notice[:letters] + "…", 8, colour=TEXT2) for notice in shown]
    if len(notices) > len(shown):
        lines.append(text(f"And {len(notices) - len(shown)} more, shown in the application.", 8, colour=TEXT2))
    return [Spacer(1, 7), KeepTogether([card(lines, WIDTH)])]


def _verdict(content: ReportContent, most: int = 24) -> list[Flowable]:
    """Assessment and management, the reader's alone."""
    verdict = content.verdict
    left: list[Flowable] = [text("Assessment (reader)", 8, fonts.BOLD, TEXT2)]
    if verdict.category is not None:
        left.append(text(f"BI-RADS category {verdict.category}", 12, fonts.BOLD))
        left.append(text(verdict.words, 8, colour=TEXT3))
    else:
        left.append(text("No category given", 9, colour=TEXT3))
    if len(verdict.lesions) > 1:
        each = "; ".join(f"{name}: {category}" for name, category in verdict.lesions[:most])
        more = len(verdict.lesions) - most
        each += f"; and {more} more" if more > 0 else ""
        left.append(text(each, 8, colour=TEXT2))
    right: list[Flowable] = [text("Management (reader)", 8, fonts.BOLD, TEXT2)]
    managed = verdict.management
    right.append(
        text(f"{managed[:1].upper()}{managed[1:]}", 10.5, fonts.MEDIUM)
        if managed
        else text("None given", 9, colour=TEXT3)
    )
    note = text("busi_viewer proposes no assessment category and no management.", 7, colour=TEXT3, spaceBefore=3)
    return [Spacer(1, 9), KeepTogether([Bookmark("Assessment and management"), box(left, right, WIDTH), note])]


def _signature(signed: Signed | None, lines_: int = 3) -> Flowable:
    if signed is None:
        lines: list[Flowable] = [
            text("Not signed", 10, fonts.BOLD, WARN),
            text("A draft: no reader answers for it until it is signed.", 8, colour=TEXT2),
        ]
        return KeepTogether([Spacer(1, 7), Bookmark("Signature"), card(lines, WIDTH)])
    account = f" (account {signed.account})" if signed.account != signed.signer else ""
    reason = f": {signed.reason}" if signed.reason else ""
    who = fonts.shorten(signed.signer, WIDTH * 0.6, fonts.BOLD, 10)
    about = fonts.shorten(f"{signed.at}, version {signed.version}{account}{reason}", lines_ * WIDTH * 0.9, size=8)
    if not signed.current:
        lines = [
            text("Not signed", 10, fonts.BOLD, WARN),
            text(f"Changed since {who} signed it: {about}", 8, colour=TEXT2),
        ]
        return KeepTogether([Spacer(1, 7), Bookmark("Signature"), card(lines, WIDTH)])
    return KeepTogether(
        [
            Spacer(1, 7),
            Bookmark("Signature"),
            text("Read and signed by", 7.5, colour=TEXT3),
            text(who, 10, fonts.BOLD),
            text(about, 8, colour=TEXT2),
        ]
    )


def _model(statement: Statement, lexicon: str, letters: int | None = None) -> list[Flowable]:
    """Which model spoke, how it did and where its limits are; a short report leaves out the limits' details."""
    if not statement.name:
        return []
    size = 7.5
    sha = escape(fonts.printable(statement.sha256, fonts.MONO))
    model = escape(fonts.shorten(statement.name, WIDTH * 0.7, size=size))
    device = escape(fonts.shorten(statement.device, WIDTH * 0.3, size=size))
    notes = " ".join(note.rstrip(".") + "." for note in (statement.point, *statement.notes) if note)
    heading = Heading("The model and its limits")
    if letters is not None:
        return [heading, text(f"{_cut(notes, 3 * letters)} {FIXED}", size, colour=TEXT2)]
    first = f'Model {model}, on {device}. SHA-256 <font name="{fonts.MONO}" size="6.4">{sha}</font>'
    lines: list[Flowable] = [Paragraph(first, style(size, colour=TEXT2, wordWrap="CJK" if len(sha) > 90 else None))]
    lines.append(text(notes, size, colour=TEXT2))
    lines += [
        text(f"–\u00a0{limit}", size, colour=TEXT2, leftIndent=7, firstLineIndent=-7) for limit in statement.limits
    ]
    words_ = f" Words: {lexicon}. BI-RADS is a trademark of the American College of Radiology." if lexicon else ""
    lines.append(text(FIXED + words_, size, colour=TEXT2))
    return [Spacer(1, 2), KeepTogether([heading, lines[0], lines[1]]), *lines[2:]]
