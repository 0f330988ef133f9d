"""Plots of studies as SVG text, in the application's light colours on white. matplotlib's objects only, no global state.

Every curve also has its own dash or marker: colour never stands alone. Shares are in [0, 1].
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TEXT, MUTED, GRID = "#171B20", "#5A6470", "#D9DDE2"
SERIES = ("#0A6B5C", "#A34A06", "#1B66AD", "#6B3FA0", "#525C68", "#B3261E")
"""Colours of the curves of a plot, in order; more curves than colours repeat them with another dash."""
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = "os^Dv<"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "busi_viewer",
    "text.color": TEXT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True)
class Curve:
    """A line to draw: its words in the legend, and points x and y (N,). ``marked`` is the place of one point to mark."""

    name: str
    x: Floats
    y: Floats
    marked: tuple[float, float] | None = None


def _figure(width: float, height: float, rows: Sequence[float] = (1,)) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=list(rows))
    axes = [figure.add_subplot(grid[row, 0]) for row in range(len(rows))]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _unit_square(ax: Axes, x: str, y: str) -> None:
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y)
    ax.set_aspect("equal")


def _draw(ax: Axes, curves: Sequence[Curve], *, steps: bool) -> None:
    for number, curve in enumerate(curves):
        colour = SERIES[number % len(SERIES)]
        dash = _DASHES[number % len(_DASHES)]
        style = "steps-pre" if steps else "default"
        ax.plot(curve.x, curve.y, color=colour, linestyle=dash, label=curve.name, drawstyle=style)
        if curve.marked is not None:
            ax.plot(
                *curve.marked, _MARKERS[number % len(_MARKERS)], color=colour, markersize=7, markerfacecolor="white"
            )


def roc(curves: Sequence[Curve]) -> str:
    """ROC curves: false-positive rate, true-positive rate; the marked point is the operating point."""
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(4.2, 4.2)
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        _draw(ax, curves, steps=False)
        _unit_square(ax, "1 − specificity", "sensitivity")
        ax.legend(loc="lower right")
        return _svg(figure)


def precision_recall(curves: Sequence[Curve], prevalence: float | None) -> str:
    """Precision over recall; the dotted line is what chance gives, the share of positives."""
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(4.2, 4.2)
        if prevalence is not None:
            ax.axhline(prevalence, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        _draw(ax, curves, steps=True)
        _unit_square(ax, "recall (sensitivity)", "precision")
        ax.legend(loc="lower left")
        return _svg(figure)


def reliability(rows: Sequence[Sequence[float | None]], stated: str, observed: str) -> str:
    """Observed over stated probability with 95 % intervals, and below how many images each bin holds.

    ``rows`` as in :func:`busi_viewer.core.curves.reliability`.
    """
    table = np.array(rows, dtype=np.float64)
    with mpl.rc_context(_STYLE):
        figure, (ax, below) = _figure(4.2, 5.0, (4, 1))
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), label="as stated")
        for _, _, _, mean, share, low, high in table:
            ax.plot([mean, mean], [low, high], color=SERIES[0], linewidth=1.0)
            ax.plot([mean], [share], "o", color=SERIES[0], markersize=5)
        _unit_square(ax, "", observed)
        starts, ends, counts = table[:, 0], table[:, 1], table[:, 2]
        below.bar(starts, counts, ends - starts, align="edge", color=SERIES[0], alpha=0.55)
        for place, n in zip((starts + ends) / 2, counts, strict=True):
            below.text(place, n, f"{n:.0f}", ha="center", va="bottom", fontsize=6.5, color=TEXT)
        below.set(xlim=(-0.01, 1.01), xlabel=stated, ylabel="images")
        below.margins(y=0.25)
        below.grid(visible=False)
        return _svg(figure)


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Counts and shares of each row; rows are the truth, columns the estimate."""
    counts = np.array(matrix, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure, (ax,) = _figure(4.2, 3.8)
        ax.imshow(shares, cmap="Greens", vmin=0, vmax=1.3)
        for row, column in np.ndindex(*counts.shape):
            text = f"{counts[row, column]:.0f}\n{100 * shares[row, column]:.0f} %"
            ax.text(column, row, text, ha="center", va="center", fontsize=9, color=TEXT)
        ax.set_xticks(range(len(classes)), classes)
        ax.set_yticks(range(len(classes)), [f"{c} ({n:.0f})" for c, n in zip(classes, counts.sum(axis=1), strict=True)])
        ax.set(xlabel="estimate", ylabel="truth (images)")
        ax.spines[:].set_visible(False)
        return _svg(figure)


def bland_altman(true: Floats, outlined: Floats, agreement: Mapping[str, Any], unit: str) -> str:
    """Difference over mean of the long axes, with bias and limits of agreement; bands are their 95 % intervals."""
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(5.0, 3.8)
        ax.plot((true + outlined) / 2, outlined - true, "o", color=SERIES[2], markersize=3.5, alpha=0.55)
        for name, words in (("upper_limit", "+1.96 SD"), ("bias", "bias"), ("lower_limit", "−1.96 SD")):
            value, interval = agreement[name]["value"], agreement[name]["ci95"]
            if value is None:
                continue
            if interval is not None:
                ax.axhspan(*interval, color=SERIES[0], alpha=0.12, linewidth=0)
            ax.axhline(value, color=SERIES[0], linewidth=1.2, linestyle="-" if name == "bias" else (0, (5, 2)))
            label = f"{words} {value:+.1f}".replace("-", "−")
            ax.annotate(label, (1.0, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7.5)
        ax.set(xlabel=f"mean of true and outlined long axis ({unit})", ylabel=f"outlined − true ({unit})")
        return _svg(figure)


def operating_curve(curve: Mapping[str, Any], operating_point: float | None) -> str:
    """Sensitivity and specificity over the threshold, with 95 % intervals as bands; the line is the operating point."""
    rows = np.array(curve["rows"], dtype=np.float64)
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(5.0, 3.8)
        for number, (name, column) in enumerate((("sensitivity", 1), ("specificity", 4))):
            colour = SERIES[number]
            ax.fill_between(rows[:, 0], rows[:, column + 1], rows[:, column + 2], color=colour, alpha=0.13, linewidth=0)
            marker = _MARKERS[number]
            ax.plot(rows[:, 0], rows[:, column], marker, markersize=3.5, color=colour, ls=_DASHES[number], label=name)
        if operating_point is not None:
            ax.axvline(operating_point, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
        ax.set(xlabel="threshold on the malignant estimate", ylabel="share", xlim=(0, 1), ylim=(-0.01, 1.01))
        ax.legend(loc="lower center")
        return _svg(figure)


def scatter(x: Floats, y: Floats, names: tuple[str, str], what: str) -> str:
    """A value of each image by one model over that by another; the line is equality."""
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(4.2, 4.2)
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        ax.plot(x, y, "o", color=SERIES[2], markersize=3.5, alpha=0.5)
        _unit_square(ax, f"{what}, {names[0]}", f"{what}, {names[1]}")
        return _svg(figure)


def search_history(numbers: Floats, scores: Floats, complete: NDArray[np.bool_]) -> str:
    """The scores of a search's trials in their order, finished and given up, and the best finished one so far."""
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(5.0, 3.4)
        for number, (held, name) in enumerate(((complete, "finished"), (~complete, "given up"))):
            ax.plot(
                numbers[held], scores[held], _MARKERS[number], color=SERIES[number], markersize=4, ls="", label=name
            )
        best = np.maximum.accumulate(np.where(complete, scores, -np.inf))
        ax.plot(numbers, np.where(np.isinf(best), np.nan, best), color=SERIES[0], drawstyle="steps-post", label="best")
        ax.set(xlabel="trial", ylabel="score on validation")
        ax.legend(loc="lower right")
        return _svg(figure)


def shares(values: Mapping[str, float]) -> str:
    """Shares of a whole as bars, the largest on top."""
    names = sorted(values, key=lambda name: values[name])
    with mpl.rc_context(_STYLE):
        figure, (ax,) = _figure(4.6, 0.8 + 0.32 * len(names))
        ax.barh(names, [values[name] for name in names], color=SERIES[0], alpha=0.75)
        for place, name in enumerate(names):
            ax.text(values[name], place, f" {100 * values[name]:.0f} %", va="center", fontsize=7.5, color=TEXT)
        ax.set(xlabel="share", xlim=(0, 1.1))
        ax.grid(visible=False, axis="y")
        return _svg(figure)
