"""One open image in the window: the document, its undo stack and the frame in view."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from busi_viewer.core.callipers import Calibration, Calliper, states_scale, to_json
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.findings import Findings
from busi_viewer.core.findings import to_json as findings_to_json
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import bounding_box
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import AnalysisResult, FrameResult
from busi_viewer.core.steps import MaskStep, edit_step, replacement_step
from busi_viewer.gui.frames import FrameLoader

ACCEPT, DISCARD, CLEAR, RESET = "Accept outline", "Discard outline", "Clear", "Reset to AI outline"

CALLIPERS, FINDINGS = "callipers", "findings"


class Keep(Protocol):
    """Told of every committed change: "step", or "undo" and "redo" of the step given; "callipers" or "findings" as they are
    now (JSON), and why.
    """

    def __call__(self, kind: str, what: MaskStep | Mapping[str, Any], reason: str = "", /) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Grip:
    """A calliper by its index in the document, and one of its points, or None for the whole."""

    index: int
    handle: int | None = None


Marks = tuple[tuple[Calliper, ...], Calibration | None]


class _StepCommand(QUndoCommand):
    """One committed change of a frame's reader mask. ``done``: it was made in an earlier session and is applied already."""

    def __init__(self, step: MaskStep, do: Callable[[str, MaskStep], None], *, done: bool = False) -> None:
        super().__init__(step.label)
        self._step, self._do, self._done = step, do, done

    def redo(self) -> None:
        """Make the change, the first time or again."""
        kind, self._done = ("redo" if self._done else "step"), True
        self._do(kind, self._step)

    def undo(self) -> None:
        """Bring back what was there before."""
        self._do("undo", self._step)


class _MarksCommand(QUndoCommand):
    """One change of callipers or calibration, made on ``frame``. Nudges of the same grip one after the other are one item."""

    def __init__(
        self,
        label: str,
        frame: int,
        change: tuple[Marks, Marks],
        do: Callable[[int, Marks], None],
        nudge: Grip | None,
    ) -> None:
        super().__init__(label)
        self._frame, self._change, self._do, self._nudge = frame, change, do, nudge

    def id(self) -> int:
        """Qt offers to merge items of the same id."""
        return -1 if self._nudge is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Whether another nudge was taken in."""
        if not isinstance(other, _MarksCommand) or other._nudge != self._nudge:
            return False
        self._change = (self._change[0], other._change[1])
        return True

    def redo(self) -> None:
        """Make the change, the first time or again."""
        self._do(self._frame, self._change[1])

    def undo(self) -> None:
        """Bring back what was there before."""
        self._do(self._frame, self._change[0])


Said = tuple[Findings, str]
"""Findings, and why they are what they are."""


class _FindingsCommand(QUndoCommand):
    """One change of the findings; changes of the same ``text`` that follow each other are one."""

    def __init__(self, label: str, frame: int, before: Findings, after: Said, do: Callable[[int, Said], None]) -> None:
        super().__init__(label)
        self._frame, self._before, self._after, self._do = frame, before, after, do
        self.typed = ""

    def id(self) -> int:
        """The same for all, so that Qt asks whether they are one."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a following change of the same text in."""
        if not (isinstance(other, _FindingsCommand) and self.typed and other.typed == self.typed):
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        """Make the change, the first time or again."""
        self._do(self._frame, self._after)

    def undo(self) -> None:
        """Bring back what was said before."""
        self._do(self._frame, (self._before, "undone"))


class Session(QObject):
    """The window's handle on one Document. All of its methods belong to the GUI thread.

    ``changed``: masks, proposal or result changed. ``frame_changed(i)``: another frame is in view. ``chosen_changed``:
    another calliper is chosen. ``undo`` holds one item for each stroke, polygon, clear, accept, discard, calliper and
    finding; undoing one shows its frame.
    While ``veiled``, analyses are held back: the reader reads blind.
    ``frames`` decodes in the background. ``keep`` is told of each change once it is made.
    """

    changed = Signal()
    frame_changed = Signal(int)
    chosen_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.undo = QUndoStack(self)
        self.frames = FrameLoader(document.record.frames, self)
        self.keep: Keep = lambda _kind, _what, _reason="": None
        self._frame = 0
        self._chosen: Grip | None = None
        self._restoring = False
        self.veiled = False
        self._held: AnalysisResult | None = None
        self._measured: tuple[tuple[int, int, int, object], tuple[Lesion, ...]] | None = None
        here = weakref.ref(self)  # neither the document nor an undo item keeps a closed session alive

        def announce() -> None:
            session = here()
            if session is not None:
                session.changed.emit()

        def do(kind: str, step: MaskStep) -> None:
            session = here()
            if session is not None:
                session._change(kind, step)

        def mark(frame: int, marks: Marks) -> None:
            session = here()
            if session is not None:
                session._mark(frame, marks)

        def say(frame: int, said: Said) -> None:
            session = here()
            if session is not None:
                session._say(frame, said)

        self._do, self._do_mark, self._do_say = do, mark, say
        document.on_change = announce

    @property
    def frame(self) -> int:
        """Index of the frame in view."""
        return self._frame

    def set_frame(self, index: int) -> None:
        """Show another frame; out of range goes to the nearest."""
        index = min(max(index, 0), len(self.document.record.frames) - 1)
        if index != self._frame:
            self._frame = index
            self.frame_changed.emit(index)

    def proposal(self) -> FrameResult | None:
        """The analysis of this frame while its outline waits to be accepted or discarded, else None."""
        document = self.document
        mask = document.shown_mask(self._frame)
        if mask is None or not document.is_proposal(self._frame) or not mask.any():
            return None
        return document.result.frame(self._frame) if document.result else None

    def machine_mask(self) -> Mask | None:
        """The machine's outline of this frame as analysed last, or None if there is none or it is withheld."""
        result = self.document.result.frame(self._frame) if self.document.result else None
        return result.mask if result is not None and not result.abstained else None

    def lesions(self) -> tuple[Lesion, ...]:
        """Measurements of what is shown on this frame; measured once for each state."""
        document = self.document
        key = (self._frame, document.revision, id(document.result), document.calibration)
        if self._measured is None or self._measured[0] != key:
            self._measured = (key, document.lesions(self._frame))
        return self._measured[1]

    def apply(self, edit: MaskEdit | None) -> None:
        """Apply an edit as one undo item; None does nothing. Raises ValueError for one that does not fit the image."""
        if edit is None:
            return
        height, width = self.document.record.shape
        x0, y0, x1, y1 = edit.box
        if not 0 <= edit.frame < len(self.document.record.frames):
            raise ValueError(f"there is no frame {edit.frame}")
        if not (0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height):
            raise ValueError(f"box {edit.box} leaves an image of {width} × {height}")
        self._push(edit_step(self.document, edit))

    def accept(self) -> None:
        """Make the proposal of this frame the reader's outline."""
        proposal = self.proposal()
        if proposal is not None:
            self._replace(proposal.mask, ACCEPT)

    def discard(self) -> None:
        """Drop the proposal of this frame: the reader's outline is empty."""
        if self.proposal() is not None:
            self._replace(np.zeros(self.document.record.shape, dtype=bool), DISCARD)

    def clear(self) -> None:
        """Empty the mask of this frame."""
        mask = self.document.shown_mask(self._frame)
        box = bounding_box(mask) if mask is not None else None
        if box is not None:
            x0, y0, x1, y1 = box
            self.apply(MaskEdit(self._frame, box, np.zeros((y1 - y0, x1 - x0), dtype=bool), CLEAR))

    def reset_to_ai(self) -> None:
        """Drop the reader's outline of this frame, so that the proposal shows again, if there is one."""
        if self.document.reader_mask(self._frame) is not None and self.machine_mask() is not None:
            self._replace(None, RESET)

    def show_machine(self, frames: Sequence[int]) -> None:
        """Drop the reader's outlines of these frames, so that the proposals show, as one undo item."""
        drawn = [frame for frame in frames if self.document.reader_mask(frame) is not None]
        if not drawn:
            return
        here = self._frame
        self.undo.beginMacro(RESET)
        for frame in drawn:
            self._push(replacement_step(self.document, frame, None, RESET))
        self.undo.endMacro()
        self.set_frame(here)

    @property
    def chosen(self) -> Grip | None:
        """The calliper chosen, or None."""
        return self._chosen

    def choose(self, grip: Grip | None) -> None:
        """Choose a calliper, or none."""
        if grip != self._chosen:
            self._chosen = grip
            self.chosen_changed.emit()

    def set_callipers(self, callipers: Sequence[Calliper], label: str, nudge: Grip | None = None) -> None:
        """Replace the callipers as one undo item, or as a part of the last one if both ``nudge`` the same grip.

        Raises ValueError for a frame that is not there.
        """
        if any(calliper.frame >= len(self.document.record.frames) for calliper in callipers):
            raise ValueError("a calliper lies on a frame that is not there")
        self._push_marks((tuple(callipers), self.document.calibration), label, nudge)

    def set_calibration(self, calibration: Calibration | None, label: str) -> None:
        """State the scale of an image whose file states none, or (None) take it back, as one undo item.

        Raises ValueError where the file states its own.
        """
        if states_scale(self.document.record):
            raise ValueError("the file states its own calibration")
        self._push_marks((self.document.callipers, calibration), label)

    def _push_marks(self, marks: Marks, label: str, nudge: Grip | None = None) -> None:
        before = (self.document.callipers, self.document.calibration)
        if marks != before:
            self.undo.push(_MarksCommand(label, self._frame, (before, marks), self._do_mark, nudge))

    def _mark(self, frame: int, marks: Marks) -> None:
        """Put callipers and calibration in force, have them kept, show the frame, and choose the calliper that changed."""
        callipers, calibration = marks
        chosen = changed_one(self.document.callipers, callipers, self._chosen)
        self.choose(None)
        if calibration != self.document.calibration:
            self.document.set_calibration(calibration)
        if callipers != self.document.callipers:
            self.document.set_callipers(callipers)
        self.keep(CALLIPERS, to_json(callipers, calibration))
        self.set_frame(frame)
        self.choose(chosen)

    def set_findings(self, findings: Findings, label: str, reason: str = "", *, text: str = "") -> None:
        """Replace the findings as one undo item; the same again does nothing.

        ``reason`` goes into the audit trail. ``text`` names the text that is being typed: what is typed on is the same item.
        """
        before = self.document.findings
        if findings != before:
            command = _FindingsCommand(label, self._frame, before, (findings, reason), self._do_say)
            command.typed = text
            self.undo.push(command)

    def _say(self, frame: int, said: Said) -> None:
        """Put findings in force, have them kept, and show the frame."""
        findings, reason = said
        self.document.set_findings(findings)
        self.keep(FINDINGS, findings_to_json(findings), reason)
        self.set_frame(frame)

    def offer(self, result: AnalysisResult) -> bool:
        """Take an analysis as the proposal, or hold it back while veiled; False if it is stale."""
        if self.veiled:
            self._held = result
            return True
        return self.document.offer(result)

    @property
    def held(self) -> bool:
        """Whether an analysis is held back."""
        return self._held is not None

    def veil(self, veiled: bool) -> None:
        """Hold back what the machine says of the image, or show it."""
        if veiled == self.veiled:
            return
        self.veiled = veiled
        if veiled:
            self._held = self.document.withdraw()
        elif self._held is not None:
            held, self._held = self._held, None
            self.document.offer(replace(held, revision=self.document.revision))
        else:
            self.changed.emit()

    def remember(self, steps: Sequence[MaskStep], position: int) -> None:
        """Give back an earlier session's undo stack, of whose ``steps`` the document holds the first ``position``."""
        self._restoring = True
        for step in steps:
            self.undo.push(_StepCommand(step, self._do, done=True))
        self.undo.setIndex(position)
        self._restoring = False

    def _replace(self, mask: Mask | None, label: str) -> None:
        self._push(replacement_step(self.document, self._frame, mask, label))

    def _push(self, step: MaskStep | None) -> None:
        if step is not None:
            self.undo.push(_StepCommand(step, self._do))

    def _change(self, kind: str, step: MaskStep) -> None:
        """Make (or, for "undo", take back) a change, have it kept, and show its frame."""
        if self._restoring:
            return
        (step.inverse() if kind == "undo" else step).apply(self.document)
        self.keep(kind, step)
        self.set_frame(step.frame)


def changed_one(before: Sequence[Calliper], after: Sequence[Calliper], chosen: Grip | None) -> Grip | None:
    """The calliper to choose after a change: one that is new or has changed, with the handle that was chosen; after a
    deletion none.
    """
    if len(after) < len(before):
        return None
    changed = next((i for i, item in enumerate(after) if i >= len(before) or item != before[i]), None)
    if changed is None or (chosen is not None and chosen.index == changed and len(after) == len(before)):
        return chosen
    return Grip(changed)
