"""How unlike the training images an image is: the input guard's two measures, and its score.

One reads the image's texture (:mod:`busi_viewer.core.texture`) and knows no network; the other is the distance of the
network's embedding from the space that the training images' embeddings span.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from busi_viewer.nets.card import LearnedGuard

Array = NDArray[np.float64]

FARTHEST = 8.0
"""Standard deviations at which a measure is cut off, so that no single one decides alone."""


def terms(textures: Array, centre: Array, spread: Array) -> Array:
    """Textures (N, T) in standard deviations of the training images, cut off, and their squares: (N, 2T)."""
    z = np.clip((textures - centre) / spread, -FARTHEST, FARTHEST)
    return np.concatenate([z, z**2 / 4.0], axis=1)


def beyond(embeddings: Array, mean: Array, axes: Array) -> Array:
    """Log squared distance (N,) of embeddings (N, E) from the space through ``mean`` (E,) that ``axes`` (K, E) span.

    The residual of ViM (Wang et al., CVPR 2022). ``axes`` are orthonormal.
    """
    offset = embeddings - mean
    along = offset @ axes.T
    return np.asarray(np.log(np.maximum((offset**2).sum(axis=1) - (along**2).sum(axis=1), 1e-9)), dtype=np.float64)


def likeness(guard: LearnedGuard, embedding: NDArray[np.floating], texture: NDArray[np.floating]) -> float:
    """In [0, 1]: how like the training images; 0.5 where the stricter of both measures is at its limit. NaN if not finite."""
    known = guard.arrays
    odds = terms(texture.astype(np.float64)[None], known["centre"], known["spread"]) @ known["weights"]
    away = beyond(embedding.astype(np.float64)[None], known["mean"], known["axes"])
    excess = np.maximum(odds[0] + guard.bias - guard.limit, away[0] - guard.limit_beyond)
    return float(1.0 / (1.0 + np.exp(np.clip(excess, -50.0, 50.0))))
