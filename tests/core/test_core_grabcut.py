"""Lesions from a box and from scribbles."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.grabcut import Marks, refined, segment
from busi_viewer.core.masks import bounding_box, components, fill_polygon
from busi_viewer.paths import real_data

SHAPE = (120, 160)


def scene():
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = np.hypot((xx - 80) / 1.4, yy - 60) < 25
    noise = np.random.default_rng(1)
    grey = noise.rayleigh(60, SHAPE)
    grey[truth] = noise.rayleigh(20, int(truth.sum()))
    return np.clip(grey, 0, 255).astype(np.uint8), truth


def marks(box=None, lesion=None, background=None):
    empty = np.zeros(SHAPE, bool)
    return Marks(box, empty if lesion is None else lesion, empty if background is None else background)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def scribble(*points):
    canvas = np.zeros(SHAPE, np.uint8)
    cv2.polylines(canvas, [np.array(points, np.int32)], False, 1, 5)
    return canvas.astype(bool)


def test_a_box_around_a_lesion_gives_the_lesion():
    grey, truth = scene()
    found = segment(grey, marks((40, 30, 121, 91)))
    assert dice(found, truth) > 0.85
    assert np.array_equal(found, segment(grey, marks((40, 30, 121, 91)))), "the same marks give the same lesion"


def test_a_scribble_gives_the_lesion_and_background_marks_bar_it():
    grey, truth = scene()
    inner = scribble((65, 60), (95, 60))
    found = segment(grey, marks(lesion=inner))
    assert dice(found, truth) > 0.75
    assert (found & inner).sum() == inner.sum()
    never = scribble((106, 40), (106, 80))
    barred = segment(grey, marks(lesion=inner, background=never))
    assert not (barred & never).any()


def test_what_lies_in_the_box_is_replaced_and_the_rest_stays():
    grey, truth = scene()
    far = fill_polygon(SHAPE, [(2, 2), (20, 2), (20, 20), (2, 20)])
    poor = fill_polygon(SHAPE, [(70, 50), (90, 50), (90, 70), (70, 70)])
    after = refined(far | poor, grey, marks((40, 30, 121, 91)))
    assert np.array_equal(components(after)[1], far)
    assert dice(components(after)[0], truth) > 0.85


@settings(max_examples=20, deadline=None)
@given(
    box=st.none() | st.tuples(*[st.integers(-20, 170)] * 4),
    dot=st.none() | st.tuples(st.integers(0, 159), st.integers(0, 119)),
)
def test_any_marks_give_a_mask(box, dot):
    grey, _ = scene()
    lesion = np.zeros(SHAPE, bool)
    if dot is not None:
        lesion[dot[1], dot[0]] = True
    given_marks = marks(box, lesion)
    found = segment(grey, given_marks)
    assert found.shape == SHAPE
    assert not (lesion & ~found).any()
    if given_marks.empty:
        assert not found.any()
        assert np.array_equal(refined(lesion, grey, given_marks), lesion)


@pytest.mark.parametrize("shape", [(1, 1), (2, 30), (5, 5)])
def test_the_smallest_images(shape):
    empty = np.zeros(shape, bool)
    assert segment(np.zeros(shape, np.uint8), Marks((0, 0, shape[1], shape[0]), empty, empty)).shape == shape


def test_boxes_on_real_lesions():
    root = real_data()
    if root is None or not (root / "Dataset_BUSI_with_GT").is_dir():
        pytest.skip("BUSI is not on this machine (BUSI_VIEWER_DATA)")
    scores = []
    for path in sorted((root / "Dataset_BUSI_with_GT" / "malignant").glob("*_mask.png"))[:60:6]:
        grey = cv2.imread(str(path).replace("_mask", ""), cv2.IMREAD_GRAYSCALE)
        truth = components(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0)[0]
        x0, y0, x1, y1 = bounding_box(truth)
        pad = round(0.08 * max(x1 - x0, y1 - y0))
        empty = np.zeros(truth.shape, bool)
        scores.append(dice(segment(grey, Marks((x0 - pad, y0 - pad, x1 + pad, y1 + pad), empty, empty)), truth))
    assert np.median(scores) > 0.8
