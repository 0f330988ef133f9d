"""What the reader is told of keeping: what was recovered, what is not kept and why, files that moved or changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from busi_viewer.gui import privacy
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.notices import Notice, Notices, sentence
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.reading import Reading

if TYPE_CHECKING:
    from busi_viewer.core.casebook import FileState, Kept, Recovery

UNKEPT = "This window goes on, but what you do in it is not kept: export it before closing."


class KeepingNotices(QObject):
    """Puts the signals of keeping and reading into words; ``open_paths`` opens what was recovered."""

    def __init__(
        self,
        keeping: Keeping,
        reading: Reading,
        notices: Notices,
        open_paths: Callable[[Sequence[Path]], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._keeping, self._reading, self._notices, self._open_paths = keeping, reading, notices, open_paths
        self._refused = False
        self._again: Callable[[], None] | None = None
        self._obstacle: Notice | None = None
        keeping.ready.connect(self._on_ready)
        keeping.refused.connect(self._on_refused)
        keeping.recovered.connect(self._on_recovered)
        keeping.failing.connect(self._on_failing)
        keeping.saved.connect(self._on_saved)
        keeping.not_recalled.connect(self._on_not_recalled)
        keeping.file_seen.connect(self._on_file_seen)
        reading.tidings.connect(self._on_tidings)
        reading.desk.copied.connect(self._on_copied)
        reading.desk.joined.connect(self._on_joined)
        reading.desk.unread.connect(self._on_unread)

    def clear_notices(self) -> None:
        """Clear all notices but what stands in the way of keeping."""
        self._notices.clear()
        if self._again is not None:
            self._again()

    def _clear_obstacle(self) -> None:
        """What stood in the way of keeping is gone, and so is what was said of it."""
        self._notices.drop(self._obstacle)
        self._obstacle = self._again = None

    @Slot()
    def _on_ready(self) -> None:
        if self._refused and self._keeping.writable:
            self._refused = False
            self._clear_obstacle()
            self._notices.show_info(tr("Work is kept again."), tr("What was done meanwhile is kept too."))

    @Slot(object, bool)
    def _on_refused(self, problem: Problem, in_use: bool) -> None:
        self._refused, self._again = True, partial(self._on_refused, problem, in_use)
        words = f"{said(problem.remedy)} {tr(UNKEPT)}".strip()
        self._obstacle = self._notices.show_warning(
            f"{sentence(said(problem.what))}.", words, (tr("Try again"), self._keeping.retry)
        )

    @Slot(object)
    def _on_recovered(self, found: Recovery) -> None:
        edits = plural("1 change", "{n:,} changes", found.edits)
        images = plural("1 image", "{n:,} images", len(found.images))
        there = [path for path in found.images if path.exists()]
        deeds = ((tr("Open"), partial(self._open_paths, there)),) if there else ()
        self._notices.show_info(
            tr(
                "The session of {since} did not end properly. Recovered: {edits}, on {images}.",
                edits=edits,
                images=images,
                since=local(found.since),
            ),
            tr(
                "The last one was kept at {last}. Only a stroke that was not finished then is missing.",
                last=local(found.last),
            ),
            *deeds,
            stays=True,
        )

    @Slot(object)
    def _on_failing(self, problem: Problem) -> None:
        self._again = partial(self._on_failing, problem)
        self._obstacle = self._notices.show_problem(
            Problem(
                problem.what,
                None,
                f"{said(problem.remedy)} {tr('What you do stays in memory and is saved as soon as it can be.')}".strip(),
            )
        )

    @Slot()
    def _on_saved(self) -> None:
        self._clear_obstacle()
        self._notices.show_info(tr("Everything is saved again."))

    @Slot(object, object)
    def _on_not_recalled(self, path: Path, problem: Problem) -> None:
        self._notices.show_warning(
            tr("{name}: what is kept of it could not be read, so it is shown without.", name=privacy.name(path)),
            f"{sentence(said(problem.what))}. {said(problem.remedy)} "
            + tr("What you do on it is kept once the case store can be read."),
        )

    @Slot(object, object)
    def _on_unread(self, path: Path, problem: Problem) -> None:
        self._notices.show_warning(
            tr("{name}: a part of what is kept of it could not be read; all else is shown.", name=privacy.name(path)),
            f"{sentence(said(problem.what))}. {said(problem.remedy)} "
            + tr("It stays in the case store as a version of its own."),
        )

    @Slot(object, object)
    def _on_tidings(self, path: Path, kept: Kept) -> None:
        if kept.moved_from is not None and not kept.empty:
            self._notices.show_info(
                tr("{name} has moved; your work came with it.", name=privacy.name(path)),
                tr("It was {place}.", place=privacy.place(kept.moved_from)),
            )
        if kept.replaces is not None:
            self._notices.show_warning(
                tr("{name} has changed since it was opened last.", name=privacy.name(path)),
                tr("It counts as a new image. Work on the earlier content is kept, and shown again with that content."),
            )

    @Slot(object, object)
    def _on_file_seen(self, path: Path, seen: tuple[FileState, Path | None]) -> None:
        state, found = seen
        if state.value == "changed":
            self._notices.show_warning(
                tr("{name} has changed on the disk while it was open.", name=privacy.name(path)),
                tr(
                    "Shown is what was read. Read again, it counts as a new image; what you did is kept with what was read."
                ),
                (tr("Read again"), partial(self._reading.read_again, path)),
            )
        elif found is not None:
            self._notices.show_info(
                tr("{name} has moved to {place}.", name=privacy.name(path), place=privacy.place(found.parent)),
                tr("Your work on it goes on being kept."),
            )
        elif state.value != "same":
            self._notices.show_warning(
                tr("{name} can no longer be found where it was opened.", name=privacy.name(path)),
                tr(
                    "It stays in view and your work on it is kept. Open it where it lies now: it is known by its content."
                ),
            )

    @Slot(object, object)
    def _on_copied(self, path: Path, owner: Path) -> None:
        self._notices.show_warning(
            tr(
                "{name} is a copy of {owner}, on which you have worked already.",
                name=privacy.name(path),
                owner=privacy.name(owner),
            ),
            tr("An image has one history: go on in {owner}. What you do on this copy is not kept.", owner=owner),
        )

    @Slot(object)
    def _on_joined(self, path: Path) -> None:
        self._notices.show_info(
            tr("{name}: earlier work on it was found and now lies under yours.", name=privacy.name(path)),
            tr("Both are kept. Undo takes yours away and shows the earlier work alone."),
        )


def local(at: str) -> str:
    """A UTC time of the store in the reader's own, as far as it can be read."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return at
