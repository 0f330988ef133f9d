"""Joining trained models into an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.errors import UsageError
from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.nets.ensemble import Ensemble, Network
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.registry import load_model


@dataclass(frozen=True)
class Made:
    """A network ready to be calibrated, how to build it again, and what it takes in."""

    network: Network
    architecture: Architecture
    spec: InputSpec


def combine(folders: Sequence[Path]) -> Made:
    """The ensemble of the models in ``folders``, theirs or their runs'; its input has the largest of their sizes.

    Raises UsageError, ModelError. No mirrored pass is averaged in: the members take its place, and its time.
    """
    loaded = [(folder, *load_model(paths.model_of(folder))) for folder in folders]
    if len(loaded) < 2:
        raise UsageError("an ensemble needs two or more models", remedy="Name their folders with --members.")
    networks, described, sizes = [], [], []
    for folder, network, card in loaded:
        if not isinstance(network, MultiTaskUNet):
            if isinstance(network, Ensemble):
                raise UsageError("an ensemble cannot be a member", path=folder, remedy="Name its members.")
            raise UsageError(
                f"a model of the architecture {card.architecture.name} cannot be a member",
                path=folder,
                remedy="Join models of the recipes multitask-unet-….",
            )
        networks.append(network)
        sizes.append(card.input.size)
        described.append({**card.architecture.model_dump(), "size": card.input.size})
    architecture = Architecture(name="ensemble", arguments={"members": described})
    return Made(Ensemble(networks, sizes), architecture, InputSpec(size=max(sizes), flip=False))
