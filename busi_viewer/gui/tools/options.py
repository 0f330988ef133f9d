"""What the reader can set about a tool: declared by each tool, shown by the bar above the canvas, kept in one place.

Tools that declare an option of the same name share its value, as size and grey range are shared by brush and eraser.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class Number:
    """A number in ``low``…``high``. ``slider``: shown with a slider; else with a field. ``turns``: Shift + wheel changes it.

    ``decimals`` are those of its field; ``commits``: Enter in the field commits what the tool has pending.
    """

    name: str
    label: str
    low: float
    high: float
    start: float
    unit: str = "px"
    slider: bool = False
    turns: bool = False
    tip: str = ""
    decimals: int = 0
    commits: bool = False


@dataclass(frozen=True)
class Choice:
    """One of ``values``, words that are shown as they are; the first is chosen at the start."""

    name: str
    label: str
    values: tuple[str, ...]
    tip: str = ""
    captioned: bool = False


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    label: str
    tip: str = ""
    start: bool = False


@dataclass(frozen=True)
class Deed:
    """A button: the tool's :meth:`~busi_viewer.gui.tools.base.Tool.deed` of that name."""

    name: str
    label: str
    tip: str = ""


Option = Number | Choice | Switch | Deed

TURN = 1.15
"""Factor for each notch of the wheel; numbers change by 1 at least."""


class Options(QObject):
    """The values by name. ``changed(name)`` tells when one has got another value."""

    changed = Signal(str)

    def __init__(self, declared: Iterable[Option], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._declared = {option.name: option for option in declared if not isinstance(option, Deed)}
        self._values = {name: _start(option) for name, option in self._declared.items()}

    def number(self, name: str) -> float:
        """The value of a :class:`Number`. Raises KeyError for an unknown name, as the others do."""
        return float(self._values[name])

    def whole(self, name: str) -> int:
        """The value of a :class:`Number`, rounded."""
        return round(self.number(name))

    def choice(self, name: str) -> str:
        """The value of a :class:`Choice`."""
        return str(self._values[name])

    def on(self, name: str) -> bool:
        """The value of a :class:`Switch`."""
        return bool(self._values[name])

    def set(self, name: str, value: float | str | bool) -> None:
        """Give an option another value; numbers go to the nearest allowed one, a word that is no choice raises ValueError."""
        option = self._declared[name]
        if isinstance(option, Number):
            value = min(max(float(value), option.low), option.high)
        elif isinstance(option, Choice) and value not in option.values:
            raise ValueError(f"{value!r} is none of {', '.join(option.values)}")
        if value != self._values[name]:
            self._values[name] = value
            self.changed.emit(name)

    def turn(self, name: str, notches: float) -> None:
        """Change a number by the wheel."""
        now = self.number(name)
        after = now * TURN**notches
        if abs(after - now) < 1.0:
            after = now + (1.0 if notches > 0 else -1.0)
        self.set(name, round(after))


def _start(option: Number | Choice | Switch) -> float | str | bool:
    return option.values[0] if isinstance(option, Choice) else option.start
