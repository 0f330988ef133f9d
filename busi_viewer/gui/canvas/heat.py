"""The heatmap's colours: a colour map, with an alpha that rises from a threshold."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from busi_viewer.gui.canvas.look import HeatStyle

COLOURS = {"inferno": "Inferno", "viridis": "Viridis", "cividis": "Cividis", "jet": "Jet"}
"""Colour maps by name with their words. All but jet are perceptually uniform; cividis is made for colour-blind readers."""
STRONGEST = 0.84
"""Alpha at full heat."""


@lru_cache(maxsize=len(COLOURS))
def lut(name: str) -> NDArray[np.uint8]:
    """256 × RGB. Raises KeyError for names not in COLOURS."""
    if name not in COLOURS:
        raise KeyError(name)
    if name == "jet":
        at = np.linspace(0.0, 1.0, 256)[:, None]
        return np.asarray(np.rint(255 * np.clip(1.5 - np.abs(4 * at - [3.0, 2.0, 1.0]), 0.0, 1.0)), dtype=np.uint8)
    colours = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    return np.asarray(colours, dtype=np.uint8)


@lru_cache(maxsize=64)
def _rgba(name: str, threshold: float) -> NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, 256)
    alpha = np.clip((share - threshold) / (1.0 - threshold), 0.0, 1.0) * STRONGEST
    return np.column_stack([lut(name), np.rint(alpha * 255).astype(np.uint8)])


def _index(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(values * 255.0), 0, 255), dtype=np.uint8)


def coloured(values: NDArray[np.float32], style: HeatStyle) -> NDArray[np.uint8]:
    """Heat (H, W) in [0, 1] as (H, W, 4) RGBA, transparent below the threshold."""
    return np.asarray(_rgba(style.colours, style.threshold)[_index(values)], dtype=np.uint8)


def opaque(values: NDArray[np.float32], style: HeatStyle) -> NDArray[np.uint8]:
    """Heat (H, W) in [0, 1] as (H, W, 3) RGB: every value in its colour, the threshold left aside."""
    return np.asarray(lut(style.colours)[_index(values)], dtype=np.uint8)
