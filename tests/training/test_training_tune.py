"""Hyperparameter search: the queue, several workers, death and resumption, pruning, and what is written."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from recipe_kit import MASK, OPEN, TINY_UNET, phantoms, small_job

from busi_viewer import paths
from busi_viewer.core.errors import Cancelled, UsageError
from busi_viewer.core.training import CONTROL, GO, PROGRESS, STOP
from busi_viewer.core.tuning import COMPLETE, PRUNED, read_trials
from busi_viewer.training import tune as tuning
from busi_viewer.training.recipe import RECIPES, read_job
from busi_viewer.training.search import Choice, Range, grid

RATES = {"kind": "range", "low": 1e-4, "high": 1e-2, "log": True}
SPACE = {"learning_rate": RATES, "batch": {"kind": "choice", "values": [4, 8]}}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Phantoms and a split whose test images hold no picture: whoever reads them fails."""
    root = phantoms(tmp_path_factory.mktemp("search") / "data", 4)
    split = root.parent / "split.csv"
    rows = []
    for label in ("normal", "benign", "malignant"):
        for i, part in enumerate(("train", "train", "val", "test")):
            image = root / label / f"{label} ({i}).png"
            rows.append(f"{root.name}/{label}/{image.name},{part}")
            if part == "test":
                image.write_bytes(b"no picture")
    split.write_text("id,part\n" + "\n".join(rows) + "\n")
    return root, split


def job_of(data, out, *, epochs=1, name="unet-224", architecture=TINY_UNET, space=SPACE, **search):
    root, split = data
    settings = {
        "architecture": architecture,
        "epochs": epochs,
        "patience": None,
        "ema_decay": 0.9,
        "mask_losses": ["dice"],
        "search": {"parameters": space, **search},
    }
    return small_job(name, root, out, settings, split=split)


def search(job, heard=None, **options):
    return tuning.tune(job, OPEN, MASK, (heard if heard is not None else []).append, **options)


def worker(job, path: Path, *words: str, heartbeat=(20, 120)) -> subprocess.Popen:
    """A process of its own that works on the search of the job, as the command does."""
    path.write_text(job.model_dump_json(by_alias=True))
    code = (
        "import sys; from busi_viewer.training import tune; from busi_viewer.bootstrap import main;"
        f"tune.HEARTBEAT_S, tune.GRACE_S = {heartbeat}; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "tune", "--job", str(path), "-o", str(job.out), *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def events(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / PROGRESS).read_text().splitlines()]


def test_a_grid_tries_each_combination_once_and_gives_a_job_that_train_takes(data, tmp_path):
    space = {"learning_rate": {"kind": "choice", "values": [1e-3, 1e-2]}, "batch": {"kind": "choice", "values": [4, 8]}}
    found = search(job_of(data, tmp_path / "out", space=space), as_grid=True)
    tried = [tuple(row["parameters"].values()) for row in found["trials"]]
    assert sorted(tried) == [(1e-3, 4), (1e-3, 8), (1e-2, 4), (1e-2, 8)]
    assert {row["state"] for row in found["trials"]} == {COMPLETE}
    assert found["best"]["score"] == max(row["score"] for row in found["trials"])
    assert found["data"]["images"] == {"train": 6, "val": 3}

    path = tmp_path / "best_job.json"
    path.write_text(json.dumps(found["best_job"]))
    best = read_job(path, {"out": tmp_path / "best"})
    assert {"learning_rate": best.recipe.learning_rate, "batch": best.recipe.batch} == found["best"]["parameters"]
    assert best.split == tmp_path / "out" / "split.csv"
    assert not list((tmp_path / "out" / "trials").glob("*")), "checkpoints of finished trials are kept"


def test_a_search_goes_on_where_it_was_and_its_rows_can_be_watched(data, tmp_path):
    job = job_of(data, tmp_path / "out")
    first = search(job, trials=2)
    again = search(job, trials=4)
    assert again["trials"][:2] == first["trials"]
    assert len(again["trials"]) == 4
    rows = read_trials(tmp_path / "out" / PROGRESS)
    assert [(row.number, row.state, row.epoch) for row in rows] == [(n, COMPLETE, 1) for n in (1, 2, 3, 4)]
    assert [row.score for row in rows] == [row["score"] for row in again["trials"]]
    with pytest.raises(UsageError, match="another search"):
        search(job_of(data, tmp_path / "out", epochs=2), trials=4)


def test_two_workers_on_one_storage_run_each_trial_once(data, tmp_path):
    job = job_of(data, tmp_path / "out")
    storage = f"sqlite:///{tmp_path}/shared.sqlite3"
    workers = [worker(job, tmp_path / f"{n}.json", "--trials", "6", "--storage", storage) for n in (1, 2)]
    for process in workers:
        _, said = process.communicate(timeout=280)
        assert process.returncode == 0, said + (paths.log_dir() / "busi_viewer.log").read_text()
    begun = Counter(event["trial"] for event in events(tmp_path / "out") if event["event"] == "trial")
    assert begun == dict.fromkeys(range(1, 7), 1)
    result = json.loads((tmp_path / "out" / "tune.json").read_text())
    assert [row["state"] for row in result["trials"]] == [COMPLETE] * 6
    assert (tmp_path / "out" / "best_job.json").is_file()
    page = (tmp_path / "out" / "index.html").read_text()
    assert "The part test was not read" in page


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_trial_of_a_killed_worker_is_taken_up_from_its_last_epoch(data, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "HEARTBEAT_S", 1)
    monkeypatch.setattr(tuning, "GRACE_S", 4)
    job = job_of(data, tmp_path / "out", epochs=20, pruner="none")
    process = worker(job, tmp_path / "job.json", "--trials", "2", heartbeat=(1, 4))
    deadline = time.monotonic() + 200
    while not any(row.epoch >= 2 for row in read_trials(tmp_path / "out" / PROGRESS)):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = events(tmp_path / "out")
    found = search(job, trials=2)
    assert [row["state"] for row in found["trials"]] == [COMPLETE] * 2
    assert sorted(row["attempts"] for row in found["trials"]) == [1, 2]
    again = next(row["trial"] for row in found["trials"] if row["attempts"] == 2)
    after = events(tmp_path / "out")[len(before) :]
    epochs = [event["epoch"] for event in after if event["event"] == "epoch" and event["trial"] == again]
    assert epochs[0] > 1
    assert epochs[-1] == 20


def test_a_stopped_search_keeps_its_trial_for_later(data, tmp_path):
    job = job_of(data, tmp_path / "out", epochs=5)
    heard = []

    class Stopping(list):
        def append(self, event):
            heard.append(event)
            if event["event"] == "epoch":
                (tmp_path / "out" / CONTROL).write_text(STOP)

    with pytest.raises(Cancelled):
        search(job, Stopping(), trials=2)
    (tmp_path / "out" / CONTROL).write_text(GO)
    found = search(job, trials=2)
    assert [(row["state"], row["attempts"]) for row in found["trials"]] == [(COMPLETE, 2), (COMPLETE, 1)]


def test_a_trial_that_falls_behind_is_given_up(data, tmp_path):
    space = {"learning_rate": {"kind": "choice", "values": [3e-2, 1e-12]}}
    job = job_of(data, tmp_path / "out", epochs=6, space=space, startup=1, warmup=0)
    found = search(job, as_grid=True)
    good, bad = found["trials"]
    assert (good["state"], bad["state"]) == (COMPLETE, PRUNED)
    assert bad["epochs"] < 6
    assert found["best"]["trial"] == 1


def test_values_that_break_a_trial_do_not_break_the_search(data, tmp_path):
    space = {"architecture.arguments.gates": {"kind": "choice", "values": [False, "no such word"]}}
    space["architecture.arguments.dropout"] = {"kind": "choice", "values": [0.1, 7.0]}
    found = search(job_of(data, tmp_path / "out", space=space), as_grid=True)
    states = {row["parameters"]["architecture.arguments.dropout"]: row["state"] for row in found["trials"]}
    assert states[0.1] == COMPLETE
    assert states[7.0] == "failed"
    assert all(row["problem"] for row in found["trials"] if row["state"] == "failed")


def test_a_space_that_does_not_fit_is_refused(data, tmp_path):
    with pytest.raises(UsageError, match="learning_rate"):
        search(job_of(data, tmp_path / "out", space={"learning_rate": {"kind": "choice", "values": [-1.0]}}))
    with pytest.raises(UsageError, match="cannot be varied"):
        job_of(data, tmp_path / "out", space={"colour": {"kind": "choice", "values": [1]}})
    with pytest.raises(UsageError, match="no grid"):
        search(job_of(data, tmp_path / "out"), as_grid=True)
    assert not (tmp_path / "out").exists()


def test_the_papers_own_spaces():
    b = RECIPES["triencoder-unet-cbam-frozen-dice"].search.parameters
    assert len(grid(b)) == 36
    segmenters = RECIPES["unetplusplus-resnet18"].search.parameters
    assert segmenters["epochs"] == Range(low=10, high=100, whole=True)
    assert segmenters["batch"] == Choice(values=(4, 8, 16))
    classifiers = RECIPES["focal-googlenet"].search
    assert (classifiers.parameters["focal_gamma"].low, classifiers.parameters["focal_gamma"].high) == (3, 5)
    assert classifiers.settings == {"patience": 10}


def test_a_fault_of_ours_ends_the_search_and_the_trial_is_told_as_failed(data, tmp_path, monkeypatch):
    def broken(*_):
        raise TypeError("no fault of the values")

    monkeypatch.setattr(tuning, "make", broken)
    with pytest.raises(TypeError):
        search(job_of(data, tmp_path / "out"), trials=2)
    (row,) = read_trials(tmp_path / "out" / PROGRESS)
    assert (row.number, row.state, row.problem) == (1, "failed", "it broke off (TypeError)")
