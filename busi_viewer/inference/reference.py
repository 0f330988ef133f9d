"""The reference pipeline: what a careful script would do with the same network.

Eager fp32 PyTorch, the mirrored pass included, and pytorch-grad-cam on the whole network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import CLASSES
from busi_viewer.inference.heatmaps import through_network
from busi_viewer.nets.registry import load_model
from busi_viewer.nets.transform import Letterbox


@dataclass(frozen=True)
class Outcome:
    """Mask probability (H, W) and heat (H, W) at native size, class logits (3,), and seconds by stage."""

    probability: NDArray[np.float32]
    heat: NDArray[np.float32] | None
    class_logits: NDArray[np.float32]
    seconds: dict[str, float]


class Reference:
    """The reference pipeline for one model."""

    def __init__(self, folder: Path) -> None:
        network, self.card = load_model(folder)
        self.network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def read(self, record: ImageRecord) -> Outcome:
        """Decode a raster file, then :meth:`run`."""
        started = time.perf_counter()
        encoded = np.frombuffer(record.path.read_bytes(), dtype=np.uint8)
        grey = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        decoding = time.perf_counter() - started
        found = self.run(grey)
        found.seconds["preprocess"] += decoding
        found.seconds["whole"] += decoding
        return found

    def run(self, grey: NDArray[np.uint8], *, heatmap: bool = True) -> Outcome:
        """Letterbox, forward, Grad-CAM and back to native pixels, of (H, W) uint8."""
        t0 = time.perf_counter()
        box = Letterbox.fit((grey.shape[0], grey.shape[1]), self.card.input.size)
        x = torch.from_numpy(box.forward(grey)).float().div(255.0)[None, None]
        t1 = time.perf_counter()
        with torch.no_grad():
            output = self.network(x)
            mask, logits = torch.sigmoid(output.mask_logits), output.class_logits
            if self.card.input.flip:
                mirrored = self.network(x.flip(-1))
                mask = (mask + torch.sigmoid(mirrored.mask_logits).flip(-1)) / 2
                logits = (logits + mirrored.class_logits) / 2
        t2 = time.perf_counter()
        heat = through_network(self.network, x.numpy(), CLASSES[int(logits.argmax())]) if heatmap else None
        t3 = time.perf_counter()
        probability, native = box.back(mask[0, 0].numpy()), box.back(heat) if heat is not None else None
        t4 = time.perf_counter()
        seconds = {
            "preprocess": t1 - t0,
            "forward": t2 - t1,
            "heatmap": t3 - t2,
            "postprocess": t4 - t3,
            "whole": t4 - t0,
        }
        return Outcome(probability, native, logits[0].numpy(), seconds)

    def operations(self) -> int:
        """Floating-point operations of one forward pass, convolutions and matrix products only."""
        from torch.utils.flop_counter import FlopCounterMode

        size = self.card.input.size
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.network(torch.zeros(2 if self.card.input.flip else 1, 1, size, size))
        return int(counter.get_total_flops())
