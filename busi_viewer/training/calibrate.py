"""Calibration, operating point, abstention, input guard and uncertainty band: chosen on validation data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.core.band import Margins, fit_band, margins
from busi_viewer.core.image import Mask
from busi_viewer.core.metrics import dice
from busi_viewer.core.results import CLASSES
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Calibration, Card, ContourBand, LearnedGuard
from busi_viewer.nets.postprocess import threshold_mask
from busi_viewer.nets.predictor import Predictor
from busi_viewer.nets.registry import load_model
from busi_viewer.training.data import Item
from busi_viewer.training.guard import fit_guard, gather, negatives, view

SENSITIVITY = 0.95
COVERAGE = 0.9
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
NORMAL_LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9)
DICE_COST = 0.005
REFERENCES = 800
"""Training images that the input guard takes for its measure."""

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


@dataclass(frozen=True)
class _Seen:
    """What the product's own predictor says of one item. ``dice`` and ``marked`` hold one entry for each THRESHOLDS.

    ``probability`` (H, W) is kept where there is a lesion, for the uncertainty band.
    """

    label: int
    logits: Array
    view: tuple[Array, Array]
    dice: tuple[float, ...]
    marked: tuple[bool, ...]
    truth: Mask | None = None
    probability: NDArray[np.float16] | None = None


def _look(predictor: Predictor, card: Card, item: Item) -> _Seen:
    grey = item.grey if item.grey is not None else item.small
    prediction = predictor.predict([grey])[0]
    truth = item.native_mask
    masks = (
        [] if truth is None else [threshold_mask(prediction.probability, t, card.min_lesion_share) for t in THRESHOLDS]
    )
    overlaps = tuple(dice(truth, mask) for mask in masks) if truth is not None and truth.any() else ()
    return _Seen(
        item.label,
        prediction.class_logits.astype(np.float64),
        view(grey, prediction),
        overlaps,
        tuple(bool(mask.any()) for mask in masks),
        truth if overlaps else None,
        prediction.probability.astype(np.float16) if overlaps else None,
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
    p_normal = probabilities(logits, calibration)[:, 0]
    threshold, no_outline_above = mask_rules(seen, p_normal)
    shown = [s for s, p0 in zip(seen, p_normal, strict=True) if no_outline_above is None or p0 < no_outline_above]
    return card.model_copy(
        update={
            "calibration": calibration,
            "operating_point": operating_point(malignant) if len(malignant) else None,
            "abstain_below": float(np.quantile(p.max(axis=1), 1 - COVERAGE)),
            "mask_threshold": threshold,
            "no_outline_above": no_outline_above,
            "guard": _guard(predictor, training, [s.view for s in seen]),
            "band": _band(shown, threshold, card.min_lesion_share, calibration.data),
        }
    )


def _guard(predictor: Predictor, training: Sequence[Item], validation: Sequence[tuple[Array, Array]]) -> LearnedGuard:
    """The input guard, from at most REFERENCES training images and images made to be refused."""
    reference = [item.small for item in training[:: max(1, len(training) // REFERENCES)]]
    usual = gather([view(small, predictor.predict([small])[0]) for small in reference])
    return fit_guard(usual, negatives(predictor, reference), gather(validation))


def _band(seen: Sequence[_Seen], threshold: float, min_share: float, data: str) -> ContourBand | None:
    """The uncertainty band on the lesions that the model outlines; None with too few of them."""
    found: list[Margins] = []
    for s in seen:
        if s.truth is None or s.probability is None:
            continue
        probability = s.probability.astype(np.float32)
        margin = margins(s.truth, probability, threshold_mask(probability, threshold, min_share))
        if margin is not None:
            found.append(margin)
    band = fit_band(found, threshold)
    if band is None:
        return None
    return ContourBand(low=band.low, high=band.high, coverage=band.coverage, n=len(found), data=data)
