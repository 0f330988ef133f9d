"""Numbers that describe an outlined lesion: its shape, its margin, the echoes inside it and those behind it.

Everything is measured on a cut-out in which the lesion has a fixed size and grey values are divided by the cut-out's own
range, so that neither pixel spacing nor gain matters. Lengths are shares of the lesion's equivalent diameter (that of a
circle of the same area). numpy and cv2 only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import bounding_box

Floats = NDArray[np.float64]
Grey = NDArray[np.float32]

DIAMETER = 96.0
"""Equivalent diameter of the lesion in the cut-out, in pixels."""
ASIDE, ABOVE, BELOW = 0.8, 0.5, 1.4
"""How far the cut-out reaches beyond the lesion, in equivalent diameters."""
POINTS = 128
"""Places along the outline at which the margin is probed."""
NEAR, FAR = 0.06, 0.85
"""The posterior box begins and ends so far below the lesion, in equivalent diameters."""
_LEVELS = 16


@dataclass(frozen=True)
class Patch:
    """A lesion at its fixed size: ``grey`` (h, w) float32, ``mask`` its pixels, ``field`` those that show tissue.

    ``field`` leaves out black surroundings and other lesions. ``spread`` is the range of grey values (5th to 95th
    percentile). ``scale`` is cut-out pixels per image pixel (x, y), ``origin`` the cut-out's corner in the image.
    """

    grey: Grey
    mask: Mask
    field: Mask
    spread: float
    scale: tuple[float, float]
    origin: tuple[int, int]


def reach(mask_box: tuple[int, int, int, int], area: int, pixel_aspect: float) -> tuple[int, int, int, int]:
    """The part of the image a cut-out needs, (x0, y0, x1, y1), which may leave the image. See :func:`cut`."""
    x0, y0, x1, y1 = mask_box
    across = float(np.sqrt(4.0 * area * pixel_aspect / np.pi))  # equivalent diameter in pixels across
    down = across / pixel_aspect
    return (
        int(x0 - ASIDE * across),
        int(y0 - ABOVE * down),
        int(np.ceil(x1 + ASIDE * across)),
        int(np.ceil(y1 + BELOW * down)),
    )


def cut(grey: NDArray[np.uint8], mask: Mask, others: Mask, pixel_aspect: float = 1.0) -> Patch:
    """Cut a lesion out of an image (H, W); ``mask`` is the lesion, ``others`` every other lesion.

    ``pixel_aspect`` is the pixel's height divided by its width. Raises ValueError for an empty mask.
    """
    box = bounding_box(mask)
    if box is None:
        raise ValueError("an empty mask has no features")
    area = int(mask.sum())
    x0, y0, x1, y1 = reach(box, area, pixel_aspect)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, mask.shape[1]), min(y1, mask.shape[0])
    sx = DIAMETER / float(np.sqrt(4.0 * area * pixel_aspect / np.pi))
    size = max(round((x1 - x0) * sx), 8), max(round((y1 - y0) * sx * pixel_aspect), 8)
    scale = size[0] / (x1 - x0), size[1] / (y1 - y0)
    how = cv2.INTER_AREA if sx < 1.0 else cv2.INTER_LINEAR

    def fitted(image: NDArray[np.generic]) -> Grey:
        return np.asarray(cv2.resize(image[y0:y1, x0:x1].astype(np.float32), size, interpolation=how), np.float32)

    small = np.asarray(cv2.GaussianBlur(fitted(mask), (0, 0), 1.0) > 0.5)
    pixels = fitted(grey)
    lit = np.asarray(cv2.dilate(pixels, np.ones((7, 7), np.uint8)) > 2.0)
    field = lit | small
    if others.any():
        field = field & (fitted(others) < 0.25) | small
    low, high = np.percentile(pixels[field], [5, 95]) if field.any() else (0.0, 255.0)
    return Patch(pixels, small, field, max(float(high - low), 16.0), scale, (x0, y0))


def features(patch: Patch) -> dict[str, float]:
    """Every feature by name; all finite. The prefix tells the family: shape, margin, echo, posterior.

    Raises ValueError where the lesion vanishes at the cut-out's size.
    """
    outline = _outline(patch.mask)
    found = {
        **_prefixed("shape", _shape(outline, patch.mask)),
        **_prefixed("margin", _margin(patch, outline)),
        **_prefixed("echo", _echo(patch)),
        **_prefixed("posterior", _posterior(patch)),
    }
    return {name: value if np.isfinite(value) else 0.0 for name, value in found.items()}


def _prefixed(family: str, values: dict[str, float]) -> dict[str, float]:
    return {f"{family}.{name}": value for name, value in values.items()}


def _outline(mask: Mask) -> Floats:
    """The outer boundary as (2 · POINTS, 2) x, y at equal steps, clockwise on screen."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        raise ValueError("the lesion is too small to be described")
    line = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(np.float64)
    if len(line) < 8:
        raise ValueError("the lesion is too small to be described")
    line = _smooth(line, 1.5)
    closed = np.vstack([line, line[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0.0, along[-1], 2 * POINTS, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, 0]), np.interp(at, along, closed[:, 1])], axis=1)


def _smooth(line: Floats, sigma: float) -> Floats:
    """A closed line (N, 2) smoothed by a Gaussian of ``sigma`` points, by way of its Fourier series."""
    frequency = np.fft.fftfreq(len(line))
    gain = np.exp(-2.0 * (np.pi * sigma * frequency) ** 2)
    smoothed = np.fft.ifft(np.fft.fft(line[:, 0] + 1j * line[:, 1]) * gain)
    return np.stack([smoothed.real, smoothed.imag], axis=1)


def _length(line: Floats) -> float:
    return float(np.hypot(*(line - np.roll(line, 1, axis=0)).T).sum())


def _area(line: Floats) -> float:
    return float(cv2.contourArea(line.astype(np.float32)))


def _solidity(line: Floats) -> float:
    """The area inside a line as a share of its convex hull's."""
    return _area(line) / max(float(cv2.contourArea(cv2.convexHull(line.astype(np.float32)))), 1.0)


def _turning(line: Floats) -> Floats:
    """The angle in radians by which a closed line turns at each of its points."""
    step = np.roll(line, -1, axis=0) - line
    heading = np.arctan2(step[:, 1], step[:, 0])
    return np.asarray((heading - np.roll(heading, 1) + np.pi) % (2 * np.pi) - np.pi, dtype=np.float64)


def _shape(outline: Floats, mask: Mask) -> dict[str, float]:
    """Compactness, convexity, deviation from the best ellipse (elliptic Fourier series), lobulations, proportions."""
    fine, coarse = _smooth(outline, 1.5), _smooth(outline, 6.0)
    points = fine.astype(np.float32)
    hull = cv2.convexHull(points)
    length = _length(fine)
    series = np.fft.fft(fine[:, 0] + 1j * fine[:, 1])
    order = np.fft.fftfreq(len(series), 1.0 / len(series)).round()
    power = np.abs(series) ** 2
    ellipse = max(float(power[np.abs(order) == 1].max()), 1e-9)
    beyond = np.sqrt(power[(np.abs(order) >= 2) & (np.abs(order) <= 24)].sum() / ellipse)
    high = np.sqrt(power[(np.abs(order) >= 6) & (np.abs(order) <= 24)].sum() / ellipse)
    x, y = fine.T
    width, height = float(np.ptp(x)), float(np.ptp(y))
    (_, _), (side_a, side_b), _ = cv2.minAreaRect(points)
    turning, gentle = _turning(fine), _turning(coarse)
    dents = _dents(points)
    return {
        "solidity": _solidity(fine),
        "circularity": float(4.0 * np.pi * _area(fine) / max(length, 1.0) ** 2),
        "convexity": float(cv2.arcLength(hull, closed=True)) / max(length, 1.0),
        "ellipse_residual": float(np.log(beyond + 0.005)),
        "roughness": float(np.log(high + 0.002)),
        "detail": float(np.log(length / max(_length(coarse), 1.0))),
        "bending": float(np.log(np.abs(turning).sum() / (2 * np.pi))),
        "lobulations": float(((gentle < -0.01) & (np.roll(gentle, 1) >= -0.01)).sum()),
        "dents": float((dents > 0.03).sum()),
        "deepest_dent": float(dents.max(initial=0.0)),
        "corner": float(np.abs(_turning(_smooth(outline, 3.0))).max()),
        "tallness": float(np.log(max(height, 1.0) / max(width, 1.0))),
        "slenderness": float(np.log(max(side_a, side_b) / max(min(side_a, side_b), 1.0))),
        "box_fill": float(mask.sum() / max(width * height, 1.0)),
    }


def _dents(points: NDArray[np.float32]) -> Floats:
    """Depths of the outline's dents below its convex hull, in equivalent diameters."""
    whole = np.rint(points * 8.0).astype(np.int32).reshape(-1, 1, 2)
    try:
        defects = cv2.convexityDefects(whole, cv2.convexHull(whole, returnPoints=False))
    except cv2.error:  # the outline crosses itself
        defects = None
    return np.zeros(0) if defects is None else defects.reshape(-1, 4)[:, 3] / 256.0 / 8.0 / DIAMETER


def _profiles(patch: Patch, outline: Floats) -> tuple[Floats, Floats, Floats]:
    """Grey values across the margin, (POINTS, offsets) with NaN outside the field; the offsets; the normals (POINTS, 2).

    Offsets are in equivalent diameters, positive = outwards; grey values in units of the patch's spread.
    """
    line = _smooth(outline, 3.0)
    along = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    x, y = line.T
    if float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) < 0:
        normal = -normal
    offsets = np.linspace(-0.25, 0.25, 41)
    at = (line[::2, None, :] + normal[::2, None, :] * offsets[None, :, None] * DIAMETER).astype(np.float32)
    soft = cv2.GaussianBlur(patch.grey, (0, 0), 1.2)
    grey = cv2.remap(soft, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=-1.0)
    seen = cv2.remap(patch.field.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderValue=0.0)
    values = np.where((seen > 0.5) & (grey >= 0.0), grey, np.nan) / patch.spread
    return np.asarray(values, dtype=np.float64), offsets, normal[::2]


def _between(values: Floats, offsets: Floats, low: float, high: float) -> Floats:
    """Mean of the seen values at offsets in [low, high] for each probe, NaN where none is seen."""
    part = values[:, (offsets >= low - 1e-9) & (offsets <= high + 1e-9)]
    count = (~np.isnan(part)).sum(axis=1)
    return np.asarray(np.where(count > 0, np.nansum(part, axis=1) / np.maximum(count, 1), np.nan), dtype=np.float64)


def _quantile(values: Floats, share: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, share)) if len(known) else 0.0


def _mean(values: NDArray[np.floating]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0


def _spread(values: NDArray[np.floating]) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if known.size else 0.0


def _margin(patch: Patch, outline: Floats) -> dict[str, float]:
    """How clearly, sharply and evenly grey values change across the outline, and whether a bright rim surrounds it."""
    values, offsets, normal = _profiles(patch, outline)
    inside, outside = _between(values, offsets, -0.2, -0.06), _between(values, offsets, 0.06, 0.2)
    contrast = outside - inside
    steps = np.nan_to_num(values[:, 4:] - values[:, :-4], nan=-9.0)
    near = np.abs((offsets[4:] + offsets[:-4]) / 2) <= 0.1
    steepest = np.where(steps[:, near].max(axis=1) > -8.0, steps[:, near].max(axis=1), np.nan)
    where = (offsets[4:] + offsets[:-4])[near][steps[:, near].argmax(axis=1)] / 2
    halo = _between(values, offsets, 0.03, 0.12) - _between(values, offsets, 0.15, 0.25)
    down, up = normal[:, 1] > 0.5, normal[:, 1] < -0.5
    beside = ~(down | up)
    return {
        "contrast": _mean(contrast),
        "contrast_spread": _spread(contrast),
        "contrast_weakest": _quantile(contrast, 0.1),
        "contrast_strongest": _quantile(contrast, 0.9),
        "clear_share": _mean((contrast > 0.1).astype(np.float64)),
        "steepness": _mean(steepest),
        "steepness_weakest": _quantile(steepest, 0.15),
        "sharpness": _mean(steepest) / max(abs(_mean(contrast)), 0.05),
        "wander": float(where.std()),
        "jaggedness": float(np.abs(np.diff(where, append=where[:1])).mean()),
        "bright_rim": _mean(halo),
        "contrast_below": _mean(contrast[down]),
        "contrast_above": _mean(contrast[up]),
        "contrast_beside": _mean(contrast[beside]),
    }


def _echo(patch: Patch) -> dict[str, float]:
    """Grey level inside against the tissue around, and how mixed it is, from fine speckle to large parts."""
    grey, spread = patch.grey / np.float32(patch.spread), patch.spread
    inwards = cv2.distanceTransform(patch.mask.astype(np.uint8), cv2.DIST_L2, 5) / DIAMETER
    outwards = cv2.distanceTransform((~patch.mask).astype(np.uint8), cv2.DIST_L2, 5) / DIAMETER
    core = inwards > 0.05
    core = core if core.sum() > 40 else patch.mask
    ring = (outwards > 0.05) & (outwards <= 0.3) & patch.field
    around = grey[ring] if ring.sum() > 40 else grey[patch.field]
    rows = np.flatnonzero(patch.mask.any(axis=1))
    beside = grey[rows[0] : rows[-1] + 1][ring[rows[0] : rows[-1] + 1]]
    beside = beside if len(beside) > 40 else around
    inside = grey[core]
    low, middle, high = np.percentile(inside, [10, 50, 90])
    dark = float(np.percentile(patch.grey[patch.field], 5))
    small, middling, large = (_mixed(grey, core, share) for share in (0.04, 0.09, 0.18))
    rim = core & (inwards <= 0.17)
    centre = core & ~rim
    return {
        "darkness": float(around.mean() - inside.mean()),
        "darkness_beside": float(np.median(beside) - middle),
        "darkest": float(around.mean() - low),
        "brightest": float(high - around.mean()),
        "black_share": float((patch.grey[core] <= dark + 0.03 * spread).mean()),
        "bright_share": float((inside > np.median(around)).mean()),
        "spread": float(inside.std()),
        "spread_against_around": float(np.log((inside.std() + 0.02) / (around.std() + 0.02))),
        "range": float(high - low),
        "skew": float(((inside - inside.mean()) ** 3).mean() / max(float(inside.std()) ** 3, 1e-4)),
        "mixed_small": small,
        "mixed_middle": middling,
        "mixed_large": large,
        "centre_against_rim": float(grey[centre].mean() - grey[rim].mean()) if centre.any() and rim.any() else 0.0,
        **_texture(grey, core),
    }


def _mixed(grey: Grey, mask: Mask, share: float) -> float:
    """Standard deviation inside ``mask`` after blurring there over ``share`` of the equivalent diameter."""
    x0, y0, x1, y1 = bounding_box(mask) or (0, 0, grey.shape[1], grey.shape[0])
    weight = mask[y0:y1, x0:x1].astype(np.float32)
    step = max(round(share * DIAMETER / 3), 1)  # coarser pixels where the blur is wide
    size = max((x1 - x0) // step, 1), max((y1 - y0) // step, 1)
    sigma = share * DIAMETER / step
    total = cv2.GaussianBlur(cv2.resize(grey[y0:y1, x0:x1] * weight, size, interpolation=cv2.INTER_AREA), (0, 0), sigma)
    thin = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    soft = total / np.maximum(cv2.GaussianBlur(thin, (0, 0), sigma), 1e-4)
    return float(soft[thin > 0.5].std()) if (thin > 0.5).any() else 0.0


def _texture(grey: Grey, mask: Mask) -> dict[str, float]:
    """Entropy of the grey levels, and homogeneity and correlation of neighbours (Haralick et al. 1973) across and down."""
    levels = np.clip(grey * _LEVELS, 0, _LEVELS - 1).astype(np.int32)
    counts = np.bincount(levels[mask], minlength=_LEVELS) / max(int(mask.sum()), 1)
    known = counts[counts > 0]
    found = {"entropy": float(-(known * np.log2(known)).sum())}
    step = round(0.03 * DIAMETER)
    for name, dy, dx in (("across", 0, step), ("down", step, 0)):
        both = mask[dy:, dx:] & mask[: mask.shape[0] - dy, : mask.shape[1] - dx]
        a = levels[dy:, dx:][both]
        b = levels[: mask.shape[0] - dy, : mask.shape[1] - dx][both]
        enough = len(a) > 20
        found[f"homogeneity_{name}"] = float((1.0 / (1.0 + np.abs(a - b))).mean()) if enough else 0.5
        product = float(a.std() * b.std()) if enough else 0.0
        found[f"correlation_{name}"] = float(((a - a.mean()) * (b - b.mean())).mean()) / product if product > 0 else 0.0
    return found


def posterior_box(patch: Patch) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) behind the lesion in the cut-out: the middle 70 % of its width; may be empty at the image's end."""
    columns, rows = np.flatnonzero(patch.mask.any(axis=0)), np.flatnonzero(patch.mask.any(axis=1))
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    margin = round(0.15 * (x1 - x0))
    y0 = int(rows[-1]) + 1 + round(NEAR * DIAMETER)
    return x0 + margin, y0, x1 - margin, min(y0 + round((FAR - NEAR) * DIAMETER), patch.mask.shape[0])


def _posterior(patch: Patch) -> dict[str, float]:
    """Grey level behind the lesion against both sides at the same depth, near and far, and below the lesion's edges."""
    grey = np.where(patch.field & ~patch.mask, patch.grey / np.float32(patch.spread), np.float32(np.nan))
    x0, y0, x1, y1 = posterior_box(patch)
    columns = np.flatnonzero(patch.mask.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    gap, wide = round(0.12 * DIAMETER), round(0.65 * DIAMETER)
    names = {}
    depths = {"near": (y0, (y0 + y1) // 2), "far": ((y0 + y1) // 2, y1), "whole": (y0, y1)}
    for name, (top, bottom) in depths.items():
        behind = _median(grey[top:bottom, x0:x1])
        sides = [
            _median(grey[top:bottom, max(left - wide, 0) : max(left - gap, 0)]),
            _median(grey[top:bottom, right + gap : right + wide]),
        ]
        known = [s for s in sides if not np.isnan(s)]
        usable = bool(known) and not np.isnan(behind)
        names[f"darker_{name}"] = float(np.mean(known) - behind) if usable else 0.0
        if name == "whole":
            names["darker_than_darker_side"] = float(min(known) - behind) if usable else 0.0
            names["brighter_than_brighter_side"] = float(behind - max(known)) if usable else 0.0
            names["black_behind"] = _mean((grey[top:bottom, x0:x1] < 0.12).astype(np.float64)) if usable else 0.0
            names["behind_against_inside"] = behind - _median(patch.grey[patch.mask] / patch.spread) if usable else 0.0
    band = round(0.1 * DIAMETER)
    edges = [
        _median(grey[y0:y1, max(left - band // 2, 0) : left + band]),
        _median(grey[y0:y1, right - band : right + band // 2]),
    ]
    middle = _median(grey[y0:y1, x0 + band : max(x1 - band, x0 + band + 1)])
    known = [edge for edge in edges if not np.isnan(edge)]
    names["edge_shadows"] = float(middle - np.mean(known)) if known and not np.isnan(middle) else 0.0
    names["follows_columns"] = _column_contrast(patch, grey, y0, y1)
    return names


def _median(values: NDArray[np.floating]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size > 10 else float("nan")


def _column_contrast(patch: Patch, grey: Grey, y0: int, y1: int) -> float:
    """How well brightness by column behind the lesion goes with the lesion's thickness there (correlation in −1…1)."""
    rows = grey[y0:y1]
    if rows.shape[0] < 5:
        return 0.0
    count = (~np.isnan(rows)).sum(axis=0)
    level = np.nansum(rows, axis=0) / np.maximum(count, 1)
    thick = patch.mask.sum(axis=0).astype(np.float64)
    seen = count > 0.5 * rows.shape[0]
    if seen.sum() < 20 or thick[seen].std() == 0 or level[seen].std() == 0:
        return 0.0
    return float(np.corrcoef(thick[seen], level[seen])[0, 1])
