"""Searches and cross-validations on the Training page: begun, watched in live tables, stopped, killed, gone on with."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest
from training.recipe_kit import TINY_UNET, phantoms, split_file
from window_kit import window

from busi_viewer.gui.training.recipe_step import RecipeStep
from busi_viewer.gui.training.runs_list import PROMOTE, RUN
from busi_viewer.gui.training.study_fields import StudyFields
from busi_viewer.workflow import training_new, training_runs
from busi_viewer.workflow.training_runs import DONE, FOLDS, SEARCH, STOPPED, Study

RATES = {"learning_rate": {"kind": "choice", "values": [1e-3, 1e-4]}}


@pytest.fixture
def job(tmp_path):
    """A small outlining network on phantoms, as the window would ask for it."""
    root = phantoms(tmp_path / "phantoms", 4)
    settings = {"architecture": TINY_UNET, "input.size": 64, "batch": 4, "search.parameters": RATES}
    return {
        "schema": 1,
        "recipe": "unet-224",
        "data": [str(root)],
        "split": str(split_file(root, tmp_path / "split.csv")),
        "epochs": 2,
        "from_scratch": True,
        "accelerator": "cpu",
        "settings": settings,
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


def in_view(qtbot, made, folder):
    """The page with a study in view."""
    made.actions_["training_page"].trigger()
    book = made.training.book
    qtbot.waitUntil(lambda: book._seen_first and book.run is not None, timeout=60_000)
    assert book.run.folder == folder
    qtbot.waitUntil(lambda: made.training.middle.currentWidget() is book.studies.view, timeout=20_000)
    return book, book.studies.view


def cells(table):
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


@pytest.mark.timeout(300)
def test_a_search_is_stopped_and_resumed_and_its_best_values_are_trained(qtbot, qapp, job, monkeypatch):
    folder = training_runs.runs_folder() / "search"
    training_runs.begin({**job, "epochs": 12}, folder, Study(SEARCH, 2))  # it must still run when it is stopped
    with window(qtbot, qapp) as made:
        book, view = in_view(qtbot, made, folder)
        qtbot.waitUntil(lambda: view.table.rowCount() > 0, timeout=120_000)
        view.head.stop.click()
        qtbot.waitUntil(lambda: book.run.state == STOPPED, timeout=60_000)
        qtbot.waitUntil(view.head.resume.isVisible, timeout=20_000)
        view.head.resume.click()
        qtbot.waitUntil(lambda: book.run.state == DONE, timeout=200_000)
        qtbot.waitUntil(view.best.isVisible, timeout=20_000)
        rows = cells(view.table)
        assert [row[0] for row in rows] == ["1", "2"]
        assert {row[1] for row in rows} <= {"Finished", "Pruned"}
        assert {row[2] for row in rows} <= {"0.001", "0.0001"}
        best = max((row for row in rows if row[1] == "Finished"), key=lambda row: float(row[4]))
        assert view.table.item(rows.index(best), 0).font().bold()
        book.go(PROMOTE)
        assert book._step == RUN, "a search is not promoted"
        assert not book.side.isVisible()
    asked = []
    monkeypatch.setattr(training_runs, "begin", lambda values, place: asked.append((values, place)))
    training_new.begin_best(folder)
    (values, place) = asked[0]
    assert place.name == values["name"] == "search-best"
    assert f"{values['recipe']['learning_rate']:.3g}" == best[2]


@pytest.mark.timeout(300)
def test_the_folds_of_a_cross_validation_stand_in_a_live_table(qtbot, qapp, job):
    folder = training_runs.runs_folder() / "folds"
    training_runs.begin(job, folder, Study(FOLDS, 3))
    with window(qtbot, qapp) as made:
        book, view = in_view(qtbot, made, folder)
        qtbot.waitUntil(lambda: bool(book.run.folds) and book.run.folds[0].state == "complete", timeout=200_000)
        qtbot.waitUntil(lambda: view.table.rowCount() >= 4, timeout=20_000)
        rows = cells(view.table)
        assert rows[3][1] == f"n = {sum(row[1] == 'Finished' for row in rows[:3])}"
        qtbot.waitUntil(lambda: book.run.state == DONE, timeout=200_000)
        qtbot.waitUntil(lambda: view.table.rowCount() == 5, timeout=20_000)
        rows = cells(view.table)
    assert [row[1] for row in rows[:4]] == ["Finished"] * 3 + ["n = 3"]
    assert "±" in rows[3][2]
    assert "–" in rows[4][2]
    assert rows[4][1] == "n = 12"


def test_what_a_run_does_is_chosen_with_its_recipe(qtbot):
    fields = StudyFields(96, 280)
    qtbot.addWidget(fields)
    search = {"trials": 20, "parameters": {**RATES, "epochs": {"kind": "range", "low": 1, "high": 9}}}
    fields.show_recipe({"search": search}, keeps=True)
    assert (fields.study(), fields.vary(), fields.kept()) == (None, {}, ())
    fields.keep.setText("20, 1 5,5")
    assert fields.kept() == (1, 5, 20)
    fields.what.setCurrentIndex(1)
    assert fields.study() == Study(SEARCH, 20)
    assert fields.vary() == RATES, "the form says how many epochs"
    assert fields.kept() == ()
    assert fields.ready
    (box, _), *_ = fields._checks.values()
    box.setChecked(False)
    assert not fields.ready, "nothing to vary"
    fields.what.setCurrentIndex(2)
    assert fields.study() == Study(FOLDS, 5)
    assert fields.ready
    fields.show_recipe({"search": {"trials": 3, "parameters": {}}}, keeps=False)
    fields.what.setCurrentIndex(0)
    assert fields.kept() == ()


def listed(name, paper, title):
    """A recipe as the list of them tells it."""
    settings = {"epochs": 3, "batch": 4, "learning_rate": 1e-3, "stages": None, "search": {}, "weight_decay": 0.1}
    settings |= {"architecture": {"name": name, "arguments": {}}, "input": {"size": 64, "flip": True}}
    more = {"summary": "", "section": "", "parameters": None, "imagenet": "no", "tasks": ["segmentation"]}
    return {"name": name, "paper": paper, "title": title, "input": {"size": 64}, "settings": settings, **more}


def test_recipes_are_found_by_their_words_and_any_setting_can_be_given(qtbot, qapp, own_home):
    step = RecipeStep()
    qtbot.addWidget(step)
    step.show_recipes([listed("unet-224", "D", "Custom CNN"), listed("unet3plus", "B", "Explainable attention U-Net")])

    def shown():
        return [step.recipes.item(i).text() for i in range(2) if not step.recipes.item(i).isHidden()]

    assert len(shown()) == 2
    step.search.setText("Paper B u-net")
    assert [text.split()[0] for text in shown()] == ["unet3plus"]
    step.search.setText("paper c")
    assert shown() == []
    assert not step._none.isHidden()
    step.search.clear()
    assert step._none.isHidden()
    for text, right in (
        ("weight_decay=0.02 input.flip=false", True),
        ("weight_decai=0.02", False),
        ("weight_decay", False),
        ("batch=8", False),
        ("", True),
    ):
        step.more.setText(text)
        assert (step.begin.isEnabled(), step._wrong.isHidden()) == (right, right), text
    step.more.setText("weight_decay=0.02 input.flip=false")
    values = training_new.job(step.chosen(), [], Path("split.csv"))
    assert values["settings"]["weight_decay"] == 0.02
    assert values["settings"]["input.flip"] is False
    assert values["settings"]["batch"] == 4
