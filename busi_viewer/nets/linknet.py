"""LinkNet with spatial-channel attention on an InceptionResNetV2 encoder (paper A §3.4, Fig. 6)."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from busi_viewer.nets.attention import SpatialChannelAttention


class AttentionLinkNet(nn.Module):
    """(N, 3, H, W) → mask logits (N, 1, H, W).

    Encoder, three times a double convolution and spatial-channel attention, then decoder blocks (1 × 1, transpose 3 × 3, 1 × 1
    convolutions, the encoder's features added) each followed by the attention, a transpose convolution, and two convolutions to
    two channels whose softmax is the mask. ``width`` is that of the double convolutions, which the paper does not state.
    """

    def __init__(self, encoder: str = "inceptionresnetv2", width: int = 112) -> None:
        super().__init__()
        self.encoder: nn.Module = smp.encoders.get_encoder(encoder, weights=None)
        channels = list(self.encoder.out_channels)[:0:-1]
        self.bridge = nn.Sequential(*(_Stage(channels[0] if i == 0 else width, width) for i in range(3)))
        ins, outs = [width, *channels[1:-1]], channels[1:]
        self.blocks = nn.ModuleList(_Block(a, b) for a, b in zip(ins, outs, strict=True))
        self.attention = nn.ModuleList(SpatialChannelAttention(c) for c in outs)
        self.head = nn.Sequential(
            nn.ConvTranspose2d(outs[-1], 32, 3, 2, 1, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 2, 3, padding=1),
        )
        self.pretrained = ((f"smp:{encoder}", self.encoder),)
        self.embedding_layer = "bridge"
        self.decoder_layer = f"attention.{len(outs) - 1}"

    def forward(self, x: Tensor) -> Tensor:
        """See the class. The logit of a two-channel softmax is the difference of its inputs."""
        features = self.encoder(x)[:0:-1]
        y = self.bridge(features[0])
        for block, attend, skip in zip(self.blocks, self.attention, features[1:], strict=True):
            y = attend(block(y) + skip)
        two = self.head(y)
        return torch.as_tensor(two[:, 1:] - two[:, :1])


class _Stage(nn.Sequential):
    """A double convolution and spatial-channel attention."""

    def __init__(self, c_in: int, c_out: int) -> None:
        parts: list[nn.Module] = []
        for c in (c_in, c_out):
            parts += [nn.Conv2d(c, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]
        super().__init__(*parts, SpatialChannelAttention(c_out))


class _Block(nn.Sequential):
    """LinkNet's bottleneck decoder block (Chaurasia & Culurciello, 2017): twice the size."""

    def __init__(self, c_in: int, c_out: int) -> None:
        mid = max(c_in // 4, 8)
        super().__init__(
            nn.Conv2d(c_in, mid, 1, bias=False),
            nn.BatchNorm2d(mid),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(mid, mid, 3, 2, 1, 1, bias=False),
            nn.BatchNorm2d(mid),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )
