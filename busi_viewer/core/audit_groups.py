"""Findings of an audit that concern several images: duplicates, their groups, and what leaks between a split's parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from busi_viewer.core.audit import Finding, Observation
from busi_viewer.core.duplicates import groups
from busi_viewer.core.same_scene import Pair


def pair_findings(observed: Sequence[Observation], pairs: Sequence[Pair], split: Mapping[str, str]) -> list[Finding]:
    """Exact duplicates (a group a finding), near-duplicates and look-alikes (a pair a finding).

    Pairs with two labels or in two parts come first, then the most alike. ``pairs`` are indices into ``observed``. Pairs of
    identical images are not repeated among the near-duplicates.
    """
    found = _exact(observed)

    def order(pair: Pair) -> tuple[bool, bool, float]:
        samples = [observed[k].sample for k in (pair.i, pair.j)]
        differ = any(
            len({of(s) for s in samples} - {None}) > 1 for of in (lambda s: s.label, lambda s: split.get(s.id))
        )
        return pair.match is None, not differ, -pair.correlation

    for pair in sorted(pairs, key=order):
        two = (observed[pair.i], observed[pair.j])
        if two[0].pixel_sha256 == two[1].pixel_sha256:
            continue
        kind = "look_alikes" if pair.match is None else "near_duplicates"
        found.append(Finding(kind, _ids(two), _files(two), _pair_words(pair), _pair_numbers(two, pair, split)))
    return found


def _ids(members: Iterable[Observation]) -> tuple[str, ...]:
    return tuple(one.sample.id for one in members)


def _files(members: Iterable[Observation]) -> tuple[str, ...]:
    return tuple(str(one.sample.image) for one in members)


def _exact(observed: Sequence[Observation]) -> list[Finding]:
    same: dict[str, list[Observation]] = defaultdict(list)
    for one in observed:
        if one.pixel_sha256:
            same[one.pixel_sha256].append(one)
    found = []
    for members in same.values():
        if len(members) > 1:
            files = len({one.file_sha256 for one in members})
            words = "the same file" if files == 1 else "the same pixels in different files"
            numbers = {"pixel_sha256": members[0].pixel_sha256, "different_files": files}
            found.append(Finding("exact_duplicates", _ids(members), _files(members), words, numbers))
    return found


def _pair_words(pair: Pair) -> str:
    words = f"correlation {pair.correlation:.3f}"
    match = pair.match
    if match is None:
        return words + ", no common detail found"
    kind = "the same picture" if match.copy else "neighbouring frames"
    if match.mirrored:
        kind += ", mirrored"
    if not 0.97 < match.scale < 1.03:
        kind += f", {match.scale:.2f} times the size"
    if match.overlap < 0.9:
        kind += f", {100 * match.overlap:.0f} % in common"
    return f"{kind}; {words}, of detail {match.detail:.3f}"


def _pair_numbers(two: Sequence[Observation], pair: Pair, split: Mapping[str, str]) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "correlation": round(pair.correlation, 4),
        "labels": [one.sample.label for one in two],
        "parts": [split.get(one.sample.id) for one in two],
    }
    match = pair.match
    if match is not None:
        numbers |= {
            "detail": round(match.detail, 4),
            "features": match.inliers,
            "overlap": round(match.overlap, 3),
            "scale": round(match.scale, 3),
            "mirrored": match.mirrored,
            "copy": match.copy,
        }
    return numbers


def duplicate_groups(observed: Sequence[Observation], pairs: Sequence[Pair]) -> list[list[Observation]]:
    """Groups of two or more images linked, transitively, by being identical or showing the same scene; largest first."""
    links = [(pair.i, pair.j, pair.correlation) for pair in pairs if pair.match is not None]
    numbers = groups(len(observed), links, [one.pixel_sha256 or None for one in observed])
    members: dict[int, list[Observation]] = defaultdict(list)
    for one, number in zip(observed, numbers, strict=True):
        members[number].append(one)
    return sorted((group for group in members.values() if len(group) > 1), key=len, reverse=True)


def group_json(group: Sequence[Observation], split: Mapping[str, str]) -> dict[str, Any]:
    """A group for the audit's JSON: its images with their labels, patients and parts."""
    return {
        "ids": list(_ids(group)),
        "labels": [one.sample.label for one in group],
        "patients": [one.sample.patient for one in group],
        "parts": [split.get(one.sample.id) for one in group],
    }


def group_findings(found: Sequence[Sequence[Observation]], split: Mapping[str, str]) -> list[Finding]:
    """Groups with conflicting labels, of several patients, or in several parts of the split."""
    findings = []
    for group in found:
        numbers = group_json(group, split)
        del numbers["ids"]
        values: tuple[tuple[str, Sequence[Hashable | None], str], ...] = (
            ("conflicting_labels", [one.sample.label for one in group], "labelled"),
            ("duplicates_across_patients", [_patient_name(one) for one in group], "filed under"),
            ("leak_duplicates", [split.get(one.sample.id) for one in group], "in"),
        )
        for kind, each, verb in values:
            different = list(dict.fromkeys(value for value in each if value is not None))
            if len(different) > 1:
                words = f"{len(group)} images of one scene, {verb} {' and '.join(map(str, different))}"
                findings.append(Finding(kind, _ids(group), _files(group), words, numbers))
    return findings


def _patient_name(one: Observation) -> str | None:
    return None if one.patient is None else f"{one.patient[1]} ({one.patient[0]})"


def split_findings(observed: Sequence[Observation], split: Mapping[str, str]) -> list[Finding]:
    """Patients in several parts; ids that the split names without an image, or leaves out. ``split`` is {id: part}.

    Ids of sets that were not audited are no finding.
    """
    findings = []
    patients: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for one in observed:
        if one.patient is not None and one.sample.id in split:
            patients[one.patient].append(one)
    for (data_set, patient), members in patients.items():
        parts = [split[one.sample.id] for one in members]
        if len(set(parts)) > 1:
            counts = {part: parts.count(part) for part in dict.fromkeys(parts)}
            words = f"patient {patient} of {data_set}: " + ", ".join(f"{n} in {part}" for part, n in counts.items())
            findings.append(Finding("leak_patient", _ids(members), _files(members), words, {"parts": counts}))
    known = {one.sample.id for one in observed}
    sets = {one.data_set for one in observed}
    unknown = sorted(name for name in split if name not in known and name.split("/", 1)[0] in sets)
    missing = sorted(known - split.keys())
    for kind, ids, words in (
        ("split_unknown_ids", unknown, "in the split name no image"),
        ("split_missing_ids", missing, "are in no part"),
    ):
        if ids:
            findings.append(Finding(kind, tuple(ids), (), f"{len(ids)} ids {words}", {"count": len(ids)}))
    return findings
