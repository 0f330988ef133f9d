"""The one way from grey frames to predictions at native size; training validates with it, inference ships it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from busi_viewer.nets.card import InputSpec
from busi_viewer.nets.ensemble import Network
from busi_viewer.nets.multitask import MultiTaskOutput
from busi_viewer.nets.preprocess import prepared
from busi_viewer.nets.transform import Letterbox


@dataclass(frozen=True)
class Prediction:
    """One frame's outcome: ``probability`` (H, W) float32 of lesion at native size, ``class_logits`` (3,), ``embedding`` (E,).

    ``bottleneck`` (1, B), ``attended`` (1, C, h, w) and ``focus`` (1, 1, h, w) are kept on the device for the heatmap;
    ``box`` maps back to native pixels. ``seconds`` holds the time of the stages preprocess, forward and postprocess.
    """

    probability: NDArray[np.float32]
    class_logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    bottleneck: Tensor
    attended: Tensor
    focus: Tensor
    box: Letterbox
    seconds: dict[str, float]


def to_input(greys: Sequence[NDArray[np.uint8]], spec: InputSpec) -> tuple[Tensor, list[Letterbox]]:
    """(H, W) uint8 frames as a (N, 1, size, size) float tensor in [0, 1], and how each was fitted."""
    boxes = [Letterbox.fit((g.shape[0], g.shape[1]), spec.size) for g in greys]
    stack = np.stack([box.forward(grey) for box, grey in zip(boxes, greys, strict=True)])
    return torch.from_numpy(stack).unsqueeze(1).float().div_(255.0), boxes


class Predictor:
    """Runs a network on frames of any size. Not thread-safe: one lane owns it.

    ``forward`` stands in for the network's own forward pass where a faster one of the same weights is at hand.
    """

    def __init__(
        self,
        network: Network,
        spec: InputSpec,
        device: torch.device | str = "cpu",
        forward: Callable[[Tensor], MultiTaskOutput] | None = None,
    ) -> None:
        self.network = network.to(device)
        self._forward = forward or self.network
        self.spec = spec
        self.device = torch.device(device)

    def input_of(self, greys: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, list[Letterbox]]:
        """What the network gets for (H, W) uint8 frames, (N, 1, S, S) on the device, and how each was fitted."""
        batch, boxes = to_input(greys, self.spec)
        x = prepared(batch.to(self.device), self.spec.preprocess)
        return x.contiguous(memory_format=torch.channels_last), boxes

    @torch.inference_mode()
    def predict(self, greys: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Predict (H, W) uint8 frames in one batch. With ``spec.flip`` the mirrored input's outcome is averaged in."""
        t0 = time.perf_counter()
        x, boxes = self.input_of(greys)
        t1 = time.perf_counter()
        count = len(greys)
        output = self._forward(torch.cat([x, x.flip(-1)]) if self.spec.flip else x)
        probability = torch.sigmoid(output.mask_logits.float())[:, 0]
        logits, embedding = output.class_logits.float(), output.embedding.float()
        if self.spec.flip:
            probability = (probability[:count] + probability[count:].flip(-1)) / 2
            logits, embedding = (logits[:count] + logits[count:]) / 2, (embedding[:count] + embedding[count:]) / 2
        maps = probability.cpu().numpy()
        t2 = time.perf_counter()
        native = [box.back(values) for box, values in zip(boxes, maps, strict=True)]
        t3 = time.perf_counter()
        seconds = {"preprocess": (t1 - t0) / count, "forward": (t2 - t1) / count, "postprocess": (t3 - t2) / count}
        return [
            Prediction(
                native[i],
                logits[i].cpu().numpy(),
                embedding[i].cpu().numpy(),
                output.bottleneck[i : i + 1],
                output.attended[i : i + 1],
                output.focus[i : i + 1],
                boxes[i],
                seconds,
            )
            for i in range(count)
        ]
