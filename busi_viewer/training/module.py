"""The Lightning module: losses, optimiser, and validation through the production predictor."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from busi_viewer.core.metrics import auc, dice, iou
from busi_viewer.core.results import TASKS
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.losses import class_loss, focal_class_loss, sum_of_mask_losses
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.pipeline import Pipeline, overlaid
from busi_viewer.nets.predictor import Prediction, Predictor
from busi_viewer.nets.preprocess import prepared
from busi_viewer.nets.published import PublishedNet
from busi_viewer.training.data import Item
from busi_viewer.training.recipe import Recipe

Trained = MultiTaskUNet | PublishedNet | Pipeline
OPTIMISERS: dict[str, Any] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}


class _Seen(NamedTuple):
    """Of one validation image: Dice and IoU where it has a lesion; label, p(malignant) and whether it was right; the loss."""

    overlap: tuple[float, float] | None
    score: tuple[int, float, bool] | None
    loss: float | None


class TrainingModule(pl.LightningModule):
    """Trains a network for the recipe's tasks. ``validation`` items keep their native pixels; ``report`` gets a dict an epoch.

    ``shown`` holds the places of the validation items whose predictions of the last epoch are kept in ``predictions``.
    Of a pipeline only the classifier is trained: the batches' masks are then the predicted maps (0–255), not the truth.
    """

    def __init__(
        self,
        network: Trained,
        recipe: Recipe,
        validation: list[Item],
        report: Callable[[dict[str, Any]], None],
        shown: Collection[int] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.validation = validation
        self.report = report
        self.shown = frozenset(shown)
        self.predictions: dict[int, Prediction] = {}
        self.register_buffer("class_weights", torch.tensor(recipe.class_weights), persistent=False)
        self._losses: list[float] = []
        self._seen: dict[int, _Seen] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingModule:
        """A copy to average weights in, which shares what is not learnt: the images, and whoever hears the report."""
        for shared in (self.validation, self.report, self.predictions):
            memo[id(shared)] = shared
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__getstate__(), memo))
        return made

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        """Mask loss plus class loss, of what the network does."""
        loss = self._loss(batch)
        self._losses.append(float(loss.detach()))
        return loss

    def _loss(self, batch: dict[str, Tensor]) -> Tensor:
        recipe, network = self.recipe, self.network
        with torch.autocast(self.device.type, enabled=False):  # as inference prepares: in bf16 a blur loses grey levels
            x = prepared(batch["image"], recipe.input.preprocess)
        if isinstance(network, Pipeline):
            x = overlaid(x, batch["mask"] / 255, network.overlay)
            network = network.classifier
        output = network(x.contiguous(memory_format=torch.channels_last))
        loss = torch.as_tensor(network.penalty() if isinstance(network, PublishedNet) else 0.0, device=x.device)
        if TASKS[0] in recipe.tasks:
            alpha, gamma = recipe.focal_alpha, recipe.focal_gamma
            logits = output.mask_logits.float()
            loss = loss + sum_of_mask_losses(recipe.mask_losses, logits, batch["mask"], batch["known"], alpha, gamma)
        if TASKS[1] in recipe.tasks:
            loss = loss + self._class_loss(output.class_logits.float(), batch["label"])
        return loss

    def _class_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        recipe, weights = self.recipe, self.class_weights
        assert isinstance(weights, Tensor)
        if recipe.class_loss == "focal":
            return focal_class_loss(logits, label, weights, recipe.focal_alpha, recipe.focal_gamma)
        return class_loss(logits, label, weights, recipe.label_smoothing)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser, encoders at a share of its rate, and schedule.

        Cosine: linear warm-up over 5 %, then to zero, stepped by batch. Plateau: a tenth where the score stands still.
        """
        trained = self.network.classifier if isinstance(self.network, Pipeline) else self.network
        assert isinstance(trained, MultiTaskUNet | PublishedNet)
        encoder = trained.encoder
        inside = {id(p) for p in encoder.parameters()}
        rest = [p for p in trained.parameters() if id(p) not in inside]
        learning = [p for p in encoder.parameters() if p.requires_grad]
        rate = self.recipe.learning_rate
        groups = [{"params": learning, "lr": rate * self.recipe.encoder_rate_share}, {"params": rest, "lr": rate}]
        optimiser = OPTIMISERS[self.recipe.optimiser](
            [group for group in groups if group["params"]], lr=rate, weight_decay=self.recipe.weight_decay
        )
        if self.recipe.schedule == "constant":
            return optimiser
        if self.recipe.schedule == "plateau":
            slower = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, mode="max", patience=self.recipe.plateau_patience
            )
            every = self.recipe.validate_every
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": slower, "monitor": "score", "frequency": every},
            }
        steps = int(self.trainer.estimated_stepping_batches)  # of each device, where several share the images
        warm = max(1, steps // 20)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_validation_epoch_start(self) -> None:
        """Forget the last epoch."""
        self._seen = {}

    def validation_step(self, batch: Tensor, _index: int) -> None:
        """Predict one native image as the product would (without the mirrored pass, for speed)."""
        place = int(batch[0])
        item = self.validation[place]
        assert item.grey is not None
        pipeline = isinstance(self.network, Pipeline)  # its members prepare their own input
        spec = self.recipe.input.model_copy(update={"flip": False, **({"preprocess": ()} if pipeline else {})})
        prediction = Predictor(TorchForward(self.network, spec.preprocess, self.device), spec).predict([item.grey])[0]
        overlap, score, loss = None, None, None
        if TASKS[0] in self.recipe.tasks and item.native_mask is not None and item.native_mask.any():
            found = prediction.probability >= 0.5
            overlap = dice(found, item.native_mask), iou(found, item.native_mask)
        if TASKS[1] in self.recipe.tasks and item.label >= 0:
            shifted = np.exp(prediction.class_logits - prediction.class_logits.max())
            score = item.label, float(shifted[2] / shifted.sum()), int(prediction.class_logits.argmax()) == item.label
        if place in self.shown:
            self.predictions[place] = prediction
        if not pipeline:  # its classifier learns from predicted maps, which validation images have none of
            loss = float(self._loss(_batch_of(item, self.device)).detach())
        self._seen[place] = _Seen(overlap, score, loss)

    def _gather(self) -> list[_Seen]:
        """What was seen of each image once; where several devices share them, they may all have some that fill up a share."""
        seen: list[Any] = [self._seen]
        if self.trainer.world_size > 1:
            seen = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(seen, self._seen)
        return [each for _, each in sorted({place: one for part in seen for place, one in part.items()}.items())]

    def on_validation_epoch_end(self) -> None:
        """Log Dice over images with a lesion, AUC of malignant against the rest, accuracy; the first two make the score."""
        seen = self._gather()
        scores = [each.score for each in seen if each.score is not None]
        overlaps = [each.overlap for each in seen if each.overlap is not None]
        losses = [each.loss for each in seen if each.loss is not None]
        malignant = np.array([label == 2 for label, _, _ in scores])
        area = auc(malignant, np.array([p for _, p, _ in scores])) if malignant.any() and not malignant.all() else None
        outlines = TASKS[0] in self.recipe.tasks
        mean, overlap = np.mean(overlaps, axis=0).tolist() if overlaps else (0.0, 0.0)
        rates = [group["lr"] for group in self.trainer.optimizers[0].param_groups]
        self.log("score", mean + (area or 0.0), batch_size=1)
        self.report(
            {
                "event": "epoch",
                "epoch": self.current_epoch + 1,
                "of": self.trainer.max_epochs,
                "train_loss": float(np.mean(self._losses)) if self._losses else None,
                "val_loss": float(np.mean(losses)) if losses else None,
                "val_dice": mean if outlines else None,
                "val_iou": overlap if outlines else None,
                "learning_rate": rates[-1],
                "encoder_rate": rates[0] if len(rates) > 1 else None,
                "val_auc_malignant": area,
                "val_accuracy": sum(right for _, _, right in scores) / len(scores) if scores else None,
            }
        )
        self._losses = []


def _batch_of(item: Item, device: torch.device) -> dict[str, Tensor]:
    """One image as a batch, as it is."""
    mask = item.mask if item.mask is not None else np.zeros_like(item.small)
    return {
        "image": torch.from_numpy(item.small)[None, None].to(device).float() / 255.0,
        "mask": torch.from_numpy(mask)[None, None].to(device).float(),
        "known": torch.tensor([0.0 if item.mask is None else 1.0], device=device),
        "label": torch.tensor([item.label], device=device),
    }
