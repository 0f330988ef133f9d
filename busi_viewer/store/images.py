"""Cases and their image files: known by content (SHA-256), found again when moved, listed and searched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from busi_viewer.core.casebook import CaseQuery, CaseSummary, FileState, ImageState, StoredImage
from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import CLASSES
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now

_COLUMNS = "i.id, c.uid, i.path, i.sha256, i.kind, i.height, i.width, i.frames, i.sop_uid, i.draft"
UNIDENTIFIED = "unidentified-"
"""How the names begin under which work is kept on files whose content is not known yet."""


def path_bytes(path: Path) -> bytes:
    """The absolute path as the system's bytes: any name a file can have."""
    return os.fsencode(os.path.abspath(path))


def as_path(data: bytes) -> Path:
    """The path that :func:`path_bytes` described."""
    return Path(os.fsdecode(data))


class Images:
    """The tables ``cases`` and ``images`` of one store."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._db = database
        self._audit = audit

    def find(self, sha256: str) -> int | None:
        """The number of the image with this content, if it is known."""
        row = self._db.one("SELECT id FROM images WHERE sha256 = ?", (sha256,))
        return int(row[0]) if row else None

    def register(self, record: ImageRecord) -> tuple[int, Path | None, int | None]:
        """Know the record's image: (number, where it lay before if it moved, number of what lay at its path before)."""
        image, moved_from, predecessor = self.look(record)
        if not image:
            with self._db.transaction():
                image = self._add(record, record.sha256)
        else:
            self._identify(image, record.sha256)
        if moved_from is not None:
            with contextlib.suppress(StoreError):  # a full disk hides no work; the move is noted next time
                self.relink(image, record.path)
        return image, moved_from, predecessor

    def look(self, record: ImageRecord) -> tuple[int, Path | None, int | None]:
        """The same without writing anything; 0 for an image that is not known."""
        path = path_bytes(record.path)
        predecessor = self._predecessor(record, path)
        image = self.find(record.sha256) or self.draft_of(record)
        if image is None:
            return 0, None, predecessor
        before = bytes(self._db.one("SELECT path FROM images WHERE id = ?", (image,))[0])
        moved = before != path and self.file_state(image) is not FileState.SAME  # else it is a copy
        return image, as_path(before) if moved else None, predecessor

    def flagged(self, image: int) -> bool:
        """Whether the reader has flagged an image."""
        row = self._db.one("SELECT flagged FROM images WHERE id = ?", (image,))
        return bool(row and row[0])

    def flag(self, image: int, flagged: bool) -> None:
        """Flag an image, or take the flag away; nothing where it is so already."""
        with self._db.transaction():
            if self.flagged(image) == flagged:
                return
            self._db.execute("UPDATE images SET flagged = ? WHERE id = ?", (int(flagged), image))
            self.touch(image)
            here = self.get(image)
            words = ("", "flagged") if flagged else ("flagged", "")
            self._audit.append("flag", case=here.case, image=here.sha256, field="flag", old=words[0], new=words[1])

    def _predecessor(self, record: ImageRecord, path: bytes) -> int | None:
        row = self._db.one(
            "SELECT id FROM known WHERE path = ? AND sha256 <> ? AND NOT (sha256 IS draft AND size IS ? AND mtime_ns IS ?)"
            " ORDER BY id DESC LIMIT 1",
            (path, record.sha256, *(record.stamp or (None, None))),
        )
        return int(row[0]) if row else None

    # files whose content is not known yet

    def draft(self, record: ImageRecord) -> int:
        """Know a file by a name of its own until its content is known."""
        with self._db.transaction():
            name = UNIDENTIFIED + uuid.uuid4().hex
            image = self._add(record, name)
            self._db.execute("UPDATE images SET draft = sha256 WHERE id = ?", (image,))
        return image

    def draft_of(self, record: ImageRecord) -> int | None:
        """Under which number work on this file was kept before its content was known: by size, time and path (or, where it
        is no longer there, name).
        """
        if record.stamp is None:
            return None
        path = path_bytes(record.path)
        rows = self._db.rows(
            "SELECT id, path FROM known WHERE sha256 = draft AND size = ? AND mtime_ns = ? AND height = ? AND width = ?"
            " AND frames = ? ORDER BY path <> ?, id",
            (*record.stamp, *record.shape, len(record.frames), path),
        )
        for image, before in rows:
            here = bytes(before) == path
            if here or (as_path(before).name == record.path.name and self.file_state(image) is not FileState.SAME):
                return int(image)
        return None

    def unidentified(self) -> list[Path]:
        """The files of which work was kept under such a number, where they are as they were."""
        rows = self._db.rows("SELECT id, path FROM known WHERE sha256 = draft ORDER BY id")
        return list(dict.fromkeys(as_path(path) for image, path in rows if self.file_state(image) is FileState.SAME))

    def _identify(self, image: int, sha256: str) -> None:
        """The content of a draft is known now, and was not before: it is that image, with all its history."""
        here = self.get(image)
        if here.sha256 == sha256:
            return
        with self._db.transaction():
            self._db.execute("UPDATE images SET sha256 = ? WHERE id = ?", (sha256, image))
            self._audit.append(
                "image identified", case=here.case, image=sha256, field="content", old=here.sha256, new=sha256
            )

    def join(self, draft: int, image: int) -> None:
        """The content of a draft was known already, as ``image``: it is no image of its own any more."""
        with self._db.transaction():
            name, case, flagged = self._db.one("SELECT draft, case_id, flagged FROM images WHERE id = ?", (draft,))
            here = self.get(image)
            self._db.execute(
                "UPDATE images SET joined = ?1, case_id = (SELECT case_id FROM images WHERE id = ?1) WHERE id = ?2",
                (image, draft),
            )
            self._db.execute(
                "DELETE FROM cases WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM images WHERE case_id = ?1)", (case,)
            )
            self._audit.append(
                "image identified", case=here.case, image=here.sha256, field="content", old=name, new=here.sha256
            )
            if flagged:
                self.flag(image, True)

    def _add(self, record: ImageRecord, sha256: str) -> int:
        case, uid = self._case_of(record)
        path = path_bytes(record.path)
        size, mtime = record.stamp or _stat(record.path)
        facts = {key: clean(value) for key, value in record.facts.items()}
        image = self._db.insert(
            "INSERT INTO images(case_id, path, sha256, size, mtime_ns, kind, height, width, frames, sop_uid, series_uid,"
            " added) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (case, path, sha256, size, mtime, record.kind, *record.shape, len(record.frames),
             facts.get("SOPInstanceUID"), facts.get("SeriesInstanceUID"), now()),
        )  # fmt: skip
        self._db.refresh_search(case)
        self._audit.append("image added", case=uid, image=sha256, field="path", new=str(record.path))
        return image

    def _case_of(self, record: ImageRecord) -> tuple[int, str]:
        """The case the image belongs to: its DICOM study's, or one of its own. Makes it where there is none."""
        facts = {key: clean(value) for key, value in record.facts.items()}
        study = facts.get("StudyInstanceUID")
        if study:
            row = self._db.one("SELECT id, uid FROM cases WHERE study_uid = ?", (study,))
            if row:
                return int(row[0]), str(row[1])
        uid, at = str(uuid.uuid4()), now()
        title = facts.get("StudyDescription") or record.path.stem
        patient = " ".join(facts[key] for key in ("PatientName", "PatientID") if facts.get(key))
        case = self._db.insert(
            "INSERT INTO cases(uid, title, patient, study_uid, created, changed) VALUES(?, ?, ?, ?, ?, ?)",
            (uid, clean(title), patient, study, at, at),
        )
        return case, uid

    def get(self, image: int) -> StoredImage:
        """An image's identity. Raises StoreError if there is none of this number."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM images i JOIN cases c ON c.id = i.case_id WHERE i.id = ?", (image,))
        if row is None:
            raise StoreError(f"there is no image {image} in the case store", path=self._db.path)
        return stored(row)

    def of_case(self, case: str) -> list[StoredImage]:
        """The images of a case, in the order in which they were added."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM known i JOIN cases c ON c.id = i.case_id WHERE c.uid = ? ORDER BY i.id", (case,)
        )
        return [stored(row) for row in rows]

    def states(self, paths: Iterable[Path]) -> dict[Path, ImageState]:
        """What is known of the files at ``paths``, a few hundred a query, so that writing goes on meanwhile."""
        given = {path_bytes(path): path for path in paths}
        found = {}
        for part in _parts(list(given)):
            rows = self._db.rows(
                "SELECT i.path, i.edited, i.signed, i.flagged,"
                " EXISTS(SELECT 1 FROM versions v WHERE v.image_id = i.id AND v.field = 'reading'),"
                " (SELECT json_extract(a.result, '$.frames[0].probabilities', '$.frames[0].abstained',"
                " '$.frames[0].classified') FROM analyses a WHERE a.image_id = i.id ORDER BY a.id DESC LIMIT 1)"
                f" FROM known i WHERE i.path IN ({_marks(part)}) ORDER BY i.id",
                part,
            )
            found.update({given[bytes(row[0])]: _state(given[bytes(row[0])], *row[1:]) for row in rows})
        return found

    def files_of(self, digests: Iterable[str]) -> dict[str, Path]:
        """The files of the images with these contents, or the names that stood for them before those were known."""
        found = {}
        for part in _parts(list(digests)):
            for name in ("sha256", "draft"):
                rows = self._db.rows(f"SELECT {name}, path FROM images WHERE {name} IN ({_marks(part)})", part)
                found.update({row[0]: as_path(row[1]) for row in rows})
        return found

    def file_state(self, image: int) -> FileState:
        """Whether the file is still there with the content that was read; it is read again only if size or time differ."""
        row = self._db.one("SELECT path, sha256, size, mtime_ns FROM images WHERE id = ?", (image,))
        if row is None:
            return FileState.MISSING
        path = as_path(row[0])
        try:
            status = os.stat(path)
            if (status.st_size, status.st_mtime_ns) == (row[2], row[3]):
                return FileState.SAME
            if row[2] is not None and status.st_size != row[2]:
                return FileState.CHANGED
            digest = sha256_of(path)
        except (FileNotFoundError, NotADirectoryError):
            return FileState.MISSING
        except OSError:
            return FileState.UNREADABLE
        return FileState.SAME if digest == row[1] else FileState.CHANGED

    def locate(self, image: int, folders: Iterable[Path]) -> Path | None:
        """A file with the image's content in ``folders`` or below: first those of its name, then those of its size."""
        row = self._db.one("SELECT path, sha256, size FROM images WHERE id = ?", (image,))
        if row is None:
            return None
        name, digest, size = as_path(row[0]).name, row[1], row[2]
        candidates = [path for folder in folders for path in _files(folder) if size is None or _stat(path)[0] == size]
        for path in sorted(candidates, key=lambda path: path.name != name):
            try:
                if sha256_of(path) == digest:
                    return path
            except OSError:
                continue
        return None

    def relink(self, image: int, path: Path) -> None:
        """Note that the image's file lies at ``path`` now."""
        with self._db.transaction():
            row = self._db.one("SELECT case_id, path FROM images WHERE id = ?", (image,))
            size, mtime = _stat(path)
            self._db.execute(
                "UPDATE images SET path = ?, size = ?, mtime_ns = ? WHERE id = ?",
                (path_bytes(path), size, mtime, image),
            )
            self._db.refresh_search(int(row[0]))
            here = self.get(image)
            self._audit.append(
                "image moved", case=here.case, image=here.sha256, field="path", old=str(as_path(row[1])), new=str(path)
            )

    def touch(self, image: int) -> None:
        """Note that the image's case changed, inside a transaction."""
        self._db.execute(
            "UPDATE cases SET changed = ? WHERE id = (SELECT case_id FROM images WHERE id = ?)", (now(), image)
        )

    def listed(self, query: CaseQuery) -> list[CaseSummary]:
        """The cases that fit, the one changed last first. Raises StoreError."""
        conditions: list[str] = ["1"]
        values: list[Any] = []
        for word in clean(query.text).casefold().split():
            conditions.append("instr(c.search, ?)")
            values.append(word)
        if query.prediction is not None:
            conditions.append(_ANY + "i.prediction = ?)")
            values.append(CLASSES.index(query.prediction))
        flags = (("prediction IS NOT NULL", query.analysed), ("edited = 1", query.edited), ("signed = 1", query.signed))
        for column, wanted in flags:
            if wanted is not None:
                conditions.append(("" if wanted else "NOT ") + _ANY + f"i.{column})")
        cases = self._db.rows(
            f"SELECT c.id, c.uid, c.title, c.patient, c.changed FROM cases c WHERE {' AND '.join(conditions)}"
            " ORDER BY c.changed DESC, c.id LIMIT ? OFFSET ?",
            (*values, query.limit, query.offset),
        )
        return self._summaries(cases)

    def _summaries(self, cases: Iterable[Any]) -> list[CaseSummary]:
        summaries = []
        for case, uid, title, patient, changed in cases:
            rows = self._db.rows(
                "SELECT path, prediction, edited, signed FROM known WHERE case_id = ? ORDER BY id", (case,)
            )
            gravest = max((row[1] for row in rows if row[1] is not None), default=None)
            summaries.append(
                CaseSummary(
                    case=uid,
                    title=title,
                    patient=patient,
                    paths=tuple(as_path(row[0]) for row in rows),
                    images=len(rows),
                    prediction=None if gravest is None else CLASSES[gravest],
                    analysed=gravest is not None,
                    edited=any(row[2] for row in rows),
                    signed=any(row[3] for row in rows),
                    at=changed,
                )
            )
        return summaries


_ANY = "EXISTS(SELECT 1 FROM known i WHERE i.case_id = c.id AND "


_PART = 400


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    return (values[start : start + _PART] for start in range(0, len(values), _PART))


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))


def _state(path: Path, edited: int, signed: int, flagged: int, locked: int, estimate: str | None) -> ImageState:
    """A line of the list from the flags of ``images``, whether a reading was locked, and the latest analysis.

    ``estimate`` is [probabilities, abstained, classified (null where it was always so)] as JSON.
    """
    probabilities, abstained, classified = json.loads(estimate) if estimate else (None, False, None)
    shown = probabilities if probabilities and not abstained and classified is not False else None
    share = max(shown) if shown else None
    prediction = CLASSES[shown.index(share)] if shown else None
    flags = (bool(edited), bool(signed), bool(flagged), bool(locked))
    return ImageState(path, estimate is not None, bool(abstained), prediction, share, *flags)


def stored(row: Any) -> StoredImage:
    """A row of images with its case's UID as a value."""
    return StoredImage(row[0], row[1], as_path(row[2]), row[3], row[4], (row[5], row[6]), row[7], row[8], row[9])


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file's content. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return [Path(root) / name for root, _, names in os.walk(folder) for name in sorted(names)]


def _stat(path: Path) -> tuple[int | None, int | None]:
    """(size in bytes, time of change in ns), or Nones where the file cannot be asked."""
    try:
        status = os.stat(path)
    except OSError:
        return None, None
    return status.st_size, status.st_mtime_ns
