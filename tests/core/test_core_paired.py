"""Two models on the same images."""

import numpy as np
import pytest
from scipy.stats import binomtest

from busi_viewer.core.cases import Case, Outline
from busi_viewer.core.metrics import PixelCounts, weighted_means
from busi_viewer.core.paired import compare, difference, mcnemar
from busi_viewer.core.statistics import GroupedBootstrap


def test_mcnemar_by_hand():
    first = np.array([True] * 10 + [False] * 2 + [True] * 5 + [False] * 3)
    second = np.array([False] * 10 + [True] * 2 + [True] * 5 + [False] * 3)
    found = mcnemar(first, second)
    assert (found["n"], found["both"], found["only_first"], found["only_second"], found["neither"]) == (20, 5, 10, 2, 3)
    assert found["p"] == pytest.approx(2 * (1 + 12 + 66) / 2**12, abs=1e-6)
    assert found["p"] == pytest.approx(binomtest(2, 12).pvalue, abs=1e-6)


def test_mcnemar_without_disagreement_or_images():
    same = np.array([True, False, True])
    assert mcnemar(same, same)["p"] == 1
    assert mcnemar(np.zeros(0, bool), np.zeros(0, bool))["p"] is None
    assert mcnemar(np.array([True, False]), np.array([False, True]))["p"] == 1


def mean_of(values):
    return lambda rows: weighted_means(values, rows)


def test_a_paired_difference_is_surer_than_two_single_figures():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 1, 200)
    first, second = hard + 0.2 + rng.normal(0, 0.1, 200), hard
    boot = GroupedBootstrap(range(200))
    found = difference(boot, mean_of(first), mean_of(second))
    assert found["difference"] == pytest.approx(0.2, abs=0.03)
    assert found["ci95"][0] > 0.15
    assert found["p"] == pytest.approx(2 / 1001, abs=1e-6)
    low, high = boot.percentile(mean_of(first)).ci95
    assert found["ci95"][1] - found["ci95"][0] < 0.3 * (high - low)


def test_equal_models_do_not_differ_and_unknown_stays_unknown():
    values = np.random.default_rng(1).normal(size=30)
    boot = GroupedBootstrap(range(30))
    same = difference(boot, mean_of(values), mean_of(values))
    assert (same["difference"], same["ci95"], same["p"]) == (0, [0, 0], 1)
    nothing = difference(boot, mean_of(np.full(30, np.nan)), mean_of(values))
    assert (nothing["first"], nothing["difference"], nothing["ci95"], nothing["p"]) == (None, None, None, None)


def case(number, label, malignant, tp):
    counts = PixelCounts(tp, 10 - tp, 10 - tp, 80) if label != "normal" else PixelCounts(0, 0, 0, 100)
    rest = 1 - malignant
    p = (0.9 * rest, 0.1 * rest, malignant) if label == "normal" else (0.1 * rest, 0.9 * rest, malignant)
    return Case(number, label, p, malignant >= 0.5, False, 1.0, Outline(counts, 0.0, 1, 1, None), f"s/{number}")


def test_all_figures_of_two_models_are_compared():
    labels = ["malignant", "benign", "normal"] * 20
    good = [case(i, label, 0.8 if label == "malignant" else 0.1, 9) for i, label in enumerate(labels)]
    poor = [case(i, label, 0.8 if i % 2 else 0.2, 6) for i, label in enumerate(labels)]
    found = compare(good, poor, range(60))
    assert found["differences"]["dice"]["difference"] == pytest.approx(0.3)
    assert found["differences"]["auc_malignant_vs_rest"]["difference"] == pytest.approx(0.5, abs=0.01)
    assert found["differences"]["false_alarm_rate_normal"]["difference"] == 0
    detected = found["mcnemar"]["malignant_detected"]
    assert (detected["n"], detected["only_first"], detected["only_second"]) == (20, 10, 0)
    assert found["mcnemar"]["other_spared"]["n"] == 40
    assert found["mcnemar"]["correct_class"]["n"] == 60
    for name, entry in found["differences"].items():
        assert entry["p"] is None or 0 < entry["p"] <= 1, name
        assert entry["first"] - entry["second"] == pytest.approx(entry["difference"], abs=2e-6), name
