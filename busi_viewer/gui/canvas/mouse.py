"""The mouse on the canvas: left = tool, right = window/level, middle = pan, wheel = frames or zoom."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from busi_viewer.gui.session import Session
from busi_viewer.gui.tools import Pointer, Tool, ToolHost

ZOOM_PER_NOTCH = 1.2
NOTCH = 120
SHAPES = {
    Qt.MouseButton.MiddleButton: Qt.CursorShape.ClosedHandCursor,
    Qt.MouseButton.RightButton: Qt.CursorShape.SizeAllCursor,
}


class Owner(ToolHost, Protocol):
    """The canvas as the mouse sees it."""

    @property
    def ready(self) -> bool:
        """Whether the current frame is on the screen."""
        ...

    @property
    def active_tool(self) -> Tool:
        """The tool of the left button."""
        ...

    def show_cursor(self) -> None:
        """A drag has begun or ended."""
        ...

    def pointer_at(self, at: QPointF | None) -> None:
        """The mouse is at a place of the view, or (None) has left it."""
        ...

    def tool_used(self) -> None:
        """The tool may have begun or ended a shape."""
        ...


class Mouse:
    """Decides which drag a button starts, and keeps to it until that button is up."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._button = Qt.MouseButton.NoButton
        self._last = QPointF()
        self._turned = 0

    @property
    def dragging(self) -> bool:
        """Whether a button is held down."""
        return self._button != Qt.MouseButton.NoButton

    @property
    def shape(self) -> Qt.CursorShape | None:
        """The cursor of the drag in hand, where that is not the tool's."""
        return SHAPES.get(self._button)

    def forget(self) -> None:
        """Drop the drag in hand."""
        self._button = Qt.MouseButton.NoButton
        self._owner.show_cursor()

    def rests(self, at: QPointF) -> None:
        """Another tool was taken up over this place: it shows itself there before the mouse moves."""
        if self._owner.ready:
            self._owner.active_tool.move(Pointer(self._owner.camera.to_image(at.x(), at.y()), at))

    def _pointer(self, event: QMouseEvent) -> Pointer:
        at = event.position()
        return Pointer(self._owner.camera.to_image(at.x(), at.y()), at, event.modifiers())

    def pressed(self, event: QMouseEvent) -> None:
        """Start a drag."""
        if self.dragging or not self._owner.ready:
            return
        self._button, self._last = event.button(), event.position()
        if self._button == Qt.MouseButton.LeftButton:
            self._owner.active_tool.press(self._pointer(event))
            self._owner.tool_used()
        self._owner.show_cursor()

    def moved(self, event: QMouseEvent) -> None:
        """Go on with the drag, or show where the mouse is."""
        at = event.position()
        step, self._last = at - self._last, at
        if not self._owner.ready:
            return
        if self._button == Qt.MouseButton.MiddleButton:
            self._owner.set_camera(self._owner.camera.panned(step.x(), step.y()))
        elif self._button == Qt.MouseButton.RightButton:
            self._owner.drag_window(step.x(), step.y())
        else:
            self._owner.active_tool.move(self._pointer(event))
        self._owner.pointer_at(at)

    def released(self, event: QMouseEvent) -> None:
        """End the drag."""
        if event.button() != self._button:
            return
        self._button = Qt.MouseButton.NoButton
        if event.button() == Qt.MouseButton.LeftButton:
            self._owner.active_tool.release(self._pointer(event))
            self._owner.tool_used()
        self._owner.show_cursor()

    def double_clicked(self, event: QMouseEvent) -> None:
        """A second press in place."""
        if event.button() != Qt.MouseButton.LeftButton:
            self.pressed(event)
        elif not self.dragging and self._owner.ready:
            self._button, self._last = event.button(), event.position()
            self._owner.active_tool.double_click(self._pointer(event))
            self._owner.tool_used()

    def left(self) -> None:
        """The mouse is outside."""
        if not self.dragging:
            self._owner.active_tool.leave()
        self._owner.pointer_at(None)

    def wheel(self, event: QWheelEvent) -> None:
        """Ctrl: zoom; Shift: the tool's size; alone: frames, or zoom on a single image."""
        session = self._owner.session
        turn = event.angleDelta().y() or event.angleDelta().x()
        event.accept()
        if session is None or turn == 0:
            return
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self._owner.active_tool.turn(turn / NOTCH)
        elif keys & Qt.KeyboardModifier.ControlModifier or len(session.frames) == 1:
            factor = ZOOM_PER_NOTCH ** (turn / NOTCH)
            self._owner.set_camera(self._owner.camera.zoomed(factor, event.position()))
            self._owner.pointer_at(event.position())
        else:
            self._step_frames(session, turn)

    def _step_frames(self, session: Session, turn: int) -> None:
        """Turning towards the reader goes forward; fine wheels add up to a notch."""
        self._turned += turn
        notches = int(self._turned / NOTCH)
        self._turned -= notches * NOTCH
        if notches:
            session.set_frame(session.frame - notches)
