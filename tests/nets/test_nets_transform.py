"""The letterbox and its way back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.nets.transform import Letterbox, scaled


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([32, 64, 256]))
def test_frame_fills_the_longer_side_and_stays_centred(height, width, size):
    box = Letterbox.fit((height, width), size)
    x0, y0, x1, y1 = box.box
    assert 0 <= x0 < x1 <= size
    assert 0 <= y0 < y1 <= size
    assert max(x1 - x0, y1 - y0) == size
    assert abs(x0 - (size - x1)) <= 1
    assert abs(y0 - (size - y1)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(100, 600), st.integers(100, 600), st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_a_disc_comes_back_where_it_was(height, width, cx, cy):
    rows, cols = np.mgrid[:height, :width]
    radius = 0.15 * min(height, width)
    disc = (rows - cy * height) ** 2 + (cols - cx * width) ** 2 <= radius**2
    box = Letterbox.fit((height, width), 256)
    back = box.back(box.forward(disc.astype(np.uint8) * 255).astype(np.float32) / 255) >= 0.5
    assert back.shape == disc.shape
    overlap = 2 * (back & disc).sum() / (back.sum() + disc.sum())
    assert overlap > 0.96


def test_coarse_map_covers_the_frame_without_its_padding():
    box = Letterbox.fit((100, 400), 256)
    coarse = np.zeros((16, 16), np.float32)
    coarse[7:9, :] = 1.0
    native = box.back_coarse(coarse)
    assert native.shape == (100, 400)
    assert native[50].min() > 0.9
    assert native[0].max() < native[50].min()


@pytest.mark.parametrize(("side", "size"), [(96, 64), (64, 96), (64, 64)])
def test_scaling_says_what_torchs_antialiased_interpolation_says(side, size):
    x = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
    with torch.inference_mode():
        scaled(x, size)
    x.requires_grad_()
    found = scaled(x, size)
    found.sum().backward()
    assert torch.allclose(found, expected, atol=1e-6)
