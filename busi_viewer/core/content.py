"""What is on an image, from its pixels alone: colour, panes, blankness, burned-in text and callipers.

Fast rules without a network (below 20 ms for 1024 × 768 on one core), for the input guard and the audit of data sets.
They look at a copy whose longer side is at most WORKING_SIDE pixels; boxes come back in native pixels. The thresholds were
chosen on training and validation images; ``tests/benchmarks/guard_figures.py`` measures the rates. What they cannot
tell: which organ is shown, and anything that looks like B-mode ultrasound without being it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.burned_in import callipers, text_lines
from busi_viewer.core.image import Pixels, to_grey, to_uint8
from busi_viewer.core.masks import Box

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

WORKING_SIDE = 640
MIN_CONTRAST = 6.0
"""Standard deviation of the grey values below which an image is blank."""
COLOUR_DISTANCE = 40
BLACK = 24
CHROMA = 30.0
"""Chroma (grey levels) beyond the frame's own tint from which a pixel is coloured."""
FLOW_RED, FLOW_BLUE = 25.0, 35.0
"""Mean red, or blue, beyond luminance and tint from which a spot has a colour of flow."""
FLOW_SHARE = 1.5e-4
"""Smallest flow-coloured spot, as a share of the image."""
COLOURED = 0.05
"""Share of coloured pixels from which an image is taken for elastography or a photograph rather than for B-mode."""
DRAWN = 0.1
"""Share of flat pixels from which a frame is drawn rather than scanned; real frames of four data sets stay below 0.03."""
PANE_SCORE = 1.325
"""Seam score (weights and limit of a logistic regression on training images and pairs of them) of two views."""
SEAM_ROWS = 72
EMPTY_PANE = 0.35


@dataclass(frozen=True)
class Content:
    """What :func:`describe` found. Boxes are (x0, y0, x1, y1) in native pixels, half-open.

    ``colour_share``: share of pixels coloured beyond the frame's tint. ``flow``: red, orange or blue spots, as colour and
    power Doppler draw them. ``pane_edge``: the x at which a second view begins (two views side by side, or one beside an
    empty pane), or None. ``text``: lines of letters. ``callipers``: crosses, only where the frame holds a pair.
    ``flat_share``: share of the pixels that are not black whose surroundings are of one grey value; speckle never is.
    """

    blank: bool
    colour_share: float
    flow: tuple[Box, ...]
    pane_edge: int | None
    text: tuple[Box, ...]
    callipers: tuple[Box, ...]
    flat_share: float = 0.0

    @property
    def doppler(self) -> bool:
        """Whether the frame looks like colour Doppler (spots of flow colour) or elastography (much colour)."""
        return bool(self.flow) or self.colour_share >= COLOURED

    @property
    def drawn(self) -> bool:
        """Whether the frame looks drawn (a document, a screenshot) rather than scanned."""
        return self.flat_share >= DRAWN

    @property
    def two_views(self) -> bool:
        """Whether the frame is split into two panes."""
        return self.pane_edge is not None


def describe(frame: Pixels, window: tuple[float, float] = (0.0, 255.0), *, marks: bool = True) -> Content:
    """Look at a (H, W) grey or (H, W, 3) RGB frame. ``window`` is the grey range shown, as in ImageRecord.

    Without ``marks`` text and callipers are not looked for.
    """
    height, width = frame.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    eight = to_uint8(frame, window)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        eight = np.asarray(cv2.resize(eight, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    grey = to_grey(eight)
    share, flow = _colour(eight)
    edge = pane_edge(grey)
    text = text_lines(grey) if marks else []
    crosses = callipers(grey, text) if marks else []

    def native(box: Box) -> Box:
        x0, y0, x1, y1 = (round(v / scale) for v in box)
        return x0, y0, min(x1, width), min(y1, height)

    return Content(
        blank=is_blank(grey),
        colour_share=share,
        flow=tuple(native(box) for box in flow),
        pane_edge=None if edge is None else round(edge / scale),
        text=tuple(native(box) for box in text),
        callipers=tuple(native(box) for box in crosses),
        flat_share=flat_share(grey),
    )


def is_blank(grey: Grey) -> bool:
    """Whether a (H, W) frame is nearly one grey value."""
    return float(cv2.meanStdDev(grey)[1].item()) < MIN_CONTRAST


def colour_share(frame: Pixels) -> float:
    """Share of pixels whose colour channels differ by more than COLOUR_DISTANCE grey levels (0 for a grey frame)."""
    return 0.0 if frame.ndim == 2 else float((_spread(to_uint8(frame)) > COLOUR_DISTANCE).mean())


def flat_share(grey: Grey) -> float:
    """Share of the pixels brighter than BLACK whose 3 × 3 neighbourhood differs by at most one level, of a (H, W) frame."""
    square = np.ones((3, 3), np.uint8)
    lit = (grey > BLACK).view(np.uint8)
    even = (cv2.subtract(cv2.dilate(grey, square), cv2.erode(grey, square)) <= 1).view(np.uint8)
    count = cv2.countNonZero(lit)
    return cv2.countNonZero(cv2.bitwise_and(even, lit)) / count if count else 0.0


def _spread(frame: Grey) -> Grey:
    """Largest less smallest channel of a (H, W, 3) frame."""
    red, green, blue = cv2.split(frame)
    return np.asarray(
        cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)), dtype=np.uint8
    )


def _colour(frame: Grey) -> tuple[float, list[Box]]:
    """Share of pixels coloured beyond the tint, and the boxes of flow-coloured spots, of a (H, W) or (H, W, 3) frame.

    A spot is red to orange or blue, holds a 3 × 3 square (letters and callipers do not) and does not touch the edge of
    the frame (body marks and logos of cropped frames do).
    """
    if frame.ndim == 2 or int(_spread(frame).max()) <= COLOUR_DISTANCE:
        return 0.0, []
    red, blue = _untinted(frame)
    coloured = (cv2.magnitude(red, blue) > CHROMA).astype(np.uint8)
    cores = cv2.erode(coloured, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(coloured, connectivity=8)
    height, width = coloured.shape
    on = coloured.astype(bool)
    members, area = labels[on], np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    has_core = np.bincount(members, cores[on], count) > 0
    mean_red = np.bincount(members, red[on], count) / area
    mean_blue = np.bincount(members, blue[on], count) / area
    x, y, w, h = (stats[:, k] for k in range(4))
    inside = (x > 1) & (y > 1) & (x + w < width - 1) & (y + h < height - 1)
    flow = (mean_red > FLOW_RED) | (mean_blue > FLOW_BLUE)
    chosen = has_core & inside & flow & (area >= max(20.0, FLOW_SHARE * height * width))
    chosen[0] = False
    boxes = [(int(x[i]), int(y[i]), int(x[i] + w[i]), int(y[i] + h[i])) for i in np.flatnonzero(chosen)]
    return float(coloured.mean()), boxes


def _untinted(frame: Grey) -> tuple[Floats, Floats]:
    """Red − luminance and blue − luminance of a (H, W, 3) frame, less their medians at each of 16 luminance levels."""
    luminance = to_grey(frame)
    level = luminance >> 4
    coarse = level[::4, ::4]
    out = []
    for channel in (cv2.extractChannel(frame, 0), cv2.extractChannel(frame, 2)):
        difference = np.asarray(cv2.subtract(channel, luminance, dtype=cv2.CV_32F), dtype=np.float32)
        sample = difference[::4, ::4]
        tint = np.zeros(256, dtype=np.float32)
        for k in range(16):
            members = sample[coarse == k]
            tint[k] = np.median(members) if len(members) >= 16 else 0.0
        out.append(np.asarray(difference - cv2.LUT(level, tint), dtype=np.float32))
    return out[0], out[1]


def pane_edge(grey: Grey) -> int | None:
    """The x at which a second view begins, or None. Two panes meet in the middle fifth of the frame."""
    height, width = grey.shape
    if min(height, width) < 64:
        return None
    empty = _empty_pane(grey)
    if empty is not None:
        return empty
    small = cv2.resize(grey, (min(width, 400), SEAM_ROWS), interpolation=cv2.INTER_AREA)
    score, x = _seam(small.astype(np.float32))
    return round(x * width / small.shape[1]) if score > PANE_SCORE else None


def _empty_pane(grey: Grey) -> int | None:
    """The edge of an empty (black) pane of at least EMPTY_PANE of the width beside a full one, or None."""
    width = grey.shape[1]
    dark = np.asarray((grey > BLACK).mean(axis=0) < 0.04)
    lit = np.flatnonzero(~dark)
    if not len(lit):
        return None
    left, right = int(lit[0]), width - 1 - int(lit[-1])
    if min(left, right) > 0.05 * width or not EMPTY_PANE * width <= max(left, right) <= 0.6 * width:
        return None
    return left if left > right else width - right


def _seam(small: Floats) -> tuple[float, int]:
    """How much the best column of the middle fifth looks like a seam, and that column, of a (SEAM_ROWS, W) frame.

    Three signs: the share of rows in which the step across the column is the largest within ± 12 columns (``votes``), the
    lowest such share of the upper, middle and lower third (shadows begin below the skin), and by how much the columns
    beside the seam are better correlated with their own side than across it.
    """
    width = small.shape[1]
    reach, gap, rows = 3, 1, SEAM_ROWS
    sums = np.cumsum(np.pad(small, ((0, 0), (1, 0))), axis=1)
    at = np.arange(gap + reach, width - gap - reach)
    left = (sums[:, at - gap] - sums[:, at - gap - reach]) / reach
    right = (sums[:, at + gap + reach] - sums[:, at + gap]) / reach
    step = np.ascontiguousarray(np.abs(left - right), dtype=np.float32)
    largest = cv2.dilate(step, np.ones((1, 25), np.uint8))
    live = largest > 6
    hit = (cv2.dilate(step, np.ones((1, 3), np.uint8)) >= largest) & live
    seen = live.sum(axis=0)
    votes = np.where(seen > rows / 2, hit.sum(axis=0) / np.maximum(seen, 1), 0.0)
    votes[(at < 0.4 * width) | (at > 0.6 * width)] = 0.0
    i = int(votes.argmax())
    x = int(at[i])
    thirds = [slice(k, k + rows // 3) for k in range(0, rows, rows // 3)]
    shares = [float(hit[t, i].sum() / live[t, i].sum()) for t in thirds if live[t, i].sum() > rows / 9]
    z = small - small.mean(axis=0)
    norm = np.sqrt((z * z).mean(axis=0)) + 2.0

    def alike(a: int, b: int) -> float:
        return float((z[:, a] * z[:, b]).mean() / (norm[a] * norm[b]))

    across = max(alike(x - a, x + b) for a, b in ((3, 3), (2, 4), (4, 2)))
    side = min(alike(x - 3, x - 9), alike(x + 3, x + 9))
    return float(3.03 * votes[i] + max(side - across, 0.0) + 0.665 * min(shares, default=0.0)), x
