"""A case as a folder: readable elsewhere, checked, and taken over whole or not at all."""

import csv
import hashlib
import json
import subprocess

import cv2
import numpy as np
import pytest
from store_kit import Reader, keeping, make_record, make_result, open_store, same_masks, same_steps

from busi_viewer.core.casebook import FIELDS, FileState
from busi_viewer.core.errors import OutputError, StoreError


@pytest.fixture
def exported(tmp_path):
    """A store with a case of two images, its folder, and the records."""
    study = {"StudyInstanceUID": "1.2.3", "PatientName": "SAMPLE^Anna"}
    records = [
        make_record(tmp_path / "a.png", b"one", facts=study, frames=2),
        make_record(tmp_path / "b.png", b"two", facts=study),
    ]
    store = open_store(tmp_path / "store")
    image = store.open_image(records[0]).image
    store.save_result(image, make_result(records[0]))
    Reader(records[0], 4, keeping(store, image)).run(30)
    store.save_field(image, "findings", {"shape": "irregular"})
    store.save_field(image, "findings", {"shape": "not irregular"}, "again")
    store.save_field(image, "callipers", {"lines": [[1, 2, 3, 4]]})
    store.save_field(image, "reading", {"assessment": "4A"})
    store.save_field(image, "AI shown", {"shown": False})
    store.flag(image, True)
    store.sign(image, {"text": "signed"})
    store.open_image(records[1])
    case = store.cases()[0].case
    folder = store.export_case(case, tmp_path / "out" / "case")
    yield store, case, folder, records
    store.close()


def test_the_folder_is_complete_and_readable(exported):
    store, case, folder, records = exported
    content = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    assert (content["format"], content["version"], content["case"]["uid"]) == ("busi_viewer case", 2, case)
    assert [image["name"] for image in content["images"]] == ["a.png", "b.png"]
    assert (folder / content["images"][0]["file"]).read_bytes() == b"one"
    kept = store.open_image(records[0])
    for frame, mask in kept.masks.items():
        png = cv2.imread(str(folder / "masks" / f"0001-f{frame:04d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(png > 0, mask)
        assert set(np.unique(png)) <= {0, 255}
    with (folder / "audit.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["action"] for row in csv.DictReader(stream)][-2:] == ["report signed", "image added"]
    assert "SHA256SUMS" in (folder / "README.txt").read_text(encoding="utf-8")
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert store.audit.rows()[0].action == "case exported"


def test_another_store_takes_it_over_with_all_its_history(exported, tmp_path):
    store, case, folder, records = exported
    other = open_store(tmp_path / "other")
    other.open_image(make_record(tmp_path / "c.png", b"three"))
    assert other.import_case(folder) == case
    here, there = store.open_image(records[0]), other.open_image(records[0])
    assert same_masks(here.masks, there.masks)
    assert same_steps(here.steps, there.steps)
    assert here.position == there.position
    assert there.findings == here.findings
    assert there.flagged
    for field in FIELDS:
        versions = other.versions(there.image, field)
        assert versions == store.versions(here.image, field)
        assert versions
    assert there.report == here.report
    assert there.report.current
    assert np.array_equal(there.result.frames[0].mask, here.result.frames[0].mask)
    assert other.file_state(there.image) is FileState.SAME
    assert other.check() == []
    assert other.audit.verify().intact
    assert "case imported" in {row.action for row in other.audit.rows()}
    other.undo(there.image)
    with pytest.raises(StoreError, match="in the store already"):
        other.import_case(folder)
    other.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "masks" / "0001-f0000.png").unlink(),
        lambda folder: (folder / "extra.txt").write_text("x"),
        lambda folder: (folder / "images" / "0001.png").write_bytes(b"onE"),
        lambda folder: (folder / "SHA256SUMS").unlink(),
        lambda folder: (folder / "case.json").write_text("{}"),
    ],
)
def test_a_damaged_folder_is_refused(exported, tmp_path, damage):
    _, _, folder, _ = exported
    damage(folder)
    other = open_store(tmp_path / "other")
    with pytest.raises(StoreError) as caught:
        other.import_case(folder)
    assert caught.value.remedy
    assert other.cases() == []
    other.close()


def resealed(folder, change):
    """Change case.json and make the checksums fit again, as someone with bad intent could."""
    content = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    change(content)
    (folder / "case.json").write_text(json.dumps(content), encoding="utf-8")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["images"][0].update(file="../../../etc/passwd"),
        lambda content: content["images"][0].update(sha256="0" * 64),
        lambda content: content["images"][0]["journal"].pop(0),
        lambda content: content["images"][0]["journal"][0].update(after="AAAA"),
        lambda content: content["images"][0]["analyses"][0]["masks"].update({"0": "AAAAAQAAAAF4nGMAAAABAAE="}),
        lambda content: content["images"][0].pop("journal"),
        lambda content: content.update(images=7),
        lambda content: content.update(version=99),
        lambda content: content["images"][0].update(kind=None),
        lambda content: content["images"][0].update(height={"a": 1}),
        lambda content: content["images"][0]["analyses"][0].update(result="{}"),
        lambda content: content["images"][0]["versions"][0].update(value="{"),
    ],
)
def test_senseless_content_is_refused_whole(exported, tmp_path, change):
    _, _, folder, _ = exported
    resealed(folder, change)
    other = open_store(tmp_path / "other")
    with pytest.raises(StoreError):
        other.import_case(folder)
    assert other.cases() == []
    assert other.audit.rows() == []
    other.close()


def test_an_image_that_is_gone_is_named_but_not_copied(exported, tmp_path):
    store, case, _, records = exported
    records[1].path.unlink()
    folder = store.export_case(case, tmp_path / "again")
    content = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    assert content["images"][1]["file"] is None
    other = open_store(tmp_path / "other")
    other.import_case(folder)
    assert other.file_state(2) is FileState.MISSING
    other.close()


def test_nothing_is_written_over(exported, tmp_path):
    store, case, folder, _ = exported
    with pytest.raises(OutputError, match="exists"):
        store.export_case(case, folder)
    with pytest.raises(StoreError, match="no case"):
        store.export_case("unknown", tmp_path / "x")
    with pytest.raises(OutputError):
        store.export_case(case, tmp_path / "a.png" / "case")
    assert not (tmp_path / "x").exists()
    assert [p.name for p in folder.parent.iterdir()] == ["case"]
