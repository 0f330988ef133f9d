"""Train a model, then open the locked test part once and write its figures into the card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from busi_viewer.core.dataset import Sample
from busi_viewer.core.ports import Services
from busi_viewer.workflow.analyse import Watcher
from busi_viewer.workflow.evaluate import choose_samples, evaluate
from busi_viewer.workflow.models import record_metrics

_FIGURES = {
    "segmentation": ("dice", "iou", "lesion_recall", "false_alarm_rate_normal"),
    "classification": (
        "accuracy",
        "macro_f1",
        "auc_malignant_vs_rest",
        "auc_malignant_vs_benign",
        "sensitivity_malignant",
        "specificity_malignant",
        "ece",
        "brier",
    ),
}


def train(
    services: Services, watcher: Watcher, report: Callable[[Mapping[str, Any]], None], **options: Any
) -> dict[str, Any]:
    """Train with ``services.train(**options)``, then evaluate the parts val and test of each data set.

    Returns the training's summary with ``metrics``: {part: {data set: figures with 95 % CI}}.
    """
    summary = services.train(progress=report, **options)
    folder, split = Path(summary["model"]), Path(summary["split"])
    roots = [Path(path) for path in summary["data"]]
    metrics = {}
    for part in ("val", "test"):
        samples = choose_samples(roots, split, part)
        metrics[part] = by_set(samples, services, str(folder), watcher)
        record_metrics(folder, part, metrics[part])
    return {**summary, "metrics": metrics}


def by_set(samples: Sequence[Sample], services: Services, model: str | None, watcher: Watcher) -> dict[str, Any]:
    """The headline figures of each data set among ``samples``."""
    engine = services.load_engine(model, "auto")
    sets: dict[str, list[Sample]] = {}
    for sample in samples:
        sets.setdefault(sample.id.split("/")[0], []).append(sample)
    return {name: headline(evaluate(members, services, engine, watcher)[0]) for name, members in sorted(sets.items())}


def headline(result: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of an evaluation that a card shows, each with its confidence interval."""
    figures: dict[str, Any] = {"n": result["n"], "by_class": result["by_class"]}
    for section, names in _FIGURES.items():
        figures |= {name: result[section][name] for name in names}
        figures |= {
            f"{name}_ci95": result[section][f"{name}_ci95"] for name in names if f"{name}_ci95" in result[section]
        }
    figures["coverage"] = result["selective"]["coverage"]
    return figures
