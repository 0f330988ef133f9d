"""A new run from what was chosen: recipe, start, settings, split. What it was made of is kept in the run's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from busi_viewer.core.errors import ModelError, UsageError
from busi_viewer.workflow import models, training_plan, training_runs
from busi_viewer.workflow.export import write_json
from busi_viewer.workflow.training_runs import Run, Study
from busi_viewer.workflow.tune import BEST_JOB

SPLIT, PLAN, ESTIMATE = "chosen.csv", "plan.json", "estimate.json"
ACTIVE, HUB, FILE, SCRATCH = "active", "hub", "file", "scratch"
"""What a run starts from: the active model, ImageNet's weights from the hub or from a file, or random weights."""
NOT_HERE = frozenset({"ensemble", "descriptors"})
"""Recipes that train no network of their own."""


@dataclass(frozen=True)
class Chosen:
    """What the run shall be. ``encoder`` is a safetensors file (for FILE); the numbers, and what ``settings`` names beside them,
    stand in place of the recipe's.

    ``study`` makes a search or a cross-validation of it; ``vary`` are the search's parameters, as a recipe lists them. The
    weights after the epochs ``keep`` are kept, to compare heatmaps.
    """

    name: str
    recipe: str
    start: str
    epochs: int
    batch: int
    learning_rate: float
    size: int
    encoder: Path | None = None
    accelerator: str = "auto"
    study: Study | None = None
    vary: Mapping[str, Any] = field(default_factory=dict)
    keep: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def job(chosen: Chosen, roots: Sequence[Path], split: Path) -> dict[str, Any]:
    """The fields of the job file. Raises ModelError if the active model is asked for and there is none."""
    values: dict[str, Any] = {
        "schema": 1,
        "recipe": chosen.recipe,
        "name": chosen.name,
        "data": [str(root) for root in roots],
        "split": str(split),
        "epochs": chosen.epochs,
        "accelerator": chosen.accelerator,
        "settings": {
            **chosen.settings,
            "batch": chosen.batch,
            "learning_rate": chosen.learning_rate,
            "input.size": chosen.size,
        },
    }
    if chosen.vary:
        values["settings"]["search.parameters"] = dict(chosen.vary)
    if chosen.keep:
        values["keep_epochs"] = list(chosen.keep)
    if chosen.start == ACTIVE:
        values["start_from"] = str(models.resolve(None))
    elif chosen.start == FILE and chosen.encoder is not None:
        values["encoder_weights"] = str(chosen.encoder)
    elif chosen.start == SCRATCH:
        values["from_scratch"] = True
    return values


def begin(
    chosen: Chosen,
    roots: Sequence[Path],
    plan: training_plan.Plan,
    left_out: Mapping[str, str],
    estimate: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Run:
    """Write split and plan into the run's folder and start it. Raises UsageError where the name is taken, OutputError."""
    place = (folder or training_runs.runs_folder()) / chosen.name
    training_runs.check_free(place)
    training_plan.write(place / SPLIT, plan.parts)
    counts = [{**vars(count), "by_class": dict(count.by_class)} for count in plan.counts]
    write_json(place / PLAN, {"schema": 1, "counts": counts, "leaks": plan.leaks, "left_out": dict(left_out)}, indent=1)
    if estimate is not None:
        write_json(place / ESTIMATE, estimate, indent=1)
    return training_runs.begin(job(chosen, roots, place / SPLIT), place, chosen.study)


def begin_best(search: Path, folder: Path | None = None) -> Run:
    """Train the best values of a finished search in full, on its data and split. Raises UsageError, OutputError."""
    name = f"{search.name}-best"
    place = (folder or training_runs.runs_folder()) / name
    training_runs.check_free(place)
    values = kept(search, BEST_JOB)
    if not values:
        raise UsageError("the search tells no best values", path=search, remedy="Let it go on to its end.")
    place.mkdir(parents=True, exist_ok=True)
    for part in (SPLIT, PLAN):
        if (search / part).exists():
            shutil.copyfile(search / part, place / part)
    split = {"split": str(place / SPLIT)} if (place / SPLIT).exists() else {}
    return training_runs.begin({**values, "name": name, **split}, place)


def free_name(recipe: str) -> str:
    """A name for a run of a recipe today that neither a run nor a model has."""
    taken = {model.name for model in models.installed()}
    folder = training_runs.runs_folder()
    for number in range(1, 1000):
        name = f"{recipe}-{datetime.now():%Y%m%d}-{number}"
        if name not in taken and not (folder / name).exists():
            return name
    return f"{recipe}-{datetime.now():%Y%m%d-%H%M%S}"


def active_architectures() -> list[dict[str, Any]]:
    """What a run can start from: the active model's architecture, or those of its members; empty without a model."""
    try:
        held = models.read_card(models.resolve(None)).get("architecture", {})
    except ModelError:
        return []
    return held.get("arguments", {}).get("members", []) if held.get("name") == "ensemble" else [held]


def fits(row: Mapping[str, Any], architectures: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a recipe (as listed) has one of these architectures."""
    wanted = row["settings"]["architecture"]
    return any(
        one.get("name") == wanted["name"] and one.get("arguments", {}) == wanted["arguments"] for one in architectures
    )


def kept(folder: Path, name: str) -> dict[str, Any]:
    """What a run's folder holds in ``name`` (PLAN, ESTIMATE, the request), or nothing."""
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
