"""Memory that runs out, sample predictions on the way, and what a run would take, on phantoms."""

import csv
import json
from functools import partial

import cv2
import numpy as np
import pytest
import torch

from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.errors import UsageError
from busi_viewer.core.phantom import phantom
from busi_viewer.core.training import SAMPLES
from busi_viewer.nets.card import InputSpec
from busi_viewer.raster.source import RasterSource
from busi_viewer.training.data import read_items
from busi_viewer.training.estimate import estimate
from busi_viewer.training.fit import fit, is_out_of_memory
from busi_viewer.training.module import TrainingModule
from busi_viewer.training.recipe import Job, recipe_named
from busi_viewer.training.run import train
from busi_viewer.workflow import training_samples
from busi_viewer.workflow.open import load_mask, open_image

OPEN, MASK = (partial(read, sources=(RasterSource(),)) for read in (open_image, load_mask))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of phantoms, its split file, and the items of both parts."""
    root = tmp_path_factory.mktemp("data") / "phantoms"
    for label, kind in {"normal": "none", "benign": "benign", "malignant": "malignant"}.items():
        (root / label).mkdir(parents=True)
        for i in range(6):
            image, mask = phantom(kind, i, (90, 120))
            cv2.imwrite(str(root / label / f"{label} ({i}).png"), image)
            cv2.imwrite(str(root / label / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    samples = load_datasets([root])
    split = root.parent / "split.csv"
    with split.open("w", newline="") as stream:
        rows = [(sample.id, "val" if i % 3 == 1 else "train") for i, sample in enumerate(samples)]
        csv.writer(stream).writerows([("id", "part"), *rows])
    parts = [
        read_items([s for i, s in enumerate(samples) if (i % 3 == 1) == held], 64, OPEN, MASK, keep_native=held)
        for held in (False, True)
    ]
    return root, split, *parts


def job(data, out, **changes):
    recipe = recipe_named("multitask-unet-mobilenetv2").model_copy(
        update={"input": InputSpec(size=64, flip=True), "batch": 4, "epochs": 2}
    )
    root, split, *_ = data
    values = {"recipe": recipe, "data": (root,), "split": split, "from_scratch": True, "accelerator": "cpu"}
    return Job(**{**values, "out": out, **changes})


def short_of_memory(monkeypatch, largest, error):
    """Let a step fail that takes more than ``largest`` images; the sizes of those that went well are noted."""
    sizes, real = [], TrainingModule.training_step

    def step(self, batch, index):
        count = len(batch["image"])
        if count > largest:
            raise error
        sizes.append(count)
        return real(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", step)
    return sizes


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_batches_are_halved_until_they_fit_and_the_steps_stay(data, tmp_path, monkeypatch, error):
    sizes = short_of_memory(monkeypatch, 1, error)
    events = []
    fit(job(data, tmp_path), data[2], data[3], events.append)
    told = [(e["batch"], e["now"]) for e in events if e["event"] == "out_of_memory"]
    assert told == [(4, 2), (2, 1)]
    assert set(sizes) == {1}
    assert [e["epoch"] for e in events if e["event"] == "epoch"] == [1, 2]
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert state["global_step"] == 2 * (len(data[2]) // 4), "four images still make a step"


def test_a_device_that_holds_no_image_is_told_in_words(data, tmp_path, monkeypatch):
    short_of_memory(monkeypatch, 0, MemoryError())
    with pytest.raises(UsageError, match="does not hold one image"):
        fit(job(data, tmp_path), data[2], data[3], lambda event: None)


def test_other_errors_are_none_of_memory(data, tmp_path, monkeypatch):
    short_of_memory(monkeypatch, 1, RuntimeError("shapes do not fit"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"):
        fit(job(data, tmp_path), data[2], data[3], lambda event: None)


def test_curves_and_sample_predictions_are_there_after_every_epoch(data, tmp_path):
    events = []
    fit(job(data, tmp_path), data[2], data[3], events.append)
    first, last = (e for e in events if e["event"] == "epoch")
    for key in ("train_loss", "val_loss", "val_dice", "val_iou", "val_accuracy", "val_auc_malignant"):
        assert np.isfinite(last[key]), key
    assert 0 <= last["val_iou"] <= last["val_dice"] <= 1
    assert first["encoder_rate"] < first["learning_rate"]
    assert training_samples.epochs(tmp_path) == [1, 2]
    shown = training_samples.read(tmp_path, 2)
    assert len(shown) == 5
    assert [one.label for one in shown] == ["malignant", "benign", "malignant", "benign", "normal"]
    assert all(one.grey.shape == (90, 120) and abs(sum(one.probabilities) - 1) < 0.01 for one in shown)
    assert all(
        (one.dice is None) == (one.label == "normal") and bool(one.reference) == (one.dice is not None) for one in shown
    )
    assert [one.id for one in training_samples.read(tmp_path, 1)] == [one.id for one in shown]
    (tmp_path / SAMPLES / "epoch-2" / "predictions.json").write_text("torn")
    assert training_samples.read(tmp_path, 2) == []


@pytest.mark.parametrize("begin", [train, estimate])
def test_an_accelerator_that_is_not_there_is_refused_before_anything_is_read(tmp_path, begin):
    absent = Job(
        recipe=recipe_named("unet-mobilenetv2"),
        data=(tmp_path / "gone",),
        out=tmp_path / "run",
        accelerator="cuda",
        devices=999,
    )
    with pytest.raises(UsageError, match="999 asked for"):
        begin(absent, OPEN, MASK, lambda event: None)
    assert not (tmp_path / "run").exists()


def test_an_estimate_adds_up_and_leaves_nothing_behind(data, tmp_path):
    out = tmp_path / "run"
    found = estimate(job(data, out, epochs=7), OPEN, MASK, lambda event: None)
    assert not out.exists()
    assert found["images"] == {"train": len(data[2]), "val": len(data[3])}
    assert (found["epochs"], found["steps_an_epoch"], found["measured"]["steps"]) == (7, len(data[2]) // 4, 4)
    low, high = found["seconds_a_step_range"]
    assert 0 < low <= found["seconds_a_step"] <= high
    assert found["seconds"] == pytest.approx(
        found["seconds_reading"] + 7 * found["seconds_an_epoch"], rel=0.05, abs=0.2
    )
    assert found["memory_bytes"] > 50e6
    json.dumps(found)
    unsplit = estimate(job(data, out, split=None), OPEN, MASK, lambda event: None)
    assert unsplit["images"]["train"] > unsplit["images"]["val"] > 0
    assert not out.exists()
