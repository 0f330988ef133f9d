"""Encoders that give features at strides 2, 4, 8, 16 and 32, in the form segmentation decoders expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from timm.models._efficientnet_blocks import InvertedResidual
from torch import Tensor, nn

from busi_viewer.core.errors import ModelError
from busi_viewer.nets.weights import load_tensors

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class MobileNetV2Encoder(nn.Module):
    """MobileNetV2 (Sandler et al., CVPR 2018) by timm. ``forward`` maps (N, 3, H, W) to features at strides 2…32.

    ``expanded_stem`` gives the first inverted residual an expansion convolution, as the Gluon weights have it.
    """

    channels = (16, 24, 32, 96, 320)

    def __init__(self, expanded_stem: bool = True) -> None:
        super().__init__()
        net: Any = timm.create_model("mobilenetv2_100", pretrained=False)
        if expanded_stem:
            net.blocks[0][0] = InvertedResidual(32, 16, exp_ratio=1.0, noskip=True, act_layer=nn.ReLU6)
        self.conv_stem: nn.Module = net.conv_stem
        self.bn1: nn.Module = net.bn1
        self.blocks: nn.Sequential = net.blocks

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features at strides 2, 4, 8, 16, 32 with the channels of ``channels``."""
        x = self.bn1(self.conv_stem(x))
        features = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in (0, 1, 2, 4, 6):
                features.append(x)
        return features

    def load_imagenet(self, source: Path | None) -> None:
        """Load ImageNet weights from a safetensors file, or from the hub when ``source`` is None. Raises ModelError."""
        state = load_tensors(source) if source else _hub_state("mobilenetv2_100")
        wanted = self.state_dict()
        missing = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
        if missing:
            raise ModelError(
                f"the encoder weights lack {len(missing)} tensors, first {missing[0]}",
                path=source,
                remedy="Give weights of mobilenetv2_100.",
            )
        self.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in state.items() if k in wanted}, strict=False
        )


def _hub_state(name: str) -> dict[str, Tensor]:
    """ImageNet weights of a timm model from the hub. Raises ModelError where there is no network."""
    try:
        return dict(timm.create_model(name, pretrained=True).state_dict())
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"the ImageNet weights of {name} could not be downloaded ({type(error).__name__})",
            remedy="Connect to the internet or give a local file with --encoder-weights.",
        ) from error


def count_parameters(module: nn.Module) -> dict[str, int]:
    """Numbers of parameters: total, trainable, frozen."""
    total = sum(p.numel() for p in module.parameters())
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return {"total": total, "trainable": trainable, "frozen": total - trainable}


def normalisation() -> tuple[Tensor, Tensor]:
    """ImageNet mean and standard deviation as (1, 3, 1, 1) tensors, for inputs scaled to [0, 1]."""
    return torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
