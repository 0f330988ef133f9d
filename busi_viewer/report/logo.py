"""The facility's logo: a PNG or JPEG file that is looked at before it is used, and that never stops a report."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

KINDS = ("PNG", "JPEG")
MOST_BYTES = 8_000_000
MOST_PIXELS = 30_000_000
LONGEST_SIDE = 800
LUMA = np.array([0.299, 0.587, 0.114])
NEARLY_WHITE, TRANSPARENT = 215, 10
"""Mean light of what is opaque (0 to 255) above which white paper hides a logo; opacity up to which there is paper to see."""
DARK = "#171B20"


def pixels(path: Path | None) -> NDArray[np.uint8] | None:
    """The logo as (H, W, 3) RGB on white (a white one: on dark), at most LONGEST_SIDE a side; None where it cannot be used."""
    if path is None:
        return None
    try:
        return _read(path)
    except _FAULTS:
        return None


def fault(path: Path) -> str:
    """Why a file cannot be the logo, in words; empty if it can."""
    try:
        _read(path)
    except ValueError as error:
        return str(error)
    except OSError as error:
        return error.strerror or "it is no PNG or JPEG picture"
    except _FAULTS:
        return "it is no PNG or JPEG picture"
    return ""


def _read(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("it is larger than 8 MB")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("it has more than 30 million pixels")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            rgba = image.convert("RGBA")
    rgba.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", rgba.size, _ground(np.asarray(rgba, dtype=np.float64)))
    return np.asarray(Image.alpha_composite(ground, rgba).convert("RGB"), dtype=np.uint8)


def _ground(rgba: NDArray[np.float64]) -> str:
    """White; dark for a logo that was made for a dark ground: what is opaque of it is as good as white."""
    opaque, light = rgba[..., 3], rgba[..., :3] @ LUMA
    if opaque.min() > TRANSPARENT or not opaque.any():
        return "white"
    return DARK if np.average(light, weights=opaque) > NEARLY_WHITE else "white"


_FAULTS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow raises for files that are no pictures, broken, or too large."""
