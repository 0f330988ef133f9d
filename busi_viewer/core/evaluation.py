"""From results and truth to figures with 95 % intervals: the one definition of every number we state.

Dice, IoU, precision and recall are means over images with a lesion in truth, a missed lesion counts 0; HD95 is in
native pixels over hits (any common pixel), misses are counted apart; ``lesion_recall`` is the share of true connected
components met by a predicted one at IoU ≥ 0.5; a false alarm is any mask pixel on a normal image; specificity and pixel
accuracy are means over all images with a known mask; ``pixel_auc`` pools their pixels. Undefined is None.

Intervals: shares of images or lesions Wilson's on the effective number of cases, AUCs logit, other figures the percentile
bootstrap; see :mod:`busi_viewer.core.statistics`. That of the calibration error lies high, as resampling adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import metrics
from busi_viewer.core.cases import Case, Outline
from busi_viewer.core.results import CLASSES
from busi_viewer.core.statistics import UNKNOWN, Estimate, GroupedBootstrap

BENIGN = CLASSES.index("benign")
MALIGNANT = CLASSES.index("malignant")

Floats = NDArray[np.float64]


def figures(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """``segmentation`` and ``classification`` of the cases whose true mask, or class, is known."""
    return {
        "segmentation": _segmentation([case for case in cases if case.outline is not None]),
        "classification": _classification([case for case in cases if case.judged is not None], operating_point),
    }


def selective(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """The same figures with abstention on: over the images that were not withheld; ``coverage`` is their share."""
    kept = [case for case in cases if not case.abstained]
    boot = GroupedBootstrap([case.group for case in cases])
    coverage = boot.share(np.array([float(not case.abstained) for case in cases]), np.ones(len(cases)))
    return {**plain("coverage", entry(coverage)), "n": len(kept), **figures(kept, operating_point)}


def latency(cases: Sequence[Case]) -> dict[str, float | None]:
    """Median and 95th percentile of the time an image took, in ms."""
    times = [case.milliseconds for case in cases if case.milliseconds is not None]
    if not times:
        return {"median": None, "p95": None}
    return {"median": round(float(np.median(times)), 3), "p95": round(float(np.percentile(times, 95)), 3)}


def rounded(value: float | None) -> float | None:
    """Six decimals; None for what is undefined."""
    return None if value is None or not np.isfinite(value) else round(float(value), 6)


def entry(estimate: Estimate, name: str = "value") -> dict[str, Any]:
    """A figure as stored: {name: value, "ci95": [low, high] or None}."""
    interval = [rounded(v) for v in estimate.ci95] if estimate.ci95 else None
    return {name: rounded(estimate.value), "ci95": interval}


def plain(name: str, stored: dict[str, Any] | None) -> dict[str, Any]:
    """A figure that the contract wants as a plain number: ``name``, and its interval as ``name_ci95`` beside it."""
    return {name: stored["value"] if stored else None, f"{name}_ci95": stored["ci95"] if stored else None}


def floats(values: Sequence[float]) -> Floats:
    """As an array, also where there are none."""
    return np.array(values, dtype=np.float64)


def _mean(boot: GroupedBootstrap, values: Floats) -> Estimate:
    return boot.percentile(lambda rows: metrics.weighted_means(values, rows))


def _mean_share(boot: GroupedBootstrap, values: Floats) -> Estimate:
    """Mean of values in [0, 1] that are not NaN."""
    return boot.bounded(lambda rows: metrics.weighted_means(values, rows), (~np.isnan(values)).astype(np.float64))


def _spread(estimate: Estimate, values: Floats) -> dict[str, Any]:
    """Mean with its interval, median and standard deviation (n − 1) of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return {
        **entry(estimate, "mean"),
        "median": rounded(float(np.median(known))) if len(known) else None,
        "sd": rounded(float(np.std(known, ddof=1))) if len(known) > 1 else None,
    }


def _segmentation(cases: Sequence[Case]) -> dict[str, Any]:
    outlines = [case.outline for case in cases if case.outline is not None]
    boot = GroupedBootstrap([case.group for case in cases])
    counts = [outline.counts for outline in outlines]
    lesion = np.array([o.has_lesion for o in outlines], dtype=bool)
    normal = np.array([case.label == "normal" for case in cases], dtype=bool)
    missed = np.array([o.missed for o in outlines], dtype=bool)

    def per_lesion_image(value: Callable[[metrics.PixelCounts], float]) -> Floats:
        """NaN on images without a lesion; a missed lesion counts 0."""
        values = np.array([value(c) for c in counts], dtype=np.float64)
        return np.where(lesion, np.where(missed, 0.0, values), np.nan)

    def spread(values: Floats) -> dict[str, Any]:
        return _spread(_mean_share(boot, values), values)

    def share(name: str, values: Floats) -> dict[str, Any]:
        return plain(name, entry(_mean_share(boot, values)))

    distance = np.array([o.hd95 for o in outlines], dtype=np.float64)
    found = np.array([float(o.found) for o in outlines])
    lesions = np.array([float(o.lesions) for o in outlines])
    alarms = np.array([float(case.false_alarm) for case in cases])
    return {
        "n": len(cases),
        "n_lesion": int(lesion.sum()),
        "n_normal": int(normal.sum()),
        "lesions": int(lesions.sum()),
        "dice": spread(per_lesion_image(lambda c: c.dice)),
        "iou": spread(per_lesion_image(lambda c: c.iou)),
        "hd95_px": _spread(_mean(boot, distance), distance),
        **share("precision", per_lesion_image(lambda c: c.precision)),
        **share("recall", per_lesion_image(lambda c: c.recall)),
        **share("specificity", np.array([c.specificity for c in counts])),
        **share("pixel_accuracy", np.array([c.accuracy for c in counts])),
        **plain("pixel_auc", _pixel_auc(boot, outlines)),
        **plain("lesion_recall", entry(boot.share(found, lesions))),
        "missed": int(missed.sum()),
        "false_alarm_rate_normal": entry(boot.share(alarms, normal.astype(np.float64))),
    }


def _pixel_auc(boot: GroupedBootstrap, outlines: Sequence[Outline]) -> dict[str, Any] | None:
    """AUC over all pixels; None where the engine gives no pixel probabilities."""
    histograms = [o.histogram for o in outlines if o.histogram is not None]
    if not histograms or len(histograms) < len(outlines):
        return None
    inside = np.stack([h[0] for h in histograms]).astype(np.float64)
    outside = np.stack([h[1] for h in histograms]).astype(np.float64)
    estimate = boot.auc(
        lambda rows: metrics.binned_aucs(rows @ inside, rows @ outside), inside.sum(axis=1), outside.sum(axis=1)
    )
    return entry(estimate)


def _classification(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    boot = GroupedBootstrap([case.group for case in cases])
    p = np.array([case.probabilities for case in cases], dtype=np.float64).reshape(-1, len(CLASSES))
    truth = np.array([CLASSES.index(case.label) for case in cases if case.label is not None], dtype=np.int64)
    predicted = p.argmax(axis=1)
    above = np.array([float(case.above_operating_point) for case in cases])
    malignant = (truth == MALIGNANT).astype(np.float64)
    errors = metrics.squared_errors(p, truth)
    matrix = metrics.confusion(truth, predicted, len(CLASSES))
    return {
        "n": len(cases),
        "accuracy": entry(boot.share((truth == predicted).astype(np.float64), np.ones(len(cases)))),
        "macro_f1": entry(_macro_f1(boot, truth, predicted)),
        "per_class": {name: _of_class(boot, truth, predicted, number) for number, name in enumerate(CLASSES)},
        "auc_malignant_vs_rest": entry(_auc(boot, truth == MALIGNANT, truth != MALIGNANT, p[:, MALIGNANT])),
        "auc_malignant_vs_benign": entry(_auc(boot, truth == MALIGNANT, truth == BENIGN, p[:, MALIGNANT])),
        "average_precision_malignant": entry(
            boot.bounded(lambda rows: metrics.average_precisions(truth == MALIGNANT, p[:, MALIGNANT], rows), malignant)
        ),
        **plain("sensitivity_malignant", entry(boot.share(malignant * above, malignant))),
        **plain("specificity_malignant", entry(boot.share((1 - malignant) * (1 - above), 1 - malignant))),
        "operating_point": operating_point,
        "confusion": matrix.astype(int).tolist(),
        "classes": list(CLASSES),
        **plain("ece", entry(boot.percentile(lambda rows: metrics.eces(p, truth, rows)))),
        **plain("brier", entry(_mean(boot, errors))),
    }


def _macro_f1(boot: GroupedBootstrap, truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> Estimate:
    """Over the classes of the whole truth: undefined in a resample that lacks one, instead of easier."""
    present = np.unique(truth)
    if not len(present):
        return UNKNOWN

    def mean_of_f1(rows: Floats) -> Floats:
        f1 = metrics.per_class(metrics.confusions(truth, predicted, len(CLASSES), rows))[2]
        return np.asarray(f1[:, present].mean(axis=1), dtype=np.float64)

    return boot.bounded(mean_of_f1, np.ones(len(truth)))


def _of_class(
    boot: GroupedBootstrap, truth: NDArray[np.int64], predicted: NDArray[np.int64], number: int
) -> dict[str, Any]:
    """Precision, recall and F1 of one class; undefined where it is absent from the truth."""
    here, called = (truth == number).astype(np.float64), (predicted == number).astype(np.float64)
    hits = here * called
    precision = recall = f1 = UNKNOWN
    if here.any():
        precision = boot.share(hits, called) if called.any() else Estimate(0.0, None)
        recall = boot.share(hits, here)
        f1 = boot.bounded(
            lambda rows: metrics.ratios(2 * (rows @ hits), rows @ (here + called)), np.maximum(here, called)
        )
    return {
        "n": int(here.sum()),
        **plain("precision", entry(precision)),
        **plain("recall", entry(recall)),
        **plain("f1", entry(f1)),
    }


def _auc(boot: GroupedBootstrap, positive: NDArray[np.bool_], negative: NDArray[np.bool_], scores: Floats) -> Estimate:
    """AUC of the positive against the negative images; the others do not count."""
    used = positive | negative
    return boot.auc(
        lambda rows: metrics.aucs(positive[used], scores[used], rows[:, used]),
        positive.astype(np.float64),
        negative.astype(np.float64),
    )
