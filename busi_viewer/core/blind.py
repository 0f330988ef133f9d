"""Reading blind: what the reader's own reading was when it was locked, and where it differs from the machine's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from busi_viewer.core.document import Document
from busi_viewer.core.findings_notices import against_the_estimate
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import FrameResult

DIFFERENCES = "differences from AI"
"""Where a reading that was compared says what :func:`disagreements` found."""
AGREE_DICE = 0.8
"""Outlines with a Dice coefficient below this are listed."""
AGREE_SIZE = 0.2
"""As are long axes that differ by more than this share of the longer one."""


def reading_of(document: Document, seconds: float, *, ai_seen_before: bool) -> dict[str, Any]:
    """The reading as a JSON object: outlines in figures, findings, how long it took, whether the machine's was known."""
    outlines = {
        f"outline of frame {frame + 1}": _in_figures(document.lesions(frame)) for frame in document.edited_frames
    }
    findings = document.findings
    return {
        "seconds": round(seconds, 1),
        "AI seen before": ai_seen_before,
        **(outlines or {"outline": "no lesion outlined"}),
        "category": findings.assessment or "not given",
        "management": findings.management or "not given",
        **{f"lesion {lesion.key}: category": lesion.assessment for lesion in findings.lesions if lesion.assessment},
    }


def _in_figures(lesions: Sequence[Lesion]) -> str:
    return "; ".join(f"{_long(lesion)}, {lesion.area_px:.0f} px²" for lesion in lesions) or "no lesion outlined"


def _long(lesion: Lesion) -> str:
    if lesion.long_axis_mm is not None:
        return f"long axis {lesion.long_axis_mm:.1f} mm"
    return f"long axis {lesion.long_axis_px:.0f} px"


def disagreements(document: Document) -> tuple[str, ...]:
    """Where the reader's outlines and category differ from the machine's, frame by frame; empty where they agree."""
    result = document.result
    if result is None:
        return ()
    found: list[str] = []
    many = len(document.record.frames) > 1
    for frame in result.frames:
        if not frame.abstained:
            before = f"Frame {frame.index + 1}: " if many else ""
            found += [before + words for words in _of_frame(document, frame)]
    found += [notice.text for notice in against_the_estimate(document.findings, result)]
    return tuple(found)


def _of_frame(document: Document, frame: FrameResult) -> list[str]:
    mask = document.reader_mask(frame.index)
    reader = mask if mask is not None else np.zeros(document.record.shape, bool)
    only_reader, only_machine = _alone(reader, frame.mask), _alone(frame.mask, reader)
    found = []
    if only_reader:
        found.append(f"{_count(only_reader)} outlined by the reader only.")
    if only_machine:
        found.append(f"{_count(only_machine)} outlined by AI only.")
    if reader.any() and frame.mask.any() and (reader & frame.mask).any():
        from busi_viewer.core.metrics import dice  # it needs scipy, which the window does not wait for

        found += _of_outlines(document.lesions(frame.index), frame, dice(reader, frame.mask))
    return found


def _of_outlines(own: Sequence[Lesion], frame: FrameResult, overlap: float) -> list[str]:
    found = [f"Outlines overlap with Dice {overlap:.2f}."] if overlap < AGREE_DICE else []
    if own and frame.lesions:
        mine, its = own[0], frame.lesions[0]
        if abs(mine.long_axis_px - its.long_axis_px) > AGREE_SIZE * max(mine.long_axis_px, its.long_axis_px):
            found.append(f"Largest lesion: {_long(mine)} by the reader, {_long(its).removeprefix('long axis ')} by AI.")
    return found


def _alone(mask: Mask, other: Mask) -> int:
    """How many parts of a mask touch nothing of the other."""
    return sum(not (part & other).any() for part in components(mask))


def _count(number: int) -> str:
    return "1 lesion" if number == 1 else f"{number} lesions"
