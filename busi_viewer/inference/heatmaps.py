"""Grad-CAM of the class head, through pytorch-grad-cam."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from busi_viewer.core.image import Mask
from busi_viewer.core.results import CLASSES, Heatmap
from busi_viewer.nets.ensemble import Headed, Network
from busi_viewer.nets.targets import heatmap_layers
from busi_viewer.nets.transform import Letterbox


class _Classifier(nn.Module):
    """The class head as a network of its own: its input is the layer that Grad-CAM weighs."""

    def __init__(self, network: Headed, bottleneck: Tensor, focus: Tensor) -> None:
        super().__init__()
        self.network = network
        self.bottleneck = bottleneck
        self.focus = focus
        self.attended = nn.Identity()

    def forward(self, attended: Tensor) -> Tensor:
        logits, _ = self.network.classify(self.bottleneck, self.attended(attended), self.focus)
        return logits


def grad_cam(
    network: Headed, bottleneck: Tensor, attended: Tensor, focus: Tensor, class_index: int
) -> NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., ICCV 2017) of one class on the first decoder block: (h, w) float32, ≥ 0.

    The class depends on that block only through the class head, so differentiating the head gives the very map that a
    second pass through the whole network would give. ``bottleneck`` (1, B), ``attended`` (1, C, h, w),
    ``focus`` (1, 1, h, w).
    """
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    head = _Classifier(network, bottleneck.clone(), focus.clone())
    with torch.enable_grad(), GradCAM(head, [head.attended]) as cam:
        heat = cam(attended.clone().requires_grad_(True), [ClassifierOutputTarget(class_index)])
    return np.asarray(heat[0], dtype=np.float32)


class _Outcome(nn.Module):
    """A whole network as a classifier (N, 3), or as one number (N, 1): the summed logits of the pixels it outlines."""

    def __init__(self, network: Network, classes: bool) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, x: Tensor) -> Tensor:
        output = self.network(x)
        if self.classes:
            return torch.as_tensor(output.class_logits)
        logits = output.mask_logits
        chosen = (logits >= torch.clamp(logits.amax((2, 3), keepdim=True), max=0.0)).to(logits.dtype).detach()
        return torch.as_tensor((logits * chosen).sum((2, 3)))


def grad_cam_through(network: Network, x: Tensor, class_index: int | None) -> NDArray[np.float32]:
    """Grad-CAM of one class, or (None) of the outline, by a second pass through the whole network: (h, w) float32, ≥ 0.

    ``x`` (1, 1, S, S) is the network's input. Where nothing is outlined, the surest pixel is explained.
    """
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layers = heatmap_layers(network)
    layer = layers.segmentation if class_index is None else layers.classification
    assert layer is not None
    with torch.enable_grad(), GradCAM(_Outcome(network, class_index is not None), [layer]) as cam:
        heat = cam(x.clone().requires_grad_(True), [ClassifierOutputTarget(class_index or 0)])
    return np.asarray(heat[0], dtype=np.float32)


def native_heatmap(heat: NDArray[np.float32], box: Letterbox, mask: Mask, class_index: int | None) -> Heatmap:
    """The (h, w) heat at native size, scaled so that its maximum is 1, with the share of heat inside the mask.

    ``class_index`` None: the heat is of the outline (target "lesion").
    """
    target = "lesion" if class_index is None else CLASSES[class_index]
    values = np.clip(box.back_coarse(heat), 0.0, None)
    peak = float(values.max())
    if not np.isfinite(peak) or peak <= 0:
        return Heatmap(target, np.zeros_like(values), None)
    values = values / np.float32(peak)
    total = float(values.sum(dtype=np.float64))
    share = float(values[mask].sum(dtype=np.float64)) / total if mask.any() else None
    return Heatmap(target, values, share)
