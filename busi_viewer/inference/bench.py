"""Speed of the engine against the reference pipeline, measured in one run.

The reference is what a careful script would do with the same network: eager fp32 PyTorch, the mirrored pass included, and
pytorch-grad-cam on the whole network. Both run on the CPU with the same number of threads, taking turns image by image.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from busi_viewer.core.errors import UserError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.metrics import dice
from busi_viewer.inference.engine import TorchEngine
from busi_viewer.nets.ensemble import Network
from busi_viewer.nets.registry import load_model
from busi_viewer.nets.transform import Letterbox

THREADS = 2
ROUNDS = 8


@dataclass(frozen=True)
class _Outcome:
    """Mask probability and heat at native size, and seconds by stage."""

    probability: NDArray[np.float32]
    heat: NDArray[np.float32]
    seconds: dict[str, float]


class _ClassLogits(nn.Module):
    """The network as a plain classifier, as pytorch-grad-cam expects it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x).class_logits
        return logits


class Reference:
    """The reference pipeline for one model."""

    def __init__(self, folder: Path) -> None:
        network, self.card = load_model(folder)
        self.network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def run(self, record: ImageRecord) -> _Outcome:
        """Decode, forward, Grad-CAM and back to native pixels."""
        t0 = time.perf_counter()
        encoded = np.frombuffer(record.path.read_bytes(), dtype=np.uint8)
        grey = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
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
        heat = self._grad_cam(x, int(logits.argmax()))
        t3 = time.perf_counter()
        probability, native = box.back(mask[0, 0].numpy()), box.back(heat)
        t4 = time.perf_counter()
        return _Outcome(probability, native, {"forward": t2 - t1, "heatmap": t3 - t2, "whole": t4 - t0})

    def _grad_cam(self, x: Tensor, class_index: int) -> NDArray[np.float32]:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        with GradCAM(_ClassLogits(self.network), [self.network.heatmap_layer]) as cam:
            heat = cam(x.clone().requires_grad_(True), [ClassifierOutputTarget(class_index)])
        return np.asarray(heat[0], dtype=np.float32)


def _ours(engine: TorchEngine, record: ImageRecord, reopen: Callable[[Path], ImageRecord]) -> _Outcome:
    started = time.perf_counter()
    frame = engine.analyse(reopen(record.path)).frames[0]
    whole = time.perf_counter() - started
    assert frame.probability is not None
    assert frame.heatmap is not None
    seconds = {"forward": frame.timing_ms["forward"] / 1e3, "heatmap": frame.timing_ms["heatmap"] / 1e3, "whole": whole}
    return _Outcome(frame.probability.astype(np.float32), frame.heatmap.values, seconds)


def run(
    folder: Path,
    records: Sequence[ImageRecord],
    reopen: Callable[[Path], ImageRecord],
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Figures of ROUNDS rounds over single-frame raster images, after one round to warm up. Times in milliseconds."""
    if not records:
        raise UserError("there are no sample images to measure with", remedy="Install the application again.")
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        engine, reference = TorchEngine(folder, "cpu"), Reference(folder)
        pairs = []
        for turn in range(ROUNDS + 1):
            progress("measuring", turn / (ROUNDS + 1))
            for record in records:
                pair = (_ours(engine, record, reopen), reference.run(record))
                pairs += [pair] if turn else []
    finally:
        torch.set_num_threads(before)
    return _figures(engine, pairs, len(records))


def _figures(engine: TorchEngine, pairs: Sequence[tuple[_Outcome, _Outcome]], images: int) -> dict[str, Any]:
    out: dict[str, Any] = {
        "schema": 1,
        "model": engine.model.name,
        "device": engine.device,
        "threads": THREADS,
        "cores": os.cpu_count(),
        "images": images,
        "rounds": ROUNDS,
        "engine_ms": _times([ours.seconds for ours, _ in pairs]),
        "reference_ms": _times([theirs.seconds for _, theirs in pairs]),
    }
    for stage in ("forward", "heatmap", "whole"):
        out[f"{stage}_ratio"] = round(out["reference_ms"][stage]["median"] / out["engine_ms"][stage]["median"], 3)
    limit = engine.card.mask_threshold
    out["mask_dice_min"] = round(min(dice(b.probability >= limit, a.probability >= limit) for a, b in pairs), 5)
    out["heatmap_correlation_min"] = round(min(_correlation(a.heat, b.heat) for a, b in pairs), 5)
    return out


def _times(seconds: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        stage: {
            "median": round(1000 * float(np.median([s[stage] for s in seconds])), 2),
            "p95": round(1000 * float(np.quantile([s[stage] for s in seconds], 0.95)), 2),
        }
        for stage in seconds[0]
    }


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Pearson correlation; 1 where both maps are empty."""
    if a.std() == 0 or b.std() == 0:
        return 1.0 if a.std() == b.std() else 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
