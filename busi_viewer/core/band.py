"""The uncertainty band: the zone around the model's outline in which the true boundary lies with a stated coverage.

The band is the zone where the model wavers, LOW ≤ p < HIGH as reached from the outlined lesion without leaving p ≥ LOW,
together with the outline itself, widened on all sides by ``margin`` times the lesion's size (the square root of its
area). The margin is chosen on validation images by conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster,
ICLR 2024): the bands are nested, and the narrowest is taken whose risk, the mean share of a true boundary outside the
band, satisfies (n·risk + 1) / (n + 1) ≤ 1 − coverage. For exchangeable images the expected share of the true boundary
inside the band is then at least the coverage. It speaks of lesions that the model outlined at all (a common pixel): a
missed lesion has no band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components, largest_area
from busi_viewer.core.measure import measure

LOW, HIGH = 0.05, 0.95
MARGINS = np.arange(0.0, 0.5001, 0.005)
"""Margins that the fit chooses from, in lesion sizes."""
COVERAGE = 0.9
MIN_RING = 8
"""Contour points below which a ring is a speck."""

Map = NDArray[np.floating]


@dataclass(frozen=True)
class Band:
    """Probability levels and margin of the band, and the share of the true boundary that it is made to hold.

    ``rings``: where it lies on an image, closed contours (N, 2) int32 x, y of pixel centres; what an even number of them
    encloses is outside.
    """

    low: float
    high: float
    margin: float
    coverage: float
    rings: tuple[NDArray[np.int32], ...] = ()


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


def _wavering(probability: Map, mask: Mask, low: float, high: float) -> Mask:
    """The outline's pixels and those with low ≤ p < high in the components of p ≥ ``low`` that touch the mask."""
    above = np.asarray((probability >= low) | mask)
    count, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[labels[mask]] = True
    keep[0] = False
    return np.asarray((keep[labels] & (probability < high)) | boundary(mask) | boundary(~mask), dtype=bool)


def _away(wavering: Mask, size: float) -> NDArray[np.float32]:
    """Distance of every pixel (H, W) from where the model wavers, in lesion sizes."""
    distance = cv2.distanceTransform((~wavering).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(distance / size, dtype=np.float32)


def _size(mask: Mask) -> float:
    """The largest outlined lesion's: the square root of its area."""
    return float(np.sqrt(largest_area(mask)))


def zone(probability: Map, mask: Mask, band: Band) -> Mask:
    """The band's pixels (H, W) around the outlined lesions of ``mask``; empty for an empty mask."""
    out = np.zeros(mask.shape, dtype=bool)
    if mask.any():
        size = _size(mask)
        wavering = _wavering(probability, mask, band.low, band.high)
        x, y, width, height = cv2.boundingRect(wavering.astype(np.uint8))
        reach = int(np.ceil(band.margin * size)) + 1
        near = slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach)
        out[near] = _away(wavering[near], size) <= band.margin
    return out


def on_image(probability: Map, mask: Mask, band: Band) -> Band:
    """The band with the rings that it has around the outlined lesions of ``mask`` (H, W)."""
    contours, _ = cv2.findContours(
        zone(probability, mask, band).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    rings = tuple(np.asarray(contour[:, 0, :], dtype=np.int32) for contour in contours if len(contour) >= MIN_RING)
    return replace(band, rings=rings)


def losses(truth: Mask, probability: Map, mask: Mask) -> NDArray[np.float64] | None:
    """Share of the true boundary outside the band of each of MARGINS; None where the outline has no pixel in the lesion."""
    edge = boundary(truth)
    if not (truth & mask).any() or not edge.any():
        return None
    away = np.sort(_away(_wavering(probability, mask, LOW, HIGH), _size(mask))[edge])
    return np.asarray(1.0 - np.searchsorted(away, MARGINS, side="right") / len(away), dtype=np.float64)


def fit_band(seen: Sequence[NDArray[np.float64]], coverage: float = COVERAGE) -> Band | None:
    """The narrowest band with the promised coverage, see the module, from the :func:`losses` of validation images.

    None where there are too few images or the widest band does not hold the coverage.
    """
    n = len(seen)
    if not n:
        return None
    risk = np.mean(seen, axis=0)
    good = np.flatnonzero((n * risk + 1.0) / (n + 1.0) <= 1.0 - coverage)
    return Band(LOW, HIGH, round(float(MARGINS[good[0]]), 4), coverage) if len(good) else None


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
