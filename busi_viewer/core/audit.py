"""What may be wrong with a labelled data set: findings on single images and masks, and counts of a set.

An :class:`Observation` holds what is kept of an image (no pixels). The findings on pairs, groups and splits are in
``core.audit_groups``. Thresholds are stated with the findings' numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from busi_viewer.core.content import Content
from busi_viewer.core.dataset import Sample, named_like_mask
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components
from busi_viewer.core.results import CLASSES

INVERTED_SHARE = 0.7
"""A mask that covers more of its image than this is taken for inverted."""
INVERTED_CORNERS = 3
CORNERED_SHARE = 0.3
"""… and so is one that holds this many corners of the image and covers more than this."""
SPECK_SHARE = 1e-4
"""A mask's part is a speck if it covers less of the image than this, beside a larger part."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding. ``severity``: error (training or figures would be wrong), warn (look at it), note (know it)."""

    severity: str
    title: str
    advice: str


KINDS: Mapping[str, Kind] = {
    "manifest_problem": Kind(
        "error", "Wrong lines in a manifest", "Correct the line, or add the file; until then the image is left out."
    ),
    "unreadable_image": Kind("error", "Unreadable images", "Replace the file or remove it from the set."),
    "unreadable_mask": Kind("error", "Unreadable masks", "Replace the mask; its image cannot be used for outlines."),
    "leak_duplicates": Kind(
        "error",
        "The same scene in several parts of the split",
        "Put all images of a group into one part: figures measured on such a split are too good.",
    ),
    "leak_patient": Kind(
        "error", "Patients in several parts of the split", "Put all images of a patient into one part."
    ),
    "conflicting_labels": Kind(
        "error", "The same scene with different labels", "Find out which label is right, or leave the group out."
    ),
    "duplicates_across_patients": Kind(
        "error",
        "The same scene under several patients",
        "Check the patient numbers: one person may have two, or an image may be filed under the wrong one.",
    ),
    "mask_other_size": Kind(
        "error",
        "Masks of another size than their image",
        "Export the mask again at the image's size; it is not scaled.",
    ),
    "mask_inverted": Kind("error", "Masks that look inverted", "Swap lesion and background in the mask."),
    "mask_empty": Kind("error", "Empty masks though the class has a lesion", "Draw the lesion, or remove the mask."),
    "mask_on_normal": Kind("error", "Masks with a lesion on normal images", "Correct the label or empty the mask."),
    "mask_missing": Kind(
        "warn", "No mask though the class has a lesion", "Draw one; without it the image only teaches the class."
    ),
    "mask_without_image": Kind(
        "warn", "Masks without their image", "Add the image or remove the mask: it would be taken for an image."
    ),
    "no_label": Kind("warn", "Images without a label", "Add the label; without it the image only teaches outlines."),
    "unlisted_files": Kind(
        "warn", "Images that the manifest does not list", "Add lines for them, or move them elsewhere."
    ),
    "split_unknown_ids": Kind(
        "warn", "Lines of the split that name no image", "Correct the ids (set/relative path) or remove the lines."
    ),
    "split_missing_ids": Kind("warn", "Images that the split leaves out", "Assign them to a part, or know it."),
    "exact_duplicates": Kind("warn", "Identical images", "Keep one of each group."),
    "near_duplicates": Kind(
        "warn", "Near-duplicates", "Keep each group in one part of a split, or keep one image of each group."
    ),
    "blank": Kind("warn", "Blank images", "Remove them."),
    "doppler": Kind(
        "warn", "Doppler or other colour on the image", "Models of B-mode images should not learn from them."
    ),
    "two_views": Kind("warn", "Two views side by side", "Cut them apart, or leave them out."),
    "look_alikes": Kind(
        "note", "Look-alikes", "Their thumbnails correlate strongly, their detail does not: most are different scenes."
    ),
    "callipers": Kind(
        "note", "Burned-in callipers", "A model may read them: use recipes that burn callipers in at random."
    ),
    "text": Kind("note", "Burned-in text", "Check that it names no patient; a model may read it."),
    "several_masks": Kind("note", "Several masks for one image", "Their union is used: right for several lesions."),
    "mask_touches_border": Kind(
        "note",
        "Masks that touch the image's border",
        "Right if the lesion is cut off there; sizes are then lower bounds.",
    ),
    "mask_specks": Kind("note", "Masks with specks", "Remove stray pixels: they count as lesions."),
}
"""All kinds, worst first."""


@dataclass(frozen=True)
class Finding:
    """Something found: its kind, the images (ids) and files concerned, in words, and in numbers for machines."""

    kind: str
    ids: tuple[str, ...]
    files: tuple[str, ...]
    what: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the audit's JSON."""
        return {
            "kind": self.kind,
            "severity": KINDS[self.kind].severity,
            "ids": list(self.ids),
            "files": list(self.files),
            "what": self.what,
            "do": KINDS[self.kind].advice,
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True)
class MaskFacts:
    """A mask file: size (height, width), covered share, its parts' areas in pixels, corners and sides that it holds.

    ``problem`` says why it could not be read (the rest is then zero).
    """

    file: str
    shape: tuple[int, int] = (0, 0)
    share: float = 0.0
    parts: tuple[int, ...] = ()
    corners: int = 0
    sides: tuple[str, ...] = ()
    problem: str = ""

    @property
    def inverted(self) -> bool:
        """Whether lesion and background seem to be swapped."""
        return self.share > INVERTED_SHARE or (self.corners >= INVERTED_CORNERS and self.share > CORNERED_SHARE)


@dataclass(frozen=True)
class Observation:
    """What is known of one image after reading it once. ``problem`` says why it could not be read (the rest is empty then)."""

    sample: Sample
    shape: tuple[int, int] = (0, 0)
    file_sha256: str = ""
    pixel_sha256: str = ""
    content: Content | None = None
    masks: tuple[MaskFacts, ...] = ()
    problem: str = ""

    @property
    def data_set(self) -> str:
        """The name of its set, the first part of its id."""
        return self.sample.id.split("/", 1)[0]

    @property
    def patient(self) -> tuple[str, str] | None:
        """The patient, who is another one in another set."""
        return (self.data_set, self.sample.patient) if self.sample.patient else None


def mask_facts(file: str, mask: Mask) -> MaskFacts:
    """The facts of a mask (H, W)."""
    sides = {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
    return MaskFacts(
        file,
        shape=(mask.shape[0], mask.shape[1]),
        share=float(mask.mean()),
        parts=tuple(int(part.sum()) for part in components(mask)[:20]),
        corners=int(np.count_nonzero(mask[[0, 0, -1, -1], [0, -1, 0, -1]])),
        sides=tuple(name for name, pixels in sides.items() if pixels.any()),
    )


def image_findings(observed: Iterable[Observation]) -> list[Finding]:
    """Findings that concern one image at a time, in the order of KINDS."""
    found: list[Finding] = []
    for one in observed:
        if named_like_mask(one.sample.image) and not one.sample.masks:
            found.append(_on(one, "mask_without_image", "named like a mask, but no image has that name"))
        if one.problem:
            found.append(_on(one, "unreadable_image", one.problem))
            continue
        if one.sample.label is None:
            found.append(_on(one, "no_label", "no label", outlined=bool(one.sample.masks)))
        found += _mask_findings(one)
        found += _content_findings(one)
    order = list(KINDS)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _on(one: Observation, kind: str, what: str, files: Sequence[str] = (), **numbers: Any) -> Finding:
    return Finding(kind, (one.sample.id,), tuple(files) or (str(one.sample.image),), what, numbers)


def _mask_findings(one: Observation) -> list[Finding]:
    label = one.sample.label
    lesion = label in CLASSES and label != "normal"
    found = []
    readable = [mask for mask in one.masks if not mask.problem]
    found += [_on(one, "unreadable_mask", mask.problem, [mask.file]) for mask in one.masks if mask.problem]
    if lesion and not one.masks:
        found.append(_on(one, "mask_missing", f"{label}, no mask"))
    if len(one.masks) > 1:
        files = [mask.file for mask in one.masks]
        found.append(_on(one, "several_masks", f"{len(files)} masks", files, masks=len(files)))
    for mask in readable:
        found += _one_mask(one, mask, lesion)
    return found


def _one_mask(one: Observation, mask: MaskFacts, lesion: bool) -> list[Finding]:
    files, share = [mask.file], round(mask.share, 4)
    found = []
    if mask.shape != one.shape:
        words = f"mask {mask.shape[1]} × {mask.shape[0]}, image {one.shape[1]} × {one.shape[0]} pixels"
        found.append(_on(one, "mask_other_size", words, files, mask=list(mask.shape), image=list(one.shape)))
    if mask.share == 0.0:
        return [*found, _on(one, "mask_empty", f"{one.sample.label}, empty mask", files)] if lesion else found
    if one.sample.label == "normal":
        found.append(_on(one, "mask_on_normal", f"normal, mask covers {100 * share:.1f} %", files, share=share))
    if mask.inverted:
        words = f"covers {100 * share:.0f} % of the image and {mask.corners} of its corners"
        return [*found, _on(one, "mask_inverted", words, files, share=share, corners=mask.corners)]
    if mask.sides:
        words = "touches " + ", ".join(mask.sides)
        found.append(_on(one, "mask_touches_border", words, files, sides=list(mask.sides)))
    limit = SPECK_SHARE * mask.shape[0] * mask.shape[1]
    specks = [area for area in mask.parts[1:] if area < limit]
    if specks:
        largest = f"the largest of {max(specks)} px" if len(specks) > 1 else f"of {specks[0]} px"
        words = f"{len(specks)} {'specks' if len(specks) > 1 else 'speck'}, {largest}, beside {mask.parts[0]} px"
        found.append(_on(one, "mask_specks", words, files, specks=specks, largest=mask.parts[0]))
    return found


def _content_findings(one: Observation) -> list[Finding]:
    content = one.content
    if content is None:
        return []
    if content.blank:
        return [_on(one, "blank", "nearly one grey value")]
    found = []
    if content.doppler:
        words = f"{100 * content.colour_share:.1f} % coloured, {len(content.flow)} spots of flow colour"
        found.append(_on(one, "doppler", words, colour_share=round(content.colour_share, 5), flow=len(content.flow)))
    if content.pane_edge is not None:
        found.append(_on(one, "two_views", f"a second view begins at x = {content.pane_edge}", edge=content.pane_edge))
    if content.callipers:
        words = f"{len(content.callipers)} crosses"
        found.append(_on(one, "callipers", words, boxes=[list(box) for box in content.callipers]))
    if content.text:
        words = f"{len(content.text)} {'line' if len(content.text) == 1 else 'lines'}"
        found.append(_on(one, "text", words, boxes=[list(box) for box in content.text]))
    return found


def set_counts(observed: Sequence[Observation]) -> list[dict[str, Any]]:
    """Counts of each set: images, unreadable ones, classes, masks, patients, and images a patient."""
    counts = []
    for name in dict.fromkeys(one.data_set for one in observed):
        members = [one for one in observed if one.data_set == name]
        labels = Counter(one.sample.label for one in members)
        patients = Counter(one.sample.patient for one in members if one.sample.patient)
        each = sorted(patients.values())
        counts.append(
            {
                "name": name,
                "images": len(members),
                "unreadable": sum(bool(one.problem) for one in members),
                "by_class": {label: labels[label] for label in CLASSES} | {"no label": labels[None]},
                "with_mask": sum(bool(one.sample.masks) for one in members),
                "without_patient": sum(one.sample.patient is None for one in members),
                "patients": len(patients) or None,
                "patients_by_class": _patients_by_class(members) if patients else None,
                "images_per_patient": {"min": each[0], "median": float(np.median(each)), "max": each[-1]}
                if each
                else None,
            }
        )
    return counts


def _patients_by_class(members: Sequence[Observation]) -> dict[str, int]:
    """How many patients have images of each class; one patient may count in several."""
    pairs = {(one.sample.label, one.sample.patient) for one in members if one.sample.patient}
    return {label: sum(of == label for of, _ in pairs) for label in CLASSES}
