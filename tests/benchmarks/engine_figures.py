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
from busi_viewer.nets.accelerated import compiled
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.registry import load_model
from busi_viewer.training.precision import BARS, apart, missed, worst
from busi_viewer.workflow.models import resolve
from busi_viewer.workflow.open import open_image

SPLIT = Path(__file__).parents[2] / "resources" / "splits" / "dev.csv"


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
    out = {
        "model": card.name, "sha256": card.sha256, "parts": arguments.parts, "n": len(seen), "bars": BARS,
        "worst": worst(list(seen.values())),
        "missed": {name: figures for name, figures in seen.items() if missed(figures)},
    }  # fmt: skip
    words = json.dumps(out, indent=1)
    sys.stdout.write(words + "\n")
    if arguments.out:
        arguments.out.write_text(words + "\n", encoding="utf-8")
    return int(bool(out["missed"]))


if __name__ == "__main__":
    sys.exit(main())
