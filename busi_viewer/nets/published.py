"""Networks of the papers under the product's contract: grey image in, :class:`MultiTaskOutput` out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from busi_viewer.core.errors import ModelError
from busi_viewer.core.results import CLASSES
from busi_viewer.nets.classifiers import CNN3M, DCNNIMAF, Backbone
from busi_viewer.nets.encoders import load_into, normalisation
from busi_viewer.nets.hub import hub_state
from busi_viewer.nets.linknet import AttentionLinkNet
from busi_viewer.nets.multitask import MultiTaskOutput
from busi_viewer.nets.segmenters import DeepLabV3VGG16, SmpNet
from busi_viewer.nets.swin_unet import SwinUnet
from busi_viewer.nets.triencoder import TriEncoderUNet
from busi_viewer.nets.unets import ConvUNet, MultiTaskResUNet, UNet3Plus
from busi_viewer.nets.weights import load_tensors

Freeze = Literal["none", "encoder", "last4"]
SEGMENTATION, CLASSIFICATION = "segmentation", "classification"
BODIES: dict[str, tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    "attention-linknet": (AttentionLinkNet, (SEGMENTATION,)),
    "triencoder-unet": (TriEncoderUNet, (SEGMENTATION,)),
    "conv-unet": (ConvUNet, (SEGMENTATION,)),
    "unet3plus": (UNet3Plus, (SEGMENTATION,)),
    "swin-unet": (SwinUnet, (SEGMENTATION,)),
    "smp": (SmpNet, (SEGMENTATION,)),
    "deeplabv3-vgg16": (DeepLabV3VGG16, (SEGMENTATION,)),
    "multitask-resunet": (MultiTaskResUNet, (SEGMENTATION, CLASSIFICATION)),
    "dcnnimaf": (DCNNIMAF, (CLASSIFICATION,)),
    "cnn-3m": (CNN3M, (CLASSIFICATION,)),
    "backbone": (Backbone, (CLASSIFICATION,)),
}
"""Bodies by name, and what each gives: mask logits (N, 1, H, W), class logits (N, 3), or a tuple of both."""


class PublishedNet(nn.Module):
    """A body with the input and output that every network here has.

    Input (N, 1, H, W) grey or (N, 3, H, W) in [0, 1]; normalised as ImageNet was where the body has encoders that were trained
    on it. What the body does not give is None in ``tasks`` and constant in the output: no mask (logit −20), no class (all 0).
    """

    def __init__(self, name: str, /, **arguments: Any) -> None:
        super().__init__()
        maker, self.tasks = BODIES[name]
        self.body = maker(**arguments)
        self.pretrained: tuple[tuple[str, nn.Module], ...] = getattr(self.body, "pretrained", ())
        self.mean: Tensor
        self.std: Tensor
        mean, std = normalisation() if self.pretrained else (torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.freeze_what: Freeze = "none"
        self._deep: Tensor | None = None
        deepest = self.layer("embedding_layer")
        assert deepest is not None
        deepest.register_forward_hook(self._remember)

    def layer(self, role: str) -> nn.Module | None:
        """The body's layer of that role (decoder_layer, class_layer, embedding_layer), or None where it has none."""
        name: Any = getattr(self.body, role, None)
        return None if name is None else self.body.get_submodule(name)

    def _remember(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._deep = output[-1] if isinstance(output, list) else output

    def forward(self, x: Tensor) -> MultiTaskOutput:
        """See the class. ``embedding`` is the mean of the deepest features."""
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        found = self.body((x - self.mean) / self.std)
        deep, self._deep = self._deep, None
        assert deep is not None
        count, side = x.shape[0], (x.shape[2], x.shape[3])
        mask, classes = x.new_full((count, 1, *side), -20.0), x.new_zeros((count, len(CLASSES)))
        if len(self.tasks) == 2:
            mask, classes = found
        elif SEGMENTATION in self.tasks:
            mask = found
        else:
            classes = found
        if tuple(mask.shape[2:]) != side:
            mask = F.interpolate(mask, side, mode="bilinear", align_corners=False)
        nothing = x.new_zeros((count, 1, 1, 1))
        return MultiTaskOutput(mask, classes, deep.mean((2, 3)), nothing[:, :, 0, 0], nothing, nothing)

    def penalty(self) -> Tensor | float:
        """What a body adds to the loss."""
        extra: Any = getattr(self.body, "penalty", None)
        return 0.0 if extra is None else extra()

    @property
    def encoder(self) -> nn.Module:
        """The part that ImageNet's weights are for; an empty module where there is none."""
        return nn.ModuleList(module for _, module in self.pretrained)

    def load_imagenet(self, source: Path | None) -> None:
        """Load ImageNet weights into the encoders, from the hub or from a file with the names of :attr:`encoder`.

        Does nothing for networks that have no such part. Raises ModelError.
        """
        if not self.pretrained:
            return
        names = ", ".join(name for name, _ in self.pretrained)
        if source is not None:
            load_into(self.encoder, load_tensors(source), source, names)
            return
        for name, module in self.pretrained:
            load_into(module, hub_state(name), None, name)

    def freeze(self, what: Freeze) -> None:
        """Exclude the encoders from training: all of them, or all but their last four layers with weights (paper D §3.2.3).

        Frozen batch norms keep their statistics. Raises ModelError where there is nothing to freeze.
        """
        self.freeze_what = what
        if what == "none":
            return
        if not self.pretrained:
            raise ModelError("this network has no pretrained part to freeze", remedy="Set freeze to none.")
        for module in self._frozen():
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
        self.train(self.training)

    def _frozen(self) -> list[nn.Module]:
        if self.freeze_what == "none":
            return []
        layers = [m for m in self.encoder.modules() if list(m.parameters(recurse=False))]
        return layers[:-4] if self.freeze_what == "last4" else layers

    def train(self, mode: bool = True) -> PublishedNet:
        """As of every module, but frozen layers stay in evaluation mode."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self
