"""Encoders that give features at strides 2, 4, 8, 16 and 32, in the form segmentation decoders expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F  # noqa: N812
from timm.models._efficientnet_blocks import InvertedResidual
from torch import Tensor, nn

from busi_viewer.core.errors import ModelError
from busi_viewer.nets.hub import hub_state
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

    def freeze(self, stages: int) -> None:
        """Exclude the stem and the first ``stages`` stages from training; their batch statistics still follow the data."""
        for module in (self.conv_stem, self.bn1, *list(self.blocks)[:stages]) if stages else ():
            module.requires_grad_(False)

    def load_imagenet(self, source: Path | None) -> None:
        """Load ImageNet weights from a safetensors file, or from the hub when ``source`` is None. Raises ModelError."""
        state = load_tensors(source) if source else hub_state("timm:mobilenetv2_100")
        load_into(self, state, source, "mobilenetv2_100")


class ResNet50V2Encoder(nn.Module):
    """The first three stages of a pre-activation ResNet-50 (He et al., ECCV 2016), as Gluon has it, and a light context stage.

    ``forward`` maps (N, 3, H, W) to features at strides 2…32. Gluon's order: batch norm on the input, 7 × 7 convolution,
    batch norm, ReLU, max pool; the 3 × 3 convolution of a bottleneck carries the stride. The fourth stage of ResNet-50 is
    left out: in its place one separable convolution at stride 32 gives the decoder a wide view.
    """

    channels = (64, 256, 512, 1024, 256)

    def __init__(self) -> None:
        super().__init__()
        self.bn_data = nn.BatchNorm2d(3)
        self.conv0 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn0 = nn.BatchNorm2d(64)
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(_Bottleneck(c_in if i == 0 else c_out, c_out, stride if i == 0 else 1) for i in range(depth))
            )
            for depth, c_in, c_out, stride in ((3, 64, 256, 1), (4, 256, 512, 2), (6, 512, 1024, 2))
        )
        self.context = nn.Sequential(
            nn.BatchNorm2d(1024),
            nn.ReLU(inplace=True),
            nn.Conv2d(1024, 256, 1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 2, 1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features at strides 2, 4, 8, 16, 32 with the channels of ``channels``."""
        x = F.relu(self.bn0(self.conv0(self.bn_data(x))), inplace=True)
        features = [x]
        x = F.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return [*features, self.context(x)]

    def freeze(self, stages: int) -> None:
        """Exclude the stem and the first ``stages`` stages from training; their batch statistics still follow the data."""
        for module in (self.bn_data, self.conv0, self.bn0, *list(self.stages)[:stages]) if stages else ():
            module.requires_grad_(False)

    def load_imagenet(self, source: Path | None) -> None:
        """Load ImageNet weights (Gluon's ResNet-50 v2) from a safetensors file. Raises ModelError; the hub has none."""
        if source is None:
            raise ModelError(
                "no hub offers ImageNet weights of this encoder",
                remedy="Give a file with --encoder-weights, or start from a trained model with --start-from.",
            )
        load_into(self, load_tensors(source), source, "Gluon's ResNet-50 v2", new=("context.",))


class _Bottleneck(nn.Module):
    """A pre-activation bottleneck; the first of a stage projects its input."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        width = c_out // 4
        self.bn1 = nn.BatchNorm2d(c_in)
        self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
        self.down = nn.Conv2d(c_in, c_out, 1, stride, bias=False) if c_in != c_out else None

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x), inplace=True)
        kept = x if self.down is None else self.down(active)
        y = self.conv1(active)
        y = self.conv2(F.relu(self.bn2(y), inplace=True))
        y = self.conv3(F.relu(self.bn3(y), inplace=True))
        return torch.as_tensor(y + kept)


Encoder = MobileNetV2Encoder | ResNet50V2Encoder
ENCODERS: dict[str, type[Encoder]] = {"mobilenetv2": MobileNetV2Encoder, "resnet50v2": ResNet50V2Encoder}


def load_into(
    module: nn.Module, state: dict[str, Tensor], source: Path | None, name: str, new: tuple[str, ...] = ()
) -> None:
    """Copy tensors into a module; those whose name starts with one of ``new`` keep their initial values. Raises ModelError."""
    wanted = {k: v for k, v in module.state_dict().items() if not k.startswith(new or ("\0",))}
    missing = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
    if missing:
        raise ModelError(
            f"the encoder weights lack {len(missing)} tensors, first {missing[0]}",
            path=source,
            remedy=f"Give weights of {name}.",
        )
    for key, value in wanted.items():
        if key in state and state[key].shape != value.shape:
            raise ModelError(
                f"the encoder weights are of another network: {key} is {tuple(state[key].shape)}, not {tuple(value.shape)}",
                path=source,
                remedy=f"Give weights of {name}.",
            )
    module.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in state.items() if k in wanted}, strict=False
    )


def count_parameters(module: nn.Module) -> dict[str, int]:
    """Numbers of parameters: total, trainable, frozen."""
    total = sum(p.numel() for p in module.parameters())
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return {"total": total, "trainable": trainable, "frozen": total - trainable}


def normalisation() -> tuple[Tensor, Tensor]:
    """ImageNet mean and standard deviation as (1, 3, 1, 1) tensors, for inputs scaled to [0, 1]."""
    return torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
