"""The running mean of the weights, which is what is validated and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

WARM_UP = 10
"""The n-th update weighs the past by at most (1 + n) / (WARM_UP + n), as TensorFlow's and timm's moving averages do: the
weights that a short run began with would else stay in its mean."""


def warm_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """What updates means in place by the present values, given how often that was done before."""

    def update(means: Sequence[Tensor], values: Sequence[Tensor], count: Tensor | int) -> None:
        done = int(count)
        average = get_ema_multi_avg_fn(min(decay, (1 + done) / (WARM_UP + done)))  # type: ignore[no-untyped-call]
        average(means, values, count)

    return update


def weight_average(decay: float) -> WeightAveraging:
    """Exponential moving average of the weights with ``decay`` in [0, 1) a step, after a warm-up."""
    return WeightAveraging(multi_avg_fn=warm_average(decay))
