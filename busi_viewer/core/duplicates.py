"""Near-duplicate images and the groups that a split must keep together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64
THRESHOLD = 0.95
"""Pearson correlation of 64 × 64 thumbnails from which two images count as near-duplicates."""
SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}
"""How a data set is divided for training."""


def fingerprint(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Zero-mean, unit-norm thumbnail (SIDE²,) float32 of a (H, W) uint8 image; the dot product of two is their correlation."""
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return small / norm if norm > 1e-6 else small


def near_pairs(fingerprints: NDArray[np.float32], threshold: float = THRESHOLD) -> list[tuple[int, int, float]]:
    """All pairs i < j with correlation > ``threshold``, with their correlation. ``fingerprints`` is (N, SIDE²)."""
    pairs = []
    for start in range(0, len(fingerprints), 512):
        block = fingerprints[start : start + 512] @ fingerprints.T
        for i, j in np.argwhere(block > threshold):
            if start + i < j:
                pairs.append((int(start + i), int(j), float(block[i, j])))
    return pairs


def groups(count: int, pairs: Sequence[tuple[int, int, float]], keys: Sequence[Hashable | None]) -> list[int]:
    """A group number for each of ``count`` images: transitive over near-duplicate pairs and equal, known ``keys`` (patients)."""
    parent = list(range(count))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j, _ in pairs:
        parent[find(j)] = find(i)
    first: dict[Hashable, int] = {}
    for i, key in enumerate(keys):
        if key is not None:
            parent[find(i)] = find(first.setdefault(key, i))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(i), len(numbers)) for i in range(count)]


def stratified_parts(
    group_of: Sequence[int], strata: Sequence[Hashable], shares: dict[str, float], seed: int
) -> list[str]:
    """Assign whole groups to named parts so that every stratum (data set × class) is divided by ``shares``.

    Greedy, largest groups first: each goes to the part that most lacks images of the group's strata. Returns a part name
    for each image. ``shares`` sums to 1.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(group_of):
        members[group].append(index)
    totals: dict[Hashable, int] = defaultdict(int)
    for stratum in strata:
        totals[stratum] += 1
    filled: dict[tuple[str, Hashable], float] = defaultdict(float)
    order = np.random.default_rng(seed).permutation(len(members))
    keys = [list(members)[i] for i in order]
    result = [""] * len(group_of)
    for group in sorted(keys, key=lambda g: -len(members[g])):
        counts: dict[Hashable, int] = defaultdict(int)
        for index in members[group]:
            counts[strata[index]] += 1

        def need(part: str, counts: dict[Hashable, int] = counts) -> float:
            return sum(n * (1.0 - filled[part, s] / (shares[part] * totals[s])) for s, n in counts.items())

        chosen = max(shares, key=need)
        for stratum, n in counts.items():
            filled[chosen, stratum] += n
        for index in members[group]:
            result[index] = chosen
    return result
