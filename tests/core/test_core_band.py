"""The uncertainty band: fitted, placed on an image, measured."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from busi_viewer.core import render
from busi_viewer.core.band import MARGINS, Band, boundary, cover, fit_band, losses, on_image, zone

SHAPE = (140, 180)


def disc(radius, x=90.0, y=70.0):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(xx - x, yy - y)


def ramp(radius, softness=3.0, x=90.0):
    """Lesion probability that falls from 1 to 0 around a disc's edge."""
    return (1 / (1 + np.exp((disc(radius, x) - radius) / softness))).astype(np.float32)


def cases(rng, n, spread=3.0):
    """(truth, probability, mask) of discs whose true radius differs from the outlined one by normal noise."""
    out = []
    for _ in range(n):
        probability = ramp(30)
        out.append((disc(0) <= max(30 + rng.normal(0, spread), 5), probability, probability >= 0.5))
    return out


def test_boundary_is_one_pixel_wide_and_stops_at_the_images_edge():
    mask = np.zeros(SHAPE, bool)
    mask[:20, 40:60] = True
    edge = boundary(mask)
    assert edge[19, 50]
    assert edge[5, 40]
    assert not edge[0, 50]
    assert not edge[10, 50]
    assert edge.sum() == 20 + 2 * 19


def fitted(found, coverage=0.9):
    return fit_band([losses(*case) for case in found], coverage)


def test_the_fitted_band_holds_the_promised_share_on_other_images():
    rng = np.random.default_rng(0)
    band = fitted(cases(rng, 200, 8.0))
    assert band is not None
    assert band.margin > 0
    shares = [cover(*case, band).share for case in cases(rng, 400, 8.0)]
    assert 0.87 < np.mean(shares) < 0.97
    assert fitted(cases(rng, 200, 3.0)).margin < band.margin


def test_a_higher_promise_never_gives_a_narrower_band():
    rng = np.random.default_rng(1)
    found = cases(rng, 300, 10.0)
    bands = [fitted(found, coverage) for coverage in (0.5, 0.7, 0.8, 0.9)]
    assert all(a.margin <= b.margin for a, b in pairwise(bands))


def test_too_few_images_or_hopeless_ones_give_no_band():
    rng = np.random.default_rng(2)
    assert fitted(cases(rng, 8)) is None
    assert fit_band([]) is None
    assert fit_band([np.ones(len(MARGINS))] * 100) is None


def test_the_zone_stays_around_the_outline():
    probability = np.maximum(ramp(20), 0.4 * ramp(8, x=160.0))
    mask = probability >= 0.5
    band = Band(0.2, 0.8, 0.0, 0.9)
    inside = zone(probability, mask, band)
    assert inside[70, 90 + 20]
    assert not inside[70, 90]
    assert not inside[70, 160], "a second spot that the outline does not touch belongs to no band"
    assert not zone(probability, np.zeros(SHAPE, bool), band).any()


@pytest.mark.parametrize("x", [90.0, 4.0, 175.0])
def test_the_zone_reaches_as_far_as_its_margin_and_no_farther(x):
    probability = ramp(20, x=x)
    mask = probability >= 0.5
    narrow, wide = (zone(probability, mask, Band(0.2, 0.8, margin, 0.9)) for margin in (0.0, 0.3))
    away = cv2.distanceTransform((~narrow).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    assert np.array_equal(wide, away <= 0.3 * np.sqrt(mask.sum()))
    assert wide.sum() > 2 * narrow.sum()


def test_a_missed_lesion_says_nothing():
    truth = disc(0, 20.0) <= 10
    probability = ramp(20)
    assert losses(truth, probability, probability >= 0.5) is None
    assert cover(truth, probability, probability >= 0.5, Band(0.1, 0.9, 0.0, 0.9)) is None


def test_width_is_in_pixels_and_relative_to_the_long_axis():
    probability = ramp(30)
    mask = probability >= 0.5
    band = Band(0.2, 0.8, 0.0, 0.9)
    expected = 2 * 3.0 * np.log(4)
    found = cover(mask, probability, mask, band)
    assert found.share == 1.0
    assert found.width_px == pytest.approx(expected, rel=0.15)
    assert found.width_share == pytest.approx(found.width_px / 61, rel=0.03)


def test_rings_enclose_the_zone_and_are_drawn():
    probability = ramp(30)
    mask = probability >= 0.5
    band = on_image(probability, mask, Band(0.2, 0.8, 0.0, 0.9))
    assert len(band.rings) == 2
    image = np.zeros((*SHAPE, 3), np.uint8)
    render.draw_band(image, band.rings)
    tinted = image.any(axis=-1)
    inside = zone(probability, mask, band)
    assert (tinted & inside).sum() >= 0.95 * inside.sum()
    assert not tinted[70, 90]
    assert not tinted[0, 0]


def test_the_margin_widens_the_band_on_both_sides():
    probability = (disc(0) <= 30).astype(np.float32)
    mask = probability >= 0.5
    inside = zone(probability, mask, Band(0.05, 0.95, 0.1, 0.9))
    reach = 0.1 * np.sqrt(mask.sum())
    yy, xx = np.nonzero(inside)
    radius = np.hypot(xx - 90, yy - 70)
    assert radius.max() == pytest.approx(30 + 1 + reach, abs=1.5)
    assert radius.min() == pytest.approx(30 - reach, abs=1.5)
