"""The running mean of the weights, and the precision of the steps that change them."""

import copy
import threading

import numpy as np
import pytest
import torch
from recipe_kit import TINY_UNET, small_job

from busi_viewer.nets.registry import build
from busi_viewer.training.average import warm_average
from busi_viewer.training.data import Item
from busi_viewer.training.fit import fit
from busi_viewer.training.module import TrainingModule


def mean_after(steps, decay, start=0.0):
    mean = [torch.full((2,), start)]
    for done in range(steps):
        warm_average(decay)(mean, [torch.ones(2)], torch.tensor(done))
    return float(mean[0][0])


def test_a_short_run_forgets_what_it_began_with():
    assert mean_after(60, 0.995) > 0.99


def test_a_long_run_averages_at_the_pace_asked_for():
    mean = [torch.zeros(1)]
    warm_average(0.9)(mean, [torch.ones(1)], torch.tensor(100_000))
    assert float(mean[0]) == pytest.approx(0.1)


class Listener:
    """Hears a run and holds what cannot be copied, as a search's storage is."""

    def __init__(self):
        self.lock = threading.Lock()

    def hear(self, event):
        """Nothing to do."""


def test_the_copy_that_is_averaged_shares_the_images_and_whoever_listens(tmp_path):
    recipe = small_job("unet-224", tmp_path, tmp_path / "out", {"architecture": TINY_UNET}).recipe
    module = TrainingModule(build(recipe.architecture), recipe, [], Listener().hear)
    module.validation.append("an image")
    made = copy.deepcopy(module)
    assert made.validation is module.validation
    assert made.report is module.report
    ours, theirs = (next(iter(one.network.parameters())) for one in (module, made))
    assert ours is not theirs
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("precision", "half"), [("bf16", True), ("full", False)])
def test_steps_are_made_in_the_recipes_precision_on_images_that_keep_theirs(tmp_path, precision, half):
    blur = [{"kind": "gaussian", "sigma": 0.7}]
    settings = {"architecture": TINY_UNET, "mask_losses": ["dice"], "input.preprocess": blur, "precision": precision}
    job = small_job("unet-224", tmp_path, tmp_path / "out", settings)
    rng = np.random.default_rng(0)
    items = []
    for number in range(4):
        grey, mask = rng.integers(0, 255, (64, 64)).astype(np.uint8), np.zeros((64, 64), np.uint8)
        mask[8:24, 8:24] = 1
        items.append(Item(f"set/{number}", grey, mask, 1, grey, mask.astype(bool)))
    network, given, made = build(job.recipe.architecture), set(), set()
    network.register_forward_hook(lambda _module, inputs, _output: given.add(inputs[0].dtype))
    network.body.head.register_forward_hook(lambda _module, _inputs, output: made.add(output.dtype))
    fit(job, items, items, lambda event: None, network)
    assert given == {torch.float32}
    assert (torch.bfloat16 in made) == half
