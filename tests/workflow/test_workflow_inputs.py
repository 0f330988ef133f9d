import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from busi_viewer.workflow.inputs import Input, expand_inputs, natural_key, result_stems

DICOM = bytes(128) + b"DICM" + bytes(64)


def tree(root, *names, content=b"x"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def relatives(paths, **options):
    return [item.relative.as_posix() for item in expand_inputs(paths, **options)]


def test_an_umlaut_is_sorted_as_its_letter():
    names = ["Zebra.png", "Ärztin 10.png", "arm.png", "Ärztin 9.png", "Befund.png", "e\u0301lan.png"]
    assert sorted(names, key=natural_key) == [
        *("arm.png", "Ärztin 9.png", "Ärztin 10.png", "Befund.png", "e\u0301lan.png", "Zebra.png")
    ]


def test_folder_in_natural_order_top_level_only(tmp_path):
    tree(tmp_path, "img10.png", "img2.png", "IMG1.jpg", "sub/a.png")
    assert relatives([tmp_path]) == ["IMG1.jpg", "img2.png", "img10.png"]
    assert relatives([tmp_path], recursive=True) == ["IMG1.jpg", "img2.png", "img10.png", "sub/a.png"]


def test_file_named_directly_is_an_input_whatever_it_is(tmp_path):
    tree(tmp_path, "notes.txt")
    assert relatives([tmp_path / "notes.txt", tmp_path / "missing.png"]) == ["notes.txt", "missing.png"]


def test_mask_companions_are_never_inputs(tmp_path):
    tree(tmp_path, "a (1).png", "a (1)_mask.png", "a (1)_mask_1.png", "lonely_mask.png")
    assert relatives([tmp_path]) == ["a (1).png", "lonely_mask.png"]
    assert relatives([tmp_path / "a (1)_mask.png", tmp_path / "a (1).png"]) == ["a (1).png"]


def test_folders_leave_out_what_is_no_image(tmp_path):
    tree(tmp_path, "a.csv", "a.json", "a.txt", "a.pdf", ".hidden.png", ".cache/b.png", "__MACOSX/c.png", "noext")
    tree(tmp_path, "a.overlay.png", "a.mask.png", "a.f0003.mask.png", "a.heatmap.png", "a.seg.dcm", "a.sr.dcm")
    tree(tmp_path, "a.panels.png", "a.image.dcm")
    tree(tmp_path, "DICOMDIR", "IM0001", "1.2.840.5", content=DICOM)
    tree(tmp_path, "b.TIFF", "c.dcm")
    os.mkfifo(tmp_path / "pipe.png")
    assert relatives([tmp_path], recursive=True) == ["1.2.840.5", "b.TIFF", "c.dcm", "IM0001"]


def test_every_file_once_and_links_end(tmp_path):
    tree(tmp_path, "a.png", "sub/b.png")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert relatives([tmp_path, tmp_path / "a.png"], recursive=True) == ["a.png", "sub/b.png"]


def test_linked_folders_are_entered(tmp_path):
    tree(tmp_path, "elsewhere/b.png")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert relatives([tmp_path / "study"], recursive=True) == ["link/b.png"]


def stems(*names):
    return [stem.as_posix() for stem in result_stems([Input(Path(name), Path(name)) for name in names])]


def test_results_are_named_after_their_inputs():
    assert stems("sub/a.png", "b.dcm", "1.2.840.17") == ["sub/a", "b", "1.2.840.17"]
    assert stems("a.png", "a.jpg", "b.png") == ["a.png", "a.jpg", "b"]
    assert stems("A.png", "a.png") == ["A.png", "a.png-2"]


def test_equal_names_from_two_folders_get_numbers():
    assert stems("a.png", "a.png", "a.png-2") == ["a.png", "a.png-3", "a.png-2"]
    assert stems("x/a.png", "x/a.png", "x/b.png") == ["x/a.png", "x/a.png-2", "x/b"]


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
likely = st.lists(st.sampled_from(["a", "A", "a-2", "a.png", "b", "..", ".", "a.png-2"]), min_size=1, max_size=3)


@given(st.lists(st.one_of(likely.map("/".join), names.map(lambda name: name + ".png")), max_size=12))
def test_stems_are_unique_stable_and_stay_inside(paths):
    inputs = [Input(Path(path), Path(path)) for path in paths]
    found = result_stems(inputs)
    assert found == result_stems(inputs)
    assert len({stem.as_posix().casefold() for stem in found}) == len(paths)
    out = Path("/out/folder")
    for stem in found:
        assert not stem.is_absolute()
        result = Path(os.path.normpath(out / f"{stem}.json"))
        assert result.is_relative_to(out)
        assert result != out
