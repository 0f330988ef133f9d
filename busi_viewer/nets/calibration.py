"""From class logits to calibrated probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from busi_viewer.nets.card import Calibration

Array = NDArray[np.float64]


def probabilities(logits: Array, calibration: Calibration | None) -> Array:
    """Calibrated class probabilities (N, 3) of ``logits`` (N, 3); without calibration the plain softmax."""
    z = logits / calibration.temperature + np.asarray(calibration.bias) if calibration else logits
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))
