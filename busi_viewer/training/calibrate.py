"""Calibration, operating point, abstention and input guard: chosen on validation data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.core.metrics import dice
from busi_viewer.core.results import CLASSES
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Calibration, Card, Guard
from busi_viewer.nets.postprocess import threshold_mask
from busi_viewer.nets.predictor import Predictor
from busi_viewer.nets.registry import load_model
from busi_viewer.training.data import Item

SENSITIVITY = 0.95
COVERAGE = 0.9
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
NORMAL_LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9)
DICE_COST = 0.005
GUARD_QUANTILE = 0.99
GUARD_DIMENSIONS = 24
MAX_COLOUR = 0.01
"""Share of clearly coloured pixels above which an image is taken for Doppler, elastography or a photograph."""

Array = NDArray[np.float64]


def fit_temperature(logits: Array, labels: NDArray[np.int64]) -> tuple[float, tuple[float, float, float]]:
    """Temperature and class biases of softmax(logits / T + b) that minimise the negative log-likelihood.

    Temperature scaling with bias (Guo et al., ICML 2017, §4). ``logits`` (N, 3), ``labels`` (N,). The biases sum to 0.
    """
    x, y = torch.from_numpy(logits), torch.from_numpy(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(x / log_t.exp() + bias, y) + 1e-3 * (bias**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    b = (bias - bias.mean()).detach().numpy()
    return float(log_t.exp().item()), (float(b[0]), float(b[1]), float(b[2]))


def operating_point(malignant: Array) -> float:
    """The highest threshold on p(malignant) that keeps ≥ SENSITIVITY of the given malignant cases' probabilities."""
    ordered = np.sort(malignant)
    return float(ordered[int(np.floor((1 - SENSITIVITY) * len(ordered)))])


def fit_guard(reference: Array, validation: Array) -> Guard:
    """Gaussian of whitened principal components of training embeddings (N, E); the limit is a validation quantile.

    Mahalanobis distance as in Lee et al., NeurIPS 2018, on one pooled class.
    """
    mean = reference.mean(axis=0)
    _, scales, axes = np.linalg.svd(reference - mean, full_matrices=False)
    k = min(GUARD_DIMENSIONS, len(scales))
    projection = axes[:k].T / (scales[:k] / np.sqrt(max(1, len(reference) - 1)) + 1e-9)
    distance = (((validation - mean) @ projection) ** 2).sum(axis=1)
    return Guard(
        mean=[round(float(v), 5) for v in mean],
        projection=[[round(float(v), 5) for v in row] for row in projection],
        limit=float(np.quantile(distance, GUARD_QUANTILE)),
        max_colour=MAX_COLOUR,
    )


@dataclass(frozen=True)
class _Seen:
    """What the product's own predictor says of one item. ``dice`` and ``marked`` hold one entry for each THRESHOLDS."""

    label: int
    logits: Array
    embedding: Array
    dice: tuple[float, ...]
    marked: tuple[bool, ...]


def _look(predictor: Predictor, card: Card, item: Item) -> _Seen:
    prediction = predictor.predict([item.grey if item.grey is not None else item.small])[0]
    truth = item.native_mask
    masks = (
        [] if truth is None else [threshold_mask(prediction.probability, t, card.min_lesion_share) for t in THRESHOLDS]
    )
    overlaps = tuple(dice(truth, mask) for mask in masks) if truth is not None and truth.any() else ()
    return _Seen(
        item.label,
        prediction.class_logits.astype(np.float64),
        prediction.embedding.astype(np.float64),
        overlaps,
        tuple(bool(mask.any()) for mask in masks),
    )


def mask_rules(seen: Sequence[_Seen], p_normal: Array) -> tuple[float, float | None]:
    """Mask threshold and the p(normal) from which no outline is drawn.

    The threshold has the best mean Dice over images with a lesion; then the lowest p(normal) limit is taken that costs at
    most DICE_COST of it, so that normal images stay free of outlines.
    """
    lesions = [i for i, s in enumerate(seen) if s.dice]
    if not lesions:
        return 0.5, None
    table = np.array([seen[i].dice for i in lesions])
    best = int(table.mean(axis=0).argmax())
    for limit in NORMAL_LIMITS:
        kept = np.where(p_normal[lesions] >= limit, 0.0, table[:, best])
        if kept.mean() >= table[:, best].mean() - DICE_COST:
            return THRESHOLDS[best], limit
    return THRESHOLDS[best], None


def calibrate(folder: Path, training: Sequence[Item], validation: Sequence[Item]) -> Card:
    """The card of the model in ``folder`` with everything that is chosen on validation filled in."""
    network, card = load_model(folder)
    predictor = Predictor(network, card.input)

    seen = [_look(predictor, card, item) for item in validation]
    logits = np.stack([s.logits for s in seen])
    labels = np.array([s.label for s in seen], dtype=np.int64)
    known = labels >= 0
    temperature, bias = fit_temperature(logits[known], labels[known])
    counts = Counter(CLASSES[int(k)] for k in labels[known])
    sets = sorted({item.id.split("/")[0] for item in validation})
    calibration = Calibration(
        temperature=temperature,
        bias=bias,
        data="validation parts of " + ", ".join(sets),
        n=int(known.sum()),
        prevalence={name: round(counts[name] / int(known.sum()), 4) for name in CLASSES},
    )
    p = probabilities(logits[known], calibration)
    malignant = p[labels[known] == 2, 2]
    threshold, no_outline_above = mask_rules(seen, probabilities(logits, calibration)[:, 0])
    reference = [_look(predictor, card, item).embedding for item in training[:: max(1, len(training) // 800)]]
    return card.model_copy(
        update={
            "calibration": calibration,
            "operating_point": operating_point(malignant) if len(malignant) else None,
            "abstain_below": float(np.quantile(p.max(axis=1), 1 - COVERAGE)),
            "mask_threshold": threshold,
            "no_outline_above": no_outline_above,
            "guard": fit_guard(np.stack(reference), np.stack([s.embedding for s in seen])),
        }
    )
