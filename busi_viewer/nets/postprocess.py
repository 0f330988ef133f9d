"""From lesion probability to mask, by the rules in the card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import fill_holes, remove_small


def threshold_mask(probability: NDArray[np.floating], threshold: float, min_share: float) -> Mask:
    """Pixels of a (H, W) map at or above ``threshold``; lesions below ``min_share`` of the image dropped, holes filled."""
    mask = probability >= threshold
    return fill_holes(remove_small(mask, max(1, round(min_share * mask.size))))


def outline(
    probability: NDArray[np.floating],
    p_normal: float,
    threshold: float,
    min_share: float,
    no_outline_above: float | None,
) -> Mask:
    """The shipped mask: as :func:`threshold_mask`, but empty where p(normal) ≥ ``no_outline_above``."""
    if no_outline_above is not None and p_normal >= no_outline_above:
        return np.zeros(probability.shape, dtype=bool)
    return threshold_mask(probability, threshold, min_share)
