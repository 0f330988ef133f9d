"""From a finished run to the active model: the locked test opened once, a paired comparison, a verdict, promotion.

In the run's folder: ``test.json`` (when the locked test was opened, and against which model), ``test/run``, ``test/active`` (the
two studies) and ``test/comparison``. The card of the promoted model keeps all of it under ``promotion``.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from busi_viewer.core.dataset import load_split
from busi_viewer.core.errors import DataSetError, ModelError, UsageError
from busi_viewer.core.ports import CancelToken, Services
from busi_viewer.core.training import TEST
from busi_viewer.workflow import models, own_process
from busi_viewer.workflow.compare import COMPARISON, compare
from busi_viewer.workflow.evaluate import RESULT
from busi_viewer.workflow.export import write_json
from busi_viewer.workflow.models import CARD, Installed
from busi_viewer.workflow.training_runs import Run

OPENED = "test.json"
HEADLINE = {
    "dice": "Dice",
    "auc_malignant_vs_rest": "AUC, malignant",
    "sensitivity_malignant": "Sensitivity",
    "specificity_malignant": "Specificity",
    "false_alarm_rate_normal": "False alarms on normal",
}
"""The figures that decide, as ``core.paired`` names them, and in words."""
LOWER_IS_BETTER = frozenset({"false_alarm_rate_normal"})
POINT = ("dice", "auc_malignant_vs_rest")
"""Of these a lower value counts even where chance may explain it."""


@dataclass(frozen=True)
class Tested:
    """What the locked test said. ``opened``: when (UTC), and the active model then; ``comparison`` is that of ``compare``."""

    folder: Path
    opened: Mapping[str, Any]
    comparison: Mapping[str, Any]

    @property
    def differences(self) -> Mapping[str, Any]:
        """Run − active model of each figure, with intervals."""
        found: Mapping[str, Any] = self.comparison["pairs"][0]["differences"]
        return found

    @property
    def mcnemar(self) -> Mapping[str, Any]:
        """McNemar's tests between the two."""
        found: Mapping[str, Any] = self.comparison["pairs"][0]["mcnemar"]
        return found

    def page(self) -> Path:
        """The comparison to read."""
        return self.folder / TEST / "comparison" / "index.html"


def tested(run: Run) -> Tested | None:
    """What the run's locked test said, or None where it is not open or not finished."""
    try:
        opened = json.loads((run.folder / OPENED).read_text(encoding="utf-8"))
        comparison = json.loads((run.folder / TEST / "comparison" / COMPARISON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Tested(run.folder, opened, comparison)


def was_opened(run: Run) -> bool:
    """Whether the run's locked test was opened, finished or not."""
    return (run.folder / OPENED).exists()


def open_test(run: Run, services: Services, told: Callable[[str, float], None], cancel: CancelToken) -> Tested:
    """Evaluate the run's model and the active one on the part test, each in a process of its own, and compare them.

    The opening is noted first, and once: what was opened already is finished (if it was broken off) with the model that was
    active then, or read. Raises UsageError for an unfinished run, DataSetError, ModelError, OutputError, Cancelled.
    """
    if run.summary is None or run.model is None:
        raise UsageError("the run is not finished", path=run.folder, remedy="Wait for it, or let it go on.")
    known = tested(run)
    if known is not None:
        return known
    held = [name for name, part in load_split(Path(run.summary["split"])).items() if part == "test"]
    if not held:
        raise DataSetError(
            "the split has no test part", path=run.summary["split"], remedy="Train with a split that holds one."
        )
    opened = _open(run, len(held))
    place = run.folder / TEST
    for number, (name, model) in enumerate((("run", str(run.model)), ("active", opened["active"]["folder"]))):
        told("evaluating this run" if name == "run" else "evaluating the active model", number / 2)
        if not (place / name / RESULT).exists():
            _evaluate(run.summary, model, place / name, cancel)
    told("comparing", 0.95)
    comparison = compare([place / "run", place / "active"], place / "comparison", services)
    return Tested(run.folder, opened, comparison)


def _open(run: Run, images: int) -> dict[str, Any]:
    """Note that the locked test is opened now, or what was noted when it was."""
    path = run.folder / OPENED
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        active = models.find(models.active())
        models.verify(active.folder)
        known = {
            "schema": 1,
            "opened": datetime.now(UTC).isoformat(timespec="seconds"),
            "images": images,
            "model_sha256": models.read_card(run.folder / "model")["sha256"],
            "active": {
                "name": active.name,
                "version": active.version,
                "sha256": active.sha256,
                "folder": str(active.folder),
            },
            "same_split": _same_split(run, active),
        }
        write_json(path, known, indent=1)
    return known


def _same_split(run: Run, active: Installed) -> bool:
    """Whether the active model was trained with this very split, so that it has not seen the test part."""
    own = models.read_card(run.folder / "model").get("training", {}).get("split_sha256")
    return own is not None and own == active.card.get("training", {}).get("split_sha256")


def _evaluate(summary: Mapping[str, Any], model: str, out: Path, cancel: CancelToken) -> None:
    words = ["evaluate", "--data", *summary["data"], "--model", model, "--split", summary["split"], "--part", "test"]
    own_process.run([*words, "-o", str(out), "--json", str(out.with_suffix(".json"))], cancel)


def worse(found: Tested) -> list[str]:
    """In words, where the run's model is worse than the one it was compared with; empty if nowhere.

    A headline figure whose 95 % interval lies on the bad side of zero, or a lower Dice or AUC.
    """
    reasons = []
    for name, title in HEADLINE.items():
        entry = found.differences.get(name)
        if entry is None or entry["difference"] is None:
            continue
        sign = -1 if name in LOWER_IS_BETTER else 1
        interval = entry["ci95"]
        if interval is not None and max(sign * end for end in interval) < 0:
            low, high = interval
            reasons.append(
                f"{title} is worse by more than chance ({entry['difference']:+.3f}, {low:+.3f} to {high:+.3f})"
            )
        elif name in POINT and entry["difference"] < 0:
            reasons.append(f"{title} is lower ({entry['difference']:+.3f})")
    return reasons


def promote(run: Run, name: str, reason: str) -> Installed:
    """Install the run's model as ``name`` with all that is known of it in its card, and make it the active one.

    Raises UsageError where the locked test was not opened or a worse model comes without a reason, ModelError.
    """
    found = tested(run)
    if found is None or run.model is None:
        raise UsageError("the run was not compared with the active model", remedy="Open the locked test first.")
    faults = worse(found)
    if faults and not reason.strip():
        raise UsageError("a worse model needs a reason: " + "; ".join(faults), remedy="Write down why.")
    with tempfile.TemporaryDirectory(prefix="busi-viewer-promote-") as temporary:
        folder = Path(temporary) / "model"
        shutil.copytree(run.model, folder)
        _write_card(folder, name, found, faults, reason.strip())
        installed = models.install(folder)
    return models.activate(installed.name)


def _write_card(folder: Path, name: str, found: Tested, faults: Sequence[str], reason: str) -> None:
    card = models.read_card(folder)
    card["name"] = name
    figures = found.comparison["runs"][0]["figures"]
    card["metrics"] = {**card.get("metrics", {}), "test": {"all": figures}}
    card["promotion"] = {
        "promoted": datetime.now(UTC).isoformat(timespec="seconds"),
        "test_opened": found.opened["opened"],
        "images": found.comparison["common"]["n"],
        "compared_with": {key: found.opened["active"][key] for key in ("name", "version", "sha256")},
        "same_split": found.opened["same_split"],
        "differences": {key: found.differences[key] for key in HEADLINE if key in found.differences},
        "mcnemar": dict(found.mcnemar),
        "worse": list(faults),
        "reason": reason,
    }
    path = folder / CARD
    fresh = path.with_name(CARD + ".part")
    try:
        fresh.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise ModelError(f"the model's card cannot be written ({error.strerror})", path=path) from error
