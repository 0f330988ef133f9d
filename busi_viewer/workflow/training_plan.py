"""From data sets to a split one can train on: what is left out and why, who goes into which part, and whether anything leaks."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from busi_viewer.core.audit import KINDS
from busi_viewer.core.dataset import Sample, load_datasets
from busi_viewer.core.duplicates import SHARES, groups, stratified_parts
from busi_viewer.core.results import CLASSES
from busi_viewer.workflow.export import write_bytes

DROPPED = "dropped"
"""The part of images that are left out."""
STOPPING = frozenset(
    {
        *("unreadable_image", "unreadable_mask", "mask_other_size", "mask_empty", "mask_on_normal", "mask_missing"),
        *("conflicting_labels", "no_label"),
    }
)
"""Findings that stop a training, or teach it two answers to one image: leaving the images out is the default."""
ADVISED = STOPPING | {"blank", "doppler", "two_views", "mask_inverted"}
"""And those that B-mode models should not learn from."""


@dataclass(frozen=True)
class PartCounts:
    """How much a part of the split holds; ``patients`` are those that are known."""

    part: str
    images: int
    by_class: Mapping[str, int]
    patients: int
    groups: int


@dataclass(frozen=True)
class Plan:
    """Images with their part (or DROPPED) by id, the counts of each part, and how many groups lie in several (0: all is well)."""

    parts: Mapping[str, str]
    counts: tuple[PartCounts, ...]
    leaks: int


def advised(result: Mapping[str, Any]) -> dict[str, str]:
    """{id: why} of the images that an audit's result advises to leave out. One without a class still teaches its outline."""
    found: dict[str, str] = {}
    for finding in result["findings"]:
        if finding["kind"] in ADVISED and not finding["numbers"].get("outlined"):
            for identifier in finding["ids"]:
                found.setdefault(identifier, KINDS[finding["kind"]].title)
    return found


def plan(roots: Sequence[Path], result: Mapping[str, Any], left_out: Collection[str], seed: int = 7) -> Plan:
    """Divide the images of ``roots``, whose audit is ``result``, by patient and scene, each stratum by SHARES.

    Images in ``left_out`` join no part, but still bind their group together. Raises DataSetError where a set cannot be read.
    """
    samples = load_datasets(roots, [])
    group_of = _groups(samples, result)
    kept = [i for i, sample in enumerate(samples) if sample.id not in left_out]
    strata = [(samples[i].id.split("/")[0], samples[i].label) for i in kept]
    chosen = stratified_parts([group_of[i] for i in kept], strata, SHARES, seed)
    parts = {sample.id: DROPPED for sample in samples} | {
        samples[i].id: part for i, part in zip(kept, chosen, strict=True)
    }
    return _counted(samples, group_of, parts)


def check(roots: Sequence[Path], result: Mapping[str, Any], parts: Mapping[str, str]) -> Plan:
    """A split made elsewhere (id → part), counted and checked in the same way; images that it does not name are DROPPED."""
    samples = load_datasets(roots, [])
    return _counted(samples, _groups(samples, result), {s.id: parts.get(s.id, DROPPED) for s in samples})


def write(path: Path, parts: Mapping[str, str]) -> None:
    """Write a split file (``id,part``), atomically. Raises OutputError."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "part"])
    rows.writerows(sorted(parts.items()))
    write_bytes(path, text.getvalue().encode("utf-8"))


def _groups(samples: Sequence[Sample], result: Mapping[str, Any]) -> list[int]:
    """A group number for each sample: one scene by the audit, or one patient."""
    place = {sample.id: i for i, sample in enumerate(samples)}
    pairs = []
    for group in result["groups"]:
        members = [place[identifier] for identifier in group["ids"] if identifier in place]
        pairs += [(members[0], other, 1.0) for other in members[1:]]
    return groups(len(samples), pairs, [(s.id.split("/")[0], s.patient) if s.patient else None for s in samples])


def _counted(samples: Sequence[Sample], group_of: Sequence[int], parts: Mapping[str, str]) -> Plan:
    counts = []
    for part in (*SHARES, DROPPED):
        members = [i for i, sample in enumerate(samples) if parts[sample.id] == part]
        labels = Counter(samples[i].label for i in members)
        patients = {(samples[i].id.split("/")[0], samples[i].patient) for i in members if samples[i].patient}
        by_class = {label: labels[label] for label in CLASSES}
        counts.append(PartCounts(part, len(members), by_class, len(patients), len({group_of[i] for i in members})))
    used: dict[int, set[str]] = {}
    for group, sample in zip(group_of, samples, strict=True):
        if parts[sample.id] in SHARES:
            used.setdefault(group, set()).add(parts[sample.id])
    return Plan(dict(parts), tuple(counts), sum(len(held) > 1 for held in used.values()))
