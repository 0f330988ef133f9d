"""Findings and callipers, of which every version is kept, and reports, of which every signed version is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from busi_viewer.core.casebook import CALLIPERS, FIELDS, FINDINGS, Report, Version
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.images import Images
from busi_viewer.store.journal import Journal
from busi_viewer.store.packing import mask_digest


def as_text(value: Any) -> str:
    """A JSON value as text that is the same for the same value. Raises ValueError or TypeError for what JSON cannot say."""
    return clean(json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")))


class Fields:
    """The tables ``versions`` and ``reports`` of one store."""

    def __init__(self, database: Database, audit: Audit, images: Images, journal: Journal) -> None:
        self._db = database
        self._audit = audit
        self._images = images
        self._journal = journal

    def save(self, image: int, field: str, value: Any, reason: str) -> Version:
        """Keep a new version; the same value again makes none. Raises ValueError for an unknown field, StoreError."""
        if field not in FIELDS:
            raise ValueError(f"unknown field {field!r}")
        text = as_text(value)
        with self._db.transaction():
            before = self.latest(image, field)
            if before is not None and as_text(before.value) == text:
                return before
            here = self._images.get(image)
            number = before.number + 1 if before else 1
            self._db.execute(
                "INSERT INTO versions(image_id, field, number, session_id, user_id, at, value, reason)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (image, field, number, self._db.session_id, self._db.user_id, now(), text, clean(reason)),
            )
            self._images.touch(image)
            for name, old, new in differences(before.value if before else None, value):
                self._audit.append(
                    field, case=here.case, image=here.sha256, field=name, old=old, new=new, reason=reason
                )
        return self.versions(image, field)[-1]

    def versions(self, image: int, field: str) -> list[Version]:
        """Every version of a field, oldest first."""
        rows = self._db.rows(
            "SELECT v.number, v.at, u.name, v.value, v.reason FROM versions v JOIN users u ON u.id = v.user_id"
            " WHERE image_id = ? AND field = ? ORDER BY number",
            (image, field),
        )
        return [Version(row[0], row[1], row[2], json.loads(row[3]), row[4]) for row in rows]

    def latest(self, image: int, field: str) -> Version | None:
        """The version in force, or None."""
        versions = self.versions(image, field)
        return versions[-1] if versions else None

    def sign(self, image: int, content: Mapping[str, Any], reason: str) -> Report:
        """Keep a signed report of the image as it is now; an earlier version stays as it is. Raises StoreError."""
        text = as_text(content)
        with self._db.transaction():
            here = self._images.get(image)
            digests = {str(frame): mask_digest(mask) for frame, mask in self._journal.masks(image).items()}
            numbers = self._state(image)
            earlier = self._db.one("SELECT max(version) FROM reports WHERE image_id = ?", (image,))[0] or 0
            self._db.execute(
                "INSERT INTO reports(image_id, version, at, user_id, content, findings, callipers, journal_id, masks, reason)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (image, earlier + 1, now(), self._db.user_id, text, *numbers, as_text(digests), clean(reason)),
            )
            self._db.execute("UPDATE images SET signed = 1 WHERE id = ?", (image,))
            self._images.touch(image)
            model = self._db.one("SELECT model_sha256 FROM analyses WHERE image_id = ? ORDER BY id DESC", (image,))
            self._audit.append(
                "report signed",
                case=here.case,
                image=here.sha256,
                field="report",
                old=f"version {earlier}" if earlier else "",
                new=f"version {earlier + 1}, findings version {numbers[0]}",
                reason=reason,
                model=model[0] if model else "",
            )
        self._audit.keep_head()
        return self.reports(image)[-1]

    def _state(self, image: int) -> tuple[int, int, int]:
        """What a report rests on: the versions of findings and callipers, and the journal's last row (0 = none)."""
        row = self._db.one(
            "SELECT (SELECT max(number) FROM versions WHERE image_id = ?1 AND field = ?2),"
            " (SELECT max(number) FROM versions WHERE image_id = ?1 AND field = ?3),"
            " (SELECT max(id) FROM journal WHERE image_id = ?1)",
            (image, FINDINGS, CALLIPERS),
        )
        return row[0] or 0, row[1] or 0, row[2] or 0

    def reports(self, image: int) -> list[Report]:
        """Every signed version of the image's report, oldest first."""
        rows = self._db.rows(
            "SELECT r.version, r.at, u.name, r.content, r.masks, r.reason, r.findings, r.callipers, r.journal_id"
            " FROM reports r JOIN users u ON u.id = r.user_id WHERE image_id = ? ORDER BY version",
            (image,),
        )
        state = self._state(image) if rows else ()
        return [
            Report(
                version=row[0],
                at=row[1],
                user=row[2],
                content=json.loads(row[3]),
                findings=row[6],
                masks={int(frame): digest for frame, digest in json.loads(row[4]).items()},
                reason=row[5],
                current=row is rows[-1] and tuple(row[6:9]) == state,
            )
            for row in rows
        ]


def differences(old: Any, new: Any, within: str = "") -> list[tuple[str, str, str]]:
    """(name, old value, new value) of each entry that changed, objects in objects by dotted names; "" is the whole value."""
    if not isinstance(new, Mapping) or not isinstance(old, Mapping | None):
        return [(within, "" if old is None else as_text(old), as_text(new))]
    before: Mapping[str, Any] = old or {}
    found = []
    for name in dict.fromkeys((*before, *new)):
        dotted = f"{within}.{name}" if within else str(name)
        if name not in new:
            found.append((dotted, as_text(before[name]), ""))
        elif name not in before and not (isinstance(new[name], Mapping) and new[name]):
            found.append((dotted, "", as_text(new[name])))
        elif before.get(name) != new[name]:
            found += differences(before.get(name), new[name], dotted)
    return found
