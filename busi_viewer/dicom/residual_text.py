"""Letters left on a frame: found and read by OCR (PP-OCRv6 by way of RapidOCR, on OpenVINO, offline) and by their shape.

Only what is read with certainty as units, settings or body sides may stay. What is found and not read, or read as anything
else, is suspect: the caller refuses the file or blackens it.

``tests/benchmarks/text_figures.py`` measures the rates. On the 128 images of BrEaST, with a line of text of 7 to 24 pixels at
a random place on 240 frames: 94.2 % [90.4, 96.5] held back (99.2 % [95.7, 99.9] of 127 lines 120 or more grey levels brighter than
the tissue, 83.9 % [72.2, 91.3] of 56 only 40 levels brighter); of 120 frames without text 10.0 % [5.8, 16.7] (Wilson's 95 %).
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.burned_in import text_lines
from busi_viewer.core.deidentify import NotDeidentified
from busi_viewer.core.masks import Box
from busi_viewer.dicom.vocabulary import ON_SCREEN

LONGER_SIDE = 2000
"""The OCR scales larger frames down to this; they are read in overlapping tiles instead."""
SHORTER_SIDE, ENLARGED, MOST_ENLARGED = 736, 1.5, 2.0
"""Small letters need enlarging: once to this shorter side, but not more than MOST_ENLARGED, and once ENLARGED times that."""
SURE = 0.8
"""Score from which what was read counts as read."""
LETTERS = 3
"""Found marks with fewer letters and digits than this identify nobody."""
_WORDS = re.compile(r"[^\W_]+")
_DATE = re.compile(r"\d{1,4}[\s./:-]+\d{1,2}[\s./:-]+\d{1,4}")

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """A piece of text: its box in pixels, what was read, and how surely (0 where nothing was)."""

    box: Box
    words: str
    score: float


def suspects(frame: Grey, names: AbstractSet[str]) -> list[Box]:
    """Boxes of text on a (H, W) or (H, W, 3) uint8 frame that may not stay. Raises NotDeidentified without OCR."""
    read = read_text(frame)
    boxes = [found.box for found in read if not is_harmless(found, names)]
    grey = frame if frame.ndim == 2 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    known = [found.box for found in read]
    boxes += [line for line in text_lines(grey) if not any(_overlap(line, box) for box in known)]
    return boxes


def is_harmless(found: Found, names: AbstractSet[str]) -> bool:
    """Whether a piece of text is too short to name anyone, or surely a measure, a setting or a body side."""
    folded = found.words.casefold()
    tokens = _WORDS.findall(folded)
    if sum(map(len, tokens)) < LETTERS:
        return True
    if found.score < SURE or _DATE.search(folded):
        return False
    return all(_known(token, names) for token in tokens)


def _known(token: str, names: AbstractSet[str]) -> bool:
    if token in names:
        return False
    if token in ON_SCREEN or (token.isdecimal() and len(token) <= 3):
        return True
    parts = re.fullmatch(r"(\d{0,3})([a-z]*)(\d{0,3})", token)
    return parts is not None and (len(parts[2]) == 1 or (parts[2] in ON_SCREEN and parts[2] not in names))


def read_text(frame: Grey) -> list[Found]:
    """All text that the OCR finds on a frame, at two sizes. Raises NotDeidentified without OCR."""
    colour = frame if frame.ndim == 3 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB))
    found = []
    once = min(max(SHORTER_SIDE / min(colour.shape[:2]), 1.0), MOST_ENLARGED)
    for scale in (once, once * ENLARGED):
        sized = colour if scale == 1.0 else cv2.resize(colour, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        for left, top in _tiles(sized.shape[1], sized.shape[0]):
            tile = np.ascontiguousarray(
                np.asarray(sized, dtype=np.uint8)[top : top + LONGER_SIDE, left : left + LONGER_SIDE, ::-1]
            )
            found += [_placed(piece, left, top, scale) for piece in _ocr(tile)]
    return found


def _tiles(width: int, height: int) -> list[tuple[int, int]]:
    """Left upper corners of tiles of LONGER_SIDE that overlap by a tenth."""
    step = LONGER_SIDE * 9 // 10

    def starts(size: int) -> list[int]:
        return [0] if size <= LONGER_SIDE else [*range(0, size - LONGER_SIDE, step), size - LONGER_SIDE]

    return [(left, top) for top in starts(height) for left in starts(width)]


def _placed(piece: tuple[Any, str, float], left: int, top: int, scale: float) -> Found:
    corners, words, score = piece
    points = (np.asarray(corners, dtype=np.float64).reshape(-1, 2) + np.array([left, top])) / scale
    (x0, y0), (x1, y1) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return Found((int(x0), int(y0), int(x1), int(y1)), words, score)


def _ocr(picture: NDArray[np.uint8]) -> list[tuple[Any, str, float]]:
    """(corners, words, score) of each piece of text on a (H, W, 3) picture, blue first; unread ones have score 0."""
    result = _engine()(picture, use_cls=False, text_score=0.0, box_thresh=0.3)
    if result.boxes is None:
        return []
    words, scores = list(result.txts or ()), list(result.scores or ())
    if len(words) != len(result.boxes):
        return [(box, "?" * LETTERS, 0.0) for box in result.boxes]
    return [(box, text, float(score)) for box, text, score in zip(result.boxes, words, scores, strict=True)]


@cache
def _engine() -> Any:
    try:
        from rapidocr import EngineType, RapidOCR

        kind = EngineType.OPENVINO
        return RapidOCR(
            params={
                "Global.log_level": "critical",
                "Det.engine_type": kind,
                "Det.limit_type": "max",
                "Det.limit_side_len": LONGER_SIDE,
                "Rec.engine_type": kind,
                "Cls.engine_type": kind,
            }
        )
    except (ImportError, OSError) as error:
        raise NotDeidentified(
            "the text recognition that checks the pixels is missing",
            remedy="Install the application again, or 'pip install rapidocr openvino'.",
        ) from error


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
