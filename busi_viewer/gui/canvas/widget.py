"""The canvas widget: the stage with tools, mouse, keys and the proposal bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QCursor, QFocusEvent, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from busi_viewer.core.image import Pixels, to_grey
from busi_viewer.core.region import Grey
from busi_viewer.gui import privacy, theme
from busi_viewer.gui.canvas import display, evidence, hud, regions
from busi_viewer.gui.canvas.labels import around, bounds, free
from busi_viewer.gui.canvas.mouse import Mouse
from busi_viewer.gui.canvas.proposal_bar import ProposalBar
from busi_viewer.gui.canvas.stage import Stage
from busi_viewer.gui.language import tr
from busi_viewer.gui.tools import TOOLS, Options, Tool
from busi_viewer.gui.tools.brush import RADIUS

BAR_GAP, BAR_SIDE = 14, 4
"""Room in px below the proposal's bar, and the least beside it."""


class Canvas(Stage):
    """Shows a session's frame with its outlines, and edits its mask.

    Enter commits what a tool has pending, else accepts the proposal; Esc drops what a tool has in hand; Del discards
    the proposal and E edits it; + and − zoom. ``cursor_moved(x, y, value)`` gives pixel and value under the mouse,
    (−1, −1, "") outside. Before tool, frame or image change, what is pending is committed (it can be undone).
    ``options`` holds what the reader has set about the tools; ``said(text)`` is a tool's word to the reader, ``asked(option)``
    its question.
    """

    cursor_moved = Signal(int, int, str)
    tool_changed = Signal(str)
    brush_radius_changed = Signal(float)
    said = Signal(str)
    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options = Options((option for kind in TOOLS for option in kind.options), self)
        self._options.changed.connect(self._on_option)
        self._grey: tuple[Pixels, Grey] | None = None
        self._tools: dict[str, Tool] = {kind.name: kind(self) for kind in TOOLS}
        self._tool = self._tools["pointer"]
        self._ring = self._heat_by_name = False
        self._evidence: evidence.Evidence | None = None
        self._mouse = Mouse(self)
        self._place_view(self, self._mouse)
        self._bar = ProposalBar(self)
        self._bar.accepted.connect(self._accept)
        self._bar.edit_wanted.connect(self._edit)
        self._bar.discarded.connect(self._discard)
        self.setMinimumSize(240, 180)

    def _on_leaving(self) -> None:
        self._settle_tool()

    def _on_shown(self) -> None:
        self._tool.rebase()
        self.show_cursor()
        session = self._session if self._pixels is not None else None
        self._bar.show_proposal(session.proposal() if session is not None else None)
        self._place_bar()

    def _heat_hidden(self) -> str:
        if self._tool.drawing:
            return tr("Heatmap hidden while drawing")
        heat = self._scene.heat
        if heat is not None and heat.points_nowhere and not self._heat_by_name:
            return tr("Heat of “normal” not drawn")
        return ""

    @Slot(object, str, bool)
    def show_heat_of(self, target: str | None, _method: str, _waiting: bool) -> None:
        """Which class the heatmap was chosen to be of, None for the most probable one.

        The heat of "normal" spreads over the whole image: it is drawn only where it was chosen by name.
        """
        self._heat_by_name = target is not None
        self._update_heat()
        self.refresh()

    @contextmanager
    def bare(self) -> Iterator[None]:
        """For a picture to hand on: without the file's name and the proposal bar."""
        shown = not self._bar.isHidden()
        self._nameless = True
        self._bar.setVisible(False)
        try:
            yield
        finally:
            self._nameless = False
            self._bar.setVisible(shown)

    # Tools

    @property
    def tool(self) -> str:
        """Name of the active tool."""
        return self._tool.name

    @property
    def active_tool(self) -> Tool:
        """The active tool itself."""
        return self._tool

    def set_tool(self, name: str) -> None:
        """Choose a tool by its name. Raises KeyError for others."""
        tool = self._tools[name]
        if tool is self._tool:
            return
        self._settle_tool()
        self._tool.leave()
        self._tool = tool
        self.show_cursor()
        if self._view.viewport().underMouse():
            self._mouse.rests(QPointF(self._view.viewport().mapFromGlobal(QCursor.pos())))
        self._update_heat()
        self.refresh()
        self.tool_changed.emit(name)

    def show_cursor(self) -> None:
        """The cursor of the drag in hand, else of the tool; an arrow where there is no image to use it on."""
        usable = self._session is not None and not self._message
        shape = self._mouse.shape or (self._tool.shape if usable else Qt.CursorShape.ArrowCursor)
        if self._view.viewport().cursor().shape() != shape:
            self._view.viewport().setCursor(shape)

    @property
    def options(self) -> Options:
        """What the reader has set about the tools."""
        return self._options

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in image px."""
        return self._options.number(RADIUS.name)

    def set_brush_radius(self, px: float) -> None:
        """Change the radius of brush and eraser, within 0.5–200 px."""
        self._options.set(RADIUS.name, px)

    def _on_option(self, name: str) -> None:
        self._tool.options_changed()
        if name == RADIUS.name:
            self.brush_radius_changed.emit(self.brush_radius)

    @property
    def pixels(self) -> Pixels | None:
        """The frame in view as stored, or None."""
        return self._pixels

    def place_label(self, wanted: QRectF, box: QRectF) -> QRectF:
        """Where a label of the tool's may stand: as wanted, or beside ``box`` where that would cover another label."""
        places = (wanted, *around(box, wanted.size()))
        return free(places, (), self._scene.labels, bounds(self._camera))

    def grey(self) -> Grey:
        """The frame in view as 8-bit grey over the file's own window; kept until another frame is shown."""
        if self._pixels is None or self._session is None:
            raise ValueError("there is no image")
        if self._grey is None or self._grey[0] is not self._pixels:
            self._grey = (self._pixels, to_grey(self._pixels, self._session.document.record.window))
        return self._grey[1]

    def say(self, text: str) -> None:
        """Tell the reader something about the tool."""
        self.said.emit(text)

    def ask(self, option: str) -> None:
        """Ask the reader for an option of the tool."""
        self.asked.emit(option)

    def apply_tool(self) -> None:
        """Let the tool work on every lesion."""
        if self.ready:
            self._tool.apply()

    def commit_tool(self) -> None:
        """Commit what the tool has pending (Enter)."""
        if self._tool.pending:
            self._tool.commit()
            self.tool_used()

    def cancel_tool(self) -> None:
        """Drop what the tool has in hand (Esc)."""
        self._tool.cancel()
        self.tool_used()

    def settle(self) -> None:
        """Commit what the tool has pending, where that means no more than to go on."""
        if self._tool.pending and self._tool.settles:
            self.commit_tool()

    def has_pending(self) -> bool:
        """Whether the tool waits for Enter or Esc."""
        return self._tool.pending

    def _settle_tool(self) -> None:
        """Before tool, frame or image change: commit what is pending (it can be undone), drop an unfinished drag."""
        self.settle()
        self._tool.cancel()
        self._mouse.forget()

    def tool_used(self) -> None:
        """The tool may have begun or ended a shape: the heatmap is hidden meanwhile."""
        self._update_heat()
        self.refresh()

    # Painting

    def show_evidence(self, what: evidence.Evidence | None) -> None:
        """Draw what a descriptor's proposal was read from, or nothing."""
        if what is not self._evidence:
            self._evidence = what
            self.refresh()

    def paint_over(self, painter: QPainter) -> None:
        """Everything over image and heatmap."""
        session = self._session
        if session is None:
            return
        if self._message:
            hud.paint_message(painter, self._camera, privacy.name(session.document.record.path), self._message)
        elif self._pixels is not None:
            self._scene.paint(
                painter,
                self._camera,
                self._look.mask,
                live=self._tool.outlines,
                machine=self._tool.edits,
                heated=self._heat_shown(),
                sizes=not self._tool.drawing,
                band=self._look.band and not self._tool.drawing,
            )
            self._scene.paint_callipers(painter, self._camera, self._tool.callipers, session.chosen)
            if self._evidence is not None and not self._tool.drawing:
                evidence.paint(painter, self._camera, self._evidence)
            if self._look.regions:
                regions.paint(painter, self._camera, session.document.record.regions)
            hud.paint(painter, self._camera, self._facts(session))
            painter.save()
            self._tool.paint(painter)
            painter.restore()
        if self._ring:
            painter.setPen(QPen(QColor(theme.DARK.accent), 2))
            painter.drawRect(QRectF(0, 0, *self._camera.view).adjusted(1, 1, -1, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bar at the bottom."""
        super().resizeEvent(event)
        self._place_bar()

    def _place_bar(self) -> None:
        width = 0
        while width != self.width():  # what the bar shows anew can let Qt lay out the panels, and so make this narrower
            width = self.width()
            self._bar.fit(width - 2 * BAR_SIDE)
        self._bar.move((self.width() - self._bar.width()) // 2, self.height() - self._bar.height() - BAR_GAP)
        self._bar.raise_()

    # Events

    def pointer_at(self, at: QPointF | None) -> None:
        """The mouse is at a place of the view, or (None) has left it."""
        if at is None or self._pixels is None:
            self.cursor_moved.emit(-1, -1, "")
            return
        x, y = (round(v) for v in self._camera.to_image(at.x(), at.y()))
        value = display.value_text(self._pixels, x, y)
        self.cursor_moved.emit(x if value else -1, y if value else -1, value)

    def _accept(self) -> None:
        if self._session is not None:
            self._session.accept()

    def _edit(self) -> None:
        self.set_tool("brush")
        self.setFocus()

    def _discard(self) -> None:
        if self._session is not None:
            self._session.discard()

    def event(self, event: QEvent) -> bool:
        """Keys that work a calliper in hand are the canvas' before they are the window's."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._wanted(event):
            event.accept()
            return True
        return super().event(event)

    def _wanted(self, event: QKeyEvent) -> bool:
        plain = event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        return plain == Qt.KeyboardModifier.NoModifier and self._tool.wants(Qt.Key(event.key()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys of the canvas, see the class."""
        key = Qt.Key(event.key())
        if self._wanted(event) and self._tool.key(key, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)):
            return
        proposal = self._session is not None and self._session.proposal() is not None
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.commit_tool() if self.has_pending() else self._accept()
        elif key == Qt.Key.Key_Escape:
            self.cancel_tool()
        elif key == Qt.Key.Key_Delete and proposal:
            self._discard()
        elif key == Qt.Key.Key_E and proposal:
            self._edit()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom_by(1 / 1.25 if key == Qt.Key.Key_Minus else 1.25)
        elif not self._tool.key(key):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus ring when the keyboard brought the focus."""
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.refresh()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the focus ring away."""
        self._ring = False
        self.refresh()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Fonts and screen may have changed."""
        self.refresh()
        super().changeEvent(event)
