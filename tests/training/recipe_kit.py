"""Small data sets, networks and jobs for the tests of recipes."""

import csv
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.phantom import phantom
from busi_viewer.raster.source import RasterSource
from busi_viewer.training.module import TrainingModule
from busi_viewer.training.recipe import make_job
from busi_viewer.workflow.open import load_mask, open_image

SOURCES = (RasterSource(),)
OPEN = partial(open_image, sources=SOURCES)
MASK = partial(load_mask, sources=SOURCES)
KINDS = {"normal": "none", "benign": "benign", "malignant": "malignant"}
TINY_UNET = {"name": "conv-unet", "arguments": {"widths": [4, 8, 16]}}
TINY_CNN = {"name": "cnn-3m", "arguments": {}}
SMALL = {"input.size": 64, "batch": 4, "epochs": 1}


def phantoms(root: Path, per_class: int = 6) -> Path:
    """BUSI's layout, with phantoms."""
    for label, kind in KINDS.items():
        folder = root / label
        folder.mkdir(parents=True)
        for i in range(per_class):
            image, mask = phantom(kind, i, (90, 120))
            cv2.imwrite(str(folder / f"{label} ({i}).png"), image)
            cv2.imwrite(str(folder / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    return root


def split_file(root: Path, path: Path) -> Path:
    """Every third image of each class is validation."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "part"])
        writer.writerows((s.id, "val" if i % 3 == 1 else "train") for i, s in enumerate(load_datasets([root])))
    return path


def small_job(name: str, root: Path, out: Path, settings: dict, **changes):
    """A job of a recipe at a small size, from random weights."""
    return make_job(
        {
            "recipe": name,
            "data": (root,),
            "out": out,
            "settings": {**SMALL, **settings},
            "from_scratch": True,
            "accelerator": "cpu",
            **changes,
        }
    )


def step(network, recipe, x, mask, label, optimiser=None) -> float:
    """One forward and backward pass of the real training step, and the optimiser's step."""
    module = TrainingModule(network, recipe, [], lambda event: None)
    loss = module.training_step({"image": x, "mask": mask, "known": torch.ones(len(x)), "label": label}, 0)
    if optimiser is not None:
        optimiser.zero_grad()
    loss.backward()
    if optimiser is not None:
        optimiser.step()
    return float(loss.detach())
