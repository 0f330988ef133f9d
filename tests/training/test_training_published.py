"""Runs of the papers' networks in miniature: one task, both in a pipeline, and a paper's own protocol."""

import json
from dataclasses import replace

import numpy as np
import pytest
from recipe_kit import MASK, OPEN, TINY_CNN, TINY_UNET, phantoms, small_job, split_file

from busi_viewer import paths
from busi_viewer.bootstrap import services
from busi_viewer.core.dataset import load_split
from busi_viewer.core.errors import ModelError, UsageError
from busi_viewer.inference.engine import ModelEngine
from busi_viewer.nets.card import read_card
from busi_viewer.nets.registry import load_model
from busi_viewer.training import pipeline
from busi_viewer.training.run import train
from busi_viewer.workflow import models
from busi_viewer.workflow.cases import read_cases, write_cases
from busi_viewer.workflow.evaluate import choose_samples, examine, summarise, write_study
from busi_viewer.workflow.export import frame_json, summary_rows

UNET = {"architecture": TINY_UNET, "input.preprocess": [{"kind": "gamma", "gamma": 0.8}, {"kind": "min-max"}]}
CNN = {"architecture": TINY_CNN, "schedule": "plateau", "class_loss": "focal"}


class Silent:
    """Hears nothing."""

    def progress(self, text, share): ...
    def skipped(self, path): ...
    def failed(self, failure):
        raise AssertionError(failure)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    root = phantoms(folder / "phantoms")
    return root, split_file(root, folder / "split.csv")


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """A run that outlines and one that classifies."""
    root, split = data
    folder = tmp_path_factory.mktemp("runs")
    for name, recipe, settings in (("outlines", "unet", UNET), ("classifies", "cnn-3m", CNN)):
        train(small_job(recipe, root, folder / name, settings, split=split), OPEN, MASK, lambda e: None)
    return folder / "outlines", folder / "classifies"


def _evaluated(model, data):
    root, split = data
    engine = ModelEngine(model, "cpu")
    study = examine(choose_samples([root], split, "val"), services(), engine, Silent())
    return engine, study, summarise(study.cases, study.failures, engine.model, engine.device)


def test_a_model_that_only_outlines_says_nothing_of_the_class(data, runs, tmp_path):
    card = read_card(runs[0] / "model")
    assert card.calibration is None
    assert card.operating_point is None
    assert card.guard is not None
    assert [step.kind for step in card.input.preprocess] == ["gamma", "min-max"]
    engine, study, result = _evaluated(runs[0] / "model", data)
    assert engine.model.tasks == ("segmentation",)
    assert "no class" in engine.model.notes[0]
    assert result["classification"] is None
    assert result["segmentation"]["n"] == len(study.cases)
    frame = engine.analyse(OPEN(data[0] / "benign" / "benign (1).png")).frames[0]
    assert not frame.classified
    assert frame.heatmap.target == "lesion"
    written = frame_json(frame)
    assert written["prediction"] is None
    assert written["probabilities"] is None
    row = summary_rows({"frames": [written], "warnings": []}, "x")[0]
    assert row["p_malignant"] == row["prediction"] == ""
    write_cases(tmp_path / "cases.csv", study.cases)
    assert not any(case.classified for case in read_cases(tmp_path / "cases.csv"))
    write_study(tmp_path / "study", study, result, services(), engine, Silent())
    assert (tmp_path / "study" / "index.html").stat().st_size > 1000


def test_a_model_that_only_classifies_outlines_nothing(data, runs, tmp_path):
    card = read_card(runs[1] / "model")
    assert card.calibration is not None
    assert card.band is None
    engine, study, result = _evaluated(runs[1] / "model", data)
    assert result["segmentation"] is None
    assert result["classification"]["n"] == len(study.cases)
    frame = engine.analyse(OPEN(data[0] / "malignant" / "malignant (1).png")).frames[0]
    assert not frame.mask.any()
    assert frame.probability is None
    assert frame.heatmap.target in ("normal", "benign", "malignant")
    assert sum(frame.probabilities) == pytest.approx(1)
    write_study(tmp_path / "study", study, result, services(), engine, Silent())


def test_a_pipeline_joins_two_runs_and_learns_from_maps_of_networks_that_did_not_see_the_image(
    data, runs, tmp_path, monkeypatch
):
    root, split = data
    seen = []
    real = pipeline.fit

    def spy(job, training, validation, report, network=None, folder=None):
        seen.append((job.out.name, {item.id for item in training}, {item.id: item.mask for item in training}))
        return real(job, training, validation, report, network, folder)

    monkeypatch.setattr(pipeline, "fit", spy)
    job = small_job("pipeline", root, tmp_path / "run", {"stages.folds": 2}, members=runs, split=split)
    summary = train(job, OPEN, MASK, lambda e: None)
    parts = load_split(split)
    training = {name for name, part in parts.items() if part == "train"}
    names = [name for name, _, _ in seen]
    assert names == ["fold_1", "fold_2", "classifier"]
    assert seen[0][1] | seen[1][1] == training
    assert not seen[0][1] & seen[1][1]
    assert seen[2][1] == training
    assert all(mask.max() > 1 for mask in seen[2][2].values())  # maps are 0–255, true outlines 0 or 1
    network, card = load_model(tmp_path / "run" / "model")
    assert network.tasks == ("segmentation", "classification")
    assert card.leaky == ()
    engine, _, result = _evaluated(tmp_path / "run" / "model", data)
    assert result["segmentation"] is not None
    assert result["classification"] is not None
    outlines = ModelEngine(runs[0] / "model", "cpu")
    record = OPEN(root / "benign" / "benign (1).png")
    both = [e.analyse(record, heatmap=False).frames[0].probability.astype(float) for e in (engine, outlines)]
    assert np.abs(both[0] - both[1]).max() < 0.05
    assert summary["parameters"]["total"] > 0

    other = {name: "train" if part == "val" else "val" for name, part in parts.items()}
    swapped = tmp_path / "swapped.csv"
    swapped.write_text("id,part\n" + "".join(f"{name},{part}\n" for name, part in other.items()))
    seen.clear()
    train(
        small_job("pipeline", root, tmp_path / "again", {"stages.folds": 2}, members=runs, split=swapped),
        OPEN, MASK, lambda e: None,
    )  # fmt: skip
    assert seen[0][0] == "segmenter"
    with pytest.raises(UsageError, match="no pipeline"):
        train(small_job("pipeline", root, tmp_path / "x", {}, members=runs[::-1], split=split), OPEN, MASK, print)


def test_a_papers_protocol_is_marked_as_leaky_and_never_becomes_the_active_model(data, tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))
    root, _ = data
    job = small_job("cnn-3m", root, tmp_path / "run", CNN, protocol="paper")
    train(job, OPEN, MASK, lambda e: None)
    split = load_split(tmp_path / "run" / "split.csv")
    assert sorted(split.values()).count("train") == round(0.8 * len(split))
    card = read_card(tmp_path / "run" / "model")
    assert any("random" in reason for reason in card.leaky)
    engine = ModelEngine(tmp_path / "run" / "model", "cpu")
    assert summarise([], [], engine.model, "cpu")["model"]["leaky"] == list(card.leaky)
    models.install(tmp_path / "run" / "model")
    with pytest.raises(ModelError, match="leaks"):
        models.activate(card.name)


def test_the_run_keeps_what_it_was_asked(runs):
    job = json.loads((runs[1] / "job.json").read_text())
    assert job["settings"]["class_loss"] == job["recipe"]["class_loss"] == "focal"
    assert read_card(runs[1] / "model").training["started_with"] == "random weights"
    assert paths.user_models().name


def test_the_stages_of_a_pipeline_are_trained_anew_as_their_runs_were(data, runs, tmp_path):
    root, split = data
    job = small_job("pipeline", root, tmp_path / "out", {}, split=split, members=runs, from_scratch=False)
    outlines, classifies = pipeline._stages(job, job.recipe.stages, load_split(split))
    fold = pipeline._sub_job(job, replace(outlines, run=None), tmp_path / "fold_1")
    assert (fold.from_scratch, fold.start_from, fold.out) == (True, None, tmp_path / "fold_1"), "as the run began"
    assert fold.recipe.architecture == outlines.recipe.architecture
    assert pipeline._sub_job(job, classifies, tmp_path).start_from == runs[1] / "model"
    longer = replace(outlines, run=None, job=outlines.job.model_copy(update={"epochs": 7}))
    assert pipeline._sub_job(job, longer, tmp_path).total_epochs == 7
    said = job.model_copy(update={"epochs": 2})
    assert pipeline._sub_job(said, longer, tmp_path).total_epochs == 2
