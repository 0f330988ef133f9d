"""Near-duplicates, groups, and splits that keep groups together."""

from collections import Counter, defaultdict

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from busi_viewer.core.duplicates import THRESHOLD, fingerprint, groups, near_pairs, stratified_parts


def speckle(seed, shape=(120, 160)):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_the_dot_product_of_fingerprints_is_the_correlation_of_thumbnails():
    a, b = speckle(1), speckle(2)
    small = [cv2.resize(i, (64, 64), interpolation=cv2.INTER_AREA).ravel().astype(float) for i in (a, b)]
    assert np.isclose(fingerprint(a) @ fingerprint(b), np.corrcoef(*small)[0, 1], atol=1e-4)
    assert np.isclose(fingerprint(a) @ fingerprint(a), 1, atol=1e-4)


def test_a_resized_brighter_copy_is_a_near_duplicate_and_another_image_is_not():
    original = speckle(1)
    copy = np.clip(cv2.resize(original, (200, 150)) * 0.8 + 20, 0, 255).astype(np.uint8)
    prints = np.stack([fingerprint(i) for i in (original, speckle(2), copy)])
    assert [(i, j) for i, j, _ in near_pairs(prints)] == [(0, 2)]
    assert near_pairs(prints)[0][2] > THRESHOLD


def test_blank_images_are_nobodys_duplicates():
    blank = fingerprint(np.full((50, 50), 30, np.uint8))
    assert near_pairs(np.stack([blank, blank])) == []


def test_pairs_are_found_across_blocks_of_the_comparison():
    prints = np.random.default_rng(0).normal(size=(1100, 16)).astype(np.float32)
    prints[1050] = prints[3]
    prints /= np.linalg.norm(prints, axis=1, keepdims=True)
    assert (3, 1050) in [(i, j) for i, j, _ in near_pairs(prints, 0.99)]


edges = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20)
patients = st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=15, max_size=15)


@given(edges, patients)
def test_groups_are_the_connected_parts_of_pairs_and_patients(pairs, keys):
    numbers = groups(15, [(i, j, 1.0) for i, j in pairs], keys)
    links = defaultdict(set)
    for i, j in pairs:
        links[i].add(j)
        links[j].add(i)
    for i in range(15):
        for j in range(15):
            if keys[i] is not None and keys[i] == keys[j]:
                links[i].add(j)
    for start in range(15):
        reached, waiting = {start}, [start]
        while waiting:
            fresh = links[waiting.pop()] - reached
            reached |= fresh
            waiting += fresh
        assert {i for i in range(15) if numbers[i] == numbers[start]} == reached
    assert sorted(set(numbers)) == list(range(len(set(numbers))))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_parts_never_split_a_group_and_roughly_keep_every_strata_share(seed):
    rng = np.random.default_rng(seed)
    group_of, strata = [], []
    for group in range(150):
        stratum = ["normal", "benign", "benign", "malignant"][rng.integers(4)]
        for _ in range(int(rng.integers(1, 5))):
            group_of.append(group)
            strata.append(stratum)
    shares = {"train": 0.7, "val": 0.15, "test": 0.15}
    parts = stratified_parts(group_of, strata, shares, seed)
    by_group = defaultdict(set)
    for group, part in zip(group_of, parts, strict=True):
        by_group[group].add(part)
    assert all(len(found) == 1 for found in by_group.values())
    totals = Counter(strata)
    for stratum, total in totals.items():
        for part, share in shares.items():
            count = sum(p == part and s == stratum for p, s in zip(parts, strata, strict=True))
            assert abs(count - share * total) <= 4
    assert parts == stratified_parts(group_of, strata, shares, seed)


def test_a_group_of_mixed_strata_stays_whole():
    group_of = [0, 0, *range(1, 41)]
    strata = ["benign", "malignant", *["benign"] * 20, *["malignant"] * 20]
    parts = stratified_parts(group_of, strata, {"train": 0.5, "test": 0.5}, 0)
    assert parts[0] == parts[1]
    assert abs(parts.count("train") - 21) <= 1
