"""Paths that cling to edges."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.livewire import Livewire, thinned


def disc(radius=25, shape=(120, 160)):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    grey = np.random.default_rng(0).integers(110, 150, shape).astype(np.uint8)
    grey[np.hypot(xx - 80, yy - 60) < radius] //= 4
    return grey


def test_a_path_follows_the_edge_of_a_dark_disc():
    wire = Livewire(disc())
    wire.anchor(80, 35)
    path = wire.path_to(105, 60)
    distances = [math.hypot(x - 80, y - 60) for x, y in path]
    assert path[0] == (80, 35)
    assert path[-1] == (105, 60)
    assert max(abs(d - 25) for d in distances) < 4, "a straight line would come within 18 px of the middle"


@settings(max_examples=25, deadline=None)
@given(
    start=st.tuples(st.floats(-20, 180), st.floats(-20, 140)),
    end=st.tuples(st.floats(-60, 220), st.floats(-60, 180)),
    reach=st.integers(10, 40),
)
def test_paths_are_whole_from_anchor_to_end_wherever_they_lie(start, end, reach):
    wire = Livewire(disc(), reach)
    wire.anchor(*start)
    path = wire.path_to(*end)
    assert path[0] == wire.start
    assert math.dist(path[-1], end) <= 1.0
    near = [math.dist(a, b) for a, b in pairwise(path)]
    assert all(step <= 1.5 for step in near[:-1]), "pixel by pixel within reach"


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (9, 9)])
def test_small_images_and_flat_ones_give_paths(shape):
    wire = Livewire(np.zeros(shape, np.uint8))
    wire.anchor(0, 0)
    path = wire.path_to(shape[1] - 1, shape[0] - 1)
    assert path[0] == (0, 0)
    assert math.dist(path[-1], (shape[1] - 1, shape[0] - 1)) <= 1.0


def test_thinning_keeps_the_shape_within_its_tolerance():
    circle = [(50 + 30 * math.cos(t / 20), 50 + 30 * math.sin(t / 20)) for t in range(125)]
    few = thinned(circle, 1.0)
    assert len(few) < 40
    assert few[0] == pytest.approx(circle[0], abs=1e-4)
    for x, y in few:
        assert math.hypot(x - 50, y - 50) == pytest.approx(30, abs=0.01)
    assert thinned([(1, 2)], 1.0) == [(1, 2)]
