"""Fitting the input guard: from training images, made negatives, and limits chosen on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from busi_viewer.core.texture import texture
from busi_viewer.nets.card import LearnedGuard
from busi_viewer.nets.novelty import beyond, terms
from busi_viewer.nets.predictor import Prediction
from busi_viewer.nets.transform import Letterbox
from busi_viewer.training.negatives import make_negatives

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

QUANTILE = 0.99
"""Share of validation images within the limits."""
TRANSFER_QUANTILE = 0.995
"""Share of the validation images of a data set within the limit of a guard fitted without that set."""
DIMENSIONS = 32
STRENGTH = 0.1
"""Inverse strength of the logistic regression's L2 penalty."""
PER_KIND = 60


@dataclass(frozen=True)
class View:
    """What the guard sees of one image of the data set ``source``: embedding (E,) and texture (T,)."""

    source: str
    embedding: Array
    texture: Array


def view(source: str, grey: Grey, prediction: Prediction) -> View:
    """What the guard sees of a frame (H, W), or of its letterboxed square, and what the network said of it."""
    return View(source, prediction.embedding.astype(np.float64), texture(prediction.box.forward(grey)))


@dataclass(frozen=True)
class _Texture:
    """Logistic regression of textures: training images against images made to be refused."""

    centre: Array
    spread: Array
    weights: Array
    bias: float

    def odds(self, textures: Array) -> Array:
        """Log odds (N,) that the images are to be refused."""
        return np.asarray(terms(textures, self.centre, self.spread) @ self.weights + self.bias, dtype=np.float64)


def _fit_texture(usual: Array, refused: Array) -> _Texture:
    centre, spread = usual.mean(axis=0), usual.std(axis=0) + 1e-6
    x = np.concatenate([terms(usual, centre, spread), terms(refused, centre, spread)])
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    model.fit(x, np.repeat([0, 1], [len(usual), len(refused)]))
    return _Texture(centre, spread, model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def refused_textures(examples: Sequence[Grey], size: int, per_kind: int = PER_KIND) -> Array:
    """Textures (N, T) of images made to be refused; ``examples`` are training images, ``size`` the network's input."""
    made = make_negatives(examples, per_kind)
    return np.stack([texture(Letterbox.fit((g.shape[0], g.shape[1]), size).forward(g)) for g in made])


def fit_guard(reference: Sequence[View], refused: Array, validation: Sequence[View]) -> LearnedGuard:
    """The guard from training images, textures (N, T) of images to refuse, and validation images, which set the limits.

    The limit of the texture's odds is the larger of two: the QUANTILE of the validation images, and, over the data sets,
    the TRANSFER_QUANTILE of a set's validation images under a guard fitted without that set, which is how images of
    another hospital fare. The limit of the embedding's distance is the QUANTILE of the validation images.
    """
    usual, seen = np.stack([v.texture for v in reference]), np.stack([v.texture for v in validation])
    whole = _fit_texture(usual, refused)
    limits = [float(np.quantile(whole.odds(seen), QUANTILE))]
    sources = np.array([v.source for v in reference])
    for source in sorted(set(sources)):
        held_out = np.array([v.source == source for v in validation])
        if held_out.any() and (sources != source).any():
            odds = _fit_texture(usual[sources != source], refused).odds(seen[held_out])
            limits.append(float(np.quantile(odds, TRANSFER_QUANTILE)))
    embeddings = np.stack([v.embedding for v in reference])
    mean = embeddings.mean(axis=0)
    axes = np.linalg.svd(embeddings - mean, full_matrices=False)[2][: min(DIMENSIONS, min(embeddings.shape) // 2)]
    away = beyond(np.stack([v.embedding for v in validation]), mean, axes)
    return LearnedGuard(
        mean=_rounded(mean),
        axes=[_rounded(row) for row in axes],
        limit_beyond=float(np.quantile(away, QUANTILE)),
        centre=_rounded(whole.centre),
        spread=_rounded(whole.spread),
        weights=_rounded(whole.weights),
        bias=whole.bias,
        limit=max(limits),
    )


def _rounded(values: Array) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
