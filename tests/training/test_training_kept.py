"""Weights kept after chosen epochs: models of their own, drawn side by side for one image."""

import json

import cv2
import numpy as np
import pytest
import torch
from recipe_kit import MASK, OPEN, TINY_CNN, TINY_UNET, phantoms, small_job, split_file

from busi_viewer.bootstrap import main, services
from busi_viewer.core.errors import UsageError
from busi_viewer.nets.registry import load_model
from busi_viewer.training.gather import gather
from busi_viewer.training.run import make
from busi_viewer.workflow import epochs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four epochs of a small network that outlines, all of them kept."""
    place = tmp_path_factory.mktemp("kept")
    root = phantoms(place / "phantoms", 3)
    job = small_job(
        "unet-224",
        root,
        place / "run",
        {"architecture": TINY_UNET, "learning_rate": 1e-2},
        split=split_file(root, place / "split.csv"),
        epochs=4,
        keep_epochs=(1, 2, 3, 4),
    )
    job.out.mkdir()
    torch.manual_seed(0)
    network = make(job, gather(job, OPEN, MASK), lambda event: None).network
    return root, place / "run", network


def test_the_weights_of_chosen_epochs_are_models_of_their_own(run):
    _, folder, network = run
    there = epochs.kept(folder)
    assert list(there) == [1, 2, 3, 4]
    kept = [load_model(place) for place in there.values()]
    assert [card.training["epochs"] for _, card in kept] == [1, 2, 3, 4]
    weights = [np.concatenate([p.detach().numpy().ravel() for p in one.parameters()]) for one, _ in kept]
    assert not np.allclose(weights[0], weights[3], atol=1e-3)
    best = np.concatenate([p.detach().half().float().numpy().ravel() for p in network.parameters()])
    assert any(np.array_equal(best, one) for one in weights), "what was validated is what is kept, in half precision"
    assert not list((folder / "epochs").glob("*.part"))


def test_one_image_at_the_kept_epochs_as_a_figure(run, tmp_path, capsys):
    root, folder, _ = run
    image = root / "malignant" / "malignant (1).png"
    words = ["epochs", str(folder), str(image), "-o", str(tmp_path / "f.png"), "--json", str(tmp_path / "f.json")]
    assert main([*words, "--epochs", "4", "1"]) == 0
    figure = cv2.imread(str(tmp_path / "f.png"))
    assert figure.shape[1] == 3 * (120 + 12), "the image and two epochs"
    rows = json.loads((tmp_path / "f.json").read_text())["epochs"]
    assert [row["epoch"] for row in rows] == [1, 4]
    assert all(0 <= (row["heat_inside_outline"] or 0) <= 1 and row["probabilities"] is None for row in rows)
    one = epochs.Wish(folder, image, (4,), method="Eigen-CAM")
    assert [row["epoch"] for row in epochs.compare(one, tmp_path / "g.png", services(), lambda *_: None)] == [4]
    assert main([*words, "--epochs", "7"]) == 2
    assert "Kept: 1, 2, 3, 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "settings", "kept", "said"),
    [
        ("cnn-3m", {"architecture": TINY_CNN}, (5,), "1 to 3"),
        ("cnn-3m", {"validate_every": 2}, (3,), "every 2"),
        ("pipeline", {}, (1,), "joins networks"),
    ],
)
def test_epochs_that_cannot_be_kept_are_refused_before_anything_begins(tmp_path, recipe, settings, kept, said):
    with pytest.raises(UsageError, match=said):
        small_job(recipe, tmp_path, tmp_path / "run", settings, epochs=3, keep_epochs=kept)
