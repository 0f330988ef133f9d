"""The whole way in the real window: open, analyse, edit with each tool by the mouse, undo all, redo all, export; masks exactly."""

import json

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QSlider, QSpinBox
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.core.edits import MaskEdit
from busi_viewer.gui.actions import TOOLS as TOOL_NAMES
from busi_viewer.gui.result_parts import LISTED
from busi_viewer.gui.tools import TOOLS

SHAPE = (120, 160)


@pytest.fixture
def study(tmp_path):
    return write_image(tmp_path / "study" / "us1.png")


def shown(made):
    mask = made.reading.session.document.shown_mask(0)
    return np.zeros(SHAPE, bool) if mask is None else mask.copy()


def marks(made):
    document = made.reading.session.document
    return document.callipers, document.calibration


def steps(made, mouse):
    """(tool, what the mouse does, its undo item) for every tool that edits or measures."""
    options, commit = made.canvas.options, made.canvas.commit_tool
    apply, reset = made.review.options._apply, made.actions_["reset_to_ai"]
    propose = made.actions_["propose_callipers"]
    square = [(8, 8), (30, 8), (30, 30), (8, 30)]
    ring = [(130 + 14 * np.cos(t), 95 + 14 * np.sin(t)) for t in np.linspace(0, 6, 24)]
    return [
        ("margin", lambda: mouse.click(80, 60), "Grow 2 px"),
        ("smooth", lambda: apply.click(), "Smooth, median 3 px"),
        ("polygon", lambda: [*(mouse.click(*p) for p in square), commit()], "Polygon"),
        ("brush", lambda: mouse.drag((40, 100), (60, 100), (60, 110)), "Brush"),
        ("eraser", lambda: mouse.drag((50, 90), (50, 115)), "Erase"),
        ("freehand", lambda: [mouse.drag(*ring), commit()], "Freehand"),
        ("split", lambda: mouse.drag((130, 70), (130, 119)), "Split lesion"),
        ("merge", lambda: mouse.drag((122, 95), (138, 95)), "Merge lesions"),
        ("flood", lambda: mouse.click(80, 60, keys=Qt.KeyboardModifier.AltModifier), "Flood fill, subtract"),
        ("holes", lambda: apply.click(), "Fill holes"),
        ("segment", lambda: [mouse.drag((50, 30), (80, 60), (110, 90)), commit()], "Segment"),
        (
            "livewire",
            lambda: [*(mouse.click(*p) for p in ((80, 33), (107, 60), (80, 87), (53, 60))), commit()],
            "Livewire",
        ),
        ("islands", lambda: [options.set("islands_click", "Keep"), mouse.click(80, 60)], "Keep one lesion"),
        ("copy_ai", lambda: [options.set("copy_how", "Replace"), mouse.click(80, 60)], "Copy from AI"),
        ("length", lambda: mouse.drag((20, 20), (50, 30)), "Length"),
        ("two_axis", lambda: [mouse.drag((55, 60), (105, 60)), mouse.drag((80, 35), (80, 85))], "Two axes"),
        ("angle", lambda: [mouse.drag((140, 20), (120, 20)), mouse.click(120, 40)], "Angle"),
        ("ellipse", lambda: [mouse.drag((110, 100), (150, 100)), mouse.click(130, 110)], "Ellipse"),
        ("pointer", lambda: mouse.drag((50, 30), (40, 45)), "Move Length 1"),
        ("calibrate", lambda: [mouse.drag((5, 10), (5, 60)), commit()], "Calibrate"),
        (None, propose.trigger, "Callipers from outline"),
        (None, reset.trigger, "Reset to AI outline"),
        ("brush", lambda: mouse.drag((150, 5), (170, 5)), "Brush"),
    ]


def test_open_analyse_edit_with_each_tool_undo_redo_export(qtbot, qapp, study, tmp_path, monkeypatch, hand):
    with window(qtbot, qapp, ThresholdEngine()) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session, mouse = made.reading.session, hand(made.canvas)
        machine = session.document.result.frame(0).mask.copy()
        made.canvas.set_brush_radius(6)
        states, labels, measures = [shown(made)], [], [marks(made)]
        assert np.array_equal(states[0], machine)
        for tool, deed, label in steps(made, mouse):
            if tool is not None:
                made.actions_[tool].trigger()
                assert made.canvas.tool == tool
                assert made.review.options.isVisible() == (tool != "pointer")
            deed()
            assert session.undo.undoText() == label
            assert session.undo.count() == len(states), f"{label} is exactly one undo item"
            states.append(shown(made))
            measures.append(marks(made))
            labels.append(label)
            changed = (states[-1] != states[-2]).any()
            assert changed or measures[-1] != measures[-2] or label == "Reset to AI outline", label
            assert not changed or measures[-1] == measures[-2], f"{label} changes outline or callipers, never both"
            assert np.array_equal(session.document.result.frame(0).mask, machine), "AI's outline is never changed"
        assert {tool.name for tool in TOOLS if tool.edits or tool.measures} <= {
            tool for tool, _, _ in steps(made, mouse)
        }

        for state, measure in reversed(list(zip(states, measures, strict=True))[:-1]):
            made.actions_["undo"].trigger()
            assert np.array_equal(shown(made), state)
            assert marks(made) == measure
        assert not made.actions_["undo"].isEnabled()
        assert session.document.is_proposal(0), "undoing all gives the proposal back, as it was"
        for state, measure, label in zip(states[1:], measures[1:], labels, strict=True):
            assert made.actions_["redo"].text() == f"Redo: {label}"
            made.actions_["redo"].trigger()
            assert np.array_equal(shown(made), state)
            assert marks(made) == measure

        target = tmp_path / "out.png"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))  # the one of the moment
        made.actions_["export_mask"].trigger()
        qtbot.waitUntil(target.exists, timeout=8000)
        qtbot.waitUntil(lambda: bool(made.notices.shown()))
        exported = cv2.imread(str(target), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(exported > 0, states[-1])
        assert set(np.unique(exported)) == {0, 255}
        target = tmp_path / "measured.json"
        made.actions_["export_measures"].trigger()
        qtbot.waitUntil(target.exists, timeout=8000)
        found = json.loads(target.read_text(encoding="utf-8"))["callipers"]
        assert [tuple(map(tuple, item["points"])) for item in found] == [
            tuple((round(x, 3), round(y, 3)) for x, y in item.points) for item in measures[-1][0]
        ]

    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert np.array_equal(shown(made), states[-1]), "after a restart all of it is there"
        assert marks(made) == measures[-1]


def test_tools_are_reached_by_key_menu_and_toolbar_and_all_are_named(qtbot, qapp, study):
    with window(qtbot, qapp, ThresholdEngine()) as made:
        made.activateWindow()
        open_and_wait(qtbot, made, study)
        assert tuple(tool.name for tool in TOOLS) == TOOL_NAMES
        made.canvas.setFocus()
        qtbot.waitUntil(made.canvas.hasFocus)
        for key, tool in (("4", "freehand"), ("L", "livewire"), ("6", "flood"), ("G", "segment"), ("8", "margin")):
            qtbot.keyClick(made.canvas, getattr(Qt.Key, f"Key_{key}"))
            assert made.canvas.tool == tool
        qtbot.keyClick(made.canvas, Qt.Key.Key_I)
        assert made.canvas.options.on("range_on")
        refine = made.toolbar.groups[-1]
        assert refine.tool == "margin"
        refine.menu.aboutToShow.emit()
        [split] = [action for action in refine.menu.actions() if action.text() == "Split lesion"]
        split.trigger()
        assert (made.canvas.tool, refine.tool) == ("split", "split")
        assert not split.icon().isNull()
        for tool in TOOLS:
            made.actions_[tool.name].trigger()
            unnamed = [
                control
                for kind in (QAbstractButton, QSlider, QSpinBox)
                for control in made.review.options.findChildren(kind)
                if not control.isHidden() and not (control.accessibleName() or control.text())
            ]
            assert not unnamed, tool.name
        assert all(
            button.accessibleName() for group in made.toolbar.groups for button in group.findChildren(QAbstractButton)
        )


def test_the_options_bar_and_the_canvas_follow_each_other(qtbot, qapp, study):
    with window(qtbot, qapp, ThresholdEngine()) as made:
        open_and_wait(qtbot, made, study)
        made.activateWindow()
        bar, options = made.review.options, made.canvas.options
        made.actions_["brush"].trigger()
        bar.control("radius").setValue(17)
        assert made.canvas.brush_radius == 17
        made.canvas.set_brush_radius(30)
        assert bar.control("radius").value() == 30
        bar.control("range_on").click()
        assert made.actions_["grey_range"].isChecked()
        made.actions_["margin"].trigger()
        field = bar.control("margin")
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        field.selectAll()
        qtbot.keyClick(field, Qt.Key.Key_9)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert made.canvas.tool == "margin", "digits typed into a field choose no tool"
        assert made.canvas.hasFocus()
        assert options.number("margin") == 9
        shrink = next(b for b in bar.control("margin_how").findChildren(QAbstractButton) if b.text() == "Shrink")
        shrink.click()
        assert options.choice("margin_how") == "Shrink"
        made.canvas.say("Nothing there.")
        assert bar.hint == "Nothing there."
        made.actions_["pointer"].trigger()
        assert bar.isHidden()
        assert not made.actions_["apply"].isEnabled()


def test_taking_up_a_tool_moves_nothing(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        places = []
        for tool in ("pointer", "brush", "polygon", "length", "pointer"):
            made.commands.set_tool(tool)
            qapp.processEvents()
            origin = made.canvas.camera.to_screen(0, 0)
            places.append((made.canvas.mapTo(made, origin.toPoint()), made.canvas.size(), made.canvas.zoom))
        assert len(set(map(str, places))) == 1


def test_a_mask_of_very_many_specks_lists_only_the_largest(qtbot, qapp, tmp_path):
    """A noisy outline from elsewhere must not fill the panel with hundreds of forms."""
    with window(qtbot, qapp) as made:
        made.open_paths([write_image(tmp_path / "a.png")])
        qtbot.waitUntil(lambda: made.reading.session is not None)
        specks = np.zeros((100, 140), dtype=bool)
        specks[::4, ::4] = True
        specks[40:60, 40:60] = True
        made.reading.session.apply(MaskEdit(0, (10, 10, 150, 110), specks, "Specks"))
        found, unlisted = made.reading.session.lesions(), made.result._unlisted
        assert len(found) > 500
        qtbot.waitUntil(lambda: not unlisted.isHidden())
        assert len([section for section, *_ in made.result._lesions if not section.isHidden()]) == LISTED
        assert str(len(found) - LISTED) in unlisted.text()
        made.reading.session.undo.undo()
        qtbot.waitUntil(unlisted.isHidden)
