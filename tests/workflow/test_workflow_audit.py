"""A data set with everything wrong is audited to the end."""

import json

import cv2
import numpy as np
import pytest

from busi_viewer import bootstrap, cli
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.core.phantom import phantom
from busi_viewer.paths import real_data
from busi_viewer.workflow.audit import audit

SHAPE = (184, 224)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Class folders and a manifest with one fault of each kind."""
    root = tmp_path_factory.mktemp("data")
    busi, own = root / "BUSI", root / "own"
    scan, mask = phantom("malignant", 1, SHAPE)
    lesion = mask.astype(np.uint8) * 255
    write(busi / "malignant" / "m (1).png", scan)
    write(busi / "malignant" / "m (1)_mask.png", lesion)
    write(busi / "benign" / "b (1).png", scan[:160, 20:210])
    write(busi / "benign" / "b (1)_mask.png", lesion)
    write(busi / "benign" / "b (2).png", phantom("benign", 2, SHAPE)[0])
    write(busi / "benign" / "b (2)_mask.png", 255 - lesion)
    write(busi / "normal" / "n (1).png", np.full(SHAPE, 20, np.uint8))
    (busi / "normal" / "n (2).png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    for number in (1, 2, 3):
        write(own / "images" / f"{number}.png", phantom("none", 10 + number, SHAPE)[0])
    write(own / "images" / "4.png", phantom("none", 11, SHAPE)[0])
    rows = "images/1.png,,normal,p1\nimages/2.png,,normal,p2\nimages/4.png,,normal,p2\nimages/gone.png,,normal,p3\n"
    (own / "manifest.csv").write_text("image,mask,label,patient\n" + rows)
    split = root / "split.csv"
    parts = {
        "BUSI/malignant/m (1).png": "train",
        "BUSI/benign/b (1).png": "test",
        "own/images/1.png": "train",
        "own/images/2.png": "train",
        "own/images/4.png": "test",
        "own/images/9.png": "test",
    }
    split.write_text("id,part\n" + "".join(f"{name},{part}\n" for name, part in parts.items()))
    return root


def test_every_fault_is_found_and_the_rest_is_done(broken, capsys):
    out = broken / "out" / "audit.json"
    words = ["audit-data", str(broken / "BUSI"), str(broken / "own"), "--split", str(broken / "split.csv")]
    code = cli.main([*words, "--json", str(out), "--html", str(out.with_suffix(".html"))], bootstrap.services())
    errors = capsys.readouterr().err.strip().splitlines()
    assert code == 3
    assert len(errors) == 2
    assert "gone.png" in errors[0]
    assert "n (2).png" in errors[1]
    result = json.loads(out.read_text())
    assert result["schema"] == 1
    assert result["n"] == 8
    found = {kind["kind"] for kind in result["summary"] if kind["findings"]}
    assert found >= {
        *("manifest_problem", "unreadable_image", "leak_duplicates", "leak_patient", "conflicting_labels"),
        *("duplicates_across_patients", "mask_other_size", "mask_inverted", "unlisted_files", "split_unknown_ids"),
        *("split_missing_ids", "exact_duplicates", "near_duplicates", "blank"),
    }
    assert not found & {"mask_empty", "mask_on_normal", "no_label", "unreadable_mask", "mask_without_image"}
    assert [len(group["ids"]) for group in result["groups"]] == [2, 2]
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page
    assert "The same scene with different labels" in page
    assert "images of one scene, in train and test" in page


def test_sound_sets_give_code_0_and_no_noise(tmp_path, capsys):
    scan, mask = phantom("benign", 5, SHAPE)
    write(tmp_path / "BUSI" / "benign" / "b.png", scan)
    write(tmp_path / "BUSI" / "benign" / "b_mask.png", mask.astype(np.uint8) * 255)
    out = tmp_path / "audit.json"
    assert cli.main(["audit-data", str(tmp_path / "BUSI"), "--json", str(out)], bootstrap.services()) == 0
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""
    result = json.loads(out.read_text())
    assert [kind["kind"] for kind in result["summary"] if kind["severity"] == "error" and kind["findings"]] == []
    assert not any(kind["kind"].startswith(("leak", "split")) for kind in result["summary"])


def test_what_cannot_be_audited_is_said(tmp_path, broken):
    services = bootstrap.services()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetError, match=r"no manifest\.csv"):
        audit([tmp_path / "empty"], services, Terminal())
    split = tmp_path / "split.csv"
    split.write_text("id,part\nelsewhere/a.png,train\n")
    with pytest.raises(UsageError, match="names none"):
        audit([broken / "BUSI"], services, Terminal(), split=split)


@pytest.mark.real
@pytest.mark.slow
def test_twins_with_two_labels_are_found_in_busi(tmp_path):
    folder = real_data() / "Dataset_BUSI_with_GT"
    if not folder.is_dir():
        pytest.skip(f"no real data in {real_data()}; set BUSI_VIEWER_DATA")
    part = tmp_path / "BUSI"
    names = {
        "benign": ("benign (406)", "benign (333)", "benign (1)"),
        "malignant": ("malignant (94)", "malignant (77)", "malignant (78)", "malignant (1)"),
    }
    for label, stems in names.items():
        (part / label).mkdir(parents=True)
        for stem in stems:
            for path in folder.glob(f"{label}/{stem}*.png"):
                (part / label / path.name).symlink_to(path)
    result = audit([part], bootstrap.services(), Terminal()).result
    conflicts = [sorted(f["ids"]) for f in result["findings"] if f["kind"] == "conflicting_labels"]
    assert sorted(map(len, conflicts)) == [2, 3]
