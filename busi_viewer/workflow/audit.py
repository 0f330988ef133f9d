"""Look through labelled data sets for what would spoil a training or its figures.

The JSON of an audit, ``"schema": 1``:

``sets``      for each set: name, folder, images, unreadable, by_class, with_mask, patients, patients_by_class, images_per_patient
              (min, median, max), without_patient
``n``         images, the unreadable ones among them
``split``     null, or the split file's name and, for each part, images, patients and by_class
``summary``   for each kind of finding, found or not, worst first: kind, severity (error, warn, note), title, do (what to do
              about it), findings and images (how many)
``findings``  the findings, in the order of the summary: kind, severity, ids, files, what, do, numbers (by kind, see
              ``core.audit`` and ``core.audit_groups``; shares in [0, 1], sizes as [height, width] in pixels, boxes as
              [x0, y0, x1, y1])
``groups``    images of one scene, transitively, largest first: ids, labels, patients, parts
``rules``     the thresholds
``failures``  files that could not be read: path, reason
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import audit as rules
from busi_viewer.core import same_scene
from busi_viewer.core.audit import KINDS, Finding, MaskFacts, Observation
from busi_viewer.core.audit_groups import duplicate_groups, group_findings, group_json, pair_findings, split_findings
from busi_viewer.core.content import describe
from busi_viewer.core.dataset import IMAGE_SUFFIXES, Sample, load_datasets, load_split
from busi_viewer.core.duplicates import THRESHOLD, fingerprint
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.core.image import ImageRecord, Mask, Pixels, to_grey, to_uint8
from busi_viewer.core.ports import ImageSource, Services
from busi_viewer.core.results import CLASSES
from busi_viewer.core.thumbnails import thumbnail
from busi_viewer.workflow.analyse import Failure, Watcher, reason_of
from busi_viewer.workflow.export import write_bytes, write_json
from busi_viewer.workflow.open import mask_of, open_image

READING = 0.6
"""Share of the progress that reading takes; comparing pairs takes the rest."""


@dataclass(frozen=True)
class _Seen:
    """What is kept of an image that was read: never its pixels at full size. ``picture`` is a JPEG, or empty."""

    observation: Observation
    fingerprint: NDArray[np.float32]
    sketch: same_scene.Sketch
    picture: bytes


@dataclass(frozen=True)
class Audit:
    """The result for machines, the files that could not be read, and JPEG thumbnails by id (if asked for)."""

    result: dict[str, Any]
    failures: list[Failure]
    pictures: dict[str, bytes]


def audit(
    roots: Sequence[Path], services: Services, watcher: Watcher, *, split: Path | None = None, pictures: bool = False
) -> Audit:
    """Audit data sets together. Broken images and lines are findings; raises DataSetError where nothing can be audited."""
    problems: list[DataSetError] = []
    samples = load_datasets(roots, problems)
    parts = load_split(split) if split is not None else {}
    if split is not None and not any(sample.id in parts for sample in samples):
        raise UsageError(
            f"the split names none of the {len(samples)} images",
            path=split,
            remedy="Its ids must start with the data set's folder name.",
        )
    observed: list[Observation] = []
    seen: list[_Seen] = []
    failures = [_failure(problem) for problem in problems if "does not exist" in problem.what]
    for failure in failures:
        watcher.failed(failure)
    for one, look in _look_at_all(samples, services.sources, watcher, pictures=pictures):
        observed.append(one)
        new = [(one.sample.image, one.problem)] if one.problem else [(Path(m.file), m.problem) for m in one.masks]
        for path, reason in new:
            if reason:
                failures.append(Failure(str(path), reason))
                watcher.failed(failures[-1])
        if look is not None:
            seen.append(look)
    findings = [*_problem_findings(problems), *_unlisted(roots, samples), *rules.image_findings(observed)]
    groups = _compare(seen, parts, findings, watcher)
    if split is not None:
        findings += split_findings(observed, parts)
    result = _result(roots, observed, findings, groups, failures, split, parts)
    return Audit(result, failures, {look.observation.sample.id: look.picture for look in seen if look.picture})


def _failure(problem: DataSetError) -> Failure:
    return Failure(str(problem.path), f"{problem.what}. {problem.remedy}".strip())


def _compare(
    seen: Sequence[_Seen], parts: Mapping[str, str], findings: list[Finding], watcher: Watcher
) -> list[list[Observation]]:
    """Find duplicates among the readable images; adds to the findings and returns the groups."""
    if not seen:
        return []

    def progress(share: float) -> None:
        watcher.progress("comparing", READING + (1.0 - READING) * share)

    readable = [look.observation for look in seen]
    prints = np.stack([look.fingerprint for look in seen])
    pairs = same_scene.find_pairs(prints, [look.sketch for look in seen], THRESHOLD, progress)
    groups = duplicate_groups(readable, pairs)
    findings += pair_findings(readable, pairs, parts)
    findings += group_findings(groups, parts)
    return groups


def _look_at_all(
    samples: Sequence[Sample], sources: Sequence[ImageSource], watcher: Watcher, *, pictures: bool
) -> Iterator[tuple[Observation, _Seen | None]]:
    """Look at every image, several at a time, in order; an unreadable one gives no :class:`_Seen`."""

    def look(sample: Sample) -> tuple[Observation, _Seen | None]:
        try:
            return _look(sample, sources, pictures=pictures)
        except Exception as error:  # noqa: BLE001 - the boundary of one file: whatever is wrong, the others go on
            return Observation(sample, problem=reason_of(error, sample.image)), None

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="audit") as pool:
        try:
            for number, result in enumerate(pool.map(look, samples)):
                watcher.progress(samples[number].image.name, READING * number / len(samples))
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _look(sample: Sample, sources: Sequence[ImageSource], *, pictures: bool) -> tuple[Observation, _Seen | None]:
    """Read an image's first frame and its masks once."""
    record = open_image(sample.image, sources)
    frame = record.frames[0]
    grey = to_grey(frame, record.window)
    masks = [_read_mask(path, sources) for path in sample.masks]
    one = Observation(
        sample,
        shape=record.shape,
        file_sha256=record.sha256,
        pixel_sha256=_digest(frame),
        content=describe(frame, record.window),
        masks=tuple(facts for facts, _ in masks),
    )
    union = np.zeros(record.shape, dtype=bool)
    for _, mask in masks:
        if mask is not None and mask.shape == record.shape:
            union |= mask
    picture = thumbnail(to_uint8(frame, record.window), reader=union) if pictures else b""
    return one, _Seen(one, fingerprint(grey), same_scene.sketch(grey), picture)


def _digest(frame: Pixels) -> str:
    """SHA-256 of the decoded pixels with their size and type."""
    digest = hashlib.sha256(f"{frame.shape} {frame.dtype}".encode())
    digest.update(np.ascontiguousarray(frame).data)
    return digest.hexdigest()


def _read_mask(path: Path, sources: Sequence[ImageSource]) -> tuple[MaskFacts, Mask | None]:
    try:
        record: ImageRecord = open_image(path, sources)
        mask = mask_of(record)
    except Exception as error:  # noqa: BLE001 - the boundary of one file: whatever is wrong, the others go on
        return MaskFacts(str(path), problem=reason_of(error, path)), None
    return rules.mask_facts(str(path), mask), mask


def _problem_findings(problems: Iterable[DataSetError]) -> list[Finding]:
    return [Finding("manifest_problem", (), (str(problem.path),), problem.what) for problem in problems]


def _unlisted(roots: Sequence[Path], samples: Sequence[Sample]) -> list[Finding]:
    """Images under the folder of a manifest that it does not name, neither as image nor as mask."""
    known = {path for sample in samples for path in (sample.image, *sample.masks)}
    found = []
    for root in (root.resolve() for root in roots):
        if not (root / "manifest.csv").is_file():
            continue
        files = (path for path in root.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
        found += [
            Finding("unlisted_files", (), (str(path),), path.relative_to(root).as_posix())
            for path in sorted(files)
            if path.resolve() not in known
        ]
    return found


def _result(
    roots: Sequence[Path],
    observed: Sequence[Observation],
    findings: Sequence[Finding],
    groups: Sequence[Sequence[Observation]],
    failures: Sequence[Failure],
    split: Path | None,
    parts: Mapping[str, str],
) -> dict[str, Any]:
    folders = {root.resolve().name: str(root) for root in roots}
    order = list(KINDS)
    return {
        "schema": 1,
        "n": len(observed),
        "sets": [{**counts, "folder": folders.get(counts["name"])} for counts in rules.set_counts(observed)],
        "split": {"name": split.name, "parts": _part_counts(observed, parts)} if split is not None else None,
        "summary": _summary(findings, checked_split=split is not None),
        "findings": [f.as_json() for f in sorted(findings, key=lambda finding: order.index(finding.kind))],
        "groups": [group_json(group, parts) for group in groups],
        "rules": {
            "thumbnail_correlation": THRESHOLD,
            "detail_correlation": same_scene.DETAIL,
            "copy_detail_correlation": same_scene.COPY_DETAIL,
            "agreeing_features": same_scene.INLIERS,
            "overlap": same_scene.OVERLAP,
            "inverted_mask_share": rules.INVERTED_SHARE,
            "speck_share": rules.SPECK_SHARE,
        },
        "failures": [{"path": failure.path, "reason": failure.reason} for failure in failures],
    }


def _summary(findings: Sequence[Finding], *, checked_split: bool) -> list[dict[str, Any]]:
    """How much was found of each kind; kinds about a split only where one was given."""
    count = Counter(finding.kind for finding in findings)
    needs_split = {"leak_duplicates", "leak_patient", "split_unknown_ids", "split_missing_ids"}
    images: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for finding in findings:
        images[finding.kind].update(finding.ids)
    return [
        {
            "kind": name,
            "severity": kind.severity,
            "title": kind.title,
            "do": kind.advice,
            "findings": count[name],
            "images": len(images[name]),
        }
        for name, kind in KINDS.items()
        if checked_split or name not in needs_split
    ]


def _part_counts(observed: Sequence[Observation], parts: Mapping[str, str]) -> dict[str, Any]:
    """For each part of the split: images, patients and images of each class."""
    counts = {}
    for part in dict.fromkeys(parts.values()):
        members = [one for one in observed if parts.get(one.sample.id) == part]
        labels = Counter(one.sample.label for one in members)
        counts[part] = {
            "images": len(members),
            "patients": len({one.patient for one in members} - {None}),
            "by_class": {label: labels[label] for label in CLASSES},
        }
    return counts


def write(outcome: Audit, services: Services, json_path: Path, page_path: Path | None) -> None:
    """Write the JSON and, if asked for, the page. Raises OutputError."""
    write_json(json_path, outcome.result, indent=1)
    if page_path is not None:
        page = services.study_pages().audit(outcome.result, outcome.pictures)
        write_bytes(page_path, page.encode("utf-8"))
