"""Operating points: what a card records of them, and reading an analysis at another one."""

import json
from pathlib import Path

import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core.operating import COLUMNS, curve_of
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality, at_point

CURVE = {
    "n_malignant": 10,
    "n_other": 30,
    "columns": list(COLUMNS),
    "rows": [[0.1, 0.96, 0.88, 0.984, 0.73, 0.65, 0.795], [0.3, 0.9, None, None, 0.9, 0.8, 0.95]],
}


def test_the_curve_is_that_of_all_validation_sets():
    curve = curve_of({"metrics": {"val": {"A": {}, "B": {}, "all": {"operating_curve": CURVE}}}})
    assert curve.basis == "validation parts of A, B, n = 40, 10 malignant"
    assert [point.threshold for point in curve.points] == [0.1, 0.3]
    assert str(curve.points[0]) == "sensitivity 96 % (95 % CI 88–98), specificity 73 % (95 % CI 65–80)"
    assert str(curve.points[1]) == "sensitivity 90 %, specificity 90 % (95 % CI 80–95)"
    assert curve.nearest(0.19) == 0
    assert curve.nearest(0.9) == 1
    assert curve.at(0.3) is curve.points[1]
    assert curve.at(0.2) is None


def test_of_one_set_it_is_that_sets():
    curve = curve_of({"metrics": {"val": {"A": {"operating_curve": CURVE}}}})
    assert curve.data == "validation part of A"


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"metrics": {"test": {"A": {"operating_curve": CURVE}}}},
        {"metrics": {"val": {"A": {}, "B": {}}}},
        {"metrics": {"val": {"A": {"operating_curve": {**CURVE, "columns": ["other"]}}}}},
        {"metrics": {"val": {"A": {"operating_curve": {**CURVE, "rows": []}}}}},
        {"metrics": {"val": {"A": {"operating_curve": {**CURVE, "rows": [[0.1, 0.9]]}}}}},
        {"metrics": []},
    ],
)
def test_a_card_without_validation_figures_has_no_curve(card):
    assert curve_of(card) is None


def test_the_bundled_model_has_one_that_holds_its_own_point():
    card = json.loads((paths.bundled_models() / "busi-default" / "card.json").read_text(encoding="utf-8"))
    curve = curve_of(card)
    own = curve.at(card["operating_point"])
    assert own.sensitivity[0] >= 0.95
    assert [p.threshold for p in curve.points] == sorted(p.threshold for p in curve.points)


def test_another_point_changes_which_frames_are_above_and_nothing_else():
    frames = tuple(
        FrameResult(i, (0.0, 1 - p, p), True, p >= 0.3, False, (), Quality(True, 1.0), np.zeros((2, 2), bool), (), None)
        for i, p in enumerate((0.1, 0.2, 0.4))
    )
    result = AnalysisResult(Path("a"), "a" * 64, ModelInfo("m", "1", "b" * 64, 0.3), "cpu", frames)
    moved = at_point(result, 0.2)
    assert [f.above_operating_point for f in moved.frames] == [False, True, True]
    assert (moved.model.point, moved.model.operating_point, moved.model.chosen_point) == (0.2, 0.3, 0.2)
    assert [f.probabilities for f in moved.frames] == [f.probabilities for f in result.frames]
    assert at_point(moved, None) == result
    assert at_point(moved, 0.3) == result
