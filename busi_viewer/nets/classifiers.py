"""The classifiers of the papers. Each maps (N, 3, H, W) to class logits (N, 3)."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from busi_viewer.nets.attention import SelfAttention, SpatialAttention


class DCNNIMAF(nn.Module):
    """Deep CNN with an integrated multi-attention framework (paper A §3.5.4, Fig. 7).

    The paper states no strides: here the first two blocks are followed by 2 × 2 max pooling, and what the self-attention reads is
    averaged to ``pooled`` × ``pooled``, which brings the number of parameters to the stated one within 2 %.
    """

    def __init__(self, pooled: int = 77, dropout: float = 0.5) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _block(3, 512, 3, 2, nn.LeakyReLU(0.1)),
            nn.MaxPool2d(2),
            _block(512, 256, 3, 2, nn.SiLU()),
            nn.MaxPool2d(2),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.Conv2d(256, 256, 3, padding=1),
            _block(256, 128, 4, 2, nn.LeakyReLU(0.1)),
            _block(128, 128, 3, 1, nn.SiLU()),
            _block(128, 128, 4, 2, nn.LeakyReLU(0.1)),
            _block(128, 64, 3, 1, nn.SiLU()),
        )
        self.attention = SpatialAttention()
        self.branch = nn.Sequential(nn.Conv2d(3, 64, 3, padding=2), nn.BatchNorm2d(64))
        self.first = _block(128, 64, 3, 1, nn.SiLU())
        self.second = nn.Sequential(_block(128, 64, 3, 1, nn.LeakyReLU(0.1)), _block(64, 64, 3, 1, nn.SiLU()))
        self.pool = nn.AdaptiveAvgPool2d(pooled)
        self.self_attention = SelfAttention(64)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(64 * pooled**2, 128), nn.SiLU(), nn.Linear(128, 3)
        )
        self.class_layer = self.embedding_layer = "second"

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        attended = self.attention(self.trunk(x))
        low = F.adaptive_avg_pool2d(self.branch(x), attended.shape[2:])
        y = self.first(torch.cat([attended, low], 1))
        y, fine = (F.interpolate(z, scale_factor=2, mode="bilinear", align_corners=False) for z in (y, attended))
        return torch.as_tensor(self.head(self.self_attention(self.pool(self.second(torch.cat([y, fine], 1))))))


def _block(c_in: int, c_out: int, kernel: int, padding: int, activation: nn.Module) -> nn.Sequential:
    """Convolution, batch norm, activation (paper A §3.5.1)."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, padding=padding), nn.BatchNorm2d(c_out), activation)


class CNN3M(nn.Module):
    """Seven convolutions and three dense layers, 3,097,283 parameters (paper D §3.2.2, Fig. 5); L2 0.01 on two dense layers.

    The text lists six convolutions; a second one of 128 filters gives the stated total. Sides of 64 pixels or more.
    """

    L2 = 0.01

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        widths = (32, 64, 128, 128, 256, 256, 512)
        parts: list[nn.Module] = []
        for i, (a, b) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
            parts += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True)]
            parts += [nn.MaxPool2d(2)] if i < len(widths) - 1 else []
        self.features = nn.Sequential(*parts)
        self.dense = nn.ModuleList([nn.Linear(512, 512), nn.Linear(512, 1024)])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(1024, 3)
        self.class_layer = self.embedding_layer = "features"

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        y = self.features(x).mean((2, 3))
        y = F.relu(self.dense[1](self.dropout(F.relu(self.dense[0](y)))))
        return torch.as_tensor(self.head(y))

    def penalty(self) -> Tensor:
        """L2 × the squared weights of the two dense layers, to be added to the loss."""
        return self.L2 * torch.stack([(layer.weight**2).sum() for layer in self.dense]).sum()  # type: ignore[operator]


class Backbone(nn.Module):
    """A backbone of timm, or torchvision's GoogLeNet, average pooling, and a new head.

    ``head`` lists the widths of dense layers (ReLU, dropout) before the last one: (256, 128) for paper D §3.2.3, none for paper
    E §2.3 and the comparisons of paper A (Table 5).
    """

    def __init__(self, name: str, head: tuple[int, ...] = (), dropout: float = 0.3) -> None:
        super().__init__()
        self.encoder, width, source = _features(name)
        parts: list[nn.Module] = []
        for out in head:
            parts += [nn.Linear(width, out), nn.ReLU(inplace=True), nn.Dropout(dropout)]
            width = out
        self.head = nn.Sequential(*parts, nn.Linear(width, 3))
        self.pretrained = ((source, self.encoder),)
        self.class_layer = self.embedding_layer = "encoder"

    def forward(self, x: Tensor) -> Tensor:
        """See the module."""
        return torch.as_tensor(self.head(self.encoder(x).mean((2, 3))))


class _GoogLeNet(nn.Sequential):
    """Torchvision's GoogLeNet (Szegedy et al., CVPR 2015) up to its last features, under its own names."""

    def __init__(self) -> None:
        from torchvision.models import googlenet

        net = googlenet(weights=None, aux_logits=False, init_weights=False)
        super().__init__()
        for name, module in net.named_children():
            if name not in ("avgpool", "dropout", "fc"):
                self.add_module(name, module)


def _features(name: str) -> tuple[nn.Module, int, str]:
    """The backbone (N, 3, H, W) → (N, C, h, w), C, and where its ImageNet weights are."""
    if name == "googlenet":
        return _GoogLeNet(), 1024, "torchvision:googlenet"
    net: Any = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    if name.startswith("vgg"):  # timm keeps two large dense layers even without classes
        return _Vgg(net.features), 512, f"timm:{name}"
    return net, _width(net), f"timm:{name}"


class _Vgg(nn.Module):
    """The convolutions of a VGG."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.features(x))


def _width(net: Any) -> int:
    """Channels of the features before the pooling (after it MobileNetV3 widens them once more)."""
    return int(getattr(net, "head_hidden_size", None) or net.num_features)
