"""Architectures by name, and models loaded from their folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from busi_viewer.core.errors import ModelError
from busi_viewer.core.results import TASKS
from busi_viewer.nets.card import WEIGHTS, Architecture, Card, InputSpec, read_card
from busi_viewer.nets.ensemble import Ensemble, Headed, Network
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.pipeline import Pipeline
from busi_viewer.nets.published import BODIES, PublishedNet
from busi_viewer.nets.weights import load_tensors

ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "multitask-unet-mobilenetv2": MultiTaskUNet,
    "multitask-unet-resnet50v2": partial(MultiTaskUNet, "resnet50v2"),
    "ensemble": lambda members: _ensemble(members),
    "pipeline": lambda segmenter, classifier, overlay: _pipeline(segmenter, classifier, overlay),
    **{name: partial(PublishedNet, name) for name in BODIES},
}


def _ensemble(members: Sequence[dict[str, Any]]) -> Ensemble:
    """An ensemble of members given as {"name", "arguments", "size"}."""
    networks = [build(Architecture(name=m["name"], arguments=m["arguments"])) for m in members]
    plain = [network for network in networks if isinstance(network, MultiTaskUNet)]
    if len(plain) < 2 or len(plain) < len(networks):
        raise TypeError("an ensemble needs two or more members that are none themselves")
    return Ensemble(plain, [int(m["size"]) for m in members])


def _pipeline(segmenter: dict[str, Any], classifier: dict[str, Any], overlay: float) -> Pipeline:
    """A pipeline of two members given as {"name", "arguments", "input"}."""
    networks = [build(Architecture(name=m["name"], arguments=m["arguments"])) for m in (segmenter, classifier)]
    specs = [InputSpec.model_validate(m["input"]) for m in (segmenter, classifier)]
    first, second = networks
    if not isinstance(first, PublishedNet) or not isinstance(second, PublishedNet):
        raise TypeError("a pipeline joins a network that outlines with one that classifies")
    return Pipeline(first, second, specs[0], specs[1], overlay)


def build(architecture: Architecture) -> Network:
    """A fresh network. Raises ModelError for an unknown name or arguments that do not fit."""
    maker = ARCHITECTURES.get(architecture.name)
    if maker is None:
        raise ModelError(
            f"unknown architecture {architecture.name!r}", remedy=f"Known ones: {', '.join(sorted(ARCHITECTURES))}."
        )
    arguments: dict[str, Any] = architecture.arguments
    try:
        return maker(**arguments)
    except (TypeError, KeyError) as error:
        raise ModelError(f"the arguments of {architecture.name} do not fit: {error}") from error


def tasks_of(network: Network) -> tuple[str, ...]:
    """What a network does, some of TASKS."""
    return TASKS if isinstance(network, Headed) else tuple(network.tasks)


def load_model(folder: Path) -> tuple[Network, Card]:
    """The network of a model folder with its weights (fp32, evaluation mode) and its card. Raises ModelError."""
    card = read_card(folder)
    network = build(card.architecture)
    state = {
        k: v.float() if v.is_floating_point() else v for k, v in load_tensors(folder / WEIGHTS, card.sha256).items()
    }
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            "the weights do not fit the architecture in the card",
            path=folder / WEIGHTS,
            remedy="Install the model again.",
        ) from error
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]
