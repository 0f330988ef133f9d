"""What can be had of memory is what every limit leaves, and an image that does not fit is refused before it is decoded."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import busi_viewer
from busi_viewer.core import files, memory
from busi_viewer.core.errors import TooLarge

ROOT = Path(busi_viewer.__file__).parents[1]


def test_without_a_limit_it_is_what_the_machine_has():
    assert 0 < memory.available() <= psutil.virtual_memory().total


def test_the_tightest_group_of_version_2_counts_and_droppable_pages_are_room(tmp_path):
    place = tmp_path / "outer" / "inner"
    for folder, limit in ((tmp_path / "outer", 1000), (place, "max")):
        folder.mkdir(exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("700\n")
        (folder / "memory.stat").write_text("anon 600\ninactive_file 50\n")
    assert memory._group_rooms(tmp_path, {"": "/outer/inner"}) == [350]


def test_version_1_and_a_container_whose_path_is_the_hosts(tmp_path):
    base = tmp_path / "memory"
    base.mkdir()
    (base / "memory.limit_in_bytes").write_text("5000\n")
    (base / "memory.usage_in_bytes").write_text("2000\n")
    (base / "memory.stat").write_text("total_inactive_file 100\n")
    assert memory._group_rooms(tmp_path, {"memory": "/docker/abc", "": "/"}) == [3100]


def test_a_limit_of_the_process_itself_counts():
    code = "from busi_viewer.core import memory; print(memory.available())"
    words = ["bash", "-c", f"ulimit -v 3000000; exec {sys.executable} -c '{code}'"]
    said = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert 0 < int(said.stdout) < 3_072_000_000


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_an_image_that_does_not_fit_is_refused_before_decoding_with_a_size_that_would(tmp_path, monkeypatch, kind):
    from busi_viewer.raster.source import RasterSource

    path = tmp_path / f"large.{kind}"
    Image.fromarray(np.zeros((3000, 4000), np.uint8)).save(path)
    with path.open("r+b") as stream:  # what follows the header is not needed to refuse it
        stream.truncate(path.stat().st_size - 100 if kind == "tif" else 200)
    monkeypatch.setattr(files, "available", lambda: 500 * 2**20)
    with pytest.raises(TooLarge) as caught:
        RasterSource().open(path)
    assert "4000 × 3000" in caught.value.what
    assert "0.4 GiB" in caught.value.what
    width, height = (int(word) for word in caught.value.remedy.split("to ")[1].split(" pixels")[0].split(" × "))
    assert width / height == pytest.approx(4 / 3, abs=0.01)
    files.check_size(width, height, path)
    with pytest.raises(TooLarge):
        files.check_size(width + 20, height + 20, path)


def test_an_ordinary_image_is_never_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "available", lambda: 0)
    files.check_size(1600, 1200, tmp_path)
