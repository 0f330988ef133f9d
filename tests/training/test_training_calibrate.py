"""Calibration and the operating point."""

import numpy as np
import pytest

from busi_viewer.core.metrics import ece
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Calibration
from busi_viewer.nets.postprocess import MaskRule
from busi_viewer.training.calibrate import _Seen, fit_temperature, mask_rules, operating_point


def test_overconfident_logits_are_cooled_to_the_true_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (6000, 3))
    p = probabilities(logits, None)
    labels = np.array([rng.choice(3, p=row) for row in p])
    temperature, bias = fit_temperature(logits * 3, labels)
    assert temperature == pytest.approx(3, rel=0.08)
    assert np.abs(bias).max() < 0.1
    fitted = Calibration(temperature=temperature, bias=bias)
    assert ece(probabilities(logits * 3, fitted), labels) < ece(probabilities(logits * 3, None), labels) / 3


def test_operating_point_keeps_the_promised_sensitivity():
    rng = np.random.default_rng(1)
    for n in (1, 5, 19, 20, 137):
        malignant = rng.random(n)
        limit = operating_point(malignant)
        assert (malignant >= limit).mean() >= 0.95
        assert limit in malignant


def test_outlines_are_dropped_only_where_that_costs_almost_nothing():
    truth = np.zeros((64, 64), bool)
    truth[10:40, 10:40] = True
    empty = np.zeros_like(truth)

    def seen(mask, level, edge=0.0):
        """Something outlined at ``level``; without a true mask at another place, below the threshold in ``edge``."""
        probability = np.where(truth, level, edge).astype(np.float16)
        return _Seen(1 if mask.any() else 0, np.zeros(3), (np.zeros(1), np.zeros(1)), mask, probability)

    faint, sure = seen(empty, 0.75), seen(empty, 0.995)
    lesions, undecided = [seen(truth, 0.995, 0.35)] * 9, np.full(12, 0.25)

    rule = mask_rules([*lesions, *[faint] * 3], undecided, 0.0005)
    assert rule.threshold > 0.35
    assert rule.no_outline_above == 0.2
    assert rule.sure_from is not None
    assert 0.75 < rule.sure_from <= 0.99
    told_apart = np.array([0.1] * 9 + [0.95] * 3)
    rule = mask_rules([*lesions, *[sure] * 3], told_apart, 0.0005)
    assert (rule.no_outline_above, rule.sure_from) == (0.9, None)
    costly = np.array(
        [0.95] + [0.1] * 8 + [0.95] * 3
    )  # no limit tells them apart, and each would cost a lesion in nine
    rule = mask_rules([*lesions, *[sure] * 3], costly, 0.0005)
    assert rule.no_outline_above is None
    assert mask_rules(lesions, undecided[:9], 0.0005).no_outline_above is None
    assert mask_rules([faint], undecided[:1], 0.001) == MaskRule(min_share=0.001)
    only_outlined = mask_rules([*lesions, *[faint] * 3], None, 0.0005)
    assert only_outlined.no_outline_above == 0.0
    assert only_outlined.sure_from is not None
