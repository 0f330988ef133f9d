"""Plain U-Nets and what is built by adding to them: residual, attention, sharp, and the two-headed one of paper C."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from busi_viewer.nets.attention import AttentionGate, Sharpen


class ConvUNet(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) with batch norm. (N, 3, H, W) → mask logits (N, 1, H, W).

    ``residual``: each block adds its 1 × 1-projected input (Zhang et al., 2018). ``gates``: attention gates on the skips (Oktay
    et al., 2018). ``sharp``: fixed sharpening filters on the skips (Zunair & Hamza, 2021); with both, the Sharp Attention U-Net
    (Khaledyan et al., 2023).
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        convolutions: int = 2,
        dropout: float = 0.0,
        residual: bool = False,
        gates: bool = False,
        sharp: bool = False,
    ) -> None:
        super().__init__()

        def block(c_in: int, c_out: int) -> nn.Module:
            return _Block(c_in, c_out, convolutions, dropout, residual)

        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([block(3, widths[0]), *(block(a, b) for a, b in pairs)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.sharp = nn.ModuleList(Sharpen(a) if sharp else nn.Identity() for a, _ in reversed(pairs))
        self.gates = nn.ModuleList(AttentionGate(a, a) for a, _ in reversed(pairs)) if gates else None
        self.blocks = nn.ModuleList(block(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], 1, 1)
        self.embedding_layer = f"down.{len(pairs)}"
        self.decoder_layer = f"{'gates' if gates else 'blocks'}.{len(pairs) - 1}"

    def features(self, x: Tensor) -> Tensor:
        """The last decoder block's output (N, widths[0], H, W)."""
        skips = []
        for index, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if index else x)
            skips.append(x)
        for index, (up, sharpen, block) in enumerate(zip(self.up, self.sharp, self.blocks, strict=True)):
            x = up(x)
            skip = sharpen(skips[-2 - index])
            if self.gates is not None:
                skip = self.gates[index](skip, x)
            x = block(torch.cat([skip, x], 1))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.as_tensor(self.head(self.features(x)))


class MultiTaskResUNet(nn.Module):
    """Residual U-Net with two heads (paper C §III.3). (N, 3, H, W) → mask logits (N, 1, H, W), class logits (N, 3).

    Three convolutions a stage, dropout, transpose convolutions. The class head reads the last block's output: flattened, dense 64,
    ReLU, dense 1. At 256 px that layer would hold 67 million weights, so the features are first averaged to ``pooled`` ×
    ``pooled``. The paper knows benign and malignant only: the logit of normal is a constant that means never.
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 128, 256), dropout: float = 0.1, pooled: int = 64) -> None:
        super().__init__()
        self.unet = ConvUNet(widths, 3, dropout, residual=True)
        self.pool = nn.AdaptiveAvgPool2d(pooled)
        self.classify = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[0] * pooled**2, 64), nn.ReLU(inplace=True), nn.Linear(64, 1)
        )
        self.embedding_layer = f"unet.{self.unet.embedding_layer}"
        self.decoder_layer = self.class_layer = f"unet.{self.unet.decoder_layer}"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        features = self.unet.features(x)
        malignant = self.classify(self.pool(features))
        never = torch.full_like(malignant, -20.0)
        return self.unet.head(features), torch.cat([never, torch.zeros_like(malignant), malignant], 1)


class _Block(nn.Module):
    """``count`` times 3 × 3 convolution, batch norm and ReLU, with dropout at the end and, if ``residual``, the input added."""

    def __init__(self, c_in: int, c_out: int, count: int, dropout: float, residual: bool) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(count):
            parts += [nn.Conv2d(c_out if i else c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)]
            parts += [nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*parts)
        self.project = nn.Conv2d(c_in, c_out, 1) if residual else None
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolutions(x)
        return torch.as_tensor(self.dropout(y if self.project is None else y + self.project(x)))


class UNet3Plus(nn.Module):
    """U-Net 3+ (Huang et al., ICASSP 2020): each decoder node reads all scales, 64 channels from each.

    (N, 3, H, W) → mask logits (N, 1, H, W); without deep supervision and class-guided module.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512, 1024), each: int = 64) -> None:
        super().__init__()
        self.down = nn.ModuleList(_Block(a, b, 2, 0.0, False) for a, b in zip((3, *widths[:-1]), widths, strict=True))
        levels = len(widths)
        joined = each * levels
        self.reads = nn.ModuleList()
        self.joins = nn.ModuleList()
        for node in range(levels - 2, -1, -1):
            ins = [joined if node < level < levels - 1 else widths[level] for level in range(levels)]
            self.reads.append(nn.ModuleList(_Block(c, each, 1, 0.0, False) for c in ins))
            self.joins.append(_Block(joined, joined, 1, 0.0, False))
        self.head = nn.Conv2d(joined, 1, 3, padding=1)
        self.embedding_layer = f"down.{levels - 1}"
        self.decoder_layer = f"joins.{levels - 2}"

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        at = []
        for index, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if index else x)
            at.append(x)
        for step, join in enumerate(self.joins):
            node = len(at) - 2 - step
            height, width = at[node].shape[2:]
            parts = []
            for level, features in enumerate(at):
                read = self.reads[step][level]  # type: ignore[index]
                if level < node:
                    features = F.max_pool2d(features, 2 ** (node - level))
                elif level > node:
                    features = F.interpolate(features, (height, width), mode="bilinear", align_corners=False)
                parts.append(read(features))
            at[node] = join(torch.cat(parts, 1))
        return torch.as_tensor(self.head(at[0]))
