"""How sure a figure is: the grouped bootstrap, and intervals that stay honest at 0 and 1.

Percentile intervals collapse where every resample gives the same figure: no error among twelve images is not certainty.
So shares get Wilson's interval and AUCs a logit or score interval, both fed with the bootstrap's variance, which knows
that images of one group are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t as student

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]
"""A figure as a function of image weights (N,): all ones gives the figure itself. NaN = undefined."""
Statistics = Callable[[Floats], Floats]
"""The same for many rows of weights at once: (B, N) → (B,)."""

RESAMPLES = 1000
SEED = 20240229
Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; None where undefined."""

    value: float | None
    ci95: tuple[float, float] | None


UNKNOWN = Estimate(None, None)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Score interval of a share observed on ``n`` independent cases (Wilson, JASA 22, 1927); ``n`` may be fractional."""
    centre = share + Z * Z / (2 * n)
    half = Z * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    low, high = ((centre + side * half) / (1 + Z * Z / n) for side in (-1, 1))
    return float(max(low, 0.0)), float(min(high, 1.0))


def effective_size(share: float, n: float, variance: float, groups: float) -> float:
    """Of how many independent cases a share is worth that was observed on ``n`` cases in ``groups`` groups.

    n divided by the design effect (``variance`` of the share over its binomial variance), corrected for the few groups that
    the variance was estimated from: (t(n − 1) / t(groups − 1))² (Korn & Graubard, Survey Methodology 24, 1998), never more
    than n. At 0 and 1, where the design effect is 0/0, the cases of one group count as one: ``groups``.
    """
    binomial = share * (1 - share)
    raw = groups if binomial < 1e-12 or variance <= 0 else binomial / variance
    spread = student.ppf(0.975, [max(n - 1, 1), max(groups - 1, 1)])
    correction = 1.0 if raw == groups else float(spread[0] / spread[1]) ** 2
    return max(min(raw * correction, n), 1.0)


def logit_interval(value: float, deviation: float) -> tuple[float, float]:
    """Interval of a figure in (0, 1) that is normal on the logit scale, for AUCs (Pepe 2003, §5.2)."""
    centre, half = np.log(value / (1 - value)), Z * deviation / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-(centre + side * half))) for side in (-1, 1))
    return float(low), float(high)


def auc_score_interval(value: float, positives: float, negatives: float) -> tuple[float, float]:
    """Score interval of an AUC of so many cases, proper even at 0 and 1 (Newcombe, Statistics in Medicine 25, 2006, method 5).

    The limits are the AUCs that lie ``Z`` standard errors away under Hanley & McNeil's variance at those AUCs, with
    (positives + negatives) / 2 − 1 in both of its terms.
    """
    mean = (positives + negatives) / 2 - 1

    def excess(area: float) -> float:
        spread = 1 + mean * ((1 - area) / (2 - area) + area / (1 + area))
        return (value - area) ** 2 - Z * Z * area * (1 - area) * spread / (positives * negatives)

    def limit(near: float, far: float) -> float:
        return float(brentq(excess, near, far)) if excess(near) * excess(far) < 0 else far

    tiny = 1e-9
    low = limit(value - tiny, tiny) if value > 2 * tiny else 0.0
    return low, limit(value + tiny, 1 - tiny) if value < 1 - 2 * tiny else 1.0


class GroupedBootstrap:
    """Bootstrap that resamples whole groups (Efron & Tibshirani 1993; Davison & Hinkley 1997, §3.8).

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

    def worth(self, sizes: Floats) -> float:
        """Kish's number of groups among cases: (Σ m)² / Σ m² over the groups' totals of ``sizes`` (N,); 0 if all are 0."""
        totals = np.bincount(self._group, weights=sizes, minlength=self._count)
        return float(totals.sum() ** 2 / (totals**2).sum()) if totals.any() else 0.0

    def estimate(self, statistic: Statistic) -> Estimate:
        """The statistic over all images and its percentile interval.

        The interval is None with fewer than two groups, or where half or more of the resamples leave it undefined.
        """
        return self.percentile(lambda rows: np.array([statistic(row) for row in rows]))

    def percentile(self, statistics: Statistics) -> Estimate:
        """As :meth:`estimate`, for a statistic that takes all resamples at once."""
        value, draws = self._value_and_draws(statistics)
        if value is None or draws is None:
            return Estimate(value, None)
        low, high = np.percentile(draws, [2.5, 97.5])
        return Estimate(value, (float(low), float(high)))

    def bounded(self, statistics: Statistics, sizes: Floats) -> Estimate:
        """As :meth:`percentile` for a mean of values in [0, 1]; where that collapses at 0 or 1, as a share of the groups.

        No distribution on [0, 1] of a given mean varies more than a share does. ``sizes`` (N,) is 1 where an image counts.
        """
        found = self.percentile(statistics)
        at_end = found.value is not None and not 1e-9 < found.value < 1 - 1e-9
        if found.value is None or found.ci95 is None or not at_end:
            return found
        return Estimate(found.value, wilson(round(found.value), max(self.worth(sizes), 1.0)))

    def share(self, part: Floats, whole: Floats) -> Estimate:
        """Σ part / Σ whole (counts (N,) of each image) with Wilson's interval on the effective number of cases."""

        def statistic(rows: Floats) -> Floats:
            below = rows @ whole
            return np.asarray(np.divide(rows @ part, below, out=np.full(len(rows), np.nan), where=below > 0))

        value, draws = self._value_and_draws(statistic)
        if value is None or draws is None:
            return Estimate(value, None)
        n = effective_size(value, float(whole.sum()), float(draws.var(ddof=1)), self.worth(whole))
        return Estimate(value, wilson(value, n))

    def auc(self, statistics: Statistics, positives: Floats, negatives: Floats) -> Estimate:
        """An AUC with a logit interval on the bootstrap's variance; at 0 and 1 the score interval of so many groups.

        ``positives`` and ``negatives`` (N,) say how many cases of each side an image holds.
        """
        value, draws = self._value_and_draws(statistics)
        if value is None or draws is None:
            return Estimate(value, None)
        if not 0 < value < 1 or draws.std() == 0:
            sides = (max(self.worth(side), 1.0) for side in (positives, negatives))
            return Estimate(value, auc_score_interval(value, *sides))
        return Estimate(value, logit_interval(value, float(draws.std(ddof=1))))

    def _value_and_draws(self, statistics: Statistics) -> tuple[float | None, Floats | None]:
        value = float(statistics(np.ones((1, len(self._group))))[0])
        if np.isnan(value):
            return None, None
        if self._count < 2:
            return value, None
        draws = statistics(self.weights)
        defined = draws[~np.isnan(draws)]
        return value, defined if 2 * len(defined) > self._resamples else None
