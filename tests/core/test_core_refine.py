"""Grow, shrink, smooth, split, merge: what must hold for every mask, at the image's edge too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from busi_viewer.core import refine
from busi_viewer.core.masks import components

SHAPE = (24, 31)
any_mask = arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 31)), elements=st.booleans())
blobs = st.lists(st.tuples(st.integers(-3, 33), st.integers(-3, 27), st.integers(0, 7)), min_size=0, max_size=4).map(
    lambda discs: _discs(discs)
)
masks = st.one_of(any_mask, blobs)
radii = st.integers(0, 6)


def _discs(discs):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    mask = np.zeros(SHAPE, dtype=bool)
    for x, y, r in discs:
        mask |= np.hypot(xx - x, yy - y) <= r
    return mask


def brute_grown(mask, px):
    """By the definition."""
    rows, cols = np.nonzero(mask)
    yy, xx = np.mgrid[: mask.shape[0], : mask.shape[1]]
    near = np.zeros(mask.shape, dtype=bool)
    for y, x in zip(rows, cols, strict=True):
        near |= (yy - y) ** 2 + (xx - x) ** 2 <= px**2
    return near


@settings(max_examples=80, deadline=None)
@given(mask=masks, px=radii)
def test_growing_and_shrinking_are_each_others_mirror(mask, px):
    untouched = mask.copy()
    assert np.array_equal(refine.grown(mask, px), brute_grown(mask, px))
    assert np.array_equal(refine.shrunk(mask, px), ~brute_grown(~mask, px))
    assert np.array_equal(mask, untouched), "the argument is not changed"


@settings(max_examples=80, deadline=None)
@given(mask=masks, px=radii)
def test_closing_adds_and_opening_removes_and_neither_does_more_the_second_time(mask, px):
    closed, opened = refine.closed(mask, px), refine.opened(mask, px)
    assert np.array_equal(closed, refine.shrunk(refine.grown(mask, px), px))
    assert np.array_equal(opened, refine.grown(refine.shrunk(mask, px), px))
    assert not (mask & ~closed).any()
    assert not (opened & ~mask).any()
    assert np.array_equal(refine.closed(closed, px), closed)
    assert np.array_equal(refine.opened(opened, px), opened)


@settings(max_examples=60, deadline=None)
@given(mask=masks, px=st.integers(1, 4))
def test_the_median_is_the_majority_of_the_square(mask, px):
    wide = np.pad(mask, px, mode="edge")
    votes = sum(
        wide[dy : dy + mask.shape[0], dx : dx + mask.shape[1]].astype(int)
        for dy in range(2 * px + 1)
        for dx in range(2 * px + 1)
    )
    assert np.array_equal(refine.median(mask, px), votes > (2 * px + 1) ** 2 // 2)


@settings(max_examples=60, deadline=None)
@given(mask=masks, min_area=st.integers(0, 50))
def test_islands_go_and_the_largest_stays(mask, min_area):
    left = refine.without_islands(mask, min_area)
    parts = components(mask)
    assert int(left.sum()) == sum(int(p.sum()) for i, p in enumerate(parts) if i == 0 or p.sum() >= min_area)
    largest = refine.keep_largest(mask)
    assert largest.sum() == (parts[0].sum() if parts else 0)
    assert len(components(largest)) == min(len(parts), 1)


@settings(max_examples=60, deadline=None)
@given(mask=masks, x=st.floats(-5, 40), y=st.floats(-5, 40), reach=st.integers(0, 8))
def test_the_lesion_under_the_mouse_is_a_component_within_reach(mask, x, y, reach):
    found = refine.lesion_at(mask, x, y, reach)
    rows, cols = np.nonzero(mask)
    near = (abs(rows - round(y)) <= reach) & (abs(cols - round(x)) <= reach)
    if found is None:
        assert not near.any()
    else:
        assert any(np.array_equal(found, part) for part in components(mask))
        assert found[rows[near], cols[near]].any()


line = st.lists(st.tuples(st.floats(-8, 40), st.floats(-8, 32)), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(mask=masks, points=line)
def test_a_cut_only_takes_pixels_of_lesions_it_parts(mask, points):
    after = refine.split(mask, points)
    assert not (after & ~mask).any()
    before_parts, after_parts = components(mask), components(after)
    for part in before_parts:
        if not np.array_equal(part & after, part):
            assert len(components(part & after)) >= 2
    if not np.array_equal(after, mask):
        assert len(after_parts) > len(before_parts)


@settings(max_examples=100, deadline=None)
@given(mask=masks, points=line, radius=st.floats(0.5, 4))
def test_a_bridge_joins_what_it_touches_and_removes_nothing(mask, points, radius):
    after = refine.merge(mask, points, radius)
    assert not (mask & ~after).any()
    if not np.array_equal(after, mask):
        assert len(components(after)) < len(components(mask))


def test_a_disc_is_cut_in_two_and_joined_again():
    disc = _discs([(15, 12, 9)])
    halves = refine.split(disc, [(15, -1), (16, 25)])
    assert [int(p.sum()) for p in components(halves)][1] > 90
    assert len(components(halves)) == 2
    joined = refine.merge(halves, [(10, 12), (20, 12)], 2)
    assert len(components(joined)) == 1
    assert np.array_equal(refine.split(disc, [(15, -1), (15, 12)]), disc), "a line that ends inside parts nothing"


def test_refining_one_lesion_leaves_the_other_alone():
    mask = _discs([(6, 8, 4), (24, 14, 4)])
    lesion = refine.lesion_at(mask, 6, 8)
    after = refine.on_lesion(mask, lesion, lambda part: refine.shrunk(part, 2))
    assert np.array_equal(after & ~lesion, mask & ~lesion)
    assert (after & lesion).sum() < lesion.sum()


@pytest.mark.parametrize("work", [refine.grown, refine.shrunk, refine.opened, refine.closed, refine.median])
def test_single_pixels_empty_and_full_masks_survive(work):
    for mask in (np.zeros((1, 1), bool), np.ones((1, 1), bool), np.zeros(SHAPE, bool), np.ones(SHAPE, bool)):
        assert np.array_equal(work(mask, 3), mask)
    one = np.zeros(SHAPE, bool)
    one[0, 0] = True
    assert work(one, 1).shape == SHAPE
