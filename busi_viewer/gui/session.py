"""One open image in the window: the document, its undo stack and the frame in view."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from busi_viewer.core.callipers import Calibration, Calliper, states_scale
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.findings import Findings
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import bounding_box
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import AnalysisResult, FrameResult
from busi_viewer.core.steps import (
    CALLIPERS,
    FieldStep,
    MaskStep,
    Step,
    edit_step,
    findings_step,
    joined,
    marks_step,
    replacement_step,
)
from busi_viewer.gui.frames import FrameLoader

ACCEPT, DISCARD, CLEAR, RESET = "Accept outline", "Discard outline", "Clear", "Reset to AI outline"


class Keep(Protocol):
    """Told of every committed change: "step" and why, "undo" and "redo" of the step given, and of the "rest" after typing."""

    def __call__(self, kind: str, what: Step | None = None, reason: str = "", /) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Grip:
    """A calliper by its index in the document, and one of its points, or None for the whole."""

    index: int
    handle: int | None = None


class _Command(QUndoCommand):
    """Steps that are undone and done again together, mostly one. They are made before they are pushed."""

    def __init__(self, steps: tuple[Step, ...], do: Callable[[str, Step], None]) -> None:
        super().__init__(steps[-1].label)
        self._steps, self._do, self._pushed = steps, do, False

    @property
    def last(self) -> Step:
        """The last of its steps."""
        return self._steps[-1]

    def id(self) -> int:
        """The same for all, so that Qt asks whether they are one."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Whether what goes on with the same text or grip was taken in."""
        whole = joined(self.last, other.last) if isinstance(other, _Command) else None
        if whole is not None:
            self._steps = (whole,)
        return whole is not None

    def redo(self) -> None:
        """Make the change again; at the push, which calls this too, it is made already."""
        if self._pushed:
            for step in self._steps:
                self._do("redo", step)
        self._pushed = True

    def undo(self) -> None:
        """Bring back what was there before."""
        for step in reversed(self._steps):
            self._do("undo", step)


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
        self.keep: Keep = lambda _kind, _what=None, _reason="": None
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

        def do(kind: str, step: Step) -> None:
            session = here()
            if session is not None:
                session._change(kind, step)

        self._do = do
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
        self.replace_masks(dict.fromkeys(frames), RESET)

    def replace_masks(self, masks: Mapping[int, Mask | None], label: str) -> None:
        """Put these outlines (None: no reader's) in place of the frames' own, as one undo item; the frame in view stays."""
        here = self._frame
        steps = [replacement_step(self.document, frame, mask, label) for frame, mask in masks.items()]
        made = [step for step in steps if step is not None]
        self._push(*(replace(step, chained=n > 0) for n, step in enumerate(made)))
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
        typed = "" if nudge is None else f"{nudge.index}.{nudge.handle}"
        self._push(marks_step(self.document, callipers, self.document.calibration, self._frame, label, typed))

    def set_calibration(self, calibration: Calibration | None, label: str) -> None:
        """State the scale of an image whose file states none, or (None) take it back, as one undo item.

        Raises ValueError where the file states its own.
        """
        if states_scale(self.document.record):
            raise ValueError("the file states its own calibration")
        self._push(marks_step(self.document, self.document.callipers, calibration, self._frame, label))

    def set_findings(self, findings: Findings, label: str, reason: str = "", *, text: str = "") -> None:
        """Replace the findings as one undo item; the same again does nothing.

        ``reason`` goes into the audit trail. ``text`` names the text that is being typed: what is typed on is the same item.
        """
        self._push(findings_step(self.document, findings, self._frame, label, text), reason=reason)

    def rest(self) -> None:
        """The reader turned to something else after typing: what was typed is one entry of the record."""
        top = self.undo.command(self.undo.index() - 1)
        if isinstance(top, _Command) and isinstance(top.last, FieldStep) and top.last.typed:
            self.keep("rest")

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

    def remember(self, steps: Sequence[Step], position: int) -> None:
        """Give back an earlier session's undo stack, of whose ``steps`` the document holds the first ``position``."""
        items: list[tuple[Step, ...]] = []
        applied = 0
        for number, step in enumerate(steps):
            if items and number != position and isinstance(step, MaskStep) and step.chained:
                items[-1] += (step,)
            else:
                items.append((step,))
                applied += number < position
        for item in items:
            self.undo.push(_Command(item, self._do))
        self._restoring = True
        self.undo.setIndex(applied)
        self._restoring = False

    def _replace(self, mask: Mask | None, label: str) -> None:
        self._push(replacement_step(self.document, self._frame, mask, label))

    def _push(self, *steps: Step | None, reason: str = "") -> None:
        made = tuple(step for step in steps if step is not None)
        for step in made:
            self._change("step", step, reason)
        if made:
            self.undo.push(_Command(made, self._do))

    def _change(self, kind: str, step: Step, reason: str = "") -> None:
        """Make (or, for "undo", take back) a change, have it kept, show its frame, and choose the calliper that changed."""
        if self._restoring:
            return
        before = self.document.callipers
        if isinstance(step, FieldStep) and step.field == CALLIPERS:
            chosen = self._chosen
            self.choose(None)
        (step.inverse() if kind == "undo" else step).apply(self.document)
        self.keep(kind, step, reason)
        self.set_frame(step.frame)
        if isinstance(step, FieldStep) and step.field == CALLIPERS:
            self.choose(changed_one(before, self.document.callipers, chosen))


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
