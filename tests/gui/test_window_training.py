"""The Training page, driven: data to a promoted model, and runs that outlive their window."""

import csv
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PySide6.QtWidgets import QFileDialog
from window_kit import window

from busi_viewer import bootstrap
from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.phantom import phantom
from busi_viewer.gui.training.findings import IdRole
from busi_viewer.gui.training.runs_list import RECIPE, RESULTS, RUN, SPLIT
from busi_viewer.workflow import casework, model_file, models, training_runs
from busi_viewer.workflow.training_runs import BROKEN, DONE, PAUSED, RUNNING, STOPPED


def phantoms(root, each):
    """Class folders of synthetic images, one of them with an empty mask."""
    for label, kind in {"normal": "none", "benign": "benign", "malignant": "malignant"}.items():
        (root / label).mkdir(parents=True)
        for i in range(each):
            image, mask = phantom(kind, i, (96, 128))
            if label == "benign" and i == 0:
                mask[:] = False
            cv2.imwrite(str(root / label / f"{label} ({i}).png"), image)
            cv2.imwrite(str(root / label / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    return root


@pytest.fixture
def data(tmp_path):
    return phantoms(tmp_path / "phantoms", 14)


def job(root, tmp_path, epochs):
    """A small run from nothing, as the window would ask for it."""
    with (tmp_path / "split.csv").open("w", newline="") as stream:
        samples = [sample for sample in load_datasets([root]) if "(0)" not in sample.id]
        rows = [(sample.id, ("train", "train", "val")[i % 3]) for i, sample in enumerate(samples)]
        csv.writer(stream).writerows([("id", "part"), *rows])
    return {
        "schema": 1,
        "recipe": "multitask-unet-mobilenetv2",
        "data": [str(root)],
        "split": str(tmp_path / "split.csv"),
        "epochs": epochs,
        "from_scratch": True,
        "accelerator": "cpu",
        "settings": {"batch": 8, "input.size": 64},
    }


@pytest.fixture(autouse=True)
def no_run_left(own_home):
    """Whatever still trains at the end is killed."""
    yield
    for run in training_runs.runs():
        kill(run.folder)


def kill(folder):
    pid = json.loads((folder / training_runs.PROCESS).read_text())["pid"]
    try:
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)], timeout=20)
    except (OSError, psutil.Error):
        pass


def on_page(qtbot, made):
    made.actions_["training_page"].trigger()
    book = made.training.book
    qtbot.waitUntil(lambda: book._seen_first, timeout=60_000)
    return book


def in_view(made):
    return made.training.middle.currentWidget()


def audited(qtbot, book, data):
    book.data.add(data)
    book.data.audit.click()
    qtbot.waitUntil(lambda: book.data.result is not None, timeout=120_000)


@pytest.mark.timeout(300)
def test_data_are_audited_and_divided_and_images_left_out_by_a_click(qtbot, qapp, data, monkeypatch, tmp_path):
    with window(qtbot, qapp) as made:
        book = on_page(qtbot, made)
        assert in_view(made) is book.data
        book.go(RECIPE)
        assert in_view(made) is book.data, "nothing to divide yet"
        audited(qtbot, book, data)
        findings = book.data.findings
        assert "phantoms/benign/benign (0).png" in findings.left_out, "advised: its mask is empty"
        kinds = [findings.kinds.item(row).text() for row in range(findings.kinds.count())]
        findings.kinds.setCurrentRow(next(i for i, words in enumerate(kinds) if "Empty masks" in words))
        tile = findings.images.item(0)
        findings.images.itemClicked.emit(tile)
        assert tile.data(IdRole) not in findings.left_out
        findings._drop_all.click()
        assert findings.left_out[tile.data(IdRole)]
        book.data.next.click()
        qtbot.waitUntil(lambda: book.split.plan is not None, timeout=60_000)
        assert in_view(made) is book.split
        counts = {count.part: count.images for count in book.split.plan.counts}
        assert counts["dropped"] == len(findings.left_out)
        assert book.split.verdict.text().startswith("No leak")
        leaky = tmp_path / "leaky.csv"
        rows = [(s.id, ("train", "val", "test")[i % 3]) for i, s in enumerate(load_datasets([data]))]
        twin = data / "malignant" / "malignant (99).png"
        twin.write_bytes((data / "malignant" / "malignant (3).png").read_bytes())
        (data / "malignant" / "malignant (99)_mask.png").write_bytes(
            (data / "malignant" / "malignant (3)_mask.png").read_bytes()
        )
        part = dict(rows)["phantoms/malignant/malignant (3).png"]
        rows.append(("phantoms/malignant/malignant (99).png", "val" if part == "train" else "train"))
        with leaky.open("w", newline="") as stream:
            csv.writer(stream).writerows([("id", "part"), *rows])
        book.data.start_over()
        audited(qtbot, book, data)
        book.go(SPLIT)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(leaky), ""))
        book.split.use_file.click()
        qtbot.waitUntil(lambda: "too good" in book.split.verdict.text(), timeout=60_000)
        assert not book.split.next.isEnabled()


@pytest.mark.timeout(400)
def test_a_run_outlives_its_window_killed_or_closed_and_is_paused_killed_and_resumed(qtbot, qapp, data, tmp_path):
    folder = training_runs.runs_folder() / "first"
    (tmp_path / "job.json").write_text(json.dumps(job(data, tmp_path, 60)))
    script = Path(__file__).with_name("window_process.py")
    first = subprocess.Popen([sys.executable, script, tmp_path / "job.json", folder], cwd=script.parents[2])
    qtbot.waitUntil(
        lambda: bool(training_runs.look(folder).progress.epochs) or first.poll() is not None, timeout=150_000
    )
    assert first.poll() is None
    first.kill()
    assert first.wait(20) == -signal.SIGKILL
    before = len(training_runs.look(folder).progress.epochs)
    qtbot.waitUntil(lambda: len(training_runs.look(folder).progress.epochs) > before, timeout=150_000)
    assert training_runs.look(folder).state == RUNNING, "killing the window does not end it"
    with window(qtbot, qapp) as made:
        book = on_page(qtbot, made)
        qtbot.waitUntil(lambda: book.run is not None and len(book.run.progress.epochs) >= 1, timeout=150_000)
        assert in_view(made) is book.run_view
        curve = book.run_view.curves.plots[0].curves["val_loss"]
        qtbot.waitUntil(lambda: curve.yData is not None and len(curve.yData) >= 1, timeout=20_000)
        qtbot.waitUntil(lambda: book.run_view.samples.tiles[0]._shown is not None, timeout=20_000)
        assert "epoch 1" in book.run_view.log.toPlainText()
    assert training_runs.look(folder).state == RUNNING, "closing the window does not end it"
    with window(qtbot, qapp) as made:
        book = on_page(qtbot, made)
        qtbot.waitUntil(lambda: book.run is not None and book.run_view.run is not None, timeout=60_000)
        assert book.run.folder == folder
        book.run_view.head.pause.click()
        qtbot.waitUntil(lambda: book.run.state == PAUSED, timeout=60_000)
        qtbot.waitUntil(book.run_view.head.resume.isVisible, timeout=20_000)
        book.run_view.head.resume.click()
        qtbot.waitUntil(lambda: book.run.state == RUNNING, timeout=60_000)
        kill(folder)
        qtbot.waitUntil(lambda: book.run.state == BROKEN, timeout=60_000)
        qtbot.waitUntil(book.run_view.head.problem.isVisible, timeout=20_000)
        known = len(book.run.progress.epochs)
        book.run_view.head.resume.click()
        qtbot.waitUntil(lambda: len(book.run.progress.epochs) > known, timeout=150_000)
        book.run_view.head.stop.click()
        qtbot.waitUntil(lambda: book.run.state == STOPPED, timeout=60_000)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_is_trained_tested_promoted_used_exported_and_rolled_back(qtbot, qapp, data, tmp_path, monkeypatch):
    before = models.active()
    with window(qtbot, qapp) as made:
        book = on_page(qtbot, made)
        audited(qtbot, book, data)
        book.go(SPLIT)
        qtbot.waitUntil(lambda: book.split.plan is not None, timeout=60_000)
        recipe = book.recipe
        qtbot.waitUntil(lambda: recipe.recipes.count() > 0, timeout=200_000)
        book.go(RECIPE)
        for field, value in ((recipe.epochs, 2), (recipe.batch, 8), (recipe.edge, 64)):
            field.setValue(value)
        recipe.device.setCurrentText("CPU")
        recipe.measure.click()
        qtbot.waitUntil(lambda: recipe.estimate is not None, timeout=200_000)
        assert recipe._told.text().startswith("About")
        recipe.begin.click()
        qtbot.waitUntil(lambda: book.run is not None and in_view(made) is book.run_view, timeout=30_000)
        folder = book.run.folder
        qtbot.waitUntil(lambda: book.run.state == DONE, timeout=300_000)
        qtbot.waitUntil(lambda: book.results.figures.rowCount() > 5 and book._step == RESULTS, timeout=30_000)
        assert not book.side.promote.isEnabled()
        book.side.open_test.click()
        qtbot.waitUntil(lambda: book._seen.tested is not None, timeout=300_000)
        opened = json.loads((folder / "test.json").read_text())
        assert opened["active"]["name"] == before
        qtbot.waitUntil(lambda: not book.side._test_bar.isVisible(), timeout=30_000)
        if book._seen.worse:
            assert not book.side.promote.isEnabled()
            book.side.reason.setText("A trial of the workflow")
        book.side.promote.click()
        qtbot.waitUntil(lambda: models.active() == folder.name, timeout=60_000)
        assert models.find(folder.name).card["promotion"]["test_opened"] == opened["opened"]
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out.busimodel"), ""))
        book.side.export.click()
        qtbot.waitUntil((tmp_path / "out.busimodel").exists, timeout=60_000)
        qtbot.waitUntil(book.side.rollback.isVisible, timeout=30_000)
        book.side.rollback.click()
        qtbot.waitUntil(lambda: models.active() == before, timeout=60_000)
        book.go(RUN)
        assert in_view(made) is book.run_view
    assert model_file.install(tmp_path / "out.busimodel").name == folder.name
    with closing(casework.open_store(bootstrap.services())) as store:
        rows = [row for row in store.audit.rows() if row.field == "active model"]
    assert len(rows) == 2
