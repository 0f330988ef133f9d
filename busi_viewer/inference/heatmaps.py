"""Heatmaps at native size, and the methods of pytorch-grad-cam that need the whole network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.errors import UserError
from busi_viewer.core.image import Mask
from busi_viewer.core.results import CLASSES, GRAD_CAM, LESION, Heatmap, heat_inside
from busi_viewer.nets.transform import Letterbox

if TYPE_CHECKING:
    from busi_viewer.nets.ensemble import Network
    from busi_viewer.nets.preprocess import Step

EIGEN_CAM = "Eigen-CAM"
_MAKERS = {GRAD_CAM: "GradCAM", "Grad-CAM++": "GradCAMPlusPlus", EIGEN_CAM: "EigenCAM", "Layer-CAM": "LayerCAM"}


def through_network(
    network: Network, x: NDArray[np.float32], target: str, method: str = GRAD_CAM, steps: Sequence[Step] = ()
) -> NDArray[np.float32]:
    """One of METHODS for one of CLASSES or LESION, by a forward and a backward pass of the whole network: (S, S), 0 to 1.

    ``x`` (1, 1, S, S) is the network's input before its preprocessing ``steps``. Of a class the classifier's last layer is
    weighed, of the outline the decoder's topmost attention block (:mod:`busi_viewer.nets.targets`) by the summed logits of the
    pixels outlined; where there are none, by the surest pixel's. Eigen-CAM is the same for every class. Raises UserError for
    what the network does not do.
    """
    import pytorch_grad_cam
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from busi_viewer.nets.preprocess import prepared
    from busi_viewer.nets.targets import heatmap_layers

    class Outcome(torch.nn.Module):
        """The network as a classifier (N, 3), or as one number (N, 1)."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output = self.network(x)
            if target != LESION:
                return torch.as_tensor(output.class_logits)
            logits = output.mask_logits
            chosen = (logits >= torch.clamp(logits.amax((2, 3), keepdim=True), max=0.0)).to(logits.dtype).detach()
            return torch.as_tensor((logits * chosen).sum((2, 3)))

    layers = heatmap_layers(network)
    layer = layers.segmentation if target == LESION else layers.classification
    if layer is None:
        raise UserError(
            f"this model gives no {'outline' if target == LESION else 'class'} to explain",
            remedy="Choose another heatmap, or another model.",
        )
    prompt = ClassifierOutputTarget(0 if target == LESION else CLASSES.index(target))
    given = prepared(torch.from_numpy(x), steps).requires_grad_(True)
    with torch.enable_grad(), getattr(pytorch_grad_cam, _MAKERS[method])(Outcome(), [layer]) as cam:
        if (
            method == EIGEN_CAM
        ):  # the library's own takes memory by the square of the places, and leaves the sign to chance
            cam.get_cam_image = lambda _input, _layer, _targets, activations, *_: np.stack(
                [*map(principal, activations)]
            )
        heat = cam(given, [prompt])
    return np.asarray(heat[0], dtype=np.float32)


def principal(activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Channels (C, h, w) projected on the direction in which they vary most, (h, w): Eigen-CAM (Muhammad & Yeasin, IJCNN 2020).

    A direction has no sign of its own: the place that stands out furthest is taken as positive.
    """
    channels = np.nan_to_num(activations.reshape(len(activations), -1))
    channels = channels - channels.mean(axis=1, keepdims=True)
    count, places = channels.shape
    if count <= places:  # of the two products that have the same eigenvalues, the smaller one
        found = np.linalg.eigh(channels @ channels.T)[1][:, -1] @ channels
    else:
        values, vectors = np.linalg.eigh(channels.T @ channels)
        found = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    if -found.min() > found.max():
        found = -found
    return np.asarray(found.reshape(activations.shape[1:]), np.float32)


def randomised(network: Network, seed: int = 0) -> Network:
    """A copy whose weights are drawn anew, each tensor with the spread it had.

    A heatmap that stays the same without what was learned explains nothing (Adebayo et al., Sanity Checks for Saliency Maps,
    NeurIPS 2018).
    """
    import copy

    import torch

    drawn = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in drawn.parameters():
            spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return drawn


def native_heatmap(
    heat: NDArray[np.float32], box: Letterbox, mask: Mask, target: str, method: str = GRAD_CAM
) -> Heatmap:
    """The (h, w) heat at native size, from 0 to 1, with the share of heat inside the mask."""
    values = box.back_coarse(heat - heat.min())
    peak = float(values.max())
    if not np.isfinite(peak) or peak <= 0:
        return Heatmap(target, np.zeros_like(values), None, method)
    values /= np.float32(peak)
    np.clip(values, 0.0, 1.0, out=values)
    return Heatmap(target, values, heat_inside(values, mask), method)
