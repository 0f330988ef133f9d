"""How long a run would take here and how much memory, measured on a few real steps before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import lightning.pytorch as pl
import psutil
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from busi_viewer.core.dataset import load_datasets, part_of
from busi_viewer.core.errors import UsageError
from busi_viewer.training.data import Item, OpenImage, OpenMask, TrainingSet, excluded, read_items
from busi_viewer.training.fit import PRECISION, check_devices, fresh, quiet
from busi_viewer.training.gather import split_of
from busi_viewer.training.module import TrainingModule
from busi_viewer.training.recipe import Job

STEPS, WARM, HELD = 4, 2, 6
"""Measured steps, those before them that do not count, and measured validation images."""


class _Clock(Callback):
    """Notes when each step and each validation image ended."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.held: list[float] = []

    def on_train_batch_end(self, *args: Any) -> None:
        self.steps.append(_now())

    def on_validation_epoch_start(self, *args: Any) -> None:
        self.held.append(_now())

    def on_validation_batch_end(self, *args: Any) -> None:
        self.held.append(_now())


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def estimate(
    job: Job, open_image: OpenImage, open_mask: OpenMask, report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Measure the job on its own images; nothing is kept. Raises DataSetError, UsageError.

    ``seconds`` of the whole run, ``seconds_an_epoch``, ``seconds_a_step``, ``seconds_reading``, ``steps_an_epoch``, ``epochs``,
    ``images`` {"train", "val"}, ``memory_bytes`` (all of the process, images included), ``accelerator_bytes`` or None, ``device``,
    ``measured`` {"steps", "images"}. The spread of the measured steps is ``seconds_a_step_range``. Epochs at a smaller size are
    taken for full ones, so that the run rather ends before its time.
    """
    recipe = job.recipe
    if recipe.stages is not None or recipe.architecture.name == "ensemble":
        raise UsageError(
            "this recipe's time cannot be measured ahead", remedy="Start it; the time left is shown as it goes on."
        )
    check_devices(job)
    cv2.setNumThreads(1)
    quiet()
    pl.seed_everything(recipe.seed, workers=True, verbose=False)
    samples = load_datasets(job.data)
    split = split_of(job, samples, open_image)
    kept = [s for s in samples if not excluded(s, recipe.exclude)]
    parts = {part: part_of(kept, split, part) for part in ("train", "val")}
    if not all(parts.values()):
        raise UsageError("the split leaves the training or the validation part empty", path=job.split)
    report({"event": "reading"})
    began = time.perf_counter()
    few = (WARM + STEPS) * recipe.batch
    training = read_items(_spread(parts["train"], few), recipe.input.size, open_image, open_mask, keep_native=False)
    held = read_items(_spread(parts["val"], HELD), recipe.input.size, open_image, open_mask, keep_native=True)
    reading = (time.perf_counter() - began) / (len(training) + len(held))
    report({"event": "measuring"})
    clock, peak, accelerator, device = _measure(job, training, held)
    counts = {part: len(samples) for part, samples in parts.items()}
    per_item = sum(i.small.nbytes + (i.mask.nbytes if i.mask is not None else 0) for i in training) / len(training)
    more = per_item * max(0, counts["train"] - len(training))
    return _told(
        job, counts, clock, reading, {"memory": round(peak + more), "accelerator": accelerator, "device": device}
    )


def _spread(samples: Sequence[Any], count: int) -> list[Any]:
    """At most ``count`` of the samples, evenly spread."""
    step = max(1.0, len(samples) / count)
    return [samples[int(i * step)] for i in range(min(count, len(samples)))]


def _measure(job: Job, training: list[Item], held: list[Item]) -> tuple[_Clock, int, int | None, str]:
    """Train a few steps as the run would; times, peak memory of the process and of the accelerator, and the device."""
    recipe = job.recipe
    clock = _Clock()
    enough = training * (1 + (WARM + STEPS) * recipe.batch // len(training))
    data = TrainingSet(enough, recipe.seed, 0.0, recipe.augmentation)
    data.begin(0)
    network = fresh(job).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module = TrainingModule(network, recipe, held, lambda event: None)
    trainer = pl.Trainer(
        max_epochs=1,
        limit_train_batches=WARM + STEPS,
        accelerator=job.accelerator,
        devices=1,
        precision=PRECISION[recipe.precision],  # type: ignore[arg-type]
        callbacks=[clock],
        gradient_clip_val=1.0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )
    indices: DataLoader[int] = DataLoader(list(range(len(held))), batch_size=1)  # type: ignore[arg-type]
    trainer.fit(module, DataLoader(data, batch_size=recipe.batch, drop_last=True), indices)
    used = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    return clock, _peak_bytes(), used, str(trainer.strategy.root_device)


def _peak_bytes() -> int:
    """The most memory that this process has held."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):
        return int(info.peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) * (1 if psutil.MACOS else 1024)


def _told(job: Job, counts: dict[str, int], clock: _Clock, reading: float, used: dict[str, Any]) -> dict[str, Any]:
    recipe = job.recipe
    gaps = [b - a for a, b in zip(clock.steps[WARM - 1 :], clock.steps[WARM:], strict=False)]
    step = sum(gaps) / len(gaps)
    held = (clock.held[-1] - clock.held[0]) / max(1, len(clock.held) - 1)
    whole = counts["train"] // recipe.batch if counts["train"] > recipe.batch else 1
    epoch = whole * step + counts["val"] * held / recipe.validate_every
    first = reading * sum(counts.values())
    return {
        "schema": 1,
        "seconds": round(first + job.total_epochs * epoch, 1),
        "seconds_an_epoch": round(epoch, 2),
        "seconds_a_step": round(step, 4),
        "seconds_a_step_range": [round(min(gaps), 4), round(max(gaps), 4)],
        "seconds_reading": round(first, 2),
        "steps_an_epoch": whole,
        "epochs": job.total_epochs,
        "images": counts,
        "memory_bytes": used["memory"],
        "accelerator_bytes": used["accelerator"],
        "device": used["device"],
        "measured": {"steps": len(gaps), "images": len(clock.held) - 1},
    }
