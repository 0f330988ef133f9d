"""Fitting the input guard: from training images, made negatives and a limit chosen on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from busi_viewer.core.texture import texture
from busi_viewer.nets.card import LearnedGuard
from busi_viewer.nets.novelty import distances, standardised
from busi_viewer.nets.predictor import Prediction, Predictor
from busi_viewer.training.negatives import make_negatives

Array = NDArray[np.float64]

QUANTILE = 0.99
DIMENSIONS = 32
STRENGTH = 0.1
"""Inverse strength of the logistic regression's L2 penalty."""
PER_KIND = 24


@dataclass(frozen=True)
class Views:
    """What the guard sees of N images: ``embeddings`` (N, E) and ``textures`` (N, T)."""

    embeddings: Array
    textures: Array


def view(grey: NDArray[np.uint8], prediction: Prediction) -> tuple[Array, Array]:
    """Embedding (E,) and texture (T,) of one frame (H, W), or of its letterboxed square."""
    return prediction.embedding.astype(np.float64), texture(prediction.box.forward(grey))


def gather(seen: Sequence[tuple[Array, Array]]) -> Views:
    """Several views as one."""
    return Views(np.stack([e for e, _ in seen]), np.stack([t for _, t in seen]))


def negatives(predictor: Predictor, examples: Sequence[NDArray[np.uint8]], per_kind: int = PER_KIND) -> Views:
    """What the guard sees of images made to be refused; ``examples`` are training images (H, W)."""
    made = make_negatives(examples, per_kind)
    return gather([view(grey, predictor.predict([grey])[0]) for grey in made])


def fit_guard(reference: Views, refused: Views, validation: Views) -> LearnedGuard:
    """Logistic regression of training images against made negatives on distances and texture, and their squares.

    Principal axes, means and spreads are those of the training images (``reference``); the limit is the QUANTILE of the
    validation images' log odds, so that about 1 % of images like them are flagged.
    """
    mean = reference.embeddings.mean(axis=0)
    _, singular, rows = np.linalg.svd(reference.embeddings - mean, full_matrices=False)
    k = min(DIMENSIONS, len(singular))
    axes = rows[:k].T
    scales = singular[:k] / np.sqrt(max(1, len(reference.embeddings) - 1)) + 1e-9

    def measured(views: Views) -> Array:
        return np.concatenate([distances(mean, axes, scales, views.embeddings), views.textures], axis=1)

    own = measured(reference)
    centre, spread = own.mean(axis=0), own.std(axis=0) + 1e-6
    usual, strange = (standardised(m, centre, spread) for m in (own, measured(refused)))
    model = LogisticRegression(C=STRENGTH, max_iter=2000, class_weight="balanced")
    model.fit(np.concatenate([usual, strange]), np.repeat([0, 1], [len(usual), len(strange)]))
    weights, bias = model.coef_[0], float(model.intercept_[0])
    odds = standardised(measured(validation), centre, spread) @ weights + bias
    return LearnedGuard(
        mean=_rounded(mean),
        axes=[_rounded(row) for row in axes.T],
        scales=_rounded(scales),
        centre=_rounded(centre),
        spread=_rounded(spread),
        weights=_rounded(weights),
        bias=bias,
        limit=float(np.quantile(odds, QUANTILE)),
    )


def _rounded(values: Array) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
