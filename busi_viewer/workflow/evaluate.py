"""How good a model is on labelled images: analyse them all and compare with their truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import breakdown, evaluation
from busi_viewer.core.cases import Case, Spacing, compare, digest
from busi_viewer.core.curves import long_axis
from busi_viewer.core.dataset import Sample, load_datasets, load_split, part_of
from busi_viewer.core.duplicates import fingerprint, groups, near_pairs
from busi_viewer.core.errors import DataSetError, UserError
from busi_viewer.core.image import ImageRecord, Mask, to_grey, to_uint8
from busi_viewer.core.ports import Engine, Services
from busi_viewer.core.results import TASKS, ModelInfo
from busi_viewer.core.statistics import RESAMPLES, SEED
from busi_viewer.core.thumbnails import thumbnail
from busi_viewer.core.worst import Shown, Worst, worst_cases
from busi_viewer.workflow.analyse import Failure, Watcher, read_ahead, reason_of
from busi_viewer.workflow.cases import CASES, write_cases
from busi_viewer.workflow.export import write_bytes, write_json
from busi_viewer.workflow.open import load_mask, open_image

RESULT = "evaluation.json"
PAGE = "index.html"
WORST, LIST = "worst", "worst.json"
"""The folder of the worst cases' pictures, and the list of them in it."""
ALL = "all"
"""The name under which a card keeps the figures of several data sets taken together."""


@dataclass(frozen=True)
class Study:
    """Samples analysed and compared, with the case of each in the same order, and the files that failed."""

    samples: tuple[Sample, ...]
    cases: tuple[Case, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class _Evaluated:
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
    """The contract's figures over the samples, and the files that failed."""
    study = examine(samples, services, engine, watcher)
    return summarise(study.cases, study.failures, engine.model, engine.device), list(study.failures)


def examine(samples: Sequence[Sample], services: Services, engine: Engine, watcher: Watcher) -> Study:
    """Analyse every sample and compare it with its truth. A bad file never stops the others."""
    evaluated: list[_Evaluated] = []
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
    return Study(tuple(e.sample for e in evaluated), tuple(_grouped(evaluated)), tuple(failures))


def _read(sample: Sample, services: Services) -> tuple[ImageRecord, Mask | None]:
    """The image and its true mask (H, W), or None where that is unknown."""
    record = open_image(sample.image, services.sources)
    if sample.masks:
        return record, load_mask(sample.masks, record.shape, services.sources)
    return record, np.zeros(record.shape, dtype=bool) if sample.has_mask else None


def _analyse(sample: Sample, record: ImageRecord, truth: Mask | None, engine: Engine) -> _Evaluated:
    """Analyse the first frame of one image and compare it with the truth."""
    frame = engine.analyse(record, [0], heatmap=False).frames[0]
    outlines = engine.model.outlines
    case = Case(
        group=0,
        label=sample.label,
        probabilities=frame.probabilities,
        above_operating_point=bool(frame.above_operating_point),
        abstained=frame.abstained,
        milliseconds=frame.timing_ms.get("total"),
        outline=compare(frame, truth, _spacing(sample, record, truth)) if truth is not None and outlines else None,
        id=sample.id,
        truth=digest(truth),
        classified=frame.classified,
    )
    return _Evaluated(sample, case, fingerprint(to_grey(record.frames[0], record.window)))


def _spacing(sample: Sample, record: ImageRecord, truth: Mask) -> Spacing | None:
    """The scale at the lesion: the file's own, else the manifest's ``pixel_size_cm``, else None."""
    rows, columns = np.nonzero(truth)
    if not len(rows):
        return None
    known = record.spacing_at(float(columns.mean()), float(rows.mean()))
    if known is not None:
        return known
    try:
        size = 10 * float(sample.extra.get("pixel_size_cm", ""))
    except ValueError:
        return None
    return (size, size) if np.isfinite(size) and size > 0 else None


def _grouped(evaluated: Sequence[_Evaluated]) -> list[Case]:
    """The cases with their groups, as a split makes them: a patient's images and near-duplicates belong together."""
    if not evaluated:
        return []
    patients = [(e.case.set, e.sample.patient) if e.sample.patient else None for e in evaluated]
    pairs = near_pairs(np.stack([e.thumbnail for e in evaluated]))
    numbers = groups(len(evaluated), pairs, patients)
    return [replace(e.case, group=number) for e, number in zip(evaluated, numbers, strict=True)]


def summarise(
    cases: Sequence[Case], failures: Sequence[Failure], model: ModelInfo, device: str | None
) -> dict[str, Any]:
    """The result as JSON: the contract's figures, those of each set, class and lesion size, and what they rest on.

    ``segmentation`` or ``classification`` is None for a model that does not do it.
    """
    point = model.operating_point
    sets = [case.set for case in cases]
    missing = {task: None for task in TASKS if task not in model.tasks}
    return {
        "schema": 1,
        **breakdown.full_figures(cases, point),
        **missing,
        "long_axis": long_axis(cases),
        "by_set": breakdown.sets(cases, point),
        "by_true_class": breakdown.classes(cases, point),
        "by_lesion_size": breakdown.sizes(cases, point),
        "latency_ms": {**evaluation.latency(cases), "heatmap": False},
        "model": {
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            **({"leaky": list(model.leaky)} if model.leaky else {}),
        },
        "device": device,
        "data": {
            "sets": [{"name": name, "n": sets.count(name)} for name in dict.fromkeys(sets)],
            "groups": len({case.group for case in cases}),
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "unit": "patient and near-duplicate group"},
        },
        "failures": [{"path": failure.path, "reason": failure.reason} for failure in failures],
    }


def card_figures(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a card keeps of a result: the short form for each data set and, where there are several, for :data:`ALL`."""
    several = len(result["by_set"]) > 1
    return {**result["by_set"], **({ALL: breakdown.condense(result)} if several else {})}


def write_study(
    out: Path, study: Study, result: Mapping[str, Any], services: Services, engine: Engine, watcher: Watcher
) -> None:
    """Write ``cases.csv``, ``index.html`` with the worst cases' pictures, these in ``worst``, and last ``evaluation.json``.

    Raises OutputError.
    """
    write_cases(out / CASES, study.cases)
    worst = with_pictures(worst_cases(study.cases), study.samples, services, lambda sample: engine, watcher)
    text = services.study_pages().evaluation(result, study.cases, worst)
    write_bytes(out / PAGE, text.encode("utf-8"))
    kinds = [_worst_json(kind, number, out) for number, kind in enumerate(worst)]
    write_json(out / WORST / LIST, {"schema": 1, "kinds": kinds}, indent=1)
    write_json(out / RESULT, result, indent=1)


def _worst_json(kind: Worst, number: int, out: Path) -> dict[str, Any]:
    """A kind of failure in words; the pictures of its cases are written beside the list."""
    shown = []
    for place, one in enumerate(kind.shown):
        name = f"{number}-{place}.jpg" if one.picture is not None else None
        if name is not None and one.picture is not None:
            write_bytes(out / WORST / name, one.picture)
        dice = one.case.outline.dice if one.case.outline is not None and one.case.outline.has_lesion else None
        shown.append(
            {
                "id": one.case.id,
                "picture": name,
                "label": one.case.label,
                "prediction": one.case.prediction,
                "dice": dice,
            }
        )
    return {"title": kind.title, "order": kind.order, "total": kind.total, "shown": shown}


def with_pictures(
    worst: Sequence[Worst],
    samples: Sequence[Sample],
    services: Services,
    engine_of: Callable[[Sample], Engine],
    watcher: Watcher,
) -> list[Worst]:
    """The cases to look at with thumbnails of image, true and model's outline, analysed once more by the sample's engine."""
    by_id = {sample.id: sample for sample in samples}
    names = list(dict.fromkeys(shown.case.id for kind in worst for shown in kind.shown))
    pictures: dict[str, bytes | None] = {}
    for number, name in enumerate(names):
        watcher.progress("pictures of the worst cases", number / len(names))
        pictures[name] = _picture(by_id[name], services, engine_of)
    return [
        replace(kind, shown=tuple(Shown(shown.case, pictures[shown.case.id]) for shown in kind.shown)) for kind in worst
    ]


def _picture(sample: Sample, services: Services, engine_of: Callable[[Sample], Engine]) -> bytes | None:
    """The thumbnail of one sample, or None where the file has gone since."""
    try:
        record, truth = _read(sample, services)
        frame = engine_of(sample).analyse(record, [0], heatmap=False).frames[0]
        return thumbnail(to_uint8(record.frames[0], record.window), reader=truth, model=frame.mask)
    except (UserError, OSError):
        return None
