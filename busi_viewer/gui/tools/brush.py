"""The brush: paints with a round tip; Alt does the contrary. One stroke is one undo item."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box
from busi_viewer.core.region import grey_range, within
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import Outline, trace
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.options import Deed, Number, Option, Switch
from busi_viewer.gui.tools.stroke import Stroke

BLEED = 4.0
"""Logical px that outline and casing reach beyond the pixels they belong to."""
SMOOTH_REACH = 3
"""Image px over which a changed pixel moves the smoothed outline."""
RADIUS = Number("radius", "Size", 0.5, 200, 10, slider=True, turns=True, tip="Size of the tip")
"""Radius of the tip in image px; the bar shows the diameter, Shift + wheel changes it."""
RANGE_ON, LOW, HIGH = "range_on", "range_low", "range_high"
DARKEST_SHARE = 88
"""Upper end of the grey range at the start: lesions are dark."""
GREY_RANGE: tuple[Option, ...] = (
    Switch(RANGE_ON, "Grey range", "Paint and erase only pixels whose grey value lies in the range (I)"),
    Number(LOW, "Lowest grey value", 0, 65535, 0, unit=""),
    Number(HIGH, "Highest grey value", 0, 65535, DARKEST_SHARE, unit=""),
    Deed("sample", "From outline", "Take the range from the grey values inside the outline"),
)


class Brush(Tool):
    """Adds what it passes over to the mask."""

    name = "brush"
    title = "Brush"
    icon = "brush"
    hint = "Shift + wheel: size   Hold Alt: erase"
    options = (RADIUS, *GREY_RANGE)
    cursor = Qt.CursorShape.BlankCursor
    edits = True
    label: ClassVar[str] = "Brush"
    erases: ClassVar[bool] = False

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._stroke: Stroke | None = None
        self._frame = 0
        self._outlines: tuple[Outline, ...] = ()
        self._at: Pointer | None = None

    @property
    def drawing(self) -> bool:
        """Whether a stroke is in hand."""
        return self._stroke is not None

    @property
    def outlines(self) -> tuple[Outline, ...] | None:
        """Outlines with the stroke in hand."""
        return self._outlines if self._stroke is not None else None

    def press(self, at: Pointer) -> None:
        """Begin a stroke."""
        session = self.host.session
        if session is None:
            return
        document = session.document
        self._frame = session.frame
        erase = self.erases != at.alt
        allowed = self._allowed if self.host.options.on(RANGE_ON) else None
        shown = document.shown_mask(self._frame)
        self._stroke = Stroke(document.record.shape, shown, self.host.brush_radius, erase, allowed)
        self._stroke.extend(*at.image)
        self._outlines = trace(self._stroke.work, self._stroke.extent)
        self._at = at
        self.host.refresh()

    def move(self, at: Pointer) -> None:
        """Draw on, or just show the tip."""
        before = self._tip_rect()
        self._at = at
        for rect in (before, self._tip_rect()):
            if rect is not None:
                self.host.refresh(rect)
        if self._stroke is None:
            return
        box = self._stroke.extend(*at.image)
        if box is None:
            return
        ranks = [outline.rank for outline in self._outlines]
        self._outlines = trace(self._stroke.work, self._stroke.extent)
        same = ranks == [outline.rank for outline in self._outlines]
        self.host.refresh(self._changed_rect(box) if same else None)

    def release(self, at: Pointer) -> None:
        """Finish the stroke as one undo item."""
        stroke, self._stroke = self._stroke, None
        session = self.host.session
        if stroke is not None and session is not None:
            session.apply(stroke.edit(self._frame, tr("Erase") if stroke.erase else self.label))
        self.host.refresh()

    def deed(self, name: str) -> None:
        """Take the grey range from the outline shown."""
        session, pixels = self.host.session, self.host.pixels
        mask = session.document.shown_mask(session.frame) if session is not None else None
        found = grey_range(pixels, mask) if mask is not None and pixels is not None else None
        if found is None:
            self.host.say(tr("There is no outline to take grey values from."))
            return
        for option, value in ((LOW, found[0]), (HIGH, found[1]), (RANGE_ON, True)):
            self.host.options.set(option, value)

    def _allowed(self, box: Box) -> Mask:
        pixels = self.host.pixels
        if pixels is None:
            return np.zeros((box[3] - box[1], box[2] - box[0]), dtype=bool)
        part = pixels[box[1] : box[3], box[0] : box[2]]
        return within(part, self.host.options.number(LOW), self.host.options.number(HIGH))

    def double_click(self, at: Pointer) -> None:
        """The second press of a double click draws like any other."""
        self.press(at)

    def leave(self) -> None:
        """Hide the tip."""
        self._at = None
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the stroke in hand."""
        self._stroke = None
        self.host.refresh()

    def rebase(self) -> None:
        """Keep the stroke in hand over the changed mask."""
        session = self.host.session
        if self._stroke is not None and session is not None:
            self._stroke.rebase(session.document.shown_mask(self._frame))
            self._outlines = trace(self._stroke.work, self._stroke.extent)

    def paint(self, painter: QPainter) -> None:
        """The tip: a ring of the brush's size; a bar across it while erasing."""
        if self._at is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        rx, ry = self._radii()
        centre = self._at.screen
        erase = self._stroke.erase if self._stroke is not None else self.erases != self._at.alt
        for colour, width in ((QColor(0, 0, 0, 153), 3.0), (QColor("#FFFFFF"), 1.2)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(centre, rx, ry)
            painter.drawLine(centre - QPointF(3, 0), centre + QPointF(3, 0))
            if not erase:
                painter.drawLine(centre - QPointF(0, 3), centre + QPointF(0, 3))

    def _radii(self) -> tuple[float, float]:
        return self.host.camera.radii(self.host.brush_radius)

    def _tip_rect(self) -> QRectF | None:
        if self._at is None:
            return None
        rx, ry = (max(r, 4.0) + BLEED for r in self._radii())
        return QRectF(self._at.screen.x() - rx, self._at.screen.y() - ry, 2 * rx, 2 * ry)

    def _changed_rect(self, box: Box) -> QRectF:
        reach = SMOOTH_REACH
        wide = (box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach)
        return self.host.camera.box_rect(wide).adjusted(-BLEED, -BLEED, BLEED, BLEED)
