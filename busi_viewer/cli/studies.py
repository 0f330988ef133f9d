"""The commands that measure models: evaluate, compare, crossval, tune, and the page of a model's card."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from busi_viewer.cli.entry import DONE, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import UsageError

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services


def evaluate(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Measure a model on labelled images."""
    from busi_viewer.workflow import evaluate as workflow
    from busi_viewer.workflow.export import write_json
    from busi_viewer.workflow.models import record_metrics, resolve

    if (arguments.split is None) != (arguments.part is None):
        raise UsageError("--split and --part belong together")
    _is_no_file(arguments.out)
    samples = workflow.choose_samples(arguments.data, arguments.split, arguments.part)
    engine = services.load_engine(arguments.model, arguments.device)
    study = workflow.examine(samples, services, engine, terminal)
    result = workflow.summarise(study.cases, study.failures, engine.model, engine.device)
    result["data"]["split"] = arguments.split.name if arguments.split else None
    result["data"]["part"] = arguments.part
    write_json(arguments.json, result, indent=1)
    if arguments.out:
        workflow.write_study(arguments.out, study, result, services, engine, terminal)
    if arguments.record:
        record_metrics(resolve(arguments.model), arguments.record, workflow.card_figures(result))
    places = " and ".join(str(place) for place in (arguments.json, arguments.out) if place)
    terminal.finish(f"{result['n']} images evaluated, {len(study.failures)} failed; figures in {places}")
    if sys.stdout.isatty():
        print(table_of(result))
    return SOME_FAILED if study.failures else DONE


def _also(path: Path | None, result: Mapping[str, Any]) -> None:
    from busi_viewer.workflow.export import write_json

    if path:
        write_json(path, result, indent=1)


def _is_no_file(out: Path | None) -> None:
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError("-o names a file, not a folder", path=out)


def table_of(result: Mapping[str, Any]) -> str:
    """The main figures of an evaluation for reading: figure, 95 % interval, n."""
    from busi_viewer.core.breakdown import filled

    whole = filled(result)
    outlines, classes = whole["segmentation"], whole["classification"]
    n = {name: entry["n"] for name, entry in classes["per_class"].items()}
    rows = (
        ("lesion Dice", outlines, "dice", outlines["n_lesion"]),
        ("lesion recall", outlines, "lesion_recall", outlines["n_lesion"]),
        ("false alarms on normal", outlines, "false_alarm_rate_normal", outlines["n_normal"]),
        ("AUC malignant vs rest", classes, "auc_malignant_vs_rest", classes["n"]),
        ("AUC malignant vs benign", classes, "auc_malignant_vs_benign", n["benign"] + n["malignant"]),
        ("sensitivity malignant", classes, "sensitivity_malignant", n["malignant"]),
        ("specificity malignant", classes, "specificity_malignant", n["normal"] + n["benign"]),
        ("macro F1", classes, "macro_f1", classes["n"]),
    )
    lines = [f"{'figure':<26}{'value':>8}  {'95 % CI':<16}{'n':>6}"]
    for name, section, key, count in rows:
        entry = section[key]
        if isinstance(entry, Mapping):
            value, ci95 = entry.get("value", entry.get("mean")), entry["ci95"]
        else:
            value, ci95 = entry, section[f"{key}_ci95"]
        interval = "–".join(f"{v:.3f}" for v in ci95) if ci95 else "–"
        lines.append(f"{name:<26}{'–' if value is None else f'{value:.3f}':>8}  {interval:<16}{count:>6}")
    sets = ", ".join(f"{s['name']} ({s['n']})" for s in result["data"]["sets"])
    return "\n".join([*lines, f"data: {sets}", f"model: {result['model']['name']} {result['model']['version']}"])


def compare(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Compare evaluated models on the images they have in common."""
    from busi_viewer.workflow import compare as workflow

    _is_no_file(arguments.out)
    result = workflow.compare(arguments.runs, arguments.out, services)
    _also(arguments.json, result)
    terminal.finish(
        f"{len(result['runs'])} runs compared on {result['common']['n']} common images; results in {arguments.out}"
    )
    if sys.stdout.isatty():
        print(workflow.lines(result))
    return DONE


def crossval(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Train and evaluate once a fold."""
    from busi_viewer.workflow import crossval as workflow

    if arguments.recipe is not None and not arguments.data:
        raise UsageError("--recipe needs --data", remedy="Name the folders to train on.")
    _is_no_file(arguments.out)
    plan = workflow.Plan(
        out=arguments.out,
        data=tuple(arguments.data),
        folds=arguments.folds,
        resume=arguments.resume,
        training={"devices": arguments.devices, **_training(arguments)},
        split=arguments.split,
    )
    result = workflow.crossval(plan, services, terminal, terminal.training)
    _also(arguments.json, result)
    terminal.finish(f"{result['n']} images evaluated out of {arguments.folds} folds; results in {arguments.out}")
    if sys.stdout.isatty():
        print(table_of(result))
    return SOME_FAILED if result["failures"] else DONE


def tune(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Search hyperparameters, or help a search that others work on."""
    from busi_viewer.workflow import tune as workflow

    if arguments.recipe is not None and not arguments.data:
        raise UsageError("--recipe needs --data", remedy="Name the folders to train on.")
    _is_no_file(arguments.out)

    def report(event: Mapping[str, Any]) -> None:
        if event.get("event") == "step":
            terminal.progress(f"trial {event['trial']}, epoch {event['epoch']}", event["step"] / max(event["of"], 1))

    result = workflow.tune(
        services,
        report,
        arguments.out,
        data=tuple(arguments.data),
        trials=arguments.trials,
        storage=arguments.storage,
        as_grid=arguments.grid,
        split=arguments.split,
        name=arguments.name,
        **_training(arguments),
    )
    _also(arguments.json, result)
    best, failed = result["best"], sum(row["state"] == "failed" for row in result["trials"])
    terminal.finish(
        f"{len(result['trials'])} trials, {failed} failed; the best is {best['trial']} with {best['score']:.4f} on validation; "
        f"train it with: busi-viewer train --job {arguments.out / workflow.BEST_JOB} -o DIR"
    )
    if sys.stdout.isatty():
        print(workflow.lines(result))
    return SOME_FAILED if failed else DONE


def _training(arguments: argparse.Namespace) -> dict[str, Any]:
    """What crossval and tune hand on to each training."""
    return {
        "recipe": arguments.recipe,
        "job": arguments.job,
        "epochs": arguments.epochs,
        "encoder_weights": arguments.encoder_weights,
        "accelerator": arguments.accelerator,
        "members": tuple(arguments.members) if arguments.members else None,
        **protocol(arguments),
    }


def protocol(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of a training's start and protocol; None for those not given, so that a job file's stay."""
    from busi_viewer.workflow.models import resolve

    return {
        "start_from": resolve(arguments.start_from) if arguments.start_from else None,
        "settings": dict(arguments.settings) or None,
        "from_scratch": arguments.from_scratch or None,
        "protocol": "paper" if arguments.protocol == "paper" else None,
    }


def recipes(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """List what can be trained, or show one recipe with all its settings."""
    from busi_viewer.workflow.export import write_bytes
    from busi_viewer.workflow.recipes import lines, markdown

    terminal.progress("counting parameters", 0.0)
    found = services.recipes(arguments.name)
    terminal.clear()
    _also(arguments.json, {"schema": 1, "recipes": found})
    if arguments.markdown:
        write_bytes(arguments.markdown, markdown(found).encode("utf-8"))
    print(lines(found) if arguments.name is None else json.dumps(found[0], indent=1, ensure_ascii=False))
    return DONE


def write_card(arguments: argparse.Namespace, services: Services) -> int:
    """Write a model's card as a page or as Markdown."""
    from busi_viewer.workflow import models
    from busi_viewer.workflow.export import write_bytes, write_json

    folder, card = models.shown(arguments.names or None)
    pages = services.study_pages()
    for path, make in ((arguments.html, pages.card), (arguments.markdown, pages.card_markdown)):
        if path:
            write_bytes(path, make(card).encode("utf-8"))
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "folder": str(folder), "card": card}, indent=1)
    return DONE
