"""What an analysis says about an image: plain numpy and numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.band import Band
from busi_viewer.core.image import Mask
from busi_viewer.core.measure import Lesion
from busi_viewer.core.names import CLASSES as CLASSES
from busi_viewer.core.names import GRAD_CAM as GRAD_CAM
from busi_viewer.core.names import LESION as LESION
from busi_viewer.core.names import METHODS as METHODS
from busi_viewer.core.names import TASKS as TASKS

NO_OUTLINE = "The model gives no outline"
"""Of a model that only classifies."""


@dataclass(frozen=True)
class ModelInfo:
    """Which model spoke. ``sha256`` is that of its weights; ``notes`` states calibration set and prevalence for display.

    ``tasks`` says what it does; ``leaky`` why its own figures do not count (a paper's protocol), if they do not.
    ``operating_point`` is the model's own; ``chosen_point`` the one that the reader put in its place, or None, and
    ``chosen_basis`` what it meant on which data, in words; ``point_note`` says how the model's own was chosen.
    """

    name: str
    version: str
    sha256: str
    operating_point: float | None = None
    notes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = TASKS
    leaky: tuple[str, ...] = ()
    chosen_point: float | None = None
    chosen_basis: str = ""
    point_note: str = ""

    @property
    def outlines(self) -> bool:
        """Whether it outlines lesions; the empty masks of one that only classifies say nothing."""
        return TASKS[0] in self.tasks

    @property
    def point(self) -> float | None:
        """The operating point in force: the reader's, else the model's own, else None."""
        return self.operating_point if self.chosen_point is None else self.chosen_point


@dataclass(frozen=True)
class Quality:
    """Whether the image resembles the training images. ``score`` ∈ [0, 1]; ``reasons`` are words for the reader."""

    in_distribution: bool
    score: float | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heatmap:
    """The heat of one class at native size: ``values`` (H, W) float32 in [0, 1], and the share of heat inside the mask.

    ``method`` is one of METHODS.
    """

    target: str
    values: NDArray[np.float32]
    inside_mask_share: float | None
    method: str = GRAD_CAM

    @property
    def points_nowhere(self) -> bool:
        """Whether it is about the image as a whole: the heat of "normal", which is the absence of a lesion."""
        return self.target == CLASSES[0]

    @property
    def title(self) -> str:
        """Method and class in words."""
        return f"{self.method}, {'outline' if self.target == LESION else f'class {self.target}'}"


def heat_inside(values: NDArray[np.floating], mask: Mask) -> float | None:
    """The share of heat (H, W) inside a mask of its size; None without a mask or without heat."""
    total = float(values.sum(dtype=np.float64))
    return float(values[mask].sum(dtype=np.float64)) / total if mask.any() and total > 0 else None


@dataclass(frozen=True)
class FrameResult:
    """The analysis of one frame. ``mask`` (H, W) bool at native size; ``probabilities`` (3,) in the order of CLASSES, sum 1.

    ``above_operating_point``: p(malignant) ≥ the operating point in force. ``abstained``: the estimate is withheld.
    ``probability`` (H, W) float16 is the lesion probability of each pixel at native size, where the engine gives it.
    ``classified`` is False for a model that outlines only: its probabilities are then equal and say nothing.
    ``band`` is the zone around the mask in which the true boundary lies with the stated coverage, where the model has one.
    """

    index: int
    probabilities: tuple[float, float, float]
    calibrated: bool
    above_operating_point: bool
    abstained: bool
    abstain_reasons: tuple[str, ...]
    quality: Quality
    mask: Mask
    lesions: tuple[Lesion, ...]
    heatmap: Heatmap | None
    timing_ms: dict[str, float] = field(default_factory=dict)
    probability: NDArray[np.float16] | None = None
    band: Band | None = None
    classified: bool = True

    @property
    def prediction(self) -> str:
        """The most probable class (argmax), given whether abstained or not."""
        return CLASSES[int(np.argmax(self.probabilities))]


@dataclass(frozen=True)
class AnalysisResult:
    """All analysed frames of one file by one model. ``revision`` is the document's when the request was made."""

    path: Path
    sha256: str
    model: ModelInfo
    device: str
    frames: tuple[FrameResult, ...]
    revision: int = 0
    warnings: tuple[str, ...] = ()

    def frame(self, index: int) -> FrameResult | None:
        """The result of frame ``index``, or None if it was not analysed."""
        return next((f for f in self.frames if f.index == index), None)


def merged(before: AnalysisResult | None, new: AnalysisResult) -> AnalysisResult:
    """``new`` together with the frames that only an earlier analysis by the same model has."""
    if before is None or before.model.sha256 != new.model.sha256 or before.sha256 != new.sha256:
        return new
    done = {frame.index for frame in new.frames}
    kept = tuple(frame for frame in before.frames if frame.index not in done)
    return replace(new, frames=tuple(sorted((*kept, *new.frames), key=lambda frame: frame.index)))


def at_point(result: AnalysisResult, point: float | None, basis: str = "") -> AnalysisResult:
    """The same analysis read at another operating point; None = the model's own. Estimates stay as they are."""
    own = point is None or point == result.model.operating_point
    model = replace(result.model, chosen_point=None if own else point, chosen_basis="" if own else basis)
    limit, malignant = model.point, CLASSES.index("malignant")
    frames = tuple(
        replace(frame, above_operating_point=limit is not None and frame.probabilities[malignant] >= limit)
        for frame in result.frames
    )
    return replace(result, model=model, frames=frames)
