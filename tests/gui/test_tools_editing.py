"""Every editing tool with the mouse on a real canvas: one undo item each, exact undo, nothing lost at the image's edge."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from busi_viewer.core.masks import components, fill_polygon
from busi_viewer.gui.tools import TOOLS

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
SHAPE = (120, 160)
YY, XX = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISC = np.hypot(XX - 80, YY - 60) < 25


@pytest.fixture
def session(canvas, phantom):
    made = phantom()
    canvas.set_session(made)
    return made


def mask_of(session):
    mask = session.document.shown_mask(0)
    return np.zeros(SHAPE, bool) if mask is None else mask.copy()


def start_from(session, mask):
    session.document.set_reader_mask(0, mask)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def check_undo(session, before):
    """The stack holds one item; undo gives ``before`` exactly and redo what was there."""
    after = mask_of(session)
    assert session.undo.count() == 1
    session.undo.undo()
    assert np.array_equal(mask_of(session), before)
    session.undo.redo()
    assert np.array_equal(mask_of(session), after)
    return after


def two_squares():
    mask = np.zeros(SHAPE, bool)
    mask[30:60, 20:60] = True
    mask[40:60, 90:120] = True
    return mask


def test_paint_and_erase_only_where_the_grey_is_in_range(canvas, session, mouse):
    canvas.options.set("range_on", True)
    canvas.options.set("range_high", 60)
    canvas.set_tool("brush")
    canvas.set_brush_radius(40)
    mouse.click(80, 60)
    grey = session.frames.peek(0)
    assert np.array_equal(mask_of(session), (grey <= 60) & (np.hypot(XX - 80, YY - 60) < 60) & mask_of(session))
    assert dice(mask_of(session), DISC) > 0.97
    canvas.set_tool("eraser")
    canvas.options.set("range_low", 30)
    mouse.click(80, 60)
    assert (mask_of(session) == ((grey < 30) & DISC)).mean() > 0.99
    canvas.options.set("range_on", False)
    mouse.click(80, 60)
    assert not mask_of(session)[60, 80]


def test_the_grey_range_is_taken_from_the_outline(canvas, session, mouse):
    said = []
    canvas.said.connect(said.append)
    canvas.set_tool("brush")
    canvas.active_tool.deed("sample")
    assert "no outline" in said[0]
    start_from(session, DISC)
    canvas.active_tool.deed("sample")
    low, high = canvas.options.number("range_low"), canvas.options.number("range_high")
    assert canvas.options.on("range_on")
    assert 20 <= low < high <= 40


def test_freehand_waits_with_handles_and_takes_changes_before_the_commit(qtbot, canvas, session, mouse):
    canvas.set_tool("freehand")
    circle = [(80 + 20 * np.cos(t), 60 + 20 * np.sin(t)) for t in np.linspace(0, 6.1, 40)]
    mouse.drag(*circle)
    assert canvas.has_pending()
    assert session.undo.count() == 0
    handles = canvas.active_tool.points
    assert 6 <= len(handles) <= 40
    right = max(handles)
    mouse.drag(right, (110, 60), (125, 60))
    assert len(canvas.active_tool.points) == len(handles)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    after = check_undo(session, np.zeros(SHAPE, bool))
    assert after[60, 120]
    assert after[60, 65]
    assert dice(after, fill_polygon(SHAPE, circle)) > 0.8


def test_a_new_freehand_line_commits_the_one_before_and_escape_drops_it(qtbot, canvas, session, mouse):
    canvas.set_tool("freehand")
    mouse.drag((20, 20), (40, 20), (40, 40), (20, 40))
    mouse.drag((100, 80), (120, 80), (120, 100), (100, 100))
    assert session.undo.count() == 1
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert len(components(mask_of(session))) == 1
    mouse.drag((10, 10), (11, 10))
    assert not canvas.has_pending(), "a line without an inside is dropped"


@pytest.mark.parametrize(("how", "label"), [("Subtract", "Polygon, subtract"), ("Intersect", "Polygon, intersect")])
def test_shapes_subtract_and_intersect(canvas, session, mouse, how, label):
    start_from(session, DISC)
    canvas.options.set("shape", how)
    canvas.set_tool("polygon")
    for corner in ((50, 30), (80, 30), (80, 90), (50, 90)):
        mouse.click(*corner)
    canvas.commit_tool()
    after = check_undo(session, DISC)
    assert session.undo.undoText() == label
    assert after[60, 70] == (how == "Intersect")
    assert after[60, 95] == (how == "Subtract")


def test_alt_removes_a_handle(canvas, session, mouse):
    canvas.set_tool("polygon")
    for corner in ((20, 20), (60, 20), (60, 50), (20, 50)):
        mouse.click(*corner)
    mouse.click(60, 50, keys=ALT)
    assert len(canvas.active_tool.points) == 3


def test_livewire_clings_to_the_edge_and_its_anchors_move(canvas, session, mouse):
    canvas.set_tool("livewire")
    around = [(80, 35), (105, 60), (80, 85), (55, 60)]
    for anchor in around[:3]:
        mouse.click(*anchor)
    mouse.move(60, 70)
    mouse.click(70, 60)
    mouse.drag((70, 60), (60, 60), (55, 60))
    canvas.commit_tool()
    after = check_undo(session, np.zeros(SHAPE, bool))
    straight = fill_polygon(SHAPE, around)
    assert dice(after, DISC) > 0.93
    assert dice(after, DISC) > dice(straight, DISC) + 0.08


def test_flood_fill_takes_like_greys_and_dragging_widens(canvas, session, mouse):
    canvas.set_tool("flood")
    canvas.options.set("tolerance", 2)
    mouse.press(80, 60)
    mouse.move(81, 60)
    few = mask_of(session).sum()
    for x in range(82, 140, 4):
        mouse.move(x, 60)
    mouse.release(140, 60)
    after = check_undo(session, np.zeros(SHAPE, bool))
    assert canvas.options.number("tolerance") > 20
    assert few < after.sum()
    assert after[60, 80]
    session.undo.clear()
    canvas.options.set("tolerance", 40)
    mouse.click(80, 60, keys=ALT)
    check_undo(session, after)
    assert not mask_of(session)[60, 80]


def test_flood_fill_finds_the_disc(canvas, session, mouse):
    canvas.set_tool("flood")
    canvas.options.set("tolerance", 25)
    mouse.click(80, 60)
    assert dice(mask_of(session), DISC) > 0.95


def test_a_box_segments_a_missed_lesion_and_enter_commits_it(qtbot, canvas, session, mouse):
    canvas.set_tool("segment")
    mouse.drag((50, 30), (90, 70), (110, 90))
    assert canvas.has_pending()
    assert canvas.active_tool.outlines
    assert session.undo.count() == 0
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    after = check_undo(session, np.zeros(SHAPE, bool))
    assert dice(after, DISC) > 0.9
    assert not canvas.has_pending()


def test_scribbles_segment_and_backspace_takes_them_back(qtbot, canvas, session, mouse):
    canvas.set_tool("segment")
    canvas.options.set("mark", "Lesion")
    mouse.drag((65, 60), (80, 60), (95, 60))
    mouse.drag((80, 110), (90, 110), keys=ALT)
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    canvas.commit_tool()
    assert dice(check_undo(session, np.zeros(SHAPE, bool)), DISC) > 0.8
    mouse.drag((65, 60), (95, 60))
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    assert not canvas.has_pending()


@pytest.mark.parametrize(
    ("tool", "values", "label"),
    [
        ("margin", {"margin": 4}, "Grow 4 px"),
        ("margin", {"margin_how": "Shrink", "margin": 3}, "Shrink 3 px"),
        ("smooth", {"smooth_how": "Open", "smooth": 6}, "Smooth, open 6 px"),
        ("smooth", {"smooth": 5}, "Smooth, median 5 px"),
        ("holes", {}, "Fill holes"),
        ("islands", {"islands_click": "Keep"}, "Keep one lesion"),
        ("islands", {}, "Remove lesion"),
    ],
)
def test_a_click_refines_one_lesion_alone(canvas, session, mouse, tool, values, label):
    before = two_squares()
    before[40:44, 30:34] = False
    start_from(session, before)
    for name, value in values.items():
        canvas.options.set(name, value)
    canvas.set_tool(tool)
    mouse.move(50, 50)
    mouse.click(50, 50)
    after = check_undo(session, before)
    assert session.undo.undoText() == label
    other = np.zeros(SHAPE, bool)
    other[:, 75:] = True
    if label != "Keep one lesion":
        assert np.array_equal(after & other, before & other)
    else:
        assert not (after & other).any()


def test_apply_works_on_all_and_says_when_nothing_changes(canvas, session, mouse):
    said = []
    canvas.said.connect(said.append)
    before = two_squares()
    start_from(session, before)
    canvas.set_tool("holes")
    canvas.apply_tool()
    assert "changes nothing" in said[-1]
    assert session.undo.count() == 0
    mouse.click(5, 110)
    assert "Click on a lesion" in said[-1]
    canvas.set_tool("islands")
    canvas.apply_tool()
    assert len(components(check_undo(session, before))) == 1
    session.undo.undo()
    canvas.options.set("islands_how", "Remove small")
    canvas.options.set("islands_below", 700)
    canvas.apply_tool()
    assert session.undo.undoText() == "Remove islands below 700 px²"
    assert len(components(mask_of(session))) == 1


def test_split_and_merge_follow_a_line(canvas, session, mouse):
    said = []
    canvas.said.connect(said.append)
    before = two_squares()
    start_from(session, before)
    canvas.set_tool("split")
    mouse.drag((40, 50), (45, 50))
    assert "parts no lesion" in said[-1]
    mouse.drag((40, 20), (40, 45), (41, 70))
    assert len(components(check_undo(session, before))) == 3
    session.undo.undo()
    canvas.set_tool("merge")
    mouse.drag((40, 50), (50, 50))
    assert "fewer than two" in said[-1]
    mouse.drag((40, 50), (80, 50), (100, 50))
    assert len(components(mask_of(session))) == 1
    assert session.undo.undoText() == "Merge lesions"
    session.undo.undo()
    assert np.array_equal(mask_of(session), before)


def test_copy_from_ai_adds_ais_lesion_to_the_readers(canvas, session, mouse, propose):
    said = []
    canvas.said.connect(said.append)
    canvas.set_tool("copy_ai")
    mouse.click(80, 60)
    assert "no AI outline" in said[-1]
    propose(session)
    machine = session.document.result.frame(0).mask.copy()
    own = np.zeros(SHAPE, bool)
    own[5:15, 5:15] = True
    start_from(session, own)
    mouse.click(80, 60)
    assert np.array_equal(check_undo(session, own), own | machine)
    session.undo.undo()
    canvas.options.set("copy_how", "Replace")
    canvas.apply_tool()
    assert np.array_equal(mask_of(session), machine)
    assert np.array_equal(session.document.result.frame(0).mask, machine), "AI's outline is never changed"


@pytest.mark.parametrize("tool", [tool.name for tool in TOOLS if tool.edits])
@pytest.mark.parametrize("mask", ["none", "empty", "one pixel", "full"])
def test_every_tool_survives_every_mask_and_the_edge(canvas, session, mouse, tool, mask):
    if mask != "none":
        made = np.full(SHAPE, mask == "full")
        made[0, 0] |= mask == "one pixel"
        start_from(session, made)
    canvas.set_tool(tool)
    mouse.move(0, 0)
    mouse.click(0, 0)
    mouse.drag((-3, -3), (60, 50), (170, 130))
    mouse.click(159, 119)
    mouse.click(2, 100)
    if tool != "segment":
        mouse.wheel(80, 60, 1, SHIFT)
    canvas.commit_tool()
    canvas.apply_tool()
    after = mask_of(session)
    while session.undo.canUndo():
        session.undo.undo()
    session.undo.setIndex(session.undo.count())
    assert np.array_equal(mask_of(session), after)
    canvas.set_tool("pointer")


def test_shift_and_wheel_change_what_the_tool_is_about(canvas, session, mouse):
    for tool, option in (("margin", "margin"), ("merge", "bridge"), ("flood", "tolerance"), ("livewire", "wire_reach")):
        canvas.set_tool(tool)
        before = canvas.options.number(option)
        mouse.wheel(80, 60, 2, SHIFT)
        assert canvas.options.number(option) > before
        mouse.wheel(80, 60, -40, SHIFT)
        assert canvas.options.number(option) >= 0


def test_options_keep_to_their_limits(canvas):
    canvas.options.set("margin", 1e9)
    assert canvas.options.number("margin") == 60
    with pytest.raises(ValueError, match="none of"):
        canvas.options.set("shape", "Melt")
    with pytest.raises(KeyError):
        canvas.options.set("colour", 1)
