"""Editing with the mouse on a real canvas: brush, eraser, polygon, pan, zoom, window."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt

from busi_viewer.core.masks import fill_polygon
from busi_viewer.gui.tools import TOOLS

ALT = Qt.KeyboardModifier.AltModifier
TRIANGLE = [(20, 20), (60, 20), (40, 50)]


@pytest.fixture
def session(canvas, phantom):
    made = phantom()
    canvas.set_session(made)
    return made


def mask_of(session):
    return session.document.reader_mask(0)


def test_a_brush_stroke_paints_its_path_as_one_undo_item(canvas, session, mouse):
    canvas.set_tool("brush")
    canvas.set_brush_radius(5)
    mouse.drag((20, 20), (40, 20), (40, 40))
    mask = mask_of(session)
    assert mask[20, 20]
    assert mask[20, 40]
    assert mask[40, 40]
    assert mask[24, 30]
    assert not mask[28, 30]
    assert session.undo.count() == 1
    assert session.undo.undoText() == "Brush"
    session.undo.undo()
    assert mask_of(session) is None


def test_the_eraser_takes_away_and_undo_restores_exactly(canvas, session, mouse):
    canvas.set_tool("brush")
    canvas.set_brush_radius(12)
    mouse.drag((40, 40), (80, 40))
    before = mask_of(session).copy()
    canvas.set_tool("eraser")
    canvas.set_brush_radius(4)
    mouse.drag((60, 30), (60, 50))
    assert not mask_of(session)[40, 60]
    assert session.undo.undoText() == "Erase"
    session.undo.undo()
    assert np.array_equal(mask_of(session), before)


def test_alt_erases_with_the_brush(canvas, session, mouse):
    canvas.set_tool("brush")
    mouse.drag((40, 40), (80, 40))
    mouse.drag((60, 40), (60, 41), keys=ALT)
    assert not mask_of(session)[40, 60]
    assert session.undo.undoText() == "Erase"


def test_the_first_stroke_on_a_proposal_starts_from_it(canvas, session, mouse, propose):
    propose(session)
    proposal = session.document.shown_mask(0).copy()
    canvas.set_tool("brush")
    mouse.drag((20, 20), (25, 20))
    assert np.array_equal(mask_of(session) & proposal, proposal)
    assert mask_of(session)[20, 20]


def test_a_stroke_that_changes_nothing_is_no_undo_item(canvas, session, mouse):
    canvas.set_tool("eraser")
    mouse.drag((20, 20), (40, 20))
    assert session.undo.count() == 0
    assert mask_of(session) is None


def test_escape_drops_the_stroke_in_hand(qtbot, canvas, session, mouse):
    canvas.set_tool("brush")
    mouse.press(20, 20)
    mouse.move(40, 20)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    mouse.release(40, 20)
    assert session.undo.count() == 0


def test_a_proposal_that_arrives_during_a_stroke_keeps_the_stroke(canvas, session, mouse, propose):
    canvas.set_tool("brush")
    mouse.press(20, 20)
    assert propose(session)
    mouse.move(30, 20)
    mouse.release(30, 20)
    assert mask_of(session)[20, 25]
    assert mask_of(session)[60, 80], "the stroke lies over the new proposal"


@pytest.mark.parametrize("close", ["enter", "double click", "first corner"])
def test_a_polygon_closes_in_three_ways(qtbot, canvas, session, mouse, close):
    canvas.set_tool("polygon")
    for corner in TRIANGLE[:2]:
        mouse.click(*corner)
    assert canvas.has_pending()
    if close == "double click":
        mouse.double_click(*TRIANGLE[2])
    else:
        mouse.click(*TRIANGLE[2])
        if close == "enter":
            qtbot.keyClick(canvas, Qt.Key.Key_Return)
        else:
            mouse.click(*TRIANGLE[0])
    assert not canvas.has_pending()
    assert session.undo.count() == 1
    assert session.undo.undoText() == "Polygon"
    expected = fill_polygon(session.document.record.shape, TRIANGLE)
    assert (mask_of(session) ^ expected).sum() <= 60, "corners land within a pixel of where they were clicked"


def test_the_name_of_what_is_drawn_covers_no_other(qtbot, canvas, session, mouse):
    canvas.set_tool("brush")
    canvas.set_brush_radius(12)
    mouse.drag((70, 60), (80, 60))
    canvas.set_tool("polygon")
    canvas.grab()
    named = canvas._scene.labels[-1].rect.toRect().adjusted(1, 1, -1, -1)
    before = canvas.grab().toImage().copy(named)
    below = canvas.camera.to_image(named.center().x(), named.bottom() + 8)
    mouse.click(*below)
    mouse.move(below[0] + 2, below[1] + 30)
    after = canvas.grab().toImage()
    assert after.copy(named) == before


def test_corners_can_be_dragged_before_the_commit(canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in TRIANGLE:
        mouse.click(*corner)
    mouse.drag(TRIANGLE[2], (40, 70), (40, 90))
    canvas.commit_tool()
    assert mask_of(session)[80, 40]


def test_a_dot_on_an_edge_adds_a_corner(canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in TRIANGLE:
        mouse.click(*corner)
    mouse.drag((40, 20), (40, 10), (40, 5))
    assert len(canvas.active_tool.points) == 4
    canvas.commit_tool()
    assert mask_of(session)[12, 40]


def test_escape_drops_the_polygon_and_backspace_its_last_corner(qtbot, canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in TRIANGLE:
        mouse.click(*corner)
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    assert len(canvas.active_tool.points) == 2
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert not canvas.has_pending()
    assert session.undo.count() == 0


def test_changing_the_tool_commits_a_polygon_that_can_be_undone(canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in TRIANGLE:
        mouse.click(*corner)
    canvas.set_tool("brush")
    assert session.undo.undoText() == "Polygon"


def test_two_corners_are_no_polygon(canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in TRIANGLE[:2]:
        mouse.click(*corner)
    canvas.commit_tool()
    assert session.undo.count() == 0


def test_pan_tool_and_middle_button_move_the_image(canvas, session, mouse):
    start = canvas.camera.to_screen(0, 0)
    canvas.set_tool("pan")
    mouse.drag((80, 60), (90, 60))
    moved = canvas.camera.to_screen(0, 0)
    assert moved.x() > start.x() + 10
    mouse.drag((80, 60), (70, 60), button=Qt.MouseButton.MiddleButton)
    assert canvas.camera.to_screen(0, 0).x() == pytest.approx(start.x(), abs=2)


def test_zoom_tool_clicks_and_drags(canvas, session, mouse):
    canvas.set_tool("zoom")
    before = canvas.zoom
    mouse.click(80, 60)
    assert canvas.zoom == pytest.approx(before * 1.25)
    mouse.click(80, 60, keys=ALT)
    assert canvas.zoom == pytest.approx(before)
    up = mouse.at(80, 60)
    mouse.send(QEvent.Type.MouseButtonPress, up)
    up.setY(up.y() - 40)
    mouse.send(QEvent.Type.MouseMove, up)
    mouse.send(QEvent.Type.MouseButtonRelease, up, held=Qt.MouseButton.NoButton)
    assert canvas.zoom > before * 1.3


@pytest.mark.parametrize(("tool", "button"), [("pointer", Qt.MouseButton.RightButton), ("window", None)])
def test_window_and_level_by_right_drag_and_by_tool(canvas, session, mouse, tool, button):
    canvas.set_tool(tool)
    mouse.drag((80, 60), (60, 60), button=button or Qt.MouseButton.LeftButton)
    low, high = canvas.window
    assert high - low < 255, "left narrows the window"
    mouse.drag((80, 60), (80, 40), button=button or Qt.MouseButton.LeftButton)
    assert sum(canvas.window) > low + high, "up raises the level"
    canvas.reset_window()
    assert canvas.window == (0.0, 255.0)
    assert session.undo.count() == 0


def test_shift_wheel_changes_the_brush(qtbot, canvas, session, mouse):
    canvas.set_tool("brush")
    with qtbot.waitSignal(canvas.brush_radius_changed):
        mouse.wheel(80, 60, 1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.brush_radius > 10
    canvas.set_brush_radius(1e9)
    assert canvas.brush_radius == 200


def test_tools_without_an_image_do_nothing(canvas, mouse):
    for tool in TOOLS:
        canvas.set_tool(tool.name)
        canvas.apply_tool()
        mouse.drag((0, 0), (1, 1))
        mouse.wheel(0, 0)
    assert not canvas.has_pending()


def test_an_unknown_tool_is_refused(canvas):
    with pytest.raises(KeyError):
        canvas.set_tool("lasso")


def test_the_cursor_follows_the_tool_and_the_button_held_and_comes_back(canvas, session, mouse):
    def shape():
        return canvas._view.viewport().cursor().shape()

    assert shape() == Qt.CursorShape.ArrowCursor
    for kind in TOOLS:
        canvas.set_tool(kind.name)
        assert shape() == kind.cursor
        for button, held in (
            (Qt.MouseButton.MiddleButton, Qt.CursorShape.ClosedHandCursor),
            (Qt.MouseButton.RightButton, Qt.CursorShape.SizeAllCursor),
        ):
            mouse.press(30, 30, button=button)
            assert shape() == held
            mouse.release(34, 30, button=button)
            assert shape() == kind.cursor, kind.name
    canvas.set_tool("pan")
    mouse.press(30, 30)
    assert shape() == Qt.CursorShape.ClosedHandCursor
    mouse.release(30, 30)
    assert shape() == Qt.CursorShape.OpenHandCursor
    canvas.set_tool("brush")
    canvas.set_session(None)
    assert shape() == Qt.CursorShape.ArrowCursor, "no ring without an image: the mouse must be seen"


def test_a_calliper_under_the_pointer_is_shown_by_the_cursor(canvas, session, mouse):
    canvas.set_tool("length")
    mouse.drag((30, 90), (80, 90))
    canvas.set_tool("pointer")
    for place, shape in (
        ((30, 90), Qt.CursorShape.PointingHandCursor),
        ((120, 20), Qt.CursorShape.ArrowCursor),
    ):
        mouse.move(*place, held=Qt.MouseButton.NoButton)
        assert canvas._view.viewport().cursor().shape() == shape
