"""The figures of parts of an evaluation: of each data set, class and lesion size; and the short form that a card keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from busi_viewer.core import evaluation
from busi_viewer.core.cases import Case
from busi_viewer.core.curves import operating_curve, reliability
from busi_viewer.core.evaluation import entry, plain
from busi_viewer.core.results import CLASSES
from busi_viewer.core.statistics import GroupedBootstrap

SIZE_BOUNDS = (0.0, 0.03, 0.08, 1.0)
"""Small, medium and large: shares of the image's area covered by the true lesions. About the tertiles of public sets."""

_SEGMENTATION = (
    *("n_lesion", "n_normal", "lesions", "dice", "iou", "hd95_px", "lesion_recall", "missed"),
    "false_alarm_rate_normal",
)
_CLASSIFICATION = (
    "accuracy",
    "macro_f1",
    "auc_malignant_vs_rest",
    "auc_malignant_vs_benign",
    "sensitivity_malignant",
    "specificity_malignant",
    "operating_point",
    "ece",
    "brier",
)
_SELECTIVE = {
    "segmentation": ("dice",),
    "classification": ("accuracy", "auc_malignant_vs_rest", "sensitivity_malignant", "specificity_malignant"),
}


def by_class(cases: Sequence[Case]) -> dict[str, int]:
    """How many images of each class; ``unknown`` only where there are some."""
    labels = [case.label or "unknown" for case in cases]
    return {name: labels.count(name) for name in (*CLASSES, *(["unknown"] if "unknown" in labels else []))}


def pick(section: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The named figures with the intervals that stand beside them."""
    return {key: section[key] for name in names for key in (name, f"{name}_ci95") if key in section}


def full_figures(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """Everything that is said of some cases taken together."""
    return {
        "n": len(cases),
        "groups": len({case.group for case in cases}),
        "by_class": by_class(cases),
        **evaluation.figures(cases, operating_point),
        "selective": evaluation.selective(cases, operating_point),
        "reliability": reliability(cases),
        "operating_curve": operating_curve(cases, operating_point),
    }


def filled(full: Mapping[str, Any]) -> dict[str, Any]:
    """A result with figures of no case in place of the blocks that a model has none for (None)."""
    empty = evaluation.figures([], None)
    return {**full, **{name: empty[name] for name in empty if full[name] is None}}


def condense(full: Mapping[str, Any]) -> dict[str, Any]:
    """The short form of :func:`full_figures`, with 95 % intervals, reliability bins and operating curve, as a card keeps it."""
    full = filled(full)
    kept = full["selective"]
    short = {k: v for s, names in _SELECTIVE.items() for k, v in pick(kept[s], names).items()}
    return {
        **pick(full, ("n", "groups", "by_class")),
        **pick(full["segmentation"], _SEGMENTATION),
        **pick(full["classification"], _CLASSIFICATION),
        **pick(kept, ("coverage",)),
        "selective": {"n": kept["n"], **short},
        **pick(full, ("reliability", "operating_curve")),
    }


def sets(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """The condensed figures of each data set."""
    parts = {name: [case for case in cases if case.set == name] for name in sorted({case.set for case in cases})}
    return {name: condense(full_figures(part, operating_point)) for name, part in parts.items()}


def classes(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """Figures of the images of each true class: outlines, the share called by its class, the share above the operating point."""
    return {name: _of_class([case for case in cases if case.label == name], operating_point) for name in CLASSES}


def _of_class(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    boot = GroupedBootstrap([case.group for case in cases])
    whole = evaluation.figures(cases, operating_point)

    def share(name: str, holds: Sequence[bool]) -> dict[str, Any]:
        """Of the images that were classified."""
        given = evaluation.floats([float(case.classified) for case in cases])
        counted = evaluation.floats([float(value) for value in holds])
        return plain(name, entry(boot.share(counted * given, given)))

    return {
        "n": len(cases),
        **pick(whole["segmentation"], _SEGMENTATION),
        **share("called_so", [case.prediction == case.label for case in cases]),
        **share("above_operating_point", [case.above_operating_point for case in cases]),
        **share("withheld", [case.abstained for case in cases]),
    }


def sizes(cases: Sequence[Case], operating_point: float | None) -> dict[str, Any]:
    """Figures by the share of the image's area that the true lesions cover: (from, to] of SIZE_BOUNDS."""
    parts = []
    for low, high in pairwise(SIZE_BOUNDS):
        inside = [case for case in cases if case.outline is not None and low < case.outline.lesion_share <= high]
        whole = evaluation.figures(inside, operating_point)
        names = ("accuracy", "auc_malignant_vs_benign", "sensitivity_malignant", "specificity_malignant")
        parts.append(
            {
                "from": low,
                "to": high,
                "n": len(inside),
                "by_class": by_class(inside),
                **pick(whole["segmentation"], ("lesions", "dice", "iou", "hd95_px", "lesion_recall", "missed")),
                **pick(whole["classification"], names),
            }
        )
    return {"by": "share of the image's area that the true lesions cover", "parts": parts}


def plain_value(stored: Any) -> float | None:
    """The number of a stored figure, which may stand beside its interval."""
    value = stored.get("value", stored.get("mean")) if isinstance(stored, Mapping) else stored
    return None if value is None else float(value)


def over_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | int | None]]:
    """Mean and standard deviation (n − 1) of each figure of the short form over folds; ``n`` folds define it."""
    found = {}
    for name in (*_SEGMENTATION, *_CLASSIFICATION, "coverage"):
        values = [plain_value(fold.get(name)) for fold in folds]
        known = evaluation.floats([v for v in values if v is not None])
        found[name] = {
            "mean": evaluation.rounded(float(known.mean())) if len(known) else None,
            "sd": evaluation.rounded(float(known.std(ddof=1))) if len(known) > 1 else None,
            "n": len(known),
        }
    return found
