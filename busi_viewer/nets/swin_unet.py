"""Swin-Unet (Cao et al., ECCV Workshops 2022), from timm's Swin blocks."""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models.swin_transformer import SwinTransformerStage
from torch import Tensor, nn


class SwinUnet(nn.Module):
    """A U-shaped transformer: Swin stages down, patch expanding and Swin stages up. (N, 3, S, S) → mask logits (N, 1, S, S).

    ``size`` S is fixed when it is built, for the windows depend on it; it is a multiple of 32.
    """

    def __init__(self, size: int = 224, width: int = 96, window: int = 7) -> None:
        super().__init__()
        net: Any = timm.create_model(
            "swin_tiny_patch4_window7_224", pretrained=False, img_size=size, depths=(2, 2, 2, 2)
        )
        self.patch: nn.Module = net.patch_embed
        self.down: nn.Sequential = net.layers
        self.norm: nn.Module = net.norm
        side = size // 32
        self.expand = nn.ModuleList(_Expand(width * 2**i) for i in (3, 2, 1))
        self.reduce = nn.ModuleList(nn.Linear(width * 2 ** (i + 1), width * 2**i) for i in (2, 1, 0))
        self.up = nn.ModuleList(
            SwinTransformerStage(
                dim=width * 2**i,
                out_dim=width * 2**i,
                input_resolution=(side * 2 ** (3 - i), side * 2 ** (3 - i)),
                depth=2,
                downsample=False,
                num_heads=3 * 2**i,
                window_size=min(window, side * 2 ** (3 - i)),
                drop_path=0.1,
            )
            for i in (2, 1, 0)
        )
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 16 * width, bias=False))
        self.last_norm = nn.LayerNorm(width)
        self.head = nn.Conv2d(width, 1, 1, bias=False)
        self.deep, self.top = _Planes(), _Planes()
        self.embedding_layer, self.decoder_layer = "deep", "top"

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.patch(x)
        skips = []
        for stage in self.down:
            y = stage(y)
            skips.append(y)
        y = self.norm(y)
        self.deep(y)
        for expand, reduce, stage, skip in zip(self.expand, self.reduce, self.up, skips[-2::-1], strict=True):
            y = stage(reduce(torch.cat([expand(y), skip], -1)))
        y = self.last_norm(_unfolded(self.last(y), 4))
        return torch.as_tensor(self.head(self.top(y)))


class _Expand(nn.Module):
    """Patch expanding: (N, H, W, C) → (N, 2H, 2W, C/2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(width // 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.norm(_unfolded(self.linear(x), 2)))


class _Planes(nn.Module):
    """(N, H, W, C) as (N, C, H, W): a place to look at features as convolutions give them."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


def _unfolded(x: Tensor, factor: int) -> Tensor:
    """(N, H, W, f²C) → (N, fH, fW, C)."""
    n, height, width, channels = x.shape
    y = x.view(n, height, width, factor, factor, channels // factor**2).permute(0, 1, 3, 2, 4, 5)
    return y.reshape(n, height * factor, width * factor, channels // factor**2)
