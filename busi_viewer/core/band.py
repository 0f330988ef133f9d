"""The uncertainty band: the zone around the model's outline in which the true boundary lies with a stated coverage.

The band is where the lesion probability lies between two levels, ``low`` ≤ p < ``high``, reached from the outlined lesion
without leaving p ≥ ``low``. Both levels are chosen on validation images by conformal risk control (Angelopoulos, Bates,
Fisch, Lei and Schuster, ICLR 2024): the family of bands is nested, and the tightest is taken whose risk, the mean share
of a true boundary outside the band, satisfies (n·risk + 1) / (n + 1) ≤ 1 − coverage. For exchangeable images the
expected share of the true boundary inside the band is then at least the coverage. It speaks of lesions that the model
outlined at all (a common pixel): a missed lesion has no band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components
from busi_viewer.core.measure import measure

LEVELS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5,
          0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 1.01)  # fmt: skip
"""Levels that ``low`` and ``high`` are chosen from; 1.01 = no upper limit."""
COVERAGE = 0.9
MIN_RING = 8
"""Contour points below which a ring is a speck."""

Map = NDArray[np.floating]


@dataclass(frozen=True)
class Band:
    """Probability levels of the band, and the share of the true boundary that it is made to hold.

    ``rings``: where it lies on an image, closed contours (N, 2) int32 x, y of pixel centres; what an even number of them
    encloses is outside.
    """

    low: float
    high: float
    coverage: float
    rings: tuple[NDArray[np.int32], ...] = ()


@dataclass(frozen=True)
class Margins:
    """What one image says about bands: for each LEVELS, the share of the true boundary beyond it on either side.

    ``outside[k]``: not reached at LEVELS[k] from the outlined lesion. ``inside[k]``: with p ≥ LEVELS[k].
    """

    outside: NDArray[np.float64]
    inside: NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """How a band fits one image: share of the true boundary in it; its mean width in pixels and over the long axis."""

    share: float
    width_px: float
    width_share: float


def boundary(mask: Mask) -> Mask:
    """Pixels of the mask with a 4-neighbour outside it; the image's edge is no boundary."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), cross, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return np.asarray(mask & (inner == 0), dtype=bool)


def _reached(probability: Map, mask: Mask, level: float) -> Mask:
    """Pixels of the components of p ≥ ``level`` that touch the mask, and the mask itself."""
    above = np.asarray((probability >= level) | mask)
    _, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    keep = np.zeros(int(labels.max()) + 1, dtype=bool)
    keep[np.unique(labels[mask])] = True
    keep[0] = False
    return np.asarray(keep[labels], dtype=bool)


def zone(probability: Map, mask: Mask, band: Band) -> Mask:
    """The band's pixels (H, W) around the outlined lesions of ``mask``; empty for an empty mask."""
    if not mask.any():
        return np.zeros(mask.shape, dtype=bool)
    return np.asarray(_reached(probability, mask, band.low) & (probability < band.high), dtype=bool)


def on_image(probability: Map, mask: Mask, band: Band) -> Band:
    """The band with the rings that it has around the outlined lesions of ``mask`` (H, W)."""
    contours, _ = cv2.findContours(
        zone(probability, mask, band).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    rings = tuple(np.asarray(contour[:, 0, :], dtype=np.int32) for contour in contours if len(contour) >= MIN_RING)
    return replace(band, rings=rings)


def margins(truth: Mask, probability: Map, mask: Mask) -> Margins | None:
    """What an image says about bands; None where the outline has no pixel in common with the true lesion."""
    if not (truth & mask).any():
        return None
    edge = boundary(truth)
    if not edge.any():
        return None
    at_edge = probability[edge]
    outside = [1.0 - float(_reached(probability, mask, level)[edge].mean()) for level in LEVELS]
    inside = [float((at_edge >= level).mean()) for level in LEVELS]
    return Margins(np.array(outside), np.array(inside))


def fit_band(seen: Sequence[Margins], threshold: float, coverage: float = COVERAGE) -> Band | None:
    """The tightest band of the nested family with the promised coverage, see the module; None with too few images.

    The family has one parameter, the largest mean share allowed beyond either level. ``threshold`` (the outline's own
    level) always lies inside.
    """
    n = len(seen)
    if n < 1.0 / (1.0 - coverage):
        return None
    outside = np.mean([m.outside for m in seen], axis=0)
    inside = np.mean([m.inside for m in seen], axis=0)
    levels = np.array(LEVELS)
    tails = np.unique(np.concatenate([outside, inside]))
    for tail in tails[::-1]:
        lows = np.flatnonzero((outside <= tail) & (levels <= threshold))
        highs = np.flatnonzero((inside <= tail) & (levels >= threshold))
        if not len(lows) or not len(highs):
            continue
        low, high = int(lows[-1]), int(highs[0])
        risk = float(outside[low] + inside[high])
        if (n * risk + 1.0) / (n + 1.0) <= 1.0 - coverage:
            return Band(float(levels[low]), float(levels[high]), coverage)
    return None


def cover(truth: Mask, probability: Map, mask: Mask, band: Band) -> Coverage | None:
    """How the band fits an image; None where the outline has no pixel in common with the true lesion.

    The width is the band's area over the length of the outlines; its share is of the long axis of the largest lesion.
    """
    edge = boundary(truth)
    if not (truth & mask).any() or not edge.any():
        return None
    inside = zone(probability, mask, band)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(max(cv2.arcLength(contour, True), 1.0) for contour in contours)
    width = float(inside.sum()) / length
    return Coverage(float(inside[edge].mean()), width, width / measure(components(mask)[0]).long_axis_px)
