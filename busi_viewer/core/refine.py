"""Refining lesion masks: grow, shrink, smooth, islands, split, merge. Pure functions on (H, W) bool masks.

Nothing is known beyond the image's edge, so a lesion cut by it neither retreats from the edge when it shrinks nor opens
towards it when it is smoothed. Empty masks come back empty. Work is done in the box around the lesion, however large the
image is. Coordinates are pixel centres, x right, y down; sizes are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box, bounding_box, components, remove_small, stroke

Points = Sequence[tuple[float, float]]
Refinement = Callable[[Mask], Mask]


def grown(mask: Mask, px: float) -> Mask:
    """Every pixel whose centre lies within ``px`` (Euclidean) of the mask."""
    return _in_box(mask, px, lambda part: _near(part, px))


def shrunk(mask: Mask, px: float) -> Mask:
    """The pixels farther than ``px`` from everything outside the mask: ``shrunk(m) = ~grown(~m)``."""
    return _in_box(mask, 1, lambda part: ~_near(~part, px))


def opened(mask: Mask, px: float) -> Mask:
    """Shrunk, then grown back: takes off specks and thin spurs, adds nothing. Doing it twice changes nothing more."""
    return _in_box(mask, px, lambda part: _near(~_near(~part, px), px))


def closed(mask: Mask, px: float) -> Mask:
    """Grown, then shrunk back: bridges clefts and gaps, removes nothing. Doing it twice changes nothing more."""
    return _in_box(mask, 2 * px, lambda part: ~_near(~_near(part, px), px))


def median(mask: Mask, px: int) -> Mask:
    """Each pixel takes the majority of the square of ``2 * px + 1`` pixels around it (edge pixels are repeated outwards)."""
    edge = 2 * px + 1
    return _in_box(mask, edge, lambda part: cv2.medianBlur(part.astype(np.uint8) * 255, edge) > 127)


def keep_largest(mask: Mask) -> Mask:
    """The largest 8-connected component alone."""
    parts = components(mask)
    return parts[0] if parts else mask.copy()


def lesion_at(mask: Mask, x: float, y: float, reach: int = 0) -> Mask | None:
    """The 8-connected component at (x, y), else the nearest with a pixel at most ``reach`` away in x and y, else None."""
    height, width = mask.shape
    column, row = round(x), round(y)
    x0, y0 = max(column - reach, 0), max(row - reach, 0)
    near = mask[y0 : max(row + reach + 1, 0), x0 : max(column + reach + 1, 0)]
    rows, cols = np.nonzero(near)
    if not len(rows):
        return None
    best = int(np.hypot(rows + y0 - y, cols + x0 - x).argmin())
    seed = (int(cols[best]) + x0, int(rows[best]) + y0)
    flooded = np.zeros((height + 2, width + 2), dtype=np.uint8)
    cv2.floodFill(mask.view(np.uint8).copy(), flooded, seed, 0, 0, 0, 8 | cv2.FLOODFILL_MASK_ONLY | (1 << 8))
    return flooded[1:-1, 1:-1].astype(bool)


def on_lesion(mask: Mask, lesion: Mask, refinement: Refinement) -> Mask:
    """The mask with ``refinement`` done to one of its components; the others keep their pixels."""
    return (mask & ~lesion) | refinement(lesion)


def split(mask: Mask, points: Points) -> Mask:
    """The mask cut along a line through ``points``, one pixel wide. Components that the line does not part stay whole."""
    cut = _line(mask.shape, points)
    after = mask.copy()
    for part in components(mask):
        if (part & cut).any() and _count(part & ~cut) > 1:
            after &= ~(part & cut)
    return after


def merge(mask: Mask, points: Points, radius: float) -> Mask:
    """The mask with the components that a line through ``points`` touches joined by a bridge along it.

    The bridge is ``2 * radius`` wide and runs from the first component touched to the last. A line that touches fewer than
    two changes nothing.
    """
    dense = _dense(points)
    height, width = mask.shape
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    met = [int(labels[round(y), round(x)]) if 0 <= round(y) < height and 0 <= round(x) < width else 0 for x, y in dense]
    on = [i for i, label in enumerate(met) if label]
    if len({met[i] for i in on}) < 2:
        return mask.copy()
    box, bridge = stroke((height, width), dense[on[0] : on[-1] + 1], radius)
    after = mask.copy()
    after[box[1] : box[3], box[0] : box[2]] |= bridge
    return after


def without_islands(mask: Mask, min_area: int) -> Mask:
    """The mask without components below ``min_area`` pixels; the largest component stays whatever its size."""
    return remove_small(mask, min_area) | keep_largest(mask)


def _in_box(mask: Mask, margin: float, refinement: Refinement) -> Mask:
    """Do a refinement that reaches no further than ``margin`` beyond the mask in that box alone."""
    around = _around(mask, math.ceil(margin) + 1)
    after = np.zeros_like(mask)
    if around is not None:
        x0, y0, x1, y1 = around
        after[y0:y1, x0:x1] = refinement(mask[y0:y1, x0:x1])
    return after


def _around(mask: Mask, margin: int) -> Box | None:
    box = bounding_box(mask)
    if box is None:
        return None
    height, width = mask.shape
    return max(box[0] - margin, 0), max(box[1] - margin, 0), min(box[2] + margin, width), min(box[3] + margin, height)


def _near(mask: Mask, px: float) -> Mask:
    """Pixels within ``px`` of a set pixel; none if none is set."""
    if not mask.any():
        return np.zeros_like(mask)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= px + 1e-4, dtype=bool)


def _line(shape: tuple[int, ...], points: Points) -> Mask:
    """A 4-connected line, which parts what is 8-connected."""
    canvas = np.zeros(shape, dtype=np.uint8)
    corners = [(round(x), round(y)) for x, y in points]
    for a, b in pairwise([*corners[:1], *corners]):
        cv2.line(canvas, a, b, 1, 1, cv2.LINE_4)
    return canvas.astype(bool)


def _dense(points: Points) -> list[tuple[float, float]]:
    """The line in steps of half a pixel at most."""
    dense = list(points[:1])
    for (ax, ay), (bx, by) in pairwise(points):
        steps = max(1, math.ceil(2 * math.hypot(bx - ax, by - ay)))
        dense += [(ax + (bx - ax) * i / steps, ay + (by - ay) * i / steps) for i in range(1, steps + 1)]
    return dense


def _count(mask: Mask) -> int:
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0]) - 1
