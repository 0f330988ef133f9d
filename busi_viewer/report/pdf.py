"""The PDF itself: A4 pages with footer, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.report import fonts
from busi_viewer.report.content import ReportContent, build_content
from busi_viewer.report.layout import LINE, MARGIN, PAGE, TEXT2, TEXT3, WARN, WIDTH, story
from busi_viewer.report.proposals import Describe

TITLE = "Breast ultrasound image report"
BADGE = "Research use only. Not for clinical decisions."
FOOTER_TALLEST = 60.0

rl_config.useA85 = 0
"""Binary streams: a quarter smaller than text-encoded ones."""


class PdfReportWriter:
    """Writes a document's report as PDF; ``facility`` and ``address`` head the page, ``clock`` gives the time.

    ``describe`` proposes descriptors for the outlines.
    """

    def __init__(
        self,
        facility: str = "busi_viewer",
        address: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        describe: Describe | None = None,
    ) -> None:
        self._facility, self._address, self._clock, self._describe = facility, address, clock, describe

    def write(self, document: Document, path: Path) -> None:
        """Write ``path`` whole or not at all. Raises OutputError, or UnreadableImage if a frame cannot be decoded."""
        content = build_content(
            document, when=self._clock(), facility=self._facility, address=self._address, describe=self._describe
        )
        write_report(content, path)


def write_report(content: ReportContent, path: Path) -> None:
    """Write the PDF under a temporary name in the same folder, then rename it. Raises OutputError."""
    data = render(content)
    temporary = path.with_name(f".busi_viewer-{os.getpid()}-{id(content):x}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = error.strerror or type(error).__name__
        remedy = (
            "Choose a folder that exists and that you may write to, and close the file if another program has it open."
        )
        raise OutputError(f"The report could not be written ({reason})", path=path, remedy=remedy) from error


def render(content: ReportContent) -> bytes:
    """The PDF's bytes. The same content gives the same bytes."""
    fonts.register()
    footer = _Footer(content)
    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=PAGE,
        title=TITLE,
        author=content.software,
        creator=content.software,
        subject="Research use only",
        keywords="",
        lang="en",
        invariant=1,
    )
    bottom = MARGIN + footer.height
    area = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
    first = Frame(MARGIN, bottom, WIDTH, PAGE[1] - MARGIN - bottom, id="first", **area)
    later = Frame(MARGIN, bottom, WIDTH, PAGE[1] - MARGIN - 24 - bottom, id="later", **area)
    document.addPageTemplates(
        [PageTemplate("first", [first], autoNextPageTemplate="later"), PageTemplate("later", [later])]
    )

    def canvas(*args: Any, **kwargs: Any) -> Canvas:
        return _NumberedCanvas(*args, footer=footer, content=content, **kwargs)

    document.build(story(content), canvasmaker=canvas)
    return buffer.getvalue()


class _Footer:
    """Which model spoke, what to know about it, and that this is research."""

    def __init__(self, content: ReportContent) -> None:
        self._content = content
        style = ParagraphStyle("footer", fontName=fonts.REGULAR, fontSize=7, leading=9.6, textColor=TEXT3)
        self._lines = _shrunk(content, style)
        self._lines_height = self._lines.wrap(WIDTH, 1000)[1]
        self.height = self._lines_height + 38.0

    def draw(self, canvas: Canvas, page: int, pages: int) -> None:
        """Draw at the foot of the page."""
        top = MARGIN + 24
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top + self._lines_height + 5, MARGIN + WIDTH, top + self._lines_height + 5)
        self._lines.drawOn(canvas, MARGIN, top)
        wide = fonts.width(BADGE, fonts.BOLD, 7.5) + 12
        canvas.setStrokeColor(WARN)
        canvas.setLineWidth(0.8)
        canvas.roundRect(MARGIN, MARGIN, wide, 16, 2, stroke=1, fill=0)
        canvas.setFillColor(WARN)
        canvas.setFont(fonts.BOLD, 7.5)
        canvas.drawString(MARGIN + 6, MARGIN + 5.3, BADGE)
        canvas.setFillColor(TEXT3)
        canvas.setFont(fonts.REGULAR, 7.5)
        when = f"{self._content.when:%Y-%m-%d, %H:%M}"
        right = f"{self._content.software}    {when}    page {page} of {pages}"
        canvas.drawRightString(MARGIN + WIDTH, MARGIN + 5.3, right)


def _shrunk(content: ReportContent, style: ParagraphStyle) -> Paragraph:
    """The model's lines, cut at the end if they would take too much of the page."""
    notes = fonts.printable(" ".join(note.rstrip(".") + "." for note in content.model_notes))
    while True:
        lines = Paragraph(_model_lines(content, notes), style)
        if lines.wrap(WIDTH, 1000)[1] <= FOOTER_TALLEST or not notes:
            return lines
        notes = notes[: int(len(notes) * 0.9)].rstrip(" .…") + "…" if len(notes) > 20 else ""


def _model_lines(content: ReportContent, notes: str) -> str:
    if not content.model:
        return "Not analysed: no model was used."
    sha = content.sha256 if len(content.sha256) <= 24 else f"{content.sha256[:12]}…{content.sha256[-6:]}"
    model = escape(fonts.shorten(content.model, WIDTH * 0.6, size=7))
    device = escape(fonts.shorten(content.device, WIDTH * 0.4, size=7))
    mono = f'<font name="{fonts.MONO}" size="6.6">{escape(fonts.printable(sha, fonts.MONO))}</font>'
    return f"Model {model}, SHA-256 {mono}, on {device}. {escape(notes)}"


class _NumberedCanvas(Canvas):  # type: ignore[misc]
    """A canvas that knows the number of pages when it draws the footers, and dates the file by the content's time."""

    def __init__(self, *args: Any, footer: _Footer, content: ReportContent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._footer, self._content = footer, content
        self._pages: list[dict[str, Any]] = []
        stamp = self._doc._timeStamp
        offset = content.when.utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset is not None else 0
        stamp.YMDhms = content.when.timetuple()[:6]
        stamp.dhh, stamp.dmm = int(minutes / 60), abs(minutes) % 60

    def showPage(self) -> None:
        """Keep the page until the number of pages is known."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Draw header and footer of every page, then write the file."""
        for number, state in enumerate(self._pages, 1):
            self.__dict__.update(state)
            self._footer.draw(self, number, len(self._pages))
            if number > 1:
                self._running_head()
            super().showPage()
        super().save()

    def _running_head(self) -> None:
        y = PAGE[1] - MARGIN - 8
        given = [fact.value for fact in self._content.patient[:2] if fact.value]
        who = " · ".join(given) or self._content.image[0].value or ""
        self.setFont(fonts.MEDIUM, 8)
        self.setFillColor(TEXT2)
        self.drawString(MARGIN, y, TITLE)
        self.setFont(fonts.REGULAR, 8)
        self.drawRightString(MARGIN + WIDTH, y, fonts.shorten(who, WIDTH * 0.6, size=8))
        self.setStrokeColor(LINE)
        self.setLineWidth(0.5)
        self.line(MARGIN, y - 6, MARGIN + WIDTH, y - 6)
