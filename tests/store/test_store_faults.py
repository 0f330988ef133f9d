"""Writing that fails for real, at every write call of a save: the old state stays whole, and the error says what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from store_kit import Reader, disc, keeping, make_record, make_result, open_store, same_masks

import busi_viewer
from busi_viewer.core.document import Document
from busi_viewer.core.errors import StoreError
from busi_viewer.core.steps import replacement_step

resource = pytest.importorskip("resource", reason="limits on the size of files are POSIX's")
HERE = Path(__file__).parent
ROOT = Path(busi_viewer.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))}
PAGE = 4096


def started(place, folder):
    """A store with a session's work, and the image's record."""
    store = open_store(place)
    record = make_record(folder / "image.png", b"the image", write=False)
    reader = Reader(record, 11, keeping(store, store.open_image(record).image)).run(12)
    return store, record, reader


def state_of(store, record):
    """All that was kept, to compare before and after."""
    kept = store.open_image(record)
    tables = ("journal", "analyses", "ai_masks", "versions", "reports", "audit", "images", "users")
    return kept, [store._db.rows(f"SELECT * FROM {table}") for table in tables]


def unchanged(store, record, before):
    kept, rows = state_of(store, record)
    return rows == before[1] and same_masks(kept.masks, before[0].masks) and kept.position == before[0].position


def save_everything(store, record):
    """One save of all kinds of things, as a whole."""
    image = store.open_image(record).image
    with store._db.transaction():
        store.save_result(image, make_result(record))
        document = Document(record)
        for frame, mask in store.open_image(record).masks.items():
            document.set_reader_mask(frame, mask)
        store.commit(image, replacement_step(document, 0, disc(), "Accept outline"))
        store.save_field(image, "findings", {"shape": "irregular", "note": os.urandom(6000).hex()})
        store.save_field(image, "callipers", {"lines": [[1, 2, 3, 4]]})
        store.flag(image, True)
        store.set_setting("reader", {"name": "x"})
        store.sign(image, {"text": os.urandom(6000).hex()})


def check_whole(place, record, before):
    store = open_store(place)
    assert unchanged(store, record, before)
    assert store.check() == []
    assert store.audit.verify().intact
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with room for few pages, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", str(place)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place, leave):
    """Fill the disk but for ``leave`` pages."""
    free = shutil.disk_usage(place).free // PAGE
    with (place / "filler").open("wb") as stream:
        stream.write(bytes(max(free - leave, 0) * PAGE))


def test_disk_full_at_every_page_of_a_save(small_disk):
    store, record, _ = started(small_disk / "store", small_disk)
    before = state_of(store, record)
    refused = []
    for leave in range(40):
        fill(small_disk, leave)
        try:
            save_everything(store, record)
        except StoreError as error:
            refused.append(f"{error.what} {error.remedy}")
            assert unchanged(store, record, before)
            if leave % 5 == 0:  # and what another window would find, with the disk still full
                store.close()
                check_whole(small_disk / "store", record, before)
                store = open_store(small_disk / "store")
            (small_disk / "filler").unlink()
            continue
        break
    assert len(refused) > 5
    assert all("disk is full" in words and "Make room" in words for words in refused)
    (small_disk / "filler").unlink()
    assert store.open_image(record).report.version == 1
    assert store.check() == []
    store.close()


def test_a_write_that_fails_at_every_offset_of_a_save(tmp_path):
    """EFBIG from the system (a limit on the size of files), which SQLite takes for an I/O error."""
    store, record, _ = started(tmp_path / "store", tmp_path)
    before = state_of(store, record)
    log = tmp_path / "store" / "cases.sqlite3-wal"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refused = []
    # SQLite keeps writing at the log's end: its size so far, then ever more of a save's pages
    start = log.stat().st_size // 1000 * 1000
    for limit in range(start, start + 400_000, 4096 + 24):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            save_everything(store, record)
        except StoreError as error:
            refused.append(error.what)
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert unchanged(store, record, before)
            continue
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        break
    store.close()
    assert len(refused) > 5
    assert all("reported an error" in words for words in refused)
    store = open_store(tmp_path / "store")
    assert store.open_image(record).report.version == 1
    assert store.check() == []
    assert store.audit.verify().intact
    store.close()


SAVE = """
import sys
from pathlib import Path
from store_kit import make_record, open_store
from test_store_faults import save_everything
from busi_viewer.core.errors import StoreError
try:
    store = open_store(sys.argv[1])
    save_everything(store, make_record(Path(sys.argv[2]) / "image.png", b"the image", write=False))
    print("saved")
except StoreError as error:
    print("refused", error.what)
"""


def saving(place, *before):
    """Save in another process, started through ``before``; its last words."""
    words = [*before, sys.executable, "-c", SAVE, str(place), str(place.parent)]
    run = subprocess.run(words, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_folder_that_cannot_lock_says_so(tmp_path):
    tracer = shutil.which("strace")
    if tracer is None or subprocess.run([tracer, "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("needs strace and the right to trace")
    path = tmp_path / "store" / "cases.sqlite3"
    locks = "inject=fcntl:error=ENOLCK"
    said = saving(
        tmp_path / "store", tracer, "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", "trace=fcntl", "-e", locks
    )
    assert said.startswith("refused")
    assert "cannot lock files" in said


def test_no_right_to_write(tmp_path):
    """EACCES, for a user who may not write there."""
    place = tmp_path / "store"
    store, record, _ = started(place, tmp_path)
    before = state_of(store, record)
    store.close()
    for parent in (tmp_path, *tmp_path.parents):
        if parent not in (Path("/"), Path("/tmp")):
            parent.chmod(parent.stat().st_mode | 0o055)
    place.chmod(0o555)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if user and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv to give up the right")
    assert saving(place, *user).startswith("refused the case store cannot be written")
    place.chmod(0o755)
    check_whole(place, record, before)
