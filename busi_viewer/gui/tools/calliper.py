"""Tools that place a calliper: click its points one after the other, or drag a line; then it can be moved by its handles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from PySide6.QtCore import QPointF, Qt

from busi_viewer.core.callipers import Calliper, Kind
from busi_viewer.core.measure import Point
from busi_viewer.gui.tools.base import Pointer, ToolHost
from busi_viewer.gui.tools.grips import SLIP, SNAPS, Grips
from busi_viewer.gui.tools.options import Option

NEAR = 3.0
"""Logical px within which a second point is taken for a slip of the hand."""


class CalliperTool(Grips):
    """Places calliper after calliper of one ``kind``. Esc drops one that is not complete."""

    kind: ClassVar[Kind]
    cursor = Qt.CursorShape.CrossCursor
    measures = True
    options: ClassVar[tuple[Option, ...]] = (SNAPS,)

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._points: list[Point] = []
        self._at: Pointer | None = None
        self._pressed: QPointF | None = None

    @property
    def pending(self) -> bool:
        """Whether points are placed, or a calliper is dragged."""
        return bool(self._points) or super().pending

    @property
    def callipers(self) -> tuple[Calliper, ...] | None:
        """With the one in hand, as far as it is placed."""
        session = self.host.session
        if session is None or not self._points or self._at is None:
            return super().callipers
        drawn = self._so_far([*self._points, self._snapped(self._at)])
        return (*session.document.callipers, *drawn)

    def press(self, at: Pointer) -> None:
        """Take hold of a calliper that is there, or place a point."""
        self._at = at
        if self.host.session is not None and (self._points or not self.take(at)):
            self._place(at)

    def move(self, at: Pointer) -> None:
        """Lead the next point, or drag what is held."""
        self._at = at
        if self._points:
            self.host.refresh()
        else:
            super().move(at)

    def release(self, at: Pointer) -> None:
        """The end of a drag is a point too."""
        pressed, self._pressed = self._pressed, None
        if not self._points:
            super().release(at)
        elif pressed is not None and _apart(pressed, at.screen) > SLIP:
            self._place(at)
            self._pressed = None

    def leave(self) -> None:
        """The next point follows the mouse no longer."""
        self._at = None
        super().leave()
        self.host.refresh()

    def key(self, key: Qt.Key, far: bool = False) -> bool:
        """Backspace takes the last point back."""
        if key == Qt.Key.Key_Backspace and self._points:
            self._points.pop()
            self.host.refresh()
            return True
        return super().key(key, far)

    def wants(self, key: Qt.Key) -> bool:
        """While points are placed Backspace belongs to them, and no other key to the chosen calliper."""
        return key == Qt.Key.Key_Backspace if self._points else super().wants(key)

    def cancel(self) -> None:
        """Drop the points placed, else what is held."""
        if self._points:
            self._points = []
            self.host.refresh()
        else:
            super().cancel()

    def _snapped(self, at: Pointer) -> Point:
        """Where the next point would go."""
        item = None
        if self.kind is Kind.TWO_AXIS and len(self._points) == 3:
            item = Calliper(Kind.TWO_AXIS, (*self._points, at.image))
        return self.snapped(at, item, 3 if item is not None else None)

    def _place(self, at: Pointer) -> None:
        session = self.host.session
        assert session is not None  # seen by the callers
        place, camera = self._snapped(at), self.host.camera
        self._pressed = at.screen
        last = camera.to_screen(*self._points[-1]) if self._points else None
        if last is not None and _apart(camera.to_screen(*place), last) <= NEAR:
            return
        self._points.append(place)
        if len(self._points) == self.kind.points:
            points, self._points = tuple(self._points), []
            self.finish(points)
        self.host.refresh()

    def finish(self, points: Sequence[Point]) -> None:
        """All points are placed: make them a calliper, one undo item."""
        session = self.host.session
        assert session is not None  # points are placed on an image
        callipers = session.document.callipers
        item = Calliper(self.kind, tuple(points), session.frame, next_name(callipers, self.kind.word))
        session.set_callipers((*callipers, item), self.kind.word)

    def _so_far(self, places: Sequence[Point]) -> tuple[Calliper, ...]:
        """The calliper in hand, or the line that there is of it."""
        session = self.host.session
        frame = session.frame if session is not None else 0
        if len(places) == self.kind.points:
            return (Calliper(self.kind, tuple(places), frame),)
        return (Calliper(Kind.LENGTH, (places[0], places[1]), frame),)


def next_name(callipers: Sequence[Calliper], word: str) -> str:
    """``Length 1``, ``Length 2``…: the first number that is free."""
    taken = {item.name for item in callipers}
    return next(name for number in range(1, len(taken) + 2) if (name := f"{word} {number}") not in taken)


def _apart(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
