"""Masks of many frames kept as bits."""

from __future__ import annotations

import numpy as np

from busi_viewer.core.mask_stack import LIVE, MaskStack

SHAPE = (7, 13)
"""91 pixels: not a whole number of bytes."""


def mask_of(frame: int) -> np.ndarray:
    return np.random.default_rng(frame).random(SHAPE) < 0.5


def test_every_mask_comes_back_as_it_was_put_in_and_few_are_arrays():
    stack = MaskStack()
    for frame in range(5 * LIVE):
        stack[frame] = mask_of(frame)
    assert len(stack) == 5 * LIVE
    assert sorted(stack) == list(range(5 * LIVE))
    for frame in (0, 5 * LIVE - 1, 3, 0):
        assert stack[frame].dtype == bool
        assert np.array_equal(stack[frame], mask_of(frame))
    assert len(stack._live) == LIVE


def test_a_mask_changed_in_place_keeps_its_change_among_many_others():
    stack = MaskStack()
    for frame in range(3 * LIVE):
        stack[frame] = mask_of(frame)
    changed = stack[1]
    changed[2, 3] = not changed[2, 3]
    stack[1] = changed
    for frame in range(3 * LIVE):
        _ = stack[frame]
    assert np.array_equal(stack[1], changed)
    assert not np.array_equal(stack[1], mask_of(1))


def test_masks_are_dropped_and_asked_for_without_unpacking():
    stack = MaskStack()
    for frame in range(2 * LIVE):
        stack[frame] = mask_of(frame)
    assert 0 in stack
    assert 2 * LIVE not in stack
    assert np.array_equal(stack.pop(0), mask_of(0))
    assert stack.pop(0, None) is None
    assert stack.get(0) is None
    del stack[2 * LIVE - 1]
    assert len(stack) == 2 * LIVE - 2
