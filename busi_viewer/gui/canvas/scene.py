"""What lies over one frame: outlines, the machine's outline behind the reader's, axes, callipers and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath

from busi_viewer.core.callipers import Calliper
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import FrameResult, Heatmap
from busi_viewer.gui import outline, theme
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import axes, callipers
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import Outline
from busi_viewer.gui.session import Grip, Session
from busi_viewer.gui.tag import Tag

GHOST_OPACITY = 0.75
GHOST_WIDTH = 1.2


class Scene:
    """The overlay of one frame of a session, as it was when read. ``lesions`` come later: measuring takes longer."""

    def __init__(self, session: Session | None, frame: int = 0) -> None:
        self.outlines: tuple[Outline, ...] = ()
        self.machine: tuple[Outline, ...] = ()
        self.lesions: tuple[Lesion, ...] = ()
        self.band: QPainterPath | None = None
        self.proposed = False
        self.result: FrameResult | None = None
        self.callipers: callipers.Shown = ()
        self._record: ImageRecord | None = None
        self._frame = frame
        self._marks: tuple[object, tuple[Tag, ...]] | None = None
        self._tags: tuple[tuple[Camera, int], tuple[Tag, ...]] | None = None
        if session is None:
            return
        document = session.document
        self._record = document.record
        self.callipers = callipers.on_frame(document.callipers, frame)
        mask = document.shown_mask(frame)
        self.result = document.result.frame(frame) if document.result else None
        self.proposed = document.is_proposal(frame)
        if mask is not None:
            self.outlines = outline.trace(mask)
            if not self.withheld and self.result is not None:
                same = self.proposed or np.array_equal(mask, self.result.mask)
                self.machine = () if same else outline.trace(self.result.mask)
                if same and self.result.band is not None:
                    self.band = outline.enclosed(self.result.band.rings)

    @property
    def withheld(self) -> bool:
        """Whether the analysis abstained on this frame."""
        return self.result is not None and self.result.abstained

    @property
    def heat(self) -> Heatmap | None:
        """The frame's heatmap unless there is none or the analysis abstained."""
        return self.result.heatmap if self.result is not None and not self.result.abstained else None

    @property
    def labels(self) -> tuple[Tag, ...]:
        """The labels drawn last, of lesions and callipers."""
        return tuple(tag for drawn in (self._tags, self._marks) if drawn is not None for tag in drawn[1])

    def measured(self, lesions: tuple[Lesion, ...]) -> None:
        """Take the measurements."""
        self.lesions = lesions
        self._tags = None

    def paint(
        self,
        painter: QPainter,
        camera: Camera,
        style: str,
        *,
        live: tuple[Outline, ...] | None,
        machine: bool,
        heated: bool,
        sizes: bool,
        band: bool,
    ) -> None:
        """Draw all but the callipers. ``live`` replaces the outlines while a tool changes them, and hides axes and names.

        ``machine``: draw the machine's outline behind the reader's. ``heated``: a heatmap is shown, no area is filled.
        ``sizes``: draw axes. ``band``: tint the uncertainty band; it belongs to the model's outline and goes with the
        first edit.
        """
        if machine:
            self._paint_machine(painter, camera)
        if live is not None:
            outline.paint(painter, live, camera.transform(), dashed=False, fill=True)
            return
        if style == "hidden":
            return
        if band and self.band is not None:
            outline.paint_band(painter, self.band, camera.transform(), heated=heated)
        fill = style == "fill" or (style == "both" and not heated)
        line = style != "fill"
        outline.paint(painter, self.outlines, camera.transform(), dashed=self.proposed, line=line, fill=fill)
        lesions = callipers.uncovered(self.lesions, self.callipers) if sizes else ()
        axes.paint(painter, camera, lesions)
        for tag in self._placed(camera, lesions):
            tag.paint(painter)

    def _placed(self, camera: Camera, lesions: tuple[Lesion, ...]) -> tuple[Tag, ...]:
        if self._tags is None or self._tags[0] != (camera, len(lesions)):
            tags = axes.tags(camera, lesions, self.outlines, proposed=self.proposed)
            self._tags = ((camera, len(lesions)), tags)
        return self._tags[1]

    def paint_callipers(
        self,
        painter: QPainter,
        camera: Camera,
        live: Sequence[Calliper] | None = None,
        chosen: Grip | None = None,
        others: tuple[Tag, ...] | None = None,
    ) -> None:
        """Draw the frame's callipers with their labels. ``live`` replaces them while a tool changes one.

        ``others`` are the labels that are there already, by default those that ``paint`` drew.
        """
        if self._record is None:
            return
        shown = self.callipers if live is None else callipers.on_frame(live, self._frame)
        if not shown:
            return
        callipers.paint(painter, camera, self._record, shown, chosen)
        others = others if others is not None else self._tags[1] if self._tags is not None else ()
        key = (camera, shown, others)
        if self._marks is None or self._marks[0] != key:
            transform = camera.transform()
            shapes = [transform.map(each.path) for each in self.outlines]
            self._marks = (key, callipers.tags(camera, self._record, shown, shapes, others))
        for tag in self._marks[1]:
            tag.paint(painter)

    def _paint_machine(self, painter: QPainter, camera: Camera) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(GHOST_OPACITY)
        transform = camera.transform()
        for each in self.machine:
            outline.stroke(painter, transform.map(each.path), each.colour, dashed=True, width=GHOST_WIDTH)
        painter.restore()
        if self.machine:
            _paint_legend(painter, camera, self.machine[0].colour)


def _paint_legend(painter: QPainter, camera: Camera, colour: QColor) -> None:
    """``— Reader  - - AI, kept unchanged`` at the lower right."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = theme.font(theme.CONTROL)
    metrics = QFontMetricsF(font)
    x, y = camera.view[0] - 16.0, camera.view[1] - 18.0
    for words, dashed in ((tr("AI, kept unchanged"), True), (tr("Reader"), False)):
        x -= metrics.horizontalAdvance(words)
        painter.setFont(font)
        painter.setPen(QColor(theme.DARK.text2))
        painter.drawText(QPointF(x, y + 4), words)
        line = QPainterPath(QPointF(x - 28, y))
        line.lineTo(x - 8, y)
        outline.stroke(painter, line, colour, dashed=dashed, width=GHOST_WIDTH if dashed else outline.WIDTH)
        x -= 44.0
    painter.restore()
