"""A model as one file: out and in again, and refused where anything was changed."""

import json
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from busi_viewer.core.errors import ModelError
from busi_viewer.workflow import model_file, models


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))


@pytest.fixture
def model(tmp_path):
    """A model's folder with weights and card."""
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"weight": np.arange(64, dtype=np.float32)}, folder / models.WEIGHTS)
    card = {"schema": 1, "name": "site-one", "version": "2.0", "sha256": models.sha256_of(folder / models.WEIGHTS)}
    (folder / models.CARD).write_text(json.dumps(card))
    return folder


def rewritten(source, target, change):
    """A copy of a zip whose parts went through ``change(name, data)``; None leaves a part out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def test_a_model_travels_as_one_file(model, tmp_path):
    file = tmp_path / "site-one.busimodel"
    digest = model_file.export(str(model), file)
    assert digest == models.sha256_of(file)
    installed = model_file.install(file)
    assert (installed.name, installed.version, installed.problem) == ("site-one", "2.0", "")
    for part in (models.CARD, models.WEIGHTS):
        assert (installed.folder / part).read_bytes() == (model / part).read_bytes()
    again = tmp_path / "again.busimodel"
    model_file.export("site-one", again)
    with zipfile.ZipFile(again) as archive:
        assert sorted(archive.namelist()) == ["card.json", "manifest.json", "model.safetensors"]


@pytest.mark.parametrize("part", [models.CARD, models.WEIGHTS])
def test_a_changed_part_is_refused(model, tmp_path, part):
    file = tmp_path / "good.busimodel"
    model_file.export(str(model), file)
    bad = rewritten(file, tmp_path / "bad.busimodel", lambda n, d: d[:-2] + b"x" + d[-1:] if n == part else d)
    with pytest.raises(ModelError, match=part):
        model_file.install(bad)
    assert not any(found.name == "site-one" for found in models.installed())


def test_weights_changed_together_with_the_manifest_still_fail_the_card(model, tmp_path):
    file = tmp_path / "good.busimodel"
    model_file.export(str(model), file)
    with zipfile.ZipFile(file) as archive:
        weights = bytearray(archive.read(models.WEIGHTS))
        manifest = json.loads(archive.read(model_file.MANIFEST))
    weights[-1] ^= 1
    (tmp_path / "w").write_bytes(weights)
    manifest["files"][models.WEIGHTS]["sha256"] = models.sha256_of(tmp_path / "w")
    parts = {models.WEIGHTS: bytes(weights), model_file.MANIFEST: json.dumps(manifest).encode()}
    bad = rewritten(file, tmp_path / "bad.busimodel", lambda n, d: parts.get(n, d))
    with pytest.raises(ModelError, match="the card says"):
        model_file.install(bad)


@pytest.mark.parametrize("extra", ["../evil", "model.pkl"])
def test_a_file_with_anything_else_in_it_is_refused(model, tmp_path, extra):
    file = tmp_path / "good.busimodel"
    model_file.export(str(model), file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(extra, b"x")
    with pytest.raises(ModelError, match="refused"):
        model_file.install(file)


def test_what_is_no_model_file_is_refused(model, tmp_path):
    (tmp_path / "words.busimodel").write_text("no zip")
    with pytest.raises(ModelError, match="refused"):
        model_file.install(tmp_path / "words.busimodel")
    file = tmp_path / "good.busimodel"
    model_file.export(str(model), file)
    cut = tmp_path / "cut.busimodel"
    cut.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ModelError, match="refused"):
        model_file.install(cut)
