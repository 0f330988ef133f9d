"""Rates of the input guard and of the uncertainty band, as JSON: ``python tests/benchmarks/guard_figures.py DATA… -o FILE``.

``DATA`` are data set folders. Their images should be let through (``--split FILE --part val`` takes one part of the sets
that the split knows; sets that it does not know, as an external one, are taken whole); those that a manifest marks as
``doppler`` or ``combined`` (two views) should be flagged, and so should the negatives of ``guard_negatives``. ``--pictures``
and ``--texts`` name folders of screenshots or drawings and text files for pages. Every rate comes with its number, the
number of sources where pictures are cut up, Wilson's 95 % interval (that of images, as if independent) and the reasons.
For the pixels' detectors alone (Doppler, two views, crosses against ``marks``) see ``content``; for the band ``band``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import guard_negatives
import numpy as np

from busi_viewer.bootstrap import services
from busi_viewer.core.band import cover
from busi_viewer.core.content import describe
from busi_viewer.core.dataset import Sample, load_datasets, load_split
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.results import FrameResult, Quality
from busi_viewer.core.statistics import wilson
from busi_viewer.workflow.open import load_mask, open_image

SPECIAL = {"doppler": "Doppler", "combined": "two views"}


def rate(hits: Iterable[bool]) -> dict[str, Any]:
    """Share, number and interval."""
    found = list(hits)
    if not found:
        return {"n": 0, "rate": None, "ci95": None}
    share = sum(found) / len(found)
    return {
        "n": len(found), "hits": sum(found), "rate": round(share, 4),
        "ci95": [round(v, 4) for v in wilson(share, len(found))],
    }  # fmt: skip


def marked(sample: Sample, column: str) -> bool:
    """Whether the manifest says so (``Yes``, ``Y``)."""
    return sample.extra.get(column, "").lower().startswith("y")


def kind_of(sample: Sample) -> str | None:
    """What the manifest flags the image as, or None for an ordinary one."""
    return next((name for column, name in SPECIAL.items() if marked(sample, column)), None)


def chosen(samples: list[Sample], split: dict[str, str], part: str) -> list[Sample]:
    """Flagged images, images of the part, and images of sets that the split does not know."""
    known = {name.split("/")[0] for name in split}
    return [
        s for s in samples if kind_of(s) or s.id.split("/")[0] not in known or split.get(s.id) == part
    ]  # fmt: skip


def negatives(arguments: argparse.Namespace, examples: list[tuple[str, np.ndarray]]) -> Iterator[tuple[str, str, Any]]:
    """Everything that should be flagged besides the data sets' own."""
    rng = np.random.default_rng(1)
    yield from guard_negatives.photographs(rng)
    yield from guard_negatives.dicoms(rng)
    yield from guard_negatives.pages(rng, arguments.texts)
    yield from guard_negatives.pictures(rng, arguments.pictures)
    yield from guard_negatives.made(rng, 10)
    yield from guard_negatives.distorted(rng, examples)


def analysed(engine: Any, frame: np.ndarray) -> FrameResult:
    """The engine's result of one frame."""
    record = ImageRecord(Path("frame"), "0" * 64, "png", ArrayFrames((frame.copy(),)), frame.shape[:2])
    found: FrameResult = engine.analyse(record, [0], heatmap=False).frames[0]
    return found


def detectors(seen: list[tuple[Sample, Any]]) -> dict[str, Any]:
    """Rates of the pixels' detectors against the manifests' columns, by data set."""
    out: dict[str, Any] = {}
    for column, test in (
        ("doppler", lambda c: c.doppler),
        ("combined", lambda c: c.two_views),
        ("marks", lambda c: bool(c.callipers)),
    ):
        told = [(s, c) for s, c in seen if column in s.extra]
        plain = [(s, c) for s, c in seen if column not in s.extra and column != "marks"]
        entry = {
            "detected": rate(test(c) for s, c in told if marked(s, column)),
            "false_alarms": rate(test(c) for s, c in told if not marked(s, column)),
        }
        by_set = defaultdict(list)
        for s, c in plain:
            by_set[s.id.split("/")[0]].append(bool(test(c)))
        entry["found_in_sets_that_do_not_tell"] = {name: rate(hits) for name, hits in by_set.items()}
        out[column] = entry
    return out


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    wired = services()
    engine = wired.load_engine(arguments.model, "cpu")
    split = load_split(arguments.split) if arguments.split else {}
    samples = chosen(load_datasets(arguments.data), split, arguments.part)
    flags: defaultdict[str, list[Quality]] = defaultdict(list)
    sources: defaultdict[str, set[str]] = defaultdict(set)
    bands: defaultdict[str, list[Any]] = defaultdict(list)
    contents, examples = [], []
    for number, sample in enumerate(samples):
        record = open_image(sample.image, wired.sources)
        result = engine.analyse(record, [0], heatmap=False).frames[0]
        contents.append((sample, describe(record.frames[0], record.window)))
        kind, name = kind_of(sample), sample.id.split("/")[0]
        flags[f"{kind} ({name})" if kind else f"usual: {name}"].append(result.quality)
        if kind is None and sample.masks and result.band is not None and result.probability is not None:
            truth = load_mask(sample.masks, record.shape, wired.sources)
            fit = cover(truth, result.probability.astype(np.float32), result.mask, result.band)
            if fit is not None:
                bands[name].append(fit)
        if kind is None and split.get(sample.id) == arguments.part and number % 8 == 0:
            examples.append((sample.id, record.frames[0]))
    for kind, name, frame in negatives(arguments, examples[:40]):
        flags[kind].append(analysed(engine, frame).quality)
        sources[kind].add(name.rsplit("/", 1)[0])
    return {
        "model": {"name": engine.model.name, "sha256": engine.model.sha256},
        "flagged": {kind: _flagged(found, len(sources[kind]) or None) for kind, found in flags.items()},
        "content": detectors(contents),
        "band": {name: _band(fits) for name, fits in bands.items()},
    }


def _flagged(found: list[Quality], sources: int | None) -> dict[str, Any]:
    reasons = Counter(reason for quality in found for reason in quality.reasons)
    return {**rate(not quality.in_distribution for quality in found), "sources": sources, "reasons": dict(reasons)}


def _band(fits: list[Any]) -> dict[str, Any]:
    """Mean coverage with the interval of its mean, and widths."""
    shares = np.array([fit.share for fit in fits])
    half = 1.96 * shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else float("nan")
    widths, relative = np.array([fit.width_px for fit in fits]), np.array([fit.width_share for fit in fits])
    return {
        "n": len(fits),
        "coverage": round(float(shares.mean()), 4),
        "ci95": [round(float(shares.mean() + side * half), 4) for side in (-1, 1)],
        "width_px": {"mean": round(float(widths.mean()), 1), "median": round(float(np.median(widths)), 1)},
        "width_of_long_axis": {
            "mean": round(float(relative.mean()), 4), "median": round(float(np.median(relative)), 4)
        },
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", default="val")
    parser.add_argument("--pictures", nargs="*", type=Path, default=[])
    parser.add_argument("--texts", nargs="*", type=Path, default=[])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments), indent=1)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
