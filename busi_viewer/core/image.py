"""One opened image file, read-only: its frames, its calibration and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]

MAX_PIXELS = 64_000_000
"""Largest frame (height × width) that is opened; bigger ones are refused before decoding."""


class Frames(Protocol):
    """The frames of one file, decoded when asked for.

    ``frames[i]`` is a read-only array, (H, W) uint8 or uint16 grey with white = bright, or (H, W, 3) uint8 RGB.
    Every frame has the same shape. Raises :class:`~busi_viewer.core.errors.UnreadableImage`.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pixels: ...


@dataclass(frozen=True)
class ArrayFrames:
    """Frames already in memory: ``stack`` is a tuple of arrays of one shape."""

    stack: tuple[Pixels, ...]

    def __post_init__(self) -> None:
        for frame in self.stack:
            frame.setflags(write=False)

    def __len__(self) -> int:
        return len(self.stack)

    def __getitem__(self, index: int, /) -> Pixels:
        return self.stack[index]


@dataclass(frozen=True)
class Region:
    """A calibrated rectangle of the image: half-open pixel box and its pixel spacing (dy, dx) in mm."""

    x0: int
    y0: int
    x1: int
    y1: int
    spacing_mm: tuple[float, float]

    def contains(self, x: float, y: float) -> bool:
        """Whether the pixel position (x, y) lies inside."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1


class Digest(Protocol):
    """The SHA-256 of a file that takes a while to read: worked out by who asks first, then known.

    ``str(digest)`` waits for it and raises :class:`~busi_viewer.core.errors.UnreadableImage` where the file is no longer the
    one that was opened.
    """

    @property
    def known(self) -> bool:
        """Whether asking for it does not wait."""
        ...

    @property
    def stamp(self) -> tuple[int, int]:
        """Size and time of change (ns) of the file as it was opened, which stand for it until then."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class ImageRecord:
    """A file as opened. Immutable; masks and edits live in the Document.

    ``digest`` is the SHA-256 (hex) of its content, or will say it; ask for ``sha256``.
    ``kind`` is png, jpeg, tiff, bmp or dicom. ``shape`` is (height, width). ``spacing_mm`` is the (dy, dx) valid for the
    whole image, or None where it is unknown or differs by region; ``calibrated_by_reader``: the reader stated it, not the
    file, and whatever shows mm says so. ``covered`` are pixel boxes (x0, y0, x1, y1), half-open, that lie over calibrated
    regions and show something else (a spectrum, an M-mode trace): no mm there. ``window`` is the (lowest, highest) grey
    value to show, ``more_windows`` are others that the file names.
    ``facts`` holds what the viewer may display (side, patient name…): never log it. ``warnings`` are for the reader.
    """

    path: Path
    digest: str | Digest
    kind: str
    frames: Frames
    shape: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    regions: tuple[Region, ...] = ()
    window: tuple[float, float] = (0.0, 255.0)
    frame_rate: float | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    calibrated_by_reader: bool = False
    more_windows: tuple[tuple[str, tuple[float, float]], ...] = ()
    covered: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the file's content, which identifies the image. Not for the GUI thread before it is ``identified``.

        Raises UnreadableImage where the file changed before it was known.
        """
        return str(self.digest)

    @property
    def large(self) -> bool:
        """Whether the file is so large that it is identified after it was opened."""
        return not isinstance(self.digest, str)

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Size and time of change (ns) of a ``large`` file as it was opened, else None."""
        return None if isinstance(self.digest, str) else self.digest.stamp

    @property
    def identified(self) -> bool:
        """Whether ``sha256`` is known, so that asking for it does not wait."""
        return isinstance(self.digest, str) or self.digest.known

    def region_at(self, x: float, y: float) -> int | None:
        """Index of the calibrated region that holds the pixel (x, y), the foremost if there are several, or None."""
        if any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in self.covered):
            return None
        return next((i for i, region in enumerate(self.regions) if region.contains(x, y)), None)

    def spacing_at(self, x: float, y: float) -> tuple[float, float] | None:
        """Spacing (dy, dx) in mm at a pixel: its region's, else the whole image's if there are no regions, else None."""
        index = self.region_at(x, y)
        if index is not None:
            return self.regions[index].spacing_mm
        return None if self.regions else self.spacing_mm


def to_uint8(frame: Pixels, window: tuple[float, float] = (0.0, 255.0)) -> NDArray[np.uint8]:
    """Map a frame to 8 bits: ``window`` (low, high) goes to 0…255, linearly and clipped. RGB stays RGB."""
    low, high = window
    if frame.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return np.asarray(frame, dtype=np.uint8)
    scaled = (frame.astype(np.float32) - low) * (255.0 / max(high - low, 1e-6))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), dtype=np.uint8)


def to_grey(frame: Pixels, window: tuple[float, float] = (0.0, 255.0)) -> NDArray[np.uint8]:
    """The frame as (H, W) uint8 luminance (ITU-R BT.601 weights)."""
    eight = to_uint8(frame, window)
    return eight if eight.ndim == 2 else np.asarray(cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
