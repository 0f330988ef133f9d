"""Whether two images show the same scene: a copy, another crop or size, a mirrored copy, or the next frame of a cine.

Correlation of thumbnails (``core.duplicates``) misses copies that were cropped differently, and cannot tell twins from
images that are merely dark in the same places. So a pair is registered by local features (SIFT, Lowe 2004, with the square
root of Arandjelović & Zisserman 2012; similarity transform by RANSAC) and its fine detail correlated where both overlap: the
speckle of two different scans is independent, however alike the anatomy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.duplicates import SIDE as COARSE_SIDE
from busi_viewer.core.duplicates import THRESHOLD, fingerprint, groups, near_pairs

SIDE = 256
"""Longer side in pixels of the pictures that are compared."""
FEATURES = 250
"""Largest number of features of a picture."""
CANDIDATE = 0.6
"""Thumbnail correlation from which a pair is compared at all."""
LIKELY = 0.9
"""Thumbnail correlation from which it is compared even if the strongest features have nothing in common."""
STRICT_CANDIDATE = 0.8
"""Thumbnail correlation from which a pair is compared of which one is mirrored, or cut to one of ZOOMS."""
ZOOMS = ((0.87, 0.87), (0.75, 0.75), (0.63, 0.63), (1.0, 0.75))
"""Shares of height and width to which an image is cut, from the top centre, to be compared with whole images."""
INLIERS = 12
"""Fewest features that agree on one transform. Burned-in text, rulers and logos alone give up to about 10."""
OVERLAP = 0.4
"""Smallest share of the first picture that the second covers."""
DETAIL = 0.5
"""Smallest correlation of fine detail over the overlap. On BUSI, different scans stay below 0.3, copies lie above 0.9."""
COPY_DETAIL = 0.9
"""Detail correlation from which a pair is a copy (of any size or crop) rather than neighbouring frames."""
_RATIO = 0.8
_QUICK = 64
_QUICK_MATCHES = 3
_REACH = 3.0

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sketch:
    """What is kept of an image for comparing: a small picture (h, w) uint8 and its features, strongest first.

    ``points`` (N, 2) float32 x, y; ``words`` (N, 128) uint8, square-rooted descriptors times 255.
    """

    picture: Grey
    points: Floats
    words: NDArray[np.uint8]


@dataclass(frozen=True)
class Match:
    """Two images of the same scene. ``detail``: correlation of fine detail where they overlap. ``scale``: size of the
    first's pixels in the second's (both at SIDE). ``overlap``: share of the first covered by the second.
    """

    inliers: int
    detail: float
    overlap: float
    scale: float
    mirrored: bool

    @property
    def copy(self) -> bool:
        """Whether it is the same picture, rather than a neighbouring frame."""
        return self.detail >= COPY_DETAIL


@dataclass(frozen=True)
class Pair:
    """Two images i < j: the correlation of their thumbnails (of one and the mirrored other, if ``match`` says so) and their
    match, or None where they were not found to show the same scene.
    """

    i: int
    j: int
    correlation: float
    match: Match | None


def sketch(grey: Grey) -> Sketch:
    """The sketch of a (H, W) image."""
    scale = SIDE / max(grey.shape)
    size = (max(round(grey.shape[1] * scale), 8), max(round(grey.shape[0] * scale), 8))
    picture = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return _described(picture)


def _described(picture: Grey) -> Sketch:
    found, descriptors = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=0.01).detectAndCompute(picture, None)
    if not found:
        return Sketch(picture, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    order = sorted(range(len(found)), key=lambda k: -found[k].response)[:FEATURES]
    points = np.array([found[k].pt for k in order], dtype=np.float32)
    chosen = descriptors[order]
    roots = np.sqrt(chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1e-6))
    return Sketch(picture, points, np.rint(roots * 255.0).astype(np.uint8))


def mirrored(original: Sketch) -> Sketch:
    """The sketch of the image mirrored left to right.

    A SIFT descriptor of 4 × 4 cells with 8 directions lies along its feature's direction, so mirroring reverses the rows
    across it and the sense of the directions.
    """
    cells = original.words.reshape(-1, 4, 4, 8)[:, ::-1]
    words = np.ascontiguousarray(cells[..., -np.arange(8) % 8]).reshape(-1, 128)
    points = original.points.copy()
    points[:, 0] = original.picture.shape[1] - 1 - points[:, 0]
    return Sketch(original.picture[:, ::-1], points, words)


def match(first: Sketch, second: Sketch) -> Match | None:
    """How the two lie on one another, or None where they do not show the same scene. ``mirrored`` is False."""
    if min(len(first.points), len(second.points)) < INLIERS:
        return None
    mine, theirs = _pairs(_vectors(first), _vectors(second))
    if len(mine) < INLIERS:
        return None
    transform, agreeing = cv2.estimateAffinePartial2D(
        second.points[theirs], first.points[mine], ransacReprojThreshold=_REACH, maxIters=500
    )
    if transform is None or int(agreeing.sum()) < INLIERS:
        return None
    scale = float(np.hypot(transform[0, 0], transform[0, 1]))
    if not 0.2 < scale < 5.0:
        return None
    detail, overlap = _overlaid(first.picture, second.picture, np.asarray(transform, dtype=np.float64))
    if detail < DETAIL or overlap < OVERLAP:
        return None
    return Match(int(agreeing.sum()), detail, overlap, scale, mirrored=False)


def _vectors(of: Sketch) -> Floats:
    """Descriptors as (N, 128) float32 unit vectors (nearly, because of the rounding)."""
    return of.words.astype(np.float32) / np.float32(255.0)


def _pairs(a: Floats, b: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of descriptors that are each other's nearest, and clearly nearer than the second nearest (Lowe's ratio)."""
    likeness = a @ b.T
    rows = np.arange(len(a))
    best = likeness.argmax(axis=1)
    mutual = likeness.argmax(axis=0)[best] == rows
    nearest = likeness[rows, best]
    likeness[rows, best] = -1.0
    clear = (1.0 - nearest) < _RATIO**2 * (1.0 - likeness.max(axis=1))
    chosen = np.flatnonzero(mutual & clear)
    return chosen, best[chosen]


def _overlaid(first: Grey, second: Grey, transform: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation of fine detail where the second, transformed, lies on the first, and the share of the first it covers."""
    size = (first.shape[1], first.shape[0])
    laid = np.asarray(cv2.warpAffine(np.ascontiguousarray(second), transform, size), dtype=np.uint8)
    covered = cv2.warpAffine(np.full(second.shape, 255, np.uint8), transform, size) > 250
    overlap = float(covered.mean())
    seen = cv2.erode((covered & ((first > 0) | (laid > 0))).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if seen.sum() < 500:
        return 0.0, overlap
    a, b = _fine(first)[seen], _fine(laid)[seen]
    spread = float(a.std() * b.std())
    return (float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 1e-6 else 0.0), overlap


def _fine(picture: Grey) -> Floats:
    """Fine structure, evenly strong everywhere: less its surroundings, divided by their spread, lightly smoothed."""
    values = picture.astype(np.float32)
    high = values - cv2.GaussianBlur(values, (0, 0), 5)
    spread = np.sqrt(cv2.GaussianBlur(high * high, (0, 0), 8)) + 4.0
    return np.asarray(cv2.GaussianBlur(high / spread, (0, 0), 1.0), dtype=np.float32)


def find_pairs(
    fingerprints: Floats, sketches: Sequence[Sketch], alike: float, progress: Callable[[float], None] | None = None
) -> list[Pair]:
    """All pairs that show the same scene, and those whose thumbnails correlate above ``alike`` without it.

    ``fingerprints`` (N, side²) are those of ``core.duplicates``. A pair is found only if its thumbnails correlate above
    CANDIDATE or, with one of them mirrored or cut to a zoom, STRICT_CANDIDATE. ``progress`` gets the done share.
    """
    thumbnails = fingerprints.reshape(len(sketches), COARSE_SIDE, COARSE_SIDE)
    turned = [mirrored(one) for one in sketches]
    strongest, strongest_turned = _strongest(sketches), _strongest(turned)
    near = near_pairs(fingerprints, CANDIDATE)
    zoomed = _zoom_candidates(thumbnails, sketches)
    flipped = _alike(_halved(thumbnails), _halved(thumbnails[:, :, ::-1]))
    likely = {(i, j) for i, j, correlation in near if correlation > LIKELY}
    rest = zoomed.union((i, j) for i, j, _ in near) - likely
    worth = [*likely, *_worth_comparing(sorted(rest), strongest, strongest)]
    worth_turned = _worth_comparing(sorted(flipped), strongest, strongest_turned)
    found: dict[tuple[int, int], Pair] = {}
    for done, (i, j) in enumerate(worth):
        if progress is not None and done % 64 == 0:
            progress(done / len(worth))
        same = match(sketches[i], sketches[j])
        if same is not None:
            found[i, j] = Pair(i, j, float((thumbnails[i] * thumbnails[j]).sum()), same)
    for i, j in worth_turned:
        same = match(sketches[i], turned[j]) if (i, j) not in found else None
        if same is not None:
            correlation = float((thumbnails[i] * thumbnails[j][:, ::-1]).sum())
            found[i, j] = Pair(i, j, correlation, replace(same, mirrored=True))
    for i, j, correlation in near:
        if correlation > alike:
            found.setdefault((i, j), Pair(i, j, correlation, None))
    return list(found.values())


Traits = tuple[Floats, Sketch]
"""What images are compared by."""


def traits(grey: Grey) -> Traits:
    """Fingerprint and sketch of a (H, W) image: what :func:`scene_groups` needs of it."""
    return fingerprint(grey), sketch(grey)


def scene_groups(seen: Sequence[Traits], keys: Sequence[Hashable | None]) -> list[int]:
    """A group number for each image: one scene, near-duplicate thumbnails or an equal, known key (patient).

    This is what a split must keep together. ``seen`` holds the images' :func:`traits`.
    """
    pairs = find_pairs(np.stack([prints for prints, _ in seen]), [one for _, one in seen], THRESHOLD) if seen else []
    return groups(len(seen), [(pair.i, pair.j, pair.correlation) for pair in pairs], keys)


def _worth_comparing(
    pairs: Sequence[tuple[int, int]], first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> list[tuple[int, int]]:
    """Of pairs (i, j) in order of i, those with a few features in common among the strongest of i and of j."""
    chosen = []
    for i, group in groupby(pairs, key=lambda pair: pair[0]):
        members = [j for _, j in group]
        for start in range(0, len(members), 256):
            some = members[start : start + 256]
            promising = _promising(first[i], second[some])
            chosen += [(i, j) for j, good in zip(some, promising, strict=True) if good]
    return chosen


def _zoom_candidates(thumbnails: Floats, sketches: Sequence[Sketch]) -> set[tuple[int, int]]:
    """Pairs of which one, whole, is like the other cut to a zoom."""
    whole = _halved(thumbnails)
    found: set[tuple[int, int]] = set()
    for shares in ZOOMS:
        side = (COARSE_SIDE, COARSE_SIDE)
        cut = [cv2.resize(_cut(one.picture, shares), side, interpolation=cv2.INTER_AREA) for one in sketches]
        found |= _alike(whole, _halved(np.asarray(cut, dtype=np.float32)))
    return found


def _halved(thumbnails: Floats) -> Floats:
    """Thumbnails (N, s, s) at half the size, as vectors (N, s²/4) of zero mean and unit norm."""
    count, side, _ = thumbnails.shape
    small = thumbnails.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4)).reshape(count, -1)
    small -= small.mean(axis=1, keepdims=True)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _alike(first: Floats, second: Floats) -> set[tuple[int, int]]:
    """Pairs i < j of which one's vector in ``first`` correlates above STRICT_CANDIDATE with the other's in ``second``."""
    found: set[tuple[int, int]] = set()
    for start in range(0, len(first), 512):
        rows, columns = np.nonzero(first[start : start + 512] @ second.T > STRICT_CANDIDATE)
        for i, j in zip((rows + start).tolist(), columns.tolist(), strict=True):
            if i != j:
                found.add((min(i, j), max(i, j)))
    return found


def _cut(picture: Grey, shares: tuple[float, float]) -> Grey:
    """The top centre of a picture: these shares of its height and width."""
    height, width = round(picture.shape[0] * shares[0]), round(picture.shape[1] * shares[1])
    left = (picture.shape[1] - width) // 2
    return picture[: max(height, 1), left : left + max(width, 1)]


def _strongest(sketches: Sequence[Sketch]) -> NDArray[np.uint8]:
    """The strongest features' descriptors of all sketches: (N, _QUICK, 128), zeros where there are fewer."""
    words = np.zeros((len(sketches), _QUICK, 128), dtype=np.uint8)
    for row, one in zip(words, sketches, strict=True):
        row[: len(one.words[:_QUICK])] = one.words[:_QUICK]
    return words


def _promising(one: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the others (K, _QUICK, 128) have a few matches with the one (_QUICK, 128); many pairs at once."""
    mine = one.astype(np.float32) / np.float32(255.0)
    theirs = others.astype(np.float32) / np.float32(255.0)
    likeness = theirs @ mine.T
    best = likeness.argmax(axis=2)
    back = likeness.argmax(axis=1)
    mutual = np.take_along_axis(back, best, axis=1) == np.arange(_QUICK)
    nearest = np.take_along_axis(likeness, best[..., None], axis=2)[..., 0]
    np.put_along_axis(likeness, best[..., None], -1.0, axis=2)
    clear = (nearest > 0.0) & ((1.0 - nearest) < _RATIO**2 * (1.0 - likeness.max(axis=2)))
    return np.asarray((mutual & clear).sum(axis=1) >= _QUICK_MATCHES)
