"""Calibrate: draw a length that is known, such as the depth scale's, and type its mm. For images whose file states none."""

from __future__ import annotations

from collections.abc import Sequence

from busi_viewer.core.callipers import MOST_MM, Calibration, Calliper, Kind, states_scale
from busi_viewer.core.measure import Point
from busi_viewer.gui.language import tr
from busi_viewer.gui.tools.base import Pointer, ToolHost
from busi_viewer.gui.tools.calliper import CalliperTool
from busi_viewer.gui.tools.options import Number

KNOWN = Number(
    "known_mm", "Known length", 0.1, MOST_MM, 10, unit="mm", tip="How long the line is", decimals=1, commits=True
)
USUAL = (0.005, 1.0)
"""mm a pixel that ultrasound images have."""
REFUSED = "This file states its own calibration; it is not replaced."


class Calibrate(CalliperTool):
    """The line waits for its length; Enter makes it the image's calibration, one undo item. It is marked as the reader's."""

    name = "calibrate"
    title = "Calibrate"
    icon = "ruler"
    hint = "Drag along a known length, type its mm, Enter"
    options = (KNOWN,)
    kind = Kind.LENGTH
    commits = True
    settles = False

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._line: tuple[Point, Point] | None = None

    @property
    def pending(self) -> bool:
        """Whether a line is drawn or begun."""
        return self._line is not None or super().pending

    @property
    def callipers(self) -> tuple[Calliper, ...] | None:
        """With the line."""
        session = self.host.session
        if session is None or self._line is None:
            return super().callipers
        return (*session.document.callipers, Calliper(Kind.LENGTH, self._line, session.frame))

    def take(self, at: Pointer) -> bool:
        """The line may begin on a calliper: none is taken hold of."""
        return False

    def press(self, at: Pointer) -> None:
        """Draw a line, in place of the one before."""
        session = self.host.session
        if session is not None and states_scale(session.document.record):
            self.host.say(tr(REFUSED))
            return
        self._line = None
        super().press(at)

    def finish(self, points: Sequence[Point]) -> None:
        """The line is drawn: ask for its length."""
        self._line = (points[0], points[1])
        self.host.ask(KNOWN.name)

    def snapped(self, at: Pointer, item: Calliper | None, handle: int | None, index: int | None = None) -> Point:
        """Nothing of the lesions matters here."""
        return self.within(at)

    def commit(self) -> None:
        """State the scale."""
        session, line = self.host.session, self._line
        if session is None or line is None:
            return
        self._line = None
        scale = Calibration(line, self.host.options.number(KNOWN.name), session.frame)
        side = scale.spacing_mm[0]
        session.set_calibration(scale, "Calibrate")
        odd = "" if USUAL[0] <= side <= USUAL[1] else tr("That is unusual for ultrasound: check the length.")
        self.host.say(" ".join((tr("Calibrated by reader: {spacing:.3g} mm/px", spacing=side) + ".", odd)).strip())
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the line."""
        self._line = None
        super().cancel()
