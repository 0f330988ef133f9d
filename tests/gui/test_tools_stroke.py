"""The stroke without a window: same pixels as painting at once, whatever the path."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.masks import bounding_box, stroke
from busi_viewer.gui.tools.stroke import Stroke, union

SHAPE = (50, 70)
paths = st.lists(st.tuples(st.floats(-10, 80), st.floats(-10, 60)), min_size=1, max_size=10)


def base_mask():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[10:30, 20:50] = True
    return mask


def painted(points, radius):
    whole = np.zeros(SHAPE, dtype=bool)
    for last, point in zip([None, *points], points, strict=False):
        (x0, y0, x1, y1), part = stroke(SHAPE, [point] if last is None else [last, point], radius)
        if part.size:
            whole[y0:y1, x0:x1] |= part
    return whole


@settings(max_examples=60, deadline=None)
@given(points=paths, radius=st.floats(0.5, 15), erase=st.booleans())
def test_a_stroke_equals_painting_its_path(points, radius, erase):
    base = base_mask()
    one = Stroke(SHAPE, base, radius, erase)
    for point in points:
        one.extend(*point)
    whole = painted(points, radius)
    expected = base & ~whole if erase else base | whole
    assert np.array_equal(one.work, expected)
    box = bounding_box(one.work)
    assert box is None or union(box, one.extent) == one.extent, "the extent holds every pixel"
    edit = one.edit(0, "Brush")
    mask = base.copy()
    if edit is None:
        assert np.array_equal(base, expected)
        return
    inverse = edit.apply(mask)
    assert np.array_equal(mask, expected)
    inverse.apply(mask)
    assert np.array_equal(mask, base)


def test_a_mask_that_changes_under_the_stroke_keeps_the_stroke():
    one = Stroke(SHAPE, None, 4, erase=False)
    one.extend(60, 40)
    one.rebase(base_mask())
    assert one.work[40, 60]
    assert one.work[20, 30]


def test_a_stroke_outside_the_image_changes_nothing():
    one = Stroke(SHAPE, base_mask(), 3, erase=False)
    assert one.extend(-50, -50) is None
    assert one.edit(0, "Brush") is None
