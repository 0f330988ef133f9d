"""Train a model and write its validation figures into the card. The test part stays closed: ``evaluate`` opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from busi_viewer.core.ports import Services
from busi_viewer.core.training import VALIDATION
from busi_viewer.workflow.analyse import Watcher
from busi_viewer.workflow.evaluate import card_figures, choose_samples, examine, summarise, write_study
from busi_viewer.workflow.models import record_metrics


def train(
    services: Services, watcher: Watcher, report: Callable[[Mapping[str, Any]], None], **options: Any
) -> dict[str, Any]:
    """Train with ``services.train(**options)``, then evaluate the part val of the data sets.

    Returns the training's summary with ``metrics``: {"val": figures with 95 % CI}. The study of the part val, with its page,
    is written into VALIDATION in the run's folder. With the option ``estimate`` nothing is trained: what a run would take.
    """
    summary = services.train(progress=report, **options)
    if "model" not in summary:  # an estimate; or the descriptor model, judged by its own cross-validation
        return summary
    folder, split = Path(summary["model"]), Path(summary["split"])
    roots = [Path(path) for path in summary["data"]]
    engine = services.load_engine(str(folder), "auto")
    study = examine(choose_samples(roots, split, "val"), services, engine, watcher)
    result = summarise(study.cases, study.failures, engine.model, engine.device)
    write_study(folder.parent / VALIDATION, study, result, services, engine, watcher)
    figures = card_figures(result)
    record_metrics(folder, "val", figures)
    return {**summary, "metrics": {"val": figures}}


def estimate_in_words(found: Mapping[str, Any]) -> str:
    """An estimate for reading: time, memory, and what they rest on."""
    seconds, steps = found["seconds"], found["measured"]["steps"]
    time = (
        f"{seconds / 3600:.1f} h"
        if seconds >= 5400
        else f"{seconds / 60:.0f} min"
        if seconds >= 90
        else f"{seconds:.0f} s"
    )
    memory = f"{found['memory_bytes'] / 2**30:.1f} GiB"
    card = found["accelerator_bytes"]
    more = f" and {card / 2**30:.1f} GiB on {found['device']}" if card else ""
    return f"about {time} for {found['epochs']} epochs, {memory} of memory{more}; measured on {steps} steps ({found['device']})"
