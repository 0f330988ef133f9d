"""A network's forward pass by PyTorch, with Grad-CAM of every class from that one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from busi_viewer.nets.ensemble import Headed, Network
from busi_viewer.nets.predictor import Output
from busi_viewer.nets.preprocess import Step, prepared


class Explained(nn.Module):
    """Preprocessing and network, with the tensors of :class:`Output` as output: what tracing and OpenVINO see.

    Grad-CAM (Selvaraju et al., ICCV 2017) weighs each channel of a layer by the mean gradient of the class over the layer's
    positions. In these networks the class depends on that layer through the class head alone, whose gradient is written out
    (``sensitivity``), so that no backward pass is needed.
    """

    def __init__(self, network: Network, steps: Sequence[Step] = ()) -> None:
        super().__init__()
        self.network, self.steps = network, steps

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, 1, S, S) → the fields of :class:`Output`."""
        output = self.network(prepared(x, self.steps))
        if not isinstance(self.network, Headed):
            nothing = output.mask_logits.new_zeros((x.shape[0], 0, 1, 1))
            return output.mask_logits.float(), output.class_logits.float(), output.embedding.float(), nothing
        attended = output.attended.float()
        h, w = attended.shape[2], attended.shape[3]
        cams = torch.relu(self.network.sensitivity(output) @ attended.flatten(2)).view(x.shape[0], 3, h, w)
        return output.mask_logits.float(), output.class_logits.float(), output.embedding.float(), cams


class TorchForward:
    """The forward pass on a device; in half precision on CUDA, else in float32. For one thread at a time."""

    def __init__(self, network: Network, steps: Sequence[Step] = (), device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._network = Explained(network, steps).to(self.device)

    @torch.inference_mode()
    def __call__(self, x: NDArray[np.float32]) -> Output:
        """As :data:`busi_viewer.nets.predictor.Forward`. RuntimeError where the device fails."""
        tensor = torch.from_numpy(np.ascontiguousarray(x)).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"):
            outputs = self._network(tensor)
        return Output(*(cast("NDArray[np.float32]", output.float().cpu().numpy()) for output in outputs))
