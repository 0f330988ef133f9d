"""Training a pipeline: a segmenter, and a classifier that learns from maps predicted for images the segmenter never saw.

The segmenter that ships is trained on the whole training part. The maps that the classifier learns from come from others:
the training part is cut into folds by patient and near-duplicate, and the map of an image is predicted by a segmenter trained
on the other folds only (cross-fitting). Validation images get theirs from the segmenter that ships, which has not learnt from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.dataset import Sample, load_split
from busi_viewer.core.errors import UsageError
from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.pipeline import Pipeline
from busi_viewer.nets.predictor import Predictor
from busi_viewer.nets.published import CLASSIFICATION, SEGMENTATION, PublishedNet
from busi_viewer.nets.registry import load_model
from busi_viewer.training.combine import Made
from busi_viewer.training.data import Item
from busi_viewer.training.fit import Report, fit, fresh
from busi_viewer.training.recipe import Job, read_job, recipe_named
from busi_viewer.training.schema import Recipe, Stages

Maps = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class Data:
    """What a run learns from: the number of all images, the samples of the training part, the split, how to read and to cut them.

    ``read(part, size)`` gives the items of train or val; ``cut(samples, seed=…, shares=…)`` assigns samples to folds.
    """

    images: int
    training: Sequence[Sample]
    split: Mapping[str, str]
    read: Callable[[str, int], list[Item]]
    cut: Callable[..., dict[str, str]]


@dataclass(frozen=True)
class _Stage:
    """One of the two recipes, the job of the run it comes from, and that run where its weights may be used here."""

    recipe: Recipe
    run: Path | None
    job: Job | None = None


def fit_pipeline(job: Job, stages: Stages, data: Data, report: Report) -> Made:
    """Train both networks and join them. Raises UsageError where the stages do not fit together."""
    first, second = _stages(job, stages, data.split)
    if SEGMENTATION not in first.recipe.tasks or second.recipe.tasks != (CLASSIFICATION,):
        raise UsageError(
            f"{first.recipe.name} and {second.recipe.name} make no pipeline",
            remedy="The first must outline, the second must only classify.",
        )
    segmenter = _segmenter(job, first, data, report)
    maps = _truth(data, second.recipe) if _knows_truth(job) else _out_of_fold(job, first, stages.folds, data, report)
    report({"event": "stage", "stage": "classifier"})
    sub = _sub_job(job, second, job.out / "classifier")
    classifier = fresh(sub)
    assert isinstance(classifier, PublishedNet)
    segmenter.requires_grad_(False)
    outlining, classing = first.recipe.input, second.recipe.input
    network = Pipeline(segmenter, classifier, outlining, classing, stages.overlay)
    training = [
        replace(item, mask=_at(maps[item.id], item.small.shape[0])) for item in data.read("train", classing.size)
    ]
    fit(sub, training, data.read("val", classing.size), report, network, job.out)
    arguments = {
        "segmenter": {**first.recipe.architecture.model_dump(), "input": outlining.model_dump(mode="json")},
        "classifier": {**second.recipe.architecture.model_dump(), "input": classing.model_dump(mode="json")},
        "overlay": stages.overlay,
    }
    spec = InputSpec(size=max(outlining.size, classing.size), flip=True)
    return Made(network, Architecture(name="pipeline", arguments=arguments), spec)


def _stages(job: Job, stages: Stages, split: Mapping[str, str]) -> tuple[_Stage, _Stage]:
    """The recipes by name, or those of the two runs in the job's members."""
    if not job.members:
        return _Stage(recipe_named(stages.segmentation), None), _Stage(recipe_named(stages.classification), None)
    if len(job.members) != 2:
        raise UsageError(
            "a pipeline joins two runs",
            remedy="Name the run that outlines, then the one that classifies, with --members.",
        )
    first, second = (_stage(run, split) for run in job.members)
    return first, second


def _stage(run: Path, split: Mapping[str, str]) -> _Stage:
    """A run's recipe; its weights too if it has learnt from no image that is validation or test here."""
    if not (run / "job.json").is_file():
        raise UsageError(
            "this is no run", path=run, remedy="Name the folders of two finished runs, not of their models."
        )
    job = read_job(run / "job.json", {})
    learnt = {name for name, part in load_split(run / "split.csv").items() if part == "train"}
    held = {name for name, part in split.items() if part != "train"}
    return _Stage(job.recipe, None if learnt & held else run, job)


def _sub_job(job: Job, stage: _Stage, out: Path) -> Job:
    """The job of one stage: a run's own weights are what its classifier starts with, and whatever is trained anew starts, and
    is trained as long, as that run was, unless the job says otherwise.
    """
    own = stage.job or job
    changes: dict[str, Any] = {
        "recipe": stage.recipe,
        "out": out,
        "members": (),
        "start_from": stage.run / "model" if stage.run is not None else None,
        "from_scratch": job.from_scratch or own.from_scratch,
        "encoder_weights": own.encoder_weights,
        "epochs": job.epochs or own.epochs,
    }
    return job.model_copy(update=changes)


def _segmenter(job: Job, stage: _Stage, data: Data, report: Report) -> PublishedNet:
    """The segmenter that ships: the run's own where it may be used, else trained anew on the training part."""
    if stage.run is not None:
        network = load_model(stage.run / "model")[0]
    else:
        report({"event": "stage", "stage": "segmenter"})
        size = stage.recipe.input.size
        sub = _sub_job(job, stage, job.out / "segmenter")
        found = fit(sub, data.read("train", size), data.read("val", size), report, folder=job.out)
        assert not isinstance(found, Pipeline)
        network = found
    if not isinstance(network, PublishedNet):
        raise UsageError(
            f"{stage.recipe.name} cannot be part of a pipeline", remedy="Take one of the papers' networks."
        )
    return network


def _out_of_fold(job: Job, stage: _Stage, folds: int, data: Data, report: Report) -> Maps:
    """For each training image the map (S, S) uint8 of a segmenter that was trained on the other folds."""
    shares = {str(fold): 1 / folds for fold in range(1, folds + 1)}
    parts = data.cut(data.training, seed=job.recipe.seed, shares=shares)
    size = stage.recipe.input.size
    items, validation = data.read("train", size), data.read("val", size)
    maps: Maps = {}
    for fold in shares:
        report({"event": "stage", "stage": f"segmenter without fold {fold} of {folds}"})
        seen = [item for item in items if parts[item.id] != fold]
        sub = _sub_job(job, replace(stage, run=None), job.out / f"fold_{fold}")
        network = fit(sub, seen, validation, report, folder=job.out)
        predictor = Predictor(TorchForward(network, stage.recipe.input.preprocess), stage.recipe.input)
        for item in items:
            if parts[item.id] == fold:
                maps[item.id] = np.rint(255 * predictor.predict([item.small])[0].probability).astype(np.uint8)
    return maps


def _knows_truth(job: Job) -> bool:
    return job.protocol == "paper" and job.recipe.protocol.truth_overlay


def _truth(data: Data, recipe: Recipe) -> Maps:
    """True outlines in place of predicted ones: the leak of the papers, only by their protocol."""
    items = data.read("train", recipe.input.size)
    return {item.id: 255 * (np.zeros_like(item.small) if item.mask is None else item.mask) for item in items}


def _at(values: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(values, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
