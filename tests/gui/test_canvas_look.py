"""Window presets, gamma, heatmap colours and threshold, acquisition regions; and the panels beside the canvas."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from test_canvas_view import grey_at, near, pixels

from busi_viewer.core.image import ArrayFrames, ImageRecord, Region
from busi_viewer.gui.canvas import display, heat, regions
from busi_viewer.gui.canvas.look import HeatStyle
from busi_viewer.gui.canvas.panels import Panels, mask_picture
from busi_viewer.gui.orientation import Orientation
from busi_viewer.gui.presets import PRESETS, PresetWindows, automatic, full
from busi_viewer.gui.theme import LESION_COLOURS


def record(pixels, window=(0.0, 255.0)):
    return ImageRecord(Path("x.png"), "x", "png", ArrayFrames((pixels,)), pixels.shape[:2], window=window)


def test_the_automatic_window_leaves_the_black_surround_out():
    grey = np.zeros((100, 100), np.uint16)
    grey[50:] = np.linspace(100, 1099, 5000).reshape(50, 100)
    low, high = automatic(record(grey), grey)
    assert (low, high) == pytest.approx((109, 1094), abs=2)
    assert full(record(grey), grey) == (0, 1099)


@pytest.mark.parametrize("pixels", [np.zeros((8, 8), np.uint8), np.full((8, 8, 3), 77, np.uint8)])
def test_images_of_one_grey_still_get_a_window(pixels):
    for low, high in PresetWindows().of(record(pixels), pixels):
        assert high > low


def test_presets_have_words_keys_and_their_own_windows():
    grey = np.random.default_rng(0).integers(20, 200, (64, 64)).astype(np.uint8)
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
    assert len(set(PresetWindows().of(record(grey), grey))) == len(PRESETS)


def test_gamma_moves_the_middle_and_keeps_the_ends(canvas, phantom):
    ramp = np.array([[0, 64, 128, 255]], np.uint8)
    brighter = display.shown(ramp, (0.0, 255.0), False, 2.0)[0]
    assert brighter.tolist() == [0, 128, 181, 255]
    assert display.shown(ramp.astype(np.uint16), (0.0, 255.0), False, 2.0)[0].tolist() == brighter.tolist()
    canvas.set_session(phantom())
    before = grey_at(canvas, 20, 20)
    canvas.set_gamma(2.0)
    assert grey_at(canvas, 20, 20) > before + 20
    canvas.reset_window()
    assert grey_at(canvas, 20, 20) == before
    assert canvas.look.gamma == 1.0
    canvas.set_gamma(99)
    assert canvas.look.gamma == 4.0


def test_perceptual_maps_rise_in_lightness_and_jet_does_not():
    def lightness(name):
        linear = (heat.lut(name) / 255.0) ** 2.2
        return np.diff(linear @ (0.2126, 0.7152, 0.0722))

    for name in ("inferno", "viridis", "cividis"):
        assert (lightness(name) > -2e-3).all(), name
    assert (lightness("jet") < -2e-3).any()
    assert heat.lut("jet")[[0, 255]].tolist() == [[0, 0, 128], [128, 0, 0]]
    with pytest.raises(KeyError):
        heat.lut("rainbow")


def test_heat_below_the_threshold_is_not_drawn(canvas, phantom, propose):
    values = np.array([[0.0, 0.3, 0.5, 1.0]], np.float32)
    alpha = heat.coloured(values, HeatStyle(threshold=0.4))[0, :, 3]
    assert alpha[:2].tolist() == [0, 0]
    assert 0 < alpha[2] < alpha[3]
    session = phantom()
    propose(session)
    canvas.set_session(session)
    canvas.set_mask_style("hidden")
    plain = pixels(canvas)
    canvas.set_heatmap(True)
    at = canvas.camera.to_screen(80, 84).toPoint()  # heat exp(-1.44) = 0.24
    assert not np.array_equal(pixels(canvas)[at.y(), at.x()], plain[at.y(), at.x()])
    canvas.set_heat_threshold(0.5)
    assert np.array_equal(pixels(canvas)[at.y(), at.x()], plain[at.y(), at.x()])
    canvas.set_heat_threshold(7)
    assert canvas.look.heat.threshold == 0.9


def test_the_colours_chosen_are_those_drawn_and_those_of_the_bar(canvas, phantom, propose):
    session = phantom()
    propose(session)
    canvas.set_session(session)
    canvas.set_mask_style("hidden")
    canvas.set_heatmap(True)
    canvas.set_heat_colours("viridis")
    yellow = QColor(*heat.lut("viridis")[255].tolist())
    shown = pixels(canvas)
    right = int(canvas.camera.image_rect().right()) + 1
    assert near(shown[:, right:], yellow, 6).sum() > 4, "the colour bar beside the image"
    at = canvas.camera.to_screen(80, 60).toPoint()
    assert shown[at.y(), at.x(), 1] > shown[at.y(), at.x(), 2] + 60, "green and yellow, not blue"
    with pytest.raises(KeyError):
        canvas.set_heat_colours("rainbow")


def test_regions_are_outlined_on_request(canvas, phantom):
    region = Region(20, 10, 141, 101, (0.08, 0.08))
    canvas.set_session(phantom(regions=(region,)))
    plain = pixels(canvas)
    canvas.set_regions(True)
    box = canvas.camera.box_rect((20, 10, 141, 101)).toRect()
    changed = (pixels(canvas) != plain).any(axis=-1)
    assert changed[box.center().y(), box.left() - 2 : box.left() + 3].any()
    assert not changed[box.center().y(), box.left() + 10 : box.right() - 10].any()
    assert regions.caption(1, region) == "Region 1 · 0.08 mm/px"
    assert regions.caption(2, Region(0, 0, 9, 9, (0.1, 0.2))) == "Region 2 · 0.2 × 0.1 mm/px"


# panels


@pytest.fixture
def panels(qtbot, canvas):
    made = Panels(canvas)
    qtbot.addWidget(made)
    made.resize(1000, 800)
    made.show()
    return made


def open_in(panels, session):
    panels._canvas.set_session(session)
    panels.set_session(session)


def rgb(pane):
    image = pane.grab_view().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def colour_at(pane, x, y):
    at = pane.camera.to_screen(x, y).toPoint()
    return tuple(int(v) for v in rgb(pane)[at.y(), at.x()])


def test_four_panels_show_image_mask_heat_and_overlay_through_one_camera(qtbot, canvas, panels, phantom, propose):
    session = phantom()
    propose(session)
    open_in(panels, session)
    panels.arrange("four")
    qtbot.waitUntil(lambda: len({pane.width() for pane in panels.shown_panes()} | {canvas.width()}) <= 2)
    image, mask, warm = panels.shown_panes()
    assert [p._kind for p in panels.shown_panes()] == ["image", "mask", "heat"]
    first = QColor(LESION_COLOURS[0])
    assert colour_at(mask, 80, 60) == (first.red(), first.green(), first.blue())
    assert colour_at(mask, 30, 60) == (0, 0, 0)
    assert colour_at(warm, 80, 60) == pytest.approx(heat.lut("inferno")[255].tolist(), abs=3)
    assert colour_at(image, 80, 60)[0] == pytest.approx(int(session.frames.peek(0)[60, 80]), abs=25)
    canvas.zoom_by(1.7)
    canvas.set_orientation(Orientation(1, True))
    canvas.set_inverted(True)
    for pane in panels.shown_panes():
        assert pane.camera.scale == canvas.camera.scale
        assert pane.camera.centre == pytest.approx(canvas.camera.centre, abs=2)
        assert pane.orientation == canvas.orientation
        assert pane.inverted
    canvas.set_heat_colours("cividis")
    assert colour_at(warm, 80, 60) == pytest.approx(heat.lut("cividis")[255].tolist(), abs=3)


def test_panels_without_anything_to_show_say_why(canvas, panels, phantom, propose):
    session = phantom()
    open_in(panels, session)
    panels.arrange("four")
    assert [pane.note for pane in panels.shown_panes()] == ["", "No outline", "No heatmap of this frame"]
    panels.arrange("sides")
    assert [pane.note for pane in panels.shown_panes()] == ["Not analysed"]
    propose(session, abstained=True)
    assert [pane.note for pane in panels.shown_panes()] == ["No AI outline: no estimate given"]


def test_ai_stays_on_the_left_while_the_reader_draws_on_the_right(canvas, panels, phantom, propose, mouse):
    session = phantom()
    propose(session)
    open_in(panels, session)
    panels.arrange("sides")
    (left,) = panels.shown_panes()
    before = rgb(left)
    canvas.set_tool("brush")
    canvas.set_brush_radius(6)
    mouse.drag((20, 20), (30, 20))
    mouse.move(-5, -5)
    assert session.document.edited
    assert session.document.shown_mask(0)[20, 25]
    left.show_cross(-1, -1)
    assert np.array_equal(rgb(left), before)


def test_the_proposal_can_be_answered_in_the_narrowest_panel(qtbot, canvas, phantom, propose):
    session = phantom()
    propose(session)
    canvas.set_session(session)
    canvas.resize(242, 300)
    qtbot.waitUntil(lambda: canvas._bar.width() < 242)
    assert canvas._bar.x() >= 0
    assert [b.isVisible() for b in canvas._bar._buttons] == [True] * 3


def test_the_mouse_on_a_panel_moves_all_of_them(qtbot, canvas, panels, phantom, hand):
    open_in(panels, phantom())
    panels.arrange("sides")
    (left,) = panels.shown_panes()
    mouse = hand(left)
    zoom = canvas.zoom
    mouse.wheel(80, 60, 2)
    assert canvas.zoom > zoom
    assert left.zoom == canvas.zoom
    centre = canvas.camera.centre
    mouse.drag((80, 60), (60, 50))
    assert canvas.camera.centre != centre
    assert left.camera.centre == pytest.approx(canvas.camera.centre)
    with qtbot.waitSignal(canvas.cursor_moved) as said:
        mouse.move(70, 55)
    assert said.args[:2] == [70, 55]


def test_hidden_panels_hold_no_image_and_the_title_goes(canvas, panels, phantom):
    open_in(panels, phantom())
    panels.arrange("four")
    shown = panels.shown_panes()
    assert not panels._title.isHidden()
    panels.arrange("one")
    assert panels.shown_panes() == ()
    assert all(pane.session is None for pane in shown)
    assert panels._title.isHidden()
    with pytest.raises(KeyError):
        panels.arrange("nine")


def test_every_lesion_has_its_colour_in_the_mask_panel():
    mask = np.zeros((20, 40), bool)
    mask[2:12, 2:12] = True
    mask[5:9, 30:34] = True
    picture = mask_picture(mask)
    for place, colour in (((5, 5), LESION_COLOURS[0]), ((6, 31), LESION_COLOURS[1]), ((0, 0), "#000000")):
        assert QColor(*picture[place].tolist()).name() == QColor(colour).name()


def test_the_automatic_window_of_a_large_frame_is_that_of_all_its_pixels():
    grey = np.random.default_rng(2).normal(120, 25, (2160, 3840)).clip(1, 255).astype(np.uint8)
    assert automatic(record(grey), grey) == pytest.approx(tuple(np.percentile(grey, (1.0, 99.5))), abs=2)
