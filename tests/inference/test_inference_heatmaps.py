"""Heatmaps that the library makes in its own way, and the one that is ours."""

import tracemalloc

import numpy as np
import pytest
import torch

from busi_viewer.core.results import LESION
from busi_viewer.inference.heatmaps import EIGEN_CAM, principal, through_network
from busi_viewer.nets.card import Architecture
from busi_viewer.nets.registry import build


@pytest.mark.parametrize("shape", [(5, 6, 7), (90, 6, 7)])
def test_eigen_cam_is_the_first_principal_component_with_what_stands_out_positive(shape):
    activations = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    flat = activations.reshape(shape[0], -1).T
    flat = flat - flat.mean(axis=0)
    expected = (flat @ np.linalg.svd(flat)[2][0]).reshape(shape[1:])
    found = principal(activations)
    assert min(np.abs(found - expected).max(), np.abs(found + expected).max()) < 1e-4
    assert found.max() >= -found.min()
    assert np.allclose(principal(-activations), found, atol=1e-4)
    spot = np.zeros((3, 8, 8), np.float32)
    spot[:, 2, 5] = -9
    assert np.unravel_index(principal(spot).argmax(), (8, 8)) == (2, 5)


def test_eigen_cam_of_a_fine_layer_takes_no_memory_by_the_square_of_its_places():
    network = build(Architecture(name="conv-unet", arguments={"widths": [4, 8]})).eval()
    torch.manual_seed(0)
    x = np.random.default_rng(0).random((1, 1, 128, 128), dtype=np.float32)
    through_network(network, x[..., :32, :32], LESION, EIGEN_CAM)  # its imports are not counted
    tracemalloc.start()
    heat = through_network(network, x, LESION, EIGEN_CAM)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert heat.shape == (128, 128)
    assert heat.max() == pytest.approx(1.0)
    assert peak < 100 << 20, "the library's own would take 1 GiB here"
