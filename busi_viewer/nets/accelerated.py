"""The network's forward pass on the CPU by OpenVINO, made from the same weights and kept in the user's cache folder.

PyTorch stays the reference: where OpenVINO is missing or fails, its own forward pass is used.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from busi_viewer import paths
from busi_viewer.nets.card import Card
from busi_viewer.nets.ensemble import Ensemble, Network
from busi_viewer.nets.multitask import MultiTaskOutput, MultiTaskUNet

log = logging.getLogger(__name__)

MODEL = "model.xml"
Forward = Callable[[Tensor], MultiTaskOutput]


class _Plain(nn.Module):
    """The network with a plain tuple as its output, as tracing wants it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(x))


def compiled(network: Network, card: Card) -> Forward | None:
    """A forward pass (N, 1, S, S) → MultiTaskOutput as the network's, N being one frame and its mirror image.

    None where OpenVINO cannot be used; the reason goes to the log.
    """
    if not isinstance(network, MultiTaskUNet | Ensemble):
        return None  # only these are checked against PyTorch
    try:
        import openvino as ov
    except ImportError as error:
        log.info("OpenVINO is not used: %s", type(error).__name__)
        return None
    batch = 2 if card.input.flip else 1
    shape = [batch, 1, card.input.size, card.input.size]
    folder = paths.cache_dir() / "openvino" / _key(card, shape, ov.__version__)
    try:
        core = ov.Core()
        if (folder / MODEL).is_file():
            model = core.read_model(folder / MODEL)
        else:
            model = _converted(ov, network, shape)
            _keep(ov, model, folder)
        request = _compile(core, model, folder)
    except Exception as error:  # noqa: BLE001  OpenVINO's errors have no common base; PyTorch stands in for it
        log.warning("OpenVINO is not used: %s", type(error).__name__)
        return None

    def forward(x: Tensor) -> MultiTaskOutput:
        if list(x.shape) != shape:
            output: MultiTaskOutput = network(x)
            return output
        results = request([x.contiguous().numpy()])
        return MultiTaskOutput(*(torch.from_numpy(results[i].copy()) for i in range(len(MultiTaskOutput._fields))))

    return forward


def _key(card: Card, shape: list[int], version: str) -> str:
    """Names weights, shape, OpenVINO's version and processor, so that none is ever mistaken for another."""
    facts = (card.sha256, card.architecture.model_dump_json(), str(shape), version, platform.processor(), _cpu_name())
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")


def _converted(ov: Any, network: Network, shape: list[int]) -> Any:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of the check of the input's sides
        model = ov.convert_model(_Plain(network).eval(), example_input=torch.zeros(shape))
    model.reshape(shape)
    return model


def _compile(core: Any, model: Any, folder: Path) -> Any:
    """The compiled model, in fp32: half precision moved outlines. Kept beside the model where that folder can be written."""
    from openvino import properties
    from openvino.properties import hint

    config: dict[Any, Any] = {
        hint.performance_mode: hint.PerformanceMode.LATENCY,
        hint.inference_precision: "f32",
        properties.inference_num_threads: torch.get_num_threads(),
    }
    if folder.is_dir() and os.access(folder, os.W_OK):
        config[properties.cache_dir] = str(folder)
    return core.compile_model(model, "CPU", config)


def _keep(ov: Any, model: Any, folder: Path) -> None:
    """Save the converted model whole or not at all; without a writable cache folder it is made anew each time."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    except OSError:
        return
    try:
        ov.save_model(model, fresh / MODEL, compress_to_fp16=False)
        os.replace(fresh, folder)
    except (OSError, RuntimeError):
        shutil.rmtree(fresh, ignore_errors=True)
