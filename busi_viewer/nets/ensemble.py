"""Several networks that answer as one: their probabilities are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from busi_viewer.nets.multitask import MultiTaskOutput, MultiTaskUNet
from busi_viewer.nets.pipeline import Pipeline
from busi_viewer.nets.published import PublishedNet
from busi_viewer.nets.transform import scaled

EPSILON = 1e-6


class Ensemble(nn.Module):
    """The mean of the members' pixel and class probabilities (Lakshminarayanan et al., NeurIPS 2017).

    Each member sees the input scaled to its own size of ``sizes``; masks are scaled back. Embedding, heatmap layer and what
    the heatmap needs are those of the first member: ``bottleneck`` carries, behind its own features, the summed class
    probabilities of the others, so that :meth:`classify` gives the class of the whole ensemble.
    """

    def __init__(self, members: Sequence[MultiTaskUNet], sizes: Sequence[int]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.sizes = tuple(sizes)

    def forward(self, x: Tensor) -> MultiTaskOutput:
        """As :meth:`MultiTaskUNet.forward`; the logits are those of the averaged probabilities."""
        outputs: list[MultiTaskOutput] = [
            member(scaled(x, size)) for member, size in zip(self.members, self.sizes, strict=True)
        ]
        masks = [torch.sigmoid(scaled(output.mask_logits.float(), int(x.shape[-1]))) for output in outputs]
        mask = torch.stack(masks).mean(0).clamp(EPSILON, 1 - EPSILON)
        others = [torch.softmax(output.class_logits.float(), 1) for output in outputs[1:]]
        first = outputs[0]
        bottleneck = torch.cat([first.bottleneck.float(), torch.stack(others).sum(0)], 1)
        logits, embedding = self.classify(bottleneck, first.attended, first.focus)
        return MultiTaskOutput(torch.log(mask / (1 - mask)), logits, embedding, bottleneck, first.attended, first.focus)

    def classify(self, bottleneck: Tensor, attended: Tensor, focus: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`MultiTaskUNet.classify`, for the ensemble."""
        own, others = bottleneck[:, :-3], bottleneck[:, -3:]
        logits, embedding = self.main.classify(own, attended, focus)
        mean = (torch.softmax(logits.float(), 1) + others) / len(self.members)
        return torch.log(mean.clamp(min=EPSILON)), embedding

    def sensitivity(self, output: MultiTaskOutput) -> Tensor:
        """As :meth:`MultiTaskUNet.sensitivity`, through softmax, mean and logarithm: (N, 3, C)."""
        own, others = output.bottleneck[:, :-3], output.bottleneck[:, -3:]
        p = torch.softmax(self.main.class_head(output.embedding).float(), 1)
        mean = (p + others) / len(self.members)
        through = torch.eye(p.shape[1], device=p.device) * p[:, None, :] - p[:, :, None] * p[:, None, :]
        through = through / (len(self.members) * mean.clamp(min=EPSILON))[:, :, None]
        return through @ self.main.sensitivity(output._replace(bottleneck=own))

    @property
    def main(self) -> MultiTaskUNet:
        """The first member."""
        member = self.members[0]
        assert isinstance(member, MultiTaskUNet)
        return member

    @property
    def heatmap_layer(self) -> nn.Module:
        """The first member's."""
        return self.main.heatmap_layer


Headed = MultiTaskUNet | Ensemble
"""Networks whose class head can be run alone (``classify``)."""
Network = Headed | PublishedNet | Pipeline
"""Any network of the registry."""
