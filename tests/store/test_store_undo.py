"""The whole undo stack survives: outlines, findings, callipers and calibration in their true order, whatever comes between."""

import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import Reader, keeping, make_record, open_store, said, same_masks, same_steps

from busi_viewer.core.casebook import STORE_FILE, AuditQuery
from busi_viewer.core.document import Document
from busi_viewer.core.steps import FieldStep, findings_step, readable
from busi_viewer.workflow.casework import restore


def reopened(store, folder, *, killed):
    """The store after a proper end, or a copy of its files as a kill would leave them."""
    if not killed:
        place = store.path.parent
        store.close()
        return open_store(place)
    folder.mkdir()
    for path in store.path.parent.glob(f"{STORE_FILE}*"):
        shutil.copy(path, folder)
    store.close()
    return open_store(folder)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), ends=st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=4))
def test_a_reader_who_restarts_has_the_stack_of_one_who_never_did(tmp_path_factory, seed, ends):
    place = tmp_path_factory.mktemp("undo")
    record = make_record(place / "a.png", frames=2, spacing=None)
    never = Reader(record, seed)
    store = open_store(place / "store")
    kept = store.open_image(record)
    reader = Reader(record, seed, keeping(store, kept.image))
    for number, (acts, killed) in enumerate(ends):
        reader.run(reader.edits + acts)
        never.run(never.edits + acts)
        store = reopened(store, place / f"killed-{number}", killed=killed)
        assert store.check() == []
        kept = store.open_image(record)
        reader.keep, reader.document = keeping(store, kept.image), Document(record)
        assert restore(reader.document, kept) == []
        reader.stack, reader.position = list(kept.steps), kept.position
        assert same_steps(kept.steps, never.stack)
        assert kept.position == never.position
        assert same_masks(reader.masks, never.masks)
        assert reader.said == never.said
    while reader.position:
        reader._undo()
    assert not reader.document.edited
    assert reader.said == said(Document(record))
    assert store.check() == []
    assert store.open_image(record).position == 0
    store.close()
    shutil.rmtree(place)


@pytest.fixture
def work(tmp_path):
    """A store, its image's number and a document."""
    store = open_store(tmp_path / "store")
    record = make_record(tmp_path / "a.png")
    yield store, store.open_image(record).image, Document(record)
    store.close()


def type_on(work, name, letters):
    store, image, document = work
    for letter in letters:
        longer = getattr(document.findings, name) + letter
        step = findings_step(document, replace(document.findings, **{name: longer}), 0, name.title(), name)
        step.apply(document)
        store.commit(image, step)


def trail(store):
    rows = store.audit.rows(AuditQuery(action="findings"))
    return [(row.field, row.old, row.new) for row in reversed(rows) if row.field not in ("schema", "lexicon")]


def test_a_typed_text_is_one_row_of_the_trail_and_every_pause_a_version(work):
    store, image, _ = work
    type_on(work, "history", "Lump")
    assert len(store.versions(image, "findings")) == 4, "each pause is on the disk"
    assert trail(store) == []
    type_on(work, "impression", "Cy")
    assert trail(store) == [("history", "", '"Lump"')]
    store.settle()
    store.settle()
    type_on(work, "impression", "st")
    store.undo(image)
    assert trail(store)[1:] == [
        ("impression", "", '"Cy"'),
        ("impression", '"Cy"', '"Cyst"'),
        ("impression", '"Cyst"', ""),
    ]
    assert len(store.open_image(make_record(store.path.parent.parent / "a.png")).steps) == 2
    assert store.audit.verify().intact


def test_signing_and_closing_tell_what_was_typed(work):
    store, image, _ = work
    type_on(work, "history", "Lump")
    store.sign(image, {"text": "x", "signer": "Dr. Ada Müller"})
    assert [row.action for row in store.audit.rows()[:2]] == ["report signed", "findings"]
    signed = store.audit.rows()[0]
    assert (signed.user, signed.new) == ("reader", "version 1, signed as Dr. Ada Müller, findings version 4")
    type_on(work, "history", "s")
    store.close()
    store = open_store(store.path.parent)
    assert trail(store)[-1] == ("history", '"Lump"', '"Lumps"')
    store.close()


def test_what_a_killed_session_typed_is_told_under_its_readers_name(work, tmp_path):
    store, _, _ = work
    type_on(work, "history", "Lump")
    (tmp_path / "killed").mkdir()
    for path in store.path.parent.glob(f"{STORE_FILE}*"):
        shutil.copy(path, tmp_path / "killed")
    later = open_store(tmp_path / "killed")
    later._db.user = "another"
    assert later.recovery.edits == 4
    later.acknowledge_recovery()
    told = [row for row in later.audit.rows(AuditQuery(action="findings")) if row.field == "history"]
    assert [(row.user, row.new) for row in told] == [("reader", '"Lump"')]
    assert told[0].reason.startswith("typed until 20")
    last = later.audit.rows()[0]
    assert (last.user, last.action) == ("another", "session recovered")
    assert later.audit.verify().intact
    later.close()


def test_steps_that_this_version_cannot_read_are_left_out_with_those_beyond_them(work):
    _, _, document = work
    good = [findings_step(document, replace(document.findings, assessment=one), 0, one) for one in ("2", "3", "4A")]
    bad = FieldStep("findings", 0, {"schema": 99}, {"schema": 1}, "Shape")
    assert readable([good[0], bad, *good, bad, good[0]], 4) == (tuple(good), 2)
    assert readable([bad], 1) == ((), 0)
