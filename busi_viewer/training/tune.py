"""Hyperparameter search: many short trainings of one recipe, of which a storage (Optuna's) holds what was tried and found.

Any number of processes, on one machine or several, work on one storage. The trials are queued in it when the search begins, each
under a number of its own, and a worker takes one out of the queue at a time: none is run twice. A worker that dies stops sending
its heartbeat; after GRACE_S another one, or the next to come, takes its trial up from its last finished epoch. Trials are judged
on the part val alone; the part test is never read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import shutil
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import optuna
from filelock import FileLock
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from busi_viewer import logs
from busi_viewer.core.errors import Cancelled, OutputError, UsageError, UserError
from busi_viewer.core.tuning import COMPLETE, FAILED, PRUNED, RUNNING, TRIAL, TRIAL_END, TRIALS, WAITING
from busi_viewer.training.control import Control
from busi_viewer.training.data import OpenImage, OpenMask
from busi_viewer.training.fit import LAST, Report, check_devices, quiet
from busi_viewer.training.gather import SPLIT, gather
from busi_viewer.training.pipeline import Data
from busi_viewer.training.recipe import Job, faults_in_words
from busi_viewer.training.run import make, reporter
from busi_viewer.training.schema import with_settings
from busi_viewer.training.search import Choice, Parameter, grid

HEARTBEAT_S, GRACE_S = 20, 120
"""How often a running trial says that it lives, and after how long a silence it is given to another worker."""
STORAGE = "trials.sqlite3"
"""The storage in the search's folder, where no other is named."""
_ATTEMPTS = 5
_ENOUGH = 8
"""Fewest finished trials of which importances are told."""
_TICKET, _BASIS, _PROBLEM = "ticket", "basis", "problem"
_WORDS = {
    TrialState.WAITING: WAITING,
    TrialState.RUNNING: RUNNING,
    TrialState.COMPLETE: COMPLETE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
}
with warnings.catch_warnings(action="ignore"):  # Optuna calls it experimental
    _AGAIN = RetryHeartbeatStaleTrialCallback(max_retry=5, inherit_intermediate_values=True)
"""Queues a trial of a dead or stopped worker again, with the same values, at most five times."""

_NOT_OURS = (UserError, RuntimeError, ValueError, ArithmeticError, MemoryError)


class _Failed(Exception):
    """A trial without a score, as of values that do not go together or into the memory; the search goes on, for others may."""


def tune(
    job: Job,
    open_image: OpenImage,
    open_mask: OpenMask,
    report: Report,
    *,
    trials: int | None = None,
    storage: str | None = None,
    as_grid: bool = False,
) -> dict[str, Any]:
    """Work on the search until no trial is left, and return what all workers found, as ``tune.json`` holds it.

    A folder or storage that already holds this search is gone on with. ``as_grid`` tries every combination of the choices
    (the first ``trials`` of them), otherwise Optuna's TPE proposes ``trials`` of them. Raises UsageError, DataSetError, Cancelled.
    """
    check_devices(job)
    settled, space = _checked(job, as_grid=as_grid)
    out = job.out
    out.mkdir(parents=True, exist_ok=True)
    quiet()
    tell = reporter(out, report, resume=True)
    data = gather(settled, open_image, open_mask)
    data.read("val", job.recipe.input.size)  # faults of the data come to light before a trial begins
    study = _study(job, storage or f"sqlite:///{(out / STORAGE).resolve().as_posix()}", _basis(job, space, out / SPLIT))
    _queue(study, grid(space) if as_grid else None, trials or (None if as_grid else job.recipe.search.trials))
    queued = {trial.user_attrs.get(_TICKET) for trial in study.get_trials(deepcopy=False)} - {0, None}
    tell({"event": "data", "images": data.images, TRIALS: len(queued)})
    _Worker(settled, space, data, study, tell).work()
    tell({"event": "done"})
    return _result(job, space, data, study, as_grid=as_grid)


def _checked(job: Job, *, as_grid: bool) -> tuple[Job, dict[str, Parameter]]:
    """The job with the settings that hold during a search, and what is varied. Raises UsageError."""
    recipe, out = job.recipe, job.out
    if recipe.architecture.name == "ensemble" or job.devices > 1 or (out / LAST).exists():
        raise UsageError(
            "there is nothing to search here: an ensemble trains nothing, a search uses one device, and a run's folder holds a run",
            path=out,
            remedy="Tune a recipe that is trained, on one device a worker, in a folder of its own.",
        )
    space = {name: p for name, p in recipe.search.parameters.items() if not (name == "epochs" and job.epochs)}
    if not space:
        raise UsageError(f"{recipe.name} names nothing to search", remedy="Set search.parameters in the job.")
    try:
        settled = with_settings(recipe, dict(recipe.search.settings))
        for name, parameter in space.items():
            for value in parameter.values:
                with_settings(settled, {name: value})
        if as_grid:
            grid(space)
    except ValidationError as error:
        raise UsageError(
            f"the search does not fit the recipe: {faults_in_words(error)}", remedy="Correct search.parameters."
        ) from error
    except ValueError as error:
        raise UsageError(str(error), remedy="Correct search.parameters, or leave out --grid.") from error
    return job.model_copy(update={"recipe": settled, "resume": True}), space


def _basis(job: Job, space: Mapping[str, Parameter], split: Path) -> str:
    """What workers on one storage must have in common, as a SHA-256: recipe, start, length and split."""
    said = job.model_dump(mode="json", include={"recipe", "epochs", "from_scratch", "protocol"})
    said["space"] = {name: parameter.model_dump() for name, parameter in space.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode() + split.read_bytes()).hexdigest()


def _study(job: Job, storage: str, basis: str) -> optuna.Study:
    """The search in its storage, begun if it is not there. Raises UsageError where the storage holds another."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    rule = job.recipe.search
    pruner = (
        optuna.pruners.MedianPruner(n_startup_trials=rule.startup, n_warmup_steps=rule.warmup)
        if rule.pruner == "median"
        else optuna.pruners.NopPruner()
    )
    for attempt in range(_ATTEMPTS):  # of workers that begin together only one can make the tables
        try:
            study = optuna.create_study(
                storage=_opened(storage, job.out),
                study_name=job.name or job.recipe.name,
                direction="maximize",
                sampler=optuna.samplers.TPESampler(constant_liar=True),
                pruner=pruner,
                load_if_exists=True,
            )
            break
        except (
            SQLAlchemyError,
            optuna.exceptions.StorageInternalError,
            ImportError,
            RuntimeError,
            ValueError,
        ) as error:
            if attempt + 1 == _ATTEMPTS or isinstance(error, ImportError | ArgumentError):
                raise OutputError(
                    f"the storage {storage} cannot be used ({type(error).__name__})",
                    remedy="Name another with --storage, such as sqlite:///trials.sqlite3, or leave it out.",
                ) from error
            time.sleep(attempt + random.random())
    if study.user_attrs.setdefault(_BASIS, basis) != basis:
        raise UsageError(
            f"the storage already holds another search called {study.study_name}",
            remedy="Use the same recipe, settings, data and split, or another --name or folder.",
        )
    study.set_user_attr(_BASIS, basis)
    return study


class _Turns(RDBStorage):
    """Workers in one folder take turns at taking a trial: SQLite would let two take the same one in the same moment."""

    def __init__(self, url: str, folder: Path, **options: Any) -> None:
        super().__init__(url, **options)
        self._turn = FileLock(folder / "trials.lock")

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As Optuna's own; False where another worker has the trial."""
        with self._turn if state == TrialState.RUNNING else nullcontext():
            return super().set_trial_state_values(trial_id, state, values)


def _opened(storage: str, folder: Path) -> RDBStorage:
    return _Turns(
        storage,
        folder,
        heartbeat_interval=HEARTBEAT_S,
        grace_period=GRACE_S,
        heartbeat_stale_trial_callback=_AGAIN,
        engine_kwargs={"connect_args": {"timeout": 60}} if storage.startswith("sqlite") else None,
    )


def _queue(study: optuna.Study, points: list[dict[str, Any]] | None, count: int | None) -> None:
    """Put the trials that are not there yet into the queue, numbered from 1; those of a grid with their values."""
    total = len(points or ()) if count is None else count
    there = {trial.user_attrs.get(_TICKET) for trial in study.get_trials(deepcopy=False)}
    for ticket in range(1, total + 1 if points is None else min(total, len(points)) + 1):
        if ticket not in there:
            study.enqueue_trial(points[ticket - 1] if points else {}, user_attrs={_TICKET: ticket})


class _Worker:
    """One process's part of the search."""

    def __init__(
        self, job: Job, space: Mapping[str, Parameter], data: Data, study: optuna.Study, report: Report
    ) -> None:
        self.job, self.space, self.data, self.study, self.report = job, space, data, study, report
        self.control = Control(job.out, report)

    def work(self) -> None:
        """Take trials until none is left; wait while others run some, for they may die. Raises Cancelled."""
        while True:
            self.control.obey()
            states = {trial.state for trial in self.study.get_trials(deepcopy=False)}
            if TrialState.WAITING in states:
                self.study.optimize(self._try, n_trials=1, catch=(_Failed,))
            elif TrialState.RUNNING in states:
                time.sleep(1)
                optuna.storages.fail_stale_trials(self.study)
            else:
                return

    def _try(self, trial: Trial) -> float:
        """Train with one set of values; the score of its best epoch."""
        queued = next(t for t in self.study.get_trials() if t.number == trial.number)
        number = self._number(trial, queued)
        try:
            values = {name: _suggested(trial, name, parameter) for name, parameter in self.space.items()}
            self.report({"event": TRIAL, TRIAL: number, "parameters": values})
            score = self._train(trial, queued, values)
        except Cancelled:
            _AGAIN(self.study, next(t for t in self.study.get_trials() if t.number == trial.number))
            raise
        except optuna.TrialPruned:
            self._end(number, PRUNED)
            raise
        except Exception as error:
            problem = str(error) if isinstance(error, UserError) else f"it broke off ({type(error).__name__})"
            logging.getLogger(__name__).warning("trial %d: %s", number, logs.stack_without_values(error))
            trial.set_user_attr(_PROBLEM, problem)
            self._end(number, FAILED, problem=problem)
            if not isinstance(error, _NOT_OURS):
                raise
            raise _Failed from error
        self._end(number, COMPLETE, score=score)
        return score

    def _number(self, trial: Trial, queued: FrozenTrial) -> int:
        """The trial's place in the queue. Raises _Failed for one that two workers have queued, or that was in no queue."""
        number = queued.user_attrs.get(_TICKET)
        same = [t.number for t in self.study.get_trials(deepcopy=False) if t.user_attrs.get(_TICKET) == number]
        if number is None or (not _is_again(queued) and min(same) < trial.number):
            trial.set_user_attr(_TICKET, 0)
            raise _Failed
        return int(number)

    def _train(self, trial: Trial, queued: FrozenTrial, values: Mapping[str, Any]) -> float:
        number, recipe = queued.user_attrs[_TICKET], with_settings(self.job.recipe, dict(values))
        folder = self.job.out / "trials" / f"{number:04d}"
        if not _is_again(queued):
            _forget(folder)
        listener = _Listener(self, trial, number, queued.intermediate_values, recipe.stages is None)
        pl.seed_everything(recipe.seed, workers=True, verbose=False)
        try:
            make(self.job.model_copy(update={"recipe": recipe, "out": folder}), self.data, listener.hear)
        except (KeyboardInterrupt, SystemExit) as interruption:  # Lightning makes the one of the other
            raise Cancelled from interruption
        finally:
            if not isinstance(sys.exception(), Cancelled):
                _forget(folder)
        return max(listener.scores.values())

    def _end(self, number: int, state: str, **more: Any) -> None:
        self.report({"event": TRIAL_END, TRIAL: number, "state": state, **more})


class _Listener:
    """Hears the events of a trial's training: passes them on with its number, judges it, and obeys what is said to the search."""

    def __init__(self, worker: _Worker, trial: Trial, number: int, known: Mapping[int, float], single: bool) -> None:
        self.worker, self.trial, self.number, self.known = worker, trial, number, set(known)
        self.scores: dict[int, float] = dict(known)
        self._counts = single  # of a pipeline, only the epochs of the classifier, which comes last

    def hear(self, event: dict[str, Any]) -> None:
        """Called by the training. Raises TrialPruned, Cancelled."""
        self.worker.control.obey()
        self._counts = self._counts or event.get("stage") == "classifier"
        if event["event"] != "epoch" or not self._counts:
            self.worker.report({**event, TRIAL: self.number})
            return
        epoch, score = event["epoch"], (event["val_dice"] or 0.0) + (event["val_auc_malignant"] or 0.0)
        self.scores[epoch] = score
        self.worker.report({**event, TRIAL: self.number, "score": score})
        if epoch not in self.known:
            self.trial.report(score, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _is_again(trial: FrozenTrial) -> bool:
    """Whether the trial has been begun before."""
    return "failed_trial" in trial.system_attrs


def _suggested(trial: Trial, name: str, parameter: Parameter) -> Any:
    if isinstance(parameter, Choice):
        return trial.suggest_categorical(name, parameter.values)
    if parameter.whole:
        return trial.suggest_int(name, int(parameter.low), int(parameter.high), log=parameter.log)
    return trial.suggest_float(name, parameter.low, parameter.high, log=parameter.log)


def _forget(folder: Path) -> None:
    """Remove a trial's checkpoints: the best job is trained anew, with calibration and card."""
    shutil.rmtree(folder, ignore_errors=True)


def _result(
    job: Job, space: Mapping[str, Parameter], data: Data, study: optuna.Study, *, as_grid: bool
) -> dict[str, Any]:
    """What is known of the search. Raises UsageError where not one trial came to its end."""
    latest = {trial.user_attrs[_TICKET]: trial for trial in study.get_trials() if trial.user_attrs.get(_TICKET)}
    rows = [_row(number, latest[number]) for number in sorted(latest)]
    complete = [row for row in rows if row["state"] == COMPLETE]
    if not complete:
        problem = next((row["problem"] for row in rows if row["problem"]), "all were pruned")
        raise UsageError(
            f"no trial came to its end: {problem}", path=job.out, remedy="Correct the job or its search.parameters."
        )
    best = max(complete, key=lambda row: row["score"])
    recipe = job.recipe
    counts = {part: len(data.read(part, recipe.input.size)) for part in ("train", "val")}
    chosen = job.model_copy(
        update={
            "recipe": with_settings(recipe, best["parameters"]),
            "data": tuple(path.resolve() for path in job.data),
            "split": (job.out / SPLIT).resolve(),
            "out": (job.out / "best").resolve(),
            "resume": False,
            "settings": {},
        }
    )
    return {
        "schema": 1,
        "recipe": recipe.name,
        "study": study.study_name,
        "sampler": "grid" if as_grid else "TPE",
        "pruner": recipe.search.pruner,
        "objective": "the best epoch's Dice of lesions + AUC of malignant, of what the network does, on the part val",
        "settings": dict(recipe.search.settings),
        "space": {name: parameter.model_dump(mode="json") for name, parameter in space.items()},
        "data": {"sets": [path.resolve().name for path in job.data], "images": counts, "seed": recipe.seed},
        "trials": rows,
        "best": {key: best[key] for key in ("trial", "score", "epoch", "parameters")},
        "importances": _importances(study, list(space), len(complete)),
        "best_job": chosen.model_dump(mode="json", by_alias=True),
    }


def _row(number: int, trial: FrozenTrial) -> dict[str, Any]:
    """A trial as plain values. ``score`` of a pruned one is the best it had reached."""
    seen = trial.intermediate_values
    epoch = max(seen, key=lambda step: seen[step]) if seen else None
    return {
        "trial": number,
        "state": _WORDS[trial.state],
        "score": trial.value if trial.state == TrialState.COMPLETE else seen[epoch] if epoch is not None else None,
        "epoch": epoch,
        "epochs": max(seen, default=0),
        "parameters": trial.params,
        "seconds": trial.duration.total_seconds() if trial.duration else None,
        "attempts": 1 + len(trial.system_attrs.get("retry_history", ())),
        "problem": trial.user_attrs.get(_PROBLEM, ""),
    }


def _importances(study: optuna.Study, names: list[str], complete: int) -> dict[str, float] | None:
    """Share of the scores' variance that each parameter explains (fANOVA, Hutter et al., ICML 2014); None with few trials."""
    if len(names) < 2 or complete < _ENOUGH:
        return None
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return optuna.importance.get_param_importances(study, evaluator=evaluator, params=names)
    except (RuntimeError, ValueError):  # all scores are the same
        return None
