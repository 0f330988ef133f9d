"""From stored values to what is shown: grey with white = bright, or RGB, and the grey range to show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from busi_viewer.core.frames import data_window, scale_to_uint16, value_range
from busi_viewer.core.image import Pixels
from busi_viewer.dicom.codecs import FrameError, Raw
from busi_viewer.dicom.header import Layout
from busi_viewer.dicom.palette import palette_table
from busi_viewer.dicom.values import items, number, numbers, shared_group, text, value

_GREY = {"MONOCHROME1", "MONOCHROME2"}
_YBR = {"YBR_FULL", "YBR_FULL_422", "YBR"}
_MOST_WINDOWS = 16
_PARTIAL = "YBR_PARTIAL_422"
_TO_RGB = np.array([[1.1644, 1.1644, 1.1644], [0.0, -0.3917, 2.0173], [1.5960, -0.8129, 0.0]])
"""From (Y − 16, Cb − 128, Cr − 128) of YBR_PARTIAL_422, whose black is 16 and white 235, to RGB (PS3.3-2001 C.7.6.3.1.2)."""
_RGB = {"RGB", *_GREY, "PALETTE COLOR"}


Window = tuple[float, float]


@dataclass(frozen=True)
class Display:
    """The mapping of every frame of a file. ``scale`` is the range of stored values that becomes 0…65535, or None.

    Integers of up to 16 bits are shifted by ``base`` to start at 0 and then looked up in ``table`` (2**bits entries of
    grey, inverted already, or of RGB for a palette) if there is one; ``output`` is the range of values that a table which
    holds the file's own VOI transformation gives. Wider integers and floating point are scaled.
    """

    bits: int
    base: int
    inverted: bool
    table: NDArray[Any] | None
    scale: tuple[float, float] | None
    output: tuple[float, float] | None = None

    def apply(self, raw: Raw, photometric: str) -> Pixels:
        """One decoded frame as shown: (H, W) uint8/uint16 or (H, W, 3) uint8. Raises FrameError for other colour spaces."""
        if raw.ndim == 3:
            return _colour(raw, photometric, self.bits)
        if self.scale is not None:
            low, high = self.scale
            return scale_to_uint16(raw, high, low) if self.inverted else scale_to_uint16(raw, low, high)
        top = 2**self.bits - 1
        index = np.clip(raw.astype(np.int32) - self.base, 0, top).astype(np.uint8 if self.bits <= 8 else np.uint16)
        if self.table is not None:
            return cast(Pixels, self.table[index])
        return cast(Pixels, np.subtract(top, index, dtype=index.dtype) if self.inverted else index)

    def shown(self, stored: float) -> float:
        """Where a stored value (of a table: its value after the table) lies on the shown scale."""
        if self.table is not None:
            return 65535.0 - stored if self.inverted else stored
        if self.scale is not None:
            low, high = self.scale
            share = (stored - low) / max(high - low, np.finfo(np.float64).tiny) * 65535.0
            return 65535.0 - share if self.inverted else share
        return 2**self.bits - 1 - (stored - self.base) if self.inverted else stored - self.base


def make_display(ds: Dataset, layout: Layout, samples: list[Raw]) -> Display:
    """The mapping for a file, from its header and, for wide values, a few of its frames. Raises FrameError."""
    bits = min(layout.bits_stored, 16)
    base = -(2 ** (bits - 1)) if layout.signed else 0
    inverted = (layout.photometric == "MONOCHROME1") != (_rescale(ds)[0] < 0)
    if layout.photometric == "PALETTE COLOR" and layout.samples == 1:
        return Display(bits, base, False, palette_table(ds, bits, base, layout.little_endian), None)
    if samples[0].ndim == 2 and (layout.floating or layout.bits_stored > 16):
        ranges = [value_range(sample) for sample in samples]
        return Display(16, 0, inverted, None, (min(low for low, _ in ranges), max(high for _, high in ranges)))
    if samples[0].ndim == 3:
        return Display(_colour_bits(samples[0], layout), base, False, None, None)
    table, output = _grey_table(ds, layout, bits, base)
    return Display(bits, base, inverted if table is None else layout.photometric == "MONOCHROME1", table, None, output)


def make_windows(ds: Dataset, layout: Layout, display: Display, first: Pixels) -> tuple[tuple[str, Window], ...]:
    """Names and (low, high) shown grey values of the file's own windows that show anything, else of all there is."""
    palette = display.table is not None and display.table.ndim == 2
    if first.ndim == 3 or layout.samples == 3 or palette:
        return (("", (0.0, 255.0)),)
    present = data_window(_without_padding(ds, display, first))
    if display.output is not None:
        low, high = sorted(map(display.shown, display.output))
        return (("", (low, high)),)
    found = tuple(
        (name, window)
        for name, window in _own_windows(ds, display)
        if window[0] < present[1] and window[1] > present[0]
    )
    return found or (("", (0.0, 2.0**display.bits - 1) if display.bits <= 8 and display.table is None else present),)


def _own_windows(ds: Dataset, display: Display) -> Iterator[tuple[str, Window]]:
    """The linear windows of the header on the shown scale (PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2)."""
    slope, intercept = _rescale(ds) if display.table is None else (1.0, 0.0)
    group = _voi(ds)
    exact = text(group, "VOILUTFunction") == "LINEAR_EXACT"
    centers, widths = numbers(group, "WindowCenter"), numbers(group, "WindowWidth")
    names = (text(group, "WindowCenterWidthExplanation") or "").split("\\")
    for index, (center, width) in enumerate(zip(centers[:_MOST_WINDOWS], widths, strict=False)):
        if width < 1 and not (exact and width > 0):
            continue
        middle, half = (center, width / 2) if exact else (center - 0.5, (width - 1) / 2)
        ends = [middle - half, middle + half]
        low, high = sorted(display.shown((end - intercept) / slope) for end in ends)
        if high - low < 1.0:
            low, high = (low + high) / 2 - 0.5, (low + high) / 2 + 0.5
        if math.isfinite(low) and math.isfinite(high):
            yield (names[index].strip()[:40] if index < len(names) else ""), (low, high)


def _voi(ds: Dataset) -> Dataset:
    """Where the file's windows are."""
    return shared_group(ds, "FrameVOILUTSequence") or ds


def _without_padding(ds: Dataset, display: Display, first: Pixels) -> Pixels:
    """The shown values of what is image: all but Pixel Padding Value, or its range (PS3.3 C.7.5.1.1.2)."""
    one = number(ds, "PixelPaddingValue")
    if one is None or display.scale is not None or abs(one) > 65535:
        return first
    other = number(ds, "PixelPaddingRangeLimit")
    ends = [one, other if other is not None and abs(other) <= 65535 else one]
    low, high = sorted(display.apply(np.array([[end] for end in ends], dtype=np.int32), "MONOCHROME2").ravel().tolist())
    image = first[(first < low) | (first > high)]
    return image if image.size else first


def _rescale(ds: Dataset) -> tuple[float, float]:
    """Slope and intercept from stored to output values."""
    group = shared_group(ds, "PixelValueTransformationSequence") or ds
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    return (slope, intercept or 0.0) if slope else (1.0, 0.0)


def _grey_table(
    ds: Dataset, layout: Layout, bits: int, base: int
) -> tuple[NDArray[np.uint16] | None, tuple[float, float] | None]:
    """Modality and VOI look-up tables and a sigmoid window as one table of shown values; None where the file has none.

    The range is that of the VOI transformation in it, None where a linear window may still be applied.
    """
    modality = _lut(ds, "ModalityLUTSequence", layout)
    center = number(_voi(ds), "WindowCenter")
    voi = None if center is not None else _lut(ds, "VOILUTSequence", layout)
    width = number(_voi(ds), "WindowWidth") or 0.0
    sigmoid = center is not None and width > 0 and text(_voi(ds), "VOILUTFunction") == "SIGMOID"
    if modality is None and voi is None and not sigmoid:
        return None, None
    output: tuple[float, float] | None = None
    values = np.arange(2**bits, dtype=np.float64) + base
    if modality is not None:
        values = modality[0][np.clip(values - modality[1], 0, len(modality[0]) - 1).astype(np.intp)].astype(np.float64)
    else:
        slope, intercept = _rescale(ds)
        values = values * slope + intercept
    if voi is not None:
        values = voi[0][np.clip(values - voi[1], 0, len(voi[0]) - 1).astype(np.intp)].astype(np.float64)
        output = float(voi[0].min()), float(voi[0].max())
    elif sigmoid:  # PS3.3 C.11.2.1.3.1
        values = 65535.0 / (1.0 + np.exp(np.clip(-4.0 * (values - (center or 0.0)) / width, -700.0, 700.0)))
        output = 0.0, 65535.0
    values = np.clip(np.rint(values), 0, 65535)
    return (65535 - values if layout.photometric == "MONOCHROME1" else values).astype(np.uint16), output


def _lut(ds: Dataset, keyword: str, layout: Layout) -> tuple[NDArray[np.uint16], int] | None:
    """The first item's entries and the first value mapped, or None where missing or damaged."""
    tables = items(ds, keyword)
    descriptor = numbers(tables[0], "LUTDescriptor") if tables else ()
    if len(descriptor) != 3:
        return None
    count = int(descriptor[0]) or 65536
    data = value(tables[0], "LUTData")
    if isinstance(data, bytes):
        order = "<u2" if layout.little_endian else ">u2"
        entries = np.frombuffer(data[: len(data) // 2 * 2], dtype=order).astype(np.uint16)
    else:
        listed = numbers(tables[0], "LUTData")
        entries = np.clip(np.array(listed), 0, 65535).astype(np.uint16)
    return (entries[:count], int(descriptor[1])) if 2 <= count <= len(entries) else None


def _colour_bits(sample: Raw, layout: Layout) -> int:
    """Significant bits of a colour sample: what is stored, unless the decoder delivers fewer."""
    return min(layout.bits_stored, 8 * sample.dtype.itemsize)


def _colour(raw: Raw, photometric: str, bits: int) -> NDArray[np.uint8]:
    """(H, W, 3) samples to RGB of 8 bits."""
    if photometric not in {*_RGB, *_YBR, _PARTIAL}:
        raise FrameError(f"its colour space {photometric[:20]} is not supported")
    unsigned = raw.view(f"u{raw.dtype.itemsize}")
    eight = (unsigned >> (bits - 8) if bits > 8 else unsigned).astype(np.uint8)
    if photometric == _PARTIAL:
        converted = np.rint((eight - np.array([16.0, 128.0, 128.0])) @ _TO_RGB)
        return np.asarray(np.clip(converted, 0, 255), dtype=np.uint8)
    if photometric in _YBR:
        # PS3.3 C.7.6.3.1.2: full-range ITU-R BT.601, the same as JPEG's.
        return np.asarray(
            cv2.cvtColor(np.ascontiguousarray(eight[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB), dtype=np.uint8
        )
    return np.ascontiguousarray(eight)
