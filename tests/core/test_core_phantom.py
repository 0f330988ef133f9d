"""Synthetic images: reproducible, and like the anatomy they stand for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from busi_viewer.core.masks import components
from busi_viewer.core.measure import measure
from busi_viewer.core.phantom import KINDS, cine, phantom
from busi_viewer.paths import resource

SEEDS = (0, 1, 2)
SMALL = (230, 280)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_image_and_other_seed_another(kind: str) -> None:
    image, mask = phantom(kind, 7, SMALL)
    again, same = phantom(kind, 7, SMALL)
    other, _ = phantom(kind, 8, SMALL)
    assert image.dtype == np.uint8
    assert image.shape == mask.shape == SMALL
    assert (image == again).all()
    assert (mask == same).all()
    assert (image != other).mean() > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_lesion_is_one_dark_piece_and_none_has_no_lesion(seed: int) -> None:
    assert not phantom("none", seed, SMALL)[1].any()
    for kind in ("cyst", "benign", "malignant"):
        image, mask = phantom(kind, seed, SMALL)
        ring = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(bool) & ~mask
        assert len(components(mask)) == 1
        assert 0.01 < mask.mean() < 0.2
        assert image[mask].mean() < 0.65 * image[ring].mean()


def behind(image: np.ndarray, mask: np.ndarray) -> float:
    """Grey level below the lesion less that on both sides of it at the same depth."""
    x, y, w, h = measure(mask).bbox
    rows = slice(y + h + 6, y + h + 40)
    centre = image[rows, x + w // 4 : x + 3 * w // 4].mean()
    return float(centre - (image[rows, x - 70 : x - 8].mean() + image[rows, x + w + 8 : x + w + 70].mean()) / 2)


def test_cyst_enhances_and_malignant_shadows() -> None:
    cysts = [behind(*phantom("cyst", seed)) for seed in SEEDS]
    cancers = [behind(*phantom("malignant", seed)) for seed in SEEDS]
    assert np.mean(cysts) > 12
    assert np.mean(cancers) < -15


def test_malignant_outline_is_more_irregular_than_benign() -> None:
    def solidity(kind: str, seed: int) -> float:
        lesion = measure(phantom(kind, seed)[1])
        return lesion.area_px / cv2.contourArea(cv2.convexHull(lesion.contour.reshape(-1, 1, 2)))

    assert max(solidity("malignant", s) for s in SEEDS) < min(solidity("benign", s) for s in SEEDS)


def test_grey_falls_with_depth_and_skin_is_bright() -> None:
    image, _ = phantom("none", 3)
    bands = [band.mean() for band in np.array_split(image.astype(float), 5)]
    assert bands[-1] < 0.5 * bands[1]
    assert image[2:6].mean() > 110


def test_cine_moves_and_its_masks_follow() -> None:
    frames, masks = cine("malignant", 1, 5, (128, 160))
    assert frames.shape == masks.shape == (5, 128, 160)
    centres = [np.nonzero(mask)[1].mean() for mask in masks]
    assert centres[0] - centres[-1] > 30
    assert all(frame[mask].mean() < frame.mean() for frame, mask in zip(frames, masks, strict=True))


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        phantom("tumour", 0)
    with pytest.raises(ValueError, match="too small"):
        phantom("cyst", 0, (20, 20))


@pytest.mark.parametrize("name", ["cyst", "benign", "malignant", "normal"])
def test_bundled_samples_are_there_and_small(name: str) -> None:
    path = resource("sample", f"{name}.png")
    assert path.stat().st_size <= 200_000
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape == (460, 560)
