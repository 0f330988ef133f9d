"""A large file is shown before it is identified: what is done on it meanwhile is kept as a draft, whatever happens then."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image
from window_session import stroke

from busi_viewer import bootstrap
from busi_viewer.core import files
from busi_viewer.core.casebook import AuditQuery

HERE, ROOT = Path(__file__).parent, Path(bootstrap.__file__).parents[1]


@pytest.fixture
def gate(monkeypatch):
    """Every file counts as large, and is identified only while the gate is open."""
    opened = threading.Event()
    monkeypatch.setattr(files, "_late", {})
    work_out = files.LateDigest._work_out

    def held(digest):
        while not opened.wait(0.02):
            if digest._abandoned.is_set():
                break
        return work_out(digest)

    monkeypatch.setattr(files, "HASHED_AT_ONCE", 0)
    monkeypatch.setattr(files.LateDigest, "_work_out", held)
    yield opened
    opened.set()


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "study" / "us1.png", 20)


def kept(made, image):
    return made.reading.desk.image(image) is not None and made.keeping.flush(5.0)


def drafted(made):
    """Whether what was done is on the disk though the file is not identified."""
    session = made.reading.session
    return not session.document.record.identified and made.keeping.flush(1.0) and made.reading.desk.only_here() == set()


def stored(made):
    """(number in the store, of which path, SHA-256) of every image that was worked on."""
    rows = made.keeping._store._db.rows("SELECT id, path, sha256 FROM known WHERE edited = 1 ORDER BY id")
    return [(number, Path(os.fsdecode(path)), sha256) for number, path, sha256 in rows]


def test_work_done_before_the_file_is_identified_is_kept_at_once(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        assert not session.document.record.identified, "shown without waiting"
        session.apply(stroke(1))
        assert made.reading.image is None
        assert drafted(made)
        assert made.reading.desk.unexported() == 0, "closing now would not ask"
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        session.apply(stroke(2))
        assert kept(made, image)
        assert made.reading.desk.unexported() == 0
        drawn = session.document.reader_mask(0).copy()
        assert [one[2] for one in stored(made)] == [session.document.record.sha256], "one image, under its content"
        trail = made.keeping._store.audit.rows(AuditQuery(text=image.name))
        assert [row.action for row in reversed(trail)] == ["image added", "outline", "image identified", "outline"]
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        qtbot.waitUntil(lambda: made.reading.session.undo.count() == 2, timeout=8000)
        assert np.array_equal(made.reading.session.document.reader_mask(0), drawn)


def test_a_window_closed_before_the_file_is_identified_ends_at_once_and_loses_nothing(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        made.reading.session.apply(stroke(1))
        made.reading.session.apply(stroke(2))
        made.reading.session.undo.undo()
        made.reading.flag([image], True)
        drawn = made.reading.session.document.reader_mask(0).copy()
        assert drafted(made)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        assert drafted(made), "given back before it is identified"
        assert np.array_equal(session.document.reader_mask(0), drawn)
        assert (session.undo.count(), session.undo.index()) == (2, 1)
        session.undo.redo()
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        assert made.model.item(image).flagged
        assert session.undo.index() == 2
        assert [one[2] for one in stored(made)] == [session.document.record.sha256]


def test_what_a_killed_session_left_is_identified_at_the_next_start_though_it_is_not_opened(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        made.reading.session.apply(stroke(1))
        assert drafted(made)
    gate.set()
    with window(qtbot, qapp) as made:
        qtbot.waitUntil(lambda: len(stored(made)[0][2]) == 64, timeout=8000)
        assert made.keeping._store.audit.verify().intact
        assert made.keeping._store.check() == []


def test_work_on_an_image_known_without_work_keeps_its_undo_history(qtbot, qapp, image, gate):
    gate.set()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        analyse_and_wait(qtbot, made)
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        number = made.reading.desk.image(image)
    gate.clear()
    files._late.clear()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        for each in (1, 2, 3):
            session.apply(stroke(each))
        session.undo.undo()
        assert drafted(made)
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        session.undo.undo()
        drawn = session.document.reader_mask(0).copy()
        assert session.document.result is not None, "the kept analysis comes too"
        assert made.keeping.flush(5.0)
        assert [one[0] for one in stored(made)] == [number]
        assert not any("earlier work" in notice.title for notice in made.notices.shown())
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        qtbot.waitUntil(lambda: session.undo.count() == 3, timeout=8000)
        assert session.undo.index() == 1
        assert np.array_equal(session.document.reader_mask(0), drawn)
        assert made.keeping._store.check() == []


def test_work_on_an_image_with_earlier_work_is_laid_over_it(qtbot, qapp, image, gate):
    gate.set()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        made.reading.session.apply(stroke(1))
        earlier = made.reading.session.document.reader_mask(0).copy()
    gate.clear()
    files._late.clear()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        assert session.document.reader_mask(0) is None
        session.apply(stroke(2))
        later = session.document.reader_mask(0).copy()
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        assert np.array_equal(session.document.reader_mask(0), earlier | later)
        assert any("earlier work on it was found" in notice.title for notice in made.notices.shown())
        made.actions_["undo"].trigger()
        assert np.array_equal(session.document.reader_mask(0), earlier)
        made.actions_["redo"].trigger()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        qtbot.waitUntil(lambda: session.undo.count() == 2, timeout=8000)
        assert np.array_equal(session.document.reader_mask(0), earlier | later)


def test_a_kept_analysis_is_not_made_again_and_comes_with_the_identity(qtbot, qapp, image, gate):
    gate.set()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        analyse_and_wait(qtbot, made)
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
    gate.clear()
    files._late.clear()
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, image)
        qtbot.waitUntil(lambda: made.model.item(image).analysed, timeout=8000)
        gate.set()
        qtbot.waitUntil(lambda: made.reading.session.document.result is not None, timeout=8000)
        assert engine.seen == []


def test_a_batch_keeps_what_it_finds_in_files_that_are_not_open(qtbot, qapp, tmp_path, gate):
    gate.set()
    for number in range(12):
        write_image(tmp_path / "study" / f"us{number}.png", 20, seed=number)
    last = tmp_path / "study" / "us11.png"
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path / "study")
        made.reading.analyse_many([last])
        qtbot.waitUntil(lambda: made.model.item(last).analysed, timeout=15000)
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, last)
        qtbot.waitUntil(lambda: made.reading.session.document.result is not None, timeout=8000)
        assert engine.seen == []


def test_a_file_that_changes_before_it_is_identified_is_kept_as_what_was_read(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        made.reading.session.apply(stroke(1))
        assert made.keeping.flush(5.0)
        write_image(image, 60, seed=7)
        os.utime(image, (1, 1))
        gate.set()
        notice = told(qtbot, made, "changed on the disk")
        assert made.reading.image is None
        made.reading.session.apply(stroke(2))
        assert made.keeping.flush(5.0)
        assert made.reading.desk.only_here() == set()
        notice.answers[0].click()
        told(qtbot, made, "changed since it was opened last")
        assert made.reading.session.document.reader_mask(0) is None, "the other content carries no outline"
        ((number, path, _),) = stored(made)
        assert path == image
        mask = made.keeping._store._journal.mask(number, 0)
        assert mask[stroke(1).box[1], stroke(1).box[0]]
        assert mask[stroke(2).box[1], stroke(2).box[0]]


def told(qtbot, made, words):
    """Wait for a notice that holds these words."""
    qtbot.waitUntil(lambda: any(words in one.title for one in made.notices.shown()), timeout=8000)
    return next(one for one in made.notices.shown() if words in one.title)


def large_image(path):
    """A TIFF of 16 frames above HASHED_AT_ONCE."""
    frames = np.random.default_rng(1).integers(0, 255, (16, 1500, 1500), dtype=np.uint8)
    path.parent.mkdir()
    assert cv2.imwritemulti(str(path), list(frames), [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    assert path.stat().st_size > files.HASHED_AT_ONCE
    return path


@pytest.mark.timeout(180)
@pytest.mark.parametrize("known", [False, True], ids=["new file", "file with earlier work"])
def test_strokes_on_a_large_file_outlive_kill_9_before_it_is_identified(qtbot, qapp, tmp_path, own_home, known):
    image = large_image(tmp_path / "study" / "cine.tif")
    earlier = np.zeros((1500, 1500), bool)
    if known:
        with window(qtbot, qapp) as made:
            open_and_wait(qtbot, made, image)
            made.reading.session.apply(stroke(201))
            stroke(201).apply(earlier)
            qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
    done, surely = killed(image)
    drawn = np.zeros_like(earlier)
    with window(qtbot, qapp) as made:
        notice = told(qtbot, made, "Recovered")
        recovered = int(notice.title.split("Recovered: ")[1].split()[0])
        assert surely <= recovered <= done + 1
        for number in strokes_of(recovered):
            stroke(number).apply(drawn)
        notice.answers[0].click()
        qtbot.waitUntil(lambda: kept(made, image), timeout=20000)
        session = made.reading.session
        assert np.array_equal(session.document.reader_mask(0), earlier | drawn)
        assert session.undo.index() == (2 if known else len(strokes_of(recovered)))
        session.undo.undo()
        assert made.keeping.flush(5.0)
        assert made.keeping._store.check() == []
        assert made.keeping._store.audit.verify().intact
        assert [one[2] for one in stored(made)] == [session.document.record.sha256]


def strokes_of(acts):
    """The strokes that stand after so many acts of the scripted session."""
    found = []
    for number in range(1, acts + 1):
        found = found[:-1] if number % 5 == 4 else [*found, number]
    return found


def killed(image):
    """A window on a file whose digest takes forever, killed in the midst of strokes: (acts done, acts that surely are kept)."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "window_session.py"), str(image), "--slow"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))},
    )
    lines = []
    while not lines or lines[-1] != b"kept 12\n":
        lines.append(process.stdout.readline())
        assert lines[-1], "the window ended by itself"
        assert not lines[-1].startswith(b"identified")
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    number = {word: [int(line.split()[1]) for line in lines if line.startswith(word)] for word in (b"did", b"kept")}
    return max(number[b"did"]), max(number[b"kept"])


def test_work_without_a_store_becomes_a_draft_once_there_is_one(qtbot, qapp, image, gate, held_store):
    with window(qtbot, qapp) as made:
        told(qtbot, made, "open in another window")
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        session.apply(stroke(1))
        session.apply(stroke(2))
        session.undo.undo()
        assert made.reading.desk.only_here() == {image}
        held_store.close()
        made.keeping.retry()
        qtbot.waitUntil(lambda: made.keeping.writable, timeout=8000)
        qtbot.waitUntil(lambda: drafted(made), timeout=8000)
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        assert (session.undo.count(), session.undo.index()) == (2, 1)
        session.undo.redo()
        assert made.keeping.flush(5.0)
        assert [one[2] for one in stored(made)] == [session.document.record.sha256]
        assert made.keeping._store.check() == []


def test_a_full_disk_holds_a_draft_back_until_there_is_room(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        connection = made.keeping._store._db._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        session = made.reading.session
        for number in range(1, 40):
            session.apply(stroke(number))
        told(qtbot, made, "disk is full")
        assert made.keeping.pending
        assert made.reading.desk.only_here() == {image}
        gate.set()
        told(qtbot, made, "could not be read")
        connection.execute("PRAGMA max_page_count = 1000000")
        told(qtbot, made, "saved again")
        qtbot.waitUntil(lambda: kept(made, image), timeout=15000)
        assert session.undo.count() == 39
        assert [one[2] for one in stored(made)] == [session.document.record.sha256]
        assert np.array_equal(made.keeping._store._journal.mask(made.reading.image, 0), session.document.reader_mask(0))


def test_a_draft_follows_a_file_that_was_moved(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        made.reading.session.apply(stroke(1))
        assert drafted(made)
    moved = image.parent / "elsewhere" / image.name
    moved.parent.mkdir()
    shutil.move(image, moved)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, moved)
        gate.set()
        qtbot.waitUntil(lambda: kept(made, moved), timeout=8000)
        assert made.reading.session.undo.count() == 1
        assert [one[1] for one in stored(made)] == [moved]
