"""Which frames of a multi-frame image a report shows, and why."""

from __future__ import annotations

from collections.abc import Sequence

from busi_viewer.core.document import Document
from busi_viewer.core.results import CLASSES, FrameResult
from busi_viewer.report import words

MAX_FRAMES = 4
"""Frames shown of a multi-frame image."""


def select(document: Document) -> tuple[tuple[int, ...], str]:
    """Frames to show and, for a multi-frame image, the sentence that says which and why."""
    record, result = document.record, document.result
    total = len(record.frames)
    if total == 1:
        return (0,), ""
    edited = sorted(document.edited_frames, key=lambda i: (-_area(document, i), i))[:MAX_FRAMES]
    described = sorted({one.frame for one in document.findings.lesions if one.frame < total} - set(edited))
    told = described[: MAX_FRAMES - len(edited)]
    with_callipers = sorted({item.frame for item in document.callipers} - {*edited, *told})
    measured = with_callipers[: MAX_FRAMES - len(edited) - len(told)]
    taken = {*edited, *told, *measured}
    ranked = sorted(result.frames, key=_suspicion) if result else []
    estimated = [f.index for f in ranked if not f.abstained and f.index not in taken][: MAX_FRAMES - len(taken)]
    fallback = [f.index for f in ranked] or [0]
    chosen = sorted({*taken, *estimated}) or fallback[:1]
    analysed = f"{len(result.frames)} analysed" if result else "not analysed"
    said = [f"{words.plural(total, 'frame')}, {analysed}."]
    if edited:
        of = (
            f" (of {len(document.edited_frames)}, the largest outlines)"
            if len(document.edited_frames) > len(edited)
            else ""
        )
        said.append(f"Outlined by the reader{of}: {_frame_list(edited)}.")
    if told:
        of = f" (of {len(described)}, the first)" if len(described) > len(told) else ""
        said.append(f"Described by the reader{of}: {_frame_list(told)}.")
    if measured:
        of = f" (of {len(with_callipers)}, the first)" if len(with_callipers) > len(measured) else ""
        said.append(f"Measured by the reader{of}: {_frame_list(measured)}.")
    if estimated:
        said.append(f"Highest malignant estimate: {_frame_list(estimated)}.")
    if not taken and not estimated:
        said.append(f"Shown: {_frame_list(chosen)}.")
    return tuple(chosen), " ".join(said)


def _frame_list(frames: Sequence[int]) -> str:
    return f"frame{'s' if len(frames) > 1 else ''} " + ", ".join(str(i + 1) for i in sorted(frames))


def _area(document: Document, frame: int) -> int:
    mask = document.reader_mask(frame)
    return int(mask.sum()) if mask is not None else 0


def _suspicion(frame: FrameResult) -> tuple[float, int]:
    return -frame.probabilities[CLASSES.index("malignant")], frame.index
