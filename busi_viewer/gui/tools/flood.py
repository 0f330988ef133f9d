"""Flood fill: a click adds what flows together from there; dragging sideways widens or narrows the range of greys."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from busi_viewer.core.edits import edit_between
from busi_viewer.core.image import Mask
from busi_viewer.core.region import flood
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import Outline, trace
from busi_viewer.gui.tag import Tag
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.options import Number

TOLERANCE = Number("tolerance", "Tolerance", 0, 128, 18, unit="", slider=True, turns=True, tip="Grey levels of 255")
REACH = Number("flood_reach", "Within", 5, 2000, 150, tip="Radius around the click that bounds the region")
CALM = Number("flood_calm", "Smooth", 0, 12, 3, tip="Radius of the median filter against speckle")
DRAG = 3.0
"""Logical px of sideways drag that change the tolerance by one grey level."""


class Flood(Tool):
    """Adds a region of like grey; with Alt it takes the region away."""

    name = "flood"
    title = "Flood fill"
    icon = "paint-bucket"
    hint = "Click, or drag sideways: tolerance   Hold Alt: take away"
    options = (TOLERANCE, REACH, CALM)
    cursor = Qt.CursorShape.CrossCursor
    edits = True

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._start: Pointer | None = None
        self._at: Pointer | None = None
        self._frame = 0
        self._tolerance = 0
        self._after: Mask | None = None
        self._outlines: tuple[Outline, ...] = ()

    @property
    def drawing(self) -> bool:
        """Whether the button is down."""
        return self._start is not None

    @property
    def outlines(self) -> tuple[Outline, ...] | None:
        """What will be there on release."""
        return self._outlines if self._start is not None else None

    def press(self, at: Pointer) -> None:
        """Fill from here."""
        session = self.host.session
        if session is not None:
            self._start, self._at, self._frame = at, at, session.frame
            self._fill(self.host.options.whole(TOLERANCE.name))

    def double_click(self, at: Pointer) -> None:
        """Two clicks."""
        self.press(at)

    def move(self, at: Pointer) -> None:
        """Widen or narrow the range."""
        self._at = at
        if self._start is None:
            return
        dragged = round((at.screen.x() - self._start.screen.x()) / DRAG)
        tolerance = min(max(self.host.options.whole(TOLERANCE.name) + dragged, 0), int(TOLERANCE.high))
        if tolerance != self._tolerance:
            self._fill(tolerance)

    def release(self, at: Pointer) -> None:
        """Make it one undo item; the tolerance found stays."""
        start, after = self._start, self._after
        self._start = self._after = None
        session = self.host.session
        if session is not None and start is not None and after is not None:
            self.host.options.set(TOLERANCE.name, self._tolerance)
            label = f"{self.title}, subtract" if start.alt else self.title
            edit = edit_between(self._before(), after, label, self._frame)
            if edit is None:
                self.host.say(tr("Nothing to fill there."))
            session.apply(edit)
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the fill in hand."""
        self._start = self._after = None
        self.host.refresh()

    def rebase(self) -> None:
        """Fill over the changed mask."""
        if self._start is not None:
            self._fill(self._tolerance)

    def paint(self, painter: QPainter) -> None:
        """While dragging: how far it may flow, and the tolerance."""
        if self._start is None or self._at is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(QColor(255, 255, 255, 110), 1.0)
        pen.setDashPattern([4.0, 4.0])
        painter.setPen(pen)
        camera = self.host.camera
        painter.drawEllipse(camera.to_screen(*self._start.image), *camera.radii(self.host.options.number(REACH.name)))
        Tag.at(f"± {self._tolerance}", self._at.screen + QPointF(16, 6), "#FFFFFF").paint(painter)

    def _before(self) -> Mask:
        session = self.host.session
        assert session is not None  # only called with an image
        shown = session.document.shown_mask(self._frame)
        return np.zeros(session.document.record.shape, dtype=bool) if shown is None else shown

    def _fill(self, tolerance: int) -> None:
        assert self._start is not None  # only called with the button down
        options = self.host.options
        reach, calm = options.whole(REACH.name), options.whole(CALM.name)
        region = flood(self.host.grey(), self._start.image, tolerance, reach=reach, calm=calm)
        before = self._before()
        self._tolerance = tolerance
        self._after = before & ~region if self._start.alt else before | region
        self._outlines = trace(self._after)
        self.host.refresh()
