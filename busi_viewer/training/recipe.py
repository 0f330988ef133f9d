"""What to train: recipes (architecture + protocol) by name, and jobs (a recipe on data, into a folder)."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from busi_viewer.core.errors import UsageError
from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.training import families
from busi_viewer.training.schema import Recipe as Recipe
from busi_viewer.training.schema import with_settings


class Job(BaseModel):
    """One run. ``split`` None means: make one by patient and near-duplicate group. ``epochs`` overrides the recipe's.

    ``members`` are the models' folders that the recipe ``ensemble`` joins, or the two runs that a pipeline does. ``name`` is the
    model's, by default the recipe's. ``start_from`` is the folder of a model of the same architecture (or an ensemble with such
    a member) whose weights the run starts with, instead of ImageNet's; ``from_scratch``: neither. ``settings`` are values of the
    recipe's fields that the job changes (see :func:`with_settings`). ``protocol`` paper: as the paper split and reported, marked
    as leaky. ``keep_epochs``: those after which the weights are kept beside the run, to compare heatmaps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(1, alias="schema")
    recipe: Recipe
    data: tuple[Path, ...]
    out: Path
    split: Path | None = None
    encoder_weights: Path | None = None
    start_from: Path | None = None
    members: tuple[Path, ...] = ()
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    resume: bool = False
    epochs: int | None = Field(None, ge=1)
    settings: dict[str, Any] = {}
    from_scratch: bool = False
    protocol: Literal["honest", "paper"] = "honest"
    accelerator: Literal["auto", "cpu", "cuda", "gpu", "mps"] = "auto"
    devices: int = Field(1, ge=1)
    keep_epochs: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @property
    def total_epochs(self) -> int:
        """Epochs to train."""
        return self.epochs or self.recipe.epochs


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="multitask-unet-mobilenetv2",
            summary="U-Net on MobileNetV2 with a three-class head, 256 px, from ImageNet weights.",
            architecture=Architecture(name="multitask-unet-mobilenetv2"),
        ),
        Recipe(
            name="multitask-unet-mobilenetv2-288",
            summary="The same at 288 px, to go on from a trained model (start_from) or from one's own.",
            architecture=Architecture(name="multitask-unet-mobilenetv2"),
            input=InputSpec(size=288, flip=True),
            epochs=6,
            learning_rate=5e-4,
            encoder_rate_share=0.5,
            ema_decay=0.99,
        ),
        Recipe(
            name="multitask-unet-resnet50v2",
            summary="U-Net on the first three stages of a ResNet-50 v2, lesion-pooled three-class head, 192 then 256 px.",
            architecture=Architecture(
                name="multitask-unet-resnet50v2",
                arguments={"decoder_channels": (192, 96, 48, 32, 16), "lesion_pooling": True},
            ),
            epochs=20,
            small_epochs=10,
            learning_rate=1e-3,
            encoder_rate_share=0.2,
            frozen_stages=1,
            weight_decay=0.03,
            class_weights=(1.2, 0.9, 1.1),
            balance=0.3,
            validate_every=2,
        ),
        Recipe(
            name="ensemble",
            summary="Two or more trained models (members) whose probabilities are averaged; nothing is trained, only calibrated.",
            architecture=Architecture(name="ensemble"),
        ),
        *families.recipes(),
    )
}


def recipe_named(name: str) -> Recipe:
    """A recipe by name. Raises UsageError that lists those of a name like it, or all."""
    if name not in RECIPES:
        near = get_close_matches(name, RECIPES, n=6)
        known = f"Names like it: {', '.join(near)}. All: busi-viewer recipes." if near else ""
        raise UsageError(f"unknown recipe {name!r}", remedy=known or f"Known ones: {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]


def make_job(values: dict[str, Any], path: Path | None = None) -> Job:
    """A job from plain values; ``recipe`` may be a name. Raises UsageError that lists what is wrong with which field."""
    if isinstance(values.get("recipe"), str):
        values = {**values, "recipe": recipe_named(values["recipe"])}
    try:
        job = Job.model_validate(values)
        job = job.model_copy(update={"recipe": with_settings(job.recipe, job.settings)}) if job.settings else job
    except ValidationError as error:
        raise UsageError(
            f"the job does not fit: {faults_in_words(error)}", path=path, remedy="Correct the fields named."
        ) from error
    if job.from_scratch and job.recipe.imagenet == "needed":
        raise UsageError(
            f"{job.recipe.name} keeps its encoders as ImageNet left them, so it cannot start from nothing",
            remedy="Leave out --from-scratch, or set freeze=none and imagenet=yes.",
        )
    if job.members and job.recipe.stages is None and job.recipe.architecture.name != "ensemble":
        raise UsageError(
            f"{job.recipe.name} joins no models", remedy="Leave out --members; ensemble and pipeline take them."
        )
    _check_kept(job)
    return job


def faults_in_words(error: ValidationError) -> str:
    """What does not fit, field by field."""
    found = []
    for one in error.errors():
        words = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
        words = "there is no such field" if one["type"] == "extra_forbidden" else words
        found.append(f"{'.'.join(map(str, one['loc'])) or 'job'}: {words}")
    return "; ".join(found)


def _check_kept(job: Job) -> None:
    """Raise UsageError for epochs to keep that the run does not validate, or that are not of one network."""
    recipe, last = job.recipe, max(job.keep_epochs, default=0)
    if last and (recipe.stages is not None or recipe.architecture.name == "ensemble"):
        raise UsageError(
            f"{recipe.name} joins networks, so that it has no epochs of its own to keep",
            remedy="Keep epochs of the runs that it joins.",
        )
    if last > job.total_epochs or any(epoch % recipe.validate_every for epoch in job.keep_epochs):
        every = f", every {recipe.validate_every}" if recipe.validate_every > 1 else ""
        raise UsageError(
            f"the epochs to keep are not among those validated: 1 to {job.total_epochs}{every}",
            remedy="Name others with keep_epochs.",
        )


def read_job(path: Path, options: dict[str, Any]) -> Job:
    """A job file (JSON) with ``options`` in place of its values. Raises UsageError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the job file cannot be read ({error.strerror})", path=path) from error
    except ValueError as error:
        raise UsageError("the job file is not valid JSON", path=path) from error
    if not isinstance(values, dict):
        raise UsageError("the job file must hold one JSON object", path=path)
    return make_job({**values, **options}, path)
