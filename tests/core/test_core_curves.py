"""Curves, tables and parts of an evaluation."""

import numpy as np
import pytest

from busi_viewer.core import breakdown, metrics
from busi_viewer.core.cases import Axis, Case, Outline, compare
from busi_viewer.core.curves import long_axis, operating_curve, precision_recall, reliability, roc
from busi_viewer.core.metrics import PixelCounts
from busi_viewer.core.results import FrameResult, Quality
from busi_viewer.core.worst import worst_cases

RNG = np.random.default_rng(3)
POSITIVE = RNG.random(200) < 0.3
SCORES = np.round(RNG.normal(size=200) + POSITIVE, 1)  # with ties


def test_the_areas_under_the_curves_are_the_figures():
    x, y = roc(POSITIVE, SCORES)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(metrics.auc(POSITIVE, SCORES))
    recall, precision = precision_recall(POSITIVE, SCORES)
    steps = np.diff(recall, prepend=0)
    assert (steps * precision).sum() == pytest.approx(
        metrics.average_precisions(POSITIVE, SCORES, np.ones((1, 200)))[0]
    )
    assert len(roc(np.ones(3, bool), np.arange(3.0))[0]) == 0
    assert len(precision_recall(np.zeros(3, bool), np.arange(3.0))[0]) == 0


def test_many_rows_of_weights_give_what_each_gives_alone():
    rows = np.random.default_rng(0).integers(0, 3, (5, 200)).astype(float)
    assert metrics.aucs(POSITIVE, SCORES, rows) == pytest.approx([metrics.auc(POSITIVE, SCORES, row) for row in rows])
    repeated = [np.repeat(np.arange(200), row.astype(int)) for row in rows]
    expected = [metrics.average_precisions(POSITIVE[i], SCORES[i], np.ones((1, len(i))))[0] for i in repeated]
    assert metrics.average_precisions(POSITIVE, SCORES, rows) == pytest.approx(expected)


def outline(tp, fp, fn, total=100, true=None, outlined=None):
    return Outline(PixelCounts(tp, fp, fn, total - tp - fp - fn), 1.0, int(tp > 0), 1, None, true, outlined)


def case(number, label, malignant, made=None, *, name="a", point=0.5, abstained=False):
    p = ((1 - malignant) / 2, (1 - malignant) / 2, malignant)
    return Case(number, label, p, malignant >= point, abstained, 5.0, made, f"{name}/{number}.png")


def test_reliability_bins_count_every_image_once():
    cases = [case(i, "malignant" if i % 4 else "benign", i / 40) for i in range(41)]
    found = reliability(cases)
    for rows in (found["malignant"], found["top_class"]):
        assert sum(row[2] for row in rows) == 41
        for low, high, n, stated, observed, at_least, at_most in rows:
            assert n > 0
            assert low - 1e-6 <= stated <= high + 1e-6
            assert 0 <= at_least <= observed <= at_most <= 1
    assert reliability([])["malignant"] == []


def test_the_operating_curve_holds_the_operating_point():
    cases = [case(i, "malignant" if i % 3 == 0 else "benign", (i % 10) / 10) for i in range(60)]
    curve = operating_curve(cases, 0.42)
    row = next(row for row in curve["rows"] if row[0] == 0.42)
    malignant = [c.probabilities[2] for c in cases if c.label == "malignant"]
    assert row[1] == pytest.approx(np.mean(np.array(malignant) >= 0.42), abs=1e-6)
    assert row[2] < row[1] < row[3]
    thresholds = [row[0] for row in curve["rows"]]
    assert thresholds == sorted(thresholds)
    assert [row[1] for row in curve["rows"]] == sorted((row[1] for row in curve["rows"]), reverse=True)
    assert (curve["n_malignant"], curve["n_other"]) == (20, 40)
    assert operating_curve([], None)["rows"][0][1] is None


def test_agreement_of_the_long_axis_by_hand():
    gaps = [1.0, 3.0, 2.0, 2.0]
    cases = [
        case(i, "benign", 0.1, outline(1, 1, 1, true=Axis(10, None), outlined=Axis(10 + gap, None)))
        for i, gap in enumerate(gaps)
    ]
    missed = case(9, "benign", 0.1, outline(0, 0, 1, true=Axis(10, 5.0)))
    found = long_axis([*cases, missed])
    assert (found["px"]["n"], found["mm"]["n"]) == (4, 0)
    assert found["px"]["bias"]["value"] == 2
    sd = np.std(gaps, ddof=1)
    assert found["px"]["sd"] == pytest.approx(sd, abs=1e-6)
    assert found["px"]["upper_limit"]["value"] == pytest.approx(2 + 1.96 * sd, abs=1e-3)
    assert found["px"]["bias"]["ci95"][0] < 2 < found["px"]["bias"]["ci95"][1]
    assert found["mm"]["bias"] == {"value": None, "ci95": None}


def frame(mask):
    return FrameResult(0, (0.1, 0.8, 0.1), True, False, False, (), Quality(True, 1.0), mask, (), None)


def test_the_long_axes_are_those_of_the_largest_lesion_and_of_the_outline_on_it():
    truth, predicted = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    truth[10:14, 5:25] = truth[40:43, 40:43] = True
    predicted[10:14, 5:15] = predicted[10:14, 18:20] = True
    predicted[30:60, 30:60] = True
    found = compare(frame(predicted), truth, (0.1, 0.1))
    assert found.true_axis.px == pytest.approx(np.hypot(19, 3), abs=1.2)
    assert found.axis.px == pytest.approx(np.hypot(9, 3), abs=1.2)
    assert found.axis.mm == pytest.approx(0.1 * found.axis.px)
    elsewhere = compare(frame(predicted & (np.arange(60) > 29)), truth)
    assert elsewhere.axis is None
    assert elsewhere.true_axis.mm is None
    assert compare(frame(predicted), np.zeros((60, 60), bool)).true_axis is None


def test_parts_by_set_class_and_size():
    cases = [
        case(0, "benign", 0.1, outline(2, 0, 0)),
        case(1, "malignant", 0.9, outline(3, 3, 0, total=100)),
        case(2, "malignant", 0.2, outline(0, 0, 50)),
        case(3, "normal", 0.3, outline(0, 5, 0), name="b"),
    ]
    sets = breakdown.sets(cases, 0.5)
    assert list(sets) == ["a", "b"]
    assert sets["a"]["n"] == 3
    assert sets["b"]["false_alarm_rate_normal"]["value"] == 1
    assert sets["a"]["operating_curve"]["n_malignant"] == 2
    classes = breakdown.classes(cases, 0.5)
    assert classes["malignant"]["above_operating_point"] == 0.5
    assert classes["malignant"]["missed"] == 1
    assert classes["benign"]["dice"]["mean"] == 1
    sizes = breakdown.sizes(cases, 0.5)["parts"]
    assert [part["n"] for part in sizes] == [2, 0, 1]
    assert sum(part["missed"] for part in sizes) == 1
    over = breakdown.over_folds([sets["a"], sets["b"]])
    assert over["false_alarm_rate_normal"] == {"mean": 1, "sd": None, "n": 1}


def test_the_worst_come_first():
    cases = [
        case(0, "malignant", 0.1, outline(0, 0, 5)),
        case(1, "malignant", 0.2, outline(0, 0, 50)),
        case(2, "benign", 0.99, outline(10, 1, 1)),
        case(3, "benign", 0.6, outline(5, 9, 9)),
        case(4, "normal", 0.1, outline(0, 5, 0)),
        case(5, "normal", 0.1, outline(0, 9, 0)),
    ]
    kinds = {kind.title: [shown.case.group for shown in kind.shown] for kind in worst_cases(cases, shown=2)}
    assert kinds["Malignant below the operating point"] == [0, 1]
    assert kinds["Missed lesions"] == [1, 0]
    assert kinds["False alarms on normal images"] == [5, 4]
    assert kinds["Wrong class"][0] == 2
    assert kinds["Poorest outlines"] == [3]
    assert worst_cases(cases, shown=1)[0].total == 2
    assert worst_cases(cases[2:3])[0].title == "Wrong class"
