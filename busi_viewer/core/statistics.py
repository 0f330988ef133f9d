"""How sure a figure is: the grouped bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]
"""A figure as a function of image weights (N,): all ones gives the figure itself. NaN = undefined."""

RESAMPLES = 1000
SEED = 20240229


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; None where undefined."""

    value: float | None
    ci95: tuple[float, float] | None


class GroupedBootstrap:
    """Percentile bootstrap that resamples whole groups (Efron & Tibshirani 1993; Davison & Hinkley 1997, §3.8).

    ``groups`` gives a group number for each of N images (a patient, or images that are near-duplicates of one another):
    images of one group are never treated as independent. The same seed gives the same interval.
    """

    def __init__(self, groups: Sequence[int], resamples: int = RESAMPLES, seed: int = SEED) -> None:
        names, self._group = np.unique(np.asarray(groups, dtype=np.int64), return_inverse=True)
        self._count = len(names)
        self._resamples = resamples
        self._seed = seed

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How often each image counts in each resample: (resamples, N)."""
        rng = np.random.default_rng(self._seed)
        shares = np.full(self._count, 1.0 / max(self._count, 1))
        drawn = rng.multinomial(self._count, shares, size=self._resamples)
        return np.asarray(drawn[:, self._group], dtype=np.float64)

    def estimate(self, statistic: Statistic) -> Estimate:
        """The statistic over all images and its interval.

        The interval is None with fewer than two groups, or where half or more of the resamples leave it undefined.
        """
        value = statistic(np.ones(len(self._group)))
        if np.isnan(value):
            return Estimate(None, None)
        if self._count < 2:
            return Estimate(float(value), None)
        draws = np.array([statistic(w) for w in self.weights])
        defined = draws[~np.isnan(draws)]
        if 2 * len(defined) <= self._resamples:
            return Estimate(float(value), None)
        low, high = np.percentile(defined, [2.5, 97.5])
        return Estimate(float(value), (float(low), float(high)))
