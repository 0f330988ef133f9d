"""How the reader wants images shown: grey values, mask, heatmap. Nothing of it touches pixels, masks or sizes."""

from __future__ import annotations

from dataclasses import dataclass

MASK_STYLES = ("outline", "fill", "both", "hidden")
GAMMAS = (0.25, 4.0)
THRESHOLDS = (0.0, 0.9)


@dataclass(frozen=True)
class HeatStyle:
    """The heatmap's colour map (a name of :data:`heat.COLOURS`), the heat below which nothing is drawn, and its opacity."""

    colours: str = "inferno"
    threshold: float = 0.15
    opacity: float = 1.0


@dataclass(frozen=True)
class Look:
    """``window``: (lowest, highest) grey value shown; ``gamma`` above 1 brightens what lies between them.

    ``mask`` is one of :data:`MASK_STYLES`; ``heat_on``, ``band`` and ``regions`` switch heatmap, uncertainty band and the
    outlines of the acquisition regions.
    """

    window: tuple[float, float] = (0.0, 255.0)
    inverted: bool = False
    gamma: float = 1.0
    mask: str = "both"
    heat_on: bool = False
    heat: HeatStyle = HeatStyle()
    band: bool = False
    regions: bool = False

    @property
    def greys(self) -> tuple[tuple[float, float], bool, float]:
        """What decides how pixels become grey values of the screen."""
        return self.window, self.inverted, self.gamma
