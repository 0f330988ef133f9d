"""A figure of four panels for papers and talks: image, heatmap, outline, and the heat over the image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.measure import Lesion
from busi_viewer.core.render import Rgb, as_rgb, heatmap_image, overlay_image
from busi_viewer.core.results import Heatmap

GAP = 6
"""White between the panels and around captions, in pixels."""
JET_OPACITY = 0.5
_CAPTION, _INK = 26, 40


def four_panels(
    frame: NDArray[np.uint8], mask: Mask | None, lesions: tuple[Lesion, ...], heatmap: Heatmap, *, jet: bool = False
) -> Rgb:
    """Four captioned panels of an 8-bit frame (H, W) or (H, W, 3), two by two, each at the frame's size.

    The last is the heat over the image in the product's colours, or with ``jet`` in half-transparent jet everywhere, as many
    papers print it. ``mask`` None: the outline is withheld. The caption names method and class and the research use.
    """
    outlined = overlay_image(frame, mask, lesions, callipers=False)
    over = _jet_over(frame, heatmap.values) if jet else overlay_image(frame, None, (), heatmap.values)
    last = "Heat over the image, jet" if jet else "Heat over the image"
    named = (
        ("Image", as_rgb(frame)),
        (heatmap.title, heatmap_image(heatmap.values)),
        ("AI outline" if mask is not None else "AI outline withheld", outlined),
        (last, over),
    )
    cells = [_captioned(picture, words) for words, picture in named]
    rows = [np.hstack([_padded(cell) for cell in cells[start : start + 2]]) for start in (0, 2)]
    whole = np.vstack(rows)
    foot = np.full((_CAPTION, whole.shape[1], 3), 255, np.uint8)
    _write(foot, "busi_viewer - research use only")
    return np.ascontiguousarray(np.vstack([whole, foot]))


def _jet_over(frame: NDArray[np.uint8], values: NDArray[np.floating]) -> Rgb:
    levels = np.clip(np.rint(np.nan_to_num(values) * 255.0), 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.addWeighted(as_rgb(frame), 1 - JET_OPACITY, colours, JET_OPACITY, 0), dtype=np.uint8)


def _captioned(picture: Rgb, words: str) -> Rgb:
    strip = np.full((_CAPTION, picture.shape[1], 3), 255, np.uint8)
    _write(strip, words)
    return np.vstack([strip, picture])


def _padded(cell: Rgb) -> Rgb:
    return np.pad(cell, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


def _write(strip: Rgb, words: str) -> None:
    """Dark words into a white strip, in place; smaller where they would not fit."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(words, font, scale, 1)
    scale *= min(1.0, (strip.shape[1] - 2 * GAP) / width)
    cv2.putText(strip, words, (GAP, _CAPTION - 9), font, scale, (_INK, _INK, _INK), 1, cv2.LINE_AA)
