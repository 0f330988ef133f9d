"""The multi-task network: one encoder, a U-Net decoder for the lesion mask and a head for three classes."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn

from busi_viewer.nets.encoders import ENCODERS, normalisation


class MultiTaskOutput(NamedTuple):
    """``mask_logits`` (N, 1, H, W), ``class_logits`` (N, 3) in the order normal, benign, malignant, ``embedding`` (N, E).

    ``bottleneck`` (N, B), ``attended`` (N, C, H/16, W/16) and ``focus`` (N, 1, H/16, W/16) are what
    :meth:`MultiTaskUNet.classify` reads.
    """

    mask_logits: Tensor
    class_logits: Tensor
    embedding: Tensor
    bottleneck: Tensor
    attended: Tensor
    focus: Tensor


class MultiTaskUNet(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) with a classification branch.

    The class head reads average-pooled bottleneck features together with features of the first decoder block, which
    segmentation trains to be about the lesion: their average, their maximum and, with ``lesion_pooling``, their average over
    the lesion that the same network outlines and its surroundings. Input (N, 1, H, W) grey in [0, 1], sides multiples of 32.
    """

    def __init__(
        self,
        encoder: str = "mobilenetv2",
        decoder_channels: tuple[int, ...] = (192, 96, 64, 32, 16),
        hidden: int = 128,
        dropout: float = 0.3,
        lesion_pooling: bool = False,
    ) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        mean, std = normalisation()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.lesion_pooling = lesion_pooling
        self.encoder = ENCODERS[encoder]()
        self.decoder = UnetDecoder(
            encoder_channels=(3, *self.encoder.channels),
            decoder_channels=tuple(decoder_channels),
            n_blocks=5,
            use_norm="batchnorm",
        )
        self.mask_head = nn.Conv2d(decoder_channels[-1], 1, 3, padding=1)
        width = self.encoder.channels[-1] + (3 if lesion_pooling else 2) * decoder_channels[0]
        self.class_head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, 3),
        )

    def forward(self, x: Tensor) -> MultiTaskOutput:
        """See the class."""
        if x.shape[-1] % 32 or x.shape[-2] % 32:
            raise ValueError(f"input sides must be multiples of 32, got {tuple(x.shape[-2:])}")
        x = (x.expand(-1, 3, -1, -1) - self.mean) / self.std
        features = self.encoder(x)
        attended, final = self._decode([x, *features])
        bottleneck = features[-1].mean((2, 3))
        mask_logits = self.mask_head(final)
        focus = _focus(mask_logits, (attended.shape[2], attended.shape[3]))
        logits, embedding = self.classify(bottleneck, attended, focus)
        return MultiTaskOutput(mask_logits, logits, embedding, bottleneck, attended, focus)

    def classify(self, bottleneck: Tensor, attended: Tensor, focus: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (N, 3) and embedding (N, E) from pooled bottleneck features and the first decoder block's output.

        ``focus`` (N, 1, h, w) says where the lesion is. Grad-CAM differentiates this alone, with ``focus`` held: the class
        depends on ``attended`` in no other way.
        """
        parts = [bottleneck, attended.mean((2, 3)), attended.amax((2, 3))]
        if self.lesion_pooling:
            parts.append((attended * focus).sum((2, 3)) / focus.sum((2, 3)).clamp(min=1e-3))
        embedding = torch.cat(parts, dim=1)
        return self.class_head(embedding), embedding

    def sensitivity(self, output: MultiTaskOutput) -> Tensor:
        """Gradient of each class logit by each channel of ``attended``, averaged over its positions: (N, 3, C).

        The gradient of :meth:`classify` written out: the average passes 1/(hw) to every position, the maximum all of it to
        one, the lesion's average a share that sums to one where anything is in focus.
        """
        inner, outer = self.class_head[1], self.class_head[4]
        assert isinstance(inner, nn.Linear)
        assert isinstance(outer, nn.Linear)
        awake = (inner(output.embedding) > 0).to(outer.weight.dtype)
        channels = output.attended.shape[1]
        gradient = ((outer.weight * awake[:, None]) @ inner.weight)[:, :, output.bottleneck.shape[1] :]
        each = gradient[:, :, :channels] + gradient[:, :, channels : 2 * channels]
        if self.lesion_pooling:
            total = output.focus.sum((2, 3))
            each = each + gradient[:, :, 2 * channels :] * (total / total.clamp(min=1e-3))[:, :, None]
        return torch.as_tensor(each / (output.attended.shape[2] * output.attended.shape[3]))

    def _decode(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The output of the first decoder block (stride 16) and of the last (full size)."""
        deepest_first = features[:0:-1]
        x = self.decoder.center(deepest_first[0])
        outputs = []
        for block, skip in zip(self.decoder.blocks, [*deepest_first[1:], None], strict=True):
            height, width = (features[0] if skip is None else skip).shape[2:]
            x = block(x, height, width, skip)
            outputs.append(x)
        return outputs[0], x

    @property
    def heatmap_layer(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs: the first decoder block, which the class head reads."""
        layer = self.decoder.blocks[0]
        assert isinstance(layer, nn.Module)
        return layer


def _focus(mask_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Weights (N, 1, h, w) of the outlined lesion widened by one cell, so that its margin and shadow count; not trained through."""
    probability = torch.sigmoid(mask_logits.detach().float())
    return F.max_pool2d(F.adaptive_avg_pool2d(probability, size), 3, 1, 1)
