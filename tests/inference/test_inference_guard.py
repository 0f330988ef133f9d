"""The input guard: what it flags, and in which words."""

import cv2
import numpy as np
import pytest

from busi_viewer.core.phantom import phantom
from busi_viewer.core.texture import NAMES, texture
from busi_viewer.inference.guard import judge
from busi_viewer.nets.card import Guard, LearnedGuard

WINDOW = (0.0, 255.0)
PLAIN = Guard(mean=[0.0, 0.0], projection=[[1.0, 0.0], [0.0, 1.0]], limit=4.0, max_colour=0.01)
NEAR, FAR = np.zeros(2, np.float32), np.full(2, 9.0, np.float32)


def learned(limit=100.0, limit_beyond=2.0):
    """A guard that measures the embedding's second number, and, with ``limit`` below 0, refuses every texture."""
    count = len(NAMES)
    return LearnedGuard(
        mean=[0.0, 0.0], axes=[[1.0, 0.0]], limit_beyond=limit_beyond, centre=[0.0] * count, spread=[1.0] * count,
        weights=[0.0] * (2 * count), bias=0.0, limit=limit,
    )  # fmt: skip


def ultrasound(shape=(240, 320), kind="none", seed=3):
    return phantom(kind, seed, shape)[0].copy()


def square(frame):
    return cv2.resize(frame if frame.ndim == 2 else frame[..., 0], (128, 128))


@pytest.mark.parametrize("guard", [PLAIN, learned()])
def test_near_and_far(guard):
    frame = ultrasound()
    near = judge(frame, WINDOW, square(frame), NEAR, guard)
    far = judge(frame, WINDOW, square(frame), FAR, guard)
    assert near.in_distribution
    assert near.score > 0.9
    assert not far.in_distribution
    assert far.score < 0.5
    assert far.reasons == ("Unlike the training images",)


def test_the_score_is_a_half_at_the_limit_of_the_stricter_measure():
    frame = ultrasound()
    at_limit = learned(limit_beyond=float(np.log(81.0)))
    assert judge(frame, WINDOW, square(frame), FAR, at_limit).score == pytest.approx(0.5, abs=1e-6)
    assert judge(frame, WINDOW, square(frame), NEAR, learned(limit=0.0)).score == pytest.approx(0.5, abs=1e-6)
    refused = judge(frame, WINDOW, square(frame), NEAR, learned(limit=-3.0))
    assert refused.reasons == ("Unlike the training images",)


def test_what_the_pixels_say_needs_no_network():
    blank = np.full((100, 100), 30, np.uint8)
    assert judge(blank, WINDOW, square(blank), NEAR, None).reasons == ("Image almost blank",)
    small = ultrasound()[:40, :90]
    assert "smaller" in judge(small, WINDOW, square(small), NEAR, None).reasons[0]

    flow = cv2.cvtColor(ultrasound(), cv2.COLOR_GRAY2RGB)
    cv2.circle(flow, (100, 90), 8, (210, 40, 20), -1)
    assert judge(flow, WINDOW, square(flow), NEAR, None).reasons == ("Colour Doppler",)
    flow[:60] = (220, 30, 30)
    assert "Coloured image" in judge(flow, WINDOW, square(flow), NEAR, None).reasons[0]

    page = np.full((240, 320), 250, np.uint8)
    cv2.putText(page, "Report", (20, 60), 0, 1.5, 20, 2)
    assert "Drawn areas" in judge(page, WINDOW, square(page), NEAR, None).reasons[0]

    pair = np.hstack([ultrasound((240, 160), seed=1), ultrasound((240, 160), "cyst", 2)])
    found = judge(pair, WINDOW, square(pair), NEAR, None)
    assert found.reasons == ("Two views side by side",)
    assert not found.in_distribution
    assert found.score is None


@pytest.mark.parametrize("guard", [PLAIN, learned()])
def test_not_a_number_is_never_in_distribution(guard):
    frame = ultrasound()
    found = judge(frame, WINDOW, square(frame), np.full(2, np.nan, np.float32), guard)
    assert not found.in_distribution
    assert found.score == 0.0


def test_texture_is_finite_for_any_frame_and_blind_to_black_margins():
    rng = np.random.default_rng(0)
    frames = [
        np.zeros((50, 50), np.uint8),
        np.full((9, 200), 255, np.uint8),
        rng.integers(0, 255, (3, 3)).astype(np.uint8),
    ]
    for frame in frames:
        values = texture(frame)
        assert values.shape == (len(NAMES),)
        assert np.isfinite(values).all()
    view = ultrasound()
    framed = np.pad(view, ((0, 0), (60, 60)))
    assert np.abs(texture(view) - texture(framed)).max() < 0.2
