"""A large file is shown before it is identified: what is done on it meanwhile waits, and nothing is kept under a wrong name."""

import os
import threading

import numpy as np
import pytest
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image
from window_session import stroke

from busi_viewer.core import files


@pytest.fixture
def gate(monkeypatch):
    """Every file counts as large, and is identified only while the gate is open."""
    opened = threading.Event()
    monkeypatch.setattr(files, "_late", {})
    work_out = files.LateDigest._work_out

    def held(digest):
        assert opened.wait(20)
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


def test_work_done_before_the_file_is_identified_waits_and_is_kept(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        session = made.reading.session
        assert not session.document.record.identified, "shown without waiting"
        session.apply(stroke(1))
        assert made.reading.image is None
        assert made.reading.desk.unexported() == 1, "closing now would ask"
        gate.set()
        qtbot.waitUntil(lambda: kept(made, image), timeout=8000)
        session.apply(stroke(2))
        assert kept(made, image)
        assert made.reading.desk.unexported() == 0
        drawn = session.document.reader_mask(0).copy()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        qtbot.waitUntil(lambda: made.reading.session.undo.count() == 2, timeout=8000)
        assert np.array_equal(made.reading.session.document.reader_mask(0), drawn)


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


def test_a_file_that_changes_before_it_is_identified_is_kept_under_no_name(qtbot, qapp, image, gate):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        made.reading.session.apply(stroke(1))
        write_image(image, 60, seed=7)
        os.utime(image, (1, 1))
        gate.set()
        qtbot.waitUntil(
            lambda: any("could not be read" in notice.title for notice in made.notices.shown()), timeout=8000
        )
        assert made.reading.image is None
        assert made.reading.desk.only_here() == {image}
