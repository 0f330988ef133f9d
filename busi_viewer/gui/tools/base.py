"""What every tool of the canvas is, and what it may ask of the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from busi_viewer.core.callipers import Calliper
from busi_viewer.core.image import Pixels
from busi_viewer.core.region import Grey
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.outline import Outline
from busi_viewer.gui.session import Session
from busi_viewer.gui.tools.options import Number, Option, Options


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is: ``image`` in pixel centres, ``screen`` in logical px of the view, and the keys held."""

    image: tuple[float, float]
    screen: QPointF
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier

    @property
    def alt(self) -> bool:
        """Whether Alt is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)


class ToolHost(Protocol):
    """The canvas as a tool sees it."""

    @property
    def session(self) -> Session | None:
        """The open image, or None."""
        ...

    @property
    def camera(self) -> Camera:
        """Where the image lies on the screen."""
        ...

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in image px."""
        ...

    @property
    def options(self) -> Options:
        """What the reader has set."""
        ...

    @property
    def pixels(self) -> Pixels | None:
        """The frame in view as stored, or None."""
        ...

    def place_label(self, wanted: QRectF, box: QRectF) -> QRectF:
        """Where a label may stand (logical px): as wanted, or beside ``box`` where that would cover another label."""
        ...

    def grey(self) -> Grey:
        """The frame in view as (H, W) uint8 grey, over the file's own window whatever is shown. Only with an image."""
        ...

    def say(self, text: str) -> None:
        """Tell the reader something about the tool, in the bar above the canvas."""
        ...

    def ask(self, option: str) -> None:
        """Ask the reader for an option's value, in the bar above the canvas."""
        ...

    def set_camera(self, camera: Camera) -> None:
        """Pan or zoom."""
        ...

    def drag_window(self, dx: float, dy: float) -> None:
        """Change window and level by a mouse movement in logical px."""
        ...

    def show_cursor(self) -> None:
        """The tool's cursor may have changed."""
        ...

    def refresh(self, rect: QRectF | None = None) -> None:
        """Repaint a part of the view (logical px), or all of it."""
        ...


class Tool:
    """One tool of the left mouse button. Subclasses override what they need; coordinates come as :class:`Pointer`.

    ``title``, ``icon``, ``hint`` and ``options`` are what the bar above the canvas shows of it.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    hint: ClassVar[str] = ""
    options: ClassVar[tuple[Option, ...]] = ()
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.ArrowCursor
    edits: ClassVar[bool] = False
    """Whether the tool changes the mask."""
    commits: ClassVar[bool] = False
    """Whether what it draws waits for Enter or Esc."""
    settles: ClassVar[bool] = True
    """Whether that is committed before another tool, frame or image; else it is dropped."""
    measures: ClassVar[bool] = False
    """Whether the tool places callipers."""
    applies: ClassVar[bool] = False
    """Whether it can work on every lesion at once (:meth:`apply`)."""

    def __init__(self, host: ToolHost) -> None:
        self.host = host

    @property
    def shape(self) -> Qt.CursorShape:
        """The mouse cursor as things stand."""
        return self.cursor

    @property
    def drawing(self) -> bool:
        """Whether a shape is in hand: heatmap and callipers are hidden meanwhile."""
        return False

    @property
    def pending(self) -> bool:
        """Whether something waits for Enter or Esc."""
        return False

    @property
    def outlines(self) -> tuple[Outline, ...] | None:
        """The mask's outlines as they will be, while the tool changes them; else None."""
        return None

    @property
    def callipers(self) -> tuple[Calliper, ...] | None:
        """The callipers as they will be, while the tool changes them; else None."""
        return None

    def press(self, at: Pointer) -> None:
        """Left button down."""

    def move(self, at: Pointer) -> None:
        """Mouse moved, button down or not."""

    def release(self, at: Pointer) -> None:
        """Left button up."""

    def double_click(self, at: Pointer) -> None:
        """Second press of a double click."""
        self.press(at)

    def leave(self) -> None:
        """The mouse left the view."""

    def key(self, key: Qt.Key, far: bool = False) -> bool:
        """A key the canvas has no use for, or that the tool :meth:`wants`; True if it was used. ``far``: with Shift."""
        return False

    def wants(self, key: Qt.Key) -> bool:
        """Whether the tool has a use for a key now that else is a command's."""
        return False

    def turn(self, notches: float) -> None:
        """Shift + wheel."""
        for option in self.options:
            if isinstance(option, Number) and option.turns:
                self.host.options.turn(option.name, notches)

    def deed(self, name: str) -> None:
        """A button of the options was pressed."""

    def apply(self) -> None:
        """Work on every lesion at once."""

    def options_changed(self) -> None:
        """The reader has set something."""
        self.host.refresh()

    def commit(self) -> None:
        """Make what is pending an edit."""

    def cancel(self) -> None:
        """Drop what is in hand."""

    def rebase(self) -> None:
        """The mask changed under the tool (undo, a new proposal)."""

    def paint(self, painter: QPainter) -> None:
        """Draw the tool's preview in logical px of the view."""
