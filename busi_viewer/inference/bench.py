"""Speed of the engine against the reference pipeline, measured in one run, taking turns image by image.

Both run on the CPU with the same number of threads. A ratio above 1 says that the engine is so many times faster.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.core.errors import UserError
from busi_viewer.core.image import ArrayFrames, ImageRecord, to_grey
from busi_viewer.core.metrics import dice
from busi_viewer.inference.engine import ModelEngine
from busi_viewer.inference.heatmaps import randomised, through_network
from busi_viewer.inference.reference import Outcome, Reference
from busi_viewer.inference.starts import to_first_result, to_window
from busi_viewer.nets.predictor import as_input
from busi_viewer.nets.transform import Letterbox

THREADS = 2
ROUNDS = 8
BATCH, CINE, TURNS = 12, 12, 3
SIDE = 3072
"""Of the matrix product that the machine's peak is measured with."""
STAGES = ("forward", "heatmap", "preprocess", "postprocess", "whole")
Reopen = Callable[[Path], ImageRecord]
Pairs = Sequence[tuple[Outcome, Outcome]]


def run(
    folder: Path, records: Sequence[ImageRecord], reopen: Reopen, progress: Callable[[str, float], None]
) -> dict[str, Any]:
    """Figures of ROUNDS rounds over single-frame raster images, after one round to warm up. Times in milliseconds."""
    if not records:
        raise UserError("there are no sample images to measure with", remedy="Install the application again.")
    progress("starting from nothing", 0.0)
    starts, first = to_window(), to_first_result(records[0].path)
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        engine, reference = ModelEngine(folder, "cpu", THREADS), Reference(folder)
        pairs, products, best = [], _products(), 0.0
        for turn in range(ROUNDS + 1):
            progress("measuring single images", 0.2 + 0.4 * turn / (ROUNDS + 1))
            for record in records:
                pair = (_ours(engine, record, reopen), reference.read(record))
                pairs += [pair] if turn else []
            best = max(best, *(_speed(product) for product in products))
        progress("measuring a folder and a cine", 0.6)
        together = _together(engine, reference, records, reopen)
        operations = reference.operations()
        sanity = _sanity(engine, reference, records)
    finally:
        torch.set_num_threads(before)
    out = _figures(engine, pairs, len(records)) | together
    out["heatmap_correlation_with_random_weights"] = sanity
    out["machine_peak_gflops"] = round(best / 1e9, 1)
    out["forward_gflop"] = round(operations / 1e9, 2)
    for who in ("engine", "reference"):
        out[f"{who}_forward_of_peak"] = round(operations / (out[f"{who}_ms"]["forward"]["median"] / 1e3) / best, 3)
    out["start_to_window_s"] = None if starts is None else _spread(starts, 1.0)
    out["start_to_first_result_s"] = _spread([seconds for seconds, _ in first], 1.0)
    out["first_result_peak_memory_mb"] = round(max(peak for _, peak in first))
    return out


def _ours(engine: ModelEngine, record: ImageRecord, reopen: Reopen) -> Outcome:
    started = time.perf_counter()
    frame = engine.analyse(reopen(record.path)).frames[0]
    whole = time.perf_counter() - started
    assert frame.probability is not None
    assert frame.heatmap is not None
    spent = {name: frame.timing_ms[name] / 1e3 for name in ("forward", "heatmap", "postprocess")}
    spent["preprocess"] = max(whole - sum(spent.values()), 0.0)
    logits = np.log(np.asarray(frame.probabilities, dtype=np.float32))
    return Outcome(frame.probability.astype(np.float32), frame.heatmap.values, logits, {**spent, "whole": whole})


def _together(
    engine: ModelEngine, reference: Reference, records: Sequence[ImageRecord], reopen: Reopen
) -> dict[str, Any]:
    """Throughput of a folder (whole analyses with heatmap) and of a cine (without), in images and frames a second."""
    files = [records[i % len(records)] for i in range(BATCH)]
    grey = to_grey(records[0].frames[0], records[0].window)
    stack = tuple(np.roll(grey, 4 * i, axis=1) for i in range(CINE))
    cine = ImageRecord(Path("cine"), "0" * 64, "png", ArrayFrames(stack), (grey.shape[0], grey.shape[1]))
    workers = engine.prepare_many()
    rates: dict[str, list[float]] = {name: [] for name in ("batch", "cine", "reference_batch", "reference_cine")}

    def timed(name: str, count: int, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        rates[name].append(count / (time.perf_counter() - started))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda record: engine.analyse(reopen(record.path)), files[:workers]))
        for _ in range(TURNS):
            timed("batch", BATCH, lambda: list(pool.map(lambda record: engine.analyse(reopen(record.path)), files)))
            timed("reference_batch", 4, lambda: [reference.read(record) for record in files[:4]])
            timed("cine", CINE, lambda: engine.analyse(cine, heatmap=False))
            timed("reference_cine", 4, lambda: [reference.run(frame, heatmap=False) for frame in stack[:4]])
    return {
        "workers": workers,
        "batch_images_per_s": _spread(rates["batch"], 1.0),
        "reference_batch_images_per_s": _spread(rates["reference_batch"], 1.0),
        "batch_ratio": _ratio(rates["batch"], rates["reference_batch"]),
        "cine_frames_per_s": _spread(rates["cine"], 1.0),
        "reference_cine_frames_per_s": _spread(rates["reference_cine"], 1.0),
        "cine_ratio": _ratio(rates["cine"], rates["reference_cine"]),
    }


def _sanity(engine: ModelEngine, reference: Reference, records: Sequence[ImageRecord]) -> float:
    """Greatest correlation of a heatmap with that of the same class by the same network with random weights."""
    drawn = randomised(reference.network)
    found: list[float] = []
    for record in records:
        target = engine.analyse(record).frames[0].prediction
        grey = to_grey(record.frames[0], record.window)
        box = Letterbox.fit((grey.shape[0], grey.shape[1]), engine.card.input.size)
        heat = through_network(drawn, as_input(box.forward(grey)[None]), target, steps=engine.card.input.preprocess)
        found.append(_correlation(engine.heatmap(record, 0, target).values, box.back(heat)))
    greatest = max(found, key=abs)
    return round(greatest, 4)


def _figures(engine: ModelEngine, pairs: Pairs, images: int) -> dict[str, Any]:
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
    for stage in STAGES:
        ours, theirs = ([pair[side].seconds[stage] for pair in pairs] for side in (0, 1))
        out[f"{stage}_ratio"] = _ratio(theirs, ours)
    median = {stage: out["engine_ms"][stage]["median"] for stage in ("heatmap", "whole")}
    out["heatmap_adds_ratio"] = round(median["heatmap"] / max(median["whole"] - median["heatmap"], 1e-9), 4)
    limit = engine.card.mask_threshold
    out["mask_dice_min"] = round(min(dice(b.probability >= limit, a.probability >= limit) for a, b in pairs), 5)
    out["heatmap_correlation_min"] = round(min(_correlation(a.heat, b.heat) for a, b in pairs), 5)
    return out


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return round(float(np.median(above)) / max(float(np.median(below)), 1e-9), 3)


def _spread(values: Sequence[float], factor: float) -> dict[str, float]:
    """Median and the 95th percentile."""
    found = {"median": np.median(values), "p95": np.quantile(values, 0.95)}
    return {name: round(factor * float(value), 3) for name, value in found.items()}


def _times(seconds: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {stage: _spread([s[stage] for s in seconds], 1000.0) for stage in STAGES}


def _products() -> list[Callable[[], object]]:
    """A large matrix product in float32 by each library at hand: which is the fastest differs from processor to processor."""
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    out: list[Callable[[], object]] = [lambda: torch.mm(a, b)]
    try:
        import openvino as ov
        from openvino import opset13, properties
        from openvino.properties import hint
    except ImportError:
        return out
    x = opset13.parameter([SIDE, SIDE], np.float32)
    product = ov.Model([opset13.matmul(x, opset13.constant(b.numpy()), False, False)], [x])
    config = {hint.inference_precision: "f32", properties.inference_num_threads: THREADS, properties.num_streams: 1}
    request = ov.Core().compile_model(product, "CPU", config).create_infer_request()
    return [*out, lambda: request.infer([a.numpy()], share_inputs=True)]


def _speed(product: Callable[[], object]) -> float:
    """Floating-point operations a second of one of the products."""
    started = time.perf_counter()
    product()
    return 2.0 * SIDE**3 / (time.perf_counter() - started)


def _correlation(a: NDArray[np.float32] | None, b: NDArray[np.float32] | None) -> float:
    """Pearson correlation; 1 where both maps are empty."""
    assert a is not None
    assert b is not None
    if a.std() == 0 or b.std() == 0:
        return 1.0 if a.std() == b.std() else 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
