"""What the canvas shows: pixels, window, zoom, overlays, messages."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import display, hud
from busi_viewer.gui.outline import trace
from busi_viewer.gui.theme import LESION_COLOURS

CYAN = QColor(LESION_COLOURS[0])


def pixels(canvas):
    """What is seen as (H, W, 3) uint8, one entry for each physical pixel."""
    image = canvas.grab_view().convertToFormat(canvas.grab_view().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def grey_at(canvas, x, y):
    at = canvas.camera.to_screen(x, y).toPoint()
    return int(pixels(canvas)[at.y(), at.x()].mean())


def near(image, colour, tolerance=40):
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    return np.abs(image.astype(int) - wanted).max(axis=-1) <= tolerance


def cyan_share(canvas, radius=24.3):
    """Share of the disc's boundary, walked in steps of half an image pixel, that shows the outline's colour."""
    image = near(pixels(canvas), CYAN)
    hits = 0
    angles = np.arange(0, 2 * np.pi, 0.5 / radius)
    for angle in angles:
        at = canvas.camera.to_screen(80 + radius * np.cos(angle), 60 + radius * np.sin(angle)).toPoint()
        hits += image[at.y() - 1 : at.y() + 2, at.x() - 1 : at.x() + 2].any()
    return hits / len(angles)


def test_the_image_lies_where_the_camera_says(canvas, phantom):
    grey = np.full((120, 160), 40, dtype=np.uint8)
    grey[60, 80] = 250
    from busi_viewer.core.image import ArrayFrames

    canvas.set_session(phantom(frames=ArrayFrames((grey,))))
    canvas.zoom_by(8)
    assert grey_at(canvas, 80, 60) > 230
    for x, y in ((79, 60), (81, 60), (80, 59), (80, 61)):
        assert grey_at(canvas, x, y) < 60


def test_window_level_and_inversion_change_the_pixels(canvas, phantom):
    canvas.set_session(phantom())
    before = grey_at(canvas, 80, 60)
    canvas.set_window(0, 60)
    assert grey_at(canvas, 80, 60) > before + 40
    canvas.reset_window()
    assert grey_at(canvas, 80, 60) == before
    canvas.set_inverted(True)
    assert grey_at(canvas, 80, 60) == pytest.approx(255 - before, abs=2)


def test_zoom_keeps_what_is_under_the_cursor(canvas, phantom, mouse):
    canvas.set_session(phantom())
    at = mouse.at(100, 40)
    x, y = canvas.camera.to_image(at.x(), at.y())
    for notches in (1, 5, -3):
        zoom = canvas.zoom
        before = canvas.camera
        mouse.wheel(*before.to_image(at.x(), at.y()), notches)
        assert canvas.zoom == pytest.approx(zoom * 1.2**notches)
        assert canvas.camera.to_image(at.x(), at.y()) == pytest.approx((x, y), abs=1e-6)


def test_fit_follows_the_size_and_one_to_one_is_physical(qtbot, canvas, phantom):
    canvas.set_session(phantom())
    fitted = canvas.zoom
    canvas.resize(1000, 900)
    qtbot.waitUntil(lambda: canvas.zoom > fitted)
    canvas.one_to_one()
    assert canvas.zoom == pytest.approx(1.0)
    canvas.resize(800, 640)
    qtbot.wait(10)
    assert canvas.zoom == pytest.approx(1.0)
    canvas.fit()
    assert canvas.zoom == pytest.approx(fitted)


def test_pixels_that_are_not_square_keep_their_proportions(canvas, phantom):
    canvas.set_session(phantom(spacing_mm=(0.2, 0.1)))
    rect = canvas.camera.image_rect()
    assert rect.height() / rect.width() == pytest.approx(120 * 0.2 / (160 * 0.1))


def test_the_image_cannot_be_lost(canvas, phantom):
    canvas.set_session(phantom())
    canvas.set_camera(canvas.camera.panned(1e6, -1e6))
    assert canvas.camera.image_rect().intersects(canvas.rect().toRectF())


def test_a_proposal_is_dashed_and_the_readers_outline_solid(qtbot, canvas, phantom, propose):
    session = phantom()
    canvas.set_session(session)
    canvas.set_mask_style("outline")
    assert cyan_share(canvas) == 0
    propose(session)
    dashed = cyan_share(canvas)
    session.accept()
    solid = cyan_share(canvas)
    assert solid > 0.93, "callipers cover the rest"
    assert 0.5 < dashed < 0.85
    canvas.set_mask_style("hidden")
    assert cyan_share(canvas) == 0
    with pytest.raises(ValueError, match="sketch"):
        canvas.set_mask_style("sketch")


def test_callipers_and_names_stand_outside_the_lesion(qtbot, canvas, phantom, propose):
    session = phantom(spacing_mm=(0.1, 0.1))
    canvas.set_session(session)
    propose(session)
    qtbot.waitUntil(lambda: len(canvas._scene.lesions) == 1)
    pixels(canvas)
    tags = canvas._scene._placed(canvas.camera, canvas._scene.lesions)
    assert [tag.text for tag in tags] == ["A 5.0 mm", "B 5.0 mm", "L1 · AI"]
    disc = canvas.camera.transform().map(canvas._scene.outlines[0].path)
    assert not any(disc.intersects(tag.rect) for tag in tags)
    assert not any(a.rect.intersects(b.rect) for a in tags for b in tags if a is not b)


def test_without_calibration_sizes_are_in_pixels(qtbot, canvas, phantom, propose):
    session = phantom()
    canvas.set_session(session)
    propose(session)
    session.accept()
    qtbot.waitUntil(lambda: len(canvas._scene.lesions) == 1)
    tags = canvas._scene._placed(canvas.camera, canvas._scene.lesions)
    assert {"A 50 px", "L1 · Reader"} <= {tag.text for tag in tags}


def test_the_heatmap_shows_and_hides(canvas, phantom, propose, mouse):
    session = phantom()
    canvas.set_session(session)
    propose(session)
    canvas.set_mask_style("hidden")
    plain = pixels(canvas)
    canvas.set_heatmap(True)
    heated = pixels(canvas)
    at = canvas.camera.to_screen(80, 60).toPoint()
    assert np.abs(heated[at.y(), at.x()].astype(int) - plain[at.y(), at.x()]).max() > 60
    edge = canvas.camera.to_screen(10, 60).toPoint()
    assert np.array_equal(heated[edge.y(), edge.x()], plain[edge.y(), edge.x()]), "nothing below the threshold"
    canvas.set_heatmap_opacity(0.0)
    assert np.array_equal(pixels(canvas)[at.y(), at.x()], plain[at.y(), at.x()])
    canvas.set_heatmap_opacity(1.0)
    canvas.set_tool("brush")
    mouse.press(20, 20)
    assert not canvas._view._heat.isVisible()
    mouse.release(20, 20)
    assert canvas._view._heat.isVisible()


def test_an_abstained_frame_shows_neither_outline_nor_heat_nor_bar(canvas, phantom, propose):
    session = phantom()
    canvas.set_session(session)
    canvas.set_heatmap(True)
    plain = pixels(canvas)
    propose(session, abstained=True)
    inside = np.s_[200:400, 250:550]
    assert np.array_equal(pixels(canvas)[inside], plain[inside])
    assert not canvas._bar.isVisible()


def test_the_bar_accepts_edits_and_discards(qtbot, canvas, phantom, propose):
    session = phantom()
    canvas.set_session(session)
    assert not canvas._bar.isVisible()
    propose(session)
    assert canvas._bar.isVisible()
    canvas._bar.accepted.emit()
    assert not canvas._bar.isVisible()
    session.undo.undo()
    canvas._bar.edit_wanted.emit()
    assert canvas.tool == "brush"
    canvas._bar.discarded.emit()
    assert not session.document.reader_mask(0).any()


@pytest.mark.parametrize("width", [340, 420, 520, 800])
def test_the_bar_always_fits_and_keeps_its_answers(qtbot, canvas, phantom, propose, width):
    canvas.resize(width, 500)
    session = phantom()
    canvas.set_session(session)
    propose(session)
    qtbot.waitUntil(lambda: canvas.width() == width)
    bar = canvas._bar
    assert bar.x() >= 0
    assert bar.geometry().right() <= width
    buttons = bar.findChildren(QPushButton)
    assert len(buttons) == 3
    assert all(bar.rect().contains(button.geometry()) for button in buttons)


@pytest.mark.parametrize(
    ("key", "text"), [(Qt.Key.Key_Return, "Accept outline"), (Qt.Key.Key_Delete, "Discard outline")]
)
def test_keys_answer_the_proposal(qtbot, canvas, phantom, propose, key, text):
    session = phantom()
    canvas.set_session(session)
    propose(session)
    qtbot.keyClick(canvas, key)
    assert session.undo.undoText() == text


def test_keys_edit_and_zoom(qtbot, canvas, phantom, propose):
    session = phantom()
    canvas.set_session(session)
    propose(session)
    qtbot.keyClick(canvas, Qt.Key.Key_E)
    assert canvas.tool == "brush"
    zoom = canvas.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.zoom > zoom
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    assert canvas.zoom == pytest.approx(zoom)


def test_the_value_under_the_cursor(qtbot, canvas, phantom, mouse):
    session = phantom()
    canvas.set_session(session)
    value = session.document.record.frames[0][30, 50]
    with qtbot.waitSignal(canvas.cursor_moved) as caught:
        mouse.move(50, 30, held=Qt.MouseButton.NoButton)
    assert caught.args == [50, 30, str(value)]
    with qtbot.waitSignal(canvas.cursor_moved) as caught:
        mouse.move(-8, 30, held=Qt.MouseButton.NoButton)
    assert caught.args == [-1, -1, ""]


def test_a_frame_that_cannot_be_read_says_so(canvas, phantom, mouse):
    class Broken:
        def __len__(self):
            return 1

        def __getitem__(self, index):
            raise UnreadableImage("the pixel data ends early", remedy="Copy the file again.")

    session = phantom(frames=Broken())
    canvas.set_session(session)
    assert not canvas.ready
    assert "ends early" in canvas._message
    assert "Copy the file again" in canvas._message
    canvas.set_tool("brush")
    mouse.drag((20, 20), (30, 30))
    assert session.undo.count() == 0
    assert (pixels(canvas)[250:420] > 100).any(), "the message is written on the canvas"


def test_without_a_session_the_canvas_is_empty(canvas, phantom):
    canvas.set_session(phantom())
    canvas.set_session(None)
    assert len(np.unique(pixels(canvas).reshape(-1, 3), axis=0)) == 1


def test_all_kinds_of_pixels():
    deep = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16)
    assert display.shown(deep, (0.0, 65535.0))[-1, -1] == 254
    assert display.shown(deep, (0.0, 256.0), inverted=True)[0, 0] == 255
    colour = np.zeros((4, 4, 3), dtype=np.uint8)
    colour[..., 0] = 100
    assert display.shown(colour, (0.0, 100.0))[0, 0].tolist() == [255, 0, 0]
    assert display.value_text(colour, 1, 1) == "100 0 0"
    assert display.halved(np.zeros((100, 80), dtype=np.uint8), 0.2).shape == (25, 20)


def test_a_colour_image_is_shown_in_colour(canvas, phantom):
    from busi_viewer.core.image import ArrayFrames

    colour = np.zeros((120, 160, 3), dtype=np.uint8)
    colour[..., 0] = 200
    canvas.set_session(phantom(frames=ArrayFrames((colour,))))
    at = canvas.camera.to_screen(80, 60).toPoint()
    assert pixels(canvas)[at.y(), at.x()].tolist() == [200, 0, 0]


def test_outlines_follow_the_order_of_size_and_keep_holes():
    mask = np.zeros((60, 80), dtype=bool)
    mask[5:15, 5:15] = True
    mask[20:50, 30:70] = True
    mask[30:40, 40:60] = False
    large, small = sorted(trace(mask), key=lambda outline: outline.rank)
    from PySide6.QtCore import QPointF

    assert large.path.contains(QPointF(33, 25))
    assert not large.path.contains(QPointF(50, 35))
    assert small.path.boundingRect().width() < 10 < large.path.boundingRect().width()
    assert [o.path for o in trace(mask, (3, 3, 75, 55))] == [o.path for o in trace(mask)]
    one = np.zeros((9, 9), dtype=bool)
    one[4, 4] = True
    assert trace(one)[0].path.boundingRect().width() == 1
    assert trace(np.zeros((9, 9), dtype=bool)) == ()


@pytest.mark.parametrize(("least", "step"), [(0.9, 1), (1, 1), (1.2, 2), (3, 5), (7, 10), (0.03, 0.05)])
def test_round_steps(least, step):
    assert hud.round_step(least) == pytest.approx(step)


def test_the_scale_comes_from_the_largest_region(phantom):
    from busi_viewer.core.image import Region

    small, large = Region(0, 0, 20, 20, (1.0, 1.0)), Region(30, 10, 160, 110, (0.2, 0.1))
    record = phantom(regions=(small, large)).document.record
    assert hud.calibration(record) == ((0.2, 0.1), (9.5, 109.5))


def test_the_camera_round_trip():
    camera = Camera.fitted((800.0, 600.0), (400, 300), 1.5).panned(13, -7)
    at = camera.to_screen(12.5, 99.25)
    assert camera.to_image(at.x(), at.y()) == pytest.approx((12.5, 99.25))
    assert camera.transform().map(12.5, 99.25) == pytest.approx((at.x(), at.y()))


def test_the_uncertainty_band_goes_with_the_first_edit_and_with_its_switch(canvas, phantom, propose):
    from dataclasses import replace

    from busi_viewer.core.band import Band, on_image

    session = phantom()
    propose(session, heat=False)
    result = session.document.result
    yy, xx = np.mgrid[:120, :160]
    falling = (1 / (1 + np.exp((np.hypot(xx - 80, yy - 60) - 25) / 3))).astype(np.float32)
    band = on_image(falling, result.frames[0].mask, Band(0.1, 0.9, 0.0, 0.9))
    frames = tuple(replace(frame, band=band) for frame in result.frames)
    session.document.offer(replace(result, frames=frames, revision=session.document.revision))
    canvas.set_session(session)
    canvas.zoom_by(2)

    def blue_over_red():
        at = canvas.camera.to_screen(80 - 20, 60 - 20).toPoint()
        red, _, blue = (int(v) for v in pixels(canvas)[at.y(), at.x()])
        return blue - red

    assert abs(blue_over_red()) <= 2
    canvas.set_band(True)
    assert canvas.band
    assert blue_over_red() > 15
    canvas.set_band(False)
    assert abs(blue_over_red()) <= 2
    canvas.set_band(True)
    session.accept()
    assert blue_over_red() > 15, "an accepted outline is still the model's"
    mask = session.document.reader_mask(0).copy()
    mask[:60] = False
    session.document.set_reader_mask(0, mask)
    canvas.set_session(None)
    canvas.set_session(session)
    assert abs(blue_over_red()) <= 2
