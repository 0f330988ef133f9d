"""ImageNet weights from the libraries' own places, where there is a network connection."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import timm
from torch import Tensor

from busi_viewer.core.errors import ModelError


def hub_state(name: str) -> dict[str, Tensor]:
    """The state of ``smp:NAME``, ``timm:NAME`` or ``torchvision:NAME``. Raises ModelError where it cannot be had."""
    library, _, model = name.partition(":")
    try:
        if library == "smp":
            return dict(smp.encoders.get_encoder(model, weights="imagenet").state_dict())
        if library == "timm":
            return _from_timm(model)
        from torchvision.models import get_model

        return dict(get_model(model, weights="DEFAULT").state_dict())
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"the ImageNet weights of {model} could not be downloaded ({type(error).__name__})",
            remedy="Connect to the internet, give a local file with --encoder-weights, or train with --from-scratch.",
        ) from error


def _from_timm(model: str) -> dict[str, Tensor]:
    return dict(timm.create_model(model, pretrained=True).state_dict())
