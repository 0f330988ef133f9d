"""Augmentation suited to ultrasound: geometry, gain, gamma, speckle, shadows and burned-in marks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def augment(image: Image, mask: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    """A random variant of a square (S, S) uint8 image and its 0/1 mask of the same shape."""
    image, mask = _geometry(image, mask, rng)
    field = _grey(image.astype(np.float32) / 255.0, rng)
    if rng.random() < 0.3:
        field = _speckle(field, rng)
    if rng.random() < 0.25:
        field = _shadow(field, rng)
    image = np.clip(np.rint(field * 255.0), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        image = _marks(image, mask, rng)
    return image, mask


def _geometry(image: Image, mask: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    """Mirror left to right, rotate ±12°, scale 0.8–1.25 (slightly anisotropic), shift ±8 %."""
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    side = image.shape[0]
    angle, scale = np.deg2rad(rng.uniform(-12, 12)), float(np.exp(rng.uniform(-0.22, 0.22)))
    stretch = float(np.exp(rng.uniform(-0.1, 0.1)))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos * scale * stretch, -sin * scale], [sin * scale * stretch, cos * scale]])
    centre = np.full(2, side / 2)
    shift = centre - matrix @ centre + rng.uniform(-0.08, 0.08, 2) * side
    affine = np.column_stack([matrix, shift])
    size = (side, side)
    warped = cv2.warpAffine(np.ascontiguousarray(image), affine, size, flags=cv2.INTER_LINEAR)
    warped_mask = cv2.warpAffine(np.ascontiguousarray(mask), affine, size, flags=cv2.INTER_NEAREST)
    return np.asarray(warped, np.uint8), np.asarray(warped_mask, np.uint8)


def _grey(field: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Gamma 0.65–1.5, gain ±20 %, and a depth-dependent gain (time-gain compensation) of ±15 % top to bottom."""
    field = np.power(field, np.float32(np.exp(rng.uniform(-0.43, 0.43))))
    ramp = np.linspace(-1, 1, field.shape[0], dtype=np.float32)[:, None] * np.float32(rng.uniform(-0.15, 0.15))
    return np.asarray(field * (np.float32(rng.uniform(0.8, 1.2)) + ramp), np.float32)


def _speckle(field: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Multiplicative noise, correlated over about a pixel, or a slight blur."""
    if rng.random() < 0.4:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), rng.uniform(0.4, 1.1)), np.float32)
    noise = rng.standard_normal(field.shape, dtype=np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.3, 0.9)), np.float32)
    return np.asarray(field * (1 + np.float32(rng.uniform(0.05, 0.2)) * noise), np.float32)


def _shadow(field: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A soft vertical band that darkens (shadow) or brightens (enhancement) everything below a random depth."""
    side = field.shape[0]
    columns = np.exp(-0.5 * ((np.arange(side) - rng.uniform(0, side)) / rng.uniform(0.03, 0.12) / side) ** 2)
    rows = 1 / (1 + np.exp(-(np.arange(side) - rng.uniform(0, 0.7) * side) / (0.03 * side)))
    strength = rng.uniform(-0.6, 0.3)
    return np.asarray(field * (1 + strength * rows[:, None] * columns[None, :]), np.float32)


def _marks(image: Image, mask: Image, rng: np.random.Generator) -> Image:
    """Burned-in callipers and letters anywhere, so that they tell the network nothing about the lesion."""
    out, side = image.copy(), image.shape[0]
    for _ in range(int(rng.integers(1, 5))):
        centre = (int(rng.integers(8, side - 8)), int(rng.integers(8, side - 8)))
        marker = int(rng.choice([cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS]))
        cv2.drawMarker(out, centre, int(rng.integers(160, 256)), marker, int(rng.integers(4, 9)), 1)
    if rng.random() < 0.5:
        text = "".join(rng.choice(list("ABDLRTNIEX0123456789"), int(rng.integers(2, 8))))
        origin = (int(rng.integers(0, side - 40)), int(rng.integers(12, side)))
        cv2.putText(out, text, origin, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.25, 0.5), int(rng.integers(140, 256)), 1)
    return out
