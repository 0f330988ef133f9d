"""From results and truth to figures with 95 % intervals: the one definition of every number we state.

Dice, IoU, precision and recall are means over images with a lesion in truth, a missed lesion counts 0; HD95 is in
native pixels over hits (any common pixel), misses are counted apart; ``lesion_recall`` is the share of true connected
components met by a predicted one at IoU ≥ 0.5; a false alarm is any mask pixel on a normal image; specificity and pixel
accuracy are means over all images with a known mask; ``pixel_auc`` pools their pixels. Undefined is None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import metrics
from busi_viewer.core.image import Mask
from busi_viewer.core.results import CLASSES, FrameResult
from busi_viewer.core.statistics import Estimate, GroupedBootstrap

BENIGN = CLASSES.index("benign")
MALIGNANT = CLASSES.index("malignant")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outline:
    """How one mask compares with the truth. ``hd95`` is NaN without a common pixel.

    ``found`` of ``lesions`` true components were met; ``histogram`` (2, bins) counts the pixel probabilities inside and
    outside the true mask, or is None where the engine gives none.
    """

    counts: metrics.PixelCounts
    hd95: float
    found: int
    lesions: int
    histogram: NDArray[np.int64] | None


@dataclass(frozen=True)
class Case:
    """What is kept of one evaluated image: numbers, no pixels. ``label`` or ``outline`` is None where truth is unknown.

    ``group`` is the patient's, or that of the image's near-duplicates: images of one group are resampled together.
    """

    group: int
    label: str | None
    probabilities: tuple[float, float, float]
    above_operating_point: bool
    abstained: bool
    milliseconds: float | None
    outline: Outline | None


def compare(frame: FrameResult, truth: Mask) -> Outline:
    """Compare a frame's mask and pixel probabilities with the true mask (H, W) at native size."""
    counts = metrics.pixel_counts(truth, frame.mask)
    found, lesions = metrics.matched_lesions(truth, frame.mask)
    histogram = None
    if frame.probability is not None:
        sides = (frame.probability[truth], frame.probability[~truth])
        histogram = np.stack([metrics.probability_histogram(side) for side in sides])
    distance = metrics.hd95(truth, frame.mask) if counts.tp else float("nan")
    return Outline(counts, distance, found, lesions, histogram)


def figures(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """``segmentation`` and ``classification`` of the cases whose true mask, or class, is known."""
    return {
        "segmentation": _segmentation([case for case in cases if case.outline is not None]),
        "classification": _classification([case for case in cases if case.label is not None], operating_point),
    }


def selective(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """The same figures with abstention on: over the images that were not withheld; ``coverage`` is their share."""
    kept = [case for case in cases if not case.abstained]
    return {"coverage": len(kept) / len(cases) if cases else None, "n": len(kept), **figures(kept, operating_point)}


def latency(cases: Sequence[Case]) -> dict[str, float | None]:
    """Median and 95th percentile of the time an image took, in ms."""
    times = [case.milliseconds for case in cases if case.milliseconds is not None]
    if not times:
        return {"median": None, "p95": None}
    return {"median": round(float(np.median(times)), 3), "p95": round(float(np.percentile(times, 95)), 3)}


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)


def _entry(estimate: Estimate, name: str = "value") -> dict[str, Any]:
    interval = [_rounded(v) for v in estimate.ci95] if estimate.ci95 else None
    return {name: _rounded(estimate.value), "ci95": interval}


def _plain(name: str, entry: dict[str, Any] | None) -> dict[str, Any]:
    """A figure that the contract wants as a plain number: ``name``, and its interval as ``name_ci95`` beside it."""
    return {name: entry["value"] if entry else None, f"{name}_ci95": entry["ci95"] if entry else None}


def _mean_of(boot: GroupedBootstrap, values: Floats, name: str = "value") -> dict[str, Any]:
    return _entry(boot.estimate(lambda weights: metrics.weighted_mean(values, weights)), name)


def _spread(boot: GroupedBootstrap, values: Floats) -> dict[str, Any]:
    """Mean with its interval, median and standard deviation (n − 1) of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return {
        **_mean_of(boot, values, "mean"),
        "median": _rounded(float(np.median(known))) if len(known) else None,
        "sd": _rounded(float(np.std(known, ddof=1))) if len(known) > 1 else None,
    }


def _segmentation(cases: Sequence[Case]) -> dict[str, Any]:
    outlines = [case.outline for case in cases if case.outline is not None]
    boot = GroupedBootstrap([case.group for case in cases])
    counts = [outline.counts for outline in outlines]
    lesion = np.array([c.tp + c.fn > 0 for c in counts], dtype=bool)
    normal = np.array([case.label == "normal" for case in cases], dtype=bool)
    missed = lesion & np.array([c.tp == 0 for c in counts], dtype=bool)

    def per_lesion_image(value: Callable[[metrics.PixelCounts], float]) -> Floats:
        """NaN on images without a lesion; a missed lesion counts 0."""
        values = np.array([value(c) for c in counts], dtype=np.float64)
        return np.where(lesion, np.where(missed, 0.0, values), np.nan)

    alarms = np.where(normal, np.array([float(c.tp + c.fp > 0) for c in counts]), np.nan)
    found = np.array([float(o.found) for o in outlines])
    lesions = np.array([float(o.lesions) for o in outlines])
    return {
        "n": len(cases),
        "n_lesion": int(lesion.sum()),
        "n_normal": int(normal.sum()),
        "dice": _spread(boot, per_lesion_image(lambda c: c.dice)),
        "iou": _spread(boot, per_lesion_image(lambda c: c.iou)),
        "hd95_px": _spread(boot, np.array([o.hd95 for o in outlines])),
        **_plain("precision", _mean_of(boot, per_lesion_image(lambda c: c.precision))),
        **_plain("recall", _mean_of(boot, per_lesion_image(lambda c: c.recall))),
        **_plain("specificity", _mean_of(boot, np.array([c.specificity for c in counts]))),
        **_plain("pixel_accuracy", _mean_of(boot, np.array([c.accuracy for c in counts]))),
        **_plain("pixel_auc", _pixel_auc(boot, outlines)),
        **_plain(
            "lesion_recall",
            _entry(boot.estimate(lambda w: metrics.ratio(float(w @ found), float(w @ lesions)))),
        ),
        "missed": int(missed.sum()),
        "false_alarm_rate_normal": _mean_of(boot, alarms),
    }


def _pixel_auc(boot: GroupedBootstrap, outlines: Sequence[Outline]) -> dict[str, Any] | None:
    """AUC over all pixels; None where the engine gives no pixel probabilities."""
    histograms = [o.histogram for o in outlines if o.histogram is not None]
    if not histograms or len(histograms) < len(outlines):
        return None
    inside = np.stack([h[0] for h in histograms]).astype(np.float64)
    outside = np.stack([h[1] for h in histograms]).astype(np.float64)
    return _entry(boot.estimate(lambda w: metrics.binned_auc(w @ inside, w @ outside)))


def _classification(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    boot = GroupedBootstrap([case.group for case in cases])
    p = np.array([case.probabilities for case in cases], dtype=np.float64).reshape(-1, len(CLASSES))
    truth = np.array([CLASSES.index(case.label) for case in cases if case.label is not None], dtype=np.int64)
    predicted = p.argmax(axis=1)
    above = np.array([float(case.above_operating_point) for case in cases])
    present = np.unique(truth)
    malignant, lesion = truth == MALIGNANT, (truth == MALIGNANT) | (truth == BENIGN)

    def matrix(weights: Floats) -> Floats:
        return metrics.confusion(truth, predicted, len(CLASSES), weights)

    def entry(statistic: Callable[[Floats], float]) -> dict[str, Any]:
        return _entry(boot.estimate(statistic))

    def macro_f1(weights: Floats) -> float:
        """Over the classes of the whole truth: undefined in a resample that lacks one, instead of easier."""
        return float(metrics.per_class(matrix(weights))[2][present].mean()) if len(present) else float("nan")

    def of_class(number: int) -> dict[str, Any]:
        values = {
            name: entry(lambda w, k=kind: float(metrics.per_class(matrix(w))[k][number]))  # type: ignore[misc]
            for kind, name in enumerate(("precision", "recall", "f1"))
        }
        plain = [_plain(name, value) for name, value in values.items()]
        return {"n": int((truth == number).sum()), **plain[0], **plain[1], **plain[2]}

    return {
        "n": len(cases),
        "accuracy": entry(lambda w: metrics.accuracy(matrix(w))),
        "macro_f1": entry(macro_f1),
        "per_class": {name: of_class(number) for number, name in enumerate(CLASSES)},
        "auc_malignant_vs_rest": entry(lambda w: metrics.auc(malignant, p[:, MALIGNANT], w)),
        "auc_malignant_vs_benign": entry(lambda w: metrics.auc(malignant[lesion], p[lesion, MALIGNANT], w[lesion])),
        **_plain("sensitivity_malignant", _mean_of(boot, np.where(malignant, above, np.nan))),
        **_plain("specificity_malignant", _mean_of(boot, np.where(malignant, np.nan, 1.0 - above))),
        "operating_point": operating_point,
        "confusion": matrix(np.ones(len(cases))).astype(int).tolist(),
        "classes": list(CLASSES),
        **_plain("ece", entry(lambda w: metrics.ece(p, truth, w))),
        **_plain("brier", entry(lambda w: metrics.brier(p, truth, w))),
    }
