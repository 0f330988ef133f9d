"""Train a model and write its validation figures into the card. The test part stays closed: ``evaluate`` opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from busi_viewer.core.ports import Services
from busi_viewer.workflow.analyse import Watcher
from busi_viewer.workflow.evaluate import card_figures, choose_samples, evaluate
from busi_viewer.workflow.models import record_metrics


def train(
    services: Services, watcher: Watcher, report: Callable[[Mapping[str, Any]], None], **options: Any
) -> dict[str, Any]:
    """Train with ``services.train(**options)``, then evaluate the part val of the data sets.

    Returns the training's summary with ``metrics``: {"val": figures with 95 % CI}.
    """
    summary = services.train(progress=report, **options)
    if "model" not in summary:  # no network: the descriptor model, judged by its own cross-validation
        return summary
    folder, split = Path(summary["model"]), Path(summary["split"])
    roots = [Path(path) for path in summary["data"]]
    engine = services.load_engine(str(folder), "auto")
    result, _ = evaluate(choose_samples(roots, split, "val"), services, engine, watcher)
    figures = card_figures(result)
    record_metrics(folder, "val", figures)
    return {**summary, "metrics": {"val": figures}}
