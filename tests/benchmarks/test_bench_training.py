"""Training throughput against a plain loop: the same network and augmentation, PNG decoded each epoch, fp32, default DataLoader.

Our side is what :mod:`busi_viewer.training.fit` does with a batch; the bar is twice as fast.
"""

import sys
import time

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from busi_viewer.core.phantom import phantom
from busi_viewer.nets.losses import class_loss, sum_of_mask_losses
from busi_viewer.nets.registry import build
from busi_viewer.nets.transform import Letterbox
from busi_viewer.training.augment import augment
from busi_viewer.training.data import Item, TrainingSet
from busi_viewer.training.recipe import recipe_named

SIZE, BATCH, ROUNDS = 256, 16, 3
KINDS = ("none", "benign", "malignant")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    pairs = []
    for i in range(BATCH):
        image, mask = phantom(KINDS[i % 3], i, (470, 560))
        paths = folder / f"{i}.png", folder / f"{i}_mask.png"
        cv2.imwrite(str(paths[0]), image)
        cv2.imwrite(str(paths[1]), mask.astype(np.uint8) * 255)
        pairs.append((*paths, i % 3))
    return pairs


def letterboxed(path, nearest=False):
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return Letterbox.fit(image.shape, SIZE).forward(image, nearest=nearest)


class PlainSet(Dataset):
    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        image, mask, label = self.files[index]
        rng = np.random.default_rng(index)
        grey, truth = augment(letterboxed(image), (letterboxed(mask, True) > 0).astype(np.uint8), rng)
        return {
            "image": torch.from_numpy(grey)[None].float() / 255,
            "mask": torch.from_numpy(truth)[None].float(),
            "known": torch.tensor(1.0),
            "label": torch.tensor(label),
        }


def stepper(recipe, *, ours):
    network = build(recipe.architecture).train()
    if ours:
        network.encoder.freeze(recipe.frozen_stages)
        network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 1e-4)
    weights = torch.tensor(recipe.class_weights)

    def step(batch):
        x = batch["image"].contiguous(memory_format=torch.channels_last) if ours else batch["image"]
        with torch.autocast("cpu", torch.bfloat16, enabled=ours):
            out = network(x)
        logits, alpha, gamma = out.mask_logits.float(), recipe.focal_alpha, recipe.focal_gamma
        loss = sum_of_mask_losses(recipe.mask_losses, logits, batch["mask"], batch["known"], alpha, gamma)
        loss = loss + class_loss(out.class_logits.float(), batch["label"], weights, 0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def seconds(loader, step):
    started = time.perf_counter()
    for batch in loader:
        step(batch)
    return time.perf_counter() - started


@pytest.mark.parametrize("name", ["multitask-unet-mobilenetv2", "multitask-unet-resnet50v2"])
def test_training_is_faster_than_a_plain_loop(files, name, record_property, capsys):
    recipe = recipe_named(name)
    items = [
        Item(f"set/{i}", letterboxed(image), (letterboxed(mask, True) > 0).astype(np.uint8), label)
        for i, (image, mask, label) in enumerate(files)
    ]
    plain = DataLoader(PlainSet(files), batch_size=BATCH, shuffle=True)
    ours = DataLoader(TrainingSet(items, recipe.seed, recipe.balance), batch_size=BATCH)
    plain_step, our_step = stepper(recipe, ours=False), stepper(recipe, ours=True)
    seconds(plain, plain_step), seconds(ours, our_step)
    pairs = [(seconds(plain, plain_step), seconds(ours, our_step)) for _ in range(ROUNDS)]
    slow, fast = np.median(pairs, axis=0)
    ratio = slow / fast
    record_property("training_ratio", ratio)
    with capsys.disabled():
        times = f"{1000 * slow / BATCH:.0f} → {1000 * fast / BATCH:.0f} ms an image"
        sys.stdout.write(f"\n{name}: {times}, training_ratio {ratio:.2f}\n")
    assert ratio >= 2
