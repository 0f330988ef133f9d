"""The PDF itself: A4 pages with head and foot, written whole or not at all; and its pages as pictures."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.core.reporting import FULL, SHORT, UNKNOWN, Letterhead, Trail
from busi_viewer.report import fonts, logo
from busi_viewer.report.content import ReportContent
from busi_viewer.report.gathering import CardOf, Letter, build_content
from busi_viewer.report.layout import BREVITIES, DRAFT, REPORT, story
from busi_viewer.report.lesion_rows import Describe
from busi_viewer.report.parts import LINE, MARGIN, PAGE, TEXT2, TEXT3, WIDTH, pill

TITLE = REPORT
BADGE = "Research use only. Not for clinical decisions."
FOOT = 46.0
"""Room at the foot of every page."""

rl_config.useA85 = 0
"""Binary streams: a quarter smaller than text-encoded ones."""


class PdfReportWriter:
    """Writes a document's report as PDF under a ``letterhead``; ``clock`` gives the time.

    ``describe`` proposes descriptors for the outlines; ``card_of`` gives the model's card.
    """

    def __init__(
        self,
        letterhead: Letterhead | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        describe: Describe | None = None,
        card_of: CardOf = lambda _sha256: None,
    ) -> None:
        self._letterhead = letterhead or Letterhead()
        self._clock, self._describe, self._card_of = clock, describe, card_of

    def write(self, document: Document, path: Path, trail: Trail = UNKNOWN, template: str = FULL) -> None:
        """Write ``path`` whole or not at all. Raises OutputError, or UnreadableImage if a frame cannot be decoded."""
        write_report(self.pdf(document, trail, template), path)

    def pdf(self, document: Document, trail: Trail = UNKNOWN, template: str = FULL) -> bytes:
        """The report's bytes. Raises UnreadableImage if a frame cannot be decoded."""
        head = self._letterhead
        letter = Letter(head.facility or "busi_viewer", head.address, logo.pixels(head.logo))
        return render(
            build_content(
                document,
                when=self._clock(),
                letter=letter,
                describe=self._describe,
                card_of=self._card_of,
                trail=trail,
                template=template,
            )
        )

    def logo_fault(self, path: Path) -> str:
        """Why a file cannot be the logo; empty if it can."""
        return logo.fault(path)

    def pages(self, pdf: bytes, dpi: float) -> list[NDArray[np.uint8]]:
        """Each page of a PDF as (H, W, 3) RGB pixels."""
        import pypdfium2

        with pypdfium2.PdfDocument(pdf) as document:
            return [
                np.ascontiguousarray(page.render(scale=dpi / 72, rev_byteorder=True).to_numpy()[..., :3])
                for page in document
            ]


def write_report(data: bytes, path: Path) -> None:
    """Write the PDF under a temporary name in the same folder, then rename it. Raises OutputError."""
    temporary = path.with_name(f".busi_viewer-{os.getpid()}-{id(data):x}.part")
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
    """The PDF's bytes. The same content gives the same bytes. A short report is made briefer until it fits a page."""
    fonts.register()
    brevity = BREVITIES[0]
    if content.template == SHORT:
        brevity = next((b for b in BREVITIES if _build(content, story(content, b), 1)[1] == 1), BREVITIES[-1])
    data, pages = _build(content, story(content, brevity), 1)
    return data if pages == 1 else _build(content, story(content, brevity), pages)[0]


def _build(content: ReportContent, flowables: list[Flowable], total: int) -> tuple[bytes, int]:
    """(the PDF with ``total`` as the number of pages at each foot, how many pages it has)."""
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
        displayDocTitle=True,
        initialFontName=fonts.REGULAR,  # else Helvetica is named as well, and not embedded
    )
    bottom = MARGIN + FOOT
    area = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
    first = Frame(MARGIN, bottom, WIDTH, PAGE[1] - MARGIN - bottom, id="first", **area)
    later = Frame(MARGIN, bottom, WIDTH, PAGE[1] - MARGIN - 24 - bottom, id="later", **area)

    def dress(canvas: Canvas, _document: object) -> None:
        _foot(canvas, content, total)
        if canvas.getPageNumber() > 1:
            _running_head(canvas, content)

    document.addPageTemplates(
        [
            PageTemplate("first", [first], autoNextPageTemplate="later", onPageEnd=dress),
            PageTemplate("later", [later], onPageEnd=dress),
        ]
    )

    def canvas(*args: Any, **kwargs: Any) -> Canvas:
        made = Canvas(*args, **kwargs)
        _date(made, content.when)
        return made

    document.build(flowables, canvasmaker=canvas)
    return buffer.getvalue(), document.page


def _date(canvas: Canvas, when: datetime) -> None:
    """Date the file by the content's time."""
    stamp = canvas._doc._timeStamp
    offset = when.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    stamp.YMDhms = when.timetuple()[:6]
    stamp.dhh, stamp.dmm = int(minutes / 60), abs(minutes) % 60


def _foot(canvas: Canvas, content: ReportContent, pages: int) -> None:
    """Which model spoke, that this is research, that it is a draft, and the page's number."""
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, MARGIN + FOOT - 9, MARGIN + WIDTH, MARGIN + FOOT - 9)
    canvas.setFillColor(TEXT3)
    canvas.setFont(fonts.REGULAR, 7)
    canvas.drawString(MARGIN, MARGIN + 25, _model_line(content))
    wide = fonts.width(BADGE, fonts.BOLD, 7.5) + 12
    pill(canvas, BADGE, MARGIN + wide, MARGIN)
    if content.draft:
        pill(canvas, DRAFT, MARGIN + wide + 6 + fonts.width(DRAFT, fonts.BOLD, 7.5) + 12, MARGIN)
    canvas.setFillColor(TEXT3)
    canvas.setFont(fonts.REGULAR, 7.5)
    right = f"{content.software}    {content.when:%Y-%m-%d, %H:%M}    page {canvas.getPageNumber()} of {pages}"
    canvas.drawRightString(MARGIN + WIDTH, MARGIN + 5.3, right)


def _model_line(content: ReportContent) -> str:
    model = content.statement
    if not model.name:
        return "Not analysed: no model was used."
    sha = model.sha256 if len(model.sha256) <= 24 else f"{model.sha256[:12]}…{model.sha256[-6:]}"
    name = fonts.shorten(model.name, WIDTH * 0.4, size=7)
    point = model.point.split(":")[0].rstrip(".")
    return fonts.shorten(f"Model {name}, SHA-256 {sha}. {point}".rstrip(" .") + ".", WIDTH, size=7)


def _running_head(canvas: Canvas, content: ReportContent) -> None:
    y = PAGE[1] - MARGIN - 8
    given = [fact.value for fact in content.patient[:2] if fact.value]
    who = " · ".join(given) or content.image_name
    canvas.setFont(fonts.MEDIUM, 8)
    canvas.setFillColor(TEXT2)
    canvas.drawString(MARGIN, y, TITLE)
    canvas.setFont(fonts.REGULAR, 8)
    canvas.drawRightString(MARGIN + WIDTH, y, fonts.shorten(who, WIDTH * 0.6, size=8))
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, y - 6, MARGIN + WIDTH, y - 6)
