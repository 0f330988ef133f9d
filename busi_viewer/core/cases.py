"""What is kept of an evaluated image, and how its mask compares with the truth."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core import metrics
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import components
from busi_viewer.core.measure import measure
from busi_viewer.core.results import CLASSES, FrameResult

Spacing = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """Length of a lesion's long axis; ``mm`` is None where the image has no scale."""

    px: float
    mm: float | None


@dataclass(frozen=True)
class Outline:
    """How one mask compares with the truth. ``hd95`` is NaN without a common pixel.

    ``found`` of ``lesions`` true components were met; ``histogram`` (2, bins) counts the pixel probabilities inside and
    outside the true mask, or is None where the engine gives none. ``true_axis`` is that of the largest true lesion, ``axis``
    that of the outline which overlaps it most, each None where there is none.
    """

    counts: metrics.PixelCounts
    hd95: float
    found: int
    lesions: int
    histogram: NDArray[np.int64] | None
    true_axis: Axis | None = None
    axis: Axis | None = None

    @property
    def lesion_share(self) -> float:
        """Share of the image's area that the true lesions cover."""
        c = self.counts
        return metrics.ratio(c.tp + c.fn, c.tp + c.fp + c.fn + c.tn)

    @property
    def has_lesion(self) -> bool:
        """Whether the truth holds a lesion."""
        return self.counts.tp + self.counts.fn > 0

    @property
    def missed(self) -> bool:
        """Whether there is a lesion, and the outlines have no pixel in common with it."""
        return self.has_lesion and not self.counts.tp

    @property
    def dice(self) -> float:
        """Dice; 0 for a missed lesion, NaN without a lesion in truth."""
        return self.counts.dice if self.has_lesion else float("nan")

    @property
    def iou(self) -> float:
        """Intersection over union, undefined where :attr:`dice` is."""
        return self.counts.iou if self.has_lesion else float("nan")


@dataclass(frozen=True)
class Case:
    """What is kept of one evaluated image: numbers, no pixels. ``label`` or ``outline`` is None where truth is unknown.

    ``group`` is the patient's, or that of the image's near-duplicates: images of one group are resampled together. ``id``
    is ``set/relative-path``; ``truth`` a digest of the true mask, so that two evaluations can be told to have had the same.
    ``classified`` is False for a model that outlines only; ``outline`` is None for one that classifies only.
    """

    group: int
    label: str | None
    probabilities: tuple[float, float, float]
    above_operating_point: bool
    abstained: bool
    milliseconds: float | None
    outline: Outline | None
    id: str = ""
    truth: str = ""
    classified: bool = True

    @property
    def judged(self) -> str | None:
        """The true class where the model gave a class that can be held against it, else None."""
        return self.label if self.classified else None

    @property
    def set(self) -> str:
        """The data set's name."""
        return self.id.split("/", 1)[0]

    @property
    def prediction(self) -> str:
        """The most probable class."""
        return CLASSES[int(np.argmax(self.probabilities))]

    @property
    def false_alarm(self) -> bool:
        """Whether anything is outlined on an image labelled normal."""
        if self.label != "normal" or self.outline is None:
            return False
        return self.outline.counts.tp + self.outline.counts.fp > 0


def compare(frame: FrameResult, truth: Mask, spacing_mm: Spacing | None = None) -> Outline:
    """Compare a frame's mask and pixel probabilities with the true mask (H, W) at native size.

    ``spacing_mm`` (dy, dx) gives the long axes in mm.
    """
    counts = metrics.pixel_counts(truth, frame.mask)
    found, lesions = metrics.matched_lesions(truth, frame.mask)
    histogram = None
    if frame.probability is not None:
        sides = (frame.probability[truth], frame.probability[~truth])
        histogram = np.stack([metrics.probability_histogram(side) for side in sides])
    distance = metrics.hd95(truth, frame.mask) if counts.tp else float("nan")
    true_axis, axis = _long_axes(truth, frame.mask, spacing_mm)
    return Outline(counts, distance, found, lesions, histogram, true_axis, axis)


def _long_axes(truth: Mask, predicted: Mask, spacing_mm: Spacing | None) -> tuple[Axis | None, Axis | None]:
    """Long axis of the largest true lesion, and of the outline that has most pixels in common with it."""
    lesions = components(truth)
    if not lesions:
        return None, None
    outlines = [outline for outline in components(predicted) if (outline & lesions[0]).any()]
    if not outlines:
        return _axis(lesions[0], spacing_mm), None
    nearest = max(outlines, key=lambda outline: int(np.count_nonzero(outline & lesions[0])))
    return _axis(lesions[0], spacing_mm), _axis(nearest, spacing_mm)


def _axis(mask: Mask, spacing_mm: Spacing | None) -> Axis:
    lesion = measure(mask, spacing_mm)
    return Axis(lesion.long_axis_px, lesion.long_axis_mm)


def digest(truth: Mask | None) -> str:
    """Sixteen hexadecimal digits that name a true mask (H, W) and its size; "" where it is unknown."""
    if truth is None:
        return ""
    whole = hashlib.sha256(repr(truth.shape).encode())
    whole.update(np.packbits(truth).tobytes())
    return whole.hexdigest()[:16]
