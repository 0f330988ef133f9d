"""Fitting the input guard, and the images made to be refused."""

import numpy as np

from busi_viewer.core.texture import NAMES
from busi_viewer.nets.novelty import novelty
from busi_viewer.training.guard import Views, fit_guard
from busi_viewer.training.negatives import MAKERS, make_negatives


def views(rng, n, centre=0.0, wide=1.0):
    return Views(rng.normal(centre, wide, (n, 40)), rng.normal(centre, wide, (n, len(NAMES))))


def test_the_limit_keeps_nearly_all_of_validation_and_flags_the_strange():
    rng = np.random.default_rng(2)
    guard = fit_guard(views(rng, 400), views(rng, 200, 1.5, 2.0), views(rng, 300))

    def share(seen):
        odds = [novelty(guard, e, t) for e, t in zip(seen.embeddings, seen.textures, strict=True)]
        return float(np.mean([o > guard.limit for o in odds]))

    assert share(views(rng, 1000)) < 0.05
    assert share(views(rng, 300, 2.0)) > 0.95
    assert share(views(rng, 300, 0.0, 4.0)) > 0.95


def test_an_image_far_beyond_the_principal_axes_is_flagged():
    rng = np.random.default_rng(3)
    flat = np.zeros(40)
    flat[:10] = 1.0

    def usual(n):
        return Views(rng.normal(size=(n, 40)) * (flat + 0.01), rng.normal(size=(n, len(NAMES))))

    strange = views(rng, 200)
    guard = fit_guard(usual(300), strange, usual(200))
    far = np.zeros(40)
    far[30] = 20.0
    assert novelty(guard, far, np.zeros(len(NAMES))) > guard.limit


def test_negatives_are_of_every_kind_and_reproducible():
    examples = [np.random.default_rng(k).integers(0, 255, (80, 120)).astype(np.uint8) for k in range(3)]
    made = make_negatives(examples, 2, seed=5)
    assert len(made) == 2 * len(MAKERS)
    assert all(image.dtype == np.uint8 and image.ndim == 2 and min(image.shape) >= 60 for image in made)
    again = make_negatives(examples, 2, seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    other = make_negatives(examples, 2, seed=6)
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(made, other, strict=True))
