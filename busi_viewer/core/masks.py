"""Binary lesion masks: components, contours, rasterised shapes. Masks are (H, W) bool, coordinates pixel centres."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1), half-open."""


def components(mask: Mask) -> list[Mask]:
    """The 8-connected components, largest first."""
    inside, part = set_part(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    found = []
    for i in sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA])):
        component = np.zeros(mask.shape, dtype=bool)
        component[inside] = labels == i
        found.append(component)
    return found


def largest_area(mask: Mask) -> int:
    """Pixels of the largest 8-connected component."""
    _, part = set_part(mask)
    stats = cv2.connectedComponentsWithStats(part, connectivity=8)[2]
    return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0))


def set_part(mask: Mask) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
    """Where the set pixels lie and that part of the mask as bytes: a lesion is small beside its image."""
    flat = mask.astype(np.uint8)
    x, y, width, height = cv2.boundingRect(flat)
    inside = slice(y, y + max(height, 1)), slice(x, x + max(width, 1))
    return inside, flat[inside]


def outer_contour(mask: Mask) -> NDArray[np.int32]:
    """Outer boundary of the mask's largest component as (N, 2) int32 x, y of boundary pixels' centres.

    Filling this polygon with :func:`fill_polygon` gives the component back, holes filled. Empty mask → (0, 2).
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((0, 2), dtype=np.int32)
    largest = max(contours, key=lambda c: (cv2.contourArea(c), len(c)))
    return np.asarray(largest[:, 0, :], dtype=np.int32)


def nearest_on(line: NDArray[np.generic], point: tuple[float, float]) -> tuple[float, float]:
    """The place on a closed line of (N, 2) x, y corners, N ≥ 1, that is nearest to ``point``."""
    start = np.asarray(line, dtype=np.float64)
    run = np.roll(start, -1, axis=0) - start
    long = np.maximum((run**2).sum(axis=1), 1e-12)
    share = np.clip(((np.asarray(point) - start) * run).sum(axis=1) / long, 0.0, 1.0)
    places = start + share[:, None] * run
    x, y = places[int(((places - np.asarray(point)) ** 2).sum(axis=1).argmin())]
    return float(x), float(y)


def fill_polygon(shape: tuple[int, int], points: Sequence[tuple[float, float]] | NDArray[np.generic]) -> Mask:
    """Mask of a closed polygon given as x, y pairs (sub-pixel positions are rounded to pixel centres)."""
    canvas = np.zeros(shape, dtype=np.uint8)
    array = np.rint(np.asarray(points, dtype=np.float64)).astype(np.int32).reshape(-1, 1, 2)
    if len(array):
        cv2.fillPoly(canvas, [array], 1)
    return canvas.astype(bool)


def stroke(shape: tuple[int, int], points: Sequence[tuple[float, float]], radius: float) -> tuple[Box, Mask]:
    """A round brush drawn along ``points`` (x, y): its bounding box, clipped to the image, and the mask inside the box."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    reach = int(np.ceil(radius)) + 1
    x0, y0 = max(int(min(xs)) - reach, 0), max(int(min(ys)) - reach, 0)
    x1, y1 = min(int(max(xs)) + reach + 2, shape[1]), min(int(max(ys)) + reach + 2, shape[0])
    if x1 <= x0 or y1 <= y0:
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    canvas = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    shift = 4
    unit = 1 << shift

    def fixed(p: tuple[float, float]) -> tuple[int, int]:
        return round((p[0] - x0) * unit), round((p[1] - y0) * unit)

    for a, b in pairwise(points):
        cv2.line(canvas, fixed(a), fixed(b), 1, max(1, round(2 * radius)), cv2.LINE_8, shift)
    for p in points:
        cv2.circle(canvas, fixed(p), round(radius * unit), 1, -1, cv2.LINE_8, shift)
    return (x0, y0, x1, y1), canvas.astype(bool)


def bounding_box(mask: Mask) -> Box | None:
    """Smallest box that holds every set pixel, or None for an empty mask."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def remove_small(mask: Mask, min_area: int) -> Mask:
    """The mask without components smaller than ``min_area`` pixels."""
    inside, part = set_part(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[1:] = stats[1:, cv2.CC_STAT_AREA] >= min_area
    kept = np.zeros(mask.shape, dtype=bool)
    kept[inside] = keep[labels]
    return kept


def fill_holes(mask: Mask) -> Mask:
    """The mask with every hole enclosed by it filled."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    canvas = np.zeros(mask.shape, dtype=np.uint8)
    cv2.drawContours(canvas, contours, -1, 1, -1)
    return canvas.astype(bool)
