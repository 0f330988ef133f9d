"""The epochs of one network: Lightning's trainer with our data, losses and checkpoints."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader

from busi_viewer.core.errors import ModelError, UsageError
from busi_viewer.nets.ensemble import Ensemble
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.published import PublishedNet
from busi_viewer.nets.registry import build, load_model
from busi_viewer.training.average import weight_average
from busi_viewer.training.control import Control
from busi_viewer.training.data import Item, TrainingSet
from busi_viewer.training.kept import KeptEpochs
from busi_viewer.training.module import Trained, TrainingModule
from busi_viewer.training.recipe import Job, Recipe
from busi_viewer.training.samples import Samples

Report = Callable[[dict[str, Any]], None]
LAST = "last.ckpt"
PRECISION = {"bf16": "bf16-mixed", "full": "32-true"}
"""A recipe's precision in Lightning's words."""


class _Epochs(Callback):
    """Begins each epoch of the training set, seeds each step (dropout), and reports steps at most once a second."""

    def __init__(self, data: TrainingSet, recipe: Recipe, report: Report) -> None:
        self.data, self.recipe, self.report, self._told = data, recipe, report, 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch = trainer.current_epoch
        self.data.begin(epoch, self.recipe.small_size if epoch < self.recipe.small_epochs else None)

    def on_train_batch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        torch.manual_seed(self.recipe.seed * 1_000_003 + trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any) -> None:
        now = time.monotonic()
        if now - self._told >= 1.0:
            self._told = now
            total = trainer.estimated_stepping_batches
            self.report(
                {"event": "step", "step": trainer.global_step, "of": int(total), "epoch": trainer.current_epoch + 1}
            )


def check_devices(job: Job) -> None:
    """Refuse a job whose accelerator this machine lacks, before anything is read. Raises UsageError."""
    cuda, mps = torch.cuda.device_count(), int(torch.backends.mps.is_available())
    there = {"cuda": cuda, "mps": mps, "gpu": cuda or mps}.get(job.accelerator, job.devices)
    if there < job.devices:
        raise UsageError(
            f"this machine has {there or 'no'} {job.accelerator} device{'s' if there > 1 else ''}, {job.devices} asked for",
            remedy="Use --accelerator auto or cpu, or fewer --devices.",
        )


def fit(
    job: Job,
    training: list[Item],
    validation: list[Item],
    report: Report,
    network: Trained | None = None,
    folder: Path | None = None,
) -> Trained:
    """Run the epochs of the recipe's network, or of ``network``; the best epoch on validation is loaded back at the end.

    Best: by Dice + AUC, of what the network does. Where the device's memory runs out, batches are halved and the gradients of
    several are summed, so that steps and schedule stay; it goes on from the last finished epoch. Writes checkpoints into the
    job's folder; ``folder`` is the whole run's, where the job is a part of one. Raises Cancelled, UsageError.
    """
    cv2.setNumThreads(1)
    quiet()
    job.out.mkdir(parents=True, exist_ok=True)
    network = network or fresh(job)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    resume, pieces = job.resume, 1
    while not _fitted(job, training, validation, report, network, folder or job.out, resume=resume, pieces=pieces):
        if job.recipe.batch < 2 * pieces:
            raise UsageError("the memory does not hold one image", remedy="Choose a smaller input size or network.")
        pieces, resume = 2 * pieces, True
        network = network.cpu()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        report({"event": "out_of_memory", "batch": 2 * job.recipe.batch // pieces, "now": job.recipe.batch // pieces})
    return network


def _fitted(
    job: Job,
    training: list[Item],
    validation: list[Item],
    report: Report,
    network: Trained,
    folder: Path,
    *,
    resume: bool,
    pieces: int,
) -> bool:
    """Run the epochs with each batch in ``pieces``; False where the memory ran out."""
    recipe = job.recipe
    data = TrainingSet(training, recipe.seed, recipe.balance, recipe.augmentation)
    batch = max(1, recipe.batch // pieces)
    loader = DataLoader(data, batch_size=batch, drop_last=len(data) > recipe.batch)
    indices: DataLoader[int] = DataLoader(list(range(len(validation))), batch_size=1)  # type: ignore[arg-type]
    samples = Samples(folder, validation)
    module = TrainingModule(network, recipe, validation, report, samples.places)
    best = ModelCheckpoint(job.out, "best", monitor="score", mode="max", enable_version_counter=False)
    last = ModelCheckpoint(job.out, Path(LAST).stem, enable_version_counter=False, save_on_train_epoch_end=True)
    control = Control(folder, report)
    average = [weight_average(recipe.ema_decay)] if recipe.ema_decay else []
    kept = [KeptEpochs(job)] if job.keep_epochs else []  # before the average puts the last weights back
    callbacks: list[Callback] = [_Epochs(data, recipe, report), control, samples, *kept, *average, best, last]
    if recipe.patience is not None:
        callbacks.append(_Patience("score", mode="max", patience=recipe.patience))
    trainer = pl.Trainer(
        max_epochs=job.total_epochs,
        accelerator=job.accelerator,
        devices=job.devices,
        precision=PRECISION[recipe.precision],  # type: ignore[arg-type]
        callbacks=callbacks,
        check_val_every_n_epoch=recipe.validate_every,
        accumulate_grad_batches=pieces,
        gradient_clip_val=1.0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=job.out,
    )
    going_on = job.out / LAST if resume and (job.out / LAST).exists() else None
    try:
        trainer.fit(module, loader, indices, ckpt_path=going_on, weights_only=True)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    control.obey()
    if not trainer.is_global_zero:
        # this process was started to share the fit; the first one calibrates and writes the model
        raise SystemExit(0)
    state = torch.load(job.out / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    module.eval()
    return True


class _Patience(EarlyStopping):
    """Early stopping that a resumed run may be given more patience for; Lightning puts the old one back."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({**state_dict, "patience": self.patience})


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of the machine or of its accelerator ran out (torch says so by a RuntimeError on the CPU)."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "out of memory" in str(error) or "can't allocate memory" in str(error)


def fresh(job: Job) -> MultiTaskUNet | PublishedNet:
    """The recipe's network with the weights that the job starts with, frozen as the recipe says. Raises ModelError."""
    network = build(job.recipe.architecture)
    assert isinstance(network, MultiTaskUNet | PublishedNet)
    bare = network.encoder if isinstance(network, MultiTaskUNet) else network
    if job.start_from is not None:
        start_from(network, job.start_from)
    elif not (job.from_scratch or (job.resume and (job.out / LAST).exists())):
        bare.load_imagenet(job.encoder_weights)
    if isinstance(network, MultiTaskUNet):
        network.encoder.freeze(job.recipe.frozen_stages)
    else:
        network.freeze(job.recipe.freeze)
    return network


def start_from(network: MultiTaskUNet | PublishedNet, folder: Path) -> None:
    """Copy a model's weights, or those of the fitting member of an ensemble, into a fresh network. Raises ModelError."""
    source = load_model(folder)[0]
    for candidate in source.members if isinstance(source, Ensemble) else [source]:
        try:
            network.load_state_dict(candidate.state_dict())
        except RuntimeError:
            continue
        return
    raise ModelError(
        "the model to start from has another architecture than the recipe", path=folder, remedy="Choose its recipe."
    )


def quiet() -> None:
    """Lightning's banners and hints are not the user's business."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.optim.lr_scheduler")
