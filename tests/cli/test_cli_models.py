"""``busi-viewer models``."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest

from busi_viewer import cli, paths


def make_model(folder: Path, name: str) -> Path:
    header = json.dumps({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + b"\x01"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    card = {"schema": 1, "name": name, "version": "2.1", "sha256": hashlib.sha256(weights).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(autouse=True)
def bundled(tmp_path, monkeypatch):
    root = tmp_path / "bundled"
    make_model(root / "standard", "standard")
    monkeypatch.setattr(paths, "bundled_models", lambda: root)
    return root


def models(services, *words):
    return cli.main(["models", *map(str, words)], services)


def test_install_activate_list_show_rollback(tmp_path, services, capsys):
    source = make_model(tmp_path / "run", "mine")
    assert models(services, "install", source) == 0
    assert models(services, "activate", "mine") == 0
    capsys.readouterr()
    assert models(services, "list", "--json", tmp_path / "list.json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("*  mine  2.1  installed")
    assert lines[1].split()[0] == "standard"
    listed = json.loads((tmp_path / "list.json").read_text())
    assert listed["active"] == "mine"
    assert [m["bundled"] for m in listed["models"]] == [False, True]
    assert models(services, "show") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "mine"
    assert models(services, "show", "standard") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "standard"
    assert models(services, "rollback") == 0
    assert "standard" in capsys.readouterr().out
    assert models(services, "rollback") == 1


def test_verify_names_what_is_altered(services, bundled, capsys):
    assert models(services, "verify") == 0
    weights = bundled / "standard" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x02")
    assert models(services, "verify") == 3
    assert models(services, "verify", "standard") == 3
    assert "SHA-256" in capsys.readouterr().err


def test_a_pickle_is_refused(tmp_path, services, capsys):
    (tmp_path / "model.pt").write_bytes(pickle.dumps(1))
    assert models(services, "install", tmp_path / "model.pt") == 1
    assert "pickle" in capsys.readouterr().err


def test_unknown_names_are_exit_1_naming_the_known(services, capsys):
    for verb in ("show", "verify", "activate"):
        assert models(services, verb, "nonsense") in (1, 3)
        assert "standard" in capsys.readouterr().err


def test_a_damaged_choice_still_lists(tmp_path, services, capsys):
    models(services, "install", make_model(tmp_path / "run", "mine"))
    models(services, "activate", "mine")
    state = paths.data_dir() / "active.json"
    state.write_text("{broken")
    assert models(services, "list") == 0
    assert "*  standard" in capsys.readouterr().out
