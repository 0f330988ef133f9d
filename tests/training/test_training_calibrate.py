"""Calibration and the operating point."""

import numpy as np
import pytest

from busi_viewer.core.metrics import ece
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Calibration
from busi_viewer.training.calibrate import (
    RULES,
    _Seen,
    fit_temperature,
    mask_rules,
    operating_point,
)


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
    n = len(RULES)
    lesion = _Seen(1, np.zeros(3), (np.zeros(1), np.zeros(1)), tuple(0.5 + 0.01 * i for i in range(n)), (True,) * n)
    normal = _Seen(0, np.zeros(3), (np.zeros(1), np.zeros(1)), (), (True,) * n)
    seen = [lesion] * 9 + [normal] * 3
    sure = np.array([0.1] * 9 + [0.9] * 3)
    assert mask_rules(seen, sure) == (RULES[-1], 0.3)
    one_wrong = np.array([0.85] + [0.1] * 8 + [0.95] * 3)
    assert mask_rules(seen, one_wrong) == (RULES[-1], 0.9)
    assert mask_rules([lesion], np.array([0.99])) == (RULES[-1], None)
    assert mask_rules([normal], np.array([0.99])) == ((0.5, 0.0), None)
