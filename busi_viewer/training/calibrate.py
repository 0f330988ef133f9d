"""Calibration, operating point, abstention, input guard and uncertainty band: chosen on validation data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.core.band import fit_band, losses
from busi_viewer.core.image import Mask
from busi_viewer.core.metrics import dice
from busi_viewer.core.results import CLASSES, TASKS
from busi_viewer.nets.accelerated import compiled
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Calibration, Card, ContourBand, LearnedGuard
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.postprocess import MaskRule, threshold_mask
from busi_viewer.nets.predictor import Predictor
from busi_viewer.nets.registry import load_model, tasks_of
from busi_viewer.training.data import Item
from busi_viewer.training.guard import View, fit_guard, refused_textures, view

SENSITIVITY = 0.95
COVERAGE = 0.9
RULES = tuple((threshold, relative) for threshold in (0.3, 0.4, 0.5, 0.6) for relative in (0.0, 0.8, 0.9, 0.95))
"""Mask thresholds and smallest probabilities, relative to the surest lesion, that are tried."""
NORMAL_LIMITS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""The p(normal) from which no outline is drawn, as is tried where the model gives a class."""
SURE_FROM = (None, 0.99, 0.98, 0.97, 0.95, 0.925, 0.9, 0.85, 0.8)
"""How sure a pixel must be for its outline to be drawn all the same, as is tried."""
FALSE_ALARMS = 0.1
"""Share of normal images on which something may be outlined."""
DICE_COST = 0.015
"""Mean Dice of lesions that may be given up for that."""
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
    """What the product's own predictor says of one item; ``probability`` (H, W) where the truth is known."""

    label: int
    logits: Array
    view: View
    truth: Mask | None = None
    probability: NDArray[np.float16] | None = None

    def mask(self, rule: MaskRule) -> Mask:
        """The outline that ``rule`` makes."""
        assert self.probability is not None
        return threshold_mask(self.probability.astype(np.float32), rule)

    def peak(self, rule: MaskRule) -> float:
        """The highest probability in that outline; 0 where there is none."""
        assert self.probability is not None
        return float(self.probability[self.mask(rule)].max(initial=0.0))

    def is_withheld(self, rule: MaskRule, p_normal: float) -> bool:
        """Whether that outline is not drawn; where the truth is unknown, nothing is."""
        return self.probability is None or rule.withholds(p_normal, self.peak(rule))


def _look(predictor: Predictor, item: Item) -> _Seen:
    grey = item.grey if item.grey is not None else item.small
    prediction = predictor.predict([grey])[0]
    truth = item.native_mask
    kept = None if truth is None else prediction.probability.astype(np.float16)
    return _Seen(
        item.label, prediction.class_logits.astype(np.float64), view(_set(item), grey, prediction), truth, kept
    )


def mask_rules(seen: Sequence[_Seen], p_normal: Array | None, min_share: float) -> MaskRule:
    """The mask rule; ``p_normal`` is None where the model gives no class.

    Threshold and relative probability have the best mean Dice over images with a lesion. Of NORMAL_LIMITS (without a class: 0)
    and SURE_FROM then those that cost at most DICE_COST of it and outline something on at most FALSE_ALARMS of the normal
    images, or on the fewest; among these the best Dice, then the highest limit, which spares most images of another hospital.
    """
    lesions = [i for i, s in enumerate(seen) if s.truth is not None and s.truth.any()]
    normals = [i for i, s in enumerate(seen) if s.truth is not None and not s.truth.any()]
    if not lesions:
        return MaskRule(min_share=min_share)
    rules = [MaskRule(threshold, min_share, relative) for threshold, relative in RULES]
    best = max(rules, key=lambda rule: float(np.mean(_dice(seen, lesions, rule))))
    overlaps = _dice(seen, lesions, best)
    peaks = {i: seen[i].peak(best) for i in (*lesions, *normals)}
    chance = np.zeros(len(seen)) if p_normal is None else p_normal

    def drawn(rule: MaskRule, places: Sequence[int]) -> Array:
        return np.array([peaks[i] > 0 and not rule.withholds(chance[i], peaks[i]) for i in places], dtype=np.float64)

    def merit(rule: MaskRule) -> tuple[float, float]:
        alarms = float(drawn(rule, normals).mean()) if normals else 0.0
        return -max(alarms, FALSE_ALARMS), float((overlaps * drawn(rule, lesions)).mean())

    limits = (0.0,) if p_normal is None else NORMAL_LIMITS
    gated = [replace(best, no_outline_above=limit, sure_from=sure) for limit in limits for sure in SURE_FROM]
    affordable = [rule for rule in (best, *gated) if merit(rule)[1] >= overlaps.mean() - DICE_COST]
    return max(affordable, key=merit)


def _dice(seen: Sequence[_Seen], places: Sequence[int], rule: MaskRule) -> Array:
    """Dice of the outlines that a rule makes, with the truth."""
    return np.array([dice(truth, seen[i].mask(rule)) for i in places if (truth := seen[i].truth) is not None])


def calibrate(folder: Path, training: Sequence[Item], validation: Sequence[Item]) -> Card:
    """The card of the model in ``folder`` with everything that is chosen on validation filled in, for what the model does."""
    network, card = load_model(folder)
    forward = compiled(folder, card, network=network) or TorchForward(network, card.input.preprocess)
    predictor = Predictor(forward, card.input)

    seen = [_look(predictor, item) for item in validation]
    logits = np.stack([s.logits for s in seen])
    labels = np.array([s.label for s in seen], dtype=np.int64)
    data = "validation parts of " + ", ".join(sorted({_set(item) for item in validation}))
    tasks = tasks_of(network)
    chosen: dict[str, Any] = {"guard": _guard(predictor, training, [s.view for s in seen])}
    p_normal: Array | None = None
    if TASKS[1] in tasks:
        chosen |= _class_rules(logits, labels, data)
        p_normal = probabilities(logits, chosen["calibration"])[:, 0]
    if TASKS[0] in tasks:
        rule = mask_rules(seen, p_normal, card.min_lesion_share)
        chances = np.zeros(len(seen)) if p_normal is None else p_normal
        shown = [s for s, p0 in zip(seen, chances, strict=True) if not s.is_withheld(rule, float(p0))]
        chosen |= {
            "mask_threshold": rule.threshold,
            "min_relative_probability": rule.min_relative,
            "no_outline_above": rule.no_outline_above,
            "outline_sure_from": rule.sure_from,
            "band": _band(shown, rule, data),
        }
    return card.model_copy(update=chosen)


def _class_rules(logits: Array, labels: NDArray[np.int64], data: str) -> dict[str, Any]:
    """Calibration, operating point and abstention from logits (N, 3) and labels (N,), −1 where unknown."""
    known = labels >= 0
    temperature, bias = fit_temperature(logits[known], labels[known])
    counts = Counter(CLASSES[int(k)] for k in labels[known])
    calibration = Calibration(
        temperature=temperature,
        bias=bias,
        data=data,
        n=int(known.sum()),
        prevalence={name: round(counts[name] / int(known.sum()), 4) for name in CLASSES},
    )
    p = probabilities(logits[known], calibration)
    malignant = p[labels[known] == 2, 2]
    return {
        "calibration": calibration,
        "operating_point": operating_point(malignant) if len(malignant) else None,
        "abstain_below": float(np.quantile(p.max(axis=1), 1 - COVERAGE)),
    }


def _guard(predictor: Predictor, training: Sequence[Item], validation: Sequence[View]) -> LearnedGuard:
    """The input guard, from at most REFERENCES training images and images made to be refused."""
    chosen = training[:: -(-len(training) // REFERENCES)]
    reference = [view(_set(item), item.small, predictor.predict([item.small])[0]) for item in chosen]
    refused = refused_textures([item.small for item in chosen], predictor.spec.size)
    return fit_guard(reference, refused, validation)


def _set(item: Item) -> str:
    """The data set that an item comes from."""
    return item.id.split("/")[0]


def _band(seen: Sequence[_Seen], rule: MaskRule, data: str) -> ContourBand | None:
    """The uncertainty band on the lesions that the model outlines; None with too few of them."""
    found: list[Array] = []
    for s in seen:
        if s.truth is None or s.probability is None or not s.truth.any():
            continue
        loss = losses(s.truth, s.probability.astype(np.float32), s.mask(rule))
        if loss is not None:
            found.append(loss)
    band = fit_band(found)
    if band is None:
        return None
    return ContourBand(
        low=band.low, high=band.high, margin=band.margin, coverage=band.coverage, n=len(found), data=data
    )
