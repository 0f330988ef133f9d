"""Taking hold of callipers that are there: choose, drag a handle or the whole, nudge a handle by the arrow keys, delete.

The pointer does this, and every calliper tool does it before it begins a calliper of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from busi_viewer.core.callipers import Calliper, Kind, Scale, calliper_scale, off_square, squared
from busi_viewer.core.masks import nearest_on
from busi_viewer.core.measure import Point
from busi_viewer.gui import theme
from busi_viewer.gui.calliper_shape import handles, lines
from busi_viewer.gui.session import Grip, Session
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.options import Switch

HIT, LINE_HIT = 9.0, 5.0
"""Reach of the mouse around a handle and around a line, in logical px."""
HOVERED = 10.0
"""Edge of the handle under the mouse in logical px."""
SLIP = 3.0
"""Logical px of movement below which a press is a click."""
SNAP = 7.0
"""Reach of snapping in logical px."""
SQUARE = 6.0
"""Degrees beside the perpendicular within which a second axis snaps to it."""
SNAPS = Switch(
    "calliper_snap", "Snap", "To outlines and their axes, other callipers' ends, right angles; not with Alt", True
)
ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
FAR = 10.0
"""Image px that an arrow key with Shift moves by; alone by 1."""
KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


class Grips(Tool):
    """Holds the calliper in hand (``_live``) until the button is up; then it is one undo item."""

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._held: tuple[Grip, Pointer, Calliper] | None = None
        self._hovered: Grip | None = None
        self._live: Calliper | None = None

    @property
    def callipers(self) -> tuple[Calliper, ...] | None:
        """The callipers as they will be, while one is dragged; else None."""
        session = self.host.session
        if session is None or self._held is None or self._live is None:
            return None
        return swapped(session, self._held[0].index, self._live)

    @property
    def shape(self) -> Qt.CursorShape:
        """A hand over a calliper that a press would take."""
        free = self._hovered is None and self._held is None
        return self.cursor if free else Qt.CursorShape.PointingHandCursor

    @property
    def pending(self) -> bool:
        """Whether a calliper is being dragged: Esc puts it back."""
        return self._live is not None

    def press(self, at: Pointer) -> None:
        """Take hold of a calliper, or let go of the chosen one."""
        self.take(at)

    def take(self, at: Pointer) -> bool:
        """Whether there is a calliper under the mouse; it is chosen then, and follows the mouse."""
        session = self.host.session
        grip = self._under(session, at) if session is not None else None
        if session is not None:
            session.choose(grip)
        if session is None or grip is None:
            return False
        self._held = (grip, at, session.document.callipers[grip.index])
        return True

    def move(self, at: Pointer) -> None:
        """Drag what is held, or show what could be."""
        session = self.host.session
        if session is None or self._held is None:
            self._hover(self._under(session, at) if session is not None else None)
            return
        grip, start, before = self._held
        if self._live is None and _far(at.screen - start.screen) <= SLIP:
            return
        if grip.handle is None:
            dx, dy = at.image[0] - start.image[0], at.image[1] - start.image[1]
            self._live = kept_inside(session, before.shifted(dx, dy))
        else:
            self._live = before.moved(grip.handle, self.snapped(at, before, grip.handle, grip.index))
        self.host.refresh()

    def release(self, at: Pointer) -> None:
        """Let go: one undo item, if something was moved."""
        session, held, live = self.host.session, self._held, self._live
        self._held = self._live = None
        if session is not None and held is not None and live is not None:
            session.set_callipers(swapped(session, held[0].index, live), f"Move {live.name or live.kind.word}")
        self.host.refresh()

    def double_click(self, at: Pointer) -> None:
        """Two clicks."""
        self.press(at)

    def leave(self) -> None:
        """The mouse left the view."""
        self._hover(None)

    def _hover(self, grip: Grip | None) -> None:
        if grip != self._hovered:
            self._hovered = grip
            self.host.show_cursor()
            self.host.refresh()

    def paint(self, painter: QPainter) -> None:
        """The handles of the calliper under the mouse, larger the one that a press would take."""
        session, grip = self.host.session, self._hovered
        if session is None or grip is None or self._held is not None or grip.index >= len(session.document.callipers):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.DARK.accent), 1.5))
        for i, place in enumerate(handles(session.document.callipers[grip.index], self.host.camera)):
            half = HOVERED / 2 if i == grip.handle else HOVERED / 2 - 1
            painter.setBrush(QColor(theme.DARK.accent) if i == grip.handle else Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(place.x() - half, place.y() - half, 2 * half, 2 * half))

    def cancel(self) -> None:
        """Put back what is dragged, let go of what is chosen."""
        held, self._held, self._live = self._held, None, None
        if self.host.session is not None and held is None:
            self.host.session.choose(None)
        self.host.refresh()

    def rebase(self) -> None:
        """The callipers may have changed: what is held may be gone."""
        self._hovered = None
        session, held = self.host.session, self._held
        callipers = session.document.callipers if session is not None else ()
        if held is not None and callipers[held[0].index : held[0].index + 1] != (held[2],):
            self._held = self._live = None

    # keys

    def wants(self, key: Qt.Key) -> bool:
        """Whether :meth:`key` would use a key: those that work the chosen calliper, the arrows only with a handle of it.

        Just placed or chosen as a whole it leaves the arrows to frames and images, so that none is moved unawares.
        """
        chosen = self.host.session.chosen if self.host.session is not None else None
        return chosen is not None and (key in KEYS or (key in ARROWS and chosen.handle is not None))

    def key(self, key: Qt.Key, far: bool = False) -> bool:
        """Nudge by the arrow keys (``far``: by more), choose another handle, delete."""
        session = self.host.session
        if session is None or session.chosen is None or not self.wants(key):
            return False
        index, handle = session.chosen.index, session.chosen.handle
        item = session.document.callipers[index]
        if handle is not None and key in ARROWS:
            self._nudge(session, index, handle, [value * (FAR if far else 1.0) for value in ARROWS[key]])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            remove(session, index)
        else:
            grips = [None, *range(len(item.points))]
            step = 1 if key == Qt.Key.Key_PageDown else -1
            session.choose(Grip(index, grips[(grips.index(handle) + step) % len(grips)]))
        self.host.refresh()
        return True

    def _nudge(self, session: Session, index: int, handle: int, arrow: Sequence[float]) -> None:
        """Move a handle in the direction that the arrow has on the screen."""
        dx, dy = self.host.camera.orientation.in_image(arrow[0], arrow[1])
        item = session.document.callipers[index]
        x, y = item.points[handle]
        after = item.moved(handle, inside(session, (x + dx, y + dy)))
        label = f"Nudge {item.name or item.kind.word}"
        session.set_callipers(swapped(session, index, after), label, nudge=Grip(index, handle))

    # where things are

    def _under(self, session: Session, at: Pointer) -> Grip | None:
        """The handle (else the line) nearest to the mouse, the chosen calliper's handles first."""
        here = [(i, item) for i, item in enumerate(session.document.callipers) if item.frame == session.frame]
        camera, chosen = self.host.camera, session.chosen
        places = [
            (i != (chosen.index if chosen else None), _far(camera.to_screen(*point) - at.screen), i, handle)
            for i, item in here
            for handle, point in enumerate(item.points)
        ]
        near = min((found for found in places if found[1] <= HIT), default=None)
        if near is not None:
            return Grip(near[2], near[3])
        beside = [
            (min(_from_line(at.screen, *line) for line in lines(item, self._scale(item), camera)), i)
            for i, item in here
        ]
        distance, index = min(beside, default=(math.inf, 0))
        return Grip(index, None) if distance <= LINE_HIT else None

    def _scale(self, item: Calliper) -> Scale:
        assert self.host.session is not None  # only asked with an image
        return calliper_scale(self.host.session.document.record, item)

    # snapping

    def snapped(self, at: Pointer, item: Calliper | None, handle: int | None, index: int | None = None) -> Point:
        """Where a handle goes: inside the image, and to what it snaps to near the mouse."""
        session = self.host.session
        assert session is not None  # only called with an image
        place = self.within(at)
        if at.alt or not self.host.options.on(SNAPS.name):
            return place
        place = self._near(session, place, index)
        if item is not None and item.kind is Kind.TWO_AXIS and handle in (2, 3):
            place = self._square(item, handle, place)
        return inside(session, place)

    def within(self, at: Pointer) -> Point:
        """The place of the image under the mouse, or nearest to it."""
        assert self.host.session is not None  # only called with an image
        return inside(self.host.session, at.image)

    def _near(self, session: Session, place: Point, index: int | None) -> Point:
        """The end of an axis or of another calliper within reach, else the outline within reach, else the place itself."""
        camera = self.host.camera
        here = camera.to_screen(*place)
        outlines = [nearest_on(lesion.contour, place) for lesion in session.lesions()]
        for targets in (_targets(session, index), outlines):
            away = [(_far(camera.to_screen(*target) - here), target) for target in targets]
            distance, target = min(away, default=(math.inf, place))
            if distance <= SNAP:
                return target
        return place

    def _square(self, item: Calliper, handle: int, place: Point) -> Point:
        """The second axis' end perpendicular to the first, if it nearly is."""
        a, b, c, d = item.points
        fixed, scale = (c if handle == 3 else d), self._scale(item)
        if math.dist(fixed, place) > 0 and off_square(a, b, fixed, place, scale) <= SQUARE:
            return squared(a, b, fixed, place, scale)
        return place


def swapped(session: Session, index: int, item: Calliper) -> tuple[Calliper, ...]:
    """The document's callipers with another one at ``index``."""
    callipers = session.document.callipers
    return (*callipers[:index], item, *callipers[index + 1 :])


def remove(session: Session, index: int) -> None:
    """Delete a calliper, as one undo item."""
    callipers = session.document.callipers
    item = callipers[index]
    session.set_callipers((*callipers[:index], *callipers[index + 1 :]), f"Delete {item.name or item.kind.word}")


def renamed(session: Session, index: int, name: str) -> None:
    """Give a calliper another name, as one undo item."""
    item = session.document.callipers[index]
    session.set_callipers(swapped(session, index, replace(item, name=name)), f"Rename {item.name or item.kind.word}")


def inside(session: Session, point: Point) -> Point:
    """The place of the image that is nearest to a point."""
    height, width = session.document.record.shape
    return min(max(point[0], -0.5), width - 0.5), min(max(point[1], -0.5), height - 0.5)


def kept_inside(session: Session, item: Calliper) -> Calliper:
    """A calliper shifted so that none of its points is outside the image, if it fits."""
    height, width = session.document.record.shape
    xs, ys = zip(*item.points, strict=True)
    dx = max(-0.5 - min(xs), 0.0) - max(max(xs) - (width - 0.5), 0.0)
    dy = max(-0.5 - min(ys), 0.0) - max(max(ys) - (height - 0.5), 0.0)
    return item.shifted(dx, dy)


def _targets(session: Session, index: int | None) -> list[Point]:
    """What a handle snaps to first: the ends of the lesions' axes and of other callipers on the frame."""
    ends = [end for lesion in session.lesions() for end in (*lesion.long_axis, *lesion.short_axis)]
    for i, item in enumerate(session.document.callipers):
        if i != index and item.frame == session.frame:
            ends += item.points
    return ends


def _far(step: QPointF) -> float:
    return math.hypot(step.x(), step.y())


def _from_line(at: QPointF, a: QPointF, b: QPointF) -> float:
    run = b - a
    long = QPointF.dotProduct(run, run)
    share = min(max(QPointF.dotProduct(at - a, run) / long, 0.0), 1.0) if long else 0.0
    return _far(a + run * share - at)
