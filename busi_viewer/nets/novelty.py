"""How unlike the training images an image is: what the input guard measures, and its score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from busi_viewer.nets.card import LearnedGuard

Array = NDArray[np.float64]

FARTHEST = 8.0
"""Standard deviations at which a measure is cut off, so that no single one decides alone."""


def distances(mean: Array, axes: Array, scales: Array, embeddings: Array) -> Array:
    """Logarithms (N, 2) of the mean squared Mahalanobis distance within the training images' principal axes and of the
    squared distance from the space that these axes span.

    ``axes`` (E, K) are orthonormal, ``scales`` (K,) the standard deviations along them. Mahalanobis distance: Lee et al.,
    NeurIPS 2018; distance from the principal space: Wang et al., CVPR 2022 (ViM).
    """
    offset = embeddings - mean
    along = offset @ axes
    within = ((along / scales) ** 2).mean(axis=1)
    beyond = np.maximum((offset**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
    return np.log(np.stack([within, beyond], axis=1) + 1e-9)


def standardised(measures: Array, centre: Array, spread: Array) -> Array:
    """Measures (N, F) in standard deviations of the training images, cut off, and their squares: (N, 2F)."""
    z = np.clip((measures - centre) / spread, -FARTHEST, FARTHEST)
    return np.concatenate([z, z**2 / 4.0], axis=1)


def novelty(guard: LearnedGuard, embedding: NDArray[np.floating], texture: NDArray[np.floating]) -> float:
    """Log odds that an image with this embedding (E,) and texture is none of those learned from; NaN if not finite."""
    near = distances(
        np.asarray(guard.mean), np.asarray(guard.axes).T, np.asarray(guard.scales), embedding.astype(np.float64)[None]
    )
    measures = np.concatenate([near, texture[None]], axis=1)
    terms = standardised(measures, np.asarray(guard.centre), np.asarray(guard.spread))
    return float((terms @ np.asarray(guard.weights))[0] + guard.bias)
