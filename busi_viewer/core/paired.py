"""Two models on the same images, and whether their difference is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from busi_viewer.core import metrics
from busi_viewer.core.cases import Case
from busi_viewer.core.evaluation import BENIGN, MALIGNANT, floats, rounded
from busi_viewer.core.results import CLASSES
from busi_viewer.core.statistics import GroupedBootstrap, Statistics

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def mcnemar(first: Bools, second: Bools) -> dict[str, Any]:
    """McNemar's exact test of whether the images (N,) that only one of two models gets right are as often the one's.

    Two-sided binomial test of the discordant pairs at ½ (McNemar, Psychometrika 12, 1947; Fay, Biostatistics 11, 2010). It
    takes images for independent; ``p`` is None without images and 1 without discordant ones.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    discordant = only_first + only_second
    p = min(1.0, 2 * float(binom.cdf(min(only_first, only_second), discordant, 0.5))) if discordant else 1.0
    return {
        "n": len(first),
        "both": int((first & second).sum()),
        "only_first": only_first,
        "only_second": only_second,
        "neither": int((~first & ~second).sum()),
        "p": rounded(p) if len(first) else None,
    }


def difference(boot: GroupedBootstrap, first: Statistics, second: Statistics) -> dict[str, Any]:
    """Figure of the first model − that of the second with its 95 % interval, both from the same grouped resamples.

    ``p`` is twice the share of resamples on the far side of zero, (1 + k) / (1 + B) (Davison & Hinkley 1997, §4.4); the
    smallest that 1,000 resamples can give is 0.002. None where undefined.
    """
    ones = np.ones((1, boot.weights.shape[1]))
    values = [float(statistic(ones)[0]) for statistic in (first, second)]
    found: dict[str, Any] = {"first": rounded(values[0]), "second": rounded(values[1])}
    gap = values[0] - values[1]
    draws = first(boot.weights) - second(boot.weights)
    draws = draws[~np.isnan(draws)]
    if np.isnan(gap) or 2 * len(draws) <= len(boot.weights):
        return {**found, "difference": rounded(gap), "ci95": None, "p": None}
    low, high = np.percentile(draws, [2.5, 97.5])
    beyond = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    p = min(1.0, 2 * (1 + beyond) / (1 + len(draws)))
    return {**found, "difference": rounded(gap), "ci95": [rounded(low), rounded(high)], "p": rounded(p)}


def compare(first: Sequence[Case], second: Sequence[Case], groups: Sequence[int]) -> dict[str, Any]:
    """Tests and differences between two models' cases of the same images in the same order; ``groups`` as resampled."""
    labelled = [i for i, case in enumerate(first) if case.label is not None]
    pairs = [(first[i], second[i]) for i in labelled]

    def both(holds: Callable[[Case], bool], among: Callable[[Case], bool] = lambda case: True) -> tuple[Bools, Bools]:
        kept = [pair for pair in pairs if among(pair[0])]
        return np.array([holds(a) for a, _ in kept], dtype=bool), np.array([holds(b) for _, b in kept], dtype=bool)

    boot = GroupedBootstrap(list(groups))
    ones, twos = _statistics(first), _statistics(second)
    return {
        "mcnemar": {
            "correct_class": mcnemar(*both(lambda case: case.prediction == case.label)),
            "malignant_detected": mcnemar(
                *both(lambda case: case.above_operating_point, lambda case: case.label == "malignant")
            ),
            "other_spared": mcnemar(
                *both(lambda case: not case.above_operating_point, lambda case: case.label != "malignant")
            ),
        },
        "differences": {name: difference(boot, ones[name], twos[name]) for name in ones},
    }


def _statistics(cases: Sequence[Case]) -> Mapping[str, Statistics]:
    """The figures that are compared, each over all cases: those that do not count for one weigh nothing in it."""
    label = np.array([CLASSES.index(case.judged) if case.judged is not None else -1 for case in cases], dtype=np.int64)
    known = label >= 0
    p = np.array([case.probabilities for case in cases], dtype=np.float64).reshape(-1, len(CLASSES))
    above = floats([float(case.above_operating_point) for case in cases])
    malignant = label == MALIGNANT
    right = np.where(known, (p.argmax(axis=1) == label).astype(np.float64), np.nan)

    def mean(values: Floats) -> Statistics:
        return lambda rows: metrics.weighted_means(values, rows)

    def auc(used: Bools) -> Statistics:
        return lambda rows: metrics.aucs(malignant[used], p[used, MALIGNANT], rows[:, used])

    def macro_f1(rows: Floats) -> Floats:
        matrices = metrics.confusions(label[known], p[known].argmax(axis=1), len(CLASSES), rows[:, known])
        present = np.unique(label[known])
        if not len(present):
            return np.full(len(rows), np.nan)
        return np.asarray(metrics.per_class(matrices)[2][:, present].mean(axis=1), dtype=np.float64)

    outlines = [case.outline for case in cases]
    return {
        "dice": mean(floats([o.dice if o is not None else np.nan for o in outlines])),
        "iou": mean(floats([o.iou if o is not None else np.nan for o in outlines])),
        "false_alarm_rate_normal": mean(
            floats([float(c.false_alarm) if c.label == "normal" and c.outline is not None else np.nan for c in cases])
        ),
        "auc_malignant_vs_rest": auc(known),
        "auc_malignant_vs_benign": auc(malignant | (label == BENIGN)),
        "sensitivity_malignant": mean(np.where(malignant, above, np.nan)),
        "specificity_malignant": mean(np.where(known & ~malignant, 1 - above, np.nan)),
        "accuracy": mean(right),
        "macro_f1": macro_f1,
    }
