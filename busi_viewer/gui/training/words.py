"""Times, sizes and states of runs in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from busi_viewer.gui.language import number, tr
from busi_viewer.workflow.training_runs import Run

STATES = {"running": "Running", "paused": "Paused", "stopped": "Stopped", "broken": "Broken off", "done": "Finished"}
STATE_ICONS = {
    "running": ("play", "accent"),
    "paused": ("pause", "warn"),
    "stopped": ("circle", "text3"),
    "broken": ("triangle-alert", "error"),
    "done": ("circle-check", "accent"),
}

STARTED = "It starts from the active model, which may have learnt from images it is judged on here: its figures may be too good."
LOGGED = {
    "loss": "train_loss",
    "val loss": "val_loss",
    "dice": "val_dice",
    "iou": "val_iou",
    "accuracy": "val_accuracy",
    "auc": "val_auc_malignant",
}
"""The figures of an epoch in the log, in words, and the event's keys."""


def duration(seconds: float) -> str:
    """``95`` → "1 min 35 s"; never finer than a tenth of a second."""
    if seconds < 10:
        return tr("{seconds:.1f} s", seconds=seconds)
    if seconds < 60:
        return tr("{seconds:.0f} s", seconds=seconds)
    minutes = round(seconds / 60) if seconds >= 600 else int(seconds // 60)
    if minutes < 60:
        tail = tr("{seconds:.0f} s", seconds=seconds % 60) if seconds < 600 else ""
        return " ".join(part for part in (tr("{min} min", min=minutes), tail) if part)
    return tr("{h} h {min} min", h=minutes // 60, min=minutes % 60)


def epochs_in_words(run: Run) -> str:
    """``epoch 3 of 20``."""
    done = len(run.progress.epochs)
    of = next((epoch.get("of") for epoch in reversed(run.progress.epochs) if epoch.get("of")), None)
    return tr("epoch {n} of {of}", n=done, of=of) if of else tr("epoch {n}", n=done)


def images_in_words(count: int, left_out: int) -> str:
    """``2,116 images, 13 left out``."""
    return tr("{n:,} images, {out:,} left out", n=count, out=left_out)


def parts_in_words(counts: Mapping[str, int]) -> str:
    """``1,472 / 316 / 315``: images to train on, to validate on and to test."""
    return " / ".join(number(counts.get(part, 0), ",d") for part in ("train", "val", "test"))


def size(count: float) -> str:
    """Bytes, in MiB or GiB."""
    if count >= 2**30:
        return tr("{gib:.1f} GiB", gib=count / 2**30)
    return tr("{mib:.0f} MiB", mib=count / 2**20)


def figure(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else number(value, f".{digits}f")


def log_line(event: Mapping[str, Any], best: bool) -> str:
    """An event of a run as one line of its log; empty for those that say nothing to a reader."""
    try:
        when = datetime.fromisoformat(str(event["time"])).astimezone().strftime("%H:%M:%S")
    except (KeyError, ValueError):
        when = "--:--:--"
    words = _words(event, best)
    return f"{when}  {words}" if words else ""


def _words(event: Mapping[str, Any], best: bool) -> str:
    kind = event.get("event")
    if kind == "epoch":
        parts = [tr("epoch {n}", n=event["epoch"])]
        for words, key in LOGGED.items():
            if event.get(key) is not None:
                parts.append(f"{tr(words)} {figure(event[key])}")
        return "  ".join((*parts, tr("best so far, kept")) if best else parts)
    batch, now = event.get("batch"), event.get("now")
    return {
        "data": tr("{n:,} images in the data", n=event.get("images", 0)),
        "paused": tr("paused"),
        "resumed": tr("goes on"),
        "stopped": tr("stopped"),
        "calibrating": tr("calibrating on validation"),
        "done": tr("model written"),
        "stage": tr("stage: {stage}", stage=event.get("stage", "")),
        "out_of_memory": tr("out of memory at batch {batch}, goes on with {now} at a time", batch=batch, now=now),
    }.get(str(kind), "")
