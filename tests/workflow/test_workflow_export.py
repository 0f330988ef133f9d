"""Results as files: numbers, keys and atomic writing."""

import csv
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busi_viewer.core.errors import OutputError
from busi_viewer.core.masks import fill_polygon
from busi_viewer.core.measure import measure
from busi_viewer.workflow import export

raw = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda v: sum(v) > 0.01)


@given(raw)
def test_probabilities_still_sum_to_1_after_rounding(values):
    values = [v / sum(values) for v in values]
    shown = export.probabilities(values)
    assert sum(shown.values()) == pytest.approx(1, abs=1e-9)
    assert list(shown) == ["normal", "benign", "malignant"]
    assert all(abs(shown[name] - v) < 2e-6 for name, v in zip(shown, values, strict=True))
    assert all(0 <= v <= 1 for v in shown.values())


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_null(value):
    assert export.number(value, 3) is None


def test_a_lesion_has_every_key_of_the_contract_and_its_contour_redraws_it():
    mask = np.zeros((40, 50), dtype=bool)
    mask[10:20, 5:30] = True
    lesion = export.lesion_json(measure(mask, (0.1, 0.1)))
    assert set(lesion) == {
        *("area_px", "area_mm2", "long_axis_px", "short_axis_px", "ap_px", "width_px"),
        *("long_axis_mm", "short_axis_mm", "ap_mm", "width_mm", "angle_deg", "bbox", "contour"),
        *("mean_probability", "region", "descriptors"),
    }
    assert lesion["bbox"] == [5, 10, 25, 10]
    assert lesion["ap_mm"] == 1.0
    assert lesion["width_mm"] == 2.5
    assert lesion["area_mm2"] == 2.5
    assert lesion["mean_probability"] is lesion["region"] is None
    unknown = dict.fromkeys(("shape", "margin", "echo_pattern", "posterior_features"))
    assert lesion["descriptors"] == {"orientation": "parallel", **unknown, "details": {}}
    assert np.array_equal(fill_polygon(mask.shape, lesion["contour"]), mask)
    json.dumps(lesion, allow_nan=False)


def test_uncalibrated_sizes_are_null():
    lesion = export.lesion_json(measure(np.ones((4, 4), dtype=bool)))
    assert [lesion[k] for k in ("area_mm2", "long_axis_mm", "short_axis_mm", "ap_mm", "width_mm")] == [None] * 5


def test_a_file_is_replaced_whole_and_no_temporary_stays(tmp_path):
    path = tmp_path / "a" / "b.json"
    export.write_json(path, {"x": 1})
    export.write_json(path, {"x": 2})
    assert json.loads(path.read_text()) == {"x": 2}
    assert os.listdir(path.parent) == ["b.json"]
    with pytest.raises(ValueError, match="JSON"):
        export.write_json(path, {"x": float("nan")})
    assert json.loads(path.read_text()) == {"x": 2}


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        export.write_json(tmp_path / "file" / "x.json", {})
    assert caught.value.remedy
    with pytest.raises(OutputError):
        export.write_json(tmp_path / ("x" * 300), {})


def staged(out, base, suffixes, *, overwrite=False, publish=True):
    with export.Staging(out, base, overwrite=overwrite) as stage:
        for suffix in suffixes:
            stage.path(suffix).write_text(suffix)
        if publish:
            stage.publish()


def test_staged_files_appear_together_or_not_at_all(tmp_path):
    staged(tmp_path, "sub/a", [".mask.png", ".json"], publish=False)
    assert list(tmp_path.iterdir()) == []
    staged(tmp_path, "sub/a", [".mask.png", ".json"])
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == ["a.json", "a.mask.png"]
    assert (tmp_path / "sub" / "a.mask.png").read_text() == ".mask.png"
    assert [p.name for p in tmp_path.iterdir()] == ["sub"]


def test_the_json_is_moved_last(tmp_path, monkeypatch):
    moved = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (moved.append(b.name), replace(a, b)))
    staged(tmp_path, "a", [".json", ".pdf", ".mask.png"])
    assert moved == ["a.pdf", "a.mask.png", "a.json"]


def test_a_move_that_fails_takes_the_others_back(tmp_path):
    (tmp_path / "a.pdf").mkdir()
    with pytest.raises(OutputError):
        staged(tmp_path, "a", [".mask.png", ".pdf", ".json"], overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pdf"]


FRAME = {
    "index": 0,
    "prediction": "benign",
    "probabilities": {"normal": 0.1, "benign": 0.7, "malignant": 0.2},
    "abstained": False,
    "lesions": [{"long_axis_mm": None, "long_axis_px": 12.5}, {"long_axis_mm": None, "long_axis_px": 99}],
    "quality": {"reasons": ["odd colours"]},
}


def test_the_summary_has_the_contracts_columns_and_survives_odd_names(tmp_path):
    result = {"frames": [FRAME], "warnings": ["no spacing", "odd colours"], "input": {"path": "x"}}
    names = ['a,"b".png', "ü\n.png", "x\udcff.png"]
    for name in names:
        rows = export.summary_rows(result, name)
        export.write_summary(tmp_path / "summary.csv", rows, [name])
    with (tmp_path / "summary.csv").open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert tuple(table[0]) == export.SUMMARY_COLUMNS
    assert [row["input"] for row in table] == ['a,"b".png', "ü\n.png", "x\\udcff.png"]
    assert table[0]["long_axis_px"] == "12.5"
    assert (table[0]["long_axis_mm"], table[0]["abstained"], table[0]["n_lesions"]) == ("", "false", "2")
    assert table[0]["warnings"] == "no spacing; odd colours"


def test_a_summary_that_is_another_table_is_not_mixed_in(tmp_path):
    path = tmp_path / "summary.csv"
    for content in (b"a,b\n1,2\n", b"\xff\xfe", b""):
        path.write_bytes(content)
        export.write_summary(path, export.summary_rows({"frames": [FRAME], "warnings": []}, "x.png"), ["x.png"])
        assert len(path.read_text().splitlines()) == 2
