"""A model's card: what it is, what it expects, how it was calibrated, and how well it did on which data."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from busi_viewer.core.errors import ModelError
from busi_viewer.nets.postprocess import MaskRule
from busi_viewer.nets.preprocess import Step

WEIGHTS = "model.safetensors"
CARD = "card.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Architecture(_Strict):
    """A name of the registry and its keyword arguments."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class InputSpec(_Strict):
    """The network's input: a letterboxed grey square of ``size`` pixels in [0, 1]; flips averaged if ``flip``.

    ``preprocess`` is done to it before the network, in training as in use. Sizes are multiples of 32, or Inception's 299.
    """

    size: int = Field(256, ge=32, le=1024)
    flip: bool = True
    preprocess: tuple[Step, ...] = ()

    @field_validator("size")
    @classmethod
    def _fits_strides(cls, size: int) -> int:
        if size % 32 and size != 299:
            raise ValueError("must be a multiple of 32, or 299")
        return size


class Calibration(_Strict):
    """softmax(logits / temperature + bias), fitted on ``data`` (Guo et al., ICML 2017). ``prevalence`` is by class."""

    temperature: float = 1.0
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    data: str = ""
    n: int = 0
    prevalence: dict[str, float] = Field(default_factory=dict)


class Guard(_Strict):
    """The guard of earlier releases: mean and inverse covariance of the projected embedding, and the distance limit.

    ``projection`` is (E, K) row-wise; the squared Mahalanobis distance of an image is compared with ``limit``.
    """

    mean: list[float]
    projection: list[list[float]]
    limit: float
    max_colour: float


class LearnedGuard(_Strict):
    """How training images differ from images that are none: see :mod:`busi_viewer.nets.novelty`.

    ``mean`` (E,) and ``axes`` (K, E) of the embedding and the limit of the log squared distance from them; ``centre`` and
    ``spread`` (T,) of the texture, ``weights`` (2T,) and ``bias`` of its log odds, and their ``limit``.
    """

    mean: list[float]
    axes: list[list[float]]
    limit_beyond: float
    centre: list[float]
    spread: list[float]
    weights: list[float]
    bias: float
    limit: float

    @cached_property
    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The lists as arrays, made once: the axes are some ten thousand numbers."""
        return {name: np.asarray(getattr(self, name)) for name in ("mean", "axes", "centre", "spread", "weights")}


class ContourBand(_Strict):
    """Probability levels and margin of the uncertainty band, chosen for ``coverage`` on ``n`` outlined lesions of ``data``.

    See :mod:`busi_viewer.core.band`.
    """

    low: float
    high: float
    margin: float
    coverage: float
    n: int = 0
    data: str = ""


class Card(_Strict):
    """The card as stored in ``card.json``. ``sha256`` is that of the weights file beside it.

    Mask: pixels with probability ≥ ``mask_threshold``, lesions smaller than ``min_lesion_share`` of the image dropped, and
    those less sure than ``min_relative_probability`` times the surest; none where p(normal) ≥ ``no_outline_above``, unless some
    pixel reaches ``outline_sure_from``. The estimate is withheld where no class reaches ``abstain_below``.
    ``data`` names source and licence of each data set that is known by its folder's name; ``limits`` what the model's figures
    showed; ``leaky`` how a paper's protocol, reproduced on request, let the answer through: such a model is never made the active
    one. ``graph_sha256`` is that of the compiled graph beside the weights, if there is one; ``bfloat16`` lets processors that can
    compute its middle part in bfloat16, because its masks and estimates were measured to stay those of float32. ``promotion`` is
    what its locked test said beside the model that was active before, and why it was promoted all the same where it was worse.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    name: str
    version: str
    architecture: Architecture
    input: InputSpec
    classes: tuple[str, str, str]
    sha256: str
    mask_threshold: float = 0.5
    min_lesion_share: float = 0.0005
    min_relative_probability: float = 0.0
    no_outline_above: float | None = None
    outline_sure_from: float | None = None
    calibration: Calibration | None = None
    operating_point: float | None = None
    abstain_below: float | None = None
    guard: LearnedGuard | Guard | None = None
    band: ContourBand | None = None
    data: dict[str, dict[str, str]] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    licence: str = "Apache-2.0"
    intended_use: str = "Research use only. Not for clinical decisions."
    limits: tuple[str, ...] = ()
    leaky: tuple[str, ...] = ()
    graph_sha256: str = ""
    bfloat16: bool = False
    promotion: dict[str, Any] = Field(default_factory=dict)

    @property
    def mask_rule(self) -> MaskRule:
        """The rule that makes a mask of a probability map."""
        return MaskRule(
            self.mask_threshold,
            self.min_lesion_share,
            self.min_relative_probability,
            self.no_outline_above,
            self.outline_sure_from,
        )


def read_card(folder: Path) -> Card:
    """Read and check the card of a model folder. Raises ModelError."""
    path = folder / CARD
    try:
        return Card.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(
            f"the model's card cannot be read ({error.strerror})", path=path, remedy="Install the model again."
        ) from error
    except (ValueError, ValidationError) as error:
        raise ModelError("the model's card is not valid", path=path, remedy="Install the model again.") from error


def write_card(folder: Path, card: Card) -> None:
    """Write ``card.json`` atomically."""
    path = folder / CARD
    temporary = path.with_name(CARD + ".part")
    temporary.write_text(card.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)
