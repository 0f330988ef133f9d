"""The grouped bootstrap."""

import numpy as np
import pytest

from busi_viewer.core.metrics import weighted_mean
from busi_viewer.core.statistics import GroupedBootstrap


def mean_of(values):
    return lambda weights: weighted_mean(values, weights)


def test_independent_images_give_the_interval_of_theory():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    estimate = GroupedBootstrap(range(400), seed=1).estimate(mean_of(values))
    half = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.ci95[0] == pytest.approx(values.mean() - half, abs=0.04)
    assert estimate.ci95[1] == pytest.approx(values.mean() + half, abs=0.04)


def test_copies_of_an_image_do_not_make_a_figure_surer():
    values = np.random.default_rng(0).normal(size=50)
    alone = GroupedBootstrap(range(50)).estimate(mean_of(values))
    copied = GroupedBootstrap(np.repeat(np.arange(50), 10)).estimate(mean_of(np.repeat(values, 10)))
    naive = GroupedBootstrap(range(500)).estimate(mean_of(np.repeat(values, 10)))
    assert copied.ci95 == pytest.approx(alone.ci95)
    assert naive.ci95[1] - naive.ci95[0] < 0.5 * (copied.ci95[1] - copied.ci95[0])


def test_a_group_is_drawn_whole():
    weights = GroupedBootstrap([4, 7, 4, 9, 7], resamples=200).weights
    assert weights.shape == (200, 5)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.array_equal(weights[:, 1], weights[:, 4])
    assert np.array_equal(weights[:, [0, 1, 3]].sum(axis=1), np.full(200, 3))


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).normal(size=30)
    first, again, other = (GroupedBootstrap(range(30), seed=s).estimate(mean_of(values)) for s in (1, 1, 2))
    assert first == again
    assert first.ci95 != other.ci95


def test_unknown_stays_unknown():
    assert GroupedBootstrap([]).estimate(mean_of(np.zeros(0))).value is None
    one = GroupedBootstrap([3, 3, 3]).estimate(mean_of(np.array([1.0, 2.0, 3.0])))
    assert (one.value, one.ci95) == (2.0, None)
    nothing = GroupedBootstrap([1, 2]).estimate(mean_of(np.array([np.nan, np.nan])))
    assert (nothing.value, nothing.ci95) == (None, None)


def test_resamples_without_the_class_are_left_out():
    values = np.full(40, np.nan)
    values[:5] = [1, 2, 3, 4, 5]
    estimate = GroupedBootstrap(range(40)).estimate(mean_of(values))
    assert estimate.value == 3
    assert 1 <= estimate.ci95[0] < 3 < estimate.ci95[1] <= 5
