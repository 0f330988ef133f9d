"""What the page of a descriptor model says, from its JSON, in the blocks of a model's card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from busi_viewer.report import study_parts as parts

HEAD = (
    *("descriptor", "values (lesions)", "balanced accuracy", "κ", "balanced accuracy, redrawn", "κ, redrawn"),
    *("chance", "proposed"),
)
CAPTION = (
    "Balanced accuracy and Cohen's κ in cross-validation, in brackets 95 % confidence intervals: on the data set's own outlines, "
    "and on redrawn ones, which differ from them as a reader's or a network's would."
)


def rows(card: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """A row for each descriptor, under HEAD."""
    return tuple(_row(name, fitted) for name, fitted in card["descriptors"].items())


def _row(name: str, fitted: Mapping[str, Any]) -> tuple[str, ...]:
    judged = fitted["figures"]
    return (
        name.replace("_", " "),
        ", ".join(f"{value} ({count:,})" for value, count in fitted["counts"].items()),
        *(
            parts.with_interval(judged[outlines], key, 3)
            for outlines in ("true_outlines", "redrawn_outlines")
            for key in ("balanced_accuracy", "kappa")
        ),
        f"{fitted['chance']:.2f}",
        "yes" if fitted["proposed"] else "no",
    )
