"""Synthetic breast-ultrasound images with a known lesion: for the demo, the README and tests. No real data in them.

A picture is built in grey levels (log-compressed echo): skin, fat, glandular and muscle layers with septa and streaks,
a lesion with its effect on the tissue behind it, depth attenuation, and log-Rayleigh speckle with a point spread wider
across than along the beam. Lengths are in units of the image's height or of 460 px.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from busi_viewer.core.image import Mask

KINDS = ("none", "cyst", "benign", "malignant")

Field = NDArray[np.float32]


@dataclass(frozen=True)
class _Look:
    """How a kind of lesion looks. Grey levels are added to the tissue's, or (``level``) replace it."""

    level: float
    texture: float
    rim: float
    halo: float
    behind: float
    edge_px: float


_LOOKS = {
    "cyst": _Look(level=5, texture=3, rim=26, halo=0, behind=46, edge_px=1.7),
    "benign": _Look(level=50, texture=7, rim=16, halo=0, behind=14, edge_px=2.0),
    "malignant": _Look(level=30, texture=14, rim=0, halo=34, behind=-66, edge_px=2.6),
}


def phantom(kind: str, seed: int, shape: tuple[int, int] = (460, 560)) -> tuple[NDArray[np.uint8], Mask]:
    """An 8-bit grey image (H, W) and the mask of its lesion (empty for kind ``none``). The same seed, the same image.

    ``kind`` is one of KINDS. Raises ValueError for another kind or a side below 64 px.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; one of {', '.join(KINDS)}")
    if min(shape) < 64:
        raise ValueError(f"a phantom of {shape} is too small; at least 64 px a side")
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    level = _tissue(rng, shape)
    mask = np.zeros(shape, dtype=bool)
    if kind != "none":
        mask = _outline(rng, kind, shape)
        level = _with_lesion(rng, level, mask, _LOOKS[kind])
    level = _attenuated(rng, level)
    return np.clip(np.rint(_speckled(rng, level)), 0, 255).astype(np.uint8), mask


def cine(kind: str, seed: int, frames: int, shape: tuple[int, int] = (256, 320)) -> tuple[NDArray[np.uint8], Mask]:
    """A sweep over one phantom: (frames, H, W) uint8, and the masks (frames, H, W) bool.

    The probe slides, the tissue breathes a little, and the speckle changes from frame to frame.
    """
    height, width = shape
    image, mask = phantom(kind, seed, (height + 32, width + 64))
    rng = np.random.default_rng([seed, frames])
    pictures, masks = [], []
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    for index in range(frames):
        phase = index / max(frames - 1, 1)
        dx = 32.0 + 20.0 * (phase - 0.5) * 2.0
        dy = 4.0 * np.sin(2 * np.pi * phase) * yy / height
        at = xx + np.float32(dx), np.asarray(yy + dy, dtype=np.float32)
        picture = cv2.remap(image, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.float32)
        grain = _grain(rng, shape) * 6.0 * (picture > 6)
        pictures.append(np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8))
        moved = cv2.remap(mask.astype(np.uint8), *at, cv2.INTER_NEAREST)
        masks.append(moved.astype(bool))
    return np.stack(pictures), np.stack(masks)


def _noise(rng: np.random.Generator, shape: tuple[int, int], across: float, down: float) -> Field:
    """Smooth noise of zero mean and unit spread; correlation lengths in pixels."""
    pad = (int(3 * down) + 1, int(3 * across) + 1)
    field = rng.standard_normal((shape[0] + 2 * pad[0], shape[1] + 2 * pad[1])).astype(np.float32)
    field = np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=across, sigmaY=down), dtype=np.float32)
    field = field[pad[0] : pad[0] + shape[0], pad[1] : pad[1] + shape[1]]
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


def _wave(rng: np.random.Generator, width: int, across: float) -> Field:
    """A smooth random line (1, W) of unit spread."""
    return _noise(rng, (4, width), across, 0.5)[:1]


def _ridges(field: Field, thickness: float) -> Field:
    """Thin curved lines, 0 to 1, where the smooth field crosses zero; brightest where they lie flat, as mirrors do."""
    dy, dx = np.gradient(field)
    steep = np.maximum(np.hypot(dy, dx), 1e-3)
    flat = np.clip(np.abs(dy) / steep, 0, 1) ** 4
    return np.asarray(np.exp(-((field / steep / thickness) ** 2)) * (0.12 + 0.88 * flat), dtype=np.float32)


def _step(depth: Field, at: Field, softness: float) -> Field:
    """0 above ``at`` and 1 below it."""
    return np.asarray(expit((depth - at) / softness), dtype=np.float32)


def _tissue(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Grey levels of healthy layers without attenuation and speckle."""
    height, width = shape
    unit = height / 460.0
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    yy = np.asarray(np.repeat(rows, width, axis=1), dtype=np.float32)
    sag = np.asarray(0.018 * _wave(rng, width, width / 5), dtype=np.float32)
    skin = np.asarray(0.035 + 0.25 * sag, dtype=np.float32)
    gland = _border(rng, 0.20, 0.03, 2.0 * sag + 0.012 * _noise(rng, shape, 24 * unit, 14 * unit))
    muscle = _border(rng, 0.66, 0.04, 1.6 * sag + 0.006 * _noise(rng, shape, 30 * unit, 10 * unit))
    wall = np.asarray(muscle + 0.16 + 0.8 * sag, dtype=np.float32)
    bend = np.asarray(yy + 0.7 * sag + 0.02 * _noise(rng, shape, 70 * unit, 50 * unit), dtype=np.float32)

    fine = _warped(_noise(rng, shape, 10 * unit, 1.8 * unit), bend)
    coarse = _warped(_noise(rng, shape, 32 * unit, 6 * unit), bend)
    lobules = _noise(rng, shape, 30 * unit, 14 * unit)
    septa = _ridges(_noise(rng, shape, 46 * unit, 15 * unit), 1.9 * unit) * _patchy(rng, shape, unit)
    strands = _ridges(_warped(_noise(rng, shape, 40 * unit, 6 * unit), bend), 1.7 * unit) * _patchy(rng, shape, unit)
    fibres = _ridges(_warped(_noise(rng, shape, 75 * unit, 5.5 * unit), bend), 1.5 * unit) * _patchy(rng, shape, unit)

    fat = 94 + 7 * coarse + 7 * fine + 80 * septa
    glandular = 124 - 22 * np.clip(lobules, -0.6, 2) + 17 * coarse + 18 * fine + 58 * strands
    muscular = 88 + 9 * coarse + 14 * fine + 78 * fibres
    deep = 70 + 12 * coarse + 10 * fine
    level = np.asarray(fat, dtype=np.float32)
    for layer, border, soft in ((glandular, gland, 0.012), (muscular, muscle, 0.008), (deep, wall, 0.012)):
        weight = _step(yy, border, soft)
        level = level * (1 - weight) + layer * weight
    for border, bright, thick in ((muscle, 74, 0.0055), (wall, 60, 0.007)):
        broken = np.clip(0.2 + 0.8 * _patchy(rng, shape, unit) + 0.15 * fine, 0, 1.2)
        level += bright * np.exp(-(((yy - border) / thick) ** 2)) * broken
    dermis = 156 - 34 * np.exp(-(((yy - 0.55 * skin) / 0.008) ** 2)) + 46 * np.exp(-(((yy - skin) / 0.004) ** 2))
    under = _step(yy, np.asarray(skin + 0.006, dtype=np.float32), 0.002)
    return np.asarray(dermis + (level - dermis) * under, dtype=np.float32)


def _border(rng: np.random.Generator, depth: float, spread: float, shape: Field) -> Field:
    """Depth (H, W) of a layer's upper border, in image heights."""
    return np.asarray(depth + spread * rng.standard_normal() + shape, dtype=np.float32)


def _warped(field: Field, bend: Field) -> Field:
    """The field with its horizontal streaks bent along the layers."""
    height, width = field.shape
    xx = np.repeat(np.arange(width, dtype=np.float32)[None, :], height, axis=0)
    rows = np.asarray(bend * height, dtype=np.float32)
    return np.asarray(cv2.remap(field, xx, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), dtype=np.float32)


def _patchy(rng: np.random.Generator, shape: tuple[int, int], unit: float) -> Field:
    """Where lines show: 0 to 1, in patches."""
    return np.asarray(np.clip(0.42 + 0.5 * _noise(rng, shape, 26 * unit, 12 * unit), 0, 1), dtype=np.float32)


def _outline(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> Mask:
    """A lesion's outline in the glandular layer, filled."""
    height, width = shape
    size = min(height, width)
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    tilt = float(rng.uniform(-0.25, 0.25))
    if kind == "malignant":
        half = size * rng.uniform(0.115, 0.15)
        radius = 1 + sum(rng.normal(0, 0.17 / k**0.6) * np.cos(k * angle + rng.uniform(0, 6.28)) for k in range(2, 8))
        for centre in rng.uniform(0, 2 * np.pi, 9):
            spike = np.angle(np.exp(1j * (angle - centre)))
            radius += rng.uniform(0.12, 0.34) * np.exp(-((spike / rng.uniform(0.05, 0.10)) ** 2))
        across, down = half, half * rng.uniform(0.95, 1.2)
    else:
        half = size * (rng.uniform(0.10, 0.14) if kind == "cyst" else rng.uniform(0.14, 0.18))
        lobes = 0.012 if kind == "cyst" else 0.035
        radius = 1 + sum(rng.normal(0, lobes) * np.cos(k * angle + rng.uniform(0, 6.28)) for k in range(2, 5))
        across, down = half, half * (rng.uniform(0.72, 0.85) if kind == "cyst" else rng.uniform(0.5, 0.62))
    x, y = radius * across * np.cos(angle), radius * down * np.sin(angle)
    cx, cy = width * rng.uniform(0.40, 0.60), height * rng.uniform(0.36, 0.44)
    points = np.stack([cx + x * np.cos(tilt) - y * np.sin(tilt), cy + x * np.sin(tilt) + y * np.cos(tilt)], axis=1)
    canvas = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(canvas, [np.rint(points).astype(np.int32).reshape(-1, 1, 2)], 1)
    return canvas.astype(bool)


def _with_lesion(rng: np.random.Generator, level: Field, mask: Mask, look: _Look) -> Field:
    """The tissue with the lesion in it, its rim or halo, and enhancement or shadow behind it."""
    shape = mask.shape
    unit = shape[0] / 460.0
    solid = mask.astype(np.float32)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    level = level + _behind(rng, mask, look.behind, unit)
    level = level + look.halo * np.exp(-((outside / (13 * unit)) ** 2)) * (0.7 + 0.3 * _noise(rng, shape, 9, 5))
    faces = np.clip(-np.gradient(cv2.GaussianBlur(solid, (0, 0), 4 * unit), axis=0) * 12 * unit, 0, 1)
    front = np.clip(np.gradient(cv2.GaussianBlur(solid, (0, 0), 4 * unit), axis=0) * 12 * unit, 0, 1)
    level = level + look.rim * (faces + 0.6 * front) * np.exp(-((outside / (3 * unit)) ** 2)) * 1.6
    path = np.cumsum(mask, axis=0, dtype=np.float32)
    haze = 30 * np.exp(-path / (7 * unit)) * np.clip(0.5 + 0.5 * _noise(rng, shape, 12 * unit, 3 * unit), 0, 2)
    inner = look.level + look.texture * _noise(rng, shape, 9 * unit, 4 * unit) + haze
    weight = cv2.GaussianBlur(solid, (0, 0), look.edge_px * unit)
    return np.asarray(level * (1 - weight) + inner * weight, dtype=np.float32)


def _behind(rng: np.random.Generator, mask: Mask, strength: float, unit: float) -> Field:
    """Enhancement (strength > 0) or shadow (< 0) below the lesion: as strong as the path through it is long."""
    path = np.cumsum(mask, axis=0, dtype=np.float32)
    thickest = max(float(path.max()), 1.0)
    column = np.clip(path / (0.7 * thickest), 0, 1)
    below = column * (1 - mask)
    below = cv2.GaussianBlur(below.astype(np.float32), (0, 0), sigmaX=7 * unit, sigmaY=2 * unit)
    rows = np.arange(mask.shape[0], dtype=np.float32)[:, None]
    bottom = float(np.flatnonzero(mask.any(axis=1))[-1])
    reach = mask.shape[0] * (0.30 if strength > 0 else 0.9)
    fade = np.exp(-np.clip(rows - bottom, 0, None) / reach)
    streaks = 1 + 0.22 * _wave(rng, mask.shape[1], 6 * unit)
    return np.asarray(strength * below * fade * streaks, dtype=np.float32)


def _attenuated(rng: np.random.Generator, level: Field) -> Field:
    """Less echo with depth, more in the focal zone, and uneven contact across the probe."""
    height, width = level.shape
    depth = np.arange(height, dtype=np.float32)[:, None] / height
    loss = 20 * depth + 72 * np.clip(depth - 0.38, 0, None) ** 1.15
    contact = 1 + 5 * _wave(rng, width, width / 9) * (0.4 + depth)
    return np.asarray(level + 8 - loss + contact, dtype=np.float32)


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Log-Rayleigh speckle of zero mean and unit spread, wider across than along the beam."""
    scale = shape[0] / 460.0
    real, imaginary = (_noise(rng, shape, max(1.9 * scale, 0.9), max(0.9 * scale, 0.6)) for _ in range(2))
    logs = np.log(np.hypot(real, imaginary) + 0.08)
    return np.asarray((logs - logs.mean()) / max(float(logs.std()), 1e-6), dtype=np.float32)


def _speckled(rng: np.random.Generator, level: Field) -> Field:
    """Speckle over the levels; it is weaker in near-black regions, where the display's range ends."""
    strength = 3.0 + 12.0 * np.clip(level / 90.0, 0, 1)
    grain = 0.8 * _grain(rng, level.shape) + 0.2 * _noise(rng, level.shape, 0.6, 0.6)
    return np.asarray(level + strength * grain, dtype=np.float32)
