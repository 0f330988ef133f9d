"""Parts that the pages of studies share: figures with their intervals and n, and plots of an evaluation's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from busi_viewer.report import page as p
from busi_viewer.report import plots

Figure = tuple[str, str, str, str]
"""A figure to read: (name, value, 95 % interval, n with its unit)."""

CLASSES = ("normal", "benign", "malignant")
CI_NOTE = (
    "In brackets 95 % confidence intervals: patients and near-duplicate groups were resampled; for shares Wilson's interval on "
    "the number of images that they are worth, for AUCs the logit interval. The interval of the calibration error lies high, "
    "because resampling adds to it."
)


def number(value: float | None, digits: int = 3) -> str:
    """A figure in words; a dash for unknown."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def interval(ci95: Sequence[float | None] | None, digits: int = 3) -> str:
    """``0.81–0.93``; a dash for unknown; "to" where a limit is below zero."""
    if not ci95 or ci95[0] is None or ci95[1] is None:
        return "–"
    between = " to " if ci95[0] < 0 else "–"
    return between.join(number(v, digits) for v in ci95)


def read(section: Mapping[str, Any], name: str) -> tuple[float | None, Sequence[float] | None]:
    """Value and interval of a figure, whichever of the contract's two forms it has."""
    stored = section.get(name)
    if isinstance(stored, Mapping):
        return stored.get("value", stored.get("mean")), stored.get("ci95")
    return stored, section.get(f"{name}_ci95")


def with_interval(section: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """``0.87 (0.81–0.93)``."""
    value, ci95 = read(section, name)
    if value is None:
        return "–"
    return f"{number(value, digits)} ({interval(ci95, digits)})" if ci95 else number(value, digits)


MAIN: tuple[tuple[str, str, int], ...] = (
    ("dice", "lesion Dice, mean", 3),
    ("iou", "lesion IoU, mean", 3),
    ("hd95_px", "HD95 of lesions met, px", 1),
    ("lesion_recall", "lesions found (IoU ≥ 0.5), of all lesions", 3),
    ("false_alarm_rate_normal", "false alarms on normal images", 3),
    ("auc_malignant_vs_rest", "AUC malignant against the rest", 3),
    ("auc_malignant_vs_benign", "AUC malignant against benign", 3),
    ("sensitivity_malignant", "sensitivity for malignant", 3),
    ("specificity_malignant", "specificity for malignant", 3),
    ("accuracy", "accuracy of the class", 3),
    ("macro_f1", "macro F1", 3),
    ("ece", "expected calibration error", 3),
    ("brier", "Brier score", 3),
)
"""The figures of the short form, in the order of reading: key, words, decimals."""


def count_of(short: Mapping[str, Any], key: str) -> str:
    """Over how many images (or lesions) a figure of the short form was taken."""
    by_class = short.get("by_class", {})
    normal, benign, malignant = (by_class.get(name, 0) for name in CLASSES)
    lesions = short.get("n_lesion", benign + malignant)
    counts: dict[str, int] = {
        **dict.fromkeys(("dice", "iou"), lesions),
        "lesion_recall": short.get("lesions", lesions),
        "hd95_px": lesions - short.get("missed", 0),
        "false_alarm_rate_normal": short.get("n_normal", normal),
        "auc_malignant_vs_benign": benign + malignant,
        "sensitivity_malignant": malignant,
        "specificity_malignant": normal + benign,
    }
    return f"{counts.get(key, normal + benign + malignant):,}"


def classes_of(by_class: Mapping[str, int]) -> str:
    """``2 normal, 77 benign, 49 malignant``."""
    return ", ".join(f"{n:,} {name}" for name, n in by_class.items() if n)


def figures_by_set(sets: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table with one column a data set; each cell says value, interval and n."""
    rows = []
    for key, words, digits in MAIN:
        if any(key in short for short in sets.values()):
            cells = []
            for short in sets.values():
                text = with_interval(short, key, digits)
                cells.append(text if text == "–" else f"{text}, n {count_of(short, key)}")
            rows.append([words, *cells])
    if any("coverage" in short for short in sets.values()):
        rows.append(["given an estimate (share of images)", *(with_interval(s, "coverage", 3) for s in sets.values())])
    return ["figure", *(f"{name} (n {short.get('n', '–')})" for name, short in sets.items())], rows


def figure_plot(svg: str, caption: str) -> p.Markup:
    """A plot whose caption also stands in for it."""
    return p.plot(svg, caption, alternative=caption)


def row(parts: Iterable[p.Markup]) -> p.Markup:
    """Plots side by side."""
    return p.gallery(parts)


def reliability_plots(bins: Mapping[str, Any], where: str) -> list[p.Markup]:
    """The two reliability diagrams of a short form or result."""
    made = []
    for key, stated, observed, words in (
        ("malignant", "stated malignant estimate", "share that was malignant", "Malignant estimate"),
        ("top_class", "stated estimate of the leading class", "share that was right", "Leading class"),
    ):
        rows = bins.get(key)
        if rows:
            total = sum(row[2] for row in rows)
            caption = f"{words}: stated and observed, with 95 % intervals and images in each bin. {where}, n {total:,}."
            made.append(figure_plot(plots.reliability(rows, stated, observed), caption))
    return made


def operating_table(curve: Mapping[str, Any], operating_point: float | None) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the operating curve for reading; the model's own threshold is marked."""
    rows = []
    for threshold, sensitivity, low, high, specificity, low2, high2 in curve["rows"]:
        own = operating_point is not None and abs(threshold - operating_point) < 1e-6
        rows.append(
            [
                f"{100 * threshold:.1f} %" + (" (operating point)" if own else ""),
                f"{number(sensitivity)} ({interval((low, high))})",
                f"{number(specificity)} ({interval((low2, high2))})",
            ]
        )
    n, others = curve.get("n_malignant"), curve.get("n_other")
    return ["threshold", f"sensitivity (n {n:,} malignant)", f"specificity (n {others:,} others)"], rows


def bins_table(rows: Sequence[Sequence[float | None]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of reliability bins for reading."""
    body = [
        [
            f"{100 * (low or 0):.0f}–{100 * (high or 0):.0f} %",
            f"{n:.0f}",
            number(mean),
            f"{number(seen)} ({interval(ci)})",
        ]
        for low, high, n, mean, seen, *ci in rows
    ]
    return ["bin", "images", "stated, mean", "observed"], body
