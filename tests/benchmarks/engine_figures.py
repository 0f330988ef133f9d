"""How far the engine is from PyTorch in float32, as JSON: ``python tests/benchmarks/engine_figures.py DATA… -o FILE``.

``DATA`` are data set folders; of their images in ``--parts`` of ``--split``, ``--count`` are taken, evenly over the list. Both
go the whole way to mask, calibrated probabilities and Grad-CAM; the engine runs what it ships for the CPU. Bars: Dice of the
masks ≥ 0.995, probabilities within 0.01, correlation of the heatmaps ≥ 0.99, on every image. Ends with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from busi_viewer.bootstrap import services
from busi_viewer.core.dataset import load_datasets, load_split
from busi_viewer.core.image import to_grey
from busi_viewer.core.metrics import dice
from busi_viewer.nets.accelerated import compiled
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Card
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.postprocess import outline
from busi_viewer.nets.predictor import Forward, Predictor
from busi_viewer.nets.registry import load_model
from busi_viewer.workflow.models import resolve
from busi_viewer.workflow.open import open_image

SPLIT = Path(__file__).parents[2] / "resources" / "splits" / "dev.csv"
BARS = {"dice": 0.995, "probability": 0.01, "heat": 0.99}


def greys(
    data: Sequence[Path], split: Path, parts: Sequence[str], count: int
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Names and grey frames of ``count`` images of these parts."""
    known = load_split(split)
    chosen = [sample for sample in load_datasets(data) if known.get(sample.id) in parts]
    sources = services().sources
    for index in np.unique(np.linspace(0, len(chosen) - 1, min(count, len(chosen))).round().astype(int)):
        record = open_image(chosen[index].image, sources)
        yield chosen[index].id, to_grey(record.frames[0], record.window)


def apart(card: Card, ours: Forward, theirs: Forward, grey: NDArray[np.uint8]) -> dict[str, float]:
    """Dice of both masks, the largest difference of a probability and the correlation of the heat of their class."""
    found = [Predictor(forward, card.input).predict([grey])[0] for forward in (ours, theirs)]
    p = [probabilities(each.class_logits.astype(np.float64), card.calibration) for each in found]
    masks = [outline(each.probability, float(of[0]), card.mask_rule) for each, of in zip(found, p, strict=True)]
    heats = [each.cams[int(p[1].argmax())].ravel() for each in found]
    flat = any(heat.std() == 0 for heat in heats)
    heat = float(all(h.std() == 0 for h in heats)) if flat else float(np.corrcoef(*heats)[0, 1])
    return {"dice": float(dice(*masks)), "probability": float(np.abs(p[0] - p[1]).max()), "heat": heat}


def missed(figures: dict[str, float]) -> bool:
    """Whether an image misses a bar."""
    return (
        figures["dice"] < BARS["dice"] or figures["probability"] > BARS["probability"] or figures["heat"] < BARS["heat"]
    )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--split", type=Path, default=SPLIT)
    parser.add_argument("--parts", nargs="+", default=["train", "val"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--model")
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    folder = resolve(arguments.model)
    network, card = load_model(folder)
    ours, theirs = compiled(folder, card), TorchForward(network, card.input.preprocess)
    if ours is None:
        parser.error("the engine has no compiled form of this model here")
    seen = {
        name: apart(card, ours, theirs, grey)
        for name, grey in greys(arguments.data, arguments.split, arguments.parts, arguments.count)
    }
    worst = {"dice": min, "probability": max, "heat": min}
    out = {
        "model": card.name, "sha256": card.sha256, "parts": arguments.parts, "n": len(seen), "bars": BARS,
        "worst": {name: round(of(each[name] for each in seen.values()), 7) for name, of in worst.items()},
        "missed": {name: figures for name, figures in seen.items() if missed(figures)},
    }  # fmt: skip
    words = json.dumps(out, indent=1)
    sys.stdout.write(words + "\n")
    if arguments.out:
        arguments.out.write_text(words + "\n", encoding="utf-8")
    return int(bool(out["missed"]))


if __name__ == "__main__":
    sys.exit(main())
