"""Losses of the multi-task network."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def mask_loss(logits: Tensor, mask: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice (Milletari et al., 3DV 2016), over images whose truth is known.

    ``logits`` and ``mask`` (N, 1, H, W), ``known`` (N,) 0/1. Dice counts only where the truth holds a lesion.
    """
    weight = known / known.sum().clamp(min=1)
    entropy = (F.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean((1, 2, 3)) * weight).sum()
    probability = torch.sigmoid(logits)
    overlap = (probability * mask).sum((1, 2, 3))
    size = probability.sum((1, 2, 3)) + mask.sum((1, 2, 3))
    has_lesion = known * (mask.sum((1, 2, 3)) > 0)
    dice = 1 - (2 * overlap + 1) / (size + 1)
    return entropy + (dice * has_lesion).sum() / has_lesion.sum().clamp(min=1)


def class_loss(logits: Tensor, label: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """Weighted cross-entropy with label smoothing; labels of −1 are left out. ``logits`` (N, 3), ``label`` (N,)."""
    if not bool((label >= 0).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits, label, weight=weights, ignore_index=-1, label_smoothing=smoothing)
