"""Outlines, callipers and heat drawn over an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core import render
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.measure import Lesion, measure_all


def disc(shape: tuple[int, int], x: float, y: float, r: float) -> np.ndarray:
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return (xx - x) ** 2 + (yy - y) ** 2 <= r * r


def lesions_of(mask: np.ndarray) -> tuple[Lesion, ...]:
    frames = ArrayFrames((np.zeros(mask.shape, np.uint8),))
    return measure_all(mask, ImageRecord(Path("x.png"), "0" * 64, "png", frames, mask.shape))


def near(image: np.ndarray, x: int, y: int, colour: tuple[int, int, int], reach: int = 1) -> bool:
    part = image[y - reach : y + reach + 1, x - reach : x + reach + 1].astype(int)
    return bool((np.abs(part - np.array(colour)).sum(axis=-1) < 60).any())


def test_heat_colours_rise_in_lightness_from_black_to_orange() -> None:
    colours = render.heat_colours().astype(float)
    luminance = colours @ np.array([0.2126, 0.7152, 0.0722])
    assert colours.shape == (256, 3)
    assert (np.diff(luminance) > -0.6).all()
    assert luminance[0] < 2
    assert colours[-1][0] > 240
    assert colours[-1][2] < 80


def test_heatmap_image_clips_and_survives_nan() -> None:
    image = render.heatmap_image(np.array([[-1.0, 0.0, 1.0, 2.0, np.nan]], dtype=np.float32))
    assert (image[0, 0] == image[0, 1]).all()
    assert (image[0, 2] == image[0, 3]).all()
    assert (image[0, 4] == image[0, 0]).all()


def test_blend_leaves_cold_pixels_alone_and_changes_hot_ones() -> None:
    frame = np.full((4, 4), 100, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0], heat[1, 1] = 1.0, render.HEAT_THRESHOLD
    image = render.blend_heatmap(frame, heat)
    assert (image[2:] == 100).all()
    assert (image[1, 1] == 100).all()
    assert image[0, 0, 0] > image[0, 0, 2] + 80


@pytest.mark.parametrize("proposal", [True, False])
def test_outline_lies_on_the_boundary_and_not_elsewhere(proposal: bool) -> None:
    mask = disc((200, 240), 120, 100, 50)
    image = render.overlay_image(
        np.zeros((200, 240), np.uint8), mask, lesions_of(mask), proposal=proposal, callipers=False
    )
    colour = np.array(render.lesion_colour(0))
    strong = np.abs(image.astype(int) - colour).sum(axis=-1) < 60
    yy, xx = np.nonzero(strong)
    radius = np.hypot(xx - 120, yy - 100)
    assert len(radius) > 100
    assert abs(float(radius.mean()) - 50) < 1
    assert np.abs(radius - 50).max() < 3


def test_proposal_is_dashed_and_readers_outline_is_solid() -> None:
    mask = disc((200, 240), 120, 100, 60)
    share = {}
    for proposal in (True, False):
        image = render.overlay_image(
            np.zeros((200, 240), np.uint8), mask, lesions_of(mask), proposal=proposal, callipers=False
        )
        angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        hits = [
            near(image, round(120 + 60 * np.cos(a)), round(100 + 60 * np.sin(a)), render.lesion_colour(0))
            for a in angles
        ]
        share[proposal] = float(np.mean(hits))
    assert share[False] > 0.99
    assert 0.4 < share[True] < 0.9


def test_each_lesion_has_its_colour_and_holes_are_outlined() -> None:
    mask = disc((200, 400), 100, 100, 60) | disc((200, 400), 320, 100, 40)
    mask &= ~disc((200, 400), 100, 100, 20)
    lesions = lesions_of(mask)
    paths = render.outlines(mask, lesions)
    assert [len(p) for p in paths] == [2, 1]
    image = render.overlay_image(np.zeros(mask.shape, np.uint8), mask, lesions, proposal=False, callipers=False)
    assert near(image, 160, 100, render.LESION_COLOURS[0])
    assert near(image, 120, 100, render.LESION_COLOURS[0])
    assert near(image, 360, 100, render.LESION_COLOURS[1])
    assert (image[100, 100] == 0).all()


def test_callipers_reach_the_ends_of_the_axes() -> None:
    mask = disc((200, 240), 120, 100, 50)
    lesion = lesions_of(mask)[0]
    image = render.overlay_image(np.zeros((200, 240), np.uint8), mask, [lesion])
    for x, y in (*lesion.long_axis, *lesion.short_axis):
        assert near(image, round(x), round(y), render.CALLIPER_COLOUR, reach=2)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3000), (40, 1)])
def test_odd_sizes_do_not_fail(shape: tuple[int, int]) -> None:
    mask = np.ones(shape, bool)
    image = render.overlay_image(np.zeros(shape, np.uint8), mask, lesions_of(mask), np.ones(shape, np.float32))
    assert image.shape == (*shape, 3)
    assert image.dtype == np.uint8


def test_frame_is_not_altered_and_no_mask_gives_the_frame_back() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    before = frame.copy()
    mask = disc((50, 60), 30, 25, 12)
    render.overlay_image(frame, mask, lesions_of(mask))
    assert (frame == before).all()
    assert (render.overlay_image(frame, None, ()) == before).all()
