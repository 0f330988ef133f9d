"""Edits of a mask and their inverses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from busi_viewer.core.edits import MaskEdit, edit_between


@st.composite
def masks_of_one_shape(draw, count):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20))
    return [draw(hnp.arrays(bool, shape)) for _ in range(count)]


@st.composite
def mask_and_edits(draw):
    mask = draw(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)))
    edits = []
    for _ in range(draw(st.integers(1, 5))):
        y0, y1 = sorted(draw(st.tuples(*[st.integers(0, mask.shape[0])] * 2)))
        x0, x1 = sorted(draw(st.tuples(*[st.integers(0, mask.shape[1])] * 2)))
        edits.append(MaskEdit(0, (x0, y0, x1, y1), draw(hnp.arrays(bool, (y1 - y0, x1 - x0))), "paint"))
    return mask, edits


@given(mask_and_edits())
def test_undoing_every_edit_in_reverse_restores_the_mask(case):
    mask, edits = case
    before = mask.copy()
    states, inverses = [], []
    for edit in edits:
        inverses.append(edit.apply(mask))
        states.append(mask.copy())
    redone = [inverse.apply(mask) for inverse in reversed(inverses)]
    assert np.array_equal(mask, before)
    for edit, state in zip(reversed(redone), states, strict=True):
        edit.apply(mask)
        assert np.array_equal(mask, state)


@given(masks_of_one_shape(2))
def test_an_edit_between_two_masks_turns_one_into_the_other_and_is_smallest(pair):
    before, after = pair
    edit = edit_between(before, after, "change", frame=3)
    if edit is None:
        assert np.array_equal(before, after)
        return
    x0, y0, x1, y1 = edit.box
    changed = np.argwhere(before != after)
    assert (y0, x0) == tuple(changed.min(axis=0))
    assert (y1, x1) == tuple(changed.max(axis=0) + 1)
    assert edit.frame == 3
    work = before.copy()
    inverse = edit.apply(work)
    assert np.array_equal(work, after)
    inverse.apply(work)
    assert np.array_equal(work, before)


@settings(max_examples=20)
@given(masks_of_one_shape(2))
def test_an_edit_keeps_its_own_copy_of_the_pixels(pair):
    before, after = pair
    edit = edit_between(before, after, "change")
    if edit is not None:
        expected, target = after.copy(), before.copy()
        after[:] = False
        edit.apply(target)
        assert np.array_equal(target, expected)


@pytest.mark.parametrize("box", [(-1, 0, 1, 1), (0, -1, 2, 0), (4, 0, 6, 1), (0, 4, 2, 5)])
def test_an_edit_that_leaves_the_mask_is_refused_and_changes_nothing(box):
    x0, y0, x1, y1 = box
    mask = np.zeros((4, 5), dtype=bool)
    with pytest.raises(ValueError, match="leaves"):
        MaskEdit(0, box, np.ones((y1 - y0, x1 - x0), dtype=bool), "paint").apply(mask)
    assert not mask.any()


def test_pixels_that_do_not_fill_the_box_are_refused():
    with pytest.raises(ValueError, match="fill"):
        MaskEdit(0, (0, 0, 3, 2), np.ones((3, 2), dtype=bool), "paint")
