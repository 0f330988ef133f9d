"""The heatmap's colours: inferno, with an alpha that rises from a threshold."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

THRESHOLD = 0.15
"""Heat below this share is not drawn."""
STRONGEST = 0.84
"""Alpha at full heat."""


@cache
def inferno() -> NDArray[np.uint8]:
    """256 × RGB."""
    lut = pg.colormap.get("inferno").getLookupTable(nPts=256, alpha=False)
    return np.asarray(lut, dtype=np.uint8)


@cache
def _rgba() -> NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, 256)
    alpha = np.clip((share - THRESHOLD) / (1.0 - THRESHOLD), 0.0, 1.0) * STRONGEST
    return np.column_stack([inferno(), np.rint(alpha * 255).astype(np.uint8)])


def coloured(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Heat (H, W) in [0, 1] as (H, W, 4) RGBA, transparent below the threshold."""
    index = np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8)
    return np.asarray(_rgba()[index], dtype=np.uint8)
