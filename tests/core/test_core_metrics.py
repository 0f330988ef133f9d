"""Metrics: cases computed by hand, properties, and independent formulas."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from busi_viewer.core import metrics

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=16)


@st.composite
def pairs(draw):
    shape = draw(SHAPES)
    return draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def box(y0, x0, y1, x1, shape=(20, 20)):
    mask = np.zeros(shape, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_overlap_by_hand():
    counts = metrics.pixel_counts(box(0, 0, 4, 4), box(0, 2, 4, 6))
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == (8, 8, 8, 376)
    assert counts.dice == 0.5
    assert counts.iou == pytest.approx(1 / 3)
    assert counts.precision == counts.recall == 0.5
    assert counts.specificity == pytest.approx(376 / 384)
    assert counts.accuracy == pytest.approx(384 / 400)


@given(pairs())
def test_overlap_properties(pair):
    truth, predicted = pair
    counts = metrics.pixel_counts(truth, predicted)
    assert counts.tp + counts.fp + counts.fn + counts.tn == truth.size
    assert counts.accuracy == pytest.approx((truth == predicted).mean())
    if truth.any() or predicted.any():
        assert 0 <= counts.iou <= counts.dice <= 1
        assert counts.dice == pytest.approx(2 * counts.iou / (1 + counts.iou))
        assert metrics.dice(truth, predicted) == metrics.dice(predicted, truth)
        assert (counts.dice == 1) == bool(np.array_equal(truth, predicted))
    else:
        assert np.isnan(counts.dice)


def test_masks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        metrics.dice(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


def test_hausdorff_of_a_shifted_box_is_the_shift():
    assert metrics.hd95(box(5, 5, 10, 10), box(5, 9, 10, 14)) == pytest.approx(4)
    assert metrics.hd95(box(5, 5, 10, 10), box(5, 5, 10, 10)) == 0
    assert np.isnan(metrics.hd95(box(5, 5, 10, 10), box(0, 0, 0, 0)))


def test_hausdorff_leaves_out_the_worst_twentieth():
    truth = box(2, 2, 18, 18)
    spiked = truth.copy()
    spiked[10, 18:20] = True
    assert metrics.hd95(truth, spiked) == 0
    assert metrics.hd95(truth, box(2, 2, 18, 20)) == 2


@given(pairs())
def test_hausdorff_is_symmetric_and_agrees_with_brute_force(pair):
    truth, predicted = pair
    assume(truth.any() and predicted.any())
    a, b = metrics.surface(truth), metrics.surface(predicted)
    apart = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    expected = max(np.percentile(apart.min(1), 95), np.percentile(apart.min(0), 95))
    assert metrics.hd95(truth, predicted) == pytest.approx(expected)
    assert metrics.hd95(predicted, truth) == pytest.approx(expected)


def test_each_true_lesion_is_found_at_half_overlap():
    truth = box(0, 0, 4, 4) | box(10, 10, 14, 14) | box(0, 10, 4, 14)
    predicted = box(0, 0, 4, 4) | box(12, 10, 16, 14) | box(0, 10, 2, 14)
    assert metrics.matched_lesions(truth, predicted) == (2, 3)
    assert metrics.matched_lesions(truth, np.zeros_like(truth)) == (0, 3)
    assert metrics.matched_lesions(np.zeros_like(truth), predicted) == (0, 0)


def test_a_slip_of_the_pen_is_no_lesion():
    truth = box(0, 0, 4, 4) | box(12, 12, 13, 13)
    assert metrics.matched_lesions(truth, box(0, 0, 4, 4)) == (1, 1)


def test_one_large_outline_does_not_find_two_lesions():
    truth = box(0, 0, 4, 4) | box(0, 6, 4, 10)
    assert metrics.matched_lesions(truth, box(0, 0, 4, 10)) == (0, 2)


@given(pairs())
def test_a_mask_finds_all_its_own_lesions(pair):
    mask = np.kron(pair[0], np.ones((4, 4), dtype=bool))
    found, lesions = metrics.matched_lesions(mask, mask)
    assert found == lesions


scored = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=25)


@given(scored)
def test_auc_is_the_share_of_rightly_ordered_pairs(items):
    positive = np.array([p for p, _, _ in items])
    scores = np.array([s / 5 for _, s, _ in items])
    weights = np.array([w for _, _, w in items], dtype=float)
    wins = total = 0.0
    for p, s, w in items:
        for q, t, v in items:
            if p and not q:
                wins += w * v * ((s > t) + 0.5 * (s == t))
                total += w * v
    value = metrics.auc(positive, scores, weights)
    assert np.isnan(value) if not total else value == pytest.approx(wins / total)


@given(scored)
def test_weights_are_repetitions(items):
    positive, scores = np.array([p for p, _, _ in items]), np.array([s / 5 for _, s, _ in items])
    times = np.array([w for _, _, w in items])
    repeated = metrics.auc(np.repeat(positive, times), np.repeat(scores, times))
    assert metrics.auc(positive, scores, times.astype(float)) == pytest.approx(repeated, nan_ok=True)


def test_auc_by_hand():
    positive = np.array([False, False, True, True])
    assert metrics.auc(positive, np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert metrics.auc(positive, np.array([0.0, 0.0, 1.0, 1.0])) == 1
    assert metrics.auc(positive, np.full(4, 0.5)) == 0.5
    assert np.isnan(metrics.auc(np.array([True]), np.array([0.5])))


def test_auc_of_pixel_histograms_is_close_to_the_exact_one():
    rng = np.random.default_rng(0)
    inside = 1 / (1 + np.exp(-rng.normal(2, 2, 4000)))
    outside = 1 / (1 + np.exp(-rng.normal(-5, 3, 40000)))
    p = np.concatenate([inside, outside]).astype(np.float16)
    truth = np.arange(len(p)) < len(inside)
    binned = metrics.binned_auc(
        metrics.probability_histogram(p[truth]).astype(float), metrics.probability_histogram(p[~truth]).astype(float)
    )
    assert binned == pytest.approx(metrics.auc(truth, p.astype(float)), abs=2e-4)


def test_a_histogram_counts_every_pixel_even_at_0_and_1():
    p = np.array([[0.0, 1.0], [0.5, 6e-8]], dtype=np.float16)
    counts = metrics.probability_histogram(p)
    assert counts.sum() == 4
    assert (counts > 0).sum() >= 3


def test_classification_by_hand():
    truth, predicted = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0])
    matrix = metrics.confusion(truth, predicted, 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    precision, recall, f1 = metrics.per_class(matrix)
    assert precision == pytest.approx([1 / 2, 2 / 3, 1])
    assert recall == pytest.approx([1 / 2, 1, 1 / 2])
    assert f1 == pytest.approx([1 / 2, 4 / 5, 2 / 3])
    assert metrics.accuracy(matrix) == pytest.approx(4 / 6)


def test_a_class_absent_from_the_truth_has_no_figures_and_one_never_predicted_has_zero():
    matrix = metrics.confusion(np.array([1, 1, 2]), np.array([1, 0, 1]), 3)
    precision, recall, f1 = metrics.per_class(matrix)
    assert np.isnan([precision[0], recall[0], f1[0]]).all()
    assert (precision[2], recall[2], f1[2]) == (0, 0, 0)
    assert np.isnan(metrics.accuracy(np.zeros((3, 3))))


def test_calibration_by_hand():
    p = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3]])
    truth = np.array([0, 1, 1, 1])
    assert metrics.ece(p, truth) == pytest.approx((2 * abs(0.5 - 0.9) + 2 * abs(1 - 0.5)) / 4)
    assert metrics.brier(p, truth) == pytest.approx((0.02 + 1.62 + 2 * 0.38) / 4)
    assert np.isnan(metrics.ece(p[:0], truth[:0]))


@given(hnp.arrays(float, (12, 3), elements=st.floats(0.01, 1)), hnp.arrays(np.int64, 12, elements=st.integers(0, 2)))
def test_calibration_errors_stay_in_range_and_vanish_for_certain_truth(raw, truth):
    p = raw / raw.sum(axis=1, keepdims=True)
    assert 0 <= metrics.ece(p, truth) <= 1
    assert 0 <= metrics.brier(p, truth) <= 2
    certain = np.eye(3)[truth]
    assert metrics.ece(certain, truth) == metrics.brier(certain, truth) == 0


def test_a_weighted_mean_passes_over_unknown_values():
    values = np.array([1.0, np.nan, 3.0])
    assert metrics.weighted_mean(values) == 2
    assert metrics.weighted_mean(values, np.array([3.0, 9.0, 1.0])) == 1.5
    assert np.isnan(metrics.weighted_mean(np.array([np.nan])))
