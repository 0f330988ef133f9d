"""Several panels of one frame beside the canvas: image, mask, heatmap; or AI's outline left of the reader's.

The canvas stays the only one that edits. The others look through its camera, with its window, and hand the mouse on to it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from busi_viewer.core.panels import mask_picture
from busi_viewer.gui import outline, theme
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import axes, callipers, hud
from busi_viewer.gui.canvas.heat import opaque
from busi_viewer.gui.canvas.mouse import Mouse
from busi_viewer.gui.canvas.stage import Stage
from busi_viewer.gui.canvas.widget import Canvas
from busi_viewer.gui.controls import label
from busi_viewer.gui.language import tr
from busi_viewer.gui.session import Session
from busi_viewer.gui.tag import Tag

GAP = 2
TITLES = {"image": "Image", "mask": "Mask", "heat": "Heatmap", "ai": "AI"}
LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "one": (("canvas",),),
    "sides": (("ai", "canvas"),),
    "four": (("image", "mask"), ("heat", "canvas")),
}
"""Which panels stand where, by rows."""
CANVAS_TITLES = {"one": "", "sides": "Reader", "four": "Overlay"}


class Pane(Stage):
    """One panel without tools: ``kind`` is image, mask, heat or ai. It shows what the canvas it follows shows."""

    def __init__(self, kind: str, canvas: Canvas) -> None:
        super().__init__()
        self._kind, self._canvas = kind, canvas
        self._cross: tuple[int, int] | None = None
        self._note = ""
        self._ai: tuple[outline.Outline, ...] = ()
        self._place_view(self, _Hand(canvas))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Panel: {title}", title=tr(TITLES[kind])))
        self.setMinimumSize(120, 90)

    def follow(self) -> None:
        """Look as the canvas looks."""
        self._look_through(self._canvas.camera.resized(self._camera.view))
        self.set_look(replace(self._canvas.look, heat_on=False))

    def show_cross(self, x: int, y: int) -> None:
        """Mark the pixel under the mouse, wherever the mouse is; (−1, −1) marks none."""
        cross = (x, y) if x >= 0 else None
        if cross != self._cross:
            self._cross = cross
            self.refresh()

    @property
    def note(self) -> str:
        """Why there is nothing to show, or empty."""
        return self._note

    def _refit(self) -> None:
        view = self._view.viewport().size()
        self._camera = replace(self._camera, view=(float(max(view.width(), 1)), float(max(view.height(), 1))))
        self.follow()

    def _show_pixels(self) -> None:
        if self._kind in ("image", "ai") or self._pixels is None:
            super()._show_pixels()

    def _on_shown(self) -> None:
        """Masks, result or frame changed: make the picture anew."""
        session, scene = self._session, self._scene
        self._note, self._ai = "", ()
        if session is None or self._pixels is None:
            return
        if self._kind == "mask":
            mask = session.document.shown_mask(session.frame)
            self._note = "" if mask is not None and mask.any() else tr("No outline")
            self._view.set_image(mask_picture(np.zeros(session.document.record.shape, bool) if mask is None else mask))
        elif self._kind == "heat":
            self._show_heat()
        elif self._kind == "ai":
            mask = session.machine_mask()
            if session.veiled:
                self._note = tr("Hidden until you lock your reading.")
            elif scene.withheld:
                self._note = tr("No AI outline: no estimate given")
            elif mask is None:
                self._note = tr("Not analysed")
            elif session.document.result is not None and not session.document.result.model.outlines:
                self._note = tr("The model gives no outline")
            elif not mask.any():
                self._note = tr("No lesion outlined by AI")
            self._ai = outline.trace(mask) if mask is not None else ()

    def _show_heat(self) -> None:
        heat = self._scene.heat
        self._heat = (heat, self._look.heat)
        if heat is None:
            self._note = self._no_heat()
            self._view.set_image(np.zeros(self._pixels.shape[:2] if self._pixels is not None else (1, 1), np.uint8))
        else:
            self._view.set_image(opaque(heat.values, self._look.heat))

    def _no_heat(self) -> str:
        if self._session is not None and self._session.veiled:
            return tr("Hidden until you lock your reading.")
        return tr("No heatmap: no estimate given") if self._scene.withheld else tr("No heatmap of this frame")

    def _update_heat(self) -> None:
        """Colours of the heat panel may have changed; no other panel has heat."""
        fresh = self._heat is not None and self._heat[0] is self._scene.heat and self._heat[1] == self._look.heat
        if self._kind == "heat" and not fresh and self._session is not None and self._pixels is not None:
            self._show_heat()

    def paint_over(self, painter: QPainter) -> None:
        """Callipers on the image, outline and sizes of AI, the colour bar, the cross, and what there is to say."""
        if self._session is None or self._pixels is None:
            return
        camera = self._camera
        tags = self._paint_ai(painter, camera) if self._kind == "ai" and self._look.mask != "hidden" else ()
        if self._kind in ("image", "ai"):
            self._scene.paint_callipers(painter, camera, others=tags)
        if self._kind == "heat" and self._scene.heat is not None:
            hud.paint_heat(painter, camera, self._scene.heat.title, self._look.heat, camera.image_rect())
        if not camera.orientation.plain:
            hud.paint_marker(painter, camera)
        if self._cross is not None:
            _paint_cross(painter, camera.to_screen(*self._cross))
        if self._note:
            painter.setFont(theme.font(theme.BODY, QFont.Weight.DemiBold))
            painter.setPen(QColor(theme.DARK.text2))
            painter.drawText(QRectF(8, 8, camera.view[0] - 16, 40), Qt.AlignmentFlag.AlignHCenter, self._note)

    def _paint_ai(self, painter: QPainter, camera: Camera) -> tuple[Tag, ...]:
        """AI's outline, with the sizes that no calliper of the reader's repeats; its labels."""
        fill = self._look.mask in ("fill", "both")
        line = self._look.mask != "fill"
        outline.paint(painter, self._ai, camera.transform(), dashed=True, line=line, fill=fill)
        lesions = self._scene.result.lesions if self._scene.result is not None and self._ai else ()
        lesions = callipers.uncovered(lesions, self._scene.callipers)
        axes.paint(painter, camera, lesions)
        tags = axes.tags(camera, lesions, self._ai, proposed=True)
        for tag in tags:
            tag.paint(painter)
        return tags


def _paint_cross(painter: QPainter, at: QPointF) -> None:
    for colour, width in ((QColor(0, 0, 0, 153), 3.0), (QColor("#FFFFFF"), 1.2)):
        painter.setPen(QPen(colour, width))
        for dx, dy in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
            painter.drawLine(QLineF(at.x() + 3 * dx, at.y() + 3 * dy, at.x() + 9 * dx, at.y() + 9 * dy))


class _Hand:
    """The mouse on a panel moves the canvas: left and middle drag pan, right drag changes the window, wheel as there."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._wheel = Mouse(canvas)
        self._button, self._last = Qt.MouseButton.NoButton, QPointF()

    def pressed(self, event: QMouseEvent) -> None:
        """Start a drag."""
        if self._button == Qt.MouseButton.NoButton and self._canvas.ready:
            self._button, self._last = event.button(), event.position()

    def moved(self, event: QMouseEvent) -> None:
        """Go on with it, and show where the mouse is."""
        at = event.position()
        step, self._last = at - self._last, at
        if not self._canvas.ready:
            return
        if self._button == Qt.MouseButton.RightButton:
            self._canvas.drag_window(step.x(), step.y())
        elif self._button != Qt.MouseButton.NoButton:
            self._canvas.set_camera(self._canvas.camera.panned(step.x(), step.y()))
        self._canvas.pointer_at(at)

    def released(self, event: QMouseEvent) -> None:
        """End the drag."""
        if event.button() == self._button:
            self._button = Qt.MouseButton.NoButton

    def double_clicked(self, event: QMouseEvent) -> None:
        """Two presses."""
        self.pressed(event)

    def left(self) -> None:
        """The mouse is outside."""
        self._canvas.pointer_at(None)

    def wheel(self, event: QWheelEvent) -> None:
        """Frames or zoom, as on the canvas."""
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._wheel.wheel(event)


class Panels(QWidget):
    """The canvas, alone or among panels. Every panel has a title; the canvas has one when it is not alone."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.setObjectName("surround")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._canvas = canvas
        self._layout_name = "one"
        self._session: Session | None = None
        self._title = label("", "caption")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._panes: dict[str, Pane] = {}
        self._cells: dict[str, QWidget] = {"canvas": _cell(self._title, canvas)}
        self._title.hide()
        self._grid.addWidget(self._cells["canvas"], 0, 0)
        canvas.view_changed.connect(self._follow)
        canvas.cursor_moved.connect(self._show_cross)

    @property
    def layout_name(self) -> str:
        """Which of LAYOUTS is in force."""
        return self._layout_name

    def shown_panes(self) -> tuple[Pane, ...]:
        """The panels beside the canvas, in reading order."""
        return tuple(self._panes[kind] for row in LAYOUTS[self._layout_name] for kind in row if kind != "canvas")

    def arrange(self, name: str) -> None:
        """Show the panels of one of LAYOUTS. Panels not shown hold no image. KeyError for other names."""
        rows = LAYOUTS[name]
        if name == self._layout_name:
            return
        wanted = {kind for row in rows for kind in row}
        for kind in sorted(wanted):
            self._cell(kind)
        self._layout_name = name
        for kind, cell in self._cells.items():
            self._grid.removeWidget(cell)
            cell.setVisible(kind in wanted)
            if kind not in wanted:
                self._panes[kind].set_session(None)
        for i in range(2):
            self._grid.setRowStretch(i, int(i < len(rows)))
            self._grid.setColumnStretch(i, int(i < len(rows[0])))
        for i, row in enumerate(rows):
            for j, kind in enumerate(row):
                self._grid.addWidget(self._cell(kind), i, j)
                self._cells[kind].show()
        self._title.setText(tr(CANVAS_TITLES[name]) if CANVAS_TITLES[name] else "")
        self._title.setVisible(bool(CANVAS_TITLES[name]))
        self._hand_out()

    def set_session(self, session: Session | None) -> None:
        """Show another image in the panels; the canvas gets its own from its owner."""
        self._session = session
        self._hand_out()

    def _cell(self, kind: str) -> QWidget:
        if kind not in self._cells:
            self._panes[kind] = Pane(kind, self._canvas)
            self._cells[kind] = _cell(label(tr(TITLES[kind]), "caption"), self._panes[kind])
        return self._cells[kind]

    def _hand_out(self) -> None:
        for pane in self.shown_panes():
            pane.set_session(self._session)
        self._follow()

    def _follow(self) -> None:
        for pane in self.shown_panes():
            pane.follow()

    def _show_cross(self, x: int, y: int, _value: str) -> None:
        for pane in self.shown_panes():
            pane.show_cross(x, y)


def _cell(title: QLabel, stage: Stage) -> QWidget:
    cell = QWidget()
    cell.setObjectName("panel")
    title.setContentsMargins(8, 3, 8, 3)
    column = QVBoxLayout(cell)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(title)
    column.addWidget(stage, 1)
    return cell
