"""Fits the descriptor model: regularised logistic regressions, judged by nested cross-validation on whole groups.

The data are a manifest with the columns ``shape``, ``margin``, ``echogenicity`` and ``posterior_features`` (those of
BrEaST-Lesions-USG). Every image also comes with its outline redrawn at random (:mod:`busi_viewer.training.outlines`), so
that the model holds for edited and predicted outlines: redrawn copies are learned from inside the training folds only, and
the held-out images are judged on both.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.model_selection import StratifiedGroupKFold

from busi_viewer import paths
from busi_viewer.core.dataset import Sample, load_datasets
from busi_viewer.core.descriptors import FAMILIES, LEAD, LIMIT, SCHEMA, SMALLEST, equivalent_diameter, leads, look
from busi_viewer.core.duplicates import fingerprint, groups, near_pairs
from busi_viewer.core.errors import DataSetError, OutputError, UsageError, UserError
from busi_viewer.core.image import ImageRecord, Mask, to_grey
from busi_viewer.core.lesion_features import features
from busi_viewer.core.lexicon import ECHO, LEXICON, MARGIN, POSTERIOR, SHAPE, VALUES
from busi_viewer.core.masks import components
from busi_viewer.core.measure import measure
from busi_viewer.core.metrics import dice
from busi_viewer.core.statistics import GroupedBootstrap
from busi_viewer.training.outlines import redrawn

NAME, VERSION = "busi-descriptors", "1"
FILE = "descriptors.json"
LIMITS = (
    "The words are those of the data set's readers: others use them differently.",
    "Judged by cross-validation on the data set it was fitted on, not on another hospital's.",
    "Shape says only whether it is irregular, margin only whether it is circumscribed: too few lesions are round, spiculated, "
    "angular or microlobulated.",
    "A descriptor that was no better than chance is never proposed, nor is one for a lesion that the picture does not show whole.",
)
COPIES = 5
"""Redrawn outlines of each image."""
OUTER, INNER, REPEATS = 5, 3, 5
PENALTIES = (0.003, 0.01, 0.03, 0.1)
"""L2 penalties, of which the inner folds choose."""
FAINT = 0.1
SEED = 7
FEWEST = 10
"""A descriptor is fitted only if each of its values has so many lesions."""

COLUMNS = {SHAPE: "shape", MARGIN: "margin", ECHO: "echogenicity", POSTERIOR: "posterior_features"}
_CODES: Mapping[str, Mapping[str, int]] = {
    SHAPE: {"oval": 0, "round": 0, "irregular": 1},
    MARGIN: {"circumscribed": 0, "not circumscribed": 1},
    ECHO: {
        "hypoechoic": 0,
        "heterogeneous": 1,
        **dict.fromkeys(("anechoic", "complex cystic/solid", "isoechoic", "hyperechoic"), 2),
    },
    POSTERIOR: {"no": 0, "none": 0, "shadowing": 1, "enhancement": 2},
}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
OpenImage = Callable[[Path], ImageRecord]
OpenMask = Callable[[Sequence[Path], tuple[int, int]], Mask]
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Table:
    """The lesions: features of true outlines (N, F) and of redrawn ones (N, COPIES, F), labels, groups.

    ``labels`` gives each descriptor's value index (N,), −1 where unknown. ``overlap`` is the redrawn outlines' mean Dice.
    """

    names: tuple[str, ...]
    true: Floats
    redrawn: Floats
    labels: Mapping[str, Ints]
    groups: Ints
    overlap: float


def code(descriptor: str, text: str) -> int:
    """The index of a manifest's value among the descriptor's values, −1 where it is none of them (or several)."""
    head = text.strip().lower().split(" - ")[0]
    return _CODES[descriptor].get(head, -1)


def train(
    data: Sequence[Path], out: Path, open_image: OpenImage, open_mask: OpenMask, report: Report, **options: Any
) -> dict[str, Any]:
    """Fit the model and write ``out/descriptors.json``. Returns the summary with each descriptor's figures.

    Raises UsageError for options of the networks' recipes, DataSetError for data without descriptor columns, OutputError.
    """
    useless = sorted(name.replace("_", "-") for name, value in options.items() if value is not None)
    if useless:
        raise UsageError(
            f"the recipe descriptors knows no --{', --'.join(useless)}",
            remedy="It fits all of the data at once; leave it out.",
        )
    samples = _usable(load_datasets(data))
    table = _table(samples, open_image, open_mask, report)
    entries: dict[str, Any] = {}
    fitted = [name for name in COLUMNS if _enough(table.labels[name], name)]
    for number, name in enumerate(fitted):
        report({"event": "step", "step": number, "of": len(fitted), "epoch": 2})
        entries[name] = _entry(name, table)
    content = _content(samples, table, entries)
    path = out / FILE
    _write(path, content)
    summary = {
        key: {k: v for k, v in e.items() if k in ("n", "counts", "figures", "proposed")} for key, e in entries.items()
    }
    return {"descriptors": str(path), "out": str(out), "data": [str(p) for p in data], "figures": summary}


def _usable(samples: Sequence[Sample]) -> list[Sample]:
    """Samples with an outline and at least one known descriptor. Raises DataSetError if they are too few."""
    found = [
        sample
        for sample in samples
        if sample.masks and any(code(name, sample.extra.get(column, "")) >= 0 for name, column in COLUMNS.items())
    ]
    if not any(
        _enough(np.array([code(n, s.extra.get(c, "")) for s in found], dtype=np.int64), n) for n, c in COLUMNS.items()
    ):
        raise DataSetError(
            f"no descriptor has {FEWEST} outlined lesions of each of its values",
            remedy=f"Give a manifest.csv with masks and the columns {', '.join(COLUMNS.values())}.",
        )
    return found


def _enough(labels: Ints, name: str) -> bool:
    counts = np.bincount(labels[labels >= 0], minlength=len(VALUES[name]))
    return bool(counts.min() >= FEWEST)


def _table(samples: Sequence[Sample], open_image: OpenImage, open_mask: OpenMask, report: Report) -> Table:
    """Measure every lesion. All faults are collected into one DataSetError."""
    rows: list[list[dict[str, float]]] = []
    prints, faults, overlaps, kept = [], [], [], []
    for number, sample in enumerate(samples):
        report({"event": "step", "step": number, "of": len(samples), "epoch": 1})
        try:
            record = open_image(sample.image)
            parts = components(open_mask(sample.masks, record.shape))
            if not parts:
                raise DataSetError(
                    "the mask is empty", path=sample.masks[0], remedy="Outline the lesion or leave it out."
                )
        except UserError as error:
            faults.append(str(error))
            continue
        rng = np.random.default_rng((SEED, number))
        outlines = [parts[0], *(redrawn(parts[0], rng) for _ in range(COPIES))]
        if equivalent_diameter(measure(outlines[0])) < SMALLEST:
            continue
        rows.append([_row(record, outline) for outline in outlines])
        overlaps += [dice(parts[0], outline) for outline in outlines[1:]]
        prints.append(fingerprint(to_grey(record.frames[0], record.window)))
        kept.append(sample)
    if faults:
        listing = "\n  ".join(faults[:20]) + (f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else "")
        raise DataSetError(f"{len(faults)} samples cannot be used:\n  {listing}", remedy="Mend or remove them.")
    names = tuple(rows[0][0])
    values = np.array([[[found[name] for name in names] for found in row] for row in rows])
    sets = [sample.id.split("/")[0] for sample in kept]
    keys = [(s, sample.patient) if sample.patient else None for s, sample in zip(sets, kept, strict=True)]
    labels = {
        name: np.array([code(name, sample.extra.get(column, "")) for sample in kept], dtype=np.int64)
        for name, column in COLUMNS.items()
    }
    group_of = np.array(groups(len(kept), near_pairs(np.stack(prints)), keys), dtype=np.int64)
    return Table(names, values[:, 0], values[:, 1:], labels, group_of, float(np.mean(overlaps)))


def _row(record: ImageRecord, outline: Mask) -> dict[str, float]:
    """The features that prediction would find for this outline."""
    _, patch = look((measure(outline, record.spacing_mm),), 0, record.frames[0], record.window)
    return features(patch)


@dataclass(frozen=True)
class _Fit:
    """A fitted regression on standardised features; coefficients (k, F) and intercepts (k,) of a softmax."""

    mean: Floats
    sd: Floats
    coefficients: Floats
    intercepts: Floats

    def standardised(self, x: Floats) -> Floats:
        """Features (…, F) in standard deviations, as at prediction."""
        return np.asarray(np.clip((x - self.mean) / self.sd, -LIMIT, LIMIT))

    def probabilities(self, x: Floats) -> Floats:
        """(…, k) for features (…, F)."""
        return np.asarray(softmax(self.standardised(x) @ self.coefficients.T + self.intercepts, axis=-1))


def _fit(true: Floats, copies: Floats, y: Ints, penalty: float) -> _Fit:
    """Fit on true (N, F) and redrawn (N, K, F) outlines, every value weighing the same.

    Multinomial logistic regression with an L2 ``penalty``. A coefficient keeps the sign of what the feature by itself says
    of the value: a deeper dent never speaks against an irregular shape, however the other features are correlated with it.
    A feature that by itself says next to nothing of the value (less than FAINT standard deviations) has none.
    """
    x = np.concatenate([true, copies.reshape(-1, true.shape[1])])
    labels = np.concatenate([y, np.repeat(y, copies.shape[1])])
    mean, sd = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    z = np.clip((x - mean) / sd, -LIMIT, LIMIT)
    k, f = int(y.max()) + 1, z.shape[1]
    weight = 1.0 / (k * np.bincount(labels)[labels])
    truth = np.eye(k)[labels]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        coefficients = parameters[: k * f].reshape(k, f)
        p = softmax(z @ coefficients.T + parameters[k * f :], axis=1)
        excess = (p - truth) * weight[:, None]
        value = -float(weight @ np.log(p[np.arange(len(z)), labels] + 1e-12)) + penalty * float((coefficients**2).sum())
        return value, np.concatenate([(excess.T @ z + 2.0 * penalty * coefficients).ravel(), excess.sum(axis=0)])

    usual = np.stack([z[labels == value].mean(axis=0) for value in range(k)])
    signs = (usual - usual.mean(axis=0)).ravel()
    allowed = [(0.0, 0.0) if abs(s) < FAINT else (0.0, None) if s > 0 else (None, 0.0) for s in signs]
    bounds = [*allowed, *[(None, None)] * k]
    start = np.zeros(k * f + k)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300}).x
    return _Fit(mean, sd, found[: k * f].reshape(k, f), found[k * f :])


def _folds(y: Ints, group_of: Ints, count: int, seed: int) -> list[tuple[Ints, Ints]]:
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(y)), y, group_of))


def _choose(true: Floats, copies: Floats, y: Ints, group_of: Ints, seed: int) -> float:
    """The penalty with the best held-out log-likelihood, every value weighing the same."""
    weight = 1.0 / np.bincount(y)[y]
    gains = np.zeros(len(PENALTIES))
    for learn, judge in _folds(y, group_of, INNER, seed):
        for i, penalty in enumerate(PENALTIES):
            fit = _fit(true[learn], copies[learn], y[learn], penalty)
            seen = np.concatenate([true[judge][:, None], copies[judge]], axis=1)
            p = fit.probabilities(seen)[np.arange(len(judge)), :, y[judge]]
            gains[i] += float((np.log(p + 1e-9).mean(axis=1) * weight[judge]).sum())
    return PENALTIES[int(gains.argmax())]


def _held_out(true: Floats, copies: Floats, y: Ints, group_of: Ints) -> Floats:
    """Probabilities of held-out lesions, (REPEATS, 1 + COPIES, N, k): the true outline first, then the redrawn ones."""
    k = int(y.max()) + 1
    out = np.zeros((REPEATS, 1 + copies.shape[1], len(y), k))
    for repeat in range(REPEATS):
        for learn, judge in _folds(y, group_of, OUTER, SEED + repeat):
            penalty = _choose(true[learn], copies[learn], y[learn], group_of[learn], SEED + repeat)
            fit = _fit(true[learn], copies[learn], y[learn], penalty)
            held = out[repeat]
            held[0, judge] = fit.probabilities(true[judge])
            held[1:, judge] = fit.probabilities(copies[judge]).swapaxes(0, 1)
    return out


def figures(p: Floats, y: Ints, group_of: Ints) -> dict[str, Any]:
    """Balanced accuracy, κ and overconfidence of held-out probabilities (M, N, k), meaned over the M judgements.

    Intervals resample groups. Overconfidence is mean probability of the proposed value minus balanced accuracy. All of that
    is over every lesion; ``without_toss_ups`` is over those of which anything would be said.
    """
    k = p.shape[-1]
    chosen = p.argmax(axis=-1)
    said = np.stack([(chosen == value).mean(axis=0) for value in range(k)], axis=1)  # (N, k)
    told = leads(p)
    right = [float((told & (chosen == c))[:, y == c].sum() / max(told[:, y == c].sum(), 1)) for c in range(k)]
    truth = np.eye(k)[y]
    boot = GroupedBootstrap(group_of.tolist())

    def table(w: Floats) -> Floats:
        return np.asarray((truth * w[:, None]).T @ said)

    def balanced(w: Floats) -> float:
        counts = table(w)
        totals = counts.sum(axis=1)
        return float((np.diag(counts) / totals).mean()) if (totals > 0).all() else float("nan")

    def kappa(w: Floats) -> float:
        shares = table(w) / w.sum()
        chance = float(shares.sum(axis=1) @ shares.sum(axis=0))
        return (float(np.trace(shares)) - chance) / (1.0 - chance) if chance < 1.0 else float("nan")

    confidence = p.max(axis=-1).mean(axis=0)
    equal = 1.0 / np.bincount(y)[y] / k
    return {
        "balanced_accuracy": _figure(boot.estimate(balanced)),
        "kappa": _figure(boot.estimate(kappa)),
        "recall": {str(c): round(float(said[y == c, c].mean()), 3) for c in range(k)},
        "overconfidence": round(float((confidence * equal).sum()) - balanced(np.ones(len(y))), 3),
        "without_toss_ups": {
            "share": round(float(told.mean()), 3),
            "balanced_accuracy": round(float(np.mean(right)), 3),
        },
    }


def _figure(estimate: Any) -> dict[str, Any]:
    low, high = estimate.ci95
    return {"value": round(estimate.value, 3), "ci95": [round(low, 3), round(high, 3)]}


def _entry(name: str, table: Table) -> dict[str, Any]:
    """One descriptor: cross-validated figures, then the fit on everything."""
    known = np.flatnonzero(table.labels[name] >= 0)
    columns = np.flatnonzero([n.split(".")[0] in FAMILIES[name] for n in table.names])
    y, group_of = table.labels[name][known], table.groups[known]
    true, copies = table.true[known][:, columns], table.redrawn[known][:, :, columns]
    p = _held_out(true, copies, y, group_of)
    found = {
        "true_outlines": figures(p[:, 0], y, group_of),
        "redrawn_outlines": figures(p[:, 1:].reshape(-1, *p.shape[2:]), y, group_of),
    }
    values = VALUES[name]
    for part in found.values():
        part["recall"] = {values[int(c)]: share for c, share in part["recall"].items()}
    lowest = min(part["balanced_accuracy"]["ci95"][0] for part in found.values())
    penalty = _choose(true, copies, y, group_of, SEED)
    fit = _fit(true, copies, y, penalty)
    counts = Counter(values[int(v)] for v in y)
    return {
        "values": list(values),
        "column": COLUMNS[name],
        "n": len(y),
        "groups": len(set(group_of.tolist())),
        "counts": {value: counts[value] for value in values},
        "chance": round(1.0 / len(values), 4),
        "figures": found,
        "proposed": lowest > 1.0 / len(values),
        "penalty": penalty,
        "features": [table.names[i] for i in columns],
        "mean": _rounded(fit.mean),
        "sd": _rounded(fit.sd),
        "coefficients": _rounded(fit.coefficients),
        "intercepts": _rounded(fit.intercepts),
    }


def _rounded(values: Floats) -> Any:
    return np.round(values, 6).tolist()


def _content(samples: Sequence[Sample], table: Table, entries: Mapping[str, Any]) -> dict[str, Any]:
    """The file: what it is, what it was fitted on, how it was judged, and the descriptors."""
    sets = dict(sorted(Counter(sample.id.split("/")[0] for sample in samples).items()))
    return {
        "schema": SCHEMA,
        "kind": "descriptors",
        "name": NAME,
        "version": VERSION,
        "lexicon": LEXICON,
        "intended_use": "Research use only. Proposes descriptor words for an outlined lesion; the reader decides.",
        "limits": list(LIMITS),
        "data": {"names": " + ".join(sets), "images": sets, "sources": paths.sources_of(sets)},
        "protocol": {
            "model": "multinomial logistic regression on standardised features, L2, every value weighing the same, coefficients "
            "with the sign of what each feature says by itself",
            "judged_by": f"{OUTER}-fold cross-validation on whole groups (patient, near-duplicates), {REPEATS} times; "
            f"penalty chosen in {INNER} inner folds; 95 % intervals from resampled groups",
            "redrawn_outlines": {"copies": table.redrawn.shape[1], "mean_dice_with_true": round(table.overlap, 3)},
            "proposed_if": "the lower bounds of balanced accuracy on true and on redrawn outlines lie above chance",
            "silent_on": f"a lesion whose most probable value leads by less than {LEAD}; the figures count these as well",
            "seed": SEED,
        },
        "descriptors": dict(entries),
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file whole or not at all; the same content gives the same bytes. Raises OutputError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"could not be written ({error.strerror})", path=path, remedy="Choose another folder with -o."
        ) from error
