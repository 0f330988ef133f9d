"""From lesion probability to mask, by the rules in the card."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import fill_holes, remove_small


@dataclass(frozen=True)
class MaskRule:
    """Which pixels of a probability map are outlined, and which lesions of these are kept.

    Pixels from ``threshold`` on; lesions of at least ``min_share`` of the image whose highest probability reaches ``min_peak``
    (hysteresis: Canny, PAMI 1986) and whose mean is at least ``min_relative`` times that of the surest lesion.
    """

    threshold: float = 0.5
    min_share: float = 0.0
    min_relative: float = 0.0
    min_peak: float = 0.0


def threshold_mask(probability: NDArray[np.floating], rule: MaskRule) -> Mask:
    """The mask (H, W) that ``rule`` makes of a probability map of that shape; holes are filled."""
    mask = remove_small(probability >= rule.threshold, max(1, round(rule.min_share * probability.size)))
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return mask
    kept = np.zeros(count, dtype=bool)
    kept[labels[mask & (probability >= rule.min_peak)]] = True
    if count > 2:
        flat = labels.ravel()
        means = np.bincount(flat, probability.ravel(), count) / np.bincount(flat, minlength=count)
        kept &= means >= rule.min_relative * means[1:].max()
    return fill_holes(np.asarray(kept[labels], dtype=bool))


def outline(probability: NDArray[np.floating], p_normal: float, rule: MaskRule, no_outline_above: float | None) -> Mask:
    """The shipped mask: as :func:`threshold_mask`, but empty where p(normal) ≥ ``no_outline_above``."""
    if no_outline_above is not None and p_normal >= no_outline_above:
        return np.zeros(probability.shape, dtype=bool)
    return threshold_mask(probability, rule)
