"""How images are shown, driven through the real window's commands; and that it is remembered."""

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QToolButton
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer import settings
from busi_viewer.gui.actions import COLOURS, LAYOUTS
from busi_viewer.gui.orientation import AS_STORED


@pytest.fixture
def study(tmp_path):
    return write_image(tmp_path / "study" / "us1.png")


def test_commands_change_what_is_seen_and_nothing_else(qtbot, qapp, study, tmp_path, monkeypatch):
    with window(qtbot, qapp) as made:
        act, canvas = made.actions_, made.canvas
        assert not act["turn_right"].isEnabled()
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        mask = made.reading.session.document.shown_mask(0).copy()
        act["preset_auto"].trigger()
        assert canvas.window != (0.0, 255.0)
        assert made.toolbar.presets.currentText().startswith("Auto ")
        act["gamma_up"].trigger()
        assert canvas.look.gamma == pytest.approx(1.1)
        act["reset_window"].trigger()
        assert (canvas.window, canvas.look.gamma) == ((0.0, 255.0), 1.0)
        for name in ("turn_right", "flip_sideways", "flip_down", "turn_left"):
            act[name].trigger()
        assert canvas.orientation == AS_STORED.turned(2)
        act["as_stored"].trigger()
        assert canvas.orientation.plain
        act["turn_right"].trigger()
        act["next_colours"].trigger()
        assert act["colours_viridis"].isChecked()
        act["colours_jet"].trigger()
        assert canvas.look.heat.colours == "jet"
        act["threshold_up"].trigger()
        assert canvas.look.heat.threshold == pytest.approx(0.2)
        assert not act["regions"].isEnabled(), "a PNG has no acquisition regions"

        target = tmp_path / "out.png"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
        act["export_mask"].trigger()
        qtbot.waitUntil(target.exists, timeout=8000)
        qtbot.wait(50)
        assert np.array_equal(cv2.imread(str(target), cv2.IMREAD_UNCHANGED) > 0, mask), "exports are not turned"


def test_panels_follow_the_worklist_and_choices_outlive_the_window(qtbot, qapp, study, tmp_path):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        for layout in LAYOUTS:
            made.actions_[layout].trigger()
            assert made.review.panels.layout_name == layout.removeprefix("layout_")
        assert all(pane.session is made.reading.session for pane in made.review.panels.shown_panes())
        made.actions_["colours_cividis"].trigger()
        made.actions_["gamma_up"].trigger()
        made.actions_["turn_right"].trigger()
    kept = settings.load()
    assert (kept.panels, kept.heatmap_colours, kept.gamma) == ("four", "cividis", pytest.approx(1.1))
    assert {f"colours_{name}" for name in settings._CHOICES["heatmap_colours"]} == set(COLOURS)


def test_bar_and_header_fit_narrow_panels(qtbot, qapp, study):
    with window(qtbot, qapp, size=(1100, 760)) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        canvas, header = made.canvas, made.review.header
        for layout in ("layout_four", "layout_one", "layout_sides"):
            made.actions_[layout].trigger()
            qtbot.waitUntil(lambda: canvas._bar.width() <= canvas.width())
            assert canvas._bar.geometry().left() >= 0
        qtbot.waitUntil(lambda: header._lesions.sizeHint().width() <= header._lesions.width())
        assert not header._panels.isVisible()
        made.resize(1700, 900)
        qtbot.waitUntil(header._panels.isVisible)
        header._panels.findChild(QToolButton, "panel-four").click()
        assert made.review.panels.layout_name == "four"


def test_the_display_button_and_its_menu_have_names(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        button = made.review.header.display
        assert button.accessibleName().startswith("Display")
        assert [action.text() for action in button.menu().actions() if action.menu()] == [
            "Panels",
            "Window preset",
            "Heatmap class and method",
            "Heatmap colours and threshold",
        ]


def test_the_progress_card_stays_above_panels_that_come_later(qtbot, qapp, study):
    with window(qtbot, qapp) as shown:
        card = shown.review.card
        card.show_stage("cyst", ("heatmap", 0.5))
        shown.review.panels.arrange("four")
        assert [child for child in shown.review.panels.children() if child.isWidgetType()][-1] is card
