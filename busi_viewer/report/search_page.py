"""The page of a hyperparameter search: the best values, the course of the search, what mattered, and every trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from busi_viewer.report import page as p
from busi_viewer.report import plots
from busi_viewer.report import study_parts as parts

_NOTE = (
    "Every score is measured on the part val, which has chosen the values: it is no estimate of how good the model is. The part "
    "test was not read. Train the best job, then evaluate it on the part test, once."
)


def search_page(result: Mapping[str, Any]) -> str:
    """The whole file. ``result`` is the JSON of ``tune``."""
    trials, best = result["trials"], result["best"]
    states = {state: sum(row["state"] == state for row in trials) for state in ("complete", "pruned", "failed")}
    tiles = [(len(trials), "trials"), *((count, state) for state, count in states.items() if count)]
    sections = [
        p.tiles([*tiles, (best["score"], "best score on validation")]),
        p.section("Best values", _best(result), note=_NOTE),
        p.section("Course", parts.row(_plots(result))),
        p.section("Trials", _trials(result)),
        p.section("How it was searched", _basis(result)),
    ]
    return p.page(f"Search: {result['recipe']}", sections, subtitle=f"{', '.join(result['data']['sets'])}")


def _best(result: Mapping[str, Any]) -> p.Markup:
    best = result["best"]
    rows = [(p.code(name), _short(value)) for name, value in best["parameters"].items()]
    words = f"Trial {best['trial']}, epoch {best['epoch']}. Train it with: busi-viewer train --job best_job.json -o DIR"
    return p.join([p.table(("field", "value"), rows, numeric=(1,)), p.paragraph(words)])


def _plots(result: Mapping[str, Any]) -> list[p.Markup]:
    rows = [row for row in result["trials"] if row["score"] is not None]
    numbers = np.array([row["trial"] for row in rows], dtype=np.float64)
    scores = np.array([row["score"] for row in rows], dtype=np.float64)
    complete = np.array([row["state"] == "complete" for row in rows])
    made = [
        parts.figure_plot(
            plots.search_history(numbers, scores, complete), "Best score of each trial; the line is the best so far."
        )
    ]
    if result["importances"]:
        caption = "Share of the scores' variance that a field explains (fANOVA), finished trials only."
        made.append(parts.figure_plot(plots.shares(result["importances"]), caption))
    return made


def _trials(result: Mapping[str, Any]) -> p.Markup:
    names = list(result["space"])
    rows = [
        (
            row["trial"],
            p.badge(row["state"], "warn" if row["state"] == "failed" else "note"),
            row["score"],
            row["epochs"],
            *(_short(row["parameters"].get(name)) for name in names),
            None if row["seconds"] is None else f"{row['seconds']:.0f} s",
            row["problem"] or ("" if row["attempts"] == 1 else f"begun {row['attempts']} times"),
        )
        for row in sorted(result["trials"], key=lambda row: -(row["score"] or 0.0))
    ]
    head = ("trial", "state", "score", "epochs", *names, "time", "")
    return p.table(head, rows, numeric=range(4, 5 + len(names)))


def _basis(result: Mapping[str, Any]) -> p.Markup:
    images = result["data"]["images"]
    space = [(p.code(name), _words(parameter)) for name, parameter in result["space"].items()]
    held = ", ".join(f"{name} = {_short(value)}" for name, value in result["settings"].items())
    facts: list[tuple[str, p.Cell]] = [
        ("score", result["objective"]),
        ("sampler", result["sampler"]),
        ("pruning", "median of the other trials at the same epoch" if result["pruner"] == "median" else "none"),
        ("images", f"{images['train']:,} to train on, {images['val']:,} to validate on"),
        ("held during the search", held or None),
    ]
    return p.join([p.table(("field", "searched over"), space), p.facts(facts)])


def _words(parameter: Mapping[str, Any]) -> str:
    if parameter["kind"] == "choice":
        return ", ".join(_short(value) for value in parameter["values"])
    scale = ", logarithmic" if parameter["log"] else ""
    return f"{_short(parameter['low'])} to {_short(parameter['high'])}{scale}"


def _short(value: Any) -> str:
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
