"""Pixels without burned-in text: black outside the acquisition regions on every frame, and no suspect text inside them.

The frames are decoded one at a time, blackened in their own colour space and written without loss: uncompressed where they
were, else as JPEG-LS. What lies inside is looked at with OCR, frame by frame, after the blackening.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended

from busi_viewer.core.deidentify import NotDeidentified, Region, Text
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.image import to_uint8
from busi_viewer.core.masks import Box
from busi_viewer.core.ports import CancelToken, Progress
from busi_viewer.dicom.codecs import FrameError, Raw
from busi_viewer.dicom.display import Display, make_display, make_windows
from busi_viewer.dicom.header import NATIVE, Layout
from busi_viewer.dicom.pixels import StoredPixels, reading
from busi_viewer.dicom.residual_text import suspects
from busi_viewer.dicom.values import integer, items

ROUNDS = 3
"""How often letters are blackened and looked for again."""
MARGIN = 3
"""Pixels blackened around a piece of text, at least; half its height where that is more."""
_SPATIAL = {1, 2, 3, 4}
"""Regions of 2D, M-mode, spectral and waveform data hold the acquisition; those of graphics (5) and of none (0) do not."""
_MAX_ENCAPSULATED = 2**32 - 2**16


@dataclass
class PixelCleaner:
    """Cleans the frames of one file. ``region`` says what was taken for the acquisition; ``boxes`` is what was blackened in it.

    ``keep`` is a box given by hand, outside of which everything is blackened.
    """

    stored: StoredPixels
    names: AbstractSet[str]
    text: Text
    keep: Box | None = None
    region: Region = field(init=False)
    boxes: list[Box] = field(init=False, default_factory=list)
    _outside: NDArray[np.bool_] = field(init=False)
    _display: Display = field(init=False)
    _window: tuple[float, float] = field(init=False)
    photometric: str = field(init=False)

    def __post_init__(self) -> None:
        layout = self.stored.header.layout
        inside = acquisition(self.stored.header.dataset, (layout.rows, layout.columns))
        self.region = "by hand" if self.keep is not None else "whole frame" if inside is None else "calibrated"
        self._outside = np.zeros((layout.rows, layout.columns), bool) if inside is None else ~inside
        if self.keep is not None:
            x0, y0, x1, y1 = self.keep
            self._outside[:y0] = self._outside[y1:] = self._outside[:, :x0] = self._outside[:, x1:] = True
            if self._outside.all():
                raise NotDeidentified(
                    "nothing of its frames lies in the region to keep", path=self.path, remedy="Give another region."
                )
        raw, self.photometric = self.stored.raw(0)
        with reading(self.path):
            self._display = make_display(self.stored.header.dataset, layout, [raw])
            first = self._display.apply(raw, self.photometric)
            self._window = make_windows(self.stored.header.dataset, layout, self._display, first)[0][1]

    @property
    def path(self) -> Path:
        """The file."""
        return self.stored.path

    @property
    def blackened(self) -> int:
        """Pixels outside the acquisition regions."""
        return int(self._outside.sum())

    def check(self, progress: Progress, cancel: CancelToken | None) -> None:
        """Look for text on every frame. Raises NotDeidentified where some stays, and Cancelled."""
        for attempt in range(ROUNDS):
            found: list[Box] = []
            for index, raw in enumerate(self._frames()):
                if cancel is not None and cancel.is_set():
                    raise Cancelled
                progress("looking for text", index / self.stored.count)
                with reading(self.path):
                    shown = self._display.apply(raw, self.photometric)
                found += [box for box in suspects(to_uint8(shown, self._window), self.names) if box not in found]
                if found and self.text == "refuse":
                    raise self._refusal(index, attempt)
            if not found:
                return
            self.boxes += found
        raise self._refusal(0, ROUNDS)

    def write(self, clean: Dataset) -> uid.UID:
        """Put the cleaned frames into a data set; the transfer syntax they have there."""
        layout = self.stored.header.layout
        _describe(clean, layout, self.photometric, self.stored.count)
        first = self.stored.raw(0)[0]
        if self.stored.header.syntax in NATIVE or first.dtype.itemsize > 2 or first.dtype.kind == "i":
            clean.PixelData = self._native(layout)
            clean["PixelData"].VR = "OB" if layout.bits_allocated <= 8 else "OW"
            return uid.ExplicitVRLittleEndian
        frames = [_compressed(frame, layout.bits_stored) for frame in self._frames()]
        clean.BitsAllocated = 8 if layout.bits_stored <= 8 else 16
        if sum(map(len, frames)) + 8 * len(frames) < _MAX_ENCAPSULATED:
            clean.PixelData = encapsulate(frames)
        else:
            clean.PixelData, clean.ExtendedOffsetTable, clean.ExtendedOffsetTableLengths = encapsulate_extended(frames)
        clean["PixelData"].VR = "OB"
        clean["PixelData"].is_undefined_length = True
        return uid.JPEGLSLossless

    def _frames(self) -> Iterator[Raw]:
        """Every frame as stored, black outside the regions and where text was."""
        layout = self.stored.header.layout
        dark = black(layout, self.photometric, self._display)
        for index in range(self.stored.count):
            raw, photometric = self.stored.raw(index)
            if photometric != self.photometric or raw.shape[:2] != self._outside.shape:
                with reading(self.path):
                    raise FrameError(f"frame {index + 1} has another pixel format than the first")
            frame = raw.copy()
            if frame.ndim == 3 and layout.bits_stored < 8 * frame.dtype.itemsize:
                frame &= frame.dtype.type(2**layout.bits_stored - 1)
            frame[self._outside] = dark
            for x0, y0, x1, y1 in self.boxes:
                edge = max(MARGIN, (y1 - y0) // 2)
                frame[max(y0 - edge, 0) : y1 + edge, max(x0 - edge, 0) : x1 + edge] = dark
            yield frame

    def _native(self, layout: Layout) -> bytes:
        if layout.bits_allocated == 1:
            bits = np.concatenate([frame.ravel() for frame in self._frames()])
            packed = np.packbits(bits.astype(bool), bitorder="little").tobytes()
            return packed + b"\0" * (len(packed) % 2)
        size = layout.bits_allocated // 8
        if layout.rows * layout.columns * layout.samples * size * self.stored.count >= _MAX_ENCAPSULATED:
            raise NotDeidentified(
                "its pixels do not fit into one file", path=self.path, remedy="Export fewer frames into one file."
            )
        kind = "i" if layout.signed and layout.samples == 1 else "u"
        data = b"".join(frame.astype(f"<{kind}{size}").tobytes() for frame in self._frames())
        return data + b"\0" * (len(data) % 2)

    def _refusal(self, index: int, attempt: int) -> NotDeidentified:
        if attempt:
            what, remedy = (
                "there is still something like text on it after blackening",
                "Give a region to keep that holds none.",
            )
            return NotDeidentified(what, path=self.path, remedy=remedy)
        what = f"there may be text inside the acquisition region (frame {index + 1})"
        if self.region == "whole frame":
            what = f"it states no acquisition region, and there may be text on it (frame {index + 1})"
        return NotDeidentified(
            what, path=self.path, remedy="Give a region to keep that holds none, or let the text found be blackened."
        )


def acquisition(ds: Dataset, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Where the acquisition regions are (PS3.3 C.8.5.5), (H, W); None where the file names none."""
    inside = np.zeros(shape, bool)
    for item in items(ds, "SequenceOfUltrasoundRegions"):
        corners = [integer(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if integer(item, "RegionSpatialFormat") in _SPATIAL and None not in corners:
            x0, y0, x1, y1 = (max(corner or 0, 0) for corner in corners)
            inside[y0 : y1 + 1, x0 : x1 + 1] = True
    return inside if inside.any() else None


def black(layout: Layout, photometric: str, display: Display) -> Any:
    """The stored value that is shown black, in the frame's own colour space."""
    low = -(2 ** (layout.bits_stored - 1)) if layout.signed else 0
    if photometric == "PALETTE COLOR" and display.table is not None:
        return int(display.table.reshape(len(display.table), -1).astype(np.int64).sum(axis=1).argmin())
    if photometric.startswith("YBR"):
        return [0, 2 ** (layout.bits_stored - 1), 2 ** (layout.bits_stored - 1)]
    return low + 2**layout.bits_stored - 1 if photometric == "MONOCHROME1" else low


def _describe(clean: Dataset, layout: Layout, photometric: str, count: int) -> None:
    """The image pixel module of frames by pixel, without subsampling."""
    clean.Rows, clean.Columns = layout.rows, layout.columns
    clean.SamplesPerPixel = layout.samples
    clean.PhotometricInterpretation = "YBR_FULL" if photometric == "YBR_FULL_422" else photometric
    clean.BitsAllocated, clean.BitsStored, clean.HighBit = (
        layout.bits_allocated,
        layout.bits_stored,
        layout.bits_stored - 1,
    )
    clean.PixelRepresentation = int(layout.signed)
    if layout.samples == 3:
        clean.PlanarConfiguration = 0
    elif "PlanarConfiguration" in clean:
        del clean.PlanarConfiguration
    if count > 1 or "NumberOfFrames" in clean:
        clean.NumberOfFrames = count


def _compressed(frame: Raw, bits: int) -> bytes:
    """One frame as JPEG-LS without loss, its samples interleaved."""
    height, width = frame.shape[:2]
    samples = 1 if frame.ndim == 2 else 3
    kind = np.uint8 if bits <= 8 else np.dtype("<u2")
    data = np.ascontiguousarray(frame.astype(kind)).tobytes()
    return bytes(jpeg_ls.encode_buffer(data, height, width, samples, bits, 0, 2 if samples == 3 else 0))
