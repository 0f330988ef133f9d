"""Sizes of shapes whose sizes are known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.image import ArrayFrames, ImageRecord, Region
from busi_viewer.core.measure import measure, measure_all


def ellipse(shape, centre, axes, angle_deg, spacing=(1.0, 1.0)):
    """Mask of an ellipse given in mm: centre (x, y) in px, full axes in mm, the angle falling to the right."""
    dy, dx = spacing
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    u, v = (x - centre[0]) * dx, (y - centre[1]) * dy
    a = np.radians(angle_deg)
    along, across = u * np.cos(a) + v * np.sin(a), -u * np.sin(a) + v * np.cos(a)
    return (along / (axes[0] / 2)) ** 2 + (across / (axes[1] / 2)) ** 2 <= 1


def turned(a, b):
    """Smallest difference of two axes' directions in degrees."""
    return abs((a - b + 90) % 180 - 90)


@settings(max_examples=40, deadline=None)
@given(
    long=st.floats(60, 150),
    ratio=st.floats(0.3, 0.8),
    angle=st.floats(-89, 90),
    dy=st.floats(0.05, 0.2),
    stretch=st.floats(0.5, 2),
)
def test_an_ellipse_measures_its_axes_and_angle_in_millimetres_whatever_the_spacing(long, ratio, angle, dy, stretch):
    spacing = (dy, dy * stretch)
    unit = max(spacing)
    axes = (long * unit, long * ratio * unit)
    lesion = measure(ellipse((440, 440), (220, 220), axes, angle, spacing), spacing)
    assert lesion.long_axis_mm == pytest.approx(axes[0], abs=2.2 * unit)
    assert lesion.short_axis_mm == pytest.approx(axes[1], abs=3.5 * unit)
    assert turned(lesion.angle_deg, angle) < 12
    assert -90 < lesion.angle_deg <= 90
    assert lesion.area_mm2 == pytest.approx(np.pi / 4 * axes[0] * axes[1], rel=0.03)
    a = np.radians(angle)
    height = np.hypot(axes[0] * np.sin(a), axes[1] * np.cos(a))
    width = np.hypot(axes[0] * np.cos(a), axes[1] * np.sin(a))
    assert lesion.ap_mm == pytest.approx(height, abs=2 * spacing[0])
    assert lesion.width_mm == pytest.approx(width, abs=2 * spacing[1])


def test_zero_degrees_is_parallel_to_the_top_edge_and_positive_falls_to_the_right():
    assert measure(ellipse((200, 200), (100, 100), (120, 40), 0)).angle_deg == pytest.approx(0, abs=1.5)
    assert measure(ellipse((200, 200), (100, 100), (120, 40), 30)).angle_deg == pytest.approx(30, abs=4)
    assert measure(ellipse((200, 200), (100, 100), (120, 40), -30)).angle_deg == pytest.approx(-30, abs=4)
    assert abs(measure(ellipse((200, 200), (100, 100), (40, 120), 0)).angle_deg) == pytest.approx(90, abs=1.5)


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_rectangle_measures_its_sides_not_one_less(width, height):
    mask = np.zeros((40, 40), dtype=bool)
    mask[3 : 3 + height, 5 : 5 + width] = True
    lesion = measure(mask)
    assert (lesion.width_px, lesion.ap_px) == (width, height)
    assert lesion.bbox == (5, 3, width, height)
    assert lesion.area_px == width * height
    assert max(width, height) - 1e-6 <= lesion.long_axis_px <= np.hypot(width, height) + 1e-6
    assert lesion.short_axis_px <= lesion.long_axis_px + 1e-6


def test_a_single_pixel_is_one_pixel_long_and_wide():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 4] = True
    lesion = measure(mask, (0.1, 0.2))
    assert lesion.long_axis_mm == pytest.approx(0.2, abs=1e-6)
    assert lesion.short_axis_mm == pytest.approx(0.1, abs=1e-6)
    assert lesion.area_mm2 == pytest.approx(0.02)
    assert lesion.angle_deg == pytest.approx(0)


def test_a_vertical_line_is_at_ninety_degrees_not_minus_ninety():
    mask = np.zeros((40, 40), dtype=bool)
    mask[5:35, 20] = True
    assert measure(mask).angle_deg == pytest.approx(90)


def test_without_spacing_nothing_is_in_millimetres_and_pixels_count_as_square():
    lesion = measure(ellipse((80, 80), (40, 40), (50, 20), 0))
    sizes = (lesion.area_mm2, lesion.long_axis_mm, lesion.short_axis_mm, lesion.ap_mm, lesion.width_mm)
    assert sizes == (None,) * 5
    assert lesion.orientation == "parallel"
    assert measure(ellipse((80, 80), (40, 40), (20, 50), 0)).orientation == "not parallel"


def test_a_round_lesion_is_not_parallel():
    assert measure(ellipse((80, 80), (40, 40), (40, 40), 0)).orientation == "not parallel"


def test_orientation_is_judged_in_millimetres():
    wide_in_px = ellipse((80, 80), (40, 40), (50, 30), 0)
    assert measure(wide_in_px, (0.1, 0.1)).orientation == "parallel"
    assert measure(wide_in_px, (0.3, 0.1)).orientation == "not parallel"


def test_an_empty_mask_has_no_size():
    with pytest.raises(ValueError, match="empty"):
        measure(np.zeros((4, 4), dtype=bool))


def record(shape, **extra):
    frames = ArrayFrames((np.zeros(shape, dtype=np.uint8),))
    return ImageRecord(Path("a.png"), "0" * 64, "png", frames, shape, **extra)


def test_each_lesion_is_calibrated_by_the_region_that_holds_its_centre():
    regions = (Region(0, 0, 50, 100, (0.1, 0.1)), Region(50, 0, 90, 100, (0.2, 0.2)))
    mask = np.zeros((100, 120), dtype=bool)
    mask[10:40, 10:40] = True
    mask[10:30, 60:80] = True
    mask[10:20, 100:110] = True
    left, right, outside = measure_all(mask, record((100, 120), regions=regions))
    assert (left.region, right.region, outside.region) == (0, 1, None)
    assert left.ap_mm == pytest.approx(3.0)
    assert right.ap_mm == pytest.approx(4.0)
    assert outside.ap_mm is None


def test_mean_probability_is_that_of_the_lesions_own_pixels():
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:8, 2:8] = True
    mask[12:15, 12:15] = True
    probability = np.where(mask, 0.75, 0.1)
    probability[12:15, 12:15] = 0.5
    first, second = measure_all(mask, record((20, 20), spacing_mm=(0.1, 0.1)), probability)
    assert first.mean_probability == pytest.approx(0.75)
    assert second.mean_probability == pytest.approx(0.5)
    assert second.ap_mm == pytest.approx(0.3)
