"""Figures for papers and talks: four panels of one image, an image at several epochs, and a heatmap beside a random one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components
from busi_viewer.core.measure import Lesion
from busi_viewer.core.render import (
    Rgb,
    as_rgb,
    blend_heatmap,
    draw_outline,
    heatmap_image,
    lesion_colour,
    overlay_image,
)
from busi_viewer.core.results import Heatmap

GAP = 6
"""White between the panels and around captions, in pixels."""
JET_OPACITY = 0.5
ACROSS = 4
"""Most panels of a row."""
_CAPTION, _INK = 26, 40
TRUTH = (255, 255, 255)
"""Colour of a true outline."""


@dataclass(frozen=True)
class EpochPanel:
    """What a network said after an epoch: its outline, its heat, and its class in words."""

    epoch: int
    mask: Mask
    lesions: tuple[Lesion, ...]
    heatmap: Heatmap
    said: str


def mask_picture(mask: Mask) -> Rgb:
    """The mask as (H, W, 3) RGB: every lesion in its outline's colour on black, pixel by pixel."""
    picture = np.zeros((*mask.shape, 3), dtype=np.uint8)
    for rank, part in enumerate(components(mask)):
        picture[part] = lesion_colour(rank)
    return picture


def four_panels(
    frame: NDArray[np.uint8],
    mask: Mask | None,
    lesions: tuple[Lesion, ...],
    heatmap: Heatmap,
    *,
    jet: bool = False,
    by_reader: bool = False,
    without: str = "AI outline withheld",
) -> Rgb:
    """Four captioned panels of an 8-bit frame (H, W) or (H, W, 3), two by two: image, mask, heatmap, and heat and outline over it.

    Each has the frame's size. With ``jet`` the heat over the image is half-transparent jet everywhere, as many papers print it.
    ``mask`` None: there is no outline, and ``without`` says why; ``by_reader``: it is the reader's. Captions name method and
    class, the share of heat inside the mask, and the research use.
    """
    over = _jet_over(frame, heatmap.values) if jet else blend_heatmap(frame, heatmap.values)
    if mask is not None:
        over = overlay_image(over, mask, lesions, proposal=not by_reader, callipers=False)
    whose = "Reader's" if by_reader else "AI"
    named = (
        ("Image", as_rgb(frame)),
        (
            f"{whose} mask" if mask is not None else without,
            mask_picture(np.zeros(frame.shape[:2], bool) if mask is None else mask),
        ),
        (heatmap.title + _inside(heatmap), heatmap_image(heatmap.values)),
        ("Heat (jet) and outline" if jet else "Heat and outline", over),
    )
    return _figure([_captioned(picture, words) for words, picture in named], 2)


def epoch_panels(frame: NDArray[np.uint8], truth: Mask | None, panels: Sequence[EpochPanel]) -> Rgb:
    """The image, with its true outline where that is known, and the heat and outline of each epoch over it, in one figure.

    All panels are of the same class and method, which the first caption names.
    """
    first = as_rgb(frame)
    true = [ring.astype(np.float64)[:, 0] for ring in _rings(truth)] if truth is not None else []
    draw_outline(first, true, TRUTH, dashed=False)
    title = "Image, true outline" if true else "Image"
    cells = [_captioned(first, title, panels[0].heatmap.title)]
    for panel in panels:
        over = overlay_image(frame, panel.mask, panel.lesions, panel.heatmap.values, callipers=False)
        draw_outline(over, true, TRUTH, dashed=False)
        cells.append(_captioned(over, f"Epoch {panel.epoch}: {panel.said}", _inside(panel.heatmap).lstrip("; ")))
    return _figure(cells, min(ACROSS, len(cells)))


def sanity_panels(frame: NDArray[np.uint8], pairs: Sequence[tuple[Heatmap, Heatmap, float | None]]) -> Rgb:
    """A row for each heatmap: the image, the heat by the model, and that by random weights, with their correlation."""
    cells = []
    for learnt, drawn, correlation in pairs:
        said = "no heat left" if correlation is None else f"r = {correlation:+.2f}"
        cells += [
            _captioned(as_rgb(frame), "Image"),
            _captioned(blend_heatmap(frame, learnt.values), learnt.title),
            _captioned(blend_heatmap(frame, drawn.values), f"The same by random weights: {said}"),
        ]
    return _figure(cells, 3)


def _figure(cells: Sequence[Rgb], across: int) -> Rgb:
    """Cells of one size in rows, the last filled up in white, with the line about research use below."""
    blank = np.full_like(cells[0], 255)
    filled = [*cells, *[blank] * (-len(cells) % across)]
    rows = [np.hstack([_padded(c) for c in filled[start : start + across]]) for start in range(0, len(filled), across)]
    whole = np.vstack(rows)
    foot = np.full((_CAPTION, whole.shape[1], 3), 255, np.uint8)
    _write(foot, "busi_viewer - research use only")
    return np.ascontiguousarray(np.vstack([whole, foot]))


def _inside(heatmap: Heatmap) -> str:
    share = heatmap.inside_mask_share
    if not heatmap.values.any():
        return "; no heat"
    return f"; {100 * share:.0f} % of heat inside" if share is not None else ""


def _rings(mask: Mask) -> Sequence[NDArray[np.generic]]:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return found


def _jet_over(frame: NDArray[np.uint8], values: NDArray[np.floating]) -> Rgb:
    levels = np.clip(np.rint(np.nan_to_num(values) * 255.0), 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.addWeighted(as_rgb(frame), 1 - JET_OPACITY, colours, JET_OPACITY, 0), dtype=np.uint8)


def _captioned(picture: Rgb, *lines: str) -> Rgb:
    strips = [np.full((_CAPTION, picture.shape[1], 3), 255, np.uint8) for _ in lines]
    for strip, words in zip(strips, lines, strict=True):
        _write(strip, words)
    return np.vstack([*strips, picture])


def _padded(cell: Rgb) -> Rgb:
    return np.pad(cell, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


def _write(strip: Rgb, words: str) -> None:
    """Dark words into a white strip, in place; smaller where they would not fit."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(words, font, scale, 1)
    scale *= min(1.0, (strip.shape[1] - 2 * GAP) / max(width, 1))
    cv2.putText(strip, words, (GAP, _CAPTION - 9), font, scale, (_INK, _INK, _INK), 1, cv2.LINE_AA)
