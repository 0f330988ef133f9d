"""How the changes of one session reach the case store, whether its image is known there already or not yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult
from busi_viewer.gui.keeping import Change, Keeping


class Ledger:
    """How one session's changes reach the store: at once where its ``image`` is known, else as soon as it is adopted.

    What is done on a large file before it is identified is kept as a ``draft``, so that it outlives the process too.
    An image whose file lies in two places has one history: the copy that was worked on first owns it, ``copied`` is called
    with the owner's path when the other is worked on, and that work is not kept.
    """

    def __init__(
        self, keeping: Keeping, owners: dict[int, Path], record: ImageRecord, copied: Callable[[Path, Path], None]
    ) -> None:
        self.image: int | None = None
        self.draft: int | None = None
        self._keeping, self._owners, self._record, self._copied = keeping, owners, record, copied
        self._path = record.path
        self._waiting: list[tuple[str, Change, str]] = []
        self._notes: dict[str, Callable[[int], None]] = {}

    @property
    def target(self) -> int | None:
        """Under which number changes go to the store now, if any."""
        return self.draft if self.image is None else self.image

    @property
    def kept(self) -> bool:
        """Whether all of it is in the store or on its way there."""
        return self.target is not None and not self._waiting and not self._keeping.gave_up(self.target)

    def change(self, kind: str, what: Change = None, reason: str = "") -> None:
        """Keep a committed change (see :class:`~busi_viewer.gui.session.Session`)."""
        if self.image is not None:
            owner = self._owners.setdefault(self.image, self._path)
            if owner != self._path:
                self.image = self.draft = None
                self._copied(self._path, owner)
        self._waiting.append((kind, what, reason))
        self.hand_over()

    def hand_over(self) -> int | None:
        """Let all that waits go to the store, as a draft where its image is not known; under which number, if any."""
        if self.target is None and not self._record.identified and self._keeping.writable:
            self.draft = self._keeping.draft(self._record)
        if self.target is not None:
            waiting, self._waiting = self._waiting, []
            for kind, what, reason in waiting:
                self._keeping.change(self.target, kind, what, reason)
        return self.target

    def result(self, result: AnalysisResult) -> None:
        """Keep an analysis."""
        self.note("result", lambda image: self._keeping.result(image, result))

    def note(self, kind: str, keep: Callable[[int], None]) -> None:
        """Keep what is no work of the reader's, the last of its ``kind``: call ``keep`` as soon as the image is known."""
        if self.image is None:
            self._notes[kind] = keep
        else:
            keep(self.image)

    @property
    def waits(self) -> bool:
        """Whether anything waits for the image to be known in the store."""
        return self.image is None and bool(self._waiting or self._notes)

    def adopt(self, image: int, *, afresh: bool = False) -> None:
        """The image is known in the store now: hand over all that waits, or (``afresh``) none, since it is done again."""
        if afresh:
            self._waiting = []
        owner = self._owners.get(image, self._path)
        if owner != self._path and (self._waiting or self.draft is not None):
            self.draft = None
            self._copied(self._path, owner)
            return
        self.image = image
        notes, self._notes = self._notes, {}
        for keep in notes.values():
            keep(image)
        if self._waiting or self.draft is not None:
            self._owners[image] = self._path
        self.hand_over()

    def leave_draft(self) -> None:
        """What the draft holds is under ``image`` by now, or is brought there; nothing where it has become that image."""
        if self.image is not None and self.draft is not None:
            if not self._keeping.is_draft(self.draft, self.image):
                self._keeping.join(self.draft, self.image)
            self.draft = None
