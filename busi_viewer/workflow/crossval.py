"""Cross-validation: train once a fold, evaluate on the fold left out, and pool what every image got out of fold.

``DIR/folds.csv`` (``id,part``, the part being the fold's number from 1) keeps patients and near-duplicates together. For fold k
the images of fold k are the test part, those of the next fold the validation part, the rest is trained on. A fold is finished
once ``DIR/fold_k/evaluation`` is whole; resumed, a finished fold is not repeated and an unfinished one goes on.
``DIR/progress.jsonl`` tells how it goes (:mod:`busi_viewer.core.folds`), and the file ``control`` there pauses and stops it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from busi_viewer.core import breakdown
from busi_viewer.core.cases import Case
from busi_viewer.core.dataset import Sample, load_datasets, load_split
from busi_viewer.core.duplicates import stratified_parts
from busi_viewer.core.errors import DataSetError, UsageError, UserError
from busi_viewer.core.folds import BEGUN, FOLD, FOLD_END, MEASURED
from busi_viewer.core.image import to_grey
from busi_viewer.core.ports import Engine, Services
from busi_viewer.core.results import ModelInfo
from busi_viewer.core.same_scene import scene_groups, traits
from busi_viewer.core.training import PROGRESS, append_event, obey
from busi_viewer.core.worst import worst_cases
from busi_viewer.workflow.analyse import Failure, Watcher, read_ahead
from busi_viewer.workflow.cases import CASES, read_cases, write_cases
from busi_viewer.workflow.evaluate import (
    PAGE,
    RESULT,
    card_figures,
    examine,
    summarise,
    with_pictures,
    write_study,
)
from busi_viewer.workflow.export import write_bytes, write_json
from busi_viewer.workflow.models import CARD, record_metrics
from busi_viewer.workflow.open import open_image

FOLDS = "folds.csv"
SEED = 7
Report = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """What to cross-validate. ``training`` holds the options of ``services.train`` besides data, folder and split.

    ``data`` may be empty where ``training["job"]`` names a job file with data. With ``split`` only the images of its parts
    train and val are used, so that its part test stays closed.
    """

    out: Path
    data: tuple[Path, ...]
    folds: int
    resume: bool
    training: Mapping[str, Any]
    split: Path | None = None


def crossval(plan: Plan, services: Services, watcher: Watcher, report: Report) -> dict[str, Any]:
    """Run or finish all folds and write ``evaluation.json``, ``cases.csv`` and ``index.html`` of the pooled images.

    Raises UsageError for too few folds or a folder in use, DataSetError before training where images cannot be read.
    """
    if plan.folds < 3:
        raise UsageError("a cross-validation needs three folds or more: to train on, to validate on and to test on")
    plan = replace(plan, data=plan.data or _data_of(plan.training.get("job")))
    samples = _samples(plan)
    parts = _folds(plan, samples, services, watcher)
    append_event(plan.out / PROGRESS, {"event": BEGUN, "folds": plan.folds, "images": len(samples)})
    for fold in range(1, plan.folds + 1):
        if not _is_finished(plan.out, fold):
            _run_fold(plan, fold, samples, parts, services, watcher, _Teller(plan, fold, report))
    result = _pool(plan, samples, parts, services, watcher)
    append_event(plan.out / PROGRESS, {"event": "done"})
    return result


class _Teller:
    """Notes a fold's events in the progress file, passes them on with the fold's number, and obeys what is said to the run."""

    def __init__(self, plan: Plan, fold: int, report: Report) -> None:
        self._out, self._report = plan.out, report
        self._where = {"fold": fold, "folds": plan.folds}

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Raises Cancelled once the run is told to stop."""
        self._note(event)
        self._report({**event, **self._where})
        obey(self._out, self._note)

    def _note(self, event: Mapping[str, Any]) -> None:
        append_event(self._out / PROGRESS, {**event, **self._where})


def _samples(plan: Plan) -> list[Sample]:
    """The images to cross-validate on. Raises DataSetError where the split names none of them."""
    samples = load_datasets(plan.data)
    if plan.split is None:
        return samples
    parts = load_split(plan.split)
    chosen = [sample for sample in samples if parts.get(sample.id) in ("train", "val")]
    if not chosen:
        raise DataSetError("the split names none of the images", path=plan.split, remedy="Ids are set/relative-path.")
    return chosen


def _data_of(job: Path | None) -> tuple[Path, ...]:
    """The data folders that a job file names. Raises UsageError."""
    try:
        found = json.loads(job.read_text(encoding="utf-8"))["data"] if job is not None else []
        roots = tuple(Path(str(path)) for path in found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError("the job file names no data", path=job, remedy="Name the folders with --data.") from error
    if not roots:
        raise UsageError("no data to cross-validate on", remedy="Name the folders with --data.")
    return roots


def _folds(plan: Plan, samples: Sequence[Sample], services: Services, watcher: Watcher) -> dict[str, int]:
    """The fold of each image: read back when resumed, else made and written."""
    path = plan.out / FOLDS
    if path.exists():
        if not plan.resume:
            raise UsageError(
                "the folder already holds a cross-validation",
                path=plan.out,
                remedy="Choose another with -o, or go on with --resume.",
            )
        return _read_folds(path, samples, plan.folds)
    parts = make_folds(samples, plan.folds, services, watcher)
    _write_split(path, {name: str(fold) for name, fold in parts.items()})
    return parts


def _read_folds(path: Path, samples: Sequence[Sample], folds: int) -> dict[str, int]:
    split = load_split(path)
    numbers = {str(fold): fold for fold in range(1, folds + 1)}
    if set(split) != {sample.id for sample in samples} or set(split.values()) != set(numbers):
        raise UsageError(
            f"the folds were made of other images or are not {folds}",
            path=path,
            remedy="Resume with the same --data and --folds, or choose another folder with -o.",
        )
    return {name: numbers[part] for name, part in split.items()}


def make_folds(samples: Sequence[Sample], folds: int, services: Services, watcher: Watcher) -> dict[str, int]:
    """{id: fold from 1} by patient and near-duplicate group, stratified by data set and class. Reads every image.

    Raises DataSetError naming the images that cannot be read, or where there are fewer groups than folds.
    """
    seen, faults = [], []

    def read(sample: Sample) -> Any:
        record = open_image(sample.image, services.sources)
        return traits(to_grey(record.frames[0], record.window))

    for number, (sample, found) in enumerate(read_ahead(samples, read)):
        watcher.progress(f"reading {sample.image.name}", number / len(samples))
        try:
            seen.append(found.result())
        except (UserError, OSError) as error:
            faults.append(str(error))
    if faults:
        many = "1 image" if len(faults) == 1 else f"{len(faults)} images"
        raise DataSetError(
            f"{many} cannot be read: {'; '.join(faults)}",
            remedy="Repair or remove them, then start again.",
        )
    sets = [sample.id.split("/", 1)[0] for sample in samples]
    keys = [(name, s.patient) if s.patient else None for name, s in zip(sets, samples, strict=True)]
    group_of = scene_groups(seen, keys)
    if len(set(group_of)) < folds:
        raise DataSetError(
            f"{len(samples)} images in {len(set(group_of))} groups by patient and near-duplicate do not make {folds} folds",
            remedy="Add cases or ask for fewer folds.",
        )
    strata = [(name, s.label) for name, s in zip(sets, samples, strict=True)]
    parts = stratified_parts(group_of, strata, {str(f): 1 / folds for f in range(1, folds + 1)}, SEED)
    return {sample.id: int(part) for sample, part in zip(samples, parts, strict=True)}


def _write_split(path: Path, split: Mapping[str, str]) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["id", "part"])
    table.writerows(sorted(split.items()))
    write_bytes(path, text.getvalue().encode("utf-8"))


def _folder(out: Path, fold: int) -> Path:
    return out / f"fold_{fold}"


def _is_finished(out: Path, fold: int) -> bool:
    return (_folder(out, fold) / "evaluation" / RESULT).is_file()  # written last


def _run_fold(
    plan: Plan,
    fold: int,
    samples: Sequence[Sample],
    parts: Mapping[str, int],
    services: Services,
    watcher: Watcher,
    tell: Report,
) -> None:
    """Train without the fold, unless that is done, and evaluate on it."""
    tell({"event": FOLD})
    folder = _folder(plan.out, fold)
    following = fold % plan.folds + 1
    roles = {fold: "test", following: "val"}
    split = plan.out / "splits" / f"fold_{fold}.csv"
    _write_split(split, {name: roles.get(part, "train") for name, part in parts.items()})
    model = folder / "model"
    if not (model / CARD).is_file():
        summary = services.train(
            progress=tell,
            data=plan.data,
            out=folder,
            split=split,
            resume=True if plan.resume else None,
            **plan.training,
        )
        model = Path(summary["model"])
    engine = services.load_engine(str(model), "auto")
    study = examine([s for s in samples if parts[s.id] == fold], services, engine, watcher)
    result = summarise(study.cases, study.failures, engine.model, engine.device)
    result["data"] |= {"split": FOLDS, "part": str(fold)}
    record_metrics(model, "test", card_figures(result))
    write_study(folder / "evaluation", study, result, services, engine, watcher)
    short = breakdown.condense(result)
    tell({"event": FOLD_END, "figures": {name: breakdown.plain_value(short.get(name)) for name in MEASURED}})


def _pool(
    plan: Plan, samples: Sequence[Sample], parts: Mapping[str, int], services: Services, watcher: Watcher
) -> dict[str, Any]:
    """Put the folds' cases together: each image as the model judged it that had not seen it."""
    cases: list[Case] = []
    results = []
    for fold in range(1, plan.folds + 1):
        folder = _folder(plan.out, fold) / "evaluation"
        offset = 1 + max((case.group for case in cases), default=-1)
        cases += [replace(case, group=case.group + offset) for case in read_cases(folder / CASES)]
        results.append(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    failures = [Failure(f["path"], f["reason"]) for result in results for f in result["failures"]]
    name = results[0]["model"]["name"]
    pooled = ModelInfo(f"{name}, {plan.folds} folds", results[0]["model"]["version"], "–")
    short = [breakdown.condense(result) for result in results]
    result = {
        **summarise(cases, failures, pooled, results[0]["device"]),
        "folds": [
            {"fold": fold, "model": found["model"], "figures": figures}
            for fold, (found, figures) in enumerate(zip(results, short, strict=True), 1)
        ],
        "over_folds": breakdown.over_folds(short),
    }
    result["data"] |= {"split": FOLDS, "part": None}
    engines: dict[int, Engine] = {}

    def engine_of(sample: Sample) -> Engine:
        fold = parts[sample.id]
        if fold not in engines:
            engines[fold] = services.load_engine(str(_folder(plan.out, fold) / "model"), "auto")
        return engines[fold]

    worst = with_pictures(worst_cases(cases), samples, services, engine_of, watcher)
    write_cases(plan.out / CASES, cases)
    write_bytes(plan.out / PAGE, services.study_pages().evaluation(result, cases, worst).encode("utf-8"))
    write_json(plan.out / RESULT, result, indent=1)
    return result
