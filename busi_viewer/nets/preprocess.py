"""Grey-level preprocessing as the papers have it, on the network's input, so that training and inference do the same.

Each step maps a float tensor (N, 1, H, W) in [0, 1] to the same shape and range. torch is imported when a step is done, for a
card holds steps and is read without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from torch import Tensor


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gamma(_Step):
    """x^gamma (paper A §3.3.1)."""

    kind: Literal["gamma"] = "gamma"
    gamma: float = Field(gt=0, le=5)

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        return x.clamp(min=0) ** self.gamma


class Gaussian(_Step):
    """A Gaussian blur of standard deviation ``sigma`` in pixels of the input (paper A §3.3.2)."""

    kind: Literal["gaussian"] = "gaussian"
    sigma: float = Field(gt=0, le=10)

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        import torch
        import torch.nn.functional as F  # noqa: N812

        radius = max(1, round(3 * self.sigma))
        at = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
        line = torch.exp(-0.5 * (at / self.sigma) ** 2)
        line = line / line.sum()
        padded = F.pad(x, (radius, radius, radius, radius), mode="replicate")
        return F.conv2d(F.conv2d(padded, line[None, None, None, :]), line[None, None, :, None])


class MinMax(_Step):
    """Each image stretched to [0, 1] (paper A §3.3.4)."""

    kind: Literal["min-max"] = "min-max"

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        return (x - low) / (high - low).clamp(min=1e-6)


class FuzzyContrast(_Step):
    """Fuzzy contrast intensification (Pal & King 1981): 2μ² below the crossover, 1 − 2(1 − μ)² above (paper D §3.2)."""

    kind: Literal["fuzzy-contrast"] = "fuzzy-contrast"

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        import torch

        mu = MinMax()(x)
        return torch.where(mu <= 0.5, 2 * mu**2, 1 - 2 * (1 - mu) ** 2)


class Sharpness(_Step):
    """Unsharp by ``factor``: 1 changes nothing, 2 doubles the difference to a 3 × 3 mean (paper D §3.2)."""

    kind: Literal["sharpness"] = "sharpness"
    factor: float = Field(ge=0, le=10)

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        import torch.nn.functional as F  # noqa: N812

        smooth = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return (smooth + self.factor * (x - smooth)).clamp(0, 1)


class Brightness(_Step):
    """Grey levels times ``factor`` (paper D §3.2)."""

    kind: Literal["brightness"] = "brightness"
    factor: float = Field(gt=0, le=10)

    def __call__(self, x: Tensor) -> Tensor:
        """See the module."""
        return (x * self.factor).clamp(0, 1)


Step = Annotated[Gamma | Gaussian | MinMax | FuzzyContrast | Sharpness | Brightness, Field(discriminator="kind")]


def prepared(x: Tensor, steps: Sequence[Step]) -> Tensor:
    """``steps`` done to (N, 1, H, W) one after the other."""
    for step in steps:
        x = step(x)
    return x
