"""How well masks and class probabilities agree with the truth. Every value is a float; NaN = undefined.

Masks are (H, W) bool of equal shape. Where a function takes ``weights`` (N,), an image counts that many times: so
:mod:`busi_viewer.core.statistics` resamples. Functions named in the plural do it for many rows of weights (B, N) at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import remove_small

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOGIT_RANGE = (-17.0, 9.0)
"""Logits of the smallest float16 and of the largest below 1, rounded outwards: the range of a pixel histogram."""

ECE_BINS = 15
SPECK_PIXELS = 10
"""Smaller parts of a true mask are slips of the pen (BUSI has 17 single pixels), not lesions to be found."""


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of one image by truth and prediction."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN without a predicted pixel."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN), also called sensitivity; NaN without a true pixel."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP); NaN where the truth fills the image."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / all pixels."""
        return ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN) (Dice, Ecology 26, 1945); NaN if both masks are empty."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN) (Jaccard, New Phytologist 11, 1912); NaN if both masks are empty."""
        return ratio(self.tp, self.tp + self.fp + self.fn)


def ratio(part: float, whole: float) -> float:
    """The share ``part / whole``; NaN where the whole is 0."""
    return float(part) / float(whole) if whole else float("nan")


def ratios(part: Floats, whole: Floats) -> Floats:
    """:func:`ratio`, element by element."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0))


def pixel_counts(truth: Mask, predicted: Mask) -> PixelCounts:
    """Count pixels. Raises ValueError if the shapes differ."""
    if truth.shape != predicted.shape:
        raise ValueError(f"masks of shapes {truth.shape} and {predicted.shape} cannot be compared")
    tp = int(np.count_nonzero(truth & predicted))
    in_truth, in_prediction = int(np.count_nonzero(truth)), int(np.count_nonzero(predicted))
    fp, fn = in_prediction - tp, in_truth - tp
    return PixelCounts(tp, fp, fn, truth.size - tp - fp - fn)


def dice(truth: Mask, predicted: Mask) -> float:
    """Dice coefficient, see :attr:`PixelCounts.dice`."""
    return pixel_counts(truth, predicted).dice


def iou(truth: Mask, predicted: Mask) -> float:
    """Intersection over union, see :attr:`PixelCounts.iou`."""
    return pixel_counts(truth, predicted).iou


def surface(mask: Mask) -> Floats:
    """Centres (N, 2; y, x) of the mask's pixels that touch its outside (or the image's edge) by a side."""
    return np.argwhere(mask & ~binary_erosion(mask)).astype(np.float64)


def hd95(truth: Mask, predicted: Mask) -> float:
    """95th-percentile Hausdorff distance in pixels; NaN if either mask is empty.

    The larger of the two directed 95th percentiles of nearest-surface distances (Huttenlocher et al., IEEE TPAMI 15,
    1993, with the percentile in place of the maximum; the form of Maier-Hein et al., Nature Methods 21, 2024).
    """
    a, b = surface(truth), surface(predicted)
    if not len(a) or not len(b):
        return float("nan")
    there, _ = cKDTree(b).query(a)
    back, _ = cKDTree(a).query(b)
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def matched_lesions(truth: Mask, predicted: Mask, threshold: float = 0.5) -> tuple[int, int]:
    """(found, all) true lesions: an 8-connected component is found if a predicted one has IoU ≥ ``threshold``.

    Components of the truth below :data:`SPECK_PIXELS` are no lesions.
    """
    lesions, labels_t = cv2.connectedComponents(remove_small(truth, SPECK_PIXELS).astype(np.uint8), connectivity=8)
    candidates, labels_p = cv2.connectedComponents(predicted.astype(np.uint8), connectivity=8)
    pairs = np.bincount(labels_t.ravel() * candidates + labels_p.ravel(), minlength=lesions * candidates)
    both = pairs.reshape(lesions, candidates).astype(np.float64)
    union = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    overlap = (both / np.maximum(union, 1.0))[1:, 1:]
    found = int((overlap >= threshold).any(axis=1).sum()) if overlap.size else 0
    return found, lesions - 1


def auc(positive: NDArray[np.bool_], scores: Floats, weights: Floats | None = None) -> float:
    """Area under the ROC curve = P(score of a positive > of a negative) + ½ P(equal); NaN if a class is absent.

    Mann–Whitney statistic with ties (Hanley & McNeil, Radiology 143, 1982), O(N log N).
    """
    w = np.ones(len(scores)) if weights is None else weights
    return float(aucs(positive, scores, w[None])[0])


def aucs(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """:func:`auc` (B,) for each row of ``weights`` (B, N)."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    sides = (np.add.reduceat(weights[:, order] * side[order], starts, axis=1) for side in (positive, ~positive))
    return binned_aucs(*sides)


def average_precisions(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Σ (R_k − R_k−1) P_k over falling thresholds (Zhu 2004), (B,) for each row of ``weights`` (B, N); NaN without a positive."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(-scores[order], prepend=-np.inf))
    hits = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    called = np.cumsum(np.add.reduceat(weights[:, order], starts, axis=1), axis=1)
    precision = np.divide(np.cumsum(hits, axis=1), called, out=np.zeros_like(called), where=called > 0)
    return ratios((hits * precision).sum(axis=1), hits.sum(axis=1))


def binned_auc(positives: Floats, negatives: Floats) -> float:
    """AUC of counts per score bin, lowest score first; equal bins are ties. NaN if a class is absent."""
    return float(binned_aucs(positives, negatives))


def binned_aucs(positives: Floats, negatives: Floats) -> Floats:
    """:func:`binned_auc` of counts (..., bins)."""
    below = np.cumsum(negatives, axis=-1) - negatives
    wins = (positives * (below + 0.5 * negatives)).sum(axis=-1)
    return ratios(wins, positives.sum(axis=-1) * negatives.sum(axis=-1))


def probability_histogram(probability: NDArray[np.floating], bins: int = 256) -> NDArray[np.int64]:
    """Counts (bins,) of pixel probabilities, equally wide in logits, so that the many near 0 and 1 stay apart."""
    p = np.clip(probability.astype(np.float32), 1e-8, 1.0 - 1e-7)
    low, high = LOGIT_RANGE
    places = (np.log(p / (1.0 - p)) - low) * (bins / (high - low))
    index = np.clip(places, 0, bins - 1).astype(np.int64)
    return np.asarray(np.bincount(index.ravel(), minlength=bins), dtype=np.int64)


def confusion(truth: Ints, predicted: Ints, classes: int, weights: Floats | None = None) -> Floats:
    """(classes, classes) counts, rows = truth, columns = prediction."""
    w = np.ones(len(truth)) if weights is None else weights
    return np.asarray(confusions(truth, predicted, classes, w[None])[0], dtype=np.float64)


def confusions(truth: Ints, predicted: Ints, classes: int, weights: Floats) -> Floats:
    """:func:`confusion` (B, classes, classes) for each row of ``weights`` (B, N)."""
    cells = np.eye(classes * classes)[truth * classes + predicted]
    return np.asarray(weights @ cells, dtype=np.float64).reshape(-1, classes, classes)


def per_class(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 (..., classes) of confusion matrices; NaN for a class that is absent from the truth.

    A class in the truth that is never predicted has precision 0 and F1 0. F1 = 2 TP / (2 TP + FP + FN) (van Rijsbergen
    1979).
    """
    hits, in_truth, in_prediction = np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1), matrix.sum(axis=-2)
    there = np.where(in_truth > 0, 1.0, np.nan)
    precision = hits / np.maximum(in_prediction, 1e-12)
    recall = hits / np.maximum(in_truth, 1e-12)
    f1 = 2 * hits / np.maximum(in_truth + in_prediction, 1e-12)
    return precision * there, recall * there, f1 * there


def accuracy(matrix: Floats) -> float:
    """Share of images on the diagonal."""
    return ratio(float(np.trace(matrix)), float(matrix.sum()))


def top_bins(probabilities: Floats, bins: int = ECE_BINS) -> Ints:
    """The bin (N,) of each image's highest probability: ``bins`` equal parts of (0, 1], each with its upper end."""
    return np.asarray(np.clip(np.ceil(probabilities.max(axis=1) * bins) - 1, 0, bins - 1), dtype=np.int64)


def ece(probabilities: Floats, truth: Ints, weights: Floats | None = None, bins: int = ECE_BINS) -> float:
    """Expected calibration error of the top class over equal-width bins (Guo et al., ICML 2017).

    ``probabilities`` (N, classes), ``truth`` (N,) class numbers.
    """
    w = np.ones(len(truth)) if weights is None else weights
    return float(eces(probabilities, truth, w[None], bins)[0])


def eces(probabilities: Floats, truth: Ints, weights: Floats, bins: int = ECE_BINS) -> Floats:
    """:func:`ece` (B,) for each row of ``weights`` (B, N)."""
    if not len(truth):
        return np.full(len(weights), np.nan)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    gaps = np.eye(bins)[top_bins(probabilities, bins)] * (right - probabilities.max(axis=1))[:, None]
    return ratios(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))


def brier(probabilities: Floats, truth: Ints, weights: Floats | None = None) -> float:
    """Mean over images of the squared error summed over classes, in [0, 2] (Brier, Monthly Weather Review 78, 1950)."""
    return weighted_mean(squared_errors(probabilities, truth), weights)


def squared_errors(probabilities: Floats, truth: Ints) -> Floats:
    """What each image (N,) adds to the Brier score."""
    target = np.eye(probabilities.shape[1])[truth]
    return np.asarray(((probabilities - target) ** 2).sum(axis=1), dtype=np.float64)


def weighted_means(values: Floats, weights: Floats) -> Floats:
    """:func:`weighted_mean` (B,) for each row of ``weights`` (B, N)."""
    known = ~np.isnan(values)
    return ratios(weights[:, known] @ values[known], weights[:, known].sum(axis=1))


def weighted_mean(values: Floats, weights: Floats | None = None) -> float:
    """Mean of the values that are not NaN; NaN if there is none."""
    known = ~np.isnan(values)
    w = (np.ones(len(values)) if weights is None else weights)[known]
    return ratio(float(w @ values[known]), float(w.sum()))
