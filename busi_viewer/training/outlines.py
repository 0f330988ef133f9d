"""Outlines as another reader or a model would draw them: a true mask, grown, shrunk, shifted, roughened or smoothed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import bounding_box, components, fill_holes

_PAD = 0.35


def redrawn(mask: Mask, rng: np.random.Generator) -> Mask:
    """A random variant of a lesion's mask (H, W): its largest part, without holes, never empty.

    The outline moves by up to a tenth of the lesion's equivalent diameter: a common growth (±6 %), a shift (±4 %), slow
    waves (up to 7 %), fine roughness (up to 1.5 %), and, for every other one, the smoothing that a network gives.
    """
    box = bounding_box(mask)
    if box is None:
        raise ValueError("an empty mask cannot be redrawn")
    diameter = float(np.sqrt(4.0 * mask.sum() / np.pi))
    pad = int(_PAD * diameter) + 4
    x0, y0 = max(box[0] - pad, 0), max(box[1] - pad, 0)
    x1, y1 = min(box[2] + pad, mask.shape[1]), min(box[3] + pad, mask.shape[0])
    part = mask[y0:y1, x0:x1].astype(np.uint8)
    depth = _signed_distance(part)
    if rng.random() < 0.5:
        depth = np.asarray(cv2.GaussianBlur(depth, (0, 0), rng.uniform(0.02, 0.08) * diameter + 0.5), np.float32)
    depth += np.float32(rng.normal(0.0, 0.03) * diameter)
    depth += _waves(part.shape, rng.uniform(0.1, 0.3) * diameter, rng.uniform(0.0, 0.07) * diameter, rng)
    depth += _waves(part.shape, 0.03 * diameter, rng.uniform(0.0, 0.015) * diameter, rng)
    shift = rng.normal(0.0, 0.02, 2) * diameter
    matrix = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    size = (part.shape[1], part.shape[0])
    depth = np.asarray(cv2.warpAffine(depth, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32)
    found = components(fill_holes(depth > 0.0))
    out = np.zeros_like(mask)
    out[y0:y1, x0:x1] = found[0] if found else part.astype(bool)
    return out


def _signed_distance(part: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Distance to the outline in pixels, positive inside."""
    inner = cv2.distanceTransform(part, cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(np.asarray(1 - part, np.uint8), cv2.DIST_L2, 5)
    return np.asarray(inner - outer, dtype=np.float32)


def _waves(shape: tuple[int, ...], period: float, amplitude: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random field of about this period with this standard deviation, in pixels."""
    small = tuple(max(round(side / max(period, 1.0)), 2) + 3 for side in shape)
    noise = rng.standard_normal(small, dtype=np.float32)
    field = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field * np.float32(amplitude), dtype=np.float32)
