"""The words of BI-RADS ultrasound: what the machine may propose of a lesion, and what a reader may say of an image.

An edition is a :class:`Lexicon`; kept findings name theirs by its key. Descriptor words only, of the lexicon's 5th edition
(2013). BI-RADS is a trademark of the American College of Radiology, which has no part in this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LEXICON = "BI-RADS ultrasound, 5th edition (2013)"

ORIENTATION, SHAPE, MARGIN, ECHO, POSTERIOR = "orientation", "shape", "margin", "echo_pattern", "posterior_features"
COMPOSITION, CALCIFICATIONS, ASSOCIATED, SPECIAL = (
    "composition",
    "calcifications",
    "associated_features",
    "special_cases",
)

SIDES = ("left", "right")
PLANES = ("radial", "antiradial", "transverse", "sagittal", "oblique")
CLOCK = tuple(f"{hour}:{minute}" for hour in (12, *range(1, 12)) for minute in ("00", "30"))
"""Positions on the breast's clock face, seen from the front, in half hours."""
REGIONS = ("retroareolar", "central", "axillary tail", "axilla")
"""Positions that are told without the clock."""
POSITIONS = (*CLOCK, *REGIONS)

VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ORIENTATION: ("parallel", "not parallel"),
        SHAPE: ("not irregular", "irregular"),
        MARGIN: ("circumscribed", "not circumscribed"),
        ECHO: ("hypoechoic", "heterogeneous", "other"),
        POSTERIOR: ("none", "shadowing", "enhancement"),
    }
)
"""The values that may be proposed of each descriptor, in the order in which proposals are shown."""

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


@dataclass(frozen=True)
class Descriptor:
    """One question of the lexicon and its words. ``several``: more than one may apply; those in ``alone`` apply alone."""

    name: str
    title: str
    values: tuple[str, ...]
    several: bool = False
    alone: tuple[str, ...] = ()

    def fits(self, values: tuple[str, ...]) -> bool:
        """Whether a reader may give these values, in the lexicon's order and each once."""
        known = tuple(value for value in self.values if value in values) == values
        return known and (len(values) <= 1 or (self.several and not set(values) & set(self.alone)))


@dataclass(frozen=True)
class Lexicon:
    """One edition's words. ``key`` names it in what is kept; ``lesion`` are the descriptors of a lesion, in their order.

    ``assessments`` are the categories with their words, ``likelihoods`` the ranges of the likelihood of cancer that the
    edition names, ``managements`` what a reader may choose to be done, ``gravity`` the categories from least to gravest.
    """

    key: str
    title: str
    composition: Descriptor
    lesion: tuple[Descriptor, ...]
    assessments: Mapping[str, str]
    likelihoods: Mapping[str, str]
    gravity: tuple[str, ...]
    managements: tuple[str, ...]

    def descriptor(self, name: str) -> Descriptor:
        """The descriptor of that name. Raises KeyError."""
        found = next((one for one in (self.composition, *self.lesion) if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


FIFTH = Lexicon(
    "birads-us-2013",
    LEXICON,
    Descriptor(
        COMPOSITION,
        "Tissue composition",
        ("homogeneous, fat", "homogeneous, fibroglandular", "heterogeneous"),
    ),
    (
        Descriptor(SHAPE, "Shape", ("oval", "round", "irregular")),
        Descriptor(ORIENTATION, "Orientation", ("parallel", "not parallel")),
        Descriptor(
            MARGIN,
            "Margin",
            ("circumscribed", "not circumscribed", "indistinct", "angular", "microlobulated", "spiculated"),
            several=True,
            alone=("circumscribed", "not circumscribed"),
        ),
        Descriptor(
            ECHO,
            "Echo pattern",
            ("anechoic", "hyperechoic", "complex cystic and solid", "hypoechoic", "isoechoic", "heterogeneous"),
        ),
        Descriptor(POSTERIOR, "Posterior features", ("none", "enhancement", "shadowing", "combined pattern")),
        Descriptor(
            CALCIFICATIONS,
            "Calcifications",
            ("none", "in a mass", "outside of a mass", "intraductal"),
            several=True,
            alone=("none",),
        ),
        Descriptor(
            ASSOCIATED,
            "Associated features",
            (
                "none",
                "architectural distortion",
                "duct changes",
                "skin thickening",
                "skin retraction",
                "oedema",
                "vascularity absent",
                "internal vascularity",
                "vessels in rim",
                "elasticity soft",
                "elasticity intermediate",
                "elasticity hard",
            ),
            several=True,
            alone=("none",),
        ),
        Descriptor(
            SPECIAL,
            "Special case",
            (
                "none",
                "simple cyst",
                "clustered microcysts",
                "complicated cyst",
                "mass in or on skin",
                "foreign body including implant",
                "intramammary lymph node",
                "axillary lymph node",
                "vascular abnormality: AVM",
                "vascular abnormality: Mondor disease",
                "postsurgical fluid collection",
                "fat necrosis",
            ),
            several=True,
            alone=("none",),
        ),
    ),
    MappingProxyType(
        {
            "0": "incomplete",
            "1": "negative",
            "2": "benign",
            "3": "probably benign",
            "4": "suspicious",
            "4A": "low suspicion",
            "4B": "moderate suspicion",
            "4C": "high suspicion",
            "5": "highly suggestive of malignancy",
            "6": "known malignancy",
        }
    ),
    MappingProxyType(
        {
            "1": "0 %",
            "2": "0 %",
            "3": "≤ 2 %",
            "4": "> 2 to < 95 %",
            "4A": "> 2 to ≤ 10 %",
            "4B": "> 10 to ≤ 50 %",
            "4C": "> 50 to < 95 %",
            "5": "≥ 95 %",
        }
    ),
    ("1", "2", "3", "6", "0", "4", "4A", "4B", "4C", "5"),
    (
        "additional imaging",
        "comparison with earlier examinations",
        "routine screening",
        "short-interval follow-up",
        "continued surveillance",
        "tissue sampling",
        "surgical excision",
        "treatment as planned",
    ),
)
"""The edition in use. Gravity: that of a study is its gravest finding's, in the order 1, 2, 3, 6, 0, 4, 5 of the same source."""

EDITIONS: Mapping[str, Lexicon] = MappingProxyType({FIFTH.key: FIFTH})
"""Every edition that kept findings may be written in."""

SUSPICIOUS_MARGINS = ("not circumscribed", "indistinct", "angular", "microlobulated", "spiculated")
SUSPICIOUS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SHAPE: ("irregular",),
        MARGIN: SUSPICIOUS_MARGINS,
        ECHO: ("complex cystic and solid",),
        CALCIFICATIONS: ("intraductal",),
        ASSOCIATED: ("architectural distortion", "skin retraction"),
    }
)
"""Words that speak against a benign finding (shape and margin: Stavros et al., Radiology 196 (1995) 123-134)."""
EXPLAINED_BY = ("postsurgical fluid collection", "fat necrosis", "mass in or on skin", "foreign body including implant")
"""Special cases in which such words are usual."""


def covered(name: str, proposed: str) -> tuple[str, ...]:
    """The reader's words that a proposed value stands for: ``not irregular`` is oval or round. Raises KeyError."""
    return _COVERED.get((name, proposed), (proposed,))


_COVERED = {
    (SHAPE, "not irregular"): ("oval", "round"),
    (MARGIN, "not circumscribed"): SUSPICIOUS_MARGINS,
    (ECHO, "other"): ("anechoic", "hyperechoic", "complex cystic and solid", "isoechoic"),
}
