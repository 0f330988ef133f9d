"""Curves and tables behind the figures: ROC, precision and recall, reliability, operating points, agreement of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import metrics
from busi_viewer.core.cases import Case
from busi_viewer.core.evaluation import MALIGNANT, entry, rounded
from busi_viewer.core.results import CLASSES
from busi_viewer.core.statistics import Estimate, GroupedBootstrap, Z

Floats = NDArray[np.float64]

THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Thresholds on p(malignant) of the operating curve, beside the model's own."""

MALIGNANT_BINS = 10


def malignant_scores(cases: Sequence[Case]) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each labelled image is malignant, and its p(malignant)."""
    labelled = [case for case in cases if case.judged is not None]
    truth = np.array([case.label == "malignant" for case in labelled], dtype=bool)
    return truth, np.array([case.probabilities[MALIGNANT] for case in labelled], dtype=np.float64)


def roc(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """False- and true-positive rates from (0, 0) to (1, 1); empty if a class is absent."""
    if not positive.any() or positive.all():
        return np.zeros(0), np.zeros(0)
    hits, alarms = _cumulated(positive, scores)
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])


def precision_recall(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Recall and precision at each falling threshold; empty without a positive image."""
    if not positive.any():
        return np.zeros(0), np.zeros(0)
    hits, alarms = _cumulated(positive, scores)
    return hits / hits[-1], hits / (hits + alarms)


def _cumulated(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Positives and negatives at or above each distinct score, from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits = np.cumsum(positive[order]).astype(np.float64)
    return hits[ends], (ends + 1) - hits[ends]


def _row(*values: float | None) -> list[float | None]:
    return [rounded(value) for value in values]


def _interval(estimate: Estimate) -> tuple[float | None, float | None]:
    return estimate.ci95 if estimate.ci95 else (None, None)


def reliability(cases: Sequence[Case]) -> dict[str, Any]:
    """How often what was stated came true: bins of p(malignant), and bins of the top class's probability as the ECE has them.

    Rows of bins that hold images: lower end, upper end, n, mean stated probability, observed share and its 95 % interval.
    """
    labelled = [case for case in cases if case.judged is not None]
    boot = GroupedBootstrap([case.group for case in labelled])
    p = np.array([case.probabilities for case in labelled], dtype=np.float64).reshape(-1, len(CLASSES))
    malignant, scores = malignant_scores(cases)
    right = np.array([case.prediction == case.label for case in labelled], dtype=bool)
    place = np.clip((scores * MALIGNANT_BINS).astype(np.int64), 0, MALIGNANT_BINS - 1)
    top = metrics.top_bins(p)
    return {
        "columns": ["from", "to", "n", "stated", "observed", "low", "high"],
        "malignant": _bins(boot, place, MALIGNANT_BINS, scores, malignant),
        "top_class": _bins(boot, top, metrics.ECE_BINS, p.max(axis=1) if len(p) else scores, right),
    }


def _bins(
    boot: GroupedBootstrap, place: NDArray[np.int64], bins: int, stated: Floats, came_true: NDArray[np.bool_]
) -> list[list[float | None]]:
    rows = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            found = boot.share((inside & came_true).astype(np.float64), inside.astype(np.float64))
            n, mean = int(inside.sum()), float(stated[inside].mean())
            ends = number / bins, (number + 1) / bins
            rows.append([*_row(*ends), n, *_row(mean, found.value, *_interval(found))])
    return rows


def operating_curve(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """Sensitivity and specificity for malignant, with 95 % intervals, at a few thresholds: the model's own and THRESHOLDS."""
    labelled = [case for case in cases if case.judged is not None]
    boot = GroupedBootstrap([case.group for case in labelled])
    malignant, scores = malignant_scores(cases)
    sick, well = malignant.astype(np.float64), (~malignant).astype(np.float64)
    rows = []
    for threshold in sorted({*THRESHOLDS, *([operating_point] if operating_point is not None else [])}):
        above = (scores >= threshold).astype(np.float64)
        hit, spared = boot.share(sick * above, sick), boot.share(well * (1 - above), well)
        rows.append(_row(threshold, hit.value, *_interval(hit), spared.value, *_interval(spared)))
    return {
        "n_malignant": int(sick.sum()),
        "n_other": int(well.sum()),
        "columns": ["threshold", "sensitivity", "low", "high", "specificity", "low", "high"],
        "rows": rows,
    }


def axis_pairs(cases: Sequence[Case], unit: str) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """True and outlined long axes (N,) in ``px`` or ``mm``, and the images' groups, where both are known."""
    found: list[tuple[float, float, int]] = []
    for case in cases:
        if case.outline is not None and case.outline.true_axis is not None and case.outline.axis is not None:
            true, outlined = (getattr(axis, unit) for axis in (case.outline.true_axis, case.outline.axis))
            if true is not None and outlined is not None:
                found.append((true, outlined, case.group))
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.int64)


def long_axis(cases: Sequence[Case]) -> dict[str, Any]:
    """Agreement of the long axis, outlined − true, in ``px`` and ``mm`` (Bland & Altman, Lancet 327, 1986).

    Bias, limits of agreement (bias ± 1.96 SD) and their 95 % intervals, over images where the largest lesion was met.
    """
    return {unit: _agreement(*axis_pairs(cases, unit)) for unit in ("px", "mm")}


def _agreement(true: Floats, outlined: Floats, groups: NDArray[np.int64]) -> dict[str, Any]:
    boot = GroupedBootstrap([int(group) for group in groups])
    gap = outlined - true

    def at(deviations: float) -> Estimate:
        def statistic(rows: Floats) -> Floats:
            mean = metrics.weighted_means(gap, rows)
            n = rows.sum(axis=1)
            square = metrics.weighted_means(gap**2, rows) - mean**2
            return np.asarray(mean + deviations * np.sqrt(np.maximum(square, 0) * n / np.maximum(n - 1, 1)))

        return boot.percentile(statistic)

    return {
        "n": len(gap),
        "bias": entry(at(0.0)),
        "lower_limit": entry(at(-Z)),
        "upper_limit": entry(at(Z)),
        "sd": rounded(float(gap.std(ddof=1))) if len(gap) > 1 else None,
    }
