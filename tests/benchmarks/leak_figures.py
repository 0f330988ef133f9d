"""How large three leaks are, measured with a small network: ``python tests/benchmarks/leak_figures.py BUSI --weights FILE -o DIR``.

``BUSI`` is a data set folder, ``FILE`` holds ImageNet's weights of timm's mobilenetv2_100. Every arm is a cross-validation whose
last epoch counts (nothing is chosen), on the same images, so that arms are compared image by image; intervals resample groups of
near-duplicates. Arms in which the answer leaks:

- ``random``: images are put into folds one by one; honest: whole groups of near-duplicates (``grouped``).
- ``truth``: a classifier learns from, and is tested with, true outlines laid over the image; honest: outlines predicted by
  networks that were not trained on the image (``predicted``; those of training images come from an inner cross-validation).
- ``copies``: augmented copies are made first and put into folds one by one; honest: copies follow their image
  (``follow``; images are put into folds one by one in both, so that near-duplicates are no difference).

Finished networks' outcomes lie in ``DIR`` and are not repeated. Prints, and writes to ``DIR/leaks.md``, one Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from busi_viewer.bootstrap import services
from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.duplicates import stratified_parts
from busi_viewer.core.metrics import aucs, weighted_means
from busi_viewer.core.paired import difference
from busi_viewer.core.same_scene import scene_groups, traits
from busi_viewer.core.statistics import GroupedBootstrap
from busi_viewer.nets.encoders import InvertedResidual, load_into
from busi_viewer.nets.pipeline import Pipeline, overlaid
from busi_viewer.nets.published import PublishedNet
from busi_viewer.nets.weights import load_tensors
from busi_viewer.training.augment import augment_basic
from busi_viewer.training.data import Item, read_items
from busi_viewer.training.fit import fit, fresh
from busi_viewer.training.recipe import make_job
from busi_viewer.workflow.open import load_mask, open_image

Array = NDArray[Any]
SEED, OVERLAY = 7, 0.4
CLASSIFIER, SEGMENTER = "baseline-mobilenetv2", "multitask-unet-mobilenetv2"


def say(words: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Outcome:
    """What one network said of the images it was tested on: places, class probabilities (n, 3), maps (n, S, S) uint8."""

    places: Array
    probabilities: Array
    maps: Array


class WithMap(Pipeline):
    """A classifier that gets a lesion map beside the image: in training the batch's, here (validation only) an empty one."""

    def __init__(self, classifier: PublishedNet) -> None:
        torch.nn.Module.__init__(self)
        self.classifier, self.overlay = classifier, OVERLAY

    def forward(self, x: torch.Tensor) -> Any:
        """See the class."""
        return self.classifier(overlaid(x, torch.zeros_like(x), self.overlay))


class Leaks:
    """The images of one data set, and the arms."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.out = arguments, arguments.out
        sources = services().sources
        reading = partial(open_image, sources=sources), partial(load_mask, sources=sources)
        self.items = read_items(load_datasets([arguments.data]), arguments.size, *reading, keep_native=True)
        greys = [item.grey for item in self.items if item.grey is not None]
        self.groups = scene_groups([traits(grey) for grey in greys], [None] * len(greys))
        self.labels = np.array([item.label for item in self.items])

    def folds(self, groups: Sequence[int], labels: Sequence[int], count: int, seed: int = SEED) -> Array:
        """The fold of each image: whole groups, classes shared out evenly."""
        shares = {str(fold): 1 / count for fold in range(count)}
        return np.array([int(part) for part in stratified_parts(groups, list(labels), shares, seed)])

    def network(self, name: str, recipe: str, items: list[Item], epochs: int, augmentation: str, *, maps: bool) -> Any:
        """A trained network; the validation that the trainer asks for takes place once, at the end, and chooses nothing."""
        weights = self.arguments.weights
        settings = {
            "input": {"size": self.arguments.size}, "epochs": epochs, "validate_every": epochs, "augmentation": augmentation,
            "learning_rate": 1e-3, "encoder_rate_share": 0.5, "schedule": "cosine", "optimiser": "adamw", "ema_decay": 0,
        }  # fmt: skip
        values = {
            "recipe": recipe,
            "data": (self.arguments.data,),
            "out": self.out / "runs" / name,
            "settings": settings,
        }
        classifies = recipe == CLASSIFIER
        job = make_job({**values, "from_scratch": classifies, "encoder_weights": weights, "accelerator": "cpu"})
        network = fresh(job)
        if isinstance(network, PublishedNet):
            backbone: Any = next(network.encoder.children())
            if "blocks.0.0.bn3.weight" in load_tensors(weights):  # Gluon's has an expansion in its first block
                backbone.blocks[0][0] = InvertedResidual(32, 16, exp_ratio=1.0, noskip=True, act_layer=torch.nn.ReLU6)
            load_into(backbone, load_tensors(weights), weights, "mobilenetv2_100")
        looked_at = [next(item for item in self.items if item.label == label) for label in (0, 1, 2)]
        learning = WithMap(network) if maps and isinstance(network, PublishedNet) else network
        found = fit(job, items, looked_at, lambda event: None, learning)
        for checkpoint in job.out.glob("*.ckpt"):
            checkpoint.unlink()
        return found

    def kept(self, name: str, make: Callable[[], Outcome]) -> Outcome:
        """An outcome read back, or made and written."""
        path = self.out / f"{name}.npz"
        if not path.exists():
            say(f"training {name}")
            made = make()
            np.savez_compressed(path.with_suffix(".part.npz"), **vars(made))
            path.with_suffix(".part.npz").rename(path)
        with np.load(path) as stored:
            return Outcome(**stored)

    @torch.inference_mode()
    def tested(self, network: Any, places: Array, maps: Array | None = None) -> Outcome:
        """What the network says of the images at ``places``, with maps (n, S, S) uint8 laid over them where given."""
        network.eval()
        probabilities, found = [], []
        for number, place in enumerate(places):
            x = torch.from_numpy(self.items[place].small)[None, None].float() / 255
            if maps is None:
                output = network(x)
            else:
                output = network.classifier(overlaid(x, torch.from_numpy(maps[number])[None, None] / 255, OVERLAY))
            probabilities.append(torch.softmax(output.class_logits.float(), 1)[0].numpy())
            found.append((255 * torch.sigmoid(output.mask_logits.float())[0, 0]).numpy().round().astype(np.uint8))
        return Outcome(places, np.stack(probabilities), np.stack(found))

    def trained(
        self, name: str, recipe: str, learnt: list[Item], places: Array, epochs: int, augmentation: str
    ) -> Outcome:
        """A network trained on items and tested on images."""

        def make() -> Outcome:
            return self.tested(self.network(name, recipe, learnt, epochs, augmentation, maps=False), places)

        return self.kept(name, make)

    def split_arm(self, name: str, recipe: str, folds: Array) -> list[Outcome]:
        """One network a fold, tested on the fold it has not seen."""
        outcomes = []
        for fold in range(self.arguments.folds):
            learnt = [self.items[i] for i in np.flatnonzero(folds != fold)]
            tested = np.flatnonzero(folds == fold)
            outcomes.append(self.trained(f"{name}_{fold}", recipe, learnt, tested, self.arguments.epochs, "basic"))
        return outcomes

    def overlay_arm(self, name: str, folds: Array, outlined: list[Outcome], *, truth: bool) -> list[Outcome]:
        """Classifiers that see the image with a map: the true one, or ``outlined``, which has not learnt from the tested fold."""
        outcomes = []
        for fold in range(self.arguments.folds):
            learnt, tested = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            maps = self.true_maps(learnt) if truth else self.inner_maps(fold, learnt)
            over = self.true_maps(tested) if truth else outlined[fold].maps
            items = [replace(self.items[i], mask=found) for i, found in zip(learnt, maps, strict=True)]

            def make(
                name: str = f"{name}_{fold}", items: Any = items, tested: Any = tested, over: Any = over
            ) -> Outcome:
                recipe = "baseline-mobilenetv2"
                return self.tested(
                    self.network(name, recipe, items, self.arguments.epochs, "basic", maps=True), tested, over
                )

            outcomes.append(self.kept(f"{name}_{fold}", make))
        return outcomes

    def true_maps(self, places: Array) -> Array:
        """(n, S, S) uint8, 255 in the lesion."""
        masks = [(self.items[i].mask, self.items[i].small) for i in places]
        return np.stack([255 * (np.zeros_like(small) if mask is None else mask) for mask, small in masks]).astype(
            np.uint8
        )

    def inner_maps(self, fold: int, learnt: Array) -> Array:
        """For the training images of a fold the maps of two networks, each trained on the half without the image."""
        halves = self.folds([self.groups[i] for i in learnt], self.labels[learnt].tolist(), 2, SEED + 1 + fold)
        maps = np.zeros((len(learnt), self.arguments.size, self.arguments.size), np.uint8)
        for half in (0, 1):
            items = [self.items[i] for i in learnt[halves != half]]
            name = f"inner_{fold}_{half}"
            outcome = self.trained(name, SEGMENTER, items, learnt[halves == half], self.arguments.epochs, "basic")
            maps[halves == half] = outcome.maps
        return maps

    def copies_arm(self, name: str, folds: Array, *, follow: bool) -> list[Outcome]:
        """Augmented copies made beforehand; they follow their image, or are put into folds as if they were images."""
        count = self.arguments.copies
        rng = np.random.default_rng(SEED)
        copied = [(place, self.items[place]) for place in range(len(self.items))]
        for number in range(1, count):
            for place, item in enumerate(self.items):
                mask = item.mask if item.mask is not None else np.zeros_like(item.small)
                small, warped = augment_basic(item.small, mask, rng)
                copied.append((place, replace(item, id=f"{item.id}#{number}", small=small, mask=warped)))
        of = np.array([place for place, _ in copied])
        apart = self.folds(list(range(len(copied))), self.labels[of].tolist(), self.arguments.folds)
        apart[: len(self.items)] = folds  # the images themselves are tested in the same folds in both arms
        parts = folds[of] if follow else apart
        epochs = max(1, round(self.arguments.epochs / count))
        outcomes = []
        for fold in range(self.arguments.folds):
            learnt = [copied[i][1] for i in np.flatnonzero(parts != fold)]
            tested = np.flatnonzero(folds == fold)
            outcomes.append(self.trained(f"{name}_{fold}", CLASSIFIER, learnt, tested, epochs, "none"))
        return outcomes

    def pooled(self, outcomes: list[Outcome]) -> Array:
        """Probabilities (N, 3) of all images, each as the network said that had it left out."""
        probabilities = np.zeros((len(self.items), 3))
        for outcome in outcomes:
            probabilities[outcome.places] = outcome.probabilities
        return probabilities

    def rows(self, leak: str, leaky: list[Outcome], honest: list[Outcome]) -> list[str]:
        """The table's rows of one leak."""
        boot = GroupedBootstrap(self.groups)
        both = [self.pooled(leaky), self.pooled(honest)]
        malignant = self.labels == 2
        right = [(p.argmax(1) == self.labels).astype(np.float64) for p in both]
        figures: dict[str, list[Callable[[Array], Array]]] = {
            "accuracy": [partial(weighted_means, values) for values in right],
            "AUC malignant": [lambda w, p=p: aucs(malignant, p[:, 2], w) for p in both],
        }
        out = []
        for name, (first, second) in figures.items():
            row = difference(boot, first, second)
            low, high = row["ci95"]
            out.append(
                f"| {leak} | {name} | {row['second']:.3f} | {row['first']:.3f} | "
                f"{row['difference']:+.3f} ({low:+.3f} to {high:+.3f}) |"
            )
        return out


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--copies", type=int, default=4)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    leaks = Leaks(arguments)
    labels = leaks.labels.tolist()
    grouped = leaks.folds(leaks.groups, labels, arguments.folds)
    single = leaks.folds(list(range(len(labels))), labels, arguments.folds)
    table = ["| leak | figure | honest | leaky | difference (95 % CI) |", "|---|---|---:|---:|---|"]

    def add(leak: str, leaky: list[Outcome], honest: list[Outcome]) -> None:
        rows = leaks.rows(leak, leaky, honest)
        table.extend(rows)
        (arguments.out / "leaks.md").write_text("\n".join(table) + "\n", encoding="utf-8")
        say("\n".join(rows))

    say(f"{len(labels)} images in {len(set(leaks.groups))} groups")
    whole, random = (leaks.split_arm(name, CLASSIFIER, f) for name, f in (("grouped", grouped), ("random", single)))
    add("random split, not by near-duplicate group", random, whole)
    follow, copies = (leaks.copies_arm(name, single, follow=name == "follow") for name in ("follow", "copies"))
    add("augmented first and split then, not the reverse", copies, follow)
    truth = leaks.overlay_arm("truth", grouped, [], truth=True)
    outlined = leaks.split_arm("outlined", SEGMENTER, grouped)
    predicted = leaks.overlay_arm("predicted", grouped, outlined, truth=False)
    add("true outline laid over the image, not the predicted one", truth, predicted)
    say((arguments.out / "leaks.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
