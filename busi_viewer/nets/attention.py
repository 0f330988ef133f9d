"""The attention blocks of the papers' networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class SpatialChannelAttention(nn.Module):
    """Spatial, then channel attention (paper A §3.4.2). (N, C, H, W) → the same shape.

    Spatial: two parallel double convolutions, added, ReLU, convolution, sigmoid. Channel: average and maximum pool through one
    perceptron with GELU and dropout. The paper gives no widths: the double convolutions narrow to C / ``reduction`` by 1 × 1.
    """

    def __init__(self, channels: int, reduction: int = 16, dropout: float = 0.1) -> None:
        super().__init__()
        narrow = max(channels // reduction, 4)
        self.left = _double_conv(channels, narrow)
        self.right = _double_conv(channels, narrow)
        self.place = nn.Conv2d(narrow, 1, 3, padding=1)
        self.perceptron = nn.Sequential(
            nn.Flatten(), nn.Linear(channels, narrow), nn.GELU(), nn.Dropout(dropout), nn.Linear(narrow, channels)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = x * torch.sigmoid(self.place(F.relu(self.left(x) + self.right(x))))
        pooled = self.perceptron(F.adaptive_avg_pool2d(x, 1)) + self.perceptron(F.adaptive_max_pool2d(x, 1))
        return torch.as_tensor(x * torch.sigmoid(self.dropout(pooled))[:, :, None, None])


def _double_conv(channels: int, narrow: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, narrow, 1, bias=False),
        nn.BatchNorm2d(narrow),
        nn.ReLU(inplace=True),
        nn.Conv2d(narrow, narrow, 3, padding=1, bias=False),
        nn.BatchNorm2d(narrow),
    )


class SpatialAttention(nn.Module):
    """Weights of places from the mean and the maximum over channels, 7 × 7 (Woo et al., ECCV 2018, §3.2; paper A §3.5.4)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same shape."""
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return torch.as_tensor(x * torch.sigmoid(self.conv(summary)))


class CBAM(nn.Module):
    """Channel, then spatial attention (Woo et al., ECCV 2018; paper B, Fig. 4). (N, C, H, W) → the same shape."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.perceptron = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels, bias=False),
        )
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        weight = torch.sigmoid(self.perceptron(x.mean((2, 3))) + self.perceptron(x.amax((2, 3))))
        return torch.as_tensor(self.spatial(x * weight[:, :, None, None]))


class NonLocal(nn.Module):
    """Non-local block, embedded Gaussian, residual (Wang et al., CVPR 2018; paper B, Fig. 3). (N, C, H, W) → the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.theta, self.phi, self.g = (nn.Conv2d(channels, half, 1) for _ in range(3))
        self.out = nn.Conv2d(half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        n, _, height, width = x.shape
        q, k, v = (conv(x).flatten(2).transpose(1, 2) for conv in (self.theta, self.phi, self.g))
        y = F.scaled_dot_product_attention(q, k, v, scale=1.0)
        return torch.as_tensor(x + self.out(y.transpose(1, 2).reshape(n, -1, height, width)))


class SelfAttention(nn.Module):
    """softmax(QKᵀ/√d)V over all places, residual with a learnt weight that starts at 0 (paper A §3.5.3)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        narrow = max(channels // reduction, 4)
        self.query, self.key = nn.Conv2d(channels, narrow, 1), nn.Conv2d(channels, narrow, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same shape."""
        n, channels, height, width = x.shape
        q, k, v = (conv(x).flatten(2).transpose(1, 2) for conv in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(q, k, v)
        return torch.as_tensor(x + self.weight * y.transpose(1, 2).reshape(n, channels, height, width))


class AttentionGate(nn.Module):
    """Weighs a skip connection by a gating signal of the same size (Oktay et al., MIDL 2018)."""

    def __init__(self, skip: int, gate: int) -> None:
        super().__init__()
        between = max(skip // 2, 1)
        self.skip = nn.Sequential(nn.Conv2d(skip, between, 1), nn.BatchNorm2d(between))
        self.gate = nn.Sequential(nn.Conv2d(gate, between, 1), nn.BatchNorm2d(between))
        self.weight = nn.Sequential(nn.Conv2d(between, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """``skip`` (N, S, H, W), ``gate`` (N, G, H, W) → (N, S, H, W)."""
        return torch.as_tensor(skip * self.weight(F.relu(self.skip(skip) + self.gate(gate))))


class Sharpen(nn.Module):
    """A fixed depthwise sharpening filter on a skip connection (Sharp U-Net: Zunair & Hamza, 2021, §2.2). Nothing is learnt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kernel = -torch.ones(3, 3)
        kernel[1, 1] = 9.0
        self.kernel: Tensor
        self.register_buffer("kernel", kernel.expand(channels, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same shape."""
        return F.conv2d(x, self.kernel, padding=1, groups=x.shape[1])
