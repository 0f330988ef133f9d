"""The running mean of the weights."""

import pytest
import torch

from busi_viewer.training.average import warm_average


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
