"""Choosing the heatmap's class and method in the window: no new analysis, nothing stale, and it is named."""

import gc
import weakref

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.core.results import METHODS, Heatmap
from busi_viewer.gui import desk, result_cache
from busi_viewer.gui.actions import HEAT_CLASSES, HEAT_METHODS
from busi_viewer.gui.result_parts import heat_in_words


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def heat(made):
    return made.canvas.session.document.result.frame(0).heatmap


def test_another_class_without_a_new_analysis_and_back(qtbot, qapp, study):
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        first = heat(made)
        revision = made.canvas.session.document.revision
        assert first.target == "malignant"
        made.actions_["heat_benign"].trigger()
        qtbot.waitUntil(lambda: heat(made).target == "benign")
        assert made.canvas._scene.heat is heat(made)
        assert "benign" in made.review.header.heat.accessibleName()
        made.actions_["next_heat_class"].trigger()
        assert heat(made) is first, "malignant is chosen by name: what the analysis brought is at hand"
        for _ in range(2):
            made.actions_["next_heat_class"].trigger()
        assert made.actions_["heat_predicted"].isChecked()
        made.actions_["heat_benign"].trigger()
        assert heat(made).target == "benign"
        assert engine.explained.count(("benign", "Grad-CAM")) == 1, "what was made once is kept"
        assert engine.seen == [study / "us1.png"]
        assert made.canvas.session.document.revision == revision


def test_a_heatmap_goes_with_the_analysis_that_brought_it(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "RESULT_BYTES", 1)
    monkeypatch.setattr(desk, "SPARE_SESSIONS", 0)
    for i in range(5):
        write_image(tmp_path / f"us{i}.png", seed=i)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path)
        analyse_and_wait(qtbot, made)
        first = weakref.ref(heat(made).values)
        for _ in range(4):
            assert made.keeping.flush(20)
            made.worklist.go_next()
            qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path == made.worklist.current())
        analyse_and_wait(qtbot, made)

        def gone():
            gc.collect()
            return first() is None

        qtbot.waitUntil(gone)


def test_the_choice_holds_for_the_next_image_and_other_methods(qtbot, qapp, study):
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["heat_normal"].trigger()
        analyse_and_wait(qtbot, made)
        qtbot.waitUntil(lambda: heat(made).target == "normal")
        made.actions_[HEAT_METHODS[3]].trigger()
        qtbot.waitUntil(lambda: heat(made).method == METHODS[3])
        assert "Layer-CAM, class normal" in made.canvas._facts(made.canvas.session).heat or not made.canvas.heatmap
        made.actions_["next_case"].trigger()
        qtbot.waitUntil(lambda: made.reading.session is not None and made.reading.path.name == "us2.png")
        analyse_and_wait(qtbot, made)
        qtbot.waitUntil(lambda: (heat(made).target, heat(made).method) == ("normal", METHODS[3]))


def test_a_heatmap_that_fails_is_told_once(qtbot, qapp, study):
    class Stumbling(ThresholdEngine):
        def heatmap(self, *args, **kwargs):
            self.explained.append(args)
            raise RuntimeError("SMITH^ANNA")

    engine = Stumbling()
    with window(qtbot, qapp, engine) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        told = []
        made.heat.problem.connect(told.append)
        made.actions_["heat_benign"].trigger()
        qtbot.waitUntil(lambda: len(told) == 1)
        made.canvas.session.changed.emit()
        qtbot.wait(30)
        assert len(engine.explained) == 1
        assert heat(made).target == "malignant"
        assert "SMITH" not in told[0].what


def test_every_choice_has_words_and_one_of_each_kind_is_checked(qtbot, qapp):
    with window(qtbot, qapp) as made:
        for names in (HEAT_CLASSES, HEAT_METHODS):
            assert sum(made.actions_[name].isChecked() for name in names) == 1
            assert all(made.actions_[name].text() for name in names)


def test_the_heat_of_normal_is_drawn_only_where_it_is_chosen_and_says_what_it_is(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.canvas.set_heatmap(True)
        assert made.canvas._heat_shown()
        made.heat.choose_class("normal")
        qtbot.waitUntil(lambda: heat(made).target == "normal")
        assert made.canvas._heat_shown(), "chosen by name"
        qtbot.waitUntil(lambda: "points at no place" in made.result._why_words.text())
        made.canvas.show_heat_of(None, "Grad-CAM", False)  # as if normal were the most probable class
        assert not made.canvas._heat_shown()
        assert "not drawn" in made.canvas._facts(made.canvas.session).state


def test_an_empty_heatmap_says_that_it_is(qtbot, qapp):
    for target in ("malignant", "normal"):
        empty = Heatmap(target, np.zeros((4, 4), np.float32), None)
        assert "empty" in heat_in_words(empty)
        assert "empty" not in heat_in_words(Heatmap(target, np.eye(4, dtype=np.float32), 0.5))


def test_the_four_panels_are_exported_with_the_mask_shown(qtbot, qapp, study, tmp_path, monkeypatch):
    with window(qtbot, qapp, ThresholdEngine()) as made:
        open_and_wait(qtbot, made, study)
        assert not made.actions_["export_panels"].isEnabled(), "no heat yet"
        analyse_and_wait(qtbot, made)
        for name in ("ai.png", "reader.png"):
            monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
            made.actions_["export_panels"].trigger()
            qtbot.waitUntil((tmp_path / name).exists, timeout=8000)
            session = made.reading.session
            if name == "ai.png":
                smaller = session.document.shown_mask(0).copy()
                smaller[:60] = False
                session._replace(smaller, "Cut")
        ai, reader = (cv2.imread(str(tmp_path / name)) for name in ("ai.png", "reader.png"))
        mask = slice(26 + 6, 26 + 6 + 120), slice(160 + 18, 160 + 18 + 160)
        assert np.array_equal(reader[mask].any(axis=2), smaller)
        assert np.array_equal(ai[mask].any(axis=2)[60:], smaller[60:])
        assert ai[mask].any(axis=2)[:60].any()
