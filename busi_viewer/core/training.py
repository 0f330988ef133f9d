"""A training run as others see it: what lies in its folder, and what its progress file tells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PROGRESS = "progress.jsonl"
"""One JSON object a line, appended by the run: schema, time (UTC), event, and what the event says."""
CONTROL = "control"
"""Holds the last word said to the run."""
GO, PAUSE, STOP = "go", "pause", "stop"
SUMMARY = "summary.json"
"""Written last of all: the run is complete."""
LOG = "log.txt"
"""What the run's process said."""
VALIDATION, TEST = "validation", "test"
"""The folders of the studies of the run's validation part and of its locked test."""
SAMPLES, IMAGES, PREDICTIONS = "samples", "images.json", "predictions.json"
"""The folder of sample predictions, the list of its images, and in each ``epoch-N`` what was predicted."""


@dataclass(frozen=True)
class Progress:
    """What a run has told so far. ``epochs`` are its epoch events, oldest first; ``step`` of ``steps`` optimiser steps.

    ``stage`` is the last event's name. ``seconds_left`` is from the pace of this process's steps, None while unknown.
    ``told`` are all events but the steps, oldest first.
    """

    stage: str = ""
    images: int = 0
    step: int = 0
    steps: int = 0
    epochs: tuple[Mapping[str, Any], ...] = ()
    seconds_left: float | None = None
    told: tuple[Mapping[str, Any], ...] = ()


def read_events(path: Path) -> list[dict[str, Any]]:
    """What a progress file tells, oldest first; one that is not there yet tells nothing. A line still being written is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("schema") == 1:
            events.append(event)
    return events


def read_progress(path: Path) -> Progress:
    """Read a run's progress file (:func:`read_events`)."""
    return summarise(read_events(path))


def summarise(events: Sequence[Mapping[str, Any]]) -> Progress:
    """The events of a run, oldest first, as one Progress."""
    steps = [e for e in events if e.get("event") == "step"]
    last = steps[-1] if steps else {}
    images = next((int(e["images"]) for e in reversed(events) if e.get("event") == "data"), 0)
    epochs: dict[int, Mapping[str, Any]] = {int(e["epoch"]): e for e in events if e.get("event") == "epoch"}
    return Progress(
        stage=str(events[-1].get("event", "")) if events else "",
        images=images,
        step=int(last.get("step", 0)),
        steps=int(last.get("of", 0)),
        epochs=tuple(epochs[number] for number in sorted(epochs)),
        seconds_left=_seconds_left(events),
        told=tuple(e for e in events if e.get("event") != "step"),
    )


def _seconds_left(events: Sequence[Mapping[str, Any]]) -> float | None:
    """What is left at the pace of the steps since the run began, went on, or was paused last."""
    start = max((i for i, e in enumerate(events) if e.get("event") in ("data", "resumed")), default=0)
    steps = [e for e in events[start:] if e.get("event") == "step"]
    if len(steps) < 2:
        return None
    first, last = steps[0], steps[-1]
    seconds = (datetime.fromisoformat(last["time"]) - datetime.fromisoformat(first["time"])).total_seconds()
    done = last["step"] - first["step"]
    return (last["of"] - last["step"]) * seconds / done if done > 0 and seconds > 0 else None
