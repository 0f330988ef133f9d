"""The BI-RADS ultrasound descriptors that are proposed: their names, their values, and the words for them.

Descriptor words only, of the lexicon's 5th edition (2013). BI-RADS is a trademark of the American College of Radiology,
which has no part in this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LEXICON = "BI-RADS ultrasound, 5th edition (2013)"

ORIENTATION, SHAPE, MARGIN, ECHO, POSTERIOR = "orientation", "shape", "margin", "echo_pattern", "posterior_features"

VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ORIENTATION: ("parallel", "not parallel"),
        SHAPE: ("not irregular", "irregular"),
        MARGIN: ("circumscribed", "not circumscribed"),
        ECHO: ("hypoechoic", "heterogeneous", "other"),
        POSTERIOR: ("none", "shadowing", "enhancement"),
    }
)
"""The values of each descriptor, in the order in which descriptors are shown."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        ORIENTATION: "Orientation",
        SHAPE: "Shape",
        MARGIN: "Margin",
        ECHO: "Echo pattern",
        POSTERIOR: "Posterior features",
    }
)

_ALONE = {
    (SHAPE, "not irregular"): "oval or round",
    (ECHO, "other"): "neither hypoechoic nor heterogeneous",
}
_IN_A_SENTENCE = {
    (ORIENTATION, "parallel"): "parallel orientation",
    (ORIENTATION, "not parallel"): "orientation not parallel",
    (SHAPE, "not irregular"): "oval or round shape",
    (SHAPE, "irregular"): "irregular shape",
    (MARGIN, "circumscribed"): "circumscribed margin",
    (MARGIN, "not circumscribed"): "margin not circumscribed",
    (ECHO, "hypoechoic"): "hypoechoic",
    (ECHO, "heterogeneous"): "heterogeneous echo pattern",
    (ECHO, "other"): "echo pattern neither hypoechoic nor heterogeneous",
    (POSTERIOR, "none"): "no posterior features",
    (POSTERIOR, "shadowing"): "posterior shadowing",
    (POSTERIOR, "enhancement"): "posterior enhancement",
}


@dataclass(frozen=True)
class Basis:
    """How far a proposal can be trusted: cross-validated balanced accuracy with its 95 % interval, on ``n`` lesions."""

    n: int
    data: str
    balanced_accuracy: float
    ci95: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.ci95
        return f"n = {self.n} {self.data}, balanced accuracy {self.balanced_accuracy:.2f} [{low:.2f}, {high:.2f}]"


@dataclass(frozen=True)
class Proposal:
    """One descriptor as the machine proposes it; the reader decides.

    ``probability`` is that of ``value`` were all values equally frequent, and ``basis`` how well that holds; both are None
    for orientation, which is geometry. ``evidence`` says in words what spoke for it. ``box`` (x, y, w, h) is the part of
    the image looked at behind the lesion, ``rim_px`` the width of the band looked at along the outline; None = neither.
    """

    name: str
    value: str
    probability: float | None = None
    basis: Basis | None = None
    evidence: tuple[str, ...] = ()
    box: tuple[int, int, int, int] | None = None
    rim_px: float | None = None

    @property
    def word(self) -> str:
        """The value as it stands beside the descriptor's title."""
        return _ALONE.get((self.name, self.value), self.value)

    @property
    def phrase(self) -> str:
        """The value with its descriptor: ``irregular shape``."""
        return _IN_A_SENTENCE[self.name, self.value]

    @property
    def percent(self) -> str:
        """The probability in whole per cent, or nothing for geometry."""
        return "" if self.probability is None else f"{100 * min(self.probability, 0.99):.0f} %"
