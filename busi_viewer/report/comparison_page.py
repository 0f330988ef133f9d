"""The page of a comparison: figures of each model, differences with intervals, McNemar's tests, ROC and Dice side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from busi_viewer.core.cases import Case
from busi_viewer.core.curves import malignant_scores, roc
from busi_viewer.report import page as p
from busi_viewer.report import plots
from busi_viewer.report import study_parts as parts

_TESTS = {
    "correct_class": "leading class right, all labelled images",
    "malignant_detected": "above its operating point, malignant images",
    "other_spared": "below its operating point, other images",
}
_CHANGES = 10
"""So many images with the largest change of Dice are listed each way."""


def comparison_page(result: Mapping[str, Any], runs: Sequence[Sequence[Case]]) -> str:
    """The whole file. ``result`` is the JSON of ``compare``; ``runs`` holds each run's cases, in the same order of images."""
    common = result["common"]
    where = ", ".join(f"{entry['name']} ({entry['n']:,})" for entry in common["sets"])
    sections = [
        p.section("Figures", _figures(result), note=parts.CI_NOTE),
        p.section("ROC and Dice", _plots(result, runs, where)),
    ]
    for pair, (first, second) in zip(result["pairs"], combinations(runs, 2), strict=True):
        sections.append(p.section(f"{pair['first']} − {pair['second']}", _pair(pair, first, second), note=_PAIR_NOTE))
    sections.append(p.section("What was compared", _basis(result)))
    return p.page(
        "Comparison",
        sections,
        subtitle=f"{len(result['runs'])} models on {common['n']:,} common images: {where}",
    )


_PAIR_NOTE = (
    "Differences with 95 % intervals and p from the same resamples of patients and near-duplicate groups for both models. "
    "McNemar's exact test takes images for independent, which images of one patient are not: where it and the grouped resampling "
    "disagree, believe the latter. No correction for the number of tests."
)


def _figures(result: Mapping[str, Any]) -> p.Markup:
    head, rows = parts.figures_by_set({run["name"]: run["figures"] for run in result["runs"]})
    return p.table(head, rows)


def _plots(result: Mapping[str, Any], runs: Sequence[Sequence[Case]], where: str) -> p.Markup:
    curves = []
    for run, cases in zip(result["runs"], runs, strict=True):
        x, y = roc(*malignant_scores(cases))
        sensitivity, specificity = (run["figures"][f"{name}_malignant"] for name in ("sensitivity", "specificity"))
        if len(x):
            at = None if sensitivity is None or specificity is None else (1 - specificity, sensitivity)
            area = parts.number(run["figures"]["auc_malignant_vs_rest"]["value"], 3)
            curves.append(plots.Curve(f"{run['name']}, AUC {area}", x, y, at))
    made = []
    if curves:
        caption = f"ROC, malignant against the rest, with the operating points. {where}."
        made.append(parts.figure_plot(plots.roc(curves), caption))
    for i, j in combinations(range(len(runs)), 2):
        first, second = (_dice(runs[k]) for k in (i, j))
        names = result["runs"][i]["name"], result["runs"][j]["name"]
        known = ~np.isnan(first) & ~np.isnan(second)
        if known.any():
            caption = f"Dice of each image with a lesion, {names[1]} over {names[0]}. {where}, n {int(known.sum()):,}."
            made.append(parts.figure_plot(plots.scatter(first[known], second[known], names, "Dice"), caption))
    return parts.row(made)


def _dice(cases: Sequence[Case]) -> plots.Floats:
    return np.array([case.outline.dice if case.outline is not None else np.nan for case in cases], dtype=np.float64)


def _pair(pair: Mapping[str, Any], first: Sequence[Case], second: Sequence[Case]) -> p.Markup:
    words = {key: name for key, name, _ in parts.MAIN}
    rows = [
        [
            words.get(key, key),
            parts.number(entry["first"]),
            parts.number(entry["second"]),
            parts.number(entry["difference"]),
            parts.interval(entry["ci95"]),
            parts.number(entry["p"]),
        ]
        for key, entry in pair["differences"].items()
        if entry["difference"] is not None
    ]
    differences = p.table(
        ("figure", pair["first"], pair["second"], "difference", "95 % interval", "p"), rows, numeric=range(1, 6)
    )
    tests = p.table(
        ("McNemar's exact test", "images", "both", f"only {pair['first']}", f"only {pair['second']}", "neither", "p"),
        [
            [_TESTS[key], *(test[k] for k in ("n", "both", "only_first", "only_second", "neither", "p"))]
            for key, test in pair["mcnemar"].items()
            if test["n"]
        ],
    )
    return p.join([differences, tests, _changes(pair, first, second)])


def _changes(pair: Mapping[str, Any], first: Sequence[Case], second: Sequence[Case]) -> p.Markup:
    """The images whose Dice differs most, each way."""
    gaps = _dice(first) - _dice(second)
    order = [int(i) for i in np.argsort(gaps) if not np.isnan(gaps[i]) and gaps[i] != 0]
    best, worst = [i for i in reversed(order) if gaps[i] > 0][:_CHANGES], [i for i in order if gaps[i] < 0][:_CHANGES]
    one, two = _dice(first), _dice(second)
    rows = [
        (p.code(first[i].id), p.class_name(first[i].label), float(one[i]), float(two[i]), parts.number(float(gaps[i])))
        for i in (*best, *reversed(worst))
    ]
    if not rows:
        return p.paragraph("No image's Dice differs.")
    head = ("image", "truth", f"Dice, {pair['first']}", f"Dice, {pair['second']}", "difference")
    return p.table(head, rows, numeric=(4,), note="The largest differences of Dice, each way.")


def _basis(result: Mapping[str, Any]) -> p.Markup:
    common = result["common"]
    rows = [
        (
            run["name"],
            f"{run['model']['name']} {run['model']['version']}",
            p.code(run["model"]["sha256"]),
            run["n"],
            run["not_common"],
        )
        for run in result["runs"]
    ]
    table = p.table(("run", "model", "weights", "images", "of these not common"), rows)
    classes = parts.classes_of(common["by_class"])
    rest = f"{common['n']:,} common images ({classes}) in {common['groups']:,} groups by patient and near-duplicate."
    return p.join([table, p.paragraph(rest)])
