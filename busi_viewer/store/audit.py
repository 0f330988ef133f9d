"""The audit trail: append-only rows, each with a hash over itself and the row before.

``hash`` = SHA-256 of the previous row's hash, a newline, and the row's other columns as a JSON list (ASCII, no spaces).
A changed row no longer fits its hash, a removed one leaves a gap; rows removed at the end are missed by the head, which
is kept in the database and, from every closing and signing, in ``cases.audit-head.json`` beside it. Someone who may
write both files can forge all of it: the head's hash, written down elsewhere, is what finds that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from busi_viewer.core.casebook import AuditCheck, AuditQuery, AuditRow
from busi_viewer.store.database import SOFTWARE, Database, now

HEAD = "cases.audit-head.json"
_COLUMNS = 'number, at, user, action, "case", image, field, old, new, reason, software, model, hash'
_CHUNK = 5000
_MOST_PROBLEMS = 20
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def chained(previous: str, columns: tuple[Any, ...]) -> str:
    """The hash of a row whose columns, from number to model, are given."""
    return hashlib.sha256(f"{previous}\n{_encode(columns)}".encode("ascii")).hexdigest()


def clean(text: str) -> str:
    """Text that any encoding of Unicode can hold (names of files may not)."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Audit:
    """The trail of one store. Implements :class:`~busi_viewer.core.ports.AuditTrail`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(
        self,
        action: str,
        *,
        case: str = "",
        image: str = "",
        field: str = "",
        old: str = "",
        new: str = "",
        reason: str = "",
        model: str = "",
        user: str = "",
    ) -> None:
        """Add a row, inside the transaction of what it tells of; ``user`` where it was another than the present one."""
        number, previous = self._head()
        words = (user or self._db.user, action, case, image, field, old, new, reason, SOFTWARE, model)
        columns = (number + 1, now(), *(clean(word) for word in words))
        digest = chained(previous, columns)
        marks = ", ".join("?" * 13)
        self._db.execute(f"INSERT INTO audit({_COLUMNS}) VALUES({marks})", (*columns, digest))
        self._db.execute("INSERT OR REPLACE INTO audit_head(one, number, hash) VALUES(1, ?, ?)", (number + 1, digest))

    def _head(self) -> tuple[int, str]:
        """Number and hash of the last row; where another program removed the head, those of the last row there is."""
        found = self._db.one("SELECT number, hash FROM audit_head")
        found = found or self._db.one("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        return found or (0, "")

    def verify(self) -> AuditCheck:
        """Recompute every hash, a few thousand rows at a time, so that writing goes on meanwhile. Raises StoreError."""
        start = self._db.one("SELECT h.number, h.hash, (SELECT max(number) FROM audit) FROM audit_head h")
        problems = [] if start else ["The trail's head was removed."]
        last, head, highest = start or (*self._head(), None)
        anchor_number, anchor_hash = self._anchor()
        if highest is not None and highest > last:
            problems.append(f"Rows {last + 1} to {highest} were added by another program.")
        number, previous, seen = 0, "", 0
        for row in self._all(last):
            columns, digest = row[:-1], row[-1]
            if columns[0] < 1:
                problems.append(f"Row {columns[0]} was added by another program.")
                continue
            if columns[0] != number + 1:
                problems.append(_removed(number + 1, columns[0] - 1))
            elif chained(previous, columns) != digest:
                problems.append(f"Row {columns[0]} of {columns[1]} was changed.")
            if columns[0] == anchor_number and digest != anchor_hash:
                problems.append(f"Row {columns[0]} is not the one that was last when the store was closed.")
            number, previous = columns[0], digest
            seen += 1
        expected = max(last, anchor_number)
        if number < expected:
            problems.append(_removed(number + 1, expected))
        elif previous != head and not problems:
            problems.append(f"Row {number} is not the one that was written last.")
        return AuditCheck(seen, head, _shortened(problems))

    def _all(self, last: int) -> Iterator[Any]:
        """Every row up to ``last``, from the very first (numbers below 1 are another program's)."""
        number = -(2**63)
        while True:
            rows = self._db.rows(
                f"SELECT {_COLUMNS} FROM audit WHERE number > ? AND number <= ? ORDER BY number LIMIT {_CHUNK}",
                (number, last),
            )
            if not rows:
                return
            yield from rows
            number = rows[-1][0]

    def rows(self, query: AuditQuery | None = None) -> list[AuditRow]:
        """The rows that fit, newest first. Raises StoreError."""
        query = query or AuditQuery()
        conditions: list[str] = ["1"]
        values: list[Any] = []
        for column, value in (("user", query.user), ("action", query.action), ('"case"', query.case)):
            if value:
                conditions.append(f"{column} = ?")
                values.append(value)
        if query.since:
            conditions.append("at >= ?")
            values.append(query.since)
        if query.until:
            conditions.append("at < ?")
            values.append(query.until)
        if query.text:
            conditions.append("(instr(lower(user||char(10)||action||char(10)||field||char(10)||old||char(10)||new||"
                              "char(10)||reason||char(10)||image), lower(?)) OR image IN (SELECT name FROM (SELECT path,"
                              " sha256 AS name FROM images UNION SELECT path, draft FROM images WHERE draft IS NOT NULL)"
                              " WHERE instr(lower(CAST(path AS TEXT)), lower(?))))")  # fmt: skip
            values += [clean(query.text)] * 2
        found = self._db.rows(
            f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ? OFFSET ?",
            (*values, query.limit, query.offset),
        )
        return [AuditRow(*row) for row in found]

    def keep_head(self) -> None:
        """Write the head beside the store. One that the trail no longer agrees with stays: it is the evidence.

        Where writing fails, the older head stays too, and proves as much as it did then. Within a transaction nothing is
        written: its rows may still be taken back.
        """
        if self._db.in_transaction:
            return
        number, digest = self._head()
        anchor_number, anchor_hash = self._anchor()
        if anchor_number:
            row = self._db.one("SELECT hash FROM audit WHERE number = ?", (anchor_number,))
            if row is None or row[0] != anchor_hash:
                return
        path = self._path()
        temporary = path.with_name(path.name + ".tmp")
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps({"rows": number, "hash": digest, "at": now()}), encoding="utf-8")
            os.replace(temporary, path)

    def _anchor(self) -> tuple[int, str]:
        try:
            note = json.loads(self._path().read_text(encoding="utf-8"))
            return int(note["rows"]), str(note["hash"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""

    def _path(self) -> Path:
        return self._db.folder / HEAD


def _removed(first: int, last: int) -> str:
    return f"Row {first} was removed." if first == last else f"Rows {first} to {last} were removed."


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - _MOST_PROBLEMS
    return (*problems[:_MOST_PROBLEMS], f"{more} more.") if more > 0 else tuple(problems)
