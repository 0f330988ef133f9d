"""Lesions from a box or a few scribbles (GrabCut).

Source: C. Rother, V. Kolmogorov, A. Blake. GrabCut: interactive foreground extraction using iterated graph cuts. ACM
Transactions on Graphics 23 (2004), 309–314. Two strengths of smoothed grey and the distance from the middle of the box (or from
the scribbles) take the place of its three colours: on speckle, grey alone loses the lesion in most images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box, bounding_box, components, fill_holes
from busi_viewer.core.refine import opened
from busi_viewer.core.region import Grey

EDGE = 96
"""Longest edge in px at which the cut is sought; larger areas are reduced, so that it takes a fraction of a second."""
ROUNDS = 2
MARGIN = 0.25
"""What surrounds the box and is taken as background, as a share of its longer edge."""
CORE = 0.3
"""The inner share of the box's ellipse that is taken as lesion."""
AROUND_SCRIBBLES, AT_LEAST = 0.6, 24
"""How far beyond scribbles a lesion is sought, as a share of their extent, but at least so many px."""
NEAR_SCRIBBLES, ALIKE, LEAST_SPREAD = 0.7, 3.0, 4.0
"""First guess from scribbles: within this share of that reach, and so many standard deviations (of so much) from their grey."""
WEIGHT_OF_BOX, WEIGHT_OF_SCRIBBLES = 100.0, 180.0
"""Grey levels that the whole distance counts as much as."""


@dataclass(frozen=True)
class Marks:
    """What the reader marked: a box around the lesion (half-open) or None, and pixels (H, W) that are lesion or are not."""

    box: Box | None
    lesion: Mask
    background: Mask

    @property
    def empty(self) -> bool:
        """Whether there is nothing to start from: neither box nor lesion pixels."""
        return self.box is None and not bool(self.lesion.any())


def segment(grey: Grey, marks: Marks) -> Mask:
    """The lesion that the marks mean, as (H, W) mask: holes filled, background marks left out, nothing outside the box.

    Without a box it is sought around the lesion marks. Empty marks, or a box without an inside, give an empty mask. The
    result depends on the arguments only (OpenCV's random generator is seeded). ``grey`` is (H, W) uint8.
    """
    found = np.zeros(grey.shape, dtype=bool)
    box = search_box(marks, grey.shape)
    if box is None:
        return found
    x0, y0, x1, y1 = _widened(box, max(4, round(MARGIN * max(box[2] - box[0], box[3] - box[1]))), grey.shape)
    rows, cols = slice(y0, y1), slice(x0, x1)
    inside = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    inside[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0] = True
    sure, never = marks.lesion[rows, cols], (marks.background & ~marks.lesion)[rows, cols] | ~inside
    cut = _cut(grey[rows, cols], inside, sure, never, boxed=marks.box is not None)
    found[rows, cols] = _cleaned(cut, sure, never)
    return found


def refined(mask: Mask, grey: Grey, marks: Marks) -> Mask:
    """The mask with the marked lesion in it. Lesions that lie wholly where it was sought are replaced, others stay."""
    lesion = segment(grey, marks)
    box = search_box(marks, grey.shape)
    if box is None or not lesion.any():
        return mask & ~marks.background
    kept = np.zeros_like(mask)
    for part in components(mask):
        extent = bounding_box(part)
        if extent is None or not _holds(box, extent):
            kept |= part
    return (kept & ~marks.background) | lesion


def search_box(marks: Marks, shape: tuple[int, int]) -> Box | None:
    """Where the lesion is sought: the box and the lesion marks, clipped to the image; None if there are none."""
    extent = bounding_box(marks.lesion)
    if marks.box is None:
        if extent is None:
            return None
        reach = max(extent[2] - extent[0], extent[3] - extent[1]) * AROUND_SCRIBBLES
        return _widened(extent, max(AT_LEAST, round(reach)), shape)
    boxes = [marks.box] if extent is None else [marks.box, extent]
    x0, y0 = max(min(b[0] for b in boxes), 0), max(min(b[1] for b in boxes), 0)
    x1, y1 = min(max(b[2] for b in boxes), shape[1]), min(max(b[3] for b in boxes), shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _widened(box: Box, margin: int, shape: tuple[int, int]) -> Box:
    return (
        *(max(box[0] - margin, 0), max(box[1] - margin, 0)),
        *(min(box[2] + margin, shape[1]), min(box[3] + margin, shape[0])),
    )


def _holds(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def _cut(grey: Grey, inside: Mask, sure: Mask, never: Mask, *, boxed: bool) -> Mask:
    """GrabCut at reduced size, brought back to the size of ``grey``."""
    height, width = grey.shape
    scale = min(1.0, EDGE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    blurred = cv2.GaussianBlur(grey, (0, 0), max(1.0, 0.7 / scale))
    calm = np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    marked = _shares(sure, size) > 0.0
    if boxed:
        away = _from_middle(_shares(inside, size) >= 0.5)
        guess, certain, weight = away < 1.0, (away < CORE) | marked, WEIGHT_OF_BOX
    else:
        away = _from_marks(marked, inside, sure, scale)
        guess, certain, weight = (away < NEAR_SCRIBBLES) & _alike(calm, marked), marked, WEIGHT_OF_SCRIBBLES
    labels = np.full(size[::-1], cv2.GC_PR_BGD, dtype=np.uint8)
    labels[guess] = cv2.GC_PR_FGD
    labels[certain] = cv2.GC_FGD
    labels[_shares(never, size) >= 0.5] = cv2.GC_BGD
    labels[marked] = cv2.GC_FGD
    if min(np.bincount(labels.ravel() & 1, minlength=2)) >= 8:  # odd labels are foreground; fewer px make no model
        place = np.clip(weight * away, 0, 255).astype(np.uint8)
        cv2.setRNGSeed(1)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        image = cv2.merge([calm, cv2.medianBlur(calm, 5), place])
        cv2.grabCut(image, labels, (0, 0, 0, 0), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = (labels & 1).astype(np.float32)
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5, dtype=bool)


def _from_middle(inside: Mask) -> NDArray[np.float64]:
    """Distance from the middle of the box: 1 on its inscribed ellipse."""
    x0, y0, x1, y1 = bounding_box(inside) or (0, 0, inside.shape[1], inside.shape[0])
    rows, cols = np.ogrid[: inside.shape[0], : inside.shape[1]]
    across = (cols - (x0 + x1 - 1) / 2) / ((x1 - x0) / 2)
    down = (rows - (y0 + y1 - 1) / 2) / ((y1 - y0) / 2)
    return np.asarray(np.hypot(across, down))


def _from_marks(marked: Mask, inside: Mask, sure: Mask, scale: float) -> NDArray[np.float64]:
    """Distance from the scribbles: 1 where the search ends."""
    box, extent = bounding_box(inside), bounding_box(sure)
    assert box is not None
    assert extent is not None  # without a box there are lesion marks
    reach = max(abs(a - b) for a, b in zip(box, extent, strict=True))
    distance = cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance / max(reach * scale, 1.0), dtype=np.float64)


def _alike(calm: Grey, marked: Mask) -> Mask:
    """Where the grey is like that under the scribbles."""
    values = calm[marked].astype(np.float64)
    return np.asarray(np.abs(calm - values.mean()) <= ALIKE * max(float(values.std()), LEAST_SPREAD), dtype=bool)


def _shares(mask: Mask, size: tuple[int, int]) -> NDArray[np.float32]:
    """How much of each pixel of the reduced image the mask covers."""
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _cleaned(cut: Mask, sure: Mask, never: Mask) -> Mask:
    """One lesion (with marks: those the marks lie in), smooth, without holes."""
    smooth = opened(fill_holes((cut & ~never) | sure), max(1.0, math.sqrt(float(cut.sum())) / 40))
    parts = components(smooth | sure)
    if sure.any():
        parts = [part for part in parts if (part & sure).any()]
    lesion = np.logical_or.reduce(parts[:1] if not sure.any() else parts) if parts else np.zeros_like(cut)
    return fill_holes(lesion) & ~never
