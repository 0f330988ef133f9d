"""A whole cross-validation in miniature, stopped in its second fold and gone on with."""

import json

import cv2
import numpy as np
import pytest

from busi_viewer import bootstrap
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.folds import fold_rows, mean_over
from busi_viewer.core.phantom import phantom
from busi_viewer.core.training import CONTROL, GO, PROGRESS, STOP, read_events
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

    def stops_in_the_second_fold(event):
        if event["fold"] == 2 and event["event"] == "calibrating":
            (tmp_path / "cv" / CONTROL).write_text(STOP)

    with pytest.raises(Cancelled):
        crossval(plan, bootstrap.services(), Silent(), stops_in_the_second_fold)
    rows = fold_rows(read_events(tmp_path / "cv" / PROGRESS))
    assert [row.state for row in rows] == ["complete", "running", "waiting"]
    (tmp_path / "cv" / CONTROL).write_text(GO)
    finished = (tmp_path / "cv" / "fold_1" / "evaluation" / "evaluation.json").stat().st_mtime_ns
    events = []
    plan = Plan(tmp_path / "cv", (), 3, True, training)
    result = crossval(plan, bootstrap.services(), Silent(), events.append)
    assert {event["fold"] for event in events} == {2, 3}
    assert (tmp_path / "cv" / "fold_1" / "evaluation" / "evaluation.json").stat().st_mtime_ns == finished
    assert result["n"] == 18
    assert result["by_class"] == {"normal": 6, "benign": 6, "malignant": 6}
    over = result["over_folds"]
    assert over["accuracy"]["n"] == 3
    rows = fold_rows(read_events(tmp_path / "cv" / PROGRESS))
    assert [row.state for row in rows] == ["complete"] * 3
    mean = mean_over(rows, "accuracy")
    assert mean.mean == pytest.approx(over["accuracy"]["mean"], abs=1e-3)
    assert mean.half == pytest.approx(4.3027 * over["accuracy"]["sd"] / 3**0.5, abs=2e-3)
    assert len({fold["model"]["sha256"] for fold in result["folds"]}) == 3
    page = (tmp_path / "cv" / "index.html").read_text(encoding="utf-8")
    assert "Cross-validation" in page
    assert "data:image/jpeg" in page
