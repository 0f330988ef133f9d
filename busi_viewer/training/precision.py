"""Whether a new model may be computed in bfloat16 where the processor can: only if its answers stay those of float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.metrics import dice
from busi_viewer.nets.accelerated import compiled
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Card
from busi_viewer.nets.postprocess import outline
from busi_viewer.nets.predictor import Forward, Predictor
from busi_viewer.training.data import Item

BARS = {"dice": 0.995, "probability": 0.01, "heat": 0.99}
"""Lowest Dice of both masks, largest difference of a probability, lowest correlation of the heatmaps: on every image."""
FEWEST, MOST = 100, 200
"""Fewer validation images say too little; more are not looked at."""


def apart(card: Card, ours: Forward, theirs: Forward, grey: NDArray[np.uint8]) -> dict[str, float]:
    """Dice of both masks, the largest difference of a probability and the correlation of the heat of their class.

    ``grey`` (H, W); both go the whole way to mask, calibrated probabilities and Grad-CAM.
    """
    found = [Predictor(forward, card.input).predict([grey])[0] for forward in (ours, theirs)]
    p = [probabilities(each.class_logits.astype(np.float64), card.calibration) for each in found]
    masks = [outline(each.probability, float(of[0]), card.mask_rule) for each, of in zip(found, p, strict=True)]
    heats = [each.cams[int(p[1].argmax())].ravel() for each in found]
    flat = any(heat.std() == 0 for heat in heats)
    heat = float(all(h.std() == 0 for h in heats)) if flat else float(np.corrcoef(*heats)[0, 1])
    return {"dice": float(dice(*masks)), "probability": float(np.abs(p[0] - p[1]).max()), "heat": heat}


def missed(figures: dict[str, float]) -> bool:
    """Whether an image misses a bar."""
    return (
        figures["dice"] < BARS["dice"] or figures["probability"] > BARS["probability"] or figures["heat"] < BARS["heat"]
    )


def worst(seen: Sequence[dict[str, float]]) -> dict[str, float]:
    """The worst figure of each kind."""
    of = {"dice": min, "probability": max, "heat": min}
    return {name: round(choose(each[name] for each in seen), 7) for name, choose in of.items()}


def with_bfloat16(folder: Path, card: Card, validation: Sequence[Item]) -> Card:
    """The calibrated card, saying that bfloat16 may be used where every validation image (up to MOST) passes the bars.

    What was seen goes into ``card.training["bfloat16"]``. Unchanged where this processor cannot, or too few images are there.
    """
    greys = [item.grey for item in validation if item.grey is not None]
    if len(greys) < FEWEST:
        return card
    lower = compiled(folder, card.model_copy(update={"bfloat16": True}))
    whole = compiled(folder, card.model_copy(update={"bfloat16": False}))
    if lower is None or whole is None or not lower.divided:
        return card
    places = np.unique(np.linspace(0, len(greys) - 1, min(MOST, len(greys))).round().astype(int))
    seen = [apart(card, lower, whole, greys[place]) for place in places]
    failed = sum(missed(figures) for figures in seen)
    told: dict[str, Any] = {"images": len(seen), "missed": failed, "worst": worst(seen), "bars": BARS}
    return card.model_copy(update={"bfloat16": not failed, "training": {**card.training, "bfloat16": told}})
