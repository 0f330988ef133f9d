"""Callipers by hand: placed, snapped, chosen, moved by mouse and keys, each change one undo item; calibration."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from busi_viewer.core.callipers import Calliper, Kind, measured
from busi_viewer.core.image import Region
from busi_viewer.gui.orientation import AS_STORED
from busi_viewer.gui.session import Grip

ALT = Qt.KeyboardModifier.AltModifier
FREE = {"keys": ALT}


@pytest.fixture
def seen(canvas, phantom):
    session = phantom(spacing_mm=(0.1, 0.1))
    canvas.set_session(session)
    canvas.options.set("calliper_snap", False)
    return session


def texts(session):
    return [[q.text for q in measured(item, session.document.record)[0]] for item in session.document.callipers]


def near(points, expected, within=0.6):
    return all(math.dist(a, b) < within for a, b in zip(points, expected, strict=True))


def press(canvas, key, modifiers=Qt.KeyboardModifier.NoModifier):
    """A key as the system sends it: first asked whether it is a shortcut here, then pressed."""
    asked = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)
    asked.ignore()
    QApplication.sendEvent(canvas, asked)
    if asked.isAccepted():
        QApplication.sendEvent(canvas, QKeyEvent(QEvent.Type.KeyPress, key, modifiers))
    return asked.isAccepted()


@pytest.mark.parametrize(
    ("tool", "deed", "kind", "points"),
    [
        ("length", [((20, 20), (60, 50))], Kind.LENGTH, [(20, 20), (60, 50)]),
        ("length", [(20, 20), (60, 50)], Kind.LENGTH, [(20, 20), (60, 50)]),
        (
            "two_axis",
            [((20, 20), (60, 20)), ((40, 10), (42, 40))],
            Kind.TWO_AXIS,
            [(20, 20), (60, 20), (40, 10), (42, 40)],
        ),
        ("angle", [((60, 20), (20, 20)), (40, 40)], Kind.ANGLE, [(60, 20), (20, 20), (40, 40)]),
        ("ellipse", [((20, 60), (80, 60)), (50, 75)], Kind.ELLIPSE, [(20, 60), (80, 60), (50, 75)]),
    ],
)
def test_each_tool_places_its_calliper_by_drags_or_clicks_as_one_undo_item(
    canvas, mouse, seen, tool, deed, kind, points
):
    canvas.set_tool(tool)
    for each in deed:
        mouse.drag(*each) if isinstance(each[0], tuple) else mouse.click(*each)
    (item,) = seen.document.callipers
    assert item.kind is kind
    assert near(item.points, points)
    assert (item.frame, item.name, item.proposed) == (0, f"{kind.word} 1", False)
    assert (seen.undo.count(), seen.undo.undoText()) == (1, kind.word)
    assert seen.chosen == Grip(0)
    assert canvas.grab_view() is not None
    seen.undo.undo()
    assert seen.document.callipers == ()


def test_an_ellipse_in_hand_and_a_placed_one_are_drawn(canvas, mouse, seen, qtbot):
    def coloured():
        image = canvas.grab_view().convertToFormat(canvas.grab_view().Format.Format_RGB888)
        flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)[:, : image.width() * 3]
        rgb = flat.reshape(image.height(), image.width(), 3).astype(int)
        return int(((abs(rgb - (255, 224, 138))).sum(axis=2) < 40).sum())

    before = coloured()
    seen.set_callipers([Calliper(Kind.ELLIPSE, ((20, 60), (80, 60), (50, 75)), name="Cyst")], "Ellipse")
    assert coloured() > before + 300
    seen.set_callipers([Calliper(Kind.ELLIPSE, ((20, 60), (80, 60), (50, 75)), 0)], "Ellipse")
    assert coloured() > before + 200


def test_handles_and_lines_are_dragged_with_the_pointer(canvas, mouse, seen):
    seen.set_callipers([Calliper(Kind.LENGTH, ((20, 20), (60, 20)), name="Length 1")], "Length")
    canvas.set_tool("pointer")
    mouse.drag((60, 20), (70, 25), (90, 30))
    assert near(seen.document.callipers[0].points, [(20, 20), (90, 30)])
    assert (seen.undo.count(), seen.undo.undoText(), seen.chosen) == (2, "Move Length 1", Grip(0, 1))
    mouse.drag((55, 25), (55, 45))
    assert near(seen.document.callipers[0].points, [(20, 40), (90, 50)])
    mouse.drag((55, 45), (500, 45))
    assert max(x for x, _ in seen.document.callipers[0].points) == pytest.approx(159.5), "it stays on the image"
    assert math.dist(*seen.document.callipers[0].points) == pytest.approx(math.dist((20, 40), (90, 50)), abs=0.5)
    mouse.click(5, 100)
    assert seen.chosen is None
    assert seen.undo.count() == 4, "a click is no change"
    seen.undo.setIndex(1)
    assert near(seen.document.callipers[0].points, [(20, 20), (60, 20)], 1e-9)


def test_escape_puts_back_what_is_dragged_and_drops_what_is_begun(canvas, mouse, seen):
    item = Calliper(Kind.LENGTH, ((20, 20), (60, 20)))
    seen.set_callipers([item], "Length")
    canvas.set_tool("pointer")
    mouse.press(60, 20)
    mouse.move(80, 60)
    assert canvas.has_pending()
    assert canvas.active_tool.callipers != (item,)
    canvas.cancel_tool()
    mouse.release(80, 60)
    assert (seen.document.callipers, seen.undo.count()) == ((item,), 1)
    canvas.set_tool("two_axis")
    mouse.drag((20, 60), (90, 60))
    assert canvas.has_pending()
    canvas.commit_tool()
    assert canvas.has_pending(), "Enter does not end what is incomplete"
    canvas.cancel_tool()
    assert not canvas.has_pending()
    assert seen.undo.count() == 1
    canvas.set_tool("length")
    mouse.click(100, 100)
    canvas.set_tool("brush")
    assert seen.document.callipers == (item,), "another tool drops it too"


def test_arrow_keys_nudge_the_chosen_handle_as_one_undo_item_and_delete_removes(canvas, seen):
    item = Calliper(Kind.LENGTH, ((20, 20), (60, 20)), name="Length 1")
    seen.set_callipers([item], "Length")
    canvas.set_tool("pointer")
    canvas.setFocus()
    seen.choose(None)
    assert not press(canvas, Qt.Key.Key_Right), "without a calliper in hand the key is the window's"
    seen.choose(Grip(0, 1))
    for _ in range(3):
        assert press(canvas, Qt.Key.Key_Right)
    assert press(canvas, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert seen.document.callipers[0].points == ((20, 20), (63, 30))
    assert (seen.undo.count(), seen.undo.undoText()) == (2, "Nudge Length 1")
    press(canvas, Qt.Key.Key_PageDown)
    assert seen.chosen == Grip(0, None)
    assert not press(canvas, Qt.Key.Key_Left), "as a whole it leaves the arrows to frames and images"
    press(canvas, Qt.Key.Key_PageDown)
    assert seen.chosen == Grip(0, 0)
    press(canvas, Qt.Key.Key_Left)
    assert seen.document.callipers[0].points == ((19, 20), (63, 30))
    assert seen.undo.count() == 3
    canvas.set_orientation(AS_STORED.turned(1))
    press(canvas, Qt.Key.Key_Down)
    assert seen.document.callipers[0].points == ((20, 20), (63, 30)), "as the arrow points on the screen"
    canvas.set_orientation(AS_STORED)
    press(canvas, Qt.Key.Key_Delete)
    assert seen.document.callipers == ()
    assert seen.chosen is None
    assert not press(canvas, Qt.Key.Key_Delete)
    seen.undo.undo()
    seen.undo.undo()
    seen.undo.undo()
    assert seen.document.callipers == (item,)


def test_handles_snap_to_axes_and_outlines_unless_alt_is_held(canvas, mouse, phantom, propose):
    session = phantom(spacing_mm=(0.1, 0.2))
    propose(session)
    canvas.set_session(session)
    (lesion,) = session.lesions()
    end = lesion.long_axis[1]
    canvas.set_tool("length")
    mouse.drag((20, 20), (end[0] + 0.6, end[1] + 0.6))
    assert session.document.callipers[0].points[1] == pytest.approx(end)
    mouse.drag((10, 60), (54.5, 62.0))
    x, y = session.document.callipers[1].points[1]
    assert abs(math.hypot(x - 80, y - 60) - 24.5) < 0.8, "on the outline, a disc of 25 px around (80, 60)"
    mouse.press(10, 100, **FREE)
    mouse.move(60, 100, **FREE)
    mouse.release(end[0] + 0.6, end[1] + 0.6, **FREE)
    assert session.document.callipers[2].points[1] != pytest.approx(end)


def test_a_second_axis_is_perpendicular_in_mm(canvas, mouse, phantom):
    session = phantom(spacing_mm=(0.1, 0.2))
    canvas.set_session(session)
    canvas.set_tool("two_axis")
    mouse.drag((10, 20), (60, 45))
    mouse.drag((40, 20), (32, 72))  # (−6.5 px · 0.2, 52 px · 0.1) is square to (50 px · 0.2, 25 px · 0.1)
    a, b, c, d = session.document.callipers[0].points
    run, across = (np.subtract(b, a) * (0.2, 0.1), np.subtract(d, c) * (0.2, 0.1))
    assert abs(float(run @ across)) < 1e-6 * np.linalg.norm(run) * np.linalg.norm(across)


def test_a_calliper_across_regions_says_so_on_the_image(canvas, phantom):
    regions = (Region(0, 0, 80, 120, (0.1, 0.1)), Region(80, 0, 160, 120, (0.2, 0.2)))
    session = phantom(regions=regions)
    canvas.set_session(session)
    across = Calliper(Kind.LENGTH, ((20, 20), (140, 20)), name="Across")
    session.set_callipers([across, Calliper(Kind.LENGTH, ((20, 40), (60, 40)), name="Left")], "Length")
    canvas.grab_view()
    assert [tag.text for tag in canvas._scene._marks[1]] == ["Across: 120 px (across regions)", "Left: 4.0 mm"]


def test_the_handles_under_the_mouse_are_shown(canvas, mouse, seen):
    seen.set_callipers([Calliper(Kind.LENGTH, ((20, 20), (60, 20)))], "Length")
    seen.choose(None)
    plain = canvas.grab_view()
    canvas.set_tool("pointer")
    mouse.move(60, 20, held=Qt.MouseButton.NoButton)
    assert canvas.grab_view() != plain
    mouse.move(100, 100, held=Qt.MouseButton.NoButton)
    assert canvas.grab_view() == plain


def test_callipers_belong_to_their_frame(canvas, mouse, phantom):
    session = phantom(count=3)
    canvas.set_session(session)
    session.set_frame(1)
    canvas.set_tool("length")
    mouse.drag((20, 20), (60, 20))
    session.set_frame(2)
    canvas.set_tool("pointer")
    mouse.click(60, 20)
    assert session.chosen is None, "nothing of another frame can be taken hold of"
    assert canvas._scene.callipers == ()
    session.undo.undo()
    assert session.frame == 1
    session.undo.redo()
    assert [item.frame for item in session.document.callipers] == [1]
    assert len(canvas._scene.callipers) == 1


def test_calibration_is_drawn_typed_and_undone(canvas, mouse, phantom):
    session = phantom()
    canvas.set_session(session)
    canvas.set_tool("length")
    mouse.drag((20, 20), (60, 20), (60, 50))
    canvas.set_tool("calibrate")
    asked = []
    canvas.asked.connect(asked.append)
    mouse.drag((100, 10), (100, 60))
    assert asked == ["known_mm"]
    assert session.document.calibration is None, "it waits for its length"
    assert session.undo.count() == 1
    canvas.options.set("known_mm", 20)
    canvas.commit_tool()
    assert (session.undo.count(), session.undo.undoText()) == (2, "Calibrate")
    assert session.document.record.calibrated_by_reader
    assert session.document.record.spacing_mm == pytest.approx((0.4, 0.4), rel=0.02)
    assert texts(session)[0][0].endswith("mm")
    mouse.drag((10, 10), (10, 60))
    canvas.set_tool("pointer")
    assert session.undo.count() == 2, "a line without a length calibrates nothing"
    session.undo.undo()
    assert session.document.record.spacing_mm is None
    assert texts(session)[0][0].endswith("px")


@pytest.mark.parametrize("stated", [{"spacing_mm": (0.1, 0.1)}, {"regions": (Region(0, 0, 80, 120, (0.1, 0.1)),)}])
def test_a_file_with_its_own_scale_is_not_calibrated(canvas, mouse, phantom, stated):
    session, said = phantom(**stated), []
    canvas.set_session(session)
    canvas.said.connect(said.append)
    canvas.set_tool("calibrate")
    mouse.drag((10, 10), (10, 60))
    assert not canvas.has_pending()
    assert session.undo.count() == 0
    assert "its own calibration" in said[0]


def test_wheel_middle_and_right_drag_stay_what_they_are(qtbot, canvas, mouse, seen):
    canvas.set_tool("length")
    mouse.drag((20, 20), (60, 20))
    camera, window = canvas.camera, canvas.window
    mouse.drag((60, 20), (90, 40), button=Qt.MouseButton.MiddleButton)
    assert canvas.camera != camera
    mouse.drag((60, 20), (90, 40), button=Qt.MouseButton.RightButton)
    assert canvas.window != window
    assert seen.undo.count() == 1
