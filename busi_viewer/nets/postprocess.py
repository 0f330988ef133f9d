"""From lesion probability to mask, by the rules in the card."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import fill_holes, remove_small


def threshold_mask(
    probability: NDArray[np.floating], threshold: float, min_share: float, min_relative: float = 0.0
) -> Mask:
    """Pixels of a (H, W) map at or above ``threshold``; lesions below ``min_share`` of the image dropped, holes filled.

    Of several lesions those go whose mean probability is below ``min_relative`` times that of the surest one.
    """
    mask = remove_small(probability >= threshold, max(1, round(min_share * probability.size)))
    return fill_holes(_surest(mask, probability, min_relative) if min_relative > 0 else mask)


def _surest(mask: Mask, probability: NDArray[np.floating], min_relative: float) -> Mask:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    flat = labels.ravel()
    means = np.bincount(flat, probability.ravel(), count) / np.bincount(flat, minlength=count)
    kept = means >= min_relative * means[1:].max()
    kept[0] = False
    return np.asarray(kept[labels], dtype=bool)


def outline(
    probability: NDArray[np.floating],
    p_normal: float,
    threshold: float,
    min_share: float,
    min_relative: float,
    no_outline_above: float | None,
) -> Mask:
    """The shipped mask: as :func:`threshold_mask`, but empty where p(normal) ≥ ``no_outline_above``."""
    if no_outline_above is not None and p_normal >= no_outline_above:
        return np.zeros(probability.shape, dtype=bool)
    return threshold_mask(probability, threshold, min_share, min_relative)
