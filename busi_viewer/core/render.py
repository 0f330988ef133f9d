"""Pictures of a result: outlines and callipers over an image, and the heatmap in its colours. numpy and cv2 only.

Coordinates are pixel centres, x right and y down; images come and go as (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.band import Band
from busi_viewer.core.image import Mask
from busi_viewer.core.measure import Lesion

Rgb = NDArray[np.uint8]
Path2d = NDArray[np.float64]
Colour = tuple[int, int, int]

LESION_COLOURS: tuple[Colour, ...] = ((76, 215, 246), (245, 139, 208), (195, 230, 107))
"""Outline colours of lesions 1, 2, 3, then from the start again."""

CALLIPER_COLOUR: Colour = (255, 224, 138)
HEAT_THRESHOLD = 0.15
"""Heat below this value is not drawn; above it, opacity rises to its full value at 1."""
HEAT_OPACITY = 0.72
FILL_OPACITY = 0.10
BAND_COLOUR: Colour = (76, 215, 246)
BAND_OPACITY = 0.22
CASING_OPACITY = 0.60
DASH = (5.0, 4.0)
"""Lengths of a dash and of the gap after it, in line widths of 1 px."""

_INFERNO_STOPS = ("000004", "1b0c41", "4a0c6b", "781c6d", "a52c60", "cf4446", "ed6925", "fb9b06", "f7d13d", "fcffa4")
_INFERNO_END = 0.84
"""The palest part of inferno looks like bright tissue: the map ends at orange."""


@lru_cache(maxsize=1)
def heat_colours() -> NDArray[np.uint8]:
    """The heatmap's colours, (256, 3) uint8 RGB, dark to orange: inferno up to 84 %, interpolated between ten stops."""
    stops = np.array([[int(s[i : i + 2], 16) for i in (0, 2, 4)] for s in _INFERNO_STOPS], dtype=np.float64)
    where = np.linspace(0.0, _INFERNO_END, 256)
    at = np.linspace(0.0, 1.0, len(stops))
    table = np.stack([np.interp(where, at, stops[:, channel]) for channel in range(3)], axis=1)
    colours = np.rint(table).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def lesion_colour(index: int) -> Colour:
    """Outline colour of the lesion with the zero-based ``index``."""
    return LESION_COLOURS[index % len(LESION_COLOURS)]


def as_rgb(frame: NDArray[np.uint8]) -> Rgb:
    """A writable RGB copy of an 8-bit frame, (H, W) grey or (H, W, 3)."""
    if frame.ndim == 2:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return frame.copy()


def heatmap_image(values: NDArray[np.floating]) -> Rgb:
    """Heat (H, W) in [0, 1] as opaque colours."""
    levels = np.clip(np.rint(np.nan_to_num(values) * 255.0), 0, 255).astype(np.uint8)
    return np.asarray(heat_colours()[levels], dtype=np.uint8)


def heat_alpha(values: NDArray[np.floating], threshold: float = HEAT_THRESHOLD) -> NDArray[np.float32]:
    """Opacity (H, W) in [0, 1] of heat drawn over an image: 0 up to the threshold, rising to 1 at the hottest value."""
    rise = np.clip((np.nan_to_num(values) - threshold) / max(1.0 - threshold, 1e-6), 0.0, 1.0)
    return np.asarray(np.sqrt(rise), dtype=np.float32)


def blend_heatmap(frame: NDArray[np.uint8], values: NDArray[np.floating], opacity: float = HEAT_OPACITY) -> Rgb:
    """The 8-bit frame with heat (same H, W) over it."""
    alpha = (heat_alpha(values) * opacity)[..., None]
    base = as_rgb(frame).astype(np.float32)
    return np.asarray(np.rint(base * (1.0 - alpha) + heatmap_image(values) * alpha), dtype=np.uint8)


def smooth(path: NDArray[np.generic]) -> Path2d:
    """A closed pixel contour (N, 2) without its staircase: resampled each pixel, then averaged over about two pixels.

    The line moves by less than half a pixel on a smooth boundary. Contours shorter than 24 px come back unchanged.
    """
    points = np.asarray(path, dtype=np.float64)
    if len(points) < 4:
        return points
    ring = np.vstack([points, points[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    if length[-1] < 24:
        return points
    at = np.linspace(0.0, length[-1], int(np.ceil(length[-1])), endpoint=False)
    even = np.stack([np.interp(at, length, ring[:, axis]) for axis in range(2)], axis=1)
    for _ in range(3):
        even = 0.25 * np.roll(even, 1, axis=0) + 0.5 * even + 0.25 * np.roll(even, -1, axis=0)
    return even


def outlines(mask: Mask, lesions: Sequence[Lesion]) -> tuple[tuple[Path2d, ...], ...]:
    """Smoothed closed boundaries (N, 2) of each lesion of the mask: the outer one first, then its holes."""
    contours, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    by_box: dict[tuple[int, ...], list[Path2d]] = {}
    owner: dict[int, tuple[int, ...]] = {}
    for index, contour in enumerate(contours):
        if tree[0, index, 3] < 0:
            owner[index] = tuple(int(v) for v in cv2.boundingRect(contour))
            by_box.setdefault(owner[index], []).append(smooth(contour[:, 0, :]))
    for index, contour in enumerate(contours):
        parent = int(tree[0, index, 3])
        if parent >= 0:
            by_box[owner[parent]].append(smooth(contour[:, 0, :]))
    return tuple(tuple(by_box.get(lesion.bbox, [smooth(lesion.contour)])) for lesion in lesions)


def dashes(path: Path2d, on: float, off: float) -> Iterator[Path2d]:
    """The pieces (M, 2) of a closed path that a dashed pen draws; lengths in pixels."""
    ring = np.vstack([path, path[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    count = max(int(length[-1] // (on + off)), 1)
    period = length[-1] / count
    for start in np.arange(count) * period:
        at = np.linspace(start, start + period * on / (on + off), 4)
        yield np.stack([np.interp(at, length, ring[:, axis]) for axis in range(2)], axis=1)


def line_width(shape: tuple[int, ...]) -> float:
    """Width in pixels of an outline in an image of this (height, width): 1.8 up to 500 px, then in proportion."""
    return 1.8 * max(1.0, min(shape[0], shape[1]) / 500.0)


def _paint(image: Rgb, coverage: NDArray[np.uint8], colour: Colour, opacity: float) -> None:
    """Blend a colour into the image where covered (0…255), in place."""
    x, y, w, h = cv2.boundingRect(coverage)
    if not w:
        return
    alpha = coverage[y : y + h, x : x + w, None].astype(np.float32) * (opacity / 255.0)
    part = image[y : y + h, x : x + w]
    part[:] = np.rint(part * (1.0 - alpha) + np.array(colour, dtype=np.float32) * alpha).astype(np.uint8)


def _draw(image: Rgb, paths: Sequence[Path2d], closed: bool, colour: Colour, width: float) -> None:
    """Draw lines with a dark casing, in place."""
    fixed = [np.rint(path * 16.0).astype(np.int32).reshape(-1, 1, 2) for path in paths if len(path)]
    for pen, ink, opacity in ((width * 2.2, (0, 0, 0), CASING_OPACITY), (width, colour, 1.0)):
        coverage = np.zeros(image.shape[:2], dtype=np.uint8)
        cv2.polylines(coverage, fixed, closed, 255, max(1, round(pen)), cv2.LINE_AA, 4)
        _paint(image, coverage, ink, opacity)


def draw_outline(image: Rgb, paths: Sequence[Path2d], colour: Colour, *, dashed: bool) -> None:
    """Draw closed boundaries into the image, in place: dashed for the machine's, solid for the reader's."""
    width = line_width(image.shape)
    if not dashed:
        _draw(image, paths, True, colour, width)
        return
    pieces = [piece for path in paths if len(path) for piece in dashes(path, DASH[0] * width, DASH[1] * width)]
    _draw(image, pieces, False, colour, width)


def _mark(at: Path2d, reach: float, diagonal: bool) -> list[Path2d]:
    arms = np.array([[1.0, 1.0], [1.0, -1.0]]) * 0.7 if diagonal else np.array([[1.0, 0.0], [0.0, 1.0]])
    return [np.stack([at - arm * reach, at + arm * reach]) for arm in arms]


def draw_callipers(image: Rgb, lesion: Lesion) -> None:
    """Draw the long axis (ends +) and the short axis (ends ×) as dotted lines, in place."""
    width = line_width(image.shape) * 0.7
    for axis, diagonal in ((lesion.long_axis, False), (lesion.short_axis, True)):
        a, b = (np.array(end) for end in axis)
        dots = max(int(np.hypot(*(b - a)) / (6.5 * width)), 1)
        steps = [a + (b - a) * (i + np.array([[0.0], [0.35]])) / dots for i in range(dots)]
        _draw(image, steps, False, CALLIPER_COLOUR, width)
        marks = [line for end in (a, b) for line in _mark(end, 5.0 * width, diagonal)]
        _draw(image, marks, False, CALLIPER_COLOUR, width)


def draw_band(image: Rgb, rings: Sequence[NDArray[np.generic]]) -> None:
    """Tint the zone that closed ``rings`` (N, 2) enclose, by the even-odd rule, in place."""
    if not rings:
        return
    zone = np.zeros(image.shape[:2], dtype=np.uint8)
    cv2.fillPoly(zone, [np.rint(ring).astype(np.int32).reshape(-1, 1, 2) for ring in rings], 255)
    _paint(image, zone, BAND_COLOUR, BAND_OPACITY)


def overlay_image(
    frame: NDArray[np.uint8],
    mask: Mask | None,
    lesions: Sequence[Lesion],
    heatmap: NDArray[np.floating] | None = None,
    *,
    band: Band | None = None,
    proposal: bool = True,
    callipers: bool = True,
) -> Rgb:
    """The 8-bit frame (grey or RGB) with heat, uncertainty band, lesion fill, outlines and callipers over it.

    ``lesions`` are the measured components of ``mask``; ``proposal`` draws the outline dashed (machine's) instead of
    solid (reader's). Heat and mask have the frame's (H, W).
    """
    image = as_rgb(frame) if heatmap is None else blend_heatmap(frame, heatmap)
    if mask is None or not lesions:
        return image
    if band is not None:
        draw_band(image, band.rings)
    for index, paths in enumerate(outlines(mask, lesions)):
        fill = np.zeros(mask.shape, dtype=np.uint8)
        cv2.fillPoly(fill, [np.rint(path).astype(np.int32).reshape(-1, 1, 2) for path in paths], 255)
        _paint(image, fill, lesion_colour(index), FILL_OPACITY)
        draw_outline(image, paths, lesion_colour(index), dashed=proposal)
    if callipers:
        for lesion in lesions:
            draw_callipers(image, lesion)
    return image
