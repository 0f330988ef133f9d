"""Components, contours and rasterised shapes."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from busi_viewer.core import masks

SMALL = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))
EIGHT = np.ones((3, 3), dtype=int)


@given(SMALL)
def test_components_are_the_8_connected_parts_largest_first(mask):
    parts = masks.components(mask)
    assert len(parts) == ndimage.label(mask, EIGHT)[1]
    assert [p.sum() for p in parts] == sorted((p.sum() for p in parts), reverse=True)
    assert np.array_equal(np.sum(parts, axis=0).astype(int) if parts else np.zeros(mask.shape, int), mask.astype(int))


@given(SMALL)
def test_filling_the_contour_of_a_component_gives_it_back_with_its_holes_filled(mask):
    for part in masks.components(mask):
        contour = masks.outer_contour(part)
        assert contour.dtype == np.int32
        assert part[contour[:, 1], contour[:, 0]].all()
        assert np.array_equal(masks.fill_polygon(mask.shape, contour), masks.fill_holes(part))


@given(SMALL)
def test_the_contour_reaches_the_bounding_box(mask):
    for part in masks.components(mask):
        contour = masks.outer_contour(part)
        x0, y0, x1, y1 = masks.bounding_box(part)
        assert tuple(contour.min(axis=0)) == (x0, y0)
        assert tuple(contour.max(axis=0)) == (x1 - 1, y1 - 1)


def test_an_empty_mask_has_no_contour_box_or_components():
    empty = np.zeros((5, 7), dtype=bool)
    assert masks.outer_contour(empty).shape == (0, 2)
    assert masks.bounding_box(empty) is None
    assert masks.components(empty) == []
    assert not masks.fill_polygon((5, 7), []).any()


@given(SMALL)
def test_filled_holes_are_those_not_reached_from_outside(mask):
    padded = np.pad(~mask, 1, constant_values=True)
    labels, _ = ndimage.label(padded)
    outside = (labels == labels[0, 0])[1:-1, 1:-1]
    filled = masks.fill_holes(mask)
    assert np.array_equal(filled, ~outside)


@given(SMALL, st.integers(1, 30))
def test_small_components_go_and_large_ones_stay_whole(mask, least):
    expected = np.zeros(mask.shape, dtype=bool)
    for part in masks.components(mask):
        if part.sum() >= least:
            expected |= part
    assert np.array_equal(masks.remove_small(mask, least), expected)


points = st.lists(st.tuples(st.floats(-10, 50), st.floats(-10, 40)), min_size=1, max_size=5)


@given(points, st.floats(0.5, 8))
def test_a_stroke_covers_its_path_and_stays_within_the_brush(path, radius):
    shape = (30, 40)
    (x0, y0, x1, y1), inside = masks.stroke(shape, path, radius)
    assert inside.shape == (y1 - y0, x1 - x0)
    assert 0 <= x0 <= x1 <= shape[1]
    assert 0 <= y0 <= y1 <= shape[0]
    painted = np.zeros(shape, dtype=bool)
    painted[y0:y1, x0:x1] = inside
    for x, y in path:
        if 1 <= x < shape[1] - 1 and 1 <= y < shape[0] - 1:
            near = painted[int(np.floor(y)) : int(np.ceil(y)) + 1, int(np.floor(x)) : int(np.ceil(x)) + 1]
            assert near.any()
    for y, x in np.argwhere(painted):
        assert _distance((x, y), path) <= radius + 1.5


def _distance(point, path):
    """Distance of a point to a polyline."""
    p = np.array(point, dtype=float)
    best = min(np.hypot(*(p - np.array(q))) for q in path)
    for a, b in itertools.pairwise(path):
        a, b = np.array(a), np.array(b)
        run = b - a
        t = np.clip((p - a) @ run / max(run @ run, 1e-12), 0, 1)
        best = min(best, np.hypot(*(p - a - t * run)))
    return best
