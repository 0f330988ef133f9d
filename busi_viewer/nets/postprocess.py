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

    Pixels from ``threshold`` on; lesions of at least ``min_share`` of the image whose mean probability is at least
    ``min_relative`` times that of the surest lesion. Nothing at all where p(normal) ≥ ``no_outline_above``, unless some outlined
    pixel reaches ``sure_from``.
    """

    threshold: float = 0.5
    min_share: float = 0.0
    min_relative: float = 0.0
    no_outline_above: float | None = None
    sure_from: float | None = None

    def withholds(self, p_normal: float, peak: float) -> bool:
        """Whether an outline whose highest probability is ``peak`` is not drawn."""
        unlikely = self.no_outline_above is not None and p_normal >= self.no_outline_above
        return unlikely and (self.sure_from is None or peak < self.sure_from)


def threshold_mask(probability: NDArray[np.floating], rule: MaskRule) -> Mask:
    """The mask (H, W) that ``rule`` makes of a probability map of that shape, whatever p(normal) is; holes are filled."""
    mask = remove_small(probability >= rule.threshold, max(1, round(rule.min_share * probability.size)))
    return fill_holes(_surest(mask, probability, rule.min_relative) if rule.min_relative > 0 else mask)


def _surest(mask: Mask, probability: NDArray[np.floating], min_relative: float) -> Mask:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    flat = labels.ravel()
    means = np.bincount(flat, probability.ravel(), count) / np.bincount(flat, minlength=count)
    kept = means >= min_relative * means[1:].max()
    kept[0] = False
    return np.asarray(kept[labels], dtype=bool)


def outline(probability: NDArray[np.floating], p_normal: float, rule: MaskRule) -> Mask:
    """The shipped mask: as :func:`threshold_mask`, but empty where the rule withholds it."""
    mask = threshold_mask(probability, rule)
    if mask.any() and rule.withholds(p_normal, float(probability[mask].max())):
        return np.zeros(probability.shape, dtype=bool)
    return mask
