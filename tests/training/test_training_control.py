"""Runs in processes of their own: watched, paused, stopped, killed and resumed, as the window does it."""

import csv
import json
import os
import signal
import time

import cv2
import numpy as np
import psutil
import pytest

from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.errors import UsageError
from busi_viewer.core.phantom import phantom
from busi_viewer.core.training import PROGRESS, Progress, read_progress
from busi_viewer.nets.encoders import MobileNetV2Encoder
from busi_viewer.nets.weights import save_tensors
from busi_viewer.training.recipe import recipe_named
from busi_viewer.workflow import training_runs
from busi_viewer.workflow.training_runs import BROKEN, DONE, PAUSED, RUNNING, STOPPED

EPOCHS = 40
"""Far more than a test waits for."""


@pytest.fixture
def job(tmp_path):
    """A long run on phantoms, as plain values."""
    root = tmp_path / "phantoms"
    for label, kind in {"normal": "none", "benign": "benign", "malignant": "malignant"}.items():
        (root / label).mkdir(parents=True)
        for i in range(4):
            image, mask = phantom(kind, i, (90, 120))
            cv2.imwrite(str(root / label / f"{label} ({i}).png"), image)
            cv2.imwrite(str(root / label / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    with (tmp_path / "split.csv").open("w", newline="") as stream:
        rows = [(s.id, "val" if i % 3 == 1 else "train") for i, s in enumerate(load_datasets([root]))]
        csv.writer(stream).writerows([("id", "part"), *rows])
    save_tensors(tmp_path / "encoder.safetensors", dict(MobileNetV2Encoder().state_dict()))
    recipe = recipe_named("multitask-unet-mobilenetv2").model_dump(mode="json")
    return {
        "schema": 1,
        "recipe": recipe | {"batch": 4, "epochs": EPOCHS, "input": recipe["input"] | {"size": 64}},
        "data": [str(root)],
        "split": str(tmp_path / "split.csv"),
        "encoder_weights": str(tmp_path / "encoder.safetensors"),
        "accelerator": "cpu",
    }


@pytest.fixture
def folder(tmp_path):
    """The run's folder; whatever still trains in it is killed."""
    place = tmp_path / "runs" / "first"
    yield place
    if (place / training_runs.PROCESS).exists():
        kill(place)


def kill(folder):
    pid = json.loads((folder / training_runs.PROCESS).read_text())["pid"]
    try:
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)], timeout=20)
    except (OSError, psutil.Error):
        pass


def wait(folder, what, seconds=240):
    """Look until ``what(run)``; the run."""
    until = time.monotonic() + seconds
    while not what(run := training_runs.look(folder)):
        assert time.monotonic() < until, f"waited in vain: {run}"
        assert run.state != BROKEN, (folder / "log.txt").read_text()
        time.sleep(0.1)
    return run


def test_a_run_is_paused_killed_resumed_stopped_and_finished(job, folder):
    assert training_runs.begin(job, folder).state == RUNNING
    wait(folder, lambda run: len(run.progress.epochs) >= 2)

    training_runs.pause(folder)
    paused = wait(folder, lambda run: run.progress.stage == "paused")
    assert paused.state == PAUSED
    time.sleep(1.0)
    assert training_runs.look(folder).progress.step == paused.progress.step
    training_runs.go_on(folder)
    wait(folder, lambda run: run.progress.step > paused.progress.step)

    kill(folder)
    broken = training_runs.look(folder)
    assert broken.state == BROKEN
    assert [run.folder for run in training_runs.runs(folder.parent)] == [folder]
    training_runs.go_on(folder)
    wait(folder, lambda run: len(run.progress.epochs) > len(broken.progress.epochs))

    training_runs.stop(folder)
    stopped = wait(folder, lambda run: run.state != RUNNING)
    assert stopped.state == STOPPED
    assert stopped.model is None

    request = json.loads((folder / training_runs.REQUEST).read_text())
    request["epochs"] = len(stopped.progress.epochs) + 1
    (folder / training_runs.REQUEST).write_text(json.dumps(request))
    training_runs.go_on(folder)
    done = wait(folder, lambda run: run.state == DONE)
    assert (done.model / "card.json").is_file()
    assert [epoch["epoch"] for epoch in done.progress.epochs] == list(range(1, request["epochs"] + 1))
    assert done.summary["metrics"]["val"]


def test_a_run_that_fails_says_why(job, folder):
    training_runs.begin(job | {"data": [str(folder / "nothing")]}, folder)
    until = time.monotonic() + 120
    while (run := training_runs.look(folder)).state == RUNNING and time.monotonic() < until:
        time.sleep(0.1)
    assert run.state == BROKEN
    assert "nothing" in run.problem
    with pytest.raises(UsageError):
        training_runs.begin(job, folder)


def test_progress_of_nothing_and_of_a_torn_line(tmp_path):
    assert read_progress(tmp_path / PROGRESS) == Progress()
    event = {"schema": 1, "time": "2026-01-01T00:00:00+00:00", "event": "step", "step": 3, "of": 9, "epoch": 1}
    later = event | {"time": "2026-01-01T00:00:04+00:00", "step": 5}
    text = "\n".join(map(json.dumps, (event, later))) + '\n{"schema": 1, "ev'
    (tmp_path / PROGRESS).write_text(text)
    progress = read_progress(tmp_path / PROGRESS)
    assert (progress.step, progress.steps, progress.seconds_left) == (5, 9, 8.0)
