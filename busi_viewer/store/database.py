"""The open database file: one connection that owns it, whole transactions, and SQLite's errors in plain words.

The connection holds SQLite's exclusive lock for as long as it is open, and the folder's (:mod:`~busi_viewer.store.ownership`).
So a second window is refused, the locks go with the process however that ends, and no shared memory is needed: WAL then works
on network folders too, as long as they lock files. ``synchronous=FULL``: what was committed is on the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from busi_viewer import __version__
from busi_viewer.core.casebook import STORE_FILE
from busi_viewer.core.errors import NoStore, StoreError, StoreInUse
from busi_viewer.store import schema
from busi_viewer.store.ownership import HOLDER, Ownership

BACKUPS = "backups"
SOFTWARE = f"busi_viewer {__version__}"


def now() -> str:
    """The time, UTC, to the millisecond: ``2026-01-31T12:00:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CACHE_KIB = 32_000
"""Room for the list of ten thousand cases, so that searching it reads nothing."""


class Database:
    """The store's file, for any thread. ``user_id`` and ``session_id`` mark what is written.

    ``on_session`` is called within the transaction that begins a session, before anything else is written.
    """

    def __init__(self, folder: Path, user: str, *, read_only: bool = False, create: bool = True) -> None:
        """Open ``folder/cases.sqlite3``, or create it. Raises StoreError, StoreInUse, NoStore."""
        self.folder, self.user, self.read_only = folder, user, read_only
        self.path = folder / STORE_FILE
        self.user_id = self.session_id = 0
        self.closed = False
        self.on_session: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._depth = 0
        self._ownership = Ownership(folder)
        if not self.path.is_file() and (read_only or not create):
            raise NoStore("there is no case store yet", path=self.path, remedy="Keep or import a case first.")
        with self._plain_words():
            self._connection = self._immutable() if read_only else self._owned()

    def _owned(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._ownership.take()
            connection = self._ownership.wait_for(self._connected)
        except BlockingIOError as error:
            self._ownership.release()
            raise self._in_use() from error
        except OSError as error:
            raise _not_writable(self.path, error) from error
        except BaseException:
            self._ownership.release()
            raise
        self._ownership.sign(self.user, now())
        return connection

    def _connected(self) -> sqlite3.Connection:
        """The connection that owns the file. Raises BlockingIOError where another has it."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise _not_writable(self.path, error) from error
        connection = sqlite3.connect(self.path, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(
                "PRAGMA locking_mode = EXCLUSIVE"
            )  # before all else: the first access decides on shared memory
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute("PRAGMA temp_store = MEMORY")
            self._refuse_unknown(connection)
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StoreError(
                    f"this folder cannot keep a write-ahead log (only {mode})",
                    path=self.path,
                    remedy="Choose a local folder with BUSI_VIEWER_HOME.",
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            schema.migrate(connection, self.folder / BACKUPS, lambda path: copy_database(connection, path))
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
                raise BlockingIOError from error
            raise
        return connection

    def _immutable(self) -> sqlite3.Connection:
        """A connection that only looks, without a lock and without files beside it: for folders that cannot be written."""
        log = self.path.with_name(STORE_FILE + "-wal")
        if self.path.with_name(HOLDER).exists() or (log.exists() and log.stat().st_size):
            raise StoreError(
                "the case store is open elsewhere or was not closed, so it cannot be read without being written",
                path=self.path,
                remedy="Open it once where its folder can be written.",
            )
        address = f"file:{quote(os.fsencode(self.path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        try:
            self._refuse_unknown(connection)
            if schema.version_of(connection) < schema.VERSION:
                raise StoreError(
                    "the case store is older and has to be brought up to date first",
                    path=self.path,
                    remedy="Open it once where its folder can be written.",
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_unknown(self, connection: sqlite3.Connection) -> None:
        if schema.is_foreign(connection):
            raise StoreError(
                "this is another program's database", path=self.path, remedy="Move it away, or set BUSI_VIEWER_HOME."
            )
        found = schema.version_of(connection)
        if found > schema.VERSION:
            raise StoreError(
                f"the case store was written by a newer busi_viewer (schema {found}; this one knows {schema.VERSION})",
                path=self.path,
                remedy="Install the newer version; nothing was changed.",
            )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Self]:
        """All or nothing. A transaction within another is part of it. Raises StoreError; the old state then stays."""
        if self.read_only:
            raise StoreError("the case store is open for reading only", path=self.path)
        with self._lock, self._plain_words():
            if self._depth:
                yield self
                return
            self._connection.execute("BEGIN IMMEDIATE")
            before, self._depth = (self.user_id, self.session_id), 1
            try:
                if not self.session_id:
                    self._begin_session()
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                self.user_id, self.session_id = before
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Several queries between which nothing is written."""
        with self._lock:
            yield

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction of this thread is open, so that what was written may still be taken back."""
        with self._lock:
            return bool(self._depth)

    def _begin_session(self) -> None:
        """Name the user and this session, with the first thing that is written."""
        at = now()
        self.execute("INSERT INTO users(name, created) VALUES(?, ?) ON CONFLICT DO NOTHING", (self.user, at))
        self.user_id = int(self.one("SELECT id FROM users WHERE name = ?", (self.user,))[0])
        self.session_id = self.insert(
            "INSERT INTO sessions(user_id, started, software) VALUES(?, ?, ?)", (self.user_id, at, SOFTWARE)
        )
        self.on_session()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement inside a transaction."""
        self._connection.execute(sql, values)

    def insert(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run an INSERT inside a transaction and return the row's number."""
        return int(self._connection.execute(sql, values).lastrowid or 0)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query. Raises StoreError."""
        with self._lock, self._plain_words():
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None. Raises StoreError."""
        with self._lock, self._plain_words():
            return self._connection.execute(sql, values).fetchone()

    def refresh_search(self, case: int) -> None:
        """Bring a case's search text up to date, inside a transaction."""
        schema.refresh_search(self._connection, case)

    def back_up(self, path: Path) -> None:
        """Write a copy of the whole store to ``path``, whole or not at all. Raises StoreError."""
        with self._lock, self._plain_words():
            copy_database(self._connection, path)

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file; empty if nothing. Reads all of it."""
        try:
            found = [str(row[0]) for row in self.rows("PRAGMA integrity_check")]
        except StoreError as error:
            return [error.what]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """End the session and give the store free. What could not be written then is no loss; never raises StoreError."""
        with self._lock:
            self.closed = True
            if self.session_id:
                with contextlib.suppress(StoreError), self.transaction():
                    self.execute("UPDATE sessions SET ended = ? WHERE id = ?", (now(), self.session_id))
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._ownership.release()

    @contextlib.contextmanager
    def _plain_words(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            raise  # our bug
        except sqlite3.DatabaseError as error:
            raise self._in_words(error) from error

    def _in_use(self) -> StoreInUse:
        who = self._ownership.holder()
        if who:
            return StoreInUse(
                f"the case store is open in another window ({who})",
                path=self.path,
                remedy="Use that window, or close it first.",
            )
        return StoreInUse(
            "another program has the case store open, or its folder cannot lock files as some network folders cannot",
            path=self.path,
            remedy="Close the other program, or choose a local folder with BUSI_VIEWER_HOME.",
        )

    def _in_words(self, error: sqlite3.DatabaseError) -> StoreError:
        if _is_busy(error):
            return self._in_use()
        name = getattr(error, "sqlite_errorname", "")
        what, remedy = next((words for start, words in _WORDS if name.startswith(start)), _OTHER)
        return StoreError(f"{what} ({error})", path=self.path, remedy=remedy)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


_WORDS = (
    ("SQLITE_FULL", ("the disk is full, so nothing was saved", "Make room; what was saved before is unchanged.")),
    (
        "SQLITE_IOERR_LOCK",
        (
            "this folder cannot lock files, so the case store is not safe in it",
            "Choose a local folder with BUSI_VIEWER_HOME.",
        ),
    ),
    (
        "SQLITE_IOERR",
        ("the disk or network reported an error", "Check it and try again; what was saved before is unchanged."),
    ),
    ("SQLITE_READONLY", ("the case store cannot be written", "Make its folder writable, or set BUSI_VIEWER_HOME.")),
    ("SQLITE_CANTOPEN", ("the case store cannot be opened", "Make its folder writable, or set BUSI_VIEWER_HOME.")),
    ("SQLITE_PERM", ("the case store may not be read", "Ask for access to its folder, or set BUSI_VIEWER_HOME.")),
    ("SQLITE_NOTADB", ("this file is not a case store", "Move it away, or bring back a copy from the folder backups.")),
    (
        "SQLITE_CORRUPT",
        ("the case store is damaged", "Keep the file, and bring back a copy of it (folder backups, or your own)."),
    ),
)
_OTHER = ("the case store reported an error", "Try again; what was saved before is unchanged.")


def _not_writable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the case store cannot be written ({error.strerror})",
        path=path,
        remedy="Make its folder writable, or set BUSI_VIEWER_HOME to one that is.",
    )


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the database to ``path`` through SQLite, on the disk before it gets its name. Raises StoreError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.unlink(missing_ok=True)
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT, 0o600))
        copy = sqlite3.connect(temporary)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        os.replace(temporary, path)
    except OSError as error:
        raise _not_writable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
