"""A whole cross-validation in miniature, killed in its second fold and gone on with."""

import json

import cv2
import numpy as np
import pytest

from busi_viewer import bootstrap
from busi_viewer.core.phantom import phantom
from busi_viewer.nets.encoders import MobileNetV2Encoder
from busi_viewer.nets.weights import save_tensors
from busi_viewer.training.recipe import recipe_named
from busi_viewer.workflow.crossval import Plan, crossval


class Silent:
    def progress(self, text, share):
        """Say nothing."""

    def skipped(self, path):
        """Say nothing."""

    def failed(self, failure):
        raise AssertionError(failure)


class Killed(Exception):
    """The machine was switched off."""


@pytest.mark.slow
def test_folds_are_trained_evaluated_and_pooled(tmp_path):
    root = tmp_path / "phantoms"
    for label, kind in {"normal": "none", "benign": "benign", "malignant": "malignant"}.items():
        (root / label).mkdir(parents=True)
        for index in range(6):
            image, mask = phantom(kind, index, (90, 120))
            cv2.imwrite(str(root / label / f"{index}.png"), image)
            cv2.imwrite(str(root / label / f"{index}_mask.png"), mask.astype(np.uint8) * 255)
    encoder = tmp_path / "encoder.safetensors"
    save_tensors(encoder, dict(MobileNetV2Encoder().state_dict()))
    recipe = recipe_named("multitask-unet-mobilenetv2").model_dump(mode="json") | {"epochs": 1, "batch": 4}
    recipe["input"] = {"size": 64, "flip": True}
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"recipe": recipe, "data": [str(root)], "accelerator": "cpu"}))
    training = {"recipe": None, "job": job, "encoder_weights": encoder}
    plan = Plan(tmp_path / "cv", (), 3, False, training)

    def dies_in_the_second_fold(event):
        if event["fold"] == 2 and event["event"] == "calibrating":
            raise Killed

    with pytest.raises(Killed):
        crossval(plan, bootstrap.services(), Silent(), dies_in_the_second_fold)
    finished = (tmp_path / "cv" / "fold_1" / "evaluation" / "evaluation.json").stat().st_mtime_ns
    events = []
    plan = Plan(tmp_path / "cv", (), 3, True, training)
    result = crossval(plan, bootstrap.services(), Silent(), events.append)
    assert {event["fold"] for event in events} == {2, 3}
    assert (tmp_path / "cv" / "fold_1" / "evaluation" / "evaluation.json").stat().st_mtime_ns == finished
    assert result["n"] == 18
    assert result["by_class"] == {"normal": 6, "benign": 6, "malignant": 6}
    assert result["over_folds"]["accuracy"]["n"] == 3
    assert len({fold["model"]["sha256"] for fold in result["folds"]}) == 3
    page = (tmp_path / "cv" / "index.html").read_text(encoding="utf-8")
    assert "Cross-validation" in page
    assert "data:image/jpeg" in page
