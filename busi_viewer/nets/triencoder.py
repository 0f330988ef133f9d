"""U-Net-like decoder of depthwise-separable convolutions on the joined features of several encoders (paper B, Fig. 2, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import timm
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from busi_viewer.nets.attention import CBAM, NonLocal

WIDTHS = (512, 256, 128, 64)
ATTENTION: dict[str, type[CBAM] | type[NonLocal]] = {"cbam": CBAM, "nonlocal": NonLocal}


class TriEncoderUNet(nn.Module):
    """(N, 3, H, W) → mask logits (N, 1, H, W).

    The last features (stride 32) of timm encoders are concatenated; four times a depthwise-separable convolution, attention and
    upsampling; 1 × 1 convolution. The stated numbers of parameters leave no room for the skip connections of the paper's text.
    """

    def __init__(
        self,
        encoders: Sequence[str] = ("resnet18", "densenet121", "efficientnet_b0"),
        attention: Literal["plain", "cbam", "nonlocal"] = "plain",
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        models = [timm.create_model(name, pretrained=False, num_classes=0, global_pool="") for name in encoders]
        self.encoder = nn.ModuleList(models)
        ins = (sum(_width(model) for model in models), *WIDTHS[:-1])
        self.stages = nn.ModuleList(separable(a, b) for a, b in zip(ins, WIDTHS, strict=True))
        self.attention = nn.ModuleList(
            ATTENTION[attention](c) if attention != "plain" else nn.Identity() for c in WIDTHS
        )
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(WIDTHS[-1], 1, 1)
        self.pretrained = tuple((f"timm:{name}", model) for name, model in zip(encoders, models, strict=True))
        self.embedding_layer = "stages.0"
        self.decoder_layer = "stages.3" if attention == "plain" else "attention.3"

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        side = x.shape[2:]
        y = torch.cat([encoder(x) for encoder in self.encoder], 1)
        for stage, attend in zip(self.stages, self.attention, strict=True):
            y = F.interpolate(attend(stage(y)), scale_factor=2, mode="bilinear", align_corners=False)
        return F.interpolate(self.head(self.dropout(y)), side, mode="bilinear", align_corners=False)


def _width(model: Any) -> int:
    return int(model.num_features)


def separable(c_in: int, c_out: int) -> nn.Sequential:
    """3 × 3 depthwise and 1 × 1 convolution, each with batch norm and ReLU6 (paper B, 'Depthwise separable convolutions')."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False),
        nn.BatchNorm2d(c_in),
        nn.ReLU6(inplace=True),
        nn.Conv2d(c_in, c_out, 1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU6(inplace=True),
    )
