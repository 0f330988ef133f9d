"""A training run as others see it: what lies in its folder, and what its progress file tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from busi_viewer.core.errors import Cancelled

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


KEPT = "epochs"
"""The folder of the weights kept after chosen epochs, each a model's folder ``epoch-N``."""
EVERY_S = 0.5
"""How often CONTROL is looked at."""


def obey(folder: Path, report: Callable[[dict[str, Any]], object]) -> None:
    """Do what CONTROL in a run's folder says: wait while it is PAUSE, raise Cancelled at STOP.

    ``report`` hears {"event": "paused"}, {"event": "resumed"} and {"event": "stopped"}.
    """
    paused = False
    while (word := said_to(folder)) == PAUSE:
        if not paused:
            report({"event": "paused"})
        paused = True
        time.sleep(EVERY_S)
    if word == STOP:
        report({"event": "stopped"})
        raise Cancelled
    if paused:
        report({"event": "resumed"})


def setting(text: str) -> tuple[str, object]:
    """``key=value`` of a recipe; the value is JSON where it can be read as such, else the text itself. Raises ValueError."""
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise ValueError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def said_to(folder: Path) -> str:
    """The last word said to the run in a folder."""
    try:
        return (folder / CONTROL).read_text(encoding="utf-8").strip()
    except OSError:
        return GO


def append_event(path: Path, event: Mapping[str, Any]) -> None:
    """Add an event to a progress file, with schema and time (UTC)."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"schema": 1, "time": now, **event}) + "\n")


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


def seconds_left_of_parts(events: Sequence[Mapping[str, Any]], part: str, parts: int) -> float | None:
    """What is left of ``parts`` trials or folds, at the mean time of those that have ended; None before the first has.

    ``part`` is the key that numbers them, and the event that begins one; its end is told by ``part_end``.
    """
    began: dict[int, datetime] = {}
    took: dict[int, float] = {}
    for event in events:
        number, kind = event.get(part), event.get("event")
        if kind == part:
            began[int(number or 0)] = datetime.fromisoformat(event["time"])
        elif kind == f"{part}_end" and number in began:
            took[number] = (datetime.fromisoformat(event["time"]) - began[number]).total_seconds()
    if not took:
        return None
    mean = sum(took.values()) / len(took)
    running = [began[number] for number in began if number not in took]
    spent = (datetime.fromisoformat(events[-1]["time"]) - running[-1]).total_seconds() if running else 0.0
    return max(0.0, mean * (parts - len(took)) - min(spent, mean))
