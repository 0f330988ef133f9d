"""Outline first, then classify the image together with the outline that was predicted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from busi_viewer.nets.card import InputSpec
from busi_viewer.nets.multitask import MultiTaskOutput
from busi_viewer.nets.preprocess import prepared
from busi_viewer.nets.published import CLASSIFICATION, SEGMENTATION, PublishedNet
from busi_viewer.nets.transform import scaled


class Pipeline(nn.Module):
    """A network that outlines and one that classifies the image with the predicted map laid over it (papers A and D).

    Input (N, 1, S, S) grey in [0, 1]; each member gets it at its own size with its own preprocessing.
    """

    tasks = (SEGMENTATION, CLASSIFICATION)

    def __init__(
        self,
        segmenter: PublishedNet,
        classifier: PublishedNet,
        outlining: InputSpec,
        classing: InputSpec,
        overlay: float,
    ) -> None:
        super().__init__()
        if SEGMENTATION not in segmenter.tasks or CLASSIFICATION not in classifier.tasks:
            raise TypeError("a pipeline joins a network that outlines with one that classifies")
        self.segmenter, self.classifier = segmenter, classifier
        self.outlining, self.classing = outlining, classing
        self.overlay: float = overlay

    def forward(self, x: Tensor) -> MultiTaskOutput:
        """Mask logits of the first member at the input's size; classes and embedding of the second."""
        outlined = self.segmenter(prepared(scaled(x, self.outlining.size), self.outlining.preprocess))
        probability = scaled(torch.sigmoid(outlined.mask_logits.float()), x.shape[-1]).clamp(1e-6, 1 - 1e-6)
        grey = prepared(scaled(x, self.classing.size), self.classing.preprocess)
        classed = self.classifier(overlaid(grey, scaled(probability, self.classing.size), self.overlay))
        logits = torch.log(probability) - torch.log1p(-probability)
        return MultiTaskOutput(logits, *classed[1:])


def overlaid(grey: Tensor, probability: Tensor, share: float) -> Tensor:
    """Grey (N, 1, S, S) with a lesion map of the same shape laid over it in the first of three channels, by ``share``."""
    tinted = grey + (1 - grey) * share * probability
    return torch.cat([tinted, grey, grey], 1)
