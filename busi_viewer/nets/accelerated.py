"""The network's forward pass on the CPU by OpenVINO, from the same weights; PyTorch stays the reference."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from busi_viewer import paths
from busi_viewer.nets.card import WEIGHTS, Card
from busi_viewer.nets.doubling import without_doubling
from busi_viewer.nets.graph import GRAPH, Arrays, Graph, made
from busi_viewer.nets.one_channel import with_blocks, with_grey_input
from busi_viewer.nets.parts import in_parts, linked
from busi_viewer.nets.predictor import Output
from busi_viewer.nets.weights import load_arrays

if TYPE_CHECKING:
    from busi_viewer.nets.ensemble import Network

log = logging.getLogger(__name__)

HEADED = ("multitask-unet-mobilenetv2", "multitask-unet-resnet50v2", "ensemble")
"""The architectures that are compiled: those whose class head can be run alone. They outline and classify."""
FORM = "4"
"""Of what is kept in the cache folder; older ones are not read."""


class CompiledForward:
    """A compiled graph: a :data:`busi_viewer.nets.predictor.Forward` that several threads may call at once.

    ``threads`` in all; with ``together`` calls run side by side on one thread each, else one call uses all of them. Where the
    processor can, and it is ``divided``, a part of the network is computed in bfloat16, else all in float32.
    """

    def __init__(
        self, graph: Graph, arrays: Arrays, threads: int, *, together: bool = False, divided: bool = False
    ) -> None:
        import openvino as ov
        from openvino import properties
        from openvino.properties import device, hint

        mode = hint.PerformanceMode.THROUGHPUT if together else hint.PerformanceMode.LATENCY
        config: dict[Any, Any] = {
            hint.performance_mode: mode,
            properties.inference_num_threads: threads,
            properties.num_streams: threads if together else 1,
        }
        core = ov.Core()
        model = graph.model(core, arrays)
        able = "BF16" in core.get_property("CPU", device.capabilities)
        self._parts = []
        for part, precision in in_parts(model) if divided and able else [(model, "f32")]:
            without_doubling(part)
            with_grey_input(part)
            with_blocks(part)
            self._parts.append(core.compile_model(part, "CPU", {**config, hint.inference_precision: precision}))
        # not thread-local: a request that dies with a thread state of Qt's takes the process with it
        self._idle: deque[list[Any]] = deque()

    @property
    def divided(self) -> bool:
        """Whether a part of it is computed in bfloat16."""
        return len(self._parts) > 1

    def __call__(self, x: NDArray[np.float32]) -> Output:
        """One image at a time."""
        try:
            requests = self._idle.pop()
        except IndexError:
            requests = linked(self._parts)
        first, *others = requests
        rows = []
        try:
            for index in range(len(x)):
                first.infer([np.ascontiguousarray(x[index : index + 1])], share_inputs=True, share_outputs=True)
                for request in others:
                    request.infer(share_outputs=True)
                rows.append([requests[-1].get_output_tensor(i).data.copy() for i in range(len(Output._fields))])
        finally:
            self._idle.append(requests)
        return Output(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def processors() -> int:
    """How many threads compute: OMP_NUM_THREADS if set, else the processor cores that this process may use."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    if wished.isdigit() and int(wished):
        return int(wished)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))


def compiled(
    folder: Path, card: Card, *, network: Network | None = None, threads: int | None = None, together: bool = False
) -> CompiledForward | None:
    """The forward pass of the model in ``folder``; see :class:`CompiledForward`. Raises ModelError for damaged weights.

    Its graph is the one beside the weights that the card names, else the one kept in the cache folder, else it is made from
    the network (given, or loaded with torch) and kept. None for architectures not in HEADED (only those are checked against
    PyTorch) and where OpenVINO cannot be used; the reason goes to the log.
    """
    if card.architecture.name not in HEADED:
        return None
    arrays = load_arrays(folder / WEIGHTS, card.sha256)
    for divided in (True, False) if card.bfloat16 else (False,):
        try:
            graph = _shipped(folder, card) or graph_of(folder, card, arrays, network)
            return CompiledForward(graph, arrays, threads or processors(), together=together, divided=divided)
        except Exception as error:  # noqa: BLE001  OpenVINO's errors have no common base; PyTorch stands in for it
            log.warning("OpenVINO is not used%s: %s", " in parts" * divided, type(error).__name__)
    return None


def graph_of(folder: Path, card: Card, arrays: Arrays | None = None, network: Network | None = None) -> Graph:
    """The graph of a model from the cache folder, made and kept there if it is missing. Raises what OpenVINO raises."""
    from openvino import __version__ as version

    facts = (FORM, card.sha256, card.architecture.model_dump_json(), card.input.model_dump_json(), version)
    name = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32] + ".graph"
    kept = paths.cache_dir() / "graphs" / name
    graph = _read(kept, card)
    if graph is not None:
        return graph
    if network is None:
        from busi_viewer.nets.registry import load_model

        network, _ = load_model(folder)
    if arrays is None:
        arrays = load_arrays(folder / WEIGHTS, card.sha256)
    graph = made(network, arrays, card.sha256, card.input)
    _keep(kept, graph.packed())
    return graph


def ship_graph(folder: Path, card: Card) -> str:
    """Write a model's graph beside its weights; the file's SHA-256 for the card, or "" where it is not compiled."""
    if card.architecture.name not in HEADED:
        return ""
    try:
        content = graph_of(folder, card).packed()
    except Exception as error:  # noqa: BLE001  as in compiled
        log.warning("no graph is written: %s", type(error).__name__)
        return ""
    (folder / GRAPH).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _shipped(folder: Path, card: Card) -> Graph | None:
    path = folder / GRAPH
    if not card.graph_sha256 or not path.is_file():
        return None
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.graph_sha256:
        log.warning("the graph beside the weights is not the one that the card names; it is not used")
        return None
    return _read(path, card)


def _read(path: Path, card: Card) -> Graph | None:
    try:
        graph = Graph.unpacked(path.read_bytes())
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
        return None
    return graph if (graph.weights, graph.side) == (card.sha256, card.input.size) else None


def _keep(path: Path, content: bytes) -> None:
    """Write whole or not at all; without a writable cache folder the graph is made anew each time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as fresh:
            fresh.write(content)
        os.replace(fresh.name, path)
    except OSError:
        log.info("the graph could not be kept")
