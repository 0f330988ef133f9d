"""Encoder and decoder pairs of segmentation-models-pytorch (paper E §2.2), and the one pair it does not have."""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3Decoder
from segmentation_models_pytorch.encoders.vgg import VGGEncoder, cfg
from torch import Tensor, nn

DECODERS = ("Unet", "UnetPlusPlus", "DeepLabV3")


class SmpNet(nn.Module):
    """A model of segmentation-models-pytorch. (N, 3, H, W) → mask logits (N, 1, H, W)."""

    def __init__(self, decoder: str, encoder: str) -> None:
        super().__init__()
        if decoder not in DECODERS:
            raise TypeError(f"decoder {decoder!r} is none of {', '.join(DECODERS)}")
        net: Any = getattr(smp, decoder)(encoder, encoder_weights=None)
        self.encoder: nn.Module = net.encoder
        self.decoder: nn.Module = net.decoder
        self.head: nn.Module = net.segmentation_head
        self.pretrained = ((f"smp:{encoder}", self.encoder),)
        self.embedding_layer = "encoder"
        self.decoder_layer = _last_block(self.decoder)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.as_tensor(self.head(self.decoder(self.encoder(x))))


def _last_block(decoder: nn.Module) -> str:
    """The name of the decoder's block nearest to the mask; DeepLabV3's whole decoder, which has no blocks."""
    blocks = getattr(decoder, "blocks", None)
    return "decoder" if blocks is None else f"decoder.blocks.{[name for name, _ in blocks.named_children()][-1]}"


class DilatedVGG16(VGGEncoder):  # type: ignore[misc]
    """VGG16 at output stride 8, for DeepLabV3 (paper E §3): the last two poolings keep the size, the convolutions between dilate.

    The library refuses VGG here because its strides are in poolings. As in DeepLab (Chen et al., ICLR 2015, §3.1), those
    poolings become 3 × 3 with stride 1.
    """

    def __init__(self) -> None:
        super().__init__(out_channels=[64, 128, 256, 512, 512, 512], config=cfg["D"])
        seen = 0
        for index, module in enumerate(self.features):
            if isinstance(module, nn.MaxPool2d):
                seen += 1
                if seen >= 4:
                    self.features[index] = nn.MaxPool2d(3, 1, 1)
            elif isinstance(module, nn.Conv2d) and seen >= 4:
                module.dilation = module.padding = (2, 2)


class DeepLabV3VGG16(nn.Module):
    """DeepLabV3 on the dilated VGG16. (N, 3, H, W) → mask logits (N, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = DilatedVGG16()
        self.decoder = DeepLabV3Decoder(512, 256, (12, 24, 36), aspp_separable=False, aspp_dropout=0.5)
        self.head = SegmentationHead(256, 1, kernel_size=1, upsampling=8)
        self.pretrained = (("smp:vgg16", self.encoder),)
        self.embedding_layer, self.decoder_layer = "encoder", "decoder"

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.as_tensor(self.head(self.decoder(self.encoder(x))))
