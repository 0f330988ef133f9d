"""Weights kept after chosen epochs of a run, each as a model of its own that can be loaded and looked at."""

from __future__ import annotations

import os
import shutil

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from busi_viewer.core.training import KEPT
from busi_viewer.nets.card import WEIGHTS, Card, write_card
from busi_viewer.nets.weights import save_tensors
from busi_viewer.training.module import TrainingModule
from busi_viewer.training.protocol import leaks
from busi_viewer.training.recipe import Job


class KeptEpochs(Callback):
    """Writes ``out / KEPT / epoch-N`` (fp16 weights, card without calibration) after the job's ``keep_epochs``.

    The weights are those that were validated: their running mean, where the recipe has one.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if this is one of the epochs."""
        epoch = trainer.current_epoch + 1
        if epoch not in self._job.keep_epochs or not trainer.is_global_zero:
            return
        from busi_viewer import __version__

        job, recipe = self._job, self._job.recipe
        folder = job.out / KEPT / f"epoch-{epoch}"
        fresh = folder.with_name(folder.name + ".part")
        fresh.mkdir(parents=True, exist_ok=True)
        assert isinstance(pl_module, TrainingModule)
        sha256 = save_tensors(fresh / WEIGHTS, dict(pl_module.network.state_dict()))
        card = Card(
            name=f"{job.name or recipe.name}-epoch-{epoch}",
            version=__version__,
            architecture=recipe.architecture,
            input=recipe.input,
            classes=("normal", "benign", "malignant"),
            sha256=sha256,
            leaky=leaks(job),
            training={"recipe": recipe.name, "epochs": epoch, "of": job.total_epochs},
        )
        write_card(fresh, card)
        if folder.exists():  # a run that goes on repeats the epoch it was killed in
            shutil.rmtree(folder)
        os.replace(fresh, folder)
