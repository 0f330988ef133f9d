"""How good a model is on labelled images: analyse them all and compare with their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import evaluation
from busi_viewer.core.dataset import Sample, load_datasets, load_split, part_of
from busi_viewer.core.duplicates import fingerprint, groups, near_pairs
from busi_viewer.core.errors import DataSetError
from busi_viewer.core.evaluation import Case
from busi_viewer.core.image import ImageRecord, Mask, to_grey
from busi_viewer.core.ports import Engine, Services
from busi_viewer.core.results import CLASSES
from busi_viewer.core.statistics import RESAMPLES, SEED
from busi_viewer.workflow.analyse import Failure, Watcher, read_ahead, reason_of
from busi_viewer.workflow.open import load_mask, open_image


@dataclass(frozen=True)
class Evaluated:
    """One image of a data set, analysed. ``thumbnail`` is its duplicate fingerprint; the case's group is still open."""

    sample: Sample
    case: Case
    thumbnail: NDArray[np.float32]


def choose_samples(roots: Sequence[Path], split: Path | None, part: str | None) -> list[Sample]:
    """The images to evaluate: all, or those that the split file assigns to ``part``. Raises DataSetError if none."""
    samples = load_datasets(roots)
    if split is None or part is None:
        return samples
    chosen = part_of(samples, load_split(split), part)
    if not chosen:
        raise DataSetError(
            f"it assigns none of the {len(samples)} images to part {part!r}",
            path=split,
            remedy="Check the part's name and that the ids start with the data set's folder name.",
        )
    return chosen


def evaluate(
    samples: Sequence[Sample], services: Services, engine: Engine, watcher: Watcher
) -> tuple[dict[str, Any], list[Failure]]:
    """The contract's figures over the samples, and the files that failed. A bad file never stops the others."""
    evaluated: list[Evaluated] = []
    failures: list[Failure] = []

    def read(sample: Sample) -> tuple[ImageRecord, Mask | None]:
        return _read(sample, services)

    for number, (sample, opened) in enumerate(read_ahead(samples, read)):
        watcher.progress(sample.image.name, number / len(samples))
        try:
            record, truth = opened.result()
            evaluated.append(_analyse(sample, record, truth, engine))
        except Exception as error:  # noqa: BLE001 - the boundary of one file: whatever is wrong, the others go on
            failures.append(Failure(str(sample.image), reason_of(error, sample.image)))
            watcher.failed(failures[-1])
    watcher.progress("confidence intervals", 1.0)
    return _summarise(evaluated, failures, engine), failures


def _read(sample: Sample, services: Services) -> tuple[ImageRecord, Mask | None]:
    """The image and its true mask (H, W), or None where that is unknown."""
    record = open_image(sample.image, services.sources)
    if sample.masks:
        return record, load_mask(sample.masks, record.shape, services.sources)
    return record, np.zeros(record.shape, dtype=bool) if sample.has_mask else None


def _analyse(sample: Sample, record: ImageRecord, truth: Mask | None, engine: Engine) -> Evaluated:
    """Analyse the first frame of one image and compare it with the truth."""
    frame = engine.analyse(record, [0], heatmap=False).frames[0]
    outline = evaluation.compare(frame, truth) if truth is not None else None
    case = Case(
        group=0,
        label=sample.label,
        probabilities=frame.probabilities,
        above_operating_point=frame.above_operating_point,
        abstained=frame.abstained,
        milliseconds=frame.timing_ms.get("total"),
        outline=outline,
    )
    return Evaluated(sample, case, fingerprint(to_grey(record.frames[0], record.window)))


def _set_of(sample: Sample) -> str:
    return sample.id.split("/", 1)[0]


def _grouped(evaluated: Sequence[Evaluated]) -> list[Case]:
    """The cases with their groups: a patient's images, or near-duplicates where the patient is unknown."""
    patients = [(_set_of(e.sample), e.sample.patient) if e.sample.patient else None for e in evaluated]
    loose = [i for i, patient in enumerate(patients) if patient is None]
    pairs = []
    if loose:
        found = near_pairs(np.stack([evaluated[i].thumbnail for i in loose]))
        pairs = [(loose[i], loose[j], correlation) for i, j, correlation in found]
    numbers = groups(len(evaluated), pairs, patients)
    return [replace(e.case, group=number) for e, number in zip(evaluated, numbers, strict=True)]


def _summarise(evaluated: Sequence[Evaluated], failures: Sequence[Failure], engine: Engine) -> dict[str, Any]:
    cases = _grouped(evaluated)
    model = engine.model
    labels = [case.label or "unknown" for case in cases]
    sets = [_set_of(e.sample) for e in evaluated]
    return {
        "schema": 1,
        "n": len(cases),
        "by_class": {name: labels.count(name) for name in (*CLASSES, *(["unknown"] if "unknown" in labels else []))},
        **evaluation.figures(cases, model.operating_point),
        "selective": evaluation.selective(cases, model.operating_point),
        "latency_ms": {**evaluation.latency(cases), "heatmap": False},
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "device": engine.device,
        "data": {
            "sets": [{"name": name, "n": sets.count(name)} for name in dict.fromkeys(sets)],
            "groups": len({case.group for case in cases}),
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "unit": "patient, else near-duplicate group"},
        },
        "failures": [{"path": failure.path, "reason": failure.reason} for failure in failures],
    }
