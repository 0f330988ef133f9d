"""Turning and flipping what is seen: every tool still hits the pixel under the mouse, and nothing but the display changes."""

from itertools import product

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from busi_viewer.core.image import ArrayFrames
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import display
from busi_viewer.gui.orientation import AS_STORED, Orientation

ALL = [Orientation(turns, mirrored) for turns, mirrored in product(range(4), (False, True))]
TURNED = Orientation(1, True)
VIEW = (640.0, 480.0)


def seen(image, orientation):
    """The picture turned by numpy alone."""
    mirrored = image[:, ::-1] if orientation.mirrored else image
    return np.rot90(mirrored, -orientation.turns)


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("aspect", [1.0, 1.7])
def test_places_go_to_the_screen_and_back(orientation, aspect):
    camera = Camera.fitted(VIEW, (160, 120), aspect, orientation).zoomed(2.3, QPointF(100, 50)).panned(31, -17)
    transform = camera.transform()
    for x, y in ((0, 0), (159, 119), (12.5, 100.25), (80, 3)):
        at = camera.to_screen(x, y)
        assert camera.to_image(at.x(), at.y()) == pytest.approx((x, y), abs=1e-9)
        assert transform.map(QPointF(x, y)).x() == pytest.approx(at.x())
        assert transform.map(QPointF(x, y)).y() == pytest.approx(at.y())


@pytest.mark.parametrize("orientation", ALL)
def test_the_picture_is_the_one_numpy_turns(orientation):
    image = np.random.default_rng(1).integers(0, 255, (30, 40)).astype(np.uint8)
    wanted = seen(image, orientation)
    camera = Camera((200.0, 200.0), (40, 30), (19.5, 14.5), 3.0, 1.0, orientation)
    part, (x, y) = display.resampled(image, camera, 1.0, smooth=False)
    assert (x, y) == (100 - wanted.shape[1] * 3 // 2, 100 - wanted.shape[0] * 3 // 2)
    assert np.array_equal(part, np.kron(wanted, np.ones((3, 3), np.uint8)))


@pytest.mark.parametrize("orientation", ALL)
def test_a_fitted_image_lies_whole_within_the_margins(orientation):
    rect = Camera.fitted(VIEW, (160, 120), 1.0, orientation).image_rect()
    assert rect.left() >= 40
    assert rect.top() >= 45
    assert rect.right() <= 640 - 60
    assert rect.bottom() <= 480 - 70
    assert (rect.width() > rect.height()) != orientation.sideways


@pytest.mark.parametrize("orientation", ALL)
def test_the_image_follows_the_mouse_and_cannot_be_lost(orientation):
    camera = Camera.fitted(VIEW, (160, 120), 1.0, orientation)
    before = camera.to_screen(80, 60)
    moved = camera.panned(20, -10).to_screen(80, 60)
    assert (moved.x() - before.x(), moved.y() - before.y()) == pytest.approx((20, -10))
    far = camera.panned(1e6, -1e6).image_rect()
    assert far.left() < 640
    assert far.bottom() > 0


@pytest.mark.parametrize("start", ALL)
def test_turns_and_flips_are_as_seen(start):
    image = np.arange(12).reshape(3, 4)
    now = seen(image, start)
    assert np.array_equal(seen(image, start.turned(1)), np.rot90(now, -1))
    assert np.array_equal(seen(image, start.turned(-1)), np.rot90(now, 1))
    assert np.array_equal(seen(image, start.flipped(sideways=True)), now[:, ::-1])
    assert np.array_equal(seen(image, start.flipped(sideways=False)), now[::-1])
    assert (start.words == "") == start.plain


DEEDS = {
    "brush": lambda c, m: m.drag((40, 30), (60, 30), (60, 42)),
    "eraser": lambda c, m: m.drag((80, 30), (80, 90)),
    "polygon": lambda c, m: [*(m.click(*p) for p in ((10, 10), (40, 12), (30, 40))), c.commit_tool()],
    "freehand": lambda c, m: [m.drag((10, 10), (25, 8), (40, 12), (38, 30), (30, 40), (12, 30)), c.commit_tool()],
    "livewire": lambda c, m: [*(m.click(*p) for p in ((80, 35), (105, 60), (80, 85), (55, 60))), c.commit_tool()],
    "flood": lambda c, m: m.click(130, 20),
    "segment": lambda c, m: [m.drag((50, 30), (80, 60), (110, 90)), c.commit_tool()],
    "margin": lambda c, m: m.click(80, 60),
    "smooth": lambda c, m: m.click(80, 60),
    "holes": lambda c, m: m.click(72, 50),
    "islands": lambda c, m: [c.options.set("islands_click", "Keep"), m.click(80, 60)],
    "split": lambda c, m: m.drag((60, 20), (100, 100)),
    "merge": lambda c, m: m.drag((80, 60), (135, 100)),
}


def start_mask():
    """A notched disc with a hole, and an island."""
    yy, xx = np.mgrid[:120, :160]
    mask = (np.hypot(xx - 80, yy - 60) < 25) & ~((xx > 70) & (xx < 76) & (yy > 48) & (yy < 53))
    mask[58:60, 100:] = False
    mask[95:105, 130:140] = True
    return mask


def done(tool, orientation, canvas, phantom, mouse):
    session = phantom()
    session.document.set_reader_mask(0, start_mask())
    canvas.set_session(session)
    canvas.resize(900, 900)
    canvas.set_orientation(orientation)
    canvas.set_camera(Camera(canvas.camera.view, (160, 120), (79.5, 59.5), 4.0, 1.0, orientation))
    canvas.set_brush_radius(4.3)
    canvas.set_tool(tool)
    DEEDS[tool](canvas, mouse)
    assert session.undo.count() == 1, tool
    return session.document.reader_mask(0).copy()


@pytest.mark.parametrize("tool", DEEDS)
def test_every_tool_hits_the_same_pixels_however_the_display_is_turned(canvas, phantom, mouse, tool):
    wanted = done(tool, AS_STORED, canvas, phantom, mouse)
    assert (wanted != start_mask()).any()
    for orientation in (TURNED, Orientation(2)):
        got = done(tool, orientation, canvas, phantom, mouse)
        union = (wanted ^ start_mask()) | (got ^ start_mask())
        wrong = np.count_nonzero(got ^ wanted) / np.count_nonzero(union)
        assert wrong < 0.05, f"{tool}: the mouse is rounded to whole screen px, more than that may not differ"


def test_only_the_display_turns_and_says_so(canvas, phantom, propose, tmp_path):
    session = phantom(spacing_mm=(0.1, 0.1))
    propose(session)
    canvas.set_session(session)
    sizes = [lesion.long_axis_mm for lesion in session.lesions()]
    mask, revision = session.document.shown_mask(0).copy(), session.document.revision
    canvas.set_orientation(AS_STORED.turned(1).flipped(sideways=True))
    assert np.array_equal(session.document.shown_mask(0), mask)
    assert [lesion.long_axis_mm for lesion in session.lesions()] == sizes
    assert session.document.revision == revision
    marked = canvas.grab_view().convertToFormat(canvas.grab_view().Format.Format_RGB888)
    rows = np.frombuffer(marked.constBits(), np.uint8).reshape(marked.height(), marked.bytesPerLine())
    seen_now = rows[:, : marked.width() * 3].reshape(marked.height(), marked.width(), 3)
    warn = np.abs(seen_now.astype(int) - (0xEB, 0xCB, 0x5E)).max(axis=-1) < 30
    assert warn[:90].sum() > 100, "the marker stands at the top"


def test_the_next_image_is_shown_as_stored(canvas, phantom):
    canvas.set_session(phantom())
    canvas.set_orientation(TURNED)
    canvas.set_session(phantom())
    assert canvas.orientation.plain


def test_the_pixel_under_the_mouse_is_named_rightly(qtbot, canvas, phantom, mouse):
    grey = np.random.default_rng(5).integers(0, 255, (120, 160)).astype(np.uint8)
    canvas.set_session(phantom(frames=ArrayFrames((grey,))))
    canvas.set_orientation(TURNED)
    with qtbot.waitSignal(canvas.cursor_moved) as said:
        mouse.move(37, 91)
    assert said.args == [37, 91, str(grey[91, 37])]
