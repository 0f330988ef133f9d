"""Times, sizes and states of runs in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

STATES = {"running": "Running", "paused": "Paused", "stopped": "Stopped", "broken": "Broken off", "done": "Finished"}
STATE_ICONS = {
    "running": ("play", "accent"),
    "paused": ("pause", "warn"),
    "stopped": ("circle", "text3"),
    "broken": ("triangle-alert", "error"),
    "done": ("circle-check", "accent"),
}


def duration(seconds: float) -> str:
    """``95`` → "1 min 35 s"; never finer than a tenth of a second."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60) if seconds >= 600 else int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min" if seconds >= 600 else f"{minutes} min {seconds % 60:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: float) -> str:
    """Bytes, in MiB or GiB."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def figure(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def log_line(event: Mapping[str, Any], best: bool) -> str:
    """An event of a run as one line of its log; empty for those that say nothing to a reader."""
    try:
        when = datetime.fromisoformat(str(event["time"])).astimezone().strftime("%H:%M:%S")
    except (KeyError, ValueError):
        when = "--:--:--"
    said = _said(event, best)
    return f"{when}  {said}" if said else ""


def _said(event: Mapping[str, Any], best: bool) -> str:
    kind = event.get("event")
    if kind == "epoch":
        parts = [f"epoch {event['epoch']}"]
        for words, key in (
            *(("loss", "train_loss"), ("val loss", "val_loss"), ("dice", "val_dice"), ("iou", "val_iou")),
            *(("accuracy", "val_accuracy"), ("auc", "val_auc_malignant")),
        ):
            if event.get(key) is not None:
                parts.append(f"{words} {event[key]:.3f}")
        return "  ".join(parts) + ("  best so far, kept" if best else "")
    return {
        "data": f"{event.get('images', 0):,} images in the data",
        "paused": "paused",
        "resumed": "goes on",
        "calibrating": "calibrating on validation",
        "done": "model written",
        "stage": f"stage: {event.get('stage', '')}",
        "out_of_memory": f"out of memory at batch {event.get('batch')}, goes on with {event.get('now')} at a time",
    }.get(str(kind), "")
