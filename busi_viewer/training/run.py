"""A training run: data in, checkpoints and curves on the way, a calibrated model folder out."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from torch.utils.data import DataLoader

from busi_viewer import paths
from busi_viewer.core.dataset import Sample, load_datasets, load_split, part_of
from busi_viewer.core.errors import DataSetError, ModelError, UsageError
from busi_viewer.core.training import PROGRESS
from busi_viewer.nets.card import WEIGHTS, Card, read_card, write_card
from busi_viewer.nets.encoders import count_parameters
from busi_viewer.nets.ensemble import Ensemble
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.registry import build, load_model
from busi_viewer.nets.weights import save_tensors
from busi_viewer.training.calibrate import calibrate
from busi_viewer.training.combine import Made, combine
from busi_viewer.training.control import Control
from busi_viewer.training.data import (
    Item,
    OpenImage,
    OpenMask,
    TrainingSet,
    check_classes,
    excluded,
    make_split,
    read_items,
    summary,
    write_split,
)
from busi_viewer.training.module import MultiTaskModule
from busi_viewer.training.recipe import Job, Recipe

Report = Callable[[dict[str, Any]], None]
LAST = "last.ckpt"


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


def train(job: Job, open_image: OpenImage, open_mask: OpenMask, report: Report) -> dict[str, Any]:
    """Train, calibrate on the validation part, and write ``out/model``. Returns a summary with the model's folder.

    The part ``test`` is never read. Raises DataSetError before training when anything is wrong with the data.
    """
    out = job.out
    if not job.resume and (out / LAST).exists():
        raise UsageError(
            "the folder already holds a run", path=out, remedy="Choose another with -o, or go on with --resume."
        )
    out.mkdir(parents=True, exist_ok=True)
    _quiet()
    pl.seed_everything(job.recipe.seed, workers=True, verbose=False)
    (out / "job.json").write_text(job.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
    tell = _reporter(out, report, resume=job.resume)
    samples = load_datasets(job.data)
    split = _split(job, samples, open_image)
    tell({"event": "data", "images": len(samples)})
    kept = [s for s in samples if not excluded(s, job.recipe.exclude)]
    ensemble = combine(job.members) if job.recipe.architecture.name == "ensemble" else None
    size = ensemble.spec.size if ensemble else job.recipe.input.size
    training = read_items(part_of(kept, split, "train"), size, open_image, open_mask, keep_native=False)
    validation = read_items(part_of(kept, split, "val"), size, open_image, open_mask, keep_native=True)
    check_classes(training, "train")
    check_classes(validation, "val")
    made = ensemble or Made(_fit(job, training, validation, tell).network, job.recipe.architecture, job.recipe.input)
    tell({"event": "calibrating"})
    folder = _write_model(job, made, training, validation)
    tell({"event": "done"})
    return {
        "model": str(folder),
        "out": str(out),
        "split": str(out / "split.csv"),
        "data": [str(path) for path in job.data],
        "parameters": count_parameters(made.network),
    }


def _split(job: Job, samples: list[Sample], open_image: OpenImage) -> dict[str, str]:
    """The split given, or a new one; a copy is kept with the run."""
    kept = job.out / "split.csv"
    if job.split is not None:
        split = load_split(job.split)
    elif job.resume and kept.exists():
        split = load_split(kept)
    else:
        split = make_split(samples, open_image, job.recipe.seed)
    known = {s.id for s in samples} & set(split)
    if not known:
        raise DataSetError(
            "the split names none of the data's images", path=job.split, remedy="Ids are set/relative-path."
        )
    write_split(kept, {i: part for i, part in split.items() if i in known})
    return split


def _fit(job: Job, training: list[Item], validation: list[Item], report: Report) -> MultiTaskModule:
    """Run the epochs; the best epoch by Dice + AUC on validation is loaded back at the end."""
    recipe = job.recipe
    cv2.setNumThreads(1)
    network = build(recipe.architecture)
    assert isinstance(network, MultiTaskUNet)
    if job.start_from is not None:
        _start_from(network, job.start_from)
    elif not (job.resume and (job.out / LAST).exists()):
        network.encoder.load_imagenet(job.encoder_weights)
    network.encoder.freeze(recipe.frozen_stages)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    data = TrainingSet(training, recipe.seed, recipe.balance)
    loader = DataLoader(data, batch_size=recipe.batch, drop_last=len(data) > recipe.batch)
    indices: DataLoader[int] = DataLoader(list(range(len(validation))), batch_size=1)  # type: ignore[arg-type]
    module = MultiTaskModule(network, recipe, job.total_epochs * len(loader), validation, report)
    best = ModelCheckpoint(job.out, "best", monitor="score", mode="max", enable_version_counter=False)
    last = ModelCheckpoint(job.out, Path(LAST).stem, enable_version_counter=False, save_on_train_epoch_end=True)
    control = Control(job.out, report)
    callbacks = [_Epochs(data, recipe, report), control, EMAWeightAveraging(decay=recipe.ema_decay), best, last]
    if recipe.patience is not None:
        callbacks.append(EarlyStopping("score", mode="max", patience=recipe.patience))
    trainer = pl.Trainer(
        max_epochs=job.total_epochs,
        accelerator=job.accelerator,
        devices=job.devices,
        precision="bf16-mixed",
        callbacks=callbacks,
        check_val_every_n_epoch=recipe.validate_every,
        gradient_clip_val=1.0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=job.out,
    )
    resume = job.out / LAST if job.resume and (job.out / LAST).exists() else None
    trainer.fit(module, loader, indices, ckpt_path=resume, weights_only=True)
    control.obey()
    if not trainer.is_global_zero:
        # this process was started to share the fit; the first one calibrates and writes the model
        raise SystemExit(0)
    state = torch.load(job.out / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    return module.eval()


def _start_from(network: MultiTaskUNet, folder: Path) -> None:
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


def _started_with(job: Job) -> str:
    """Which weights a run started with, for the card."""
    if job.members:
        cards = [read_card(folder) for folder in job.members]
        return "; ".join(f"{c.training.get('recipe', c.name)}, SHA-256 {c.sha256}" for c in cards)
    if job.start_from is None:
        if job.encoder_weights is None:
            return "ImageNet weights of the encoder, from the hub"
        digest = hashlib.sha256(job.encoder_weights.read_bytes()).hexdigest()
        return f"ImageNet weights of the encoder, {job.encoder_weights.name}, SHA-256 {digest}"
    card = read_card(job.start_from)
    return f"{card.name} {card.version}, SHA-256 {card.sha256}"


def _sources(job: Job) -> dict[str, dict[str, str]]:
    """Source and licence of those data sets that are known by their folder's name."""
    known: dict[str, dict[str, str]] = json.loads(paths.resource("datasets.json").read_text(encoding="utf-8"))
    names = [path.resolve().name for path in job.data]
    return {name: known[name] for name in names if name in known}


def _write_model(job: Job, made: Made, training: list[Item], validation: list[Item]) -> Path:
    """Calibrate and write weights and card into ``out/model`` (a temporary folder, then renamed)."""
    from busi_viewer import __version__

    recipe, folder = job.recipe, job.out / "model"
    fresh = job.out / "model.part"
    fresh.mkdir(exist_ok=True)
    sha256 = save_tensors(fresh / WEIGHTS, dict(made.network.state_dict()))
    card = Card(
        name=job.name or recipe.name,
        version=__version__,
        architecture=made.architecture,
        input=made.spec,
        classes=("normal", "benign", "malignant"),
        sha256=sha256,
        data=_sources(job),
        training={
            "recipe": recipe.name,
            "epochs": job.total_epochs,
            "train": summary(training),
            "validation": summary(validation),
            "parameters": count_parameters(made.network),
            "started_with": _started_with(job),
            "split_sha256": hashlib.sha256((job.out / "split.csv").read_bytes()).hexdigest(),
            "job_sha256": hashlib.sha256((job.out / "job.json").read_bytes()).hexdigest(),
            "settings": recipe.model_dump(mode="json", exclude={"name", "summary", "architecture", "input"}),
        },
    )
    write_card(fresh, card)
    write_card(fresh, calibrate(fresh, training, validation))
    if folder.exists():
        os.replace(folder, job.out / f"model.{int(time.time())}.old")
    os.replace(fresh, folder)
    return folder


def _reporter(out: Path, report: Report, *, resume: bool) -> Report:
    """Pass events on, and append each to ``progress.jsonl``, one JSON object a line, with schema and time (UTC).

    Of several processes that share the fit only the first speaks.
    """
    progress = out / PROGRESS
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not resume and first:
        progress.unlink(missing_ok=True)

    def tell(event: dict[str, Any]) -> None:
        if not first:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with progress.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"schema": 1, "time": now, **event}) + "\n")
        report(event)

    return tell


def _quiet() -> None:
    """Lightning's banners and hints are not the user's business."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.optim.lr_scheduler")
