"""Segment: draw a box around a lesion, or scribble on it, and GrabCut finds its outline. For missed lesions and poor outlines."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from busi_viewer.core.edits import edit_between
from busi_viewer.core.grabcut import Marks, refined
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box, stroke
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import Outline, trace
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.options import Choice, Number

BOX, LESION, BACKGROUND = "Box", "Lesion", "Background"
MARK = Choice("mark", "Mark", (BOX, LESION, BACKGROUND), "What a drag marks; with Alt it marks background")
WIDTH = Number("mark_width", "Width", 1, 60, 6, turns=True, tip="Width of scribbles")
COLOURS = {LESION: "#C3E66B", BACKGROUND: "#F58BD0"}
SMALLEST_BOX = 3
"""Edges in image px below which a box is a slip of the hand."""


class Segment(Tool):
    """Marks stay until Enter or Esc; after each the outline is found anew. Enter makes it one undo item."""

    name = "segment"
    title = "Segment"
    icon = "segment"
    hint = "Drag a box or scribble   Alt: background"
    options = (MARK, WIDTH)
    cursor = Qt.CursorShape.CrossCursor
    edits = True
    commits = True

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._frame = 0
        self._box: Box | None = None
        self._scribbles: list[tuple[str, float, list[tuple[float, float]]]] = []
        self._drag: tuple[str, list[tuple[float, float]]] | None = None
        self._after: Mask | None = None
        self._outlines: tuple[Outline, ...] = ()

    @property
    def drawing(self) -> bool:
        """Whether there are marks."""
        return self.pending or self._drag is not None

    @property
    def pending(self) -> bool:
        """Whether marks wait for Enter or Esc."""
        return self._box is not None or bool(self._scribbles)

    @property
    def outlines(self) -> tuple[Outline, ...] | None:
        """What was found."""
        return self._outlines if self._after is not None else None

    def press(self, at: Pointer) -> None:
        """Begin a mark."""
        session = self.host.session
        if session is None:
            return
        if not self.pending:
            self._frame = session.frame
        self._drag = (BACKGROUND if at.alt else self.host.options.choice(MARK.name), [at.image])
        self.host.refresh()

    def double_click(self, at: Pointer) -> None:
        """Two clicks."""
        self.press(at)

    def move(self, at: Pointer) -> None:
        """Draw on."""
        if self._drag is not None:
            self._drag[1].append(at.image)
            self.host.refresh()

    def release(self, at: Pointer) -> None:
        """Keep the mark and find the outline."""
        drag, self._drag = self._drag, None
        if drag is None or self.host.session is None:
            return
        kind, points = drag
        if kind == BOX:
            self._box = _box(points[0], points[-1]) or self._box
        else:
            self._scribbles.append((kind, self.host.options.number(WIDTH.name) / 2, points))
        self._find()

    def key(self, key: Qt.Key, far: bool = False) -> bool:
        """Backspace takes the last scribble back, then the box."""
        if key != Qt.Key.Key_Backspace or not self.pending:
            return False
        if self._scribbles:
            self._scribbles.pop()
        else:
            self._box = None
        self._find()
        return True

    def commit(self) -> None:
        """Make what was found one undo item."""
        after, frame = self._after, self._frame
        session = self.host.session
        before = self._before() if session is not None else None
        self._drop()
        if session is not None and before is not None and after is not None:
            edit = edit_between(before, after, self.title, frame)
            if edit is None:
                self.host.say(tr("The marks change nothing."))
            session.apply(edit)
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the marks."""
        self._drop()
        self.host.refresh()

    def rebase(self) -> None:
        """Find the outline over the changed mask."""
        if self.pending and self.host.session is not None:
            self._find()

    def paint(self, painter: QPainter) -> None:
        """The marks."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = self._box
        drags = list(self._scribbles)
        if self._drag is not None:
            kind, points = self._drag
            if kind == BOX:
                box = _box(points[0], points[-1]) or box
            else:
                drags.append((kind, self.host.options.number(WIDTH.name) / 2, points))
        if box is not None:
            self._paint_box(painter, self.host.camera.box_rect(box))
        for kind, radius, points in drags:
            colour = QColor(COLOURS[kind])
            colour.setAlphaF(0.6)
            pen = QPen(colour, max(2.0, 2 * radius * self.host.camera.scale))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            places = [self.host.camera.to_screen(x, y) for x, y in points]
            painter.drawPolyline(QPolygonF([*places, places[-1]]))

    @staticmethod
    def _paint_box(painter: QPainter, rect: QRectF) -> None:
        for colour, width in ((QColor(0, 0, 0, 153), 3.0), (QColor("#FFFFFF"), 1.2)):
            pen = QPen(colour, width)
            if width < 2:
                pen.setDashPattern([4.0, 3.0])
            painter.setPen(pen)
            painter.drawRect(rect)

    def _drop(self) -> None:
        self._box, self._drag, self._after = None, None, None
        self._scribbles, self._outlines = [], ()

    def _before(self) -> Mask:
        session = self.host.session
        assert session is not None  # only called with an image
        shown = session.document.shown_mask(self._frame)
        return np.zeros(session.document.record.shape, dtype=bool) if shown is None else shown

    def _find(self) -> None:
        if self.pending:
            self._after = refined(self._before(), self.host.grey(), self._marks())
            self._outlines = trace(self._after)
        else:
            self._after = None
        self.host.refresh()

    def _marks(self) -> Marks:
        before = self._before()
        drawn = {LESION: np.zeros_like(before), BACKGROUND: np.zeros_like(before)}
        for kind, radius, points in self._scribbles:
            box, part = stroke((before.shape[0], before.shape[1]), points, radius)
            drawn[kind][box[1] : box[3], box[0] : box[2]] |= part
        return Marks(self._box, drawn[LESION], drawn[BACKGROUND])


def _box(a: tuple[float, float], b: tuple[float, float]) -> Box | None:
    """The half-open box between two places, or None if it is too small to mean something."""
    x0, x1 = sorted((round(a[0]), round(b[0])))
    y0, y1 = sorted((round(a[1]), round(b[1])))
    return (x0, y0, x1 + 1, y1 + 1) if x1 - x0 >= SMALLEST_BOX and y1 - y0 >= SMALLEST_BOX else None
