"""The journal of committed edits: steps, undos and redos in the order in which they were made, never rewritten.

The undo stack is what remains when the journal is gone through: a step drops what was undone and comes on top, or in the
place of the one that it goes on with (``target``); an undo goes one down, a redo one up. Beside the journal stand each
frame's outline as it is now and the versions of findings and callipers, written in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import Mask
from busi_viewer.core.steps import FieldStep, MaskStep, Step, joined
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.fields import Fields, as_text
from busi_viewer.store.images import Images
from busi_viewer.store.packing import mask_digest, pack_mask, unpack_mask

_STEP = "frame, label, x0, y0, x1, y1, before, after, field, typed, chained"
_WHY = {"undo": "undone", "redo": "done again"}


@dataclass
class Stack:
    """Numbers of the steps on the undo stack, of which the first ``position`` are applied."""

    steps: list[int] = field(default_factory=list)
    position: int = 0

    def take(self, kind: str, number: int, target: int | None) -> None:
        """Follow one row of the journal. Raises ValueError for one that cannot stand there."""
        if kind == "step" and (target is None or (self.position and self.steps[self.position - 1] == target)):
            self.position -= target is not None
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

    def __init__(self, database: Database, audit: Audit, images: Images, fields: Fields) -> None:
        self._db = database
        self._audit = audit
        self._images = images
        self._fields = fields

    def commit(self, image: int, step: Step, reason: str = "") -> None:
        """Keep a step, and for findings and callipers why. One that goes on with the last takes its place on the stack.

        Raises ValueError if it does not start from the outline that is kept, StoreError if it cannot be written.
        """
        with self._db.transaction():
            target = None
            if isinstance(step, FieldStep):
                step = replace(step, before=_plain(step.before), after=_plain(step.after))
                target, whole = self._goes_on(image, step)
                step = whole or step
            if target is None:
                self._fields.settle(image)
            number = self._db.insert(
                f"INSERT INTO journal(image_id, session_id, user_id, at, kind, target, {_STEP})"
                f" VALUES(?, ?, ?, ?, 'step', ?, {', '.join('?' * 11)})",
                (image, self._db.session_id, self._db.user_id, now(), target, *as_row(step)),
            )
            self._apply(image, number, step, "outline", reason, typed=isinstance(step, FieldStep) and bool(step.typed))

    def _goes_on(self, image: int, step: FieldStep) -> tuple[int | None, FieldStep | None]:
        """(number of the step on top with which this one is one item, that item); else (None, None)."""
        stack = self._stack(image) if step.typed else Stack()
        if not stack.position:
            return None, None
        last = stack.steps[stack.position - 1]
        whole = joined(self._steps([last])[0], step)
        return (last, whole) if whole is not None else (None, None)

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
            self._fields.settle(image)
            number = self._db.insert(
                "INSERT INTO journal(image_id, session_id, user_id, at, kind, target) VALUES(?, ?, ?, ?, ?, ?)",
                (image, self._db.session_id, self._db.user_id, now(), kind, target),
            )
            step = self._steps([target])[0]
            self._apply(image, number, step.inverse() if kind == "undo" else step, kind, _WHY[kind])

    def _stack(self, image: int) -> Stack:
        stack = Stack()
        for number, kind, target in self._db.rows(
            "SELECT id, kind, target FROM journal WHERE image_id = ? ORDER BY id", (image,)
        ):
            stack.take(kind, number, target)
        return stack

    def _steps(self, numbers: list[int]) -> list[Step]:
        found = [self._db.one(f"SELECT {_STEP} FROM journal WHERE id = ?", (number,)) for number in numbers]
        return [as_step(row) for row in found]

    def _apply(self, image: int, number: int, step: Step, action: str, reason: str, *, typed: bool = False) -> None:
        """Bring what stands beside the journal up to date and tell the audit trail."""
        if not 0 <= step.frame < self._images.get(image).frames:
            raise ValueError(f"image {image} has no frame {step.frame}")
        if isinstance(step, FieldStep):
            self._fields.save(image, step.field, step.after, reason, step=number, typed=typed)
        else:
            self._apply_mask(image, number, step, action)

    def _apply_mask(self, image: int, number: int, step: MaskStep, action: str) -> None:
        here = self._images.get(image)
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

    def copy(self, image: int, other: int, reason: str) -> None:
        """Keep the undo stack of an image as that of another, on which nothing was drawn, measured or said."""
        steps, position = self.stack(image)
        with self._db.transaction():
            for step in steps:
                self.commit(other, step, reason)
            for _ in steps[position:]:
                self.undo(other)

    def stack(self, image: int, limit: int | None = None) -> tuple[tuple[Step, ...], int]:
        """(the undo stack, how many of it are applied): at most ``limit`` applied steps, and those that can be redone."""
        try:
            stack = self._stack(image)
            first = 0 if limit is None else max(stack.position - limit, 0)
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

    def _replayed(self, image: int) -> Iterator[Step]:
        """Every change in order, undone ones the other way round. Raises ValueError for damaged ones."""
        for row in self._db.rows(f"SELECT kind, target, {_STEP} FROM journal WHERE image_id = ? ORDER BY id", (image,)):
            step = as_step(row[2:]) if row[0] == "step" else self._steps([row[1]])[0]
            yield step.inverse() if row[0] == "undo" else step

    def replay(self, image: int) -> dict[int, Mask]:
        """The outlines made anew from the journal alone, for checking what is kept. Raises ValueError if it does not fit."""
        shape = self._images.get(image).shape
        masks: dict[int, Mask] = {}
        for step in self._replayed(image):
            if isinstance(step, MaskStep):
                new = applied(masks.pop(step.frame, None), step, shape)
                if new is not None:
                    masks[step.frame] = new
        return masks

    def is_followed(self, image: int) -> bool:
        """Whether outlines, findings and callipers as they are kept follow from the journal."""
        try:
            kept, replayed = self.masks(image), self.replay(image)
            said = {step.field: step.after for step in self._replayed(image) if isinstance(step, FieldStep)}
        except ValueError:
            return False
        latest = {name: self._fields.latest(image, name) for name in said if self._fields.of_step(image, name)}
        return (
            kept.keys() == replayed.keys()
            and all(np.array_equal(kept[frame], replayed[frame]) for frame in kept)
            and all(version is not None and version.value == said[name] for name, version in latest.items())
        )


def _plain(value: Any) -> Any:
    """A JSON value as it will be read again."""
    return json.loads(as_text(value))


def as_row(step: Step) -> tuple[Any, ...]:
    """A step as the journal's columns frame to chained."""
    if isinstance(step, FieldStep):
        before, after = (as_text(value).encode() for value in (step.before, step.after))
        return step.frame, clean(step.label), None, None, None, None, before, after, step.field, clean(step.typed), 0
    pixels = (None if part is None else pack_mask(part) for part in (step.before, step.after))
    return step.frame, clean(step.label), *step.box, *pixels, None, "", int(step.chained)


def as_step(row: Any) -> Step:
    """A step from the journal's columns frame to chained. Raises ValueError for damaged ones."""
    if row[8] is not None:
        before, after = (json.loads(data) for data in row[6:8])
        return FieldStep(row[8], row[0], before, after, row[1], row[9])
    before, after = (None if data is None else unpack_mask(data) for data in row[6:8])
    return MaskStep(row[0], (row[2], row[3], row[4], row[5]), before, after, row[1], bool(row[10]))


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
