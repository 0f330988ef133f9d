"""What an index of images (a DICOMDIR) lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listing:
    """``images`` are the files that are there, in the order of the index; ``missing`` how the others are named in it."""

    images: tuple[Path, ...]
    missing: tuple[str, ...] = ()
