"""Fitting the input guard, and the images made to be refused."""

import numpy as np

from busi_viewer.core.texture import NAMES
from busi_viewer.nets.novelty import likeness
from busi_viewer.training.guard import View, fit_guard, refused_textures
from busi_viewer.training.negatives import MAKERS, make_negatives

COUNT = len(NAMES)


def views(rng, n, centre=0.0, wide=1.0, source="a"):
    return [View(source, rng.normal(centre, wide, 40), rng.normal(centre, wide, COUNT)) for _ in range(n)]


def flagged(guard, seen):
    return float(np.mean([likeness(guard, v.embedding, v.texture) < 0.5 for v in seen]))


def test_the_limits_keep_nearly_all_of_validation_and_flag_the_strange():
    rng = np.random.default_rng(2)
    guard = fit_guard(views(rng, 400), rng.normal(1.5, 2.0, (200, COUNT)), views(rng, 300))
    assert flagged(guard, views(rng, 1000)) < 0.05
    assert flagged(guard, views(rng, 300, 2.0)) > 0.95
    assert flagged(guard, views(rng, 300, 0.0, 4.0)) > 0.95


def test_an_embedding_beyond_the_principal_space_is_flagged():
    rng = np.random.default_rng(3)
    scale = np.r_[np.ones(10), np.full(30, 0.01)]

    def usual(n):
        return [View("a", rng.normal(size=40) * scale, rng.normal(size=COUNT)) for _ in range(n)]

    guard = fit_guard(usual(40), rng.normal(1.5, 2.0, (200, COUNT)), usual(200))
    far = np.zeros(40)
    far[30] = 20.0
    assert likeness(guard, far, np.zeros(COUNT)) < 0.5
    assert likeness(guard, np.zeros(40), np.zeros(COUNT)) > 0.5
    assert not likeness(guard, np.full(40, np.nan), np.zeros(COUNT)) >= 0.5


def test_sets_that_differ_widen_the_limit():
    rng = np.random.default_rng(4)
    refused = rng.normal(3.0, 1.0, (200, COUNT))
    near, other = views(rng, 200), views(rng, 200, 1.0, source="b")
    validation = views(rng, 200) + views(rng, 200, 1.0, source="b")
    together = fit_guard(near + [View("a", v.embedding, v.texture) for v in other], refused, validation)
    apart = fit_guard(near + other, refused, validation)
    assert apart.limit > together.limit


def test_negatives_are_of_every_kind_and_reproducible():
    examples = [np.random.default_rng(k).integers(0, 255, (80, 120)).astype(np.uint8) for k in range(3)]
    made = make_negatives(examples, 2, seed=5)
    assert len(made) == 2 * len(MAKERS)
    assert all(image.dtype == np.uint8 and image.ndim == 2 and min(image.shape) >= 60 for image in made)
    again = make_negatives(examples, 2, seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    other = make_negatives(examples, 2, seed=6)
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(made, other, strict=True))


def test_refused_textures_are_of_the_networks_input():
    example = np.random.default_rng(0).integers(0, 255, (80, 120)).astype(np.uint8)
    textures = refused_textures([example], 64, per_kind=1)
    assert textures.shape == (len(MAKERS), COUNT)
    assert np.isfinite(textures).all()
