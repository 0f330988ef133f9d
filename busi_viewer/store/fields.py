"""Findings, callipers and locked readings, of which every version is kept.

What is typed or nudged makes a version with every pause, but one row of the audit trail, written when the reader turns to
something else: until then the table ``untold`` says from which version on the trail knows nothing. What a killed session left
there is told, under its reader's name, before a later session writes anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from busi_viewer.core.casebook import FIELDS, Version
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.images import Images


def as_text(value: Any) -> str:
    """A JSON value as text that is the same for the same value. Raises ValueError or TypeError for what JSON cannot say."""
    return clean(json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")))


class Fields:
    """The tables ``versions`` and ``untold`` of one store."""

    def __init__(self, database: Database, audit: Audit, images: Images) -> None:
        self._db = database
        self._audit = audit
        self._images = images
        database.on_session = self._tell_of_earlier_session

    def save(
        self, image: int, field: str, value: Any, reason: str, *, step: int | None = None, typed: bool = False
    ) -> Version:
        """Keep a new version; the same value again makes none. Raises ValueError for an unknown field, StoreError.

        ``step`` is the row of the journal that made it; ``typed`` has the audit trail told of it later (:meth:`settle`).
        """
        if field not in FIELDS:
            raise ValueError(f"unknown field {field!r}")
        text = as_text(value)
        with self._db.transaction():
            if not typed:
                self.settle(image)
            before = self.latest(image, field)
            if before is not None and as_text(before.value) == text:
                return before
            self._images.get(image)
            number = before.number if before else 0
            self._db.execute(
                "INSERT INTO versions(image_id, field, number, session_id, user_id, at, value, reason, journal_id)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (image, field, number + 1, self._db.session_id, self._db.user_id, now(), text, clean(reason), step),
            )
            self._images.touch(image)
            self._db.execute("INSERT OR IGNORE INTO untold VALUES(?, ?, ?)", (image, field, number))
            if not typed:
                self._tell(image, field, number, reason)
        return self.versions(image, field)[-1]

    def of_step(self, image: int, field: str) -> bool:
        """Whether a step of the journal made the version in force."""
        row = self._db.one(
            "SELECT journal_id FROM versions WHERE image_id = ? AND field = ? ORDER BY number DESC", (image, field)
        )
        return row is not None and row[0] is not None

    def settle(self, image: int | None = None) -> None:
        """Tell the audit trail of what was typed on an image, or on all, as one change. Raises StoreError."""
        one = "SELECT 1 FROM untold WHERE image_id = ?1 OR ?1 IS NULL"
        if self._db.read_only or self._db.one(one, (image,)) is None:
            return
        with self._db.transaction():
            for row in self._untold(image):
                self._tell(*row)

    def _untold(self, image: int | None = None) -> list[Any]:
        query = "SELECT image_id, field, version FROM untold WHERE image_id = ?1 OR ?1 IS NULL ORDER BY rowid"
        return self._db.rows(query, (image,))

    def _tell_of_earlier_session(self) -> None:
        for image, field, number in self._untold():
            last = self.versions(image, field)[-1]
            self._tell(image, field, number, f"typed until {last.at}, told when the store was opened again", last.user)

    def _tell(self, image: int, field: str, number: int, reason: str = "", user: str = "") -> None:
        """Tell what changed since version ``number`` (0: since nothing was said)."""
        here = self._images.get(image)
        versions = self.versions(image, field)
        old = versions[number - 1].value if number else None
        for name, before, after in differences(old, versions[-1].value):
            self._audit.append(
                field, case=here.case, image=here.sha256, field=name, old=before, new=after, reason=reason, user=user
            )
        self._db.execute("DELETE FROM untold WHERE image_id = ? AND field = ?", (image, field))

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
