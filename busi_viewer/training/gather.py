"""What a run learns from: the images of its data sets, its split, and how to read the parts train and val."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from busi_viewer.core.dataset import Sample, load_datasets, load_split, part_of
from busi_viewer.core.duplicates import SHARES
from busi_viewer.core.errors import DataSetError
from busi_viewer.training.data import (
    Item,
    OpenImage,
    OpenMask,
    excluded,
    lacking,
    make_split,
    read_items,
    refuse,
    write_split,
)
from busi_viewer.training.pipeline import Data
from busi_viewer.training.protocol import random_split
from busi_viewer.training.recipe import Job

SPLIT = "split.csv"
"""The run's split, in its folder."""
FAULTS = "faults.txt"
"""What is wrong with the data, in the run's folder, where it is too much for an error's words."""


def gather(job: Job, open_image: OpenImage, open_mask: OpenMask) -> Data:
    """The job's data; the split is kept with the run. The part ``test`` is never read.

    Raises one DataSetError with all that is wrong: manifests, images, outlines, classes. Of files it is raised by the first
    ``read``, which reads both parts; if the split was to be made of files that cannot be read, at once.
    """
    problems: list[DataSetError] = []
    samples = load_datasets(job.data, problems)
    known = [str(problem) for problem in problems]
    split = split_of(job, samples, open_image, known)
    if job.protocol != "paper":
        known += torn_patients(samples, split)
    recipe = job.recipe
    kept = [s for s in samples if not excluded(s, recipe.exclude) and (s.label or recipe.labels[0]) in recipe.labels]

    @lru_cache(maxsize=2)
    def both(size: int) -> dict[str, list[Item]]:
        faults, parts = list(known), {}
        for part in ("train", "val"):
            chosen = part_of(kept, split, part)
            parts[part] = read_items(
                chosen, size, open_image, open_mask, keep_native=part == "val", tasks=recipe.tasks, faults=faults
            )
        faults += [fault for part, items in parts.items() if (fault := lacking(items, part, recipe.tasks))]
        refuse(faults, job.out / FAULTS)
        (job.out / FAULTS).unlink(missing_ok=True)  # of an earlier attempt
        return parts

    if known:
        both(recipe.input.size)
    write_split(job.out / SPLIT, split)
    cut = partial(make_split, open_image=open_image)
    return Data(len(samples), part_of(kept, split, "train"), split, lambda part, size: both(size)[part], cut)


def torn_patients(samples: Sequence[Sample], split: Mapping[str, str]) -> list[str]:
    """Where a split has one patient in several of its parts, told by an image of each part: who it is does not matter."""
    first: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for sample in samples:
        part = split.get(sample.id)
        if sample.patient and part in SHARES:
            first[sample.id.split("/")[0], sample.patient].setdefault(part, sample.id)
    return [
        f"{', '.join(f'{image} ({part})' for part, image in sorted(found.items()))}: one patient in several parts of the split"
        for found in first.values()
        if len(found) > 1
    ]


def split_of(job: Job, samples: list[Sample], open_image: OpenImage, faults: list[str] | None = None) -> dict[str, str]:
    """The split given, that of a run to be resumed, or a new one; of the job's images alone. Raises DataSetError.

    ``faults`` as in :func:`make_split`.
    """
    kept = job.out / SPLIT
    if job.split is not None:
        split = load_split(job.split)
    elif job.resume and kept.exists():
        split = load_split(kept)
    elif job.protocol == "paper":
        split = random_split(samples, job.recipe.protocol.train, job.recipe.seed)
    else:
        split = make_split(samples, open_image, job.recipe.seed, faults=faults)
    known = {s.id: split[s.id] for s in samples if s.id in split}
    if not known:
        refuse(faults or ())
        raise DataSetError(
            "the split names none of the data's images", path=job.split, remedy="Ids are set/relative-path."
        )
    return known
