"""Keeps what the reader does while it is done: a thread that writes each committed edit to the store at once, in order.

The window hands over and goes on drawing; the edit is on the disk a few milliseconds later. Where the store cannot be
written (disk full, network gone), what is waiting stays in memory and is tried again until it succeeds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from busi_viewer.core.casebook import Kept
from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import CaseStore
from busi_viewer.core.results import AnalysisResult
from busi_viewer.core.steps import Step
from busi_viewer.logs import stack_without_values

_LOG = logging.getLogger(__name__)
RETRY_S = 2.0
FAILING_S = 0.2
"""How long opening an image waits for changes to be written while writing fails."""


class Keeper:
    """Writes to ``store`` on a thread of its own, in the order of the calls. Call its methods from one thread.

    ``on_problem(error)`` is called once when writing begins to fail, ``on_saved()`` once when it works again, ``on_kept()``
    whenever nothing waits any more; all on the keeper's thread (in a window: emit a signal, nothing else).
    """

    def __init__(
        self,
        store: CaseStore,
        on_problem: Callable[[StoreError], None],
        on_saved: Callable[[], None] = lambda: None,
        on_kept: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self._on_problem = on_problem
        self._on_saved = on_saved
        self._on_kept = on_kept
        self._waiting: deque[tuple[int, Callable[[int], object]]] = deque()
        self._drafts: dict[int, int] = {}
        self._last_draft = 0
        self._given_up: set[int] = set()
        self._failing = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How many edits are not on the disk yet."""
        with self._changed:
            return len(self._waiting)

    def gave_up(self, image: int) -> bool:
        """Whether changes of an image are not kept any more because of an internal error."""
        with self._changed:
            return image in self._given_up

    def open(self, record: ImageRecord) -> Kept:
        """What is kept of an image, everything handed over before included. Any thread. Raises StoreError."""
        self._settle()
        return self.store.open_image(record)

    def look(self, record: ImageRecord) -> Kept:
        """The same without noting that the image was opened."""
        self._settle()
        return self.store.look(record)

    def look_draft(self, record: ImageRecord) -> Kept | None:
        """What is kept of a large file from before it was identified."""
        self._settle()
        return self.store.look_draft(record)

    def draft(self, record: ImageRecord) -> int:
        """Begin to keep work on a large file before it is identified: the number to give with it, which is below 0."""
        self._last_draft -= 1
        number = self._last_draft
        self._put(number, lambda _: self._drafts.update({number: self.store.draft(record)}))
        return number

    def number(self, image: int) -> int:
        """A draft's number in the store once it is there; others are that themselves."""
        return self._drafts.get(image, image)

    def join(self, draft: int, image: int) -> None:
        """Keep that a draft is of an image that was known already: see :meth:`~busi_viewer.core.ports.CaseStore.join`."""
        self._put(image, lambda known: self.store.join(self.number(draft), known))

    def _settle(self) -> None:
        if not self.flush(FAILING_S if self._failing else RETRY_S):
            raise StoreError(
                "earlier edits could not be saved yet", path=self.store.path, remedy="Make room, then open it again."
            )

    def flag(self, image: int, flagged: bool) -> None:
        """Keep that an image is flagged, or no longer."""
        self._put(image, lambda number: self.store.flag(number, flagged))

    def step(self, image: int, step: Step, reason: str = "") -> None:
        """Keep a committed edit, and for findings and callipers why."""
        self._put(image, lambda number: self.store.commit(number, step, reason))

    def undo(self, image: int) -> None:
        """Keep that the last edit was undone."""
        self._put(image, lambda number: self.store.undo(number))

    def redo(self, image: int) -> None:
        """Keep that the edit undone last was done again."""
        self._put(image, lambda number: self.store.redo(number))

    def settle(self) -> None:
        """Have the audit trail told of what was typed or nudged last."""
        self._put(0, lambda _: self.store.settle())

    def result(self, image: int, result: AnalysisResult) -> None:
        """Keep an analysis."""
        self._put(image, lambda number: self.store.save_result(number, result))

    def field(self, image: int, field: str, value: Any, reason: str = "") -> None:
        """Keep a new value of one of casebook.FIELDS (JSON; not to be changed afterwards)."""
        self._put(image, lambda number: self.store.save_field(number, field, value, reason))

    def note(self, action: str, image: int | None = None, field: str = "", old: str = "", new: str = "") -> None:
        """Note in the audit trail what changes nothing kept."""
        self._put(image or 0, lambda number: self.store.note(action, number or None, field, old, new))

    def flush(self, timeout: float) -> bool:
        """Wait until all is on the disk, at most ``timeout`` seconds; whether it is. Tries again at once what failed."""
        end = time.monotonic() + timeout
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting, max(end - time.monotonic(), 0.0))

    def close(self, timeout: float = 5.0) -> int:
        """Write what waits, end the thread and close the store; how many edits could not be saved."""
        self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        self.store.close()
        return self.pending

    def _put(self, image: int, write: Callable[[int], object]) -> None:
        with self._changed:
            self._waiting.append((image, write))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                image, write = self._waiting[0]
            done = image in self._given_up or self._try(image, write)
            with self._changed:
                if done:
                    self._waiting.popleft()
                    self._changed.notify_all()
                elif not self._closing:
                    self._changed.wait(RETRY_S)
                rests = done and not self._waiting and not self._given_up
            if rests:
                self._on_kept()

    def _try(self, image: int, write: Callable[[int], object]) -> bool:
        """Whether the edit is dealt with: written, or given up because of a fault that trying again cannot mend."""
        try:
            write(self.number(image))
        except StoreError as error:
            if not self._failing:
                self._failing = True
                self._on_problem(error)
            return False
        except Exception as error:  # noqa: BLE001 - the thread's boundary: one image's fault must not stop the others' keeping
            _LOG.error("an edit could not be kept: %s", stack_without_values(error))
            with self._changed:
                self._given_up.add(image)
            self._on_problem(
                StoreError(
                    "an internal error: further edits of this image are not saved",
                    path=self.store.path,
                    remedy="Export its mask and report before closing.",
                )
            )
            return True
        if self._failing:
            self._failing = False
            self._on_saved()
        return True
