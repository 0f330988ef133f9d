"""Thresholds and flood fill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.masks import components
from busi_viewer.core.region import flood, grey_range, luminance, within

GREY = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(x=st.integers(-2, 52), y=st.integers(-2, 42), tolerance=st.integers(0, 255), reach=st.integers(1, 60))
def test_a_flood_is_one_piece_around_its_seed_within_reach(x, y, tolerance, reach):
    region = flood(GREY, (x, y), tolerance, reach=reach)
    assert region.shape == GREY.shape
    if not (0 <= x < 50 and 0 <= y < 40):
        assert not region.any()
        return
    assert region[y, x]
    assert len(components(region)) == 1
    rows, cols = np.nonzero(region)
    assert (np.hypot(rows - y, cols - x) <= reach).all()
    assert not (region & ~flood(GREY, (x, y), tolerance + 10, reach=reach)).any(), "more tolerance, more region"


def test_a_flood_fills_a_flat_area_exactly_and_its_speck():
    grey = np.full((40, 50), 140, np.uint8)
    grey[5:20, 10:30] = 30
    grey[10, 15] = 200
    expected = np.zeros(grey.shape, bool)
    expected[5:20, 10:30] = True
    assert np.array_equal(flood(grey, (12, 8), 20, reach=100), expected)
    assert np.array_equal(flood(grey, (12, 8), 20, reach=100, calm=1)[7:18, 12:28], expected[7:18, 12:28])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_floods_in_the_smallest_images(shape):
    assert flood(np.zeros(shape, np.uint8), (0, 0), 5, reach=3, calm=2)[0, 0]


def test_a_threshold_reads_stored_values_of_every_kind_of_image():
    deep = (np.arange(12, dtype=np.uint16) * 1000).reshape(3, 4)
    assert within(deep, 2000, 3000).sum() == 2
    assert not within(deep, 5, 4).any()
    colour = np.dstack([deep.astype(np.uint8)] * 3)
    assert np.array_equal(luminance(colour), deep.astype(np.uint8))
    assert grey_range(deep, deep >= 10000) == (10020, 10980)
    assert grey_range(deep, deep > 60000) is None
