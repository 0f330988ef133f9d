"""Window presets: which grey values an image is shown with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from busi_viewer.core.image import ImageRecord, Pixels

Window = tuple[float, float]

DARKEST, BRIGHTEST = 1.0, 99.5
"""Percentiles of the automatic window."""
ENOUGH = 1_000_000
"""Pixels that give the percentiles well enough."""


def share(low: float, high: float) -> Callable[[ImageRecord, Pixels], Window]:
    """A part of the window the file asks for, (low, high) in [0, 1]."""

    def window(record: ImageRecord, _pixels: Pixels) -> Window:
        start, end = record.window
        return start + low * (end - start), start + high * (end - start)

    return window


def automatic(record: ImageRecord, pixels: Pixels) -> Window:
    """From the 1st to the 99.5th percentile of the frame's grey values, the black surround (0) left out.

    Of frames above ENOUGH pixels every second, third… row and column counts.
    """
    step = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / ENOUGH))
    part: Pixels = pixels[::step, ::step].copy()
    depth = 256 if part.dtype == np.uint8 else 65536
    channels = range(1 if part.ndim == 2 else part.shape[2])
    histograms = [cv2.calcHist([part], [i], None, [depth], [0, depth]).ravel() for i in channels]
    counts = np.asarray(np.sum(histograms, axis=0), dtype=np.int64)
    counts[0] = 0
    total = int(counts.sum())
    if not total:
        return record.window
    upto = np.cumsum(counts)
    low, high = (float(np.searchsorted(upto, share / 100.0 * total)) for share in (DARKEST, BRIGHTEST))
    return (low, high) if high > low else record.window


def full(_record: ImageRecord, pixels: Pixels) -> Window:
    """From the frame's lowest to its highest grey value."""
    low, high = float(pixels.min()), float(pixels.max())
    return low, max(high, low + 1.0)


@dataclass(frozen=True)
class Preset:
    """A named window; ``window(record, pixels)`` gives the (lowest, highest) grey value of a frame (H, W) or (H, W, 3)."""

    name: str
    command: str
    window: Callable[[ImageRecord, Pixels], Window]
    tip: str = ""


PRESETS = (
    Preset("Default", "preset_default", share(0.0, 1.0), "As the file asks"),
    Preset("Auto", "preset_auto", automatic, "1st to 99.5th percentile of this frame, black surround left out"),
    Preset("Full range", "preset_full", full, "Lowest to highest value of this frame"),
    Preset("Narrow", "preset_narrow", share(0.15, 0.75), "More contrast"),
    Preset("Brighter", "preset_brighter", share(0.0, 0.65)),
    Preset("Dark areas", "preset_dark", share(0.0, 0.4)),
    Preset("Bright areas", "preset_bright", share(0.4, 1.0)),
)


def presets_of(record: ImageRecord) -> tuple[Preset, ...]:
    """PRESETS, and the further windows that the file names."""
    return (*PRESETS, *(Preset(name, "", _always(window), "From the file") for name, window in record.more_windows))


def _always(window: Window) -> Callable[[ImageRecord, Pixels], Window]:
    return lambda _record, _pixels: window


class PresetWindows:
    """The windows of every preset for the frame in view, worked out once a frame."""

    def __init__(self) -> None:
        self._for: tuple[ImageRecord, Pixels] | None = None
        self._windows: tuple[Window, ...] = ()

    def of(self, record: ImageRecord, pixels: Pixels) -> tuple[Window, ...]:
        """In the order of ``presets_of``."""
        if self._for is None or self._for[0] is not record or self._for[1] is not pixels:
            self._for = (record, pixels)
            self._windows = tuple(preset.window(record, pixels) for preset in presets_of(record))
        return self._windows
