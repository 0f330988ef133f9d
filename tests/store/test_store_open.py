"""Opening a store: who may, what is refused and how that reads, and older stores brought up to date."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from store_kit import Reader, keeping, make_record, open_store

import busi_viewer
from busi_viewer.core.casebook import STORE_FILE, CaseQuery
from busi_viewer.core.errors import NoStore, StoreError, StoreInUse
from busi_viewer.store import schema
from busi_viewer.store.database import BACKUPS
from busi_viewer.store.ownership import HOLDER

HERE = Path(__file__).parent
ROOT = Path(busi_viewer.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))}


def run_python(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=ENVIRONMENT,
        **options,
    )


def test_a_second_process_is_refused_and_told_who_is_there(tmp_path):
    store = open_store(tmp_path)
    code = """
        import sys
        from store_kit import open_store
        from busi_viewer.core.errors import StoreInUse
        try:
            open_store(sys.argv[1])
        except StoreInUse as error:
            print(error)
    """
    said = run_python(code, tmp_path)
    assert said.returncode == 0, said.stderr
    assert "open in another window (reader on" in said.stdout
    assert f"process {os.getpid()}" in said.stdout
    with pytest.raises(StoreInUse):
        open_store(tmp_path)
    store.close()
    assert not (tmp_path / HOLDER).exists()
    open_store(tmp_path).close()


LATER = """
    import sys
    from store_kit import open_store
    from busi_viewer.core.errors import StoreInUse
    try:
        open_store(sys.argv[1]).close()
        print("opened")
    except StoreInUse as error:
        print(error)
"""


def test_reading_the_file_by_the_way_gives_no_lock_away(tmp_path):
    """As when a folder of images that holds the store is listed: POSIX would drop SQLite's locks."""
    store = open_store(tmp_path)
    (tmp_path / STORE_FILE).read_bytes()
    said = run_python(LATER, tmp_path)
    assert "open in another window" in said.stdout, said.stderr
    assert (tmp_path / HOLDER).exists(), "the note is its owner's"
    store.close()
    assert run_python(LATER, tmp_path).stdout == "opened\n"


def test_after_a_kill_the_store_opens_at_once(tmp_path):
    """Without waiting for the killed process, whose locks go last; its memory is much, so that it takes its time."""
    code = """
        import sys, time
        from store_kit import open_store
        store = open_store(sys.argv[1])
        store.set_setting("a", 1)
        held = bytearray(b"x") * 1_500_000_000
        print("open", flush=True)
        time.sleep(600)
    """
    for _ in range(int(os.environ.get("BUSI_VIEWER_KILLS", "2"))):
        words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
            assert process.stdout.readline() == b"open\n"
            process.kill()
            open_store(tmp_path).close()


def test_what_was_recovered_is_told_though_another_program_opened_the_store_meanwhile(tmp_path):
    code = """
        import os, sys
        from store_kit import Reader, keeping, make_record, open_store
        store = open_store(sys.argv[1])
        record = make_record(sys.argv[1] + "/a.png")
        Reader(record, 5, keeping(store, store.open_image(record).image)).run(7)
        os._exit(1)
    """
    assert run_python(code, tmp_path).returncode == 1
    store = open_store(tmp_path)
    assert store.recovery.edits == 7
    store.set_setting("a", 1)
    store.close()
    store = open_store(tmp_path)
    assert (store.recovery.edits, store.recovery.images) == (7, (tmp_path / "a.png",))
    store.acknowledge_recovery()
    store.close()
    store = open_store(tmp_path)
    assert store.recovery is None
    store.close()


def test_a_newer_store_is_refused_and_left_alone(tmp_path):
    open_store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / STORE_FILE)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    before = (tmp_path / STORE_FILE).read_bytes()
    with pytest.raises(StoreError, match=r"newer busi_viewer \(schema") as caught:
        open_store(tmp_path)
    assert "Install the newer version" in caught.value.remedy
    assert (tmp_path / STORE_FILE).read_bytes() == before


def test_other_files_under_its_name_are_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / STORE_FILE)
    connection.execute("CREATE TABLE albums(title)")
    connection.close()
    with pytest.raises(StoreError, match="another program's database"):
        open_store(tmp_path)
    (tmp_path / STORE_FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="not a case store"):
        open_store(tmp_path)


def test_a_damaged_store_says_so(tmp_path):
    store = open_store(tmp_path)
    record = make_record(tmp_path / "a.png")
    Reader(record, 5, keeping(store, store.open_image(record).image)).run(20)
    store.close()
    content = bytearray((tmp_path / STORE_FILE).read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    (tmp_path / STORE_FILE).write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|not a case store") as caught:
        open_store(tmp_path).cases()
    assert "copy" in caught.value.remedy


def test_where_there_is_none(tmp_path):
    with pytest.raises(NoStore):
        open_store(tmp_path / "nowhere", read_only=True)
    with pytest.raises(NoStore):
        open_store(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_only_its_owner_may_read_it(tmp_path):
    store = open_store(tmp_path / "store")
    record = make_record(tmp_path / "a.png")
    store.open_image(record)
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [
        HOLDER,
        STORE_FILE,
        f"{STORE_FILE}-wal",
    ]  # no shared memory
    for path in (tmp_path / "store").glob("cases.sqlite3*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    store.close()


def test_a_folder_that_cannot_be_written_can_be_looked_at(tmp_path):
    place = tmp_path / "store"
    store = open_store(place)
    record = make_record(tmp_path / "a.png")
    Reader(record, 5, keeping(store, store.open_image(record).image)).run(10)
    store.close()
    shutil.chown(place, 0) if os.geteuid() == 0 else None
    place.chmod(0o555)
    (place / STORE_FILE).chmod(0o444)
    code = """
        import os, sys
        from store_kit import make_record, open_store
        from busi_viewer.core.errors import StoreError
        if os.geteuid() == 0:
            os.setgid(65534); os.setuid(65534)
        try:
            open_store(sys.argv[1])
        except StoreError as error:
            print("refused:", error)
        store = open_store(sys.argv[1], read_only=True)
        print(len(store.cases()), store.audit.verify().intact, store.check())
        try:
            store.set_setting("a", 1)
        except StoreError as error:
            print("refused:", error)
    """
    for parent in tmp_path.parents:
        if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    said = run_python(code, place)
    place.chmod(0o755)
    assert said.returncode == 0, said.stderr
    first, second, third = said.stdout.splitlines()
    assert first.startswith("refused:")
    assert "BUSI_VIEWER_HOME" in first
    assert second == "1 True []"
    assert "open for reading only" in third


def test_a_store_that_was_not_closed_is_not_read_past_its_log(tmp_path):
    store = open_store(tmp_path)
    store.set_setting("a", 1)
    with pytest.raises(StoreError, match="open elsewhere or was not closed"):
        open_store(tmp_path, read_only=True)
    store.close()


def old_store(place, version):
    place.mkdir()
    connection = sqlite3.connect(place / STORE_FILE)
    connection.executescript((HERE / f"schema_{version}.sql").read_text(encoding="utf-8"))
    connection.close()


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_a_store_of_each_earlier_schema_is_brought_up_to_date(tmp_path, version):
    place = tmp_path / "store"
    old_store(place, version)
    store = open_store(place)
    record = make_record("/images/Grün.png", b"kept by schema 1", write=False, shape=(24, 32))
    kept = store.open_image(record)
    assert kept.image == 1
    assert (len(kept.steps), kept.position) == (3, 2)
    assert kept.masks[0][2:5, 2:5].all()
    assert not kept.masks[0][2:5, 20:25].any()
    assert kept.findings.value == {"shape": "irregular"}
    assert kept.report.content == {"text": "signed under schema 1"}
    assert [case.title for case in store.cases(CaseQuery(text="ärztin grün"))] == ["Grün"]
    assert store.audit.verify().intact
    assert store.check() == []
    store.redo(kept.image)
    store.close()
    for step in range(version, schema.VERSION):
        copy = sqlite3.connect(place / BACKUPS / f"cases-schema-{step}.sqlite3")
        assert copy.execute("PRAGMA user_version").fetchone()[0] == step
        assert copy.execute("SELECT count(*) FROM journal").fetchone()[0] == 4
        copy.close()


def test_a_migration_that_fails_leaves_the_old_store(tmp_path, monkeypatch):
    place = tmp_path / "store"
    old_store(place, 1)

    def broken(connection):
        connection.execute("DELETE FROM settings")
        connection.execute("CREATE TABLE half(done)")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:1], broken))
    with pytest.raises(StoreError):
        open_store(place)
    monkeypatch.undo()
    connection = sqlite3.connect(place / STORE_FILE)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall()
    connection.close()
    open_store(place).close()


def test_a_backup_is_a_whole_store(tmp_path):
    store = open_store(tmp_path / "store")
    record = make_record(tmp_path / "a.png")
    reader = Reader(record, 2, keeping(store, store.open_image(record).image)).run(8)
    (tmp_path / "copy").mkdir()
    store.back_up(tmp_path / "copy" / STORE_FILE)
    store.close()
    copy = open_store(tmp_path / "copy")
    assert copy.open_image(record).position == reader.position
    assert copy.audit.verify().intact
    copy.close()
