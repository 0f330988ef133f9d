"""The Lightning module: losses, optimiser, and validation through the production predictor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from busi_viewer.core.metrics import auc, dice
from busi_viewer.nets.losses import class_loss, mask_loss
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.predictor import Predictor
from busi_viewer.training.data import Item
from busi_viewer.training.recipe import Recipe


class MultiTaskModule(pl.LightningModule):
    """Trains a MultiTaskUNet. ``validation`` items keep their native pixels; ``report`` gets one dict an epoch."""

    def __init__(
        self,
        network: MultiTaskUNet,
        recipe: Recipe,
        steps: int,
        validation: list[Item],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.steps = steps
        self.validation = validation
        self.report = report
        self.register_buffer("class_weights", torch.tensor(recipe.class_weights), persistent=False)
        self._losses: list[float] = []
        self._dice: list[float] = []
        self._scores: list[tuple[int, float]] = []
        self._right = 0

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        """Mask loss plus class loss."""
        output = self.network(batch["image"].contiguous(memory_format=torch.channels_last))
        weights = self.class_weights
        assert isinstance(weights, Tensor)
        loss = mask_loss(output.mask_logits.float(), batch["mask"], batch["known"]) + class_loss(
            output.class_logits.float(), batch["label"], weights, self.recipe.label_smoothing
        )
        self._losses.append(float(loss.detach()))
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, the encoder at a share of the rate; linear warm-up over 5 %, then cosine to zero, stepped by batch."""
        encoder = self.network.encoder
        inside = {id(p) for p in encoder.parameters()}
        rest = [p for p in self.network.parameters() if id(p) not in inside]
        learning = [p for p in encoder.parameters() if p.requires_grad]
        rate = self.recipe.learning_rate
        optimiser = torch.optim.AdamW(
            [
                {"params": learning, "lr": rate * self.recipe.encoder_rate_share},
                {"params": rest, "lr": rate},
            ],
            weight_decay=self.recipe.weight_decay,
        )
        warm = max(1, self.steps // 20)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, self.steps - warm))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_validation_epoch_start(self) -> None:
        """Forget the last epoch."""
        self._dice, self._scores, self._right = [], [], 0

    def validation_step(self, batch: Tensor, _index: int) -> None:
        """Predict one native image as the product would (without the mirrored pass, for speed)."""
        item = self.validation[int(batch[0])]
        assert item.grey is not None
        spec = self.recipe.input.model_copy(update={"flip": False})
        prediction = Predictor(self.network, spec, self.device).predict([item.grey])[0]
        if item.native_mask is not None and item.native_mask.any():
            self._dice.append(dice(prediction.probability >= 0.5, item.native_mask))
        if item.label >= 0:
            shifted = np.exp(prediction.class_logits - prediction.class_logits.max())
            self._scores.append((item.label, float(shifted[2] / shifted.sum())))
            self._right += int(prediction.class_logits.argmax()) == item.label

    def _gather(self) -> None:
        """Where several devices share the validation images, give each of them what all have seen."""
        if self.trainer.world_size == 1:
            return
        seen: list[Any] = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(seen, (self._dice, self._scores, self._right))
        self._dice = [value for dices, _, _ in seen for value in dices]
        self._scores = [score for _, scores, _ in seen for score in scores]
        self._right = sum(right for _, _, right in seen)

    def on_validation_epoch_end(self) -> None:
        """Log Dice over images with a lesion, AUC of malignant against the rest, accuracy; keep their sum as the score."""
        self._gather()
        malignant = np.array([label == 2 for label, _ in self._scores])
        area = (
            auc(malignant, np.array([p for _, p in self._scores])) if malignant.any() and not malignant.all() else None
        )
        mean = float(np.mean(self._dice)) if self._dice else 0.0
        self.log("score", mean + (area or 0.0), batch_size=1)
        self.report(
            {
                "event": "epoch",
                "epoch": self.current_epoch + 1,
                "of": self.trainer.max_epochs,
                "train_loss": float(np.mean(self._losses)) if self._losses else None,
                "val_dice": mean,
                "val_auc_malignant": area,
                "val_accuracy": self._right / len(self._scores) if self._scores else None,
            }
        )
        self._losses = []
