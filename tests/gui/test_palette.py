"""The palette: any command by a few letters, from the keyboard alone; and the corner beside it that says when work was kept."""

import pytest
from PySide6.QtCore import Qt
from window_kit import open_and_wait, window, write_image
from window_session import stroke

from busi_viewer.gui.actions import COMMANDS
from busi_viewer.gui.palette import Palette


@pytest.fixture
def study(tmp_path):
    for i in range(2):
        write_image(tmp_path / "study" / f"us{i + 1}.png", seed=i)
    return tmp_path / "study"


def opened(qtbot, made):
    made.activateWindow()
    made.actions_["palette"].trigger()
    palette = made.findChild(Palette)
    qtbot.waitUntil(palette.field.hasFocus, timeout=3000)
    return palette


def test_a_command_is_found_and_run_and_the_keyboard_goes_back(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.canvas.setFocus()
        palette = opened(qtbot, made)
        assert set(palette.shown()) == {command.name for command in COMMANDS} - {"palette"}
        qtbot.keyClicks(palette.field, "brush")
        assert palette.chosen == "brush"
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
        assert made.canvas.tool == "brush"
        assert not palette.isVisible()
        assert made.canvas.hasFocus()


def test_letters_and_escape_reach_no_shortcut(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.commands.set_tool("polygon")
        palette = opened(qtbot, made)
        qtbot.keyClicks(palette.field, "bz")
        qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
        assert not palette.isVisible()
        assert made.canvas.tool == "polygon"
        assert opened(qtbot, made).field.text() == ""


def test_what_cannot_be_done_stands_last_and_is_passed_over(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        palette = opened(qtbot, made)
        qtbot.keyClicks(palette.field, "un do")
        assert palette.shown() == ["undo"]
        assert palette.chosen is None, "nothing is done yet"
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
        assert palette.isVisible()
        palette.field.setText("export")
        able = [made.actions_[name].isEnabled() for name in palette.shown()]
        assert able == sorted(able, reverse=True)
        assert False in able
        for _ in able:
            qtbot.keyClick(palette.field, Qt.Key.Key_Down)
        assert palette.chosen == palette.shown()[able.count(True) - 1]
        qtbot.keyClick(palette.field, Qt.Key.Key_PageUp)
        qtbot.keyClick(palette.field, Qt.Key.Key_PageUp)
        assert palette.chosen == palette.shown()[0]
        palette.field.setText("qqq")
        assert palette.shown() == []
        assert palette.chosen is None


def test_it_goes_when_the_keyboard_goes_elsewhere(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        palette = opened(qtbot, made)
        made.worklist.search.setFocus()
        qtbot.waitUntil(lambda: not palette.isVisible(), timeout=3000)
        assert made.worklist.search.hasFocus()


def test_the_corner_says_when_work_was_kept_last(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        corner = made.menuBar().cornerWidget()
        assert corner.hint.text() == ""
        made.reading.session.apply(stroke(1))
        qtbot.waitUntil(lambda: corner.hint.text().startswith("Saved "), timeout=5000)
        assert corner.hint.isVisible()


def test_the_corner_says_that_nothing_is_kept(qtbot, qapp, study, held_store):
    with window(qtbot, qapp) as made:
        corner = made.menuBar().cornerWidget()
        qtbot.waitUntil(lambda: corner.hint.text() == "Not saved", timeout=5000)
