"""Training images, read once into memory at the network's size; split by patient and near-duplicate group."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from busi_viewer.core.dataset import Sample
from busi_viewer.core.duplicates import SHARES, stratified_parts
from busi_viewer.core.errors import DataSetError, UserError
from busi_viewer.core.image import ImageRecord, Mask, to_grey
from busi_viewer.core.results import CLASSES, TASKS
from busi_viewer.core.same_scene import Traits, scene_groups, traits
from busi_viewer.nets.transform import Letterbox
from busi_viewer.training.augment import AUGMENTATIONS

OpenImage = Callable[[Path], ImageRecord]
OpenMask = Callable[[Sequence[Path], tuple[int, int]], Mask]
LISTED = 20
"""So many faults are shown in an error whose whole list is kept in a file."""


@dataclass(frozen=True)
class Item:
    """One sample in memory: ``grey`` (H, W) uint8 native (kept for validation only), ``small`` and ``mask`` (S, S) uint8.

    ``mask`` is None where the truth is unknown; ``native_mask`` only where ``grey`` is kept. ``label`` indexes CLASSES, −1
    if unknown.
    """

    id: str
    small: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    label: int
    grey: NDArray[np.uint8] | None = None
    native_mask: Mask | None = None


def read_items(
    samples: Sequence[Sample],
    size: int,
    open_image: OpenImage,
    open_mask: OpenMask,
    *,
    keep_native: bool,
    tasks: Sequence[str] = TASKS,
    faults: list[str] | None = None,
) -> list[Item]:
    """Read every sample. What is wrong is added to ``faults``, or collected into one DataSetError where none are given.

    What only classifies needs no outlines.
    """
    items, wrong = [], [] if faults is None else faults
    for sample in samples:
        try:
            record = open_image(sample.image)
            grey = to_grey(record.frames[0], record.window)
            truth = open_mask(sample.masks, record.shape) if sample.has_mask else None
        except UserError as error:
            wrong.append(str(error))
            continue
        fault = _contradiction(sample, truth) if TASKS[0] in tasks or truth is not None else None
        if fault is not None:
            wrong.append(f"{sample.image}: {fault}")
            continue
        box = Letterbox.fit(record.shape, size)
        small_mask = None if truth is None else box.forward(truth.astype(np.uint8), nearest=True)
        label = CLASSES.index(sample.label) if sample.label else -1
        native = (grey, truth) if keep_native else (None, None)
        items.append(Item(sample.id, box.forward(grey), small_mask, label, *native))
    if faults is None:
        refuse(wrong)
    return items


def refuse(faults: Sequence[str], kept: Path | None = None) -> None:
    """Raise one DataSetError that lists all faults, if there are any; only the first LISTED of those written to ``kept`` too."""
    if not faults:
        return
    shown, more = list(faults), ""
    if kept is not None and len(faults) > LISTED:
        kept.write_text("\n".join(faults) + "\n", encoding="utf-8")
        shown, more = shown[:LISTED], f"\n  … and {len(faults) - LISTED} more; all are in {kept}"
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    raise DataSetError(f"{count} in the data:\n  " + "\n  ".join(shown) + more, remedy="Mend or remove them.")


def _contradiction(sample: Sample, truth: Mask | None) -> str | None:
    """What class and outline of a sample say against each other, or None."""
    if sample.label == "normal":
        return "labelled normal, but a lesion is outlined" if truth is not None and truth.any() else None
    if truth is None:
        return "has no outline" if sample.label else "has neither class nor outline"
    return None if truth.any() else f"labelled {sample.label or 'with a lesion'}, but its outline is empty"


def make_split(
    samples: Sequence[Sample],
    open_image: OpenImage,
    seed: int,
    shares: Mapping[str, float] = SHARES,
    faults: list[str] | None = None,
) -> dict[str, str]:
    """{id: part} by patient and near-duplicate group, stratified by data set and class. Reads every image.

    Those that cannot be read are left out and added to ``faults``, or are listed in one DataSetError.
    """
    wrong: list[str] = [] if faults is None else faults
    read = [(sample, seen) for sample in samples if (seen := _traits(sample, open_image, wrong)) is not None]
    if faults is None:
        refuse(wrong)
    samples = [sample for sample, _ in read]
    sets = [sample.id.split("/")[0] for sample in samples]
    keys = [(name, s.patient) if s.patient else None for name, s in zip(sets, samples, strict=True)]
    group_of = scene_groups([seen for _, seen in read], keys)
    strata = [(name, s.label) for name, s in zip(sets, samples, strict=True)]
    parts = stratified_parts(group_of, strata, dict(shares), seed)
    return {sample.id: part for sample, part in zip(samples, parts, strict=True)}


def _traits(sample: Sample, open_image: OpenImage, faults: list[str]) -> Traits | None:
    try:
        record = open_image(sample.image)
        return traits(to_grey(record.frames[0], record.window))
    except UserError as error:
        faults.append(str(error))
        return None


def write_split(path: Path, split: dict[str, str]) -> None:
    """Write a split file (``id,part``, sorted) atomically."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "part"])
        writer.writerows(sorted(split.items()))
    os.replace(temporary, path)


def lacking(items: Sequence[Item], part: str, tasks: Sequence[str] = TASKS) -> str | None:
    """What a part lacks of what the tasks need (at least two classes, an outlined lesion), or None."""
    counts = Counter(item.label for item in items if item.label >= 0)
    outlined = any(item.mask is not None and item.mask.any() for item in items)
    if (TASKS[1] in tasks and len(counts) < 2) or (TASKS[0] in tasks and not outlined):
        names = ", ".join(f"{CLASSES[k]} {n}" for k, n in sorted(counts.items())) or "none"
        return f"the {part} part holds too little to learn from (classes: {names}): add cases or change the split"
    return None


class TrainingSet(Dataset[dict[str, Tensor]]):
    """One epoch's augmented items: position p holds the image that the epoch draws p-th.

    Order and augmentation depend on seed, epoch and position alone, so that a resumed run draws what an unbroken one would.
    ``balance`` b draws an image of a stratum (data set and class) of n images with a weight of n^-b: 0 takes every image once
    an epoch, 1 all strata alike often. ``augmentation`` is a key of AUGMENTATIONS.
    """

    def __init__(
        self, items: Sequence[Item], seed: int, balance: float = 0.0, augmentation: str = "ultrasound"
    ) -> None:
        self._augment = AUGMENTATIONS[augmentation]
        self.items = list(items)
        self.seed = seed
        strata = [(item.id.split("/")[0], item.label) for item in self.items]
        counts = Counter(strata)
        weights = np.array([counts[stratum] ** -balance for stratum in strata])
        self._chance = weights / weights.sum() if balance else None
        self.begin(0)

    def begin(self, epoch: int, size: int | None = None) -> None:
        """Draw the order of ``epoch``, whose images are given out at ``size`` pixels (None: as they are in memory)."""
        self.epoch, self.size = epoch, size
        rng = np.random.default_rng((self.seed, epoch))
        count = len(self.items)
        self.order = rng.permutation(count) if self._chance is None else rng.choice(count, count, p=self._chance)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> dict[str, Tensor]:
        item = self.items[self.order[position]]
        rng = np.random.default_rng((self.seed, self.epoch, position))
        other = self.items[int(rng.integers(len(self.items)))].small
        mask = item.mask if item.mask is not None else np.zeros_like(item.small)
        image, mask = self._augment(self._sized(item.small), self._sized(mask, nearest=True), rng, other)
        return {
            "image": torch.from_numpy(image).unsqueeze(0).float() / 255.0,
            "mask": torch.from_numpy(mask).unsqueeze(0).float(),
            "known": torch.tensor(0.0 if item.mask is None else 1.0),
            "label": torch.tensor(item.label),
        }

    def _sized(self, image: NDArray[np.uint8], *, nearest: bool = False) -> NDArray[np.uint8]:
        if self.size is None or self.size == image.shape[0]:
            return image
        method = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
        return np.asarray(cv2.resize(image, (self.size, self.size), interpolation=method), np.uint8)


def excluded(sample: Sample, rules: dict[str, tuple[str, ...]]) -> bool:
    """Whether a recipe's ``exclude`` rules drop the sample."""
    return any(sample.extra.get(column) in values for column, values in rules.items())


def summary(items: Sequence[Item]) -> dict[str, Any]:
    """Counts by data set and class, for the card."""
    counts: Counter[tuple[str, str]] = Counter(
        (i.id.split("/")[0], CLASSES[i.label] if i.label >= 0 else "unknown") for i in items
    )
    out: dict[str, Any] = {"n": len(items)}
    for (name, label), n in sorted(counts.items()):
        out.setdefault(name, {})[label] = n
    return out
