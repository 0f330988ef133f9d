"""How the image is turned on the screen, for looking only: quarter turns and a mirror. Pixels, masks and sizes never follow."""

from __future__ import annotations

from dataclasses import dataclass

from busi_viewer.gui.language import tr

Matrix = tuple[int, int, int, int]
"""(a, b, c, d): screen x = a·u + b·v, screen y = c·u + d·v for steps u along the image's rows and v down its columns."""


@dataclass(frozen=True)
class Orientation:
    """First mirrored left to right if ``mirrored``, then turned clockwise by ``turns`` quarters (0…3)."""

    turns: int = 0
    mirrored: bool = False

    @property
    def matrix(self) -> Matrix:
        """Its 2 × 2 matrix; the inverse is the transpose."""
        cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[self.turns]
        side = -1 if self.mirrored else 1
        return side * cos, -sin, side * sin, cos

    @property
    def sideways(self) -> bool:
        """Whether rows run up or down the screen."""
        return self.turns % 2 == 1

    @property
    def plain(self) -> bool:
        """Whether the image is as stored."""
        return not self.turns and not self.mirrored

    @property
    def depth_runs_down(self) -> bool:
        """Whether the image's top is at the top of the screen."""
        return self.turns == 0

    def turned(self, quarters: int) -> Orientation:
        """Turned further, clockwise as seen."""
        return Orientation((self.turns + quarters) % 4, self.mirrored)

    def flipped(self, *, sideways: bool) -> Orientation:
        """Flipped as seen: left to right (``sideways``), or top to bottom."""
        return Orientation((-self.turns + (0 if sideways else 2)) % 4, not self.mirrored)

    def on_screen(self, u: float, v: float) -> tuple[float, float]:
        """A step in the image, in logical px, as a step on the screen."""
        a, b, c, d = self.matrix
        return a * u + b * v, c * u + d * v

    def in_image(self, x: float, y: float) -> tuple[float, float]:
        """A step on the screen as a step in the image, in logical px."""
        a, b, c, d = self.matrix
        return a * x + c * y, b * x + d * y

    @property
    def words(self) -> str:
        """What was done to the display: ``turned 90°, mirrored``; empty if nothing."""
        if self.mirrored and self.turns == 2:
            return tr("flipped top to bottom")
        parts = [tr("turned {angle}°", angle=90 * self.turns)] if self.turns else []
        if self.mirrored:
            parts.insert(0, tr("flipped left to right"))
        return (
            parts[0]
            if len(parts) == 1
            else tr("{first}, then {second}", first=parts[0], second=parts[1])
            if parts
            else ""
        )


AS_STORED = Orientation()
