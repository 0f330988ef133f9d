"""What the network makes of the same few validation images after every epoch, written for whoever watches the run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray

from busi_viewer.core.metrics import dice
from busi_viewer.core.results import CLASSES
from busi_viewer.core.training import IMAGES, PREDICTIONS, SAMPLES
from busi_viewer.nets.predictor import Prediction
from busi_viewer.training.data import Item

EDGE = 480
"""Longest edge (px) of what is written."""
SHOWN = ("malignant", "benign", "malignant", "benign", "normal")
"""The classes of the images, in order; where a class has none left, any other image stands in."""


class Samples(Callback):
    """Writes into ``out / SAMPLES``: IMAGES (id and class of each image), ``K.png`` and ``K-reference.png`` (grey, outline) once;
    after each validation ``epoch-N/K.png`` (predicted outline) and PREDICTIONS (probabilities of the classes, Dice).

    ``places`` are the images' places among the validation items.
    """

    def __init__(self, out: Path, validation: list[Item]) -> None:
        self._folder, self._items = out / SAMPLES, validation
        self.places = tuple(chosen(validation))

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the images themselves."""
        if not trainer.is_global_zero:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        images = []
        for number, place in enumerate(self.places):
            item = self._items[place]
            assert item.grey is not None
            _write_picture(self._folder / f"{number}.png", item.grey)
            if item.native_mask is not None:
                _write_picture(self._folder / f"{number}-reference.png", item.native_mask.astype(np.uint8) * 255)
            images.append({"id": item.id, "label": CLASSES[item.label] if item.label >= 0 else None})
        _write_json(self._folder / IMAGES, images)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what was predicted."""
        found: dict[int, Prediction] = getattr(pl_module, "predictions", {})
        if not trainer.is_global_zero or not found:
            return
        folder = self._folder / f"epoch-{trainer.current_epoch + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        said: list[dict[str, Any]] = []
        for number, place in enumerate(self.places):
            prediction, item = found.get(place), self._items[place]
            if prediction is None:  # another device's share
                said.append({"probabilities": None, "dice": None})
                continue
            mask = prediction.probability >= 0.5
            _write_picture(folder / f"{number}.png", mask.astype(np.uint8) * 255)
            shifted = np.exp(prediction.class_logits - prediction.class_logits.max())
            known = item.native_mask is not None and item.native_mask.any()
            said.append(
                {
                    "probabilities": [round(float(p), 4) for p in shifted / shifted.sum()],
                    "dice": round(dice(mask, item.native_mask), 4) if known and item.native_mask is not None else None,
                }
            )
        _write_json(folder / PREDICTIONS, said)


def chosen(items: list[Item]) -> list[int]:
    """The places of the images to show, the same in every run on the same part: of each class those in the middle."""
    left = list(range(len(items)))
    found: list[int] = []
    for name in SHOWN:
        fitting = [i for i in left if items[i].label == CLASSES.index(name)] or left
        if fitting:
            found.append(fitting[len(fitting) // 2])
            left.remove(found[-1])
    return found


def _write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    share = min(1.0, EDGE / max(pixels.shape))
    small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA) if share < 1 else pixels
    good, data = cv2.imencode(".png", small)
    assert good
    _replace(path, data.tobytes())


def _write_json(path: Path, content: object) -> None:
    _replace(path, json.dumps(content).encode("utf-8"))


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(data)
    os.replace(fresh, path)
