"""Keeping while drawing, and training sets of corrected cases."""

import csv
import json
import logging
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from busi_viewer.bootstrap import services
from busi_viewer.core.casebook import Kept
from busi_viewer.core.dataset import load_dataset
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.errors import DataSetError, StoreError
from busi_viewer.core.steps import edit_step, replacement_step
from busi_viewer.workflow import casework
from busi_viewer.workflow.keeping import Keeper
from busi_viewer.workflow.open import open_image
from busi_viewer.workflow.training_set import make_training_set

SERVICES = services()


@pytest.fixture
def store(tmp_path):
    store = SERVICES.open_store(tmp_path / "store", "reader")
    yield store
    store.close()


def write_image(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return open_image(path, SERVICES.sources)


def outline(document, x=10):
    mask = np.zeros(document.record.shape, bool)
    mask[10:40, x : x + 30] = True
    return replacement_step(document, 0, mask, "Accept outline")


def test_edits_are_on_the_disk_soon_and_in_order(tmp_path, store):
    record = write_image(tmp_path / "a.png", 1)
    keeper = Keeper(store, on_problem=pytest.fail)
    kept = keeper.open(record)
    document = Document(record)
    slowest = 0.0
    for number in range(20):
        box = (number, 0, number + 2, 2)
        step = edit_step(document, MaskEdit(0, box, np.ones((2, 2), bool), "Brush"))
        step.apply(document)
        start = time.perf_counter()
        keeper.step(kept.image, step)
        slowest = max(slowest, time.perf_counter() - start)
    keeper.undo(kept.image)
    keeper.field(kept.image, "findings", {"shape": "irregular"})
    assert keeper.flush(30.0)
    assert keeper.pending == 0
    again = store.open_image(record)
    assert (len(again.steps), again.position) == (20, 19)
    assert again.findings.value == {"shape": "irregular"}
    assert slowest < 0.05  # the hand-over does not wait for the disk
    assert keeper.close() == 0


class FullForAWhile:
    """The real store behind a door that can be shut, as a full disk shuts it."""

    def __init__(self, store):
        self._store = store
        self.full = threading.Event()
        self.path = store.path

    def __getattr__(self, name):
        if self.full.is_set() and name in ("commit", "undo", "redo", "save_field"):
            raise StoreError("the disk is full", path=self.path)
        return getattr(self._store, name)

    def close(self):
        pass


def test_what_could_not_be_written_is_written_when_it_can_be(tmp_path, store, monkeypatch):
    monkeypatch.setattr("busi_viewer.workflow.keeping.RETRY_S", 0.05)
    record = write_image(tmp_path / "a.png", 1)
    door, problems, saved = FullForAWhile(store), [], threading.Event()
    keeper = Keeper(door, problems.append, saved.set)
    image = keeper.open(record).image
    door.full.set()
    document = Document(record)
    step = outline(document)
    keeper.step(image, step)
    keeper.field(image, "findings", {"shape": "irregular"})
    assert not keeper.flush(0.3)
    assert keeper.pending == 2
    assert len(problems) == 1  # said once, not at every attempt
    with pytest.raises(StoreError, match="could not be saved yet"):
        keeper.open(record)
    door.full.clear()
    assert keeper.flush(10.0)
    assert saved.wait(10.0)
    assert store.open_image(record).position == 1
    keeper.close()


def test_a_fault_of_one_image_does_not_stop_the_others(tmp_path, store, caplog):
    one, other = write_image(tmp_path / "PATIENT_NAME.png", 1), write_image(tmp_path / "b.png", 2)
    problems = []
    keeper = Keeper(store, problems.append)
    first, second = keeper.open(one).image, keeper.open(other).image
    step = outline(Document(one))
    logging.getLogger("busi_viewer").propagate = True
    keeper.undo(first)  # there is nothing to undo
    keeper.step(first, step)
    keeper.step(second, step)
    assert keeper.flush(30.0)
    assert "internal error" in problems[0].what
    assert len(problems) == 1
    assert store.open_image(other).position == 1
    assert "PATIENT_NAME" not in caplog.text
    keeper.close()


def test_a_document_gets_back_what_was_kept(tmp_path, store):
    record = write_image(tmp_path / "a.png", 1)
    image = store.open_image(record).image
    store.commit(image, outline(Document(record)))
    document = Document(record)
    casework.restore(document, store.open_image(record))
    assert document.reader_mask(0).sum() == 900
    casework.restore(document, Kept(0, "", {}, (), 0, None, None, None, None))


def test_the_store_lies_in_the_data_folder():
    store = casework.open_store(SERVICES)
    assert store.path.parent == casework.store_folder()
    store.close()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/anna/cases", "nfs4"),
        ("/home/anna/local/cases", ""),
        ("/homes", ""),
        ("/mnt/ward/x", "fuse.sshfs"),
        ("/m", ""),
    ],
)
def test_network_folders_are_known(folder, kind):
    mounts = [("/", "ext4"), ("/home", "nfs4"), ("/home/anna/local", "xfs"), ("/mnt/ward", "fuse.sshfs")]
    assert casework.network_of(Path(folder), mounts) == kind


def corrected_store(tmp_path, store):
    records = [write_image(tmp_path / "MILLER_Anna" / f"{name}.png", n) for n, name in enumerate("abc")]
    study = {"StudyInstanceUID": "1.2.3", "PatientName": "MILLER^Anna", "PatientID": "4711"}
    records[:2] = [replace(record, facts=study) for record in records[:2]]
    for number, record in enumerate(records):
        image = store.open_image(record).image
        store.commit(image, outline(Document(record), 10 + number))
    store.save_field(1, "findings", {"lesions": {"1": {"assessment": "6"}, "2": {"assessment": "4A"}}})
    return records


def test_corrected_cases_become_a_training_set_in_one_step(tmp_path, store):
    records = corrected_store(tmp_path, store)
    made = make_training_set(store, SERVICES.sources, tmp_path / "sets")
    assert (made.version, made.images, made.new, made.left_out) == (1, 3, True, ())
    assert made.folder == tmp_path / "sets" / "v001"
    samples = load_dataset(made.folder)
    assert sorted(sample.label or "" for sample in samples) == ["", "", "malignant"]
    assert len({sample.patient for sample in samples}) == 2
    pixels = {cv2.imread(str(sample.image), cv2.IMREAD_UNCHANGED).tobytes(): sample for sample in samples}
    for number, record in enumerate(records):
        sample = pixels[record.frames[0].tobytes()]
        mask = cv2.imread(str(sample.masks[0]), cv2.IMREAD_UNCHANGED)
        assert mask[20, 10 + number] == 255
        assert mask.sum() == 900 * 255
    for path in made.folder.rglob("*"):
        assert "miller" not in str(path.relative_to(made.folder)).lower()
        content = path.read_bytes().lower() if path.is_file() else b""
        for secret in (b"miller", b"4711", b"1.2.3", records[0].sha256.encode()):
            assert secret not in content


def test_text_burned_into_an_image_is_told(tmp_path, store):
    records = corrected_store(tmp_path, store)
    written = cv2.imread(str(records[2].path), cv2.IMREAD_UNCHANGED)
    written = cv2.resize(written, (640, 480), interpolation=cv2.INTER_AREA) // 3
    cv2.putText(written, "MILLER ANNA 1970", (20, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    cv2.imwrite(str(tmp_path / "d.png"), written)
    record = open_image(tmp_path / "d.png", SERVICES.sources)
    image = store.open_image(record).image
    store.commit(image, outline(Document(record), 12))
    made = make_training_set(store, SERVICES.sources, tmp_path / "sets")
    assert len(made.with_text) == 1
    assert json.loads((made.folder / "set.json").read_text())["burned_in_text"] == list(made.with_text)
    named = cv2.imread(str(made.folder / made.with_text[0]), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(named, written)


def test_versions_follow_the_corrections(tmp_path, store):
    records = corrected_store(tmp_path, store)
    first = make_training_set(store, SERVICES.sources, tmp_path / "sets")
    same = make_training_set(store, SERVICES.sources, tmp_path / "sets")
    assert (same.folder, same.new) == (first.folder, False)
    store.undo(1)
    second = make_training_set(store, SERVICES.sources, tmp_path / "sets")
    assert (second.version, second.images, second.new) == (2, 2, True)

    def names(made):
        with (made.folder / "manifest.csv").open(newline="") as stream:
            return {row["image"] for row in csv.DictReader(stream)}

    assert names(second) < names(first)
    assert json.loads((second.folder / "set.json").read_text())["images"] == 2
    records[1].path.unlink()
    cv2.imwrite(str(records[2].path), np.zeros((60, 80), np.uint8))
    with pytest.raises(DataSetError, match="no corrected image"):
        make_training_set(store, SERVICES.sources, tmp_path / "sets")
    assert sorted(path.name for path in (tmp_path / "sets").iterdir()) == ["v001", "v002"]


def test_importing_casework_loads_no_database():
    code = "import sys, busi_viewer.workflow.casework, busi_viewer.workflow.keeping; print('sqlite3' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert said.stdout.strip() == "False", said.stderr
