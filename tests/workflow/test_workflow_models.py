"""The registry of models: installed, checked, chosen, and never a pickle."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core.errors import ModelError
from busi_viewer.workflow import models


def make_model(folder: Path, name="first", version="1.0", content=1.0) -> Path:
    """A folder with tiny but real safetensors weights and a card."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + np.full(2, content, np.float32).tobytes()
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    card = {"schema": 1, "name": name, "version": version, "sha256": hashlib.sha256(weights).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(autouse=True)
def bundled(tmp_path, monkeypatch):
    """One bundled model."""
    root = tmp_path / "bundled"
    make_model(root / "standard", "standard")
    monkeypatch.setattr(paths, "bundled_models", lambda: root)
    return root


def test_the_bundled_model_is_active_until_another_is_chosen(tmp_path):
    assert models.active() == "standard"
    models.install(make_model(tmp_path / "new", "mine"))
    assert models.active() == "standard"
    models.activate("mine")
    assert models.active() == "mine"
    assert models.resolve() == paths.user_models() / "mine"


def test_rollback_goes_back_step_by_step(tmp_path):
    for name in ("a", "b"):
        models.install(make_model(tmp_path / name, name))
        models.activate(name)
    models.activate("b")
    assert models.rollback() == "a"
    assert models.rollback() == "standard"
    with pytest.raises(ModelError, match="before"):
        models.rollback()


def test_install_copies_weights_and_card_only_and_is_found_by_name(tmp_path):
    source = make_model(tmp_path / "run", "mine")
    (source / "notes.txt").write_text("private")
    (source / "last.ckpt").write_bytes(b"x")
    model = models.install(source)
    assert sorted(p.name for p in model.folder.iterdir()) == ["card.json", "model.safetensors"]
    assert [p.name for p in paths.user_models().iterdir()] == ["mine"]
    assert models.find("mine").version == "1.0"
    assert models.install(source) == model


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin", ".pkl"])
def test_pickles_are_refused_with_words(tmp_path, suffix):
    file = tmp_path / f"model{suffix}"
    file.write_bytes(pickle.dumps({"w": 1}))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / file.name).write_bytes(file.read_bytes())
    for source in (file, folder):
        with pytest.raises(ModelError, match="pickle"):
            models.install(source)
    with pytest.raises(ModelError, match="pickle"):
        models.resolve(str(file))


def test_a_pickle_renamed_to_safetensors_is_refused(tmp_path):
    source = make_model(tmp_path / "run", "mine")
    weights = pickle.dumps({"w": list(range(100))})
    (source / "model.safetensors").write_bytes(weights)
    card = json.loads((source / "card.json").read_text())
    card["sha256"] = hashlib.sha256(weights).hexdigest()
    (source / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not a safetensors"):
        models.install(source)
    assert not paths.user_models().exists() or not any(paths.user_models().iterdir())


def test_altered_weights_are_found_and_not_installed_nor_activated(tmp_path):
    source = make_model(tmp_path / "run", "mine")
    models.install(source)
    for file in (source / "model.safetensors", paths.user_models() / "mine" / "model.safetensors"):
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        models.verify(models.find("mine").folder)
    with pytest.raises(ModelError, match="SHA-256"):
        models.activate("mine")
    assert models.active() == "standard"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\\b", "x" * 200])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ModelError, match="name"):
        models.install(make_model(tmp_path / "run", name))


def test_another_model_of_the_same_name_is_refused(tmp_path):
    models.install(make_model(tmp_path / "one", "mine"))
    with pytest.raises(ModelError, match="another model"):
        models.install(make_model(tmp_path / "two", "mine", content=2.0))
    with pytest.raises(ModelError, match="another model"):
        models.install(make_model(tmp_path / "three", "standard", content=2.0))


def test_resolving_names_folders_and_nonsense(tmp_path, bundled):
    folder = make_model(tmp_path / "loose", "loose")
    assert models.resolve(str(folder)) == folder
    assert models.resolve("standard") == bundled / "standard"
    inner = make_model(tmp_path / "run" / "model", "of-a-run")
    assert models.resolve(str(tmp_path / "run")) == inner
    assert models.install(tmp_path / "run").name == "of-a-run"
    with pytest.raises(ModelError, match="standard"):
        models.resolve("nonsense")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="card"):
        models.resolve(str(tmp_path / "empty"))


def test_a_chosen_model_that_vanished_is_an_error_not_another_model(tmp_path):
    model = models.install(make_model(tmp_path / "run", "mine"))
    models.activate("mine")
    for file in model.folder.iterdir():
        file.unlink()
    model.folder.rmdir()
    with pytest.raises(ModelError, match="mine"):
        models.resolve()


@pytest.mark.parametrize("content", ["", "[]", '{"active": 3, "history": "x"}', '{"active": null}'])
def test_a_broken_choice_counts_as_none(content):
    path = paths.data_dir() / "active.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert models.active() == "standard"


@pytest.mark.parametrize("card", ["", "[]", '{"name": "x"}', '{"name": "x", "version": 1, "sha256": "0"}'])
def test_a_model_with_a_broken_card_is_listed_with_its_problem(tmp_path, bundled, card):
    folder = make_model(bundled / "broken", "broken")
    (folder / "card.json").write_text(card)
    broken = models.find("broken")
    assert "card" in broken.problem
    with pytest.raises(ModelError):
        models.verify(folder)


def test_without_any_model_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "bundled_models", lambda: tmp_path / "nothing")
    with pytest.raises(ModelError, match="models install"):
        models.resolve()
