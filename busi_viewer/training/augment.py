"""Augmentation suited to ultrasound: geometry, gain curves of other scanners, speckle, shadows and burned-in marks.

An image is first given the grey levels of another machine (gamma, gain over depth, a random tone curve, local contrast, or
the histogram of another training image): most of what differs between hospitals is there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Field = NDArray[np.float32]


def augment(image: Image, mask: Image, rng: np.random.Generator, other: Image | None = None) -> tuple[Image, Image]:
    """A random variant of a square (S, S) uint8 image and its 0/1 mask of the same shape.

    ``other`` is another training image whose histogram may be borrowed.
    """
    image, mask = _geometry(image, mask, rng)
    if other is not None and rng.random() < 0.35:
        image = _borrow_histogram(image, other, rng.uniform(0.4, 1.0))
    if rng.random() < 0.2:
        image = _local_contrast(image, rng)
    field = _grey(image.astype(np.float32) / 255.0, rng)
    if rng.random() < 0.5:
        field = _texture(field, rng)
    if rng.random() < 0.25:
        field = _shadow(field, rng)
    image = np.clip(np.rint(field * 255.0), 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        image = _marks(image, rng)
    return image, mask


def augment_basic(
    image: Image, mask: Image, rng: np.random.Generator, other: Image | None = None
) -> tuple[Image, Image]:
    """As :func:`augment`, but only what the papers name: mirror, rotate, zoom, shear, shift, and exposure."""
    image, mask = _geometry(image, mask, rng)
    field = np.power(image.astype(np.float32) / 255.0, np.float32(np.exp(rng.uniform(-0.3, 0.3))))
    field = field * np.float32(rng.uniform(0.8, 1.2))
    return np.asarray(np.clip(np.rint(field * 255.0), 0, 255), np.uint8), mask


def unchanged(image: Image, mask: Image, rng: np.random.Generator, other: Image | None = None) -> tuple[Image, Image]:
    """As :func:`augment`, but nothing is done."""
    return image, mask


AUGMENTATIONS = {"ultrasound": augment, "basic": augment_basic, "none": unchanged}


def _geometry(image: Image, mask: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    """Mirror left to right, rotate ±15°, scale 0.75–1.4 (anisotropic by ±15 %), shear ±0.1, shift ±10 %."""
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    side = image.shape[0]
    angle, scale = np.deg2rad(rng.uniform(-15, 15)), float(np.exp(rng.uniform(-0.29, 0.34)))
    stretch = float(np.exp(rng.uniform(-0.15, 0.15)))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos * stretch, -sin / stretch], [sin * stretch, cos / stretch]])
    matrix = turn @ np.array([[1.0, rng.uniform(-0.1, 0.1)], [0.0, 1.0]])
    centre = np.full(2, side / 2)
    shift = centre - matrix @ centre + rng.uniform(-0.1, 0.1, 2) * side
    affine = np.column_stack([matrix, shift])
    size = (side, side)
    warped = cv2.warpAffine(np.ascontiguousarray(image), affine, size, flags=cv2.INTER_LINEAR)
    warped_mask = cv2.warpAffine(np.ascontiguousarray(mask), affine, size, flags=cv2.INTER_NEAREST)
    return np.asarray(warped, np.uint8), np.asarray(warped_mask, np.uint8)


def _borrow_histogram(image: Image, other: Image, share: float) -> Image:
    """Map the grey levels above 0 to those of ``other`` at equal rank, mixed with the own ones by ``share``."""
    own, theirs = (np.bincount(i.ravel(), minlength=256)[1:].cumsum().astype(np.float64) for i in (image, other))
    if own[-1] < 1 or theirs[-1] < 1:
        return image
    table = np.arange(256, dtype=np.float64)
    table[1:] = np.interp(own / own[-1], theirs / theirs[-1], np.arange(1, 256))
    mixed = share * table + (1 - share) * np.arange(256)
    return np.asarray(np.rint(mixed).astype(np.uint8)[image])


def _local_contrast(image: Image, rng: np.random.Generator) -> Image:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), as many scanners' post-processing has it."""
    return np.asarray(cv2.createCLAHE(rng.uniform(1.0, 3.0), (8, 8)).apply(image), np.uint8)


def _grey(field: Field, rng: np.random.Generator) -> Field:
    """Gamma 0.6–1.65, contrast ±20 %, gain ±25 %, and a depth-dependent gain (time-gain compensation) of ±20 %."""
    field = np.power(field, np.float32(np.exp(rng.uniform(-0.5, 0.5))))
    middle = np.float32(field.mean())
    field = np.where(field > 0, middle + (field - middle) * np.float32(rng.uniform(0.8, 1.2)), 0)
    ramp = np.linspace(-1, 1, field.shape[0], dtype=np.float32)[:, None] * np.float32(rng.uniform(-0.2, 0.2))
    return np.asarray(field.clip(0) * (np.float32(rng.uniform(0.75, 1.25)) + ramp), np.float32)


def _texture(field: Field, rng: np.random.Generator) -> Field:
    """Multiplicative speckle correlated over about a pixel, a blur, or a loss of resolution."""
    kind = rng.random()
    if kind < 0.3:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), rng.uniform(0.4, 1.5)), np.float32)
    side = field.shape[0]
    if kind < 0.5:
        coarse = int(side * rng.uniform(0.4, 0.8))
        small = cv2.resize(field, (coarse, coarse), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    noise = rng.standard_normal(field.shape, dtype=np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.3, 1.0)), np.float32)
    return np.asarray(field * (1 + np.float32(rng.uniform(0.05, 0.3)) * noise), np.float32)


def _shadow(field: Field, rng: np.random.Generator) -> Field:
    """A soft vertical band that darkens (shadow) or brightens (enhancement) everything below a random depth."""
    side = field.shape[0]
    columns = np.exp(-0.5 * ((np.arange(side) - rng.uniform(0, side)) / rng.uniform(0.03, 0.12) / side) ** 2)
    rows = 1 / (1 + np.exp(-(np.arange(side) - rng.uniform(0, 0.7) * side) / (0.03 * side)))
    strength = rng.uniform(-0.6, 0.3)
    return np.asarray(field * (1 + strength * rows[:, None] * columns[None, :]), np.float32)


def _marks(image: Image, rng: np.random.Generator) -> Image:
    """Burned-in callipers, dotted lines between them and letters anywhere, so that they tell the network nothing."""
    out, side = image.copy(), image.shape[0]
    previous = None
    for _ in range(int(rng.integers(1, 5))):
        centre = rng.integers(8, side - 8, 2)
        level = int(rng.integers(160, 256))
        marker = int(rng.choice([cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS]))
        cv2.drawMarker(out, (int(centre[0]), int(centre[1])), level, marker, int(rng.integers(4, 9)), 1)
        if previous is not None and rng.random() < 0.4:
            for share in np.arange(0.0, 1.0, 4.0 / max(4.0, float(np.hypot(*(centre - previous))))):
                x, y = np.rint(previous + share * (centre - previous)).astype(int)
                out[y, x] = level
        previous = centre
    if rng.random() < 0.5:
        text = "".join(rng.choice(list("ABDLRTNIEX0123456789"), int(rng.integers(2, 8))))
        origin = (int(rng.integers(0, side - 40)), int(rng.integers(12, side)))
        cv2.putText(out, text, origin, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.25, 0.5), int(rng.integers(140, 256)), 1)
    return out
