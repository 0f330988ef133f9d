"""The audit trail finds whatever was changed, removed or added behind its back."""

import csv
import sqlite3
import time

import pytest
from store_kit import Reader, keeping, make_record, open_store

from busi_viewer.core.casebook import STORE_FILE, AuditQuery
from busi_viewer.store.audit import HEAD, chained
from busi_viewer.workflow.casework import export_audit


@pytest.fixture
def place(tmp_path):
    """A closed store with some thirty rows."""
    store = open_store(tmp_path / "store")
    record = make_record(tmp_path / "a.png")
    image = store.open_image(record).image
    Reader(record, 1, keeping(store, image), draws_only=True).run(30)
    store.close()
    return tmp_path / "store"


def tamper(place, *statements):
    """Change the file as someone with another SQLite program could, the triggers taken away first."""
    connection = sqlite3.connect(place / STORE_FILE)
    for verb in ("update", "delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def verdict(place):
    store = open_store(place)
    check = store.audit.verify()
    store.close()
    return check


def test_an_untouched_trail_is_intact(place):
    check = verdict(place)
    assert check.intact
    assert check.rows == 31
    assert len(check.head) == 64


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET user = 'someone else' WHERE number = 7", "Row 7 of"),
        ("UPDATE audit SET old = 'none' WHERE number = 31", "Row 31 of"),
        ("UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE number = 4", "Row 4 of"),
        ("DELETE FROM audit WHERE number = 12", "Row 12 was removed"),
        ("DELETE FROM audit WHERE number BETWEEN 1 AND 3", "Rows 1 to 3 were removed"),
        ("DELETE FROM audit WHERE number > 28", "Rows 29 to 31 were removed"),
        ("UPDATE audit SET number = 99 WHERE number = 31", "Rows 32 to 99 were added"),
        (
            'INSERT INTO audit SELECT -5, at, user, action, "case", image, field, old, new, reason, software, model, hash'
            " FROM audit WHERE number = 1",
            "Row -5 was added",
        ),
        ("DELETE FROM audit_head", "head was removed"),
        ("DELETE FROM audit", "Rows 1 to 31 were removed"),
    ],
)
def test_tampering_is_found(place, statement, said):
    tamper(place, statement)
    check = verdict(place)
    assert not check.intact
    assert any(said in problem for problem in check.problems), check.problems


def test_rows_removed_with_the_head_set_back_are_found_by_the_head_beside_the_store(place):
    tamper(
        place,
        "DELETE FROM audit WHERE number > 20",
        "UPDATE audit_head SET number = 20, hash = (SELECT hash FROM audit WHERE number = 20)",
    )
    store = open_store(place)
    store.close()
    store = open_store(place)  # closing did not wipe out the evidence
    assert "Rows 21 to 31 were removed" in store.audit.verify().problems[0]
    (place / HEAD).unlink()
    assert store.audit.verify().intact  # only the head, noted elsewhere, could tell now
    store.close()


def test_rows_cannot_be_changed_through_sql_at_all(place):
    connection = sqlite3.connect(place / STORE_FILE)
    for table, change in (("audit", "reason = 'x'"), ("journal", "label = 'x'"), ("reports", "reason = 'x'")):
        if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"UPDATE {table} SET {change}")
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_rows_are_filtered_and_exported(place, tmp_path):
    store = open_store(place)
    rows = store.audit.rows()
    assert [row.number for row in rows] == list(range(31, 0, -1))
    assert all(row.user == "reader" and row.at.endswith("Z") and row.software.startswith("busi_viewer") for row in rows)
    undone = store.audit.rows(AuditQuery(action="undo"))
    assert undone
    assert all(row.action == "undo" for row in undone)
    of_file = store.audit.rows(AuditQuery(text="A.PNG"))
    assert of_file[-1].action == "image added"
    assert {row.image for row in of_file} == {of_file[-1].image}, "a file's name finds all that was done on it"
    assert store.audit.rows(AuditQuery(user="nobody")) == []
    assert store.audit.rows(AuditQuery(until=rows[-1].at)) == []
    assert len(store.audit.rows(AuditQuery(since=rows[-1].at, limit=10, offset=25))) == 6
    case = store.cases()[0].case
    assert len(store.audit.rows(AuditQuery(case=case))) == 31
    assert export_audit(store, tmp_path / "audit.csv") == 31
    with (tmp_path / "audit.csv").open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["number"] for row in table] == [str(n) for n in range(1, 32)]
    assert table[5]["new"].endswith(rows[25].new.split()[-1])
    store.close()


def long_trail(count):
    digest = ""
    for number in range(1, count + 1):
        columns = (number, "2026-01-31T12:00:00.000Z", "reader", "outline", "c" * 36, "a" * 64, "outline of frame 1",
                   f"{number} px, sha256 {number:064x}", f"{number + 1} px, sha256 {number + 1:064x}", "Brush",
                   "busi_viewer 0.1.0", "b" * 64)  # fmt: skip
        digest = chained(digest, columns)
        yield (*columns, digest)


def test_a_hundred_thousand_rows_are_verified_within_five_seconds(tmp_path, record_property):
    place = tmp_path / "store"
    open_store(place).close()
    connection = sqlite3.connect(place / STORE_FILE)
    connection.executemany(f"INSERT INTO audit VALUES({', '.join('?' * 13)})", long_trail(100_000))
    connection.execute("UPDATE audit_head SET number = 100000, hash = (SELECT hash FROM audit WHERE number = 100000)")
    connection.commit()
    connection.close()
    store = open_store(place)
    start, begun = time.perf_counter(), time.process_time()
    check = store.audit.verify()
    seconds, worked = time.perf_counter() - start, time.process_time() - begun
    store.close()
    record_property("verified", f"100,000 rows in {seconds:.2f} s, of which {worked:.2f} s on the processor")
    assert check.intact
    assert check.rows == 100_000
    assert worked < 5.0  # the processor's time: a machine busy with other work makes one wait, not work
