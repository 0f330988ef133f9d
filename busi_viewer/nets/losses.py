"""Losses of masks and classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

MaskLoss = Literal["bce", "dice", "focal", "jaccard"]
ClassLoss = Literal["cross-entropy", "focal"]


def class_loss(logits: Tensor, label: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """Weighted cross-entropy with label smoothing; labels of −1 are left out. ``logits`` (N, 3), ``label`` (N,)."""
    if not bool((label >= 0).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits, label, weight=weights, ignore_index=-1, label_smoothing=smoothing)


def focal_mask_loss(logits: Tensor, mask: Tensor, alpha: float, gamma: float) -> Tensor:
    """Binary focal loss (Lin et al., ICCV 2017) of each image, (N,)."""
    entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    weight = alpha * mask + (1 - alpha) * (1 - mask)
    return (weight * _doubt(entropy) ** gamma * entropy).mean((1, 2, 3))


def sum_of_mask_losses(
    names: Sequence[MaskLoss], logits: Tensor, mask: Tensor, known: Tensor, alpha: float, gamma: float
) -> Tensor:
    """The named losses added up, each the mean over images whose truth is known (``known`` (N,) 0/1).

    Dice (Milletari et al., 3DV 2016) and Jaccard are soft, 1 − overlap; beside a
    loss of pixels they count only where the truth holds a lesion.
    """
    probability = torch.sigmoid(logits)
    overlap = (probability * mask).sum((1, 2, 3))
    size = probability.sum((1, 2, 3)) + mask.sum((1, 2, 3))
    by_pixel = "bce" in names or "focal" in names
    lesion = known * (mask.sum((1, 2, 3)) > 0) if by_pixel else known
    each = {
        "bce": lambda: (F.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean((1, 2, 3)), known),
        "focal": lambda: (focal_mask_loss(logits, mask, alpha, gamma), known),
        "dice": lambda: (1 - (2 * overlap + 1) / (size + 1), lesion),
        "jaccard": lambda: (1 - (overlap + 1) / (size - overlap + 1), lesion),
    }
    total = logits.sum() * 0.0
    for name in names:
        values, counted = each[name]()
        total = total + (values * counted).sum() / counted.sum().clamp(min=1)
    return total


def focal_class_loss(logits: Tensor, label: Tensor, weights: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss over classes (Lin et al., ICCV 2017), each class by its weight; labels of −1 are left out.

    ``logits`` (N, 3), ``label`` (N,).
    """
    if not bool((label >= 0).any()):
        return logits.sum() * 0.0
    known = label[label >= 0]
    entropy = F.cross_entropy(logits[label >= 0], known, reduction="none")
    return (alpha * weights[known] * _doubt(entropy) ** gamma * entropy).mean()


def _doubt(entropy: Tensor) -> Tensor:
    """1 − p of the truth from its cross-entropy; never quite 0, where powers below 1 have no slope."""
    return (-torch.expm1(-entropy)).clamp(min=1e-6)
