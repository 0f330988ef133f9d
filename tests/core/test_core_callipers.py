"""Callipers: figures against geometry worked out by hand, regions, and the way to JSON and back."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busi_viewer.core import callipers as c
from busi_viewer.core.callipers import Calibration, Calliper, Kind, Scale, measured, quantities
from busi_viewer.core.document import Document
from busi_viewer.core.image import ArrayFrames, ImageRecord, Region
from busi_viewer.core.measure import measure, measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality

PX, WIDE = Scale(None), Scale((0.1, 0.2))
SHAPE = (100, 200)

coordinate = st.floats(-50, 500, allow_nan=False)
point = st.tuples(coordinate, coordinate)
calliper = st.sampled_from(Kind).flatmap(
    lambda kind: st.builds(
        Calliper,
        st.just(kind),
        st.tuples(*[point] * kind.points),
        st.integers(0, 500),
        st.text(max_size=12),
        st.booleans(),
    )
)
calibration = st.builds(
    Calibration,
    st.tuples(point, point).filter(lambda p: math.dist(*p) >= 1),
    st.floats(0.001, c.MOST_MM),
    st.integers(0, 9),
)


def record(regions=(), spacing=None, frames=1):
    stack = tuple(np.zeros(SHAPE, np.uint8) for _ in range(frames))
    return ImageRecord(Path("a.png"), "a" * 64, "png", ArrayFrames(stack), SHAPE, spacing, regions)


def said(item, scale):
    return {q.name: q.text for q in quantities(item, scale)}


@given(st.lists(calliper, max_size=5), st.none() | calibration)
def test_what_goes_into_json_comes_back(items, stated):
    value = json.loads(json.dumps(c.to_json(items, stated)))
    assert c.from_json(value) == (tuple(items), stated)


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": 2},
        {"callipers": [{"kind": "length"}]},
        {"callipers": [{}]},
        {"calibration": {"points": [[0, 0], [0, 9]]}},
    ],
)
def test_json_that_does_not_fit_is_refused(damage):
    good = c.to_json([Calliper(Kind.LENGTH, ((0, 0), (3, 4)))], Calibration(((0, 0), (0, 9)), 10))
    c.from_json(good)
    with pytest.raises(ValueError, match="schema"):
        c.from_json({**good, **damage})


@pytest.mark.parametrize(
    ("item", "px", "mm"),
    [
        (Calliper(Kind.LENGTH, ((0, 0), (30, 40))), {"length": "50 px"}, {"length": "7.2 mm"}),
        (
            Calliper(Kind.TWO_AXIS, ((0, 0), (100, 0), (50, 10), (50, 40))),
            {"axis_a": "100 px", "axis_b": "30 px"},
            {"axis_a": "20.0 mm", "axis_b": "3.0 mm"},
        ),
        (Calliper(Kind.ANGLE, ((10, 0), (0, 0), (10, 10))), {"angle": "45°"}, {"angle": "27°"}),
        (Calliper(Kind.ANGLE, ((-9, 0), (0, 0), (9, 0))), {"angle": "180°"}, {"angle": "180°"}),
    ],
)
def test_sizes_in_px_and_with_pixels_twice_as_wide_as_high(item, px, mm):
    assert said(item, PX) == px
    assert said(item, WIDE) == mm


def test_an_ellipse_measured_in_mm_is_the_circle_that_it_is():
    """Pixels 0.2 mm wide and 0.1 mm high: 100 px across and 200 px down are 20 mm each."""
    circle = Calliper(Kind.ELLIPSE, ((0, 100), (100, 100), (50, 200)))
    assert said(circle, WIDE) == {"axis_a": "20.0 mm", "axis_b": "20.0 mm", "perimeter": "62.8 mm", "area": "314 mm²"}
    (_, _), ends = c.ellipse_axes(circle.points, WIDE)
    assert sorted(ends) == [(50.0, 0.0), (50.0, 200.0)]
    assert said(Calliper(Kind.ELLIPSE, ((0, 0), (10, 0), (5, 0))), PX)["area"] == "0 px²"


@given(point, point, point, point, st.tuples(st.floats(0.05, 0.3), st.floats(0.05, 0.3)))
def test_a_squared_line_is_perpendicular_in_mm(a, b, start, end, spacing):
    scale = Scale(spacing)
    if math.dist(a, b) < 1 or math.dist(start, end) < 1:
        return
    after = c.squared(a, b, start, end, scale)
    (ax, ay), (bx, by), (sx, sy), (ex, ey) = (scale.place(p) for p in (a, b, start, after))
    dot = (bx - ax) * (ex - sx) + (by - ay) * (ey - sy)
    assert abs(dot) < 1e-6 * math.dist((ax, ay), (bx, by)) * max(math.dist((sx, sy), (ex, ey)), 1.0)
    if math.dist(start, after) > 1:
        assert c.off_square(a, b, start, after, scale) < 0.01


def test_a_proposal_says_what_the_lesion_measures():
    mask = np.zeros(SHAPE, bool)
    mask[20:60, 30:130] = True
    lesion = measure(mask, WIDE.spacing_mm)
    item = c.proposal(lesion, 0)
    a, b = quantities(item, WIDE)
    assert item.proposed
    assert a.value == pytest.approx(lesion.long_axis_mm)
    assert b.value == pytest.approx(lesion.short_axis_mm)
    assert not item.moved(0, (1, 1)).proposed
    assert not item.shifted(1, 0).proposed


LEFT, RIGHT = Region(0, 0, 100, 100, (0.1, 0.1)), Region(100, 0, 200, 100, (0.2, 0.2))
INSET = Region(20, 20, 60, 60, (0.1, 0.1))


@pytest.mark.parametrize(
    ("regions", "ends", "text", "note"),
    [
        ((LEFT, RIGHT), ((10, 10), (60, 10)), "5.0 mm", ""),
        ((LEFT, RIGHT), ((110, 10), (160, 10)), "10.0 mm", ""),
        ((LEFT, RIGHT), ((60, 10), (110, 10)), "50 px", c.DIFFERENT),
        ((LEFT, replace(RIGHT, spacing_mm=(0.1, 0.1))), ((60, 10), (110, 10)), "50 px", c.CROSSING),
        ((LEFT,), ((60, 10), (110, 10)), "50 px", c.OUTSIDE),
        ((LEFT,), ((110, 10), (160, 10)), "50 px", ""),
        ((INSET, LEFT), ((10, 10), (30, 30)), "2.8 mm", ""),
        ((replace(INSET, spacing_mm=(0.3, 0.3)), LEFT), ((10, 10), (30, 30)), "28 px", c.DIFFERENT),
    ],
)
def test_acquisition_regions_are_respected(regions, ends, text, note):
    (length,), scale = measured(Calliper(Kind.LENGTH, ends), record(regions))
    assert (length.text, scale.note) == (text, note)


def test_an_ellipse_that_bulges_out_of_its_region_is_in_px():
    item = Calliper(Kind.ELLIPSE, ((10, 95), (90, 95), (50, 70)))
    assert measured(item, record((LEFT,)))[1].note == c.OUTSIDE
    assert measured(item.shifted(0, -40), record((LEFT,)))[1].spacing_mm == (0.1, 0.1)


@pytest.mark.parametrize(("points", "mm"), [(((0, 0), (0.5, 0)), 5), (((0, 0), (9, 0)), 0), (((0, 0), (9, 0)), 2000)])
def test_a_calibration_that_means_nothing_is_refused(points, mm):
    with pytest.raises(ValueError, match="no calibration"):
        Calibration(points, mm)


@pytest.mark.parametrize("points", [((0, 0),), ((0, 0), (math.nan, 1))])
def test_a_calliper_that_is_none_is_refused(points):
    with pytest.raises(ValueError, match=r"points"):
        Calliper(Kind.LENGTH, points)


def analysed(opened):
    mask = np.zeros(SHAPE, bool)
    mask[20:60, 30:130] = True
    quality = Quality(True, None)
    frame = FrameResult(0, (0.1, 0.2, 0.7), True, True, False, (), quality, mask, measure_all(mask, opened), None)
    return AnalysisResult(opened.path, opened.sha256, ModelInfo("m", "1", "0" * 64), "cpu", (frame,))


def test_a_readers_calibration_gives_mm_to_callipers_proposal_and_outline_and_takes_them_back():
    document = Document(record())
    document.offer(analysed(document.record))
    revision, (before,) = document.revision, document.lesions(0)
    assert before.long_axis_mm is None
    document.set_calibration(Calibration(((0, 0), (0, 50)), 10.0))
    (lesion,) = document.lesions(0)
    assert document.record.calibrated_by_reader
    assert document.revision == revision, "no analysis is stale"
    (again,) = measure_all(document.shown_mask(0), document.record)
    for name in ("long_axis_mm", "short_axis_mm", "ap_mm", "width_mm", "area_mm2"):
        assert getattr(lesion, name) == pytest.approx(getattr(again, name))
    (length,), scale = measured(Calliper(Kind.LENGTH, ((0, 0), (30, 40))), document.record)
    assert length.text == "10.0 mm"
    assert scale.by_reader
    assert document.offer(analysed(record()))
    assert document.lesions(0)[0].long_axis_mm is not None
    document.set_calibration(None)
    assert document.lesions(0)[0].long_axis_mm is None
    assert not document.record.calibrated_by_reader


@pytest.mark.parametrize("opened", [record((LEFT,)), record(spacing=(0.1, 0.1))])
def test_a_file_that_states_its_scale_is_not_calibrated_again(opened):
    document = Document(opened)
    with pytest.raises(ValueError, match="its own calibration"):
        document.set_calibration(Calibration(((0, 0), (0, 50)), 10.0))
    assert document.record is opened
    assert document.calibration is None


def test_callipers_change_the_document_but_make_no_analysis_stale():
    document, told = Document(record(frames=2)), []
    document.on_change = lambda: told.append(document.changes)
    item = Calliper(Kind.LENGTH, ((0, 0), (3, 4)), frame=1)
    assert document.set_callipers([item]) == ()
    assert document.callipers == (item,)
    assert document.revision == 0
    assert told == [1]
    with pytest.raises(ValueError, match="frame that is not there"):
        document.set_callipers([replace(item, frame=2)])
