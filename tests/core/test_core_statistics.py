"""The grouped bootstrap, and intervals at 0 and 1."""

import numpy as np
import pytest

from busi_viewer.core.metrics import aucs, weighted_mean, weighted_means
from busi_viewer.core.statistics import (
    GroupedBootstrap,
    auc_score_interval,
    effective_size,
    logit_interval,
    wilson,
)


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


def test_wilsons_interval_has_the_published_values():
    # Newcombe, Statistics in Medicine 17, 1998, table I
    for hits, n, expected in ((81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0, 0.1611))):
        assert wilson(hits / n, n) == pytest.approx(expected, abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.8830, 1), abs=5e-5)


def test_no_error_among_a_few_cases_is_not_certainty():
    hits = np.ones(13)
    found = GroupedBootstrap(range(13)).share(hits, np.ones(13))
    assert found.value == 1
    assert found.ci95 == pytest.approx(wilson(1, 13))
    none = GroupedBootstrap(range(13)).share(np.zeros(13), np.ones(13))
    assert none.ci95 == pytest.approx((0, 1 - found.ci95[0]))


def test_images_of_one_group_are_worth_less_than_independent_ones():
    rng = np.random.default_rng(2)
    per_patient = (rng.random(40) < 0.7).astype(float)
    alone = GroupedBootstrap(range(40)).share(per_patient, np.ones(40))
    hits = np.repeat(per_patient, 5)
    grouped = GroupedBootstrap(np.repeat(np.arange(40), 5)).share(hits, np.ones(200))
    naive = GroupedBootstrap(range(200)).share(hits, np.ones(200))
    width = {name: e.ci95[1] - e.ci95[0] for name, e in (("alone", alone), ("grouped", grouped), ("naive", naive))}
    assert width["grouped"] == pytest.approx(width["alone"], rel=0.15)
    assert width["naive"] < 0.6 * width["grouped"]
    perfect = GroupedBootstrap(np.repeat(np.arange(4), 50)).share(np.ones(200), np.ones(200))
    assert perfect.ci95 == pytest.approx(wilson(1, 4))


def test_the_effective_number_of_cases():
    assert effective_size(0.5, 100, 0.25 / 100, 100) == pytest.approx(100)
    assert effective_size(0.5, 100, 0.25 / 25, 100) == pytest.approx(25)
    assert effective_size(0.5, 100, 0.25 / 25, 5) < 25
    assert effective_size(0.5, 100, 0.25 / 400, 100) == 100
    assert effective_size(1.0, 100, 0.0, 7) == 7


def test_shares_of_resamples_cover_the_truth_about_95_times_in_100():
    rng, covered = np.random.default_rng(11), 0
    for seed in range(100):
        chance = rng.beta(9, 1, size=30)  # patients differ; the mean share is 0.9
        hits = (rng.random((30, 4)) < chance[:, None]).astype(float).ravel()
        boot = GroupedBootstrap(np.repeat(np.arange(30), 4), resamples=200, seed=seed)
        low, high = boot.share(hits, np.ones(120)).ci95
        covered += low <= 0.9 <= high
    assert covered >= 90


def test_a_perfect_auc_has_a_lower_bound_below_one():
    positive = np.arange(40) < 12
    scores = positive.astype(float)
    found = GroupedBootstrap(range(40)).auc(
        lambda rows: aucs(positive, scores, rows), positive.astype(float), (~positive).astype(float)
    )
    assert found.value == 1
    low, high = found.ci95
    assert 0.8 < low < 0.99
    assert high == 1
    assert auc_score_interval(1, 120, 280)[0] > low


def test_auc_intervals_agree_with_theory_in_the_middle_and_stay_inside():
    rng = np.random.default_rng(1)
    positive = np.arange(400) < 150
    scores = rng.normal(size=400) + 1.2 * positive
    boot = GroupedBootstrap(range(400))
    found = boot.auc(lambda rows: aucs(positive, scores, rows), positive.astype(float), (~positive).astype(float))
    assert found.ci95 == pytest.approx(auc_score_interval(found.value, 150, 250), abs=0.02)
    assert found.ci95 == pytest.approx(boot.estimate(lambda w: aucs(positive, scores, w[None])[0]).ci95, abs=0.01)
    low, high = logit_interval(0.999, 0.002)
    assert 0.9 < low < 0.999 < high < 1
    mirrored = auc_score_interval(0.2, 30, 50)
    assert auc_score_interval(0.8, 30, 50) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-6)


def test_a_mean_at_its_bound_is_as_unsure_as_a_share():
    boot = GroupedBootstrap(range(9))
    found = boot.bounded(lambda rows: weighted_means(np.ones(9), rows), np.ones(9))
    assert found.ci95 == pytest.approx(wilson(1, 9))
    inside = boot.bounded(lambda rows: weighted_means(np.linspace(0, 1, 9), rows), np.ones(9))
    assert inside == boot.percentile(lambda rows: weighted_means(np.linspace(0, 1, 9), rows))
