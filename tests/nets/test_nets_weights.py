"""Weights are safetensors, whole, and the ones the card speaks of."""

import pickle

import pytest
import torch

from busi_viewer.core.errors import ModelError
from busi_viewer.nets.card import WEIGHTS, Architecture, Card, InputSpec, read_card, write_card
from busi_viewer.nets.registry import build, load_model
from busi_viewer.nets.weights import load_tensors, save_tensors


def test_round_trip_in_half_precision(tmp_path):
    state = {"a": torch.randn(3, 4), "n": torch.tensor(7)}
    digest = save_tensors(tmp_path / "w.safetensors", state)
    back = load_tensors(tmp_path / "w.safetensors", digest)
    assert torch.equal(back["a"], state["a"].half())
    assert back["n"] == 7
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_altered_weights_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    digest = save_tensors(path, {"a": torch.ones(8)})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        load_tensors(path, digest)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff" * 16])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.safetensors"):
        load_tensors(path)


def test_a_pickle_is_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    for name in ("w.pt", "w.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ModelError):
            load_tensors(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def _folder(tmp_path, **changes):
    architecture = Architecture(name="multitask-unet-mobilenetv2")
    digest = save_tensors(tmp_path / WEIGHTS, dict(build(architecture).state_dict()))
    card = Card(
        name="t", version="1", architecture=architecture, input=InputSpec(size=64, flip=True),
        classes=("normal", "benign", "malignant"), sha256=digest,
    )  # fmt: skip
    write_card(tmp_path, card.model_copy(update=changes))
    return card


def test_model_folder_round_trip(tmp_path):
    card = _folder(tmp_path)
    network, read = load_model(tmp_path)
    assert read == card == read_card(tmp_path)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_unknown_architecture_names_the_known(tmp_path):
    _folder(tmp_path, architecture=Architecture(name="magic-net"))
    with pytest.raises(ModelError, match="multitask-unet-mobilenetv2"):
        load_model(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path):
    _folder(tmp_path, architecture=Architecture(name="multitask-unet-mobilenetv2", arguments={"hidden": 8}))
    with pytest.raises(ModelError, match="do not fit"):
        load_model(tmp_path)
