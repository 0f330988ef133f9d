"""The journal of committed edits: steps, undos and redos in the order in which they were made, never rewritten.

The undo stack is what remains when the journal is gone through: a step drops what was undone and comes on top, an undo
goes one down, a redo one up. Beside the journal stands each frame's outline as it is now, written in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import Mask
from busi_viewer.core.steps import MaskStep
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.images import Images
from busi_viewer.store.packing import mask_digest, pack_mask, unpack_mask

_STEP = "frame, label, x0, y0, x1, y1, before, after"


@dataclass
class Stack:
    """Numbers of the steps on the undo stack, of which the first ``position`` are applied."""

    steps: list[int] = field(default_factory=list)
    position: int = 0

    def take(self, kind: str, number: int, target: int | None) -> None:
        """Follow one row of the journal. Raises ValueError for one that cannot stand there."""
        if kind == "step":
            del self.steps[self.position :]
            self.steps.append(number)
            self.position += 1
        elif kind == "undo" and self.position and self.steps[self.position - 1] == target:
            self.position -= 1
        elif kind == "redo" and self.position < len(self.steps) and self.steps[self.position] == target:
            self.position += 1
        else:
            raise ValueError(f"row {number} of the journal ({kind}) does not fit")


class Journal:
    """The tables ``journal`` and ``reader_masks`` of one store."""

    def __init__(self, database: Database, audit: Audit, images: Images) -> None:
        self._db = database
        self._audit = audit
        self._images = images

    def commit(self, image: int, step: MaskStep) -> None:
        """Keep a step. Raises ValueError if it does not start from what is kept, StoreError if it cannot be written."""
        with self._db.transaction():
            x0, y0, x1, y1 = step.box
            before, after = (None if part is None else pack_mask(part) for part in (step.before, step.after))
            values = (step.frame, clean(step.label), x0, y0, x1, y1, before, after)
            number = self._db.insert(
                "INSERT INTO journal(image_id, session_id, user_id, at, kind, frame, label, x0, y0, x1, y1, before, after)"
                " VALUES(?, ?, ?, ?, 'step', ?, ?, ?, ?, ?, ?, ?, ?)",
                (image, self._db.session_id, self._db.user_id, now(), *values),
            )
            self._apply(image, number, step, "outline")

    def undo(self, image: int) -> None:
        """Keep that the last step was undone. Raises ValueError if there is none."""
        self._move(image, "undo")

    def redo(self, image: int) -> None:
        """Keep that the step undone last was done again. Raises ValueError if there is none."""
        self._move(image, "redo")

    def _move(self, image: int, kind: str) -> None:
        with self._db.transaction():
            stack = self._stack(image)
            index = stack.position - 1 if kind == "undo" else stack.position
            if not 0 <= index < len(stack.steps):
                raise ValueError(f"image {image}: there is nothing to {kind}")
            target = stack.steps[index]
            number = self._db.insert(
                "INSERT INTO journal(image_id, session_id, user_id, at, kind, target) VALUES(?, ?, ?, ?, ?, ?)",
                (image, self._db.session_id, self._db.user_id, now(), kind, target),
            )
            step = self._steps([target])[0]
            self._apply(image, number, step.inverse() if kind == "undo" else step, kind)

    def _stack(self, image: int) -> Stack:
        stack = Stack()
        for number, kind, target in self._db.rows(
            "SELECT id, kind, target FROM journal WHERE image_id = ? ORDER BY id", (image,)
        ):
            stack.take(kind, number, target)
        return stack

    def _steps(self, numbers: list[int]) -> list[MaskStep]:
        found = [self._db.one(f"SELECT {_STEP} FROM journal WHERE id = ?", (number,)) for number in numbers]
        return [as_step(row) for row in found]

    def _apply(self, image: int, number: int, step: MaskStep, action: str) -> None:
        """Bring the outline beside the journal up to date and tell the audit trail."""
        here = self._images.get(image)
        if not 0 <= step.frame < here.frames:
            raise ValueError(f"image {image} has no frame {step.frame}")
        old = self.mask(image, step.frame)
        new = applied(old, step, here.shape)
        if new is None:
            self._db.execute("DELETE FROM reader_masks WHERE image_id = ? AND frame = ?", (image, step.frame))
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO reader_masks(image_id, frame, journal_id, mask) VALUES(?, ?, ?, ?)",
                (image, step.frame, number, pack_mask(new)),
            )
        self._flag(image)
        self._images.touch(image)
        self._audit.append(
            action,
            case=here.case,
            image=here.sha256,
            field=f"outline of frame {step.frame + 1}",
            old=described(old),
            new=described(new),
            reason=step.label,
            model=self._model(image),
        )

    def _model(self, image: int) -> str:
        row = self._db.one("SELECT model_sha256 FROM analyses WHERE image_id = ? ORDER BY id DESC LIMIT 1", (image,))
        return str(row[0]) if row else ""

    def mask(self, image: int, frame: int) -> Mask | None:
        """The outline of a frame as it is now, or None where there is no reader's mask."""
        row = self._db.one("SELECT mask FROM reader_masks WHERE image_id = ? AND frame = ?", (image, frame))
        return unpack_mask(row[0]) if row else None

    def masks(self, image: int) -> dict[int, Mask]:
        """Every frame's outline as it is now. Raises StoreError for one that cannot be unpacked."""
        rows = self._db.rows("SELECT frame, mask FROM reader_masks WHERE image_id = ? ORDER BY frame", (image,))
        try:
            return {frame: unpack_mask(data) for frame, data in rows}
        except ValueError as error:
            raise StoreError(f"an outline of image {image} is damaged ({error})", path=self._db.path) from error

    def stack(self, image: int, limit: int) -> tuple[tuple[MaskStep, ...], int]:
        """(the undo stack, how many of it are applied): at most ``limit`` applied steps, and those that can be redone."""
        try:
            stack = self._stack(image)
            first = max(stack.position - limit, 0)
            return tuple(self._steps(stack.steps[first:])), stack.position - first
        except ValueError as error:
            raise StoreError(f"the journal of image {image} is damaged ({error})", path=self._db.path) from error

    def rebuild(self, image: int) -> None:
        """Write the outlines of an imported image as they follow from its journal. Raises ValueError if it does not fit."""
        last = self._db.one("SELECT max(id) FROM journal WHERE image_id = ?", (image,))[0]
        for frame, mask in self.replay(image).items():
            self._db.execute("INSERT INTO reader_masks VALUES(?, ?, ?, ?)", (image, frame, last, pack_mask(mask)))
        self._flag(image)

    def _flag(self, image: int) -> None:
        self._db.execute(
            "UPDATE images SET edited = EXISTS(SELECT 1 FROM reader_masks WHERE image_id = images.id) WHERE id = ?",
            (image,),
        )

    def replay(self, image: int) -> dict[int, Mask]:
        """The outlines made anew from the journal alone, for checking what is kept. Raises ValueError if it does not fit."""
        shape = self._images.get(image).shape
        masks: dict[int, Mask] = {}
        for row in self._db.rows(f"SELECT kind, target, {_STEP} FROM journal WHERE image_id = ? ORDER BY id", (image,)):
            step = as_step(row[2:]) if row[0] == "step" else self._steps([row[1]])[0]
            step = step.inverse() if row[0] == "undo" else step
            new = applied(masks.pop(step.frame, None), step, shape)
            if new is not None:
                masks[step.frame] = new
        return masks


def as_step(row: Any) -> MaskStep:
    """A step from the journal's columns frame to after. Raises ValueError for damaged ones."""
    before, after = (None if data is None else unpack_mask(data) for data in row[6:8])
    return MaskStep(row[0], (row[2], row[3], row[4], row[5]), before, after, row[1])


def applied(old: Mask | None, step: MaskStep, shape: tuple[int, int]) -> Mask | None:
    """``old`` after the step. Raises ValueError if the step does not start from ``old`` or leaves an image of ``shape``."""
    x0, y0, x1, y1 = step.box
    if not (0 <= x0 <= x1 <= shape[1] and 0 <= y0 <= y1 <= shape[0]):
        raise ValueError(f"box {step.box} leaves an image of {shape[1]} × {shape[0]}")
    if (old is None) != (step.before is None):
        raise ValueError("the step does not start from the outline that is kept")
    if (old is None or step.after is None) and step.box != (0, 0, shape[1], shape[0]):
        raise ValueError("a step from or to no outline has to cover the frame")
    if old is not None and step.before is not None and not np.array_equal(old[y0:y1, x0:x1], step.before):
        raise ValueError("the step does not start from the outline that is kept")
    if step.after is None:
        return None
    new = np.zeros(shape, dtype=bool) if old is None else old.copy()
    new[y0:y1, x0:x1] = step.after
    return new


def described(mask: Mask | None) -> str:
    """A mask in the words of the audit trail: its area and what identifies it."""
    return "none" if mask is None else f"{int(mask.sum())} px, sha256 {mask_digest(mask)}"
