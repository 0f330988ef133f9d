"""The bundled and the user's folders, in a checkout, an installed wheel and a frozen build."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from busi_viewer import paths

ROOT = Path(__file__).parents[1]


def test_checkout_uses_the_folders_beside_the_package():
    assert paths.resource("sample") == ROOT / "resources" / "sample"
    assert paths.resource("sample").is_dir()
    assert paths.bundled_models() == ROOT / "models"


@pytest.mark.parametrize("parts", [("..", "pyproject.toml"), ("/etc/passwd",), ("fonts", "..", "..", "x")])
def test_a_resource_never_leaves_its_folder(parts):
    with pytest.raises(ValueError, match="leaves the resources"):
        paths.resource(*parts)


def test_frozen_uses_the_folder_of_the_build(monkeypatch, tmp_path):
    (tmp_path / "resources" / "fonts").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert paths.resource("fonts") == tmp_path / "resources" / "fonts"
    assert paths.bundled_models() == tmp_path / "models"


def test_home_overrides_every_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path))
    folders = (paths.data_dir(), paths.user_models(), paths.config_dir(), paths.cache_dir(), paths.log_dir())
    assert len(set(folders)) == len(folders)
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    assert not any(tmp_path.iterdir()), "asking for a folder must not make it"


def test_without_home_the_folders_are_the_system_s(monkeypatch):
    monkeypatch.delenv("BUSI_VIEWER_HOME")
    folders = (paths.data_dir(), paths.config_dir(), paths.cache_dir(), paths.log_dir())
    assert all("busi_viewer" in folder.parts for folder in folders)


def test_real_data_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("BUSI_VIEWER_DATA", str(tmp_path))
    assert paths.real_data() == tmp_path


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed")
def test_wheel_carries_resources_and_models(tmp_path):
    sources = tmp_path / "sources"
    wanted = ("busi_viewer", "resources", "models", "pyproject.toml", "README.md", "LICENSE")
    sources.mkdir()
    for name in wanted:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, sources / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=sources, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "from busi_viewer import paths\n"
        "print(paths.resource('sample', 'benign.png').is_file(), *sorted(p.name for p in paths.bundled_models().iterdir()))"
    )
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["True", *sorted(p.name for p in (ROOT / "models").iterdir())]
