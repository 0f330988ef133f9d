"""The store's tables, as the list of migrations that made them. A new store runs them all; an older one those it lacks.

A migration that was released is never changed: a change is a new one at the end, with the older store kept as a fixture
(``tests/store/schema_N.sql``). Times are UTC, ISO 8601; masks as :mod:`busi_viewer.store.packing` says; paths are the
system's bytes. ``journal``, ``versions``, ``reports`` and ``audit`` are append-only: triggers refuse everything else.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

APPLICATION_ID = 0x42555349
"""``BUSI``: marks the file as ours."""

_SCHEMA_1 = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL) STRICT;
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, started TEXT NOT NULL,
  ended TEXT, software TEXT NOT NULL) STRICT;

CREATE TABLE cases(id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, title TEXT NOT NULL, patient TEXT NOT NULL,
  study_uid TEXT UNIQUE, created TEXT NOT NULL, changed TEXT NOT NULL) STRICT;
CREATE INDEX cases_changed ON cases(changed DESC);
CREATE TABLE images(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases, path BLOB NOT NULL,
  sha256 TEXT NOT NULL UNIQUE, size INTEGER, mtime_ns INTEGER, kind TEXT NOT NULL, height INTEGER NOT NULL,
  width INTEGER NOT NULL, frames INTEGER NOT NULL, sop_uid TEXT, series_uid TEXT, added TEXT NOT NULL,
  prediction INTEGER, edited INTEGER NOT NULL DEFAULT 0, signed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX images_case ON images(case_id);
CREATE INDEX images_path ON images(path);

CREATE TABLE analyses(id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images, at TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users, model_name TEXT NOT NULL, model_version TEXT NOT NULL,
  model_sha256 TEXT NOT NULL, result TEXT NOT NULL) STRICT;
CREATE INDEX analyses_image ON analyses(image_id);
CREATE TABLE ai_masks(analysis_id INTEGER NOT NULL REFERENCES analyses, frame INTEGER NOT NULL, mask BLOB NOT NULL,
  heat BLOB, PRIMARY KEY(analysis_id, frame)) STRICT;

CREATE TABLE journal(id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images,
  session_id INTEGER REFERENCES sessions, user_id INTEGER NOT NULL REFERENCES users, at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('step', 'undo', 'redo')), target INTEGER REFERENCES journal,
  frame INTEGER, label TEXT, x0 INTEGER, y0 INTEGER, x1 INTEGER, y1 INTEGER, before BLOB, after BLOB) STRICT;
CREATE INDEX journal_image ON journal(image_id);
CREATE INDEX journal_session ON journal(session_id);
CREATE TABLE reader_masks(image_id INTEGER NOT NULL REFERENCES images, frame INTEGER NOT NULL,
  journal_id INTEGER NOT NULL REFERENCES journal, mask BLOB NOT NULL, PRIMARY KEY(image_id, frame)) STRICT;

CREATE TABLE versions(image_id INTEGER NOT NULL REFERENCES images, field TEXT NOT NULL, number INTEGER NOT NULL,
  session_id INTEGER REFERENCES sessions, user_id INTEGER NOT NULL REFERENCES users, at TEXT NOT NULL,
  value TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(image_id, field, number)) STRICT;
CREATE INDEX versions_session ON versions(session_id);
CREATE TABLE reports(image_id INTEGER NOT NULL REFERENCES images, version INTEGER NOT NULL, at TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users, content TEXT NOT NULL, findings INTEGER NOT NULL,
  callipers INTEGER NOT NULL, journal_id INTEGER NOT NULL, masks TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(image_id, version)) STRICT;

CREATE TABLE audit(number INTEGER PRIMARY KEY, at TEXT NOT NULL, user TEXT NOT NULL, action TEXT NOT NULL,
  "case" TEXT NOT NULL, image TEXT NOT NULL, field TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,
  reason TEXT NOT NULL, software TEXT NOT NULL, model TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX audit_case ON audit("case");
CREATE TABLE audit_head(one INTEGER PRIMARY KEY CHECK(one = 1), number INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_head VALUES(1, 0, '');
"""

_APPEND_ONLY = ("journal", "versions", "reports", "audit")


def _first(connection: sqlite3.Connection) -> None:
    """The tables, and the triggers that keep the record append-only."""
    for statement in statements(_SCHEMA_1):
        connection.execute(statement)
    for table in _APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _search_text(connection: sqlite3.Connection) -> None:
    """Cases get a text to search in, so that ü finds Ü (SQLite's own LIKE folds ASCII only)."""
    connection.execute("ALTER TABLE cases ADD COLUMN search TEXT NOT NULL DEFAULT ''")
    for (case,) in connection.execute("SELECT id FROM cases").fetchall():
        refresh_search(connection, case)


def _flags(connection: sqlite3.Connection) -> None:
    """Images can be flagged."""
    connection.execute("ALTER TABLE images ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0")


def _whole_stack(connection: sqlite3.Connection) -> None:
    """The journal keeps changes of findings and callipers too (``before`` and ``after`` are their JSON), versions name the
    step that made them, and ``untold`` says since which version the audit trail waits for the end of typing.
    """
    for column in ("field TEXT", "typed TEXT NOT NULL DEFAULT ''", "chained INTEGER NOT NULL DEFAULT 0"):
        connection.execute(f"ALTER TABLE journal ADD COLUMN {column}")
    connection.execute("ALTER TABLE versions ADD COLUMN journal_id INTEGER REFERENCES journal")
    connection.execute(
        "CREATE TABLE untold(image_id INTEGER NOT NULL REFERENCES images, field TEXT NOT NULL, version INTEGER NOT NULL,"
        " PRIMARY KEY(image_id, field)) STRICT"
    )


def _drafts(connection: sqlite3.Connection) -> None:
    """Work on a file whose content is not known yet is kept under a name of its own (``draft``), which stands for the
    SHA-256 until that is known. Where the content is known under another number, ``joined`` is that; ``known`` is the others.
    """
    connection.execute("ALTER TABLE images ADD COLUMN draft TEXT")
    connection.execute("ALTER TABLE images ADD COLUMN joined INTEGER REFERENCES images")
    connection.execute("CREATE INDEX images_draft ON images(draft) WHERE draft IS NOT NULL")
    connection.execute("CREATE VIEW known AS SELECT * FROM images WHERE joined IS NULL")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _search_text, _flags, _whole_stack, _drafts)
"""Migration n leads from schema n to n + 1; each runs in one transaction together with the new version's number."""

VERSION = len(MIGRATIONS)


def refresh_search(connection: sqlite3.Connection, case: int) -> None:
    """Write the text in which a case is searched: title, patient, UIDs and the names of its files, folded."""
    words = list(
        connection.execute("SELECT title, patient, uid, study_uid FROM cases WHERE id = ?", (case,)).fetchone()
    )
    for path, sop in connection.execute("SELECT path, sop_uid FROM images WHERE case_id = ?", (case,)):
        words += [os.fsdecode(path), sop]
    text = "\n".join(word for word in words if word).casefold()
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    connection.execute("UPDATE cases SET search = ? WHERE id = ?", (clean, case))


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one (``executescript`` would commit between them)."""
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if part.strip() and sqlite3.complete_statement(part):
            yield part
            part = ""


def version_of(connection: sqlite3.Connection) -> int:
    """The schema's version; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether the file is a database, but not ours."""
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    return not ours and bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def migrate(connection: sqlite3.Connection, folder: Path, back_up: Callable[[Path], None]) -> None:
    """Bring an older store to the present schema, step by step; before each step ``back_up`` is given a file to write.

    A new store has nothing to back up.
    """
    version = version_of(connection)
    new = not version
    while version < VERSION:
        if not new:
            back_up(folder / f"cases-schema-{version}.sqlite3")
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[version](connection)
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        version += 1
