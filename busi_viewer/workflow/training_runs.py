"""Training runs in processes of their own: begun, watched, paused, stopped and resumed, also by a window opened later.

A run trains once, or is a :class:`Study`: many trainings, of a hyperparameter search or of the folds of a cross-validation.

Everything known of a run lies in its folder, so a run outlives the window that began it, and a window that crashed finds it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from busi_viewer import paths
from busi_viewer.core.errors import OutputError, UsageError
from busi_viewer.core.folds import FoldRow, fold_rows
from busi_viewer.core.training import (
    CONTROL,
    GO,
    LOG,
    PAUSE,
    PROGRESS,
    STOP,
    SUMMARY,
    Progress,
    read_events,
    said_to,
    seconds_left_of_parts,
    summarise,
)
from busi_viewer.core.tuning import RUNNING as TRYING
from busi_viewer.core.tuning import TrialRow, trial_rows
from busi_viewer.workflow.export import write_json

REQUEST = "request.json"
PROCESS = "process.json"
STUDY = "study.json"
"""In the folder of a run that is a study: its fields."""
RUNNING, PAUSED, STOPPED, BROKEN, DONE = "running", "paused", "stopped", "broken", "done"
SEARCH, FOLDS = "tune", "crossval"
"""The kinds of a study, which are the commands that do them."""


@dataclass(frozen=True)
class Study:
    """Many trainings: SEARCH with ``parts`` trials, or FOLDS with ``parts`` folds of the split's parts train and val."""

    kind: str
    parts: int


@dataclass(frozen=True)
class Run:
    """A run as it stands. ``state``: RUNNING, PAUSED, STOPPED (asked to), BROKEN (failed, killed), DONE.

    ``problem`` is what it said last when it is broken; ``summary`` is set when it is done. Of a ``study`` there are ``trials``
    or ``folds``, and ``progress`` is that of the one that began last.
    """

    folder: Path
    state: str
    progress: Progress
    problem: str = ""
    summary: Mapping[str, Any] | None = None
    study: Study | None = None
    trials: tuple[TrialRow, ...] = ()
    folds: tuple[FoldRow, ...] = ()

    @property
    def model(self) -> Path | None:
        """The trained model's folder, once it is whole; a study gives none."""
        return Path(self.summary["model"]) if self.summary and self.study is None else None

    @property
    def rows(self) -> tuple[TrialRow | FoldRow, ...]:
        """The trials or folds of a study."""
        return (*self.trials, *self.folds)

    @property
    def finished(self) -> int:
        """How many of a study's parts have ended."""
        return sum(row.state not in (TRYING, "waiting") for row in self.rows)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        if self.state == DONE:
            return 1.0
        now = min(1.0, self.progress.step / self.progress.steps) if self.progress.steps else 0.0
        if self.study is None:
            return now
        running = any(row.state == TRYING for row in self.rows)
        return min(1.0, (self.finished + now * running) / self.study.parts)


def runs_folder() -> Path:
    """Where the window's runs are kept."""
    return paths.data_dir() / "runs"


def runs(folder: Path | None = None) -> list[Run]:
    """The runs kept in ``folder``, newest first."""
    place = folder or runs_folder()
    found = [path.parent for path in place.glob(f"*/{PROCESS}")] if place.is_dir() else []
    return [look(path) for path in sorted(found, key=lambda path: (path / PROCESS).stat().st_mtime, reverse=True)]


def begin(job: Mapping[str, Any], folder: Path, study: Study | None = None) -> Run:
    """Train as ``job`` says (the fields of a job file but ``out``) in a process of its own: once, or as a study.

    Raises UsageError, OutputError.
    """
    check_free(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError("the run's folder cannot be made", path=folder, remedy="Choose another place.") from error
    write_json(folder / REQUEST, {**job, "out": str(folder)}, indent=1)
    if study is not None:
        write_json(folder / STUDY, {"schema": 1, **vars(study)}, indent=1)
    return _launch(folder)


def check_free(folder: Path) -> None:
    """Raise UsageError where the folder holds a run."""
    if (folder / PROCESS).exists():
        raise UsageError("the folder already holds a run", path=folder, remedy="Choose another name.")


@dataclass(frozen=True)
class Usage:
    """What a run takes of the machine: CPU (1.0 = one core), memory and disk in bytes; and what there is of each."""

    cpu: float
    cpus: int
    memory: int
    memory_all: int
    disk: int
    disk_free: int


def usage(folder: Path) -> Usage:
    """What the run's process and folder take now. CPU is the mean since the process began; all 0 where it does not run."""
    cpu, memory = 0.0, 0
    try:
        process = psutil.Process(json.loads((folder / PROCESS).read_text(encoding="utf-8"))["pid"])
        if _alive(folder):
            times = process.cpu_times()
            cpu = (times.user + times.system) / max(1.0, time.time() - process.create_time())
            memory = process.memory_info().rss
    except (OSError, ValueError, KeyError, psutil.Error):
        pass
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free = psutil.disk_usage(str(folder)).free
    return Usage(cpu, os.cpu_count() or 1, memory, psutil.virtual_memory().total, disk, free)


def go_on(folder: Path) -> Run:
    """Resume a paused run at once, a stopped or broken one from its last finished epoch."""
    run = look(folder)
    if run.state == PAUSED:
        _say(folder, GO)
    elif run.state in (STOPPED, BROKEN):
        return _launch(folder, again=True)
    return look(folder)


def pause(folder: Path) -> None:
    """Ask a run to wait; it keeps its memory."""
    _say(folder, PAUSE)


def stop(folder: Path) -> None:
    """Ask a run to end; what it has learned up to its last finished epoch is kept."""
    _say(folder, STOP)


def look(folder: Path) -> Run:
    """How a run stands now."""
    study, events = _study(folder), read_events(folder / PROGRESS)
    if study is None:
        run = Run(folder, BROKEN, summarise(events))
    else:
        part = "trial" if study.kind == SEARCH else "fold"
        latest = next((event[part] for event in reversed(events) if part in event), None)
        progress = summarise([event for event in events if event.get(part, latest) == latest])
        progress = replace(progress, seconds_left=seconds_left_of_parts(events, part, study.parts))
        rows: dict[str, Any] = {"trials": trial_rows(events)} if study.kind == SEARCH else {"folds": fold_rows(events)}
        run = Run(folder, BROKEN, progress, study=study, **rows)
    if (folder / SUMMARY).exists():
        return replace(run, state=DONE, summary=json.loads((folder / SUMMARY).read_text(encoding="utf-8")))
    word = said_to(folder)
    if _alive(folder):
        return replace(run, state=PAUSED if word == PAUSE else RUNNING)
    if word == STOP:
        return replace(run, state=STOPPED)
    return replace(run, problem=_last_error(folder))


def _study(folder: Path) -> Study | None:
    try:
        found = json.loads((folder / STUDY).read_text(encoding="utf-8"))
        return Study(str(found["kind"]), int(found["parts"]))
    except (OSError, ValueError, KeyError):
        return None


def own_command(words: Iterable[str]) -> list[str]:
    """The command line that starts this application with ``words``, from a checkout, a wheel or a frozen build."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        return [str(program.with_name(program.name.replace("-window", ""))), *words]
    return [sys.executable, "-m", "busi_viewer", *words]


def _words(folder: Path, *, again: bool) -> list[str]:
    """The command of a run; ``again``: it goes on."""
    study, job = _study(folder), folder / REQUEST
    words = [study.kind if study is not None else "train", "--job", str(job), "-o", str(folder)]
    words += ["--json", str(folder / SUMMARY)]
    if study is not None and study.kind == SEARCH:
        return [*words, "--trials", str(study.parts)]  # one that was begun goes on by itself
    if study is not None:
        words += ["--folds", str(study.parts)]
        split = json.loads(job.read_text(encoding="utf-8")).get("split")
        words += ["--split", split] if split else []
    return [*words, "--resume"] if again else words


def _launch(folder: Path, *, again: bool = False) -> Run:
    """Start the run's process, apart from this one, and note who it is."""
    _say(folder, GO)
    words = _words(folder, again=again)
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with (folder / LOG).open("ab") as log:
        said = log.tell()
        process = subprocess.Popen(
            own_command(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ), **apart
        )
    began = psutil.Process(process.pid).create_time()
    write_json(folder / PROCESS, {"pid": process.pid, "began": began, "log": said})
    return look(folder)


def _alive(folder: Path) -> bool:
    """Whether the process that was noted still runs; another one that has got its number since does not count."""
    try:
        noted = json.loads((folder / PROCESS).read_text(encoding="utf-8"))
        process = psutil.Process(noted["pid"])
        same = bool(abs(process.create_time() - noted["began"]) < 1)
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, psutil.Error):
        return False


def _say(folder: Path, word: str) -> None:
    fresh = folder / f"{CONTROL}.part"
    fresh.write_text(word, encoding="utf-8")
    os.replace(fresh, folder / CONTROL)


def _last_error(folder: Path) -> str:
    """What the process noted last said that went wrong; what an earlier one said before it went on does not count."""
    try:
        noted = json.loads((folder / PROCESS).read_text(encoding="utf-8"))
        said = (folder / LOG).read_bytes()[noted.get("log", 0) :]
    except (OSError, ValueError):
        return ""
    lines = said.decode("utf-8", errors="replace").splitlines()
    return next((line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), "")
