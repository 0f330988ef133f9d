"""The breast as a clock face, seen from the front: where the lesions lie and how far from the nipple."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reportlab.platypus import Flowable

from busi_viewer.core.lexicon import CLOCK
from busi_viewer.report import fonts
from busi_viewer.report.content import Clock, ClockMark
from busi_viewer.report.parts import TEXT, TEXT3, TRACK

OUTER_MM = (80.0, 120.0, 200.0, 300.0)
"""What the face's edge may stand for: the least that holds every lesion."""
AXILLA = {"left": 1.5, "right": 10.5}
"""Hours at which the axilla lies, seen from the front."""
UNKNOWN_SHARE = 0.55
"""Where on its ray a lesion stands whose distance was not said."""
DOT = 5.6


def caption(clock: Clock) -> str:
    """``Left breast, front view``, with what of the lesions could not be drawn."""
    side = f"{clock.side.capitalize()} breast" if clock.side else "Side not said"
    unplaced = [mark.name for mark in clock.marks if _hour(mark, clock.side) is None]
    hollow = any(mark.position in CLOCK and mark.distance_mm is None for mark in clock.marks)
    notes = [f"not drawn: {', '.join(unplaced)}"] if unplaced else []
    notes += ["hollow: distance not said"] if hollow else []
    return ", ".join([side, "front view", *notes])


def _hour(mark: ClockMark, side: str | None) -> float | None:
    """The hour hand's place, 0 for the nipple's own; None where it cannot be drawn."""
    if mark.position in CLOCK:
        hour, minute = mark.position.split(":")
        return int(hour) + int(minute) / 60
    if mark.position in ("retroareolar", "central"):
        return 0.0
    return AXILLA.get(side or "")


class ClockFace(Flowable):  # type: ignore[misc]
    """The face with its lesions, numbered as in the figures. ``size`` is the face's diameter in points."""

    def __init__(self, clock: Clock, size: float = 92.0) -> None:
        super().__init__()
        self.clock, self.size = clock, size
        self.width, self.height = size + 36, size + 30
        farthest = max((mark.distance_mm or 0.0 for mark in clock.marks), default=0.0)
        self.outer = next((mm for mm in OUTER_MM if mm >= farthest), OUTER_MM[-1])

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Size in points."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        canvas, r = self.canv, self.size / 2
        canvas.saveState()
        canvas.translate(self.width / 2, self.height / 2)
        canvas.setStrokeColor(TRACK)
        canvas.setLineWidth(0.6)
        canvas.setDash(1.6, 1.6)
        canvas.circle(0, 0, r / 2, stroke=1, fill=0)
        canvas.setDash()
        canvas.setStrokeColor(TEXT)
        canvas.setLineWidth(0.9)
        canvas.circle(0, 0, r, stroke=1, fill=0)
        canvas.circle(0, 0, 3.4, stroke=1, fill=0)
        for hour in range(1, 13):
            turn = math.radians(90 - 30 * hour)
            inner = r - (4.5 if hour % 3 == 0 else 2.5)
            canvas.line(*(f * g for f in (inner,) for g in (math.cos(turn), math.sin(turn))),
                        r * math.cos(turn), r * math.sin(turn))  # fmt: skip
        canvas.setFillColor(TEXT3)
        canvas.setFont(fonts.REGULAR, 7)
        for hour in (12, 3, 6, 9):
            turn = math.radians(90 - 30 * hour)
            canvas.drawCentredString((r + 8.5) * math.cos(turn), (r + 8.5) * math.sin(turn) - 2.5, str(hour))
        canvas.setFont(fonts.REGULAR, 5.5)
        canvas.drawString(2.0, -r / 2 + 1.5, f"{self.outer / 20:g} cm")
        canvas.drawString(2.0, -r + 6.0, f"{self.outer / 10:g}")
        self._draw_marks()
        canvas.restoreState()

    def _draw_marks(self) -> None:
        canvas = self.canv
        for mark, (x, y), (cx, cy), hollow in self._placed():
            canvas.setStrokeColor(TEXT)
            canvas.setLineWidth(0.7)
            canvas.setDash((1.5, 1.5) if hollow else ())
            canvas.line(cx, cy, x, y)
            canvas.setDash()
            canvas.setFillColor("#FFFFFF" if hollow else TEXT)
            canvas.circle(x, y, DOT, stroke=1, fill=1)
            canvas.setFillColor(TEXT if hollow else "#FFFFFF")
            canvas.setFont(fonts.BOLD, 7)
            canvas.drawCentredString(x, y - 2.5, mark.number)

    def _placed(self) -> Iterator[tuple[ClockMark, tuple[float, float], tuple[float, float], bool]]:
        """Each mark that can be drawn: where, where its line begins, and whether its distance is unknown.

        A mark that would cover another stands beside it, its line still leading to its place.
        """
        taken: list[tuple[float, float]] = []
        for mark in self.clock.marks:
            hour = _hour(mark, self.clock.side)
            if hour is None:
                continue
            hollow = mark.distance_mm is None and mark.position in CLOCK
            x, y = self._place(mark, hour)
            start = (x, y) if any(math.dist((x, y), other) < 2 * DOT for other in taken) else (0.0, 0.0)
            for turn in range(24):
                reach = 2 * DOT * (1 + turn // 8)
                at = (x + reach * math.cos(turn * math.pi / 4), y + reach * math.sin(turn * math.pi / 4))
                if all(math.dist((x, y), other) >= 2 * DOT for other in taken):
                    break
                if all(math.dist(at, other) >= 2 * DOT for other in taken):
                    x, y = at
                    break
            taken.append((x, y))
            yield mark, (x, y), start, hollow

    def _place(self, mark: ClockMark, hour: float) -> tuple[float, float]:
        r = self.size / 2
        if mark.position in CLOCK:
            share = UNKNOWN_SHARE if mark.distance_mm is None else min(mark.distance_mm / self.outer, 1.0)
            share = max(share, (3.4 + DOT) / r)
        elif hour == 0.0:
            return 0.0, -DOT - 3.4 if mark.position == "retroareolar" else DOT + 3.4
        else:
            share = 0.92 if mark.position == "axillary tail" else 1.22
        turn = math.radians(90 - 30 * hour)
        return r * share * math.cos(turn), r * share * math.sin(turn)
