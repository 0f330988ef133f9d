"""What was done on an image before all that is kept of it was known, laid over that: nothing of either is lost.

The store may open late, and a large file is shown before it is identified. What is kept comes first then; the work done
meanwhile follows as undo items, so that undoing them shows what was kept alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from busi_viewer.core.callipers import Calibration, Calliper
from busi_viewer.core.findings import Findings, prefilled
from busi_viewer.core.image import Mask
from busi_viewer.gui.session import Session

MEANWHILE = "Drawn before earlier work was known"


@dataclass(frozen=True)
class Work:
    """All that a reader did in a session."""

    masks: Mapping[int, Mask]
    callipers: tuple[Calliper, ...]
    calibration: Calibration | None
    findings: Findings


def take_off(session: Session) -> Work:
    """Leave the session as it was when it was opened, without an undo stack, and give back what was done in it."""
    document = session.document
    masks = {frame: mask for frame in document.edited_frames if (mask := document.reader_mask(frame)) is not None}
    work = Work(masks, document.callipers, document.calibration, document.findings)
    session.choose(None)
    session.undo.clear()
    for frame in masks:
        document.set_reader_mask(frame, None)
    document.set_callipers(())
    if document.calibration is not None:
        document.set_calibration(None)
    document.set_findings(prefilled(document.record.facts))
    return work


def lay_over(session: Session, work: Work, label: str) -> None:
    """Do it again over what the session holds now: outlines join, callipers follow, of the findings what was said is said."""
    document, here = session.document, session.frame
    outlines = {}
    for frame, mask in work.masks.items():
        kept = document.reader_mask(frame)
        outlines[frame] = mask if kept is None else mask | kept
    session.replace_masks(outlines, label)
    new = [calliper for calliper in work.callipers if calliper not in document.callipers]
    if new:
        session.set_callipers([*document.callipers, *new], label)
    if work.calibration is not None:
        session.set_calibration(work.calibration, label)
    blank = prefilled(document.record.facts)
    said = {each.name: getattr(work.findings, each.name) for each in fields(blank)}
    changed = {name: value for name, value in said.items() if value != getattr(blank, name)}
    session.set_findings(replace(document.findings, **changed), label)
    session.set_frame(here)
