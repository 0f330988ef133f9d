"""Sample predictions of a run, read back for showing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.training import IMAGES, PREDICTIONS, SAMPLES

_EPOCH = re.compile(r"epoch-(\d+)")
Ring = NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """One image after one epoch: ``grey`` (H, W) uint8, outlines (N, 2) as x, y in its pixels, what was predicted.

    ``probabilities`` are normal, benign, malignant; ``label`` and ``dice`` are None where the truth is not known.
    """

    id: str
    label: str | None
    grey: NDArray[np.uint8]
    reference: tuple[Ring, ...]
    predicted: tuple[Ring, ...]
    probabilities: tuple[float, ...] | None
    dice: float | None


def epochs(folder: Path) -> list[int]:
    """The epochs of which a run's folder holds predictions, ascending."""
    place = folder / SAMPLES
    found = [_EPOCH.fullmatch(path.parent.name) for path in place.glob(f"epoch-*/{PREDICTIONS}")]
    return sorted(int(match[1]) for match in found if match)


def images(folder: Path) -> list[tuple[str, Path, Path | None]]:
    """The sample images of a run: id, file, and the file of the outline where there is one."""
    found: list[tuple[str, Path, Path | None]] = []
    for number, image in enumerate(_json(folder / SAMPLES / IMAGES)):
        picture, mask = (folder / SAMPLES / f"{number}{end}.png" for end in ("", "-reference"))
        if picture.is_file():
            found.append((image["id"], picture, mask if mask.is_file() else None))
    return found


def read(folder: Path, epoch: int) -> list[Shown]:
    """The images with what was predicted after ``epoch``; those that cannot be read are left out."""
    place = folder / SAMPLES
    images, said = _json(place / IMAGES), _json(place / f"epoch-{epoch}" / PREDICTIONS)
    shown = []
    for number, (image, prediction) in enumerate(zip(images, said, strict=False)):
        grey = cv2.imread(str(place / f"{number}.png"), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            continue
        probabilities = prediction["probabilities"]
        shown.append(
            Shown(
                image["id"],
                image["label"],
                np.asarray(grey, np.uint8),
                _rings(place / f"{number}-reference.png"),
                _rings(place / f"epoch-{epoch}" / f"{number}.png"),
                tuple(probabilities) if probabilities else None,
                prediction["dice"],
            )
        )
    return shown


def _rings(path: Path) -> tuple[Ring, ...]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        return ()
    found, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return tuple(np.asarray(ring[:, 0], np.float32) for ring in found if len(ring) > 2)


def _json(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return content if isinstance(content, list) else []
