"""The words of a training recipe: a network and how it is trained, every choice a validated field."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from busi_viewer.core.results import CLASSES, TASKS
from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.nets.losses import ClassLoss, MaskLoss
from busi_viewer.nets.published import BODIES, Freeze
from busi_viewer.training.search import Search

Label = Literal["normal", "benign", "malignant"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stages(_Strict):
    """A pipeline's recipes: one that outlines, and one that classifies the image with the predicted map laid over it.

    The classifier learns from maps predicted by networks that were not trained on the image, one for each of ``folds``.
    """

    segmentation: str
    classification: str
    folds: int = Field(3, ge=2, le=10)
    overlay: float = Field(0.4, ge=0, le=1)


class Source(_Strict):
    """Where a recipe comes from: paper (A–E, or own), section, the total it states, and why ours differs.

    ``counted_too`` are numbers that the paper's framework counts and PyTorch does not, or the reverse; ``statistics``: it counts
    running means and variances of batch norms.
    """

    paper: Literal["own", "A", "B", "C", "D", "E"] = "own"
    section: str = ""
    parameters: int | None = None
    counted_too: int = 0
    statistics: bool = False
    difference: str = ""


class PaperProtocol(_Strict):
    """What ``--protocol paper`` does: images are split at random into ``train`` and the rest, which both chooses the epoch and is
    reported. With ``truth_overlay`` the classifier of a pipeline learns, and is chosen, on true outlines.
    """

    train: float = Field(0.8, gt=0, lt=1)
    truth_overlay: bool = False


class Recipe(_Strict):
    """A network and its training protocol.

    ``exclude`` drops samples whose manifest column has one of the values, ``labels`` names the classes that are kept. The first
    ``small_epochs`` are trained at ``small_size`` pixels (progressive learning: Tan & Le, ICML 2021). ``balance`` is explained in
    ``TrainingSet``; 1 is a weighted sampler. Training ends early when ``patience`` validations in a row bring nothing better.
    ``mask_losses`` are added up. ``schedule``: warm-up and cosine, constant, or a tenth after ``plateau_patience`` validations
    without progress. ``imagenet``: whether the encoders start from ImageNet's weights, "needed" where it is senseless without.
    ``precision``: of the steps (bf16 is mixed with float32); validation is done as inference is, whatever it says.
    """

    name: str
    summary: str
    architecture: Architecture
    source: Source = Source()
    protocol: PaperProtocol = PaperProtocol()
    stages: Stages | None = None
    input: InputSpec = InputSpec(size=256, flip=True)
    imagenet: Literal["no", "yes", "needed"] = "yes"
    freeze: Freeze = "none"
    frozen_stages: int = Field(0, ge=0)
    epochs: int = Field(15, ge=1)
    small_epochs: int = Field(0, ge=0)
    small_size: int = Field(192, ge=64, multiple_of=32)
    batch: int = Field(16, ge=1)
    optimiser: Literal["adamw", "adam", "sgd", "rmsprop", "adagrad"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    encoder_rate_share: float = Field(0.3, ge=0, le=1)
    weight_decay: float = Field(0.02, ge=0)
    schedule: Literal["cosine", "constant", "plateau"] = "cosine"
    plateau_patience: int = Field(25, ge=1)
    mask_losses: tuple[MaskLoss, ...] = ("bce", "dice")
    class_loss: ClassLoss = "cross-entropy"
    focal_alpha: float = Field(0.5, ge=0, le=1)
    focal_gamma: float = Field(2.0, ge=0, le=10)
    class_weights: tuple[float, float, float] = (1.3, 0.85, 1.25)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    augmentation: Literal["ultrasound", "basic", "none"] = "ultrasound"
    balance: float = Field(0.0, ge=0, le=1)
    validate_every: int = Field(1, ge=1)
    patience: int | None = Field(None, ge=1)
    ema_decay: float = Field(0.995, ge=0, lt=1)
    precision: Literal["bf16", "full"] = "bf16"
    labels: tuple[Label, ...] = CLASSES  # type: ignore[assignment]
    exclude: dict[str, tuple[str, ...]] = {"doppler": ("Yes", "Y"), "combined": ("Yes", "Y")}
    seed: int = 7
    search: Search = Search()

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.freeze != "none" and self.imagenet == "no":
            raise ValueError("freeze: this network has no pretrained part to freeze")
        fixed = {"name", "summary", "source", "protocol", "search", "labels", "exclude"}
        names = {name.split(".")[0] for name in (*self.search.parameters, *self.search.settings)}
        if unknown := sorted(names - (set(type(self).model_fields) - fixed)):
            raise ValueError(f"search: {', '.join(unknown)} cannot be varied")
        if self.architecture.name == "swin-unet" and self.architecture.arguments.get("size") != self.input.size:
            arguments = {**self.architecture.arguments, "size": self.input.size}
            return self.model_copy(update={"architecture": Architecture(name="swin-unet", arguments=arguments)})
        return self

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the network does, some of TASKS."""
        body = BODIES.get(self.architecture.name)
        return TASKS if body is None else body[1]

    @property
    def is_published(self) -> bool:
        """Whether the network is one of the papers'."""
        return self.architecture.name in BODIES


def with_settings(recipe: Recipe, settings: dict[str, Any]) -> Recipe:
    """The recipe with other values: names of fields, with dots for those inside (``input.size``). Raises ValidationError."""
    values = recipe.model_dump(mode="json")
    for name, value in settings.items():
        *path, last = name.split(".")
        inner = values
        for step in path:
            inner = inner.setdefault(step, {}) if isinstance(inner.get(step, {}), dict) else {}
        inner[last] = value
    return Recipe.model_validate(values)
