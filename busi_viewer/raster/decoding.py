"""Pillow images as frames: one grey or RGB array whatever the file's own pixel format."""

from __future__ import annotations

import ctypes
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from busi_viewer.core.errors import UnreadableImage, UserError
from busi_viewer.core.frames import data_window, scale_to_uint16, value_range
from busi_viewer.core.image import Pixels

# Decoders talk to the terminal about damaged files; the reader gets our own words instead.
warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)

_ORIENTATION = 0x0112
_PHOTOMETRIC, _SAMPLE_FORMAT, _WHITE_IS_ZERO, _SIGNED = 262, 339, 0, 2
_WITH_ALPHA = {"LA", "La", "PA", "RGBA", "RGBa"}


@cache
def silence_libtiff() -> None:
    """Stop the libtiff that Pillow brings along from writing about damaged files to the terminal (once is enough).

    Where Pillow has libtiff built in or uses the system's, nothing is done.
    """
    package = Path(PIL.__file__).parent
    folders = (package.parent / "pillow.libs", package / ".dylibs", package.parent)
    for library in (found for folder in folders for found in folder.glob("libtiff*")):
        try:
            loaded = ctypes.CDLL(str(library))
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                getattr(loaded, name)(None)
        except (OSError, AttributeError):
            continue


@contextmanager
def decoding(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into UnreadableImage; our own errors pass."""
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UnreadableImage(
            "the image does not fit in memory", path=path, remedy="Close other programs or reduce the image."
        ) from error
    except Exception as error:  # the boundary to third-party decoders, which raise anything on damaged data
        truncated = "truncated" in str(error).lower() or isinstance(error, EOFError)
        state = (
            "is incomplete (truncated)" if truncated else f"is damaged or of an unsupported variety ({_words(error)})"
        )
        raise UnreadableImage(
            f"the {kind} image {state}", path=path, remedy="Export or copy the image again."
        ) from error


def _words(error: Exception) -> str:
    """A decoder's complaint, shortened to one line."""
    text = " ".join(str(error).split())[:120].rstrip(".")
    return text or type(error).__name__


def to_pixels(image: Image.Image) -> Pixels:
    """One decoded frame as (H, W) uint8/uint16 grey or (H, W, 3) uint8 RGB, upright, over black where transparent.

    16-bit grey keeps its values; signed, 32-bit and float grey that does not fit is mapped linearly to 16 bits;
    16-bit colour is reduced to 8 bits.
    """
    image.load()
    wide = image.mode in {"I", "F"} or image.mode.startswith("I;16")
    opaque = "transparency" not in image.info
    pixels: Pixels = _grey(image) if wide or (opaque and image.mode in {"1", "L"}) else _colour(image)
    return cast(Pixels, np.ascontiguousarray(_upright(pixels, _orientation(image))))


def _grey(image: Image.Image) -> Pixels:
    if image.mode == "1":
        return np.asarray(image.convert("L"), dtype=np.uint8)
    values = np.asarray(image)
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if image.mode == "L":
        signed = tags.get(_SAMPLE_FORMAT) in (_SIGNED, (_SIGNED,))
        eight = np.asarray(values, dtype=np.uint8)
        return eight ^ np.uint8(128) if signed else eight
    low, high = value_range(values)
    fits = values.dtype.kind in "iu" and low >= 0 and high <= 65535
    wide = values.astype(np.uint16) if fits else scale_to_uint16(values, low, high)
    # Pillow inverts white-is-zero images of up to 8 bits only.
    return np.subtract(65535, wide, dtype=np.uint16) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else wide


def _colour(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, transparent pixels blended over black."""
    if image.mode not in _WITH_ALPHA and "transparency" not in image.info:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)
    rgba = np.asarray(image if image.mode == "RGBA" else image.convert("RGBA"), dtype=np.uint8)
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return rgba[..., :3]
    return ((rgba[..., :3].astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)


def single_plane(pixels: Pixels) -> Pixels:
    """Grey stored as RGB becomes (H, W); real colour stays."""
    if pixels.ndim == 2:
        return pixels
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (
        cast(Pixels, np.ascontiguousarray(red)) if np.array_equal(red, green) and np.array_equal(red, blue) else pixels
    )


def window_of(pixels: Pixels) -> tuple[float, float]:
    """The grey range to show: all of 8 bits, or the values present in 16 bits."""
    return (0.0, 255.0) if pixels.dtype == np.uint8 else data_window(pixels)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1…8 still to be applied (Pillow applies that of TIFF itself); 1 if absent or unreadable."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything; the pixels are still good
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation (TIFF 6.0, tag 274): 5 = mirrored along the diagonal, 6 = turn right, 8 = turn left."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
