"""Letters and callipers burned into ultrasound frames, found by their shape. Frames are (H, W) uint8."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.masks import Box

Grey = NDArray[np.uint8]

LETTER_CONTRAST = 45
LETTER_BRIGHTNESS = 110
LETTERS = 3
"""Letters with a common top and bottom that make a line of text."""
CROSS_CONTRAST = 25
ARM = 3
"""Length in pixels of a calliper's arm that is looked at."""
EDGE = 10


def text_lines(grey: Grey) -> list[Box]:
    """Boxes of lines of text: at least LETTERS bright, thin shapes side by side with the same top and bottom (± 1 pixel).

    Tissue hardly ever gives three shapes of exactly one height. Capitals and digits are found; a lone letter, slanted or
    very faint letters, and lower case without two tall letters beside it are not.
    """
    kernel = np.ones((9, 9), np.uint8)
    thin = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel)
    on = ((thin > LETTER_CONTRAST) & (grey > LETTER_BRIGHTNESS)).astype(np.uint8)
    stats = np.asarray(cv2.connectedComponentsWithStats(on, connectivity=8)[2], dtype=np.int32)
    w, h, area = stats[1:, 2], stats[1:, 3], stats[1:, 4]
    letter = (h >= 5) & (h <= 22) & (w <= 4 * h) & (area >= 0.15 * w * h)
    shapes = stats[1:][letter]
    return _rows(shapes[np.argsort(shapes[:, 0], kind="stable")])


def _rows(shapes: NDArray[np.int32]) -> list[Box]:
    """Runs of neighbours with one top and one bottom, of (N, 5) x, y, w, h, area sorted by x."""
    by_top: defaultdict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for index, (x, y, w, h, _) in enumerate(shapes.tolist()):
        for top in (y - 1, y, y + 1):
            by_top[top].append((x, x + w, y + h, index))
    lines: list[Box] = []
    used: set[int] = set()
    for index, (x, y, w, h, _) in enumerate(shapes.tolist()):
        if index in used:
            continue
        run, end = [index], x + w
        for left, right, bottom, other in by_top[y]:
            if other > index and abs(bottom - y - h) <= 1 and -1 <= left - end <= 1.6 * h:
                run.append(other)
                end = right
        if len(run) >= LETTERS and end - x >= 2 * h:
            used.update(run)
            lines.append((x, y, end, y + h))
    return lines


def callipers(grey: Grey, text: Sequence[Box] = ()) -> list[Box]:
    """Boxes of upright crosses (+), outside of text and away from the frame's edge; none unless there are two of them."""
    response = _cross_response(grey)
    response[:EDGE], response[-EDGE:], response[:, :EDGE], response[:, -EDGE:] = 0, 0, 0, 0
    for x0, y0, x1, y1 in text:
        response[max(0, y0 - 3) : y1 + 3, max(0, x0 - 6) : x1 + 6] = 0
    highest = cv2.dilate(response, np.ones((13, 13), np.uint8))
    ys, xs = np.nonzero((response >= highest) & (response > CROSS_CONTRAST))
    if len(xs) < 2:
        return []
    reach = ARM + 2
    return [
        (int(x) - reach, int(y) - reach, int(x) + reach + 1, int(y) + reach + 1) for x, y in zip(xs, ys, strict=True)
    ]


def _cross_response(grey: Grey) -> Grey:
    """Grey levels by which all four arms of a + at each pixel are brighter than all four corners between them, (H, W)."""
    height, width = grey.shape
    offset = 1 + ARM // 2
    margin = offset + ARM
    padded: Any = cv2.copyMakeBorder(grey, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    flat: Any = cv2.blur(padded, (ARM, 1))
    tall: Any = cv2.blur(padded, (1, ARM))

    def at(image: Any, dx: int, dy: int) -> Any:
        return image[margin + dy : margin + dy + height, margin + dx : margin + dx + width]

    across = cv2.min(at(flat, offset, 0), at(flat, -offset, 0))
    arms = cv2.min(across, cv2.min(at(tall, 0, offset), at(tall, 0, -offset)))
    left = cv2.max(at(padded, -offset, offset), at(padded, -offset, -offset))
    corners = cv2.max(left, cv2.max(at(padded, offset, offset), at(padded, offset, -offset)))
    return np.asarray(cv2.subtract(arms, corners), dtype=np.uint8)
