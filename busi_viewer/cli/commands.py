"""What each command does: it calls a workflow and says how that went."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from busi_viewer.cli import audit, cases, dicom, explaining, studies
from busi_viewer.cli.entry import DONE, FAILED, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services

Handler = Callable[[argparse.Namespace, "Services", Terminal], int]


def analyze(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Analyse files and folders."""
    from busi_viewer.workflow.analyse import Analysis, Outputs, gather
    from busi_viewer.workflow.export import write_json

    out: Path = arguments.out
    if out.exists() and not out.is_dir():
        raise UsageError("-o names a file, not a folder", path=out)
    items = gather(arguments.paths, recursive=arguments.recursive, read_directory=services.read_directory)
    if not items:
        raise UsageError(
            "no images to analyse in " + ", ".join(str(path) for path in arguments.paths),
            remedy="Give images or folders of images; --recursive also looks into sub-folders.",
        )
    wanted = {name: getattr(arguments, name) for name in ("png", "panels", "pdf", "seg", "sr", "overwrite", "template")}
    outputs = Outputs(out, **wanted)
    analysis = Analysis(outputs, services, lambda: services.load_engine(arguments.model, arguments.device), terminal)
    batch = analysis.run(items)
    if arguments.json:
        write_json(arguments.json, batch.as_json(), indent=1)
    if arguments.model and batch.skipped:
        made_by = ", ".join(f"{model} ({count})" for model, count in batch.models_skipped.items())
        terminal.say(f"notice: the results that existed are by {made_by}.")
    terminal.finish(
        f"{len(batch.done)} analysed, {len(batch.skipped)} skipped, {len(batch.failed)} failed; results in {out}"
    )
    return SOME_FAILED if batch.failed else DONE


def train(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Train a model."""
    from busi_viewer.workflow import train as workflow
    from busi_viewer.workflow.export import write_json

    if arguments.recipe is not None and not arguments.data:
        raise UsageError("--recipe needs --data", remedy="Name the folders to train on.")
    summary = workflow.train(
        services,
        terminal,
        terminal.training,
        recipe=arguments.recipe,
        job=arguments.job,
        data=arguments.data,
        out=arguments.out,
        split=arguments.split,
        resume=arguments.resume or None,
        epochs=arguments.epochs,
        encoder_weights=arguments.encoder_weights,
        name=arguments.name,
        members=tuple(arguments.members) if arguments.members else None,
        accelerator=arguments.accelerator,
        devices=arguments.devices,
        estimate=arguments.estimate or None,
        keep_epochs=tuple(arguments.keep_epochs) if arguments.keep_epochs else None,
        **studies.protocol(arguments),
    )
    if arguments.json:
        write_json(arguments.json, summary, indent=1)
    if arguments.estimate:
        terminal.clear()
        print(workflow.estimate_in_words(summary))
    else:
        terminal.finish(f"trained; the run is in {arguments.out}")
    return DONE


def bench(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Measure the speed."""
    from busi_viewer.workflow.export import write_json

    result = services.benchmark(progress=terminal.progress)
    terminal.clear()
    print(json.dumps(result, indent=1))
    if arguments.json:
        write_json(arguments.json, result, indent=1)
    return DONE


def doctor(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Say what this machine has and lacks."""
    from busi_viewer.workflow.doctor import examine
    from busi_viewer.workflow.export import write_json

    findings = examine(services)
    width = max(len(f.name) for f in findings)
    for finding in findings:
        print(f"{finding.status:<7} {finding.name:<{width}}  {finding.detail}")
        if finding.remedy:
            print(f"{'':<7} {'':<{width}}  → {finding.remedy}")
    usable = all(f.status != "missing" for f in findings)
    print("This machine can run busi_viewer." if usable else "Something essential is missing.")
    if arguments.json:
        content = {"schema": 1, "usable": usable, "findings": [f.as_json() for f in findings]}
        write_json(arguments.json, content, indent=1)
    return DONE if usable else FAILED


def demo(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Do the main job on the bundled sample."""
    from busi_viewer.workflow.demo import run_demo

    batch, reports = run_demo(arguments.out, arguments.device, services, terminal)
    terminal.finish(f"{len(batch.done)} analysed, {len(batch.failed)} failed; results in {arguments.out}")
    for report in reports:
        print(report)
    return SOME_FAILED if batch.failed else DONE


def models(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Everything about installed models."""
    if arguments.verb == "show" and (arguments.html or arguments.markdown):
        return studies.write_card(arguments, services)
    if arguments.verb == "verify" and arguments.heatmaps:
        code = _verify(arguments, terminal)
        return max(code, explaining.verify_heatmaps(arguments, services, terminal))
    return _MODEL_VERBS[arguments.verb](arguments, terminal)


def _list(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import models as registry

    found = registry.installed()
    active = registry.active() if found else None
    for model in found:
        mark = "*" if model.name == active else " "
        place = "bundled" if model.bundled else "installed"
        words = (mark, model.name, model.version or "–", place, model.sha256[:12] or "–", model.problem)
        print("  ".join(words).rstrip())
    if not found:
        print("No model is installed. Install one with: busi-viewer models install FOLDER")
    _write(arguments, {"active": active, "models": [_model_json(model, active) for model in found]})
    return DONE


def _model_json(model: Any, active: str | None) -> dict[str, Any]:
    return {
        "name": model.name,
        "version": model.version,
        "sha256": model.sha256,
        "bundled": model.bundled,
        "active": model.name == active,
        "folder": str(model.folder),
        "problem": model.problem or None,
    }


def _show(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import models as registry

    folder, card = registry.shown(arguments.names or None)
    print(json.dumps(card, indent=1, ensure_ascii=False))
    _write(arguments, {"folder": str(folder), "card": card})
    return DONE


def _export(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import model_file

    digest = model_file.export(arguments.names[0], arguments.out)
    print(f"{arguments.out} holds the model, SHA-256 {digest}")
    return DONE


def _install(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import model_file

    model = model_file.install(Path(arguments.names[0]))
    print(f"{model.name} {model.version} is installed. Use it with: busi-viewer models activate {model.name}")
    return DONE


def _verify(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import models as registry

    names: Sequence[str] = arguments.names or [model.name for model in registry.installed()]
    results = []
    for name in names:
        try:
            digest = registry.verify(registry.find(name).folder)
        except ModelError as error:
            terminal.error(str(error))
            results.append({"name": name, "good": False, "reason": str(error)})
        else:
            print(f"{name}: the weights match the card, SHA-256 {digest}")
            results.append({"name": name, "good": True, "reason": None})
    if not names:
        raise ModelError("no model is installed", remedy="Install one with: busi-viewer models install FOLDER")
    _write(arguments, {"models": results})
    return DONE if all(result["good"] for result in results) else SOME_FAILED


def _activate(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import models as registry

    model = registry.activate(arguments.names[0])
    print(f"{model.name} {model.version} is the active model.")
    return DONE


def _rollback(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from busi_viewer.workflow import models as registry

    print(f"{registry.rollback()} is the active model again.")
    return DONE


def _write(arguments: argparse.Namespace, content: Mapping[str, Any]) -> None:
    from busi_viewer.workflow.export import write_json

    if arguments.json:
        write_json(arguments.json, {"schema": 1, **content}, indent=1)


_MODEL_VERBS: dict[str, Callable[[argparse.Namespace, Terminal], int]] = {
    "list": _list,
    "show": _show,
    "install": _install,
    "export": _export,
    "verify": _verify,
    "activate": _activate,
    "rollback": _rollback,
}

HANDLERS: dict[str, Handler] = {
    "analyze": analyze,
    "audit-data": audit.audit_data,
    "evaluate": studies.evaluate,
    "train": train,
    "recipes": studies.recipes,
    "crossval": studies.crossval,
    "tune": studies.tune,
    "compare": studies.compare,
    "epochs": explaining.epochs,
    "cases": cases.cases,
    "models": models,
    "dicom": dicom.dicom,
    "bench": bench,
    "doctor": doctor,
    "demo": demo,
}
