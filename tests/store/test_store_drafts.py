"""Work on a file whose content is not known yet: a draft, that becomes the image or is joined to the one known already."""

from dataclasses import replace

import pytest
from store_kit import Reader, keeping, make_late, make_record, make_result, open_store, same_masks, same_steps

from busi_viewer.core.casebook import AuditQuery
from busi_viewer.core.steps import READING


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "store")
    yield store
    assert store.check() == []
    assert store.audit.verify().intact
    store.close()


@pytest.fixture
def record(tmp_path):
    return make_late(tmp_path / "images" / "cine.dcm")


def worked_on(store, record, acts=12, seed=3):
    """(draft's number, a reader who has done so much on it)."""
    draft = store.draft(record)
    return draft, Reader(record, seed, keeping(store, draft)).run(acts)


def known(record):
    record.digest.known = True
    return record


def test_a_draft_of_new_content_becomes_the_image(store, record):
    draft, reader = worked_on(store, record)
    name = store.images(store.cases()[0].case)[0].sha256
    assert name.startswith("unidentified-")
    assert store.look_draft(record).image == draft
    assert store.look(known(record)).image == draft, "as it will be"
    kept = store.open_image(record)
    assert (kept.image, kept.draft, kept.position) == (draft, False, reader.position)
    assert same_masks(kept.masks, reader.masks)
    assert same_steps(kept.steps, reader.stack)
    assert store.look_draft(record) is None
    assert [case.images for case in store.cases()] == [1]
    row = store.audit.rows(AuditQuery(action="image identified"))[0]
    assert (row.image, row.old, row.new) == (record.sha256, name, record.sha256)
    assert store.files_of([name, record.sha256]) == {name: record.path, record.sha256: record.path}
    assert {row.image for row in store.audit.rows(AuditQuery(text="cine.dcm"))} == {name, record.sha256}


def test_a_draft_of_known_content_without_work_brings_its_history(store, record):
    image = store.open_image(replace(record, digest=record.digest._value))
    store.save_result(image.image, make_result(known(record)))
    record.digest.known = False
    draft, reader = worked_on(store, record)
    store.save_field(draft, READING, {"category": "4A"})
    store.flag(draft, True)
    assert store.open_image(known(record)).blank, "a known image is not the draft"
    store.join(draft, image.image)
    kept = store.open_image(record)
    assert (kept.image, kept.case, kept.replaces) == (image.image, image.case, None)
    assert same_steps(kept.steps, reader.stack)
    assert same_masks(kept.masks, reader.masks)
    assert (kept.position, kept.flagged, kept.reading.value) == (reader.position, True, {"category": "4A"})
    assert kept.result is not None
    assert store.look_draft(record) is None


def test_a_joined_draft_is_in_no_list(store, record):
    image = store.open_image(replace(record, digest=record.digest._value)).image
    Reader(record, 8, keeping(store, image)).run(5)
    draft, _ = worked_on(store, record)
    before = store.open_image(known(record))
    store.join(draft, image)
    after = store.open_image(record)
    assert same_steps(before.steps, after.steps), "who has work gets none by itself"
    assert [case.images for case in store.cases()] == [1]
    assert [one.image for one in store.images(after.case)] == [image]
    assert {one.image.image for one in store.corrected()} <= {image}
    assert store.image_states([record.path])[record.path].edited == bool(after.masks)
    assert store.unidentified() == []


def test_a_draft_of_a_file_that_changed_stays_what_was_read(store, record):
    draft, _ = worked_on(store, record)
    other = make_record(record.path, b"other pixels")
    assert store.unidentified() == []
    kept = store.open_image(other)
    assert kept.image != draft
    assert kept.empty
    assert kept.replaces == draft, "work on the earlier content is named"
    late = make_late(record.path, b"and again")
    assert store.look_draft(late) is None


def test_a_draft_goes_with_a_file_that_moved_but_not_to_its_like(store, record, tmp_path):
    draft, _ = worked_on(store, record)
    moved = tmp_path / "elsewhere" / record.path.name
    moved.parent.mkdir()
    copy = make_late(moved, b"pixels")
    there = replace(copy, digest=record.digest)
    assert store.look_draft(there) is None, "the first is still where it was"
    record.path.unlink()
    assert store.look_draft(replace(there, path=moved.with_name("another.dcm"))) is None
    assert store.look_draft(there).image == draft
    kept = store.open_image(known(there))
    assert (kept.image, kept.moved_from) == (draft, record.path)


def test_drafts_of_one_study_join_its_case(store, record, tmp_path):
    facts = {"StudyInstanceUID": "1.2.3", "SOPInstanceUID": "1.2.3.4"}
    store.open_image(make_record(tmp_path / "images" / "still.dcm", b"still", facts=facts))
    worked_on(store, replace(record, facts=facts))
    assert [case.images for case in store.cases()] == [2]
    store.open_image(known(replace(record, facts=facts)))
    assert [case.images for case in store.cases()] == [2]
