"""The running mean of the weights."""

import copy
import threading

import pytest
import torch
from recipe_kit import TINY_UNET, small_job

from busi_viewer.nets.registry import build
from busi_viewer.training.average import warm_average
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
    module = TrainingModule(build(recipe.architecture), recipe, 1, [], Listener().hear)
    module.validation.append("an image")
    made = copy.deepcopy(module)
    assert made.validation is module.validation
    assert made.report is module.report
    ours, theirs = (next(iter(one.network.parameters())) for one in (module, made))
    assert ours is not theirs
    assert torch.equal(ours, theirs)
