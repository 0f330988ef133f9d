"""The store as the rest of the application sees it: one object for all verbs, safe to call from any thread."""

from __future__ import annotations

import contextlib
import getpass
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from busi_viewer.core.casebook import (
    CaseQuery,
    CaseSummary,
    Corrected,
    FileState,
    ImageState,
    Kept,
    Recovery,
    Report,
    StoredImage,
    Version,
)
from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult
from busi_viewer.core.steps import CALLIPERS, FINDINGS, READING, SHOWING, Step
from busi_viewer.store import folder, pseudonyms
from busi_viewer.store.analyses import Analyses
from busi_viewer.store.audit import Audit
from busi_viewer.store.database import Database
from busi_viewer.store.fields import Fields, as_text
from busi_viewer.store.images import Images, as_path
from busi_viewer.store.journal import Journal
from busi_viewer.store.reports import Reports

UNDO_STEPS = 200
"""How many applied steps are given back to the undo stack of a reopened image; the journal keeps all."""


def current_user() -> str:
    """The name the reader is logged in under, or "unknown"."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


class SqliteCaseStore:
    """Implements :class:`~busi_viewer.core.ports.CaseStore` on ``place/cases.sqlite3``.

    Every method that writes does so in one transaction and returns when it is on the disk. Raises StoreError (StoreInUse
    while another window has it open); what was kept before is then unchanged.
    """

    def __init__(self, place: Path, user: str | None = None, *, read_only: bool = False, create: bool = True) -> None:
        self._db = Database(place, user or current_user(), read_only=read_only, create=create)
        self.audit = Audit(self._db)
        self._images = Images(self._db, self.audit)
        self._fields = Fields(self._db, self.audit, self._images)
        self._journal = Journal(self._db, self.audit, self._images, self._fields)
        self._analyses = Analyses(self._db, self.audit, self._images)
        self._reports = Reports(self._db, self.audit, self._images, self._fields, self._journal)
        self._recovery = None if read_only else self._recovered()

    @property
    def path(self) -> Path:
        """The database file."""
        return self._db.path

    @property
    def user(self) -> str:
        """Under whose name changes are kept."""
        return self._db.user

    @property
    def recovery(self) -> Recovery | None:
        """What sessions that did not end properly had committed, as found at opening; None where there is nothing to tell."""
        return self._recovery

    def acknowledge_recovery(self) -> None:
        """Note, in the audit trail too, that the reader was told what was recovered; it is not told again."""
        found = self._recovery
        if found is None:
            return
        with self._db.transaction():
            said = f"{found.edits} edits of {len(found.images)} images, the last at {found.last}"
            self.audit.append("session recovered", field=f"session of {found.user} since {found.since}", new=said)
            here = self._db.session_id
            self._db.execute("UPDATE sessions SET ended = 'recovered' WHERE ended IS NULL AND id <> ?", (here,))
        self._recovery = None

    # one image's work

    def open_image(self, record: ImageRecord) -> Kept:
        """What is kept of an image; one not known yet is added (to a store open for reading: image 0)."""
        if self._db.read_only:
            return self.look(record)
        with self._db.reading():
            return self._kept(*self._images.register(record))

    def look(self, record: ImageRecord) -> Kept:
        """The same without adding anything: of an image not known yet, image 0."""
        with self._db.reading():
            image, moved_from, replaces = self._images.look(record)
            if not image:
                return Kept(0, "", {}, (), 0, None, None, None, None, replaces=replaces)
            return self._kept(image, moved_from, replaces)

    def draft(self, record: ImageRecord) -> int:
        """A number for work on a large file before it is identified; ``open_image`` gives its work to a content not known yet."""
        return self._images.draft(record)

    def look_draft(self, record: ImageRecord) -> Kept | None:
        """What is kept under such a number of a large file as it is now."""
        with self._db.reading():
            image = self._images.draft_of(record)
            return None if image is None else self._kept(image, None, None)

    def join(self, draft: int, image: int) -> None:
        """The draft is of this image, known already: its work goes there if that has none (else the caller laid it over)."""
        with self._db.transaction():
            if self._kept(image, None, None).blank:
                self._journal.copy(draft, image, "done before the file was identified")
            for field in (READING, SHOWING):
                version = self._fields.latest(draft, field)
                if version is not None:
                    self._fields.save(image, field, version.value, version.reason)
            self._images.join(draft, image)

    def unidentified(self) -> list[Path]:
        """Files with drafts, as far as they are as they were."""
        return self._images.unidentified()

    def _kept(self, image: int, moved_from: Path | None, replaces: int | None) -> Kept:
        steps, position = self._journal.stack(image, UNDO_STEPS)
        reports = self._reports.reports(image)
        shown, here = self._fields.latest(image, SHOWING), self._images.get(image)
        return Kept(
            image=image,
            case=here.case,
            masks=self._journal.masks(image),
            steps=steps,
            position=position,
            result=self._analyses.latest(image),
            findings=self._fields.latest(image, FINDINGS),
            callipers=self._fields.latest(image, CALLIPERS),
            report=reports[-1] if reports else None,
            moved_from=moved_from,
            replaces=replaces,
            flagged=self._images.flagged(image),
            reading=self._fields.latest(image, READING),
            hidden=shown is not None and not shown.value["shown"],
            draft=here.sha256 == here.draft,
        )

    def commit(self, image: int, step: Step, reason: str = "") -> None:
        """Keep a committed edit, and for findings and callipers why. Raises ValueError if an outline does not fit."""
        self._journal.commit(image, step, reason)

    def settle(self) -> None:
        """Tell the audit trail of what was typed or nudged last, as one change."""
        self._fields.settle()

    def undo(self, image: int) -> None:
        """Keep that the last edit was undone."""
        self._journal.undo(image)

    def redo(self, image: int) -> None:
        """Keep that the edit undone last was done again."""
        self._journal.redo(image)

    def save_result(self, image: int, result: AnalysisResult) -> None:
        """Keep an analysis; earlier ones stay."""
        self._analyses.save(image, result)

    def flag(self, image: int, flagged: bool) -> None:
        """Flag an image, or take the flag away."""
        self._images.flag(image, flagged)

    def save_field(self, image: int, field: str, value: Any, reason: str = "") -> Version:
        """Keep a new version of findings or callipers (a JSON value)."""
        return self._fields.save(image, field, value, reason)

    def versions(self, image: int, field: str) -> list[Version]:
        """Every version of findings or callipers, oldest first."""
        return self._fields.versions(image, field)

    def sign(self, image: int, content: Mapping[str, Any], reason: str = "") -> Report:
        """Sign a report: a new version, whatever was signed before stays."""
        return self._reports.sign(image, content, reason)

    def reports(self, image: int) -> list[Report]:
        """Every signed version of an image's report, oldest first."""
        return self._reports.reports(image)

    def note(self, action: str, image: int | None = None, field: str = "", old: str = "", new: str = "") -> None:
        """Add a row to the audit trail about something that changes nothing kept."""
        with self._db.transaction():
            here = self._images.get(image) if image is not None else None
            case, digest = (here.case, here.sha256) if here is not None else ("", "")
            self.audit.append(action, case=case, image=digest, field=field, old=old, new=new)

    # cases and files

    def cases(self, query: CaseQuery | None = None) -> list[CaseSummary]:
        """The cases that fit, the one changed last first."""
        return self._images.listed(query or CaseQuery())

    def images(self, case: str) -> list[StoredImage]:
        """The images of a case."""
        return self._images.of_case(case)

    def image_states(self, paths: Iterable[Path]) -> dict[Path, ImageState]:
        """What is known of the files that were last read at these paths, by the path as given."""
        return self._images.states(paths)

    def files_of(self, digests: Iterable[str]) -> dict[str, Path]:
        """Where the images with these contents (SHA-256) lie."""
        return self._images.files_of(digests)

    def file_state(self, image: int) -> FileState:
        """Whether the image's file is still there and unchanged."""
        return self._images.file_state(image)

    def locate(self, image: int, folders: Iterable[Path]) -> Path | None:
        """Where a moved file lies now, looked for by content in ``folders`` and below; None if it is not there."""
        return self._images.locate(image, folders)

    def relink(self, image: int, path: Path) -> None:
        """Note that the image's file lies at ``path`` now."""
        self._images.relink(image, path)

    def export_case(self, case: str, destination: Path) -> Path:
        """Write a whole case as a folder of its own; ``destination`` must not exist. Raises OutputError, StoreError."""
        self.settle()
        return folder.export(self._db, self._images, self._journal, self.audit, case, destination)

    def import_case(self, source: Path) -> str:
        """Take over a case folder that :meth:`export_case` wrote; its UID. Raises StoreError if it is damaged or known."""
        with self._db.transaction():
            case = folder.take_over(self._db, self._images, self._journal, self.audit, source)
            for image in self.images(case):  # what cannot be given back is not taken over either
                try:
                    self._kept(image.image, None, None)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise StoreError("this is no intact case folder", path=source) from error
        return case

    def corrected(self) -> Iterator[Corrected]:
        """Every frame with a reader's outline, under names that tell nothing of the patient and stay the same."""
        key = self._secret()
        for image, label in pseudonyms.candidates(self._db):
            here = self._images.get(image)
            group = pseudonyms.group_of(self._db, key, image)
            for frame, mask in self._journal.masks(image).items():
                yield Corrected(here, frame, mask, pseudonyms.name_of(key, here, frame), group, label)

    def _secret(self) -> bytes:
        """The store's own key of pseudonyms; it never leaves the store."""
        row = self._db.one("SELECT value FROM meta WHERE key = 'pseudonyms'")
        if row is None:
            with self._db.transaction():
                self._db.execute("INSERT INTO meta(key, value) VALUES('pseudonyms', ?)", (secrets.token_hex(32),))
            row = self._db.one("SELECT value FROM meta WHERE key = 'pseudonyms'")
        return bytes.fromhex(row[0])

    # the store itself

    def setting(self, key: str) -> Any:
        """A JSON value kept under ``key``, or None."""
        row = self._db.one("SELECT value FROM settings WHERE key = ?", (key,))
        return json.loads(row[0]) if row else None

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under ``key``."""
        with self._db.transaction():
            before = self._db.one("SELECT value FROM settings WHERE key = ?", (key,))
            text = as_text(value)
            self._db.execute("INSERT OR REPLACE INTO settings(key, value) VALUES(?, ?)", (key, text))
            self.audit.append("setting", field=key, old=before[0] if before else "", new=text)

    def check(self) -> list[str]:
        """What is wrong with the file or with work that does not follow from the journal; empty if nothing. Reads all."""
        problems = self._db.faults()
        if problems:
            return problems
        for (image,) in self._db.rows("SELECT DISTINCT image_id FROM journal"):
            if not self._journal.is_followed(image):
                problems.append(f"What is kept of image {image} does not follow from its journal.")
        return problems

    def back_up(self, path: Path) -> None:
        """Write a copy of the whole store."""
        self._db.back_up(path)

    def close(self) -> None:
        """End the session properly and give the store free for other windows; a second time does nothing."""
        if self._db.closed:
            return
        if not self._db.read_only:
            with contextlib.suppress(StoreError):  # told when it is opened again
                self.settle()
            self.audit.keep_head()
        self._db.close()

    def _recovered(self) -> Recovery | None:
        """What the reader was not told of yet: a command that opened the store meanwhile does not count as telling."""
        rows = []
        for session, started, user in self._db.rows(
            "SELECT s.id, s.started, u.name FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended IS NULL"
            " ORDER BY s.id"
        ):
            done = self._db.rows(
                "SELECT image_id, at FROM journal WHERE session_id = ?1 UNION ALL"
                " SELECT image_id, at FROM versions WHERE session_id = ?1 AND journal_id IS NULL",
                (session,),
            )
            rows += [(image, at, started, user) for image, at in done]
        if not rows:
            return None
        images = sorted({row[0] for row in rows})
        paths = tuple(as_path(self._db.one("SELECT path FROM images WHERE id = ?", (image,))[0]) for image in images)
        return Recovery(rows[0][2], max(row[1] for row in rows), rows[-1][3], len(rows), paths)
