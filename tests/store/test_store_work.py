"""What is kept of an image comes back as it was: outlines, undo history, analyses, findings, reports."""

from dataclasses import replace

import numpy as np
import pytest
from store_kit import Reader, disc, keeping, make_record, make_result, open_store, same_masks, same_steps

from busi_viewer.core.casebook import CaseQuery, FileState
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.errors import StoreError
from busi_viewer.core.steps import MaskStep, edit_step, replacement_step
from busi_viewer.workflow.casework import restore


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def record(tmp_path):
    return make_record(tmp_path / "images" / "a.png", frames=2)


def test_steps_do_and_undo_what_the_document_does(record):
    document = Document(record)
    document.offer(make_result(record))
    edit = MaskEdit(0, (0, 0, 2, 2), np.ones((2, 2), bool), "Brush")
    first = edit_step(document, edit)
    first.apply(document)
    assert document.reader_mask(0)[0, 0]
    assert document.reader_mask(0)[40, 60]  # began from the proposal
    second = edit_step(document, MaskEdit(0, (5, 5, 6, 6), np.ones((1, 1), bool), "Brush"))
    assert second.before.shape == (1, 1)
    second.apply(document)
    second.inverse().apply(document)
    assert not document.reader_mask(0)[5, 5]
    first.inverse().apply(document)
    assert document.reader_mask(0) is None
    assert replacement_step(document, 0, None, "Discard") is None


def test_a_session_comes_back_with_its_undo_history(tmp_path, record):
    store = open_store(tmp_path / "store")
    image = store.open_image(record).image
    reader = Reader(record, 7, keeping(store, image)).run(60)
    store.close()

    again = open_store(tmp_path / "store")
    kept = again.open_image(record)
    assert again.recovery is None
    assert same_masks(kept.masks, reader.masks)
    assert same_steps(kept.steps, reader.stack)
    assert kept.position == reader.position
    assert again.check() == []
    document = Document(record)
    restore(document, kept)
    for step in reversed(kept.steps[: kept.position]):
        step.inverse().apply(document)
    assert not document.edited
    again.close()


def test_a_long_history_gives_back_its_end(store, record, monkeypatch):
    monkeypatch.setattr("busi_viewer.store.case_store.UNDO_STEPS", 5)
    image = store.open_image(record).image
    reader = Reader(record, 3, keeping(store, image)).run(40)
    kept = store.open_image(record)
    assert kept.position == 5
    assert same_steps(kept.steps, reader.stack[reader.position - 5 :])


def test_a_step_that_does_not_fit_is_refused_and_changes_nothing(store, record):
    image = store.open_image(record).image
    pixels = np.ones((2, 2), bool)
    with pytest.raises(ValueError, match="does not start"):
        store.commit(image, MaskStep(0, (0, 0, 2, 2), pixels, ~pixels, "Brush"))
    with pytest.raises(ValueError, match="no frame"):
        store.commit(image, MaskStep(9, (0, 0, 128, 96), None, disc(), "Accept"))
    with pytest.raises(ValueError, match="nothing to undo"):
        store.undo(image)
    assert store.open_image(record).steps == ()
    assert [row.action for row in store.audit.rows()] == ["image added"]


def test_an_analysis_comes_back_whole(store, record):
    result = make_result(record)
    image = store.open_image(record).image
    store.save_result(image, result)
    kept = store.open_image(record).result
    one, other = result.frames[0], kept.frames[0]
    assert kept.model == result.model
    assert (kept.device, kept.warnings, kept.sha256, kept.path) == ("cpu", ("small",), record.sha256, record.path)
    assert np.array_equal(one.mask, other.mask)
    assert one.probabilities == other.probabilities
    assert (one.quality, one.timing_ms) == (other.quality, other.timing_ms)
    assert np.abs(one.heatmap.values - other.heatmap.values).max() < 0.02
    assert (other.band.low, other.band.high, other.band.coverage) == (0.2, 0.8, 0.9)
    assert np.array_equal(other.band.rings[0], one.band.rings[0])
    assert (other.heatmap.target, other.heatmap.inside_mask_share) == ("malignant", 0.8)
    for before, after in zip(one.lesions, other.lesions, strict=True):
        assert np.array_equal(before.contour, after.contour)
        assert after.contour.dtype == np.int32
        assert replace(before, contour=None) == replace(after, contour=None)
    document = Document(record)
    restore(document, store.open_image(record))
    assert document.is_proposal(0)
    with pytest.raises(ValueError, match="another image"):
        store.save_result(image, replace(result, sha256="0" * 64))


def test_a_list_learns_what_is_known_of_its_files(store, record, tmp_path):
    image = store.open_image(record).image
    elsewhere = tmp_path / "never seen.png"
    known = store.image_states([record.path, elsewhere])
    assert known.keys() == {record.path}
    assert not known[record.path].analysed
    assert not known[record.path].edited
    result = make_result(record)
    store.save_result(image, result)
    store.commit(image, replacement_step(Document(record), 0, disc(), "Accept outline"))
    state = store.image_states([record.path])[record.path]
    assert (state.analysed, state.abstained, state.edited, state.signed) == (True, False, True, False)
    assert (state.prediction, state.share) == (result.frames[0].prediction, max(result.frames[0].probabilities))
    withheld = replace(result, frames=(replace(result.frames[0], abstained=True),))
    store.save_result(image, withheld)
    state = store.image_states([record.path])[record.path]
    assert (state.analysed, state.abstained, state.prediction, state.share) == (True, True, None, None)
    assert store.files_of([record.sha256, "0" * 64]) == {record.sha256: record.path}


def test_every_version_of_the_findings_is_kept(store, record):
    image = store.open_image(record).image
    store.save_field(image, "findings", {"shape": "irregular"})
    store.save_field(image, "findings", {"shape": "irregular"})
    last = store.save_field(image, "findings", {"shape": "not irregular", "category": 3}, "second look")
    assert last.number == 2
    assert last.user == "reader"
    assert [version.value.get("category") for version in store.versions(image, "findings")] == [None, 3]
    assert store.open_image(record).findings == last
    changes = [(row.field, row.old, row.new, row.reason) for row in store.audit.rows() if row.action == "findings"]
    assert ("shape", '"irregular"', '"not irregular"', "second look") in changes
    assert ("category", "", "3", "second look") in changes
    assert len(changes) == 3
    with pytest.raises(ValueError, match="unknown field"):
        store.save_field(image, "opinions", 1)


def test_a_change_after_signing_makes_a_new_version(store, record):
    image = store.open_image(record).image
    store.commit(image, replacement_step(Document(record), 0, disc(), "Accept outline"))
    store.save_field(image, "findings", {"shape": "irregular"})
    first = store.sign(image, {"text": "one"})
    assert first.current
    assert first.masks.keys() == {0}
    store.save_field(image, "findings", {"shape": "not irregular"})
    assert not store.open_image(record).report.current
    second = store.sign(image, {"text": "two"}, "corrected the shape")
    one, two = store.reports(image)
    assert (one.version, one.content, one.current) == (1, {"text": "one"}, False)
    assert (two.version, two.content, two.current, two.findings) == (2, {"text": "two"}, True, 2)
    assert two == second
    store.undo(image)
    assert not store.reports(image)[-1].current


def test_a_moved_file_is_known_by_its_content(store, record, tmp_path):
    image = store.open_image(record).image
    assert store.file_state(image) is FileState.SAME
    elsewhere = tmp_path / "archive" / "b.png"
    elsewhere.parent.mkdir()
    record.path.rename(elsewhere)
    assert store.file_state(image) is FileState.MISSING
    assert store.locate(image, [tmp_path / "images"]) is None
    assert store.locate(image, [tmp_path / "archive"]) == elsewhere
    kept = store.open_image(replace(record, path=elsewhere))
    assert (kept.image, kept.moved_from) == (image, record.path)
    assert store.file_state(image) is FileState.SAME
    assert store.audit.rows()[0].action == "image moved"


def test_a_copy_leaves_the_first_path(store, record, tmp_path):
    image = store.open_image(record).image
    copy = make_record(tmp_path / "copy.png", record.path.read_bytes(), frames=2)
    assert store.open_image(copy).moved_from is None
    assert store.images(store.cases()[0].case)[0].path == record.path
    record.path.write_bytes(b"saved over")
    kept = store.open_image(copy)
    assert (kept.image, kept.moved_from) == (image, record.path)


def test_a_changed_file_is_another_image_and_says_so(store, record, tmp_path):
    kept = store.open_image(record)
    store.commit(kept.image, replacement_step(Document(record), 0, disc(), "Accept outline"))
    changed = make_record(record.path, b"other pixels, saved over it")
    assert store.file_state(kept.image) is FileState.CHANGED
    again = store.open_image(changed)
    assert again.image != kept.image
    assert again.replaces == kept.image
    assert again.empty
    assert not store.open_image(record).empty


def test_a_touched_file_is_the_same_file(store, record):
    image = store.open_image(record).image
    record.path.write_bytes(record.path.read_bytes())
    assert store.file_state(image) is FileState.SAME


def test_cases_are_searched_and_filtered(store, tmp_path):
    study = {"StudyInstanceUID": "1.2.3", "PatientName": "MÜLLER^Ada", "StudyDescription": "Breast US"}
    first = make_record(tmp_path / "i" / "one.dcm", b"1", facts={**study, "SOPInstanceUID": "1.2.3.1"})
    second = make_record(tmp_path / "i" / "two.dcm", b"2", facts={**study, "SOPInstanceUID": "1.2.3.2"})
    third = make_record(tmp_path / "i" / "100%_left.png", b"3")
    images = [store.open_image(record).image for record in (first, second, third)]
    store.save_result(images[0], make_result(first))
    store.commit(images[2], replacement_step(Document(third), 0, disc(), "Accept outline"))
    store.sign(images[2], {"text": "x"})
    everything = store.cases()
    assert [case.images for case in everything] == [1, 2]
    assert [case.prediction for case in everything] == [None, "malignant"]

    def titles(**query):
        return [case.title for case in store.cases(CaseQuery(**query))]

    assert titles(text="müller breast") == ["Breast US"]
    assert titles(text="two.DCM") == ["Breast US"]
    assert titles(text="100%_") == ["100%_left"]
    assert titles(text="nobody") == []
    assert titles(prediction="malignant") == titles(analysed=True) == titles(edited=False) == ["Breast US"]
    assert titles(analysed=False) == titles(edited=True) == titles(signed=True) == ["100%_left"]
    assert titles(limit=1, offset=1) == ["Breast US"]
    assert [image.path.name for image in store.images(everything[1].case)] == ["one.dcm", "two.dcm"]


def test_names_that_are_no_unicode_are_kept(store, tmp_path):
    path = tmp_path / b"scan-\xff.png".decode("utf-8", "surrogateescape")
    record = make_record(path)
    image = store.open_image(record).image
    assert store.images(store.cases()[0].case)[0].path == path
    assert store.file_state(image) is FileState.SAME


def test_settings_are_kept(store):
    assert store.setting("facility") is None
    store.set_setting("facility", {"name": "Clinic"})
    assert store.setting("facility") == {"name": "Clinic"}


def test_work_on_an_image_that_is_not_known_is_refused(store):
    with pytest.raises(StoreError, match="no image 99"):
        store.save_field(99, "findings", {})


def test_the_trail_names_each_entry_that_changed_within_objects(store, record):
    image = store.open_image(record).image
    store.save_field(
        image, "findings", {"assessment": "2", "lesions": {"1": {"shape": ["oval"], "margin": ["angular"]}}}
    )
    store.save_field(image, "findings", {"lesions": {"1": {"shape": ["round"]}, "2": {}}}, "second look")
    rows = [(row.field, row.old, row.new) for row in reversed(store.audit.rows()) if row.action == "findings"]
    assert rows == [
        ("assessment", "", '"2"'),
        ("lesions.1.margin", "", '["angular"]'),
        ("lesions.1.shape", "", '["oval"]'),
        ("assessment", '"2"', ""),
        ("lesions.1.margin", '["angular"]', ""),
        ("lesions.1.shape", '["oval"]', '["round"]'),
        ("lesions.2", "", "{}"),
    ]


def test_looking_at_an_image_notes_nothing(store, record, tmp_path):
    assert store.look(record).image == 0
    assert store.audit.rows() == []
    image = store.open_image(record).image
    store.save_result(image, make_result(record))
    rows = len(store.audit.rows())
    assert store.look(record).result is not None
    elsewhere = tmp_path / "moved.png"
    record.path.rename(elsewhere)
    kept = store.look(replace(record, path=elsewhere))
    assert (kept.image, kept.moved_from) == (image, record.path)
    assert len(store.audit.rows()) == rows
    assert store.open_image(replace(record, path=elsewhere)).moved_from == record.path
    assert store.audit.rows()[0].action == "image moved"


def test_a_flag_is_kept_once_and_taken_away(store, record):
    image = store.open_image(record).image
    for on in (True, True, False, True):
        store.flag(image, on)
    assert [(row.old, row.new) for row in store.audit.rows()[:3]] == [("", "flagged"), ("flagged", ""), ("", "flagged")]
    assert store.open_image(record).flagged
    assert store.image_states([record.path])[record.path].flagged


def test_frames_analysed_one_by_one_are_kept_once_and_come_back_together(store, record):
    image = store.open_image(record).image

    def save(index, p, model="a" * 64):
        result = make_result(record, p=p, model=model)
        store.save_result(image, replace(result, frames=(replace(result.frames[0], index=index),)))

    save(0, (0.1, 0.2, 0.7))
    save(1, (0.1, 0.8, 0.1))
    kept = store.open_image(record).result
    assert [(f.index, f.prediction) for f in kept.frames] == [(0, "malignant"), (1, "benign")]
    assert store.cases()[0].prediction == "malignant", "the gravest of all frames"
    save(0, (0.1, 0.8, 0.1))
    assert [f.prediction for f in store.open_image(record).result.frames] == ["benign", "benign"]
    assert store.cases()[0].prediction == "benign"
    save(1, (0.1, 0.8, 0.1), model="b" * 64)
    assert [f.index for f in store.open_image(record).result.frames] == [1], "another model's frames are not mixed in"
