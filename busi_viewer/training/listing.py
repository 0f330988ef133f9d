"""What can be trained: every recipe with its paper, task, input and numbers of parameters."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn

from busi_viewer.nets.card import Architecture
from busi_viewer.nets.encoders import count_parameters
from busi_viewer.nets.ensemble import Network
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.published import Freeze, PublishedNet
from busi_viewer.nets.registry import build
from busi_viewer.training.families import PAPERS
from busi_viewer.training.recipe import RECIPES, Recipe, recipe_named

DESCRIPTORS: dict[str, Any] = {
    "name": "descriptors",
    "summary": "BI-RADS descriptors proposed from image and outline; no network, fitted with cross-validation.",
    "paper": "own",
    "title": PAPERS["own"],
    "section": "",
    "tasks": ["descriptors"],
    "input": None,
    "parameters": None,
    "imagenet": "no",
    "stated": None,
    "difference": "",
    "settings": {},
}


def listed(name: str | None = None) -> list[dict[str, Any]]:
    """One recipe, or all of them in their order, as plain values. Raises UsageError for an unknown name."""
    if name == DESCRIPTORS["name"]:
        return [DESCRIPTORS]
    if name is not None:
        return [_described(recipe_named(name))]
    return [*(_described(recipe) for recipe in RECIPES.values()), DESCRIPTORS]


def _described(recipe: Recipe) -> dict[str, Any]:
    source = recipe.source
    counts, statistics = _counts(recipe)
    stated = None
    if source.parameters is not None and counts is not None:
        as_there = counts["total"] + source.counted_too + (statistics if source.statistics else 0)
        stated = {"parameters": source.parameters, "ours_counted_as_there": as_there}
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "paper": source.paper,
        "title": PAPERS[source.paper],
        "section": source.section,
        "tasks": list(recipe.tasks),
        "input": {"size": recipe.input.size, "preprocess": [step.kind for step in recipe.input.preprocess]},
        "parameters": counts,
        "imagenet": recipe.imagenet,
        "stated": stated,
        "difference": source.difference,
        "settings": recipe.model_dump(mode="json", exclude={"name", "summary", "source"}),
    }


def _counts(recipe: Recipe) -> tuple[dict[str, int] | None, int]:
    """Parameters of the network (None for an ensemble, whose members are not known), and its running statistics."""
    if recipe.stages is not None:
        parts = [recipe_named(name) for name in (recipe.stages.segmentation, recipe.stages.classification)]
        counts = [_counts(part)[0] or {} for part in parts]
        return {key: sum(count[key] for count in counts) for key in ("total", "trainable", "frozen")}, 0
    if recipe.architecture.name == "ensemble":
        return None, 0
    return _counted(_built(recipe.architecture.model_dump_json()), recipe.freeze, recipe.frozen_stages)


@cache
def _built(architecture: str) -> Network:
    """A network by its description, built without memory for its weights; several recipes may share it."""
    with torch.device("meta"):
        return build(Architecture.model_validate_json(architecture))


def _counted(network: Network, freeze: Freeze, stages: int) -> tuple[dict[str, int], int]:
    """The same of a network, frozen as a recipe says."""
    network.requires_grad_(True)
    if isinstance(network, PublishedNet):
        network.freeze(freeze)
    elif isinstance(network, MultiTaskUNet):
        network.encoder.freeze(stages)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return count_parameters(network), sum(2 * norm.num_features for norm in norms)
