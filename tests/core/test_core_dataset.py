"""Data sets on disk, good and bad."""

from pathlib import Path

import pytest

from busi_viewer.core.dataset import is_mask_companion, load_dataset, load_datasets, load_split, part_of
from busi_viewer.core.errors import DataSetError
from busi_viewer.paths import real_data


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_class_folders_give_samples_with_all_their_masks(tmp_path):
    root = tmp_path / "BUSI"
    names = ("benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png", "benign (2).png")
    touch(*(root / "benign" / name for name in names), root / "normal" / "normal (1).png")
    touch(root / "benign" / "Thumbs.db")
    samples = load_dataset(root)
    assert [s.id for s in samples] == [
        "BUSI/benign/benign (1).png",
        "BUSI/benign/benign (2).png",
        "BUSI/normal/normal (1).png",
    ]
    assert [len(s.masks) for s in samples] == [2, 0, 0]
    assert [s.has_mask for s in samples] == [True, False, True]
    assert samples[0].label == "benign"
    assert samples[0].patient is None


def test_a_mask_is_a_companion_only_beside_its_image(tmp_path):
    touch(
        tmp_path / "a.png",
        tmp_path / "a_mask.png",
        tmp_path / "b_mask.png",
        tmp_path / "c.jpg",
        tmp_path / "c_mask_2.png",
    )
    assert is_mask_companion(tmp_path / "a_mask.png")
    assert is_mask_companion(tmp_path / "c_mask_2.png")
    assert not is_mask_companion(tmp_path / "b_mask.png")
    assert not is_mask_companion(tmp_path / "a.png")


def manifest(root: Path, text: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "manifest.csv").write_text(text, encoding="utf-8")
    return root


def test_a_manifest_gives_labels_patients_masks_and_other_columns(tmp_path):
    root = manifest(
        tmp_path / "set",
        "\ufeffimage,mask,label,patient,side\nimages/a.png,masks/a.png,Malignant,7,left\nimages/b.png,,,,\nimages/c.png,,normal,8,\n",
    )
    touch(*(root / "images" / f"{n}.png" for n in "abc"), root / "masks" / "a.png")
    a, b, c = load_dataset(root)
    assert (a.id, a.label, a.patient, a.extra) == ("set/images/a.png", "malignant", "7", {"side": "left"})
    assert a.masks == ((root / "masks" / "a.png").resolve(),)
    assert (b.label, b.patient, b.has_mask) == (None, None, False)
    assert (c.label, c.has_mask) == ("normal", True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\na.png,benign\n", "image"),
        ("image,label\na.png,cancer\n", "cancer"),
        ("image,label\nmissing.png,benign\n", "does not exist"),
        ("image,label\n../outside.png,benign\n", "outside"),
        ("image,label\n/etc/hostname,benign\n", "outside"),
        ("image,mask,label\na.png,../outside.png,benign\n", "outside"),
        ("image,label\n", "no images"),
        ("", "no images"),
        ("image,label\n,benign\n", "line 2"),
        ("image,label\na.png,benign\na.png,malignant\n", "twice"),
    ],
)
def test_a_bad_manifest_is_refused_with_words(tmp_path, text, words):
    root = manifest(tmp_path / "set", text)
    touch(root / "a.png", tmp_path / "outside.png")
    with pytest.raises(DataSetError, match=words):
        load_dataset(root)


@pytest.mark.parametrize(
    "content", [b"image,label\na\xff.png,benign\n", b'image,label\n"a.png,benign\n', b"\x00\x01\x02"]
)
def test_a_manifest_that_is_not_text_is_refused(tmp_path, content):
    root = tmp_path / "set"
    touch(root / "a.png")
    (root / "manifest.csv").write_bytes(content)
    with pytest.raises(DataSetError):
        load_dataset(root)


def test_a_folder_of_neither_layout_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(DataSetError) as caught:
        load_dataset(tmp_path)
    assert "manifest.csv" in caught.value.remedy
    with pytest.raises(DataSetError, match="not a folder"):
        load_dataset(tmp_path / "nowhere")


def test_sets_of_one_name_are_refused(tmp_path):
    for parent in ("x", "y"):
        touch(tmp_path / parent / "BUSI" / "benign" / "a.png")
    with pytest.raises(DataSetError, match="two data sets"):
        load_datasets([tmp_path / "x" / "BUSI", tmp_path / "y" / "BUSI"])


def test_a_split_chooses_its_part(tmp_path):
    root = tmp_path / "BUSI"
    touch(*(root / "benign" / f"{n}.png" for n in "abc"))
    split = tmp_path / "split.csv"
    split.write_text("id,part\nBUSI/benign/a.png,train\nBUSI/benign/c.png,test\n")
    chosen = part_of(load_dataset(root), load_split(split), "test")
    assert [s.id for s in chosen] == ["BUSI/benign/c.png"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"id,part\n", b"\xff\xfe\x00", b"id\nx\n"])
def test_a_bad_split_is_refused(tmp_path, content):
    split = tmp_path / "split.csv"
    split.write_bytes(content)
    with pytest.raises(DataSetError):
        load_split(split)
    with pytest.raises(DataSetError):
        load_split(tmp_path / "nowhere.csv")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "count"), [("Dataset_BUSI_with_GT", 624), ("BUS-BRA", 1492), ("BUS-UCLM", 539), ("BrEaST", 128)]
)
def test_the_real_data_sets_load(name, count):
    root = real_data() / name
    if not root.is_dir():
        pytest.skip(f"{root} is not there; BUSI_VIEWER_DATA names the real data")
    samples = load_dataset(root)
    assert len(samples) == count
    assert all(sample.has_mask for sample in samples)


def test_problems_are_noted_instead_of_raised_where_a_list_for_them_is_given(tmp_path):
    lines = (
        "image,mask,label\na.png,gone.png,benign\ngone.png,,normal\nb.png,,unclear\na.png,,benign\n../x.png,,normal\n"
    )
    root = manifest(tmp_path / "set", lines)
    touch(root / "a.png", root / "b.png", tmp_path / "x.png")
    problems = []
    samples = load_dataset(root, problems)
    assert [(s.id, s.masks, s.label) for s in samples] == [("set/a.png", (), "benign"), ("set/b.png", (), None)]
    words = [
        "line 2: gone.png does not",
        "line 3: gone.png",
        "line 4: unknown label",
        "line 5: a.png is",
        "line 6: ../x",
    ]
    assert [p.what.startswith(w) for p, w in zip(problems, words, strict=True)] == [True] * 5
    with pytest.raises(DataSetError, match="line 2"):
        load_dataset(root)
