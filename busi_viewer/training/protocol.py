"""The papers' own protocols, on request and always marked as leaky."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from busi_viewer.core.dataset import Sample
from busi_viewer.training.recipe import Job


def random_split(samples: Sequence[Sample], train: float, seed: int) -> dict[str, str]:
    """{id: train or val} drawn image by image, blind to patients and near-duplicates, as the papers do."""
    order = np.random.default_rng(seed).permutation(len(samples))
    count = round(train * len(samples))
    return {samples[int(i)].id: "train" if rank < count else "val" for rank, i in enumerate(order)}


def leaks(job: Job) -> tuple[str, ...]:
    """How the job's protocol lets the answer through, for the card; empty for an honest one."""
    if job.protocol == "honest":
        return ()
    found = ["The epoch is chosen on the images that are reported."]
    if job.split is None:
        found.append("Images are split at random: patients and near-duplicates are on both sides.")
    if job.recipe.stages is not None and job.recipe.protocol.truth_overlay:
        found.append("The classifier learnt from, and was chosen on, true outlines, which give the answer away.")
    if job.recipe.labels != ("normal", "benign", "malignant"):
        found.append("Normal images are left out, and with them false alarms.")
    return tuple(found)
