"""What is on an image, from its pixels."""

import cv2
import numpy as np
import pytest

from busi_viewer.core.content import colour_share, describe, pane_edge
from busi_viewer.core.phantom import phantom

SHAPE = (360, 480)


def _image(seed=1, kind="benign", shape=SHAPE):
    return phantom(kind, seed, shape)[0].copy()


def _colour(grey):
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def test_a_plain_frame_holds_nothing_special():
    for seed, kind in enumerate(("none", "cyst") * 3):
        found = describe(_image(seed, kind))
        assert not found.blank
        assert not found.doppler
        assert not found.two_views
        assert found.text == ()
        assert found.callipers == ()


def test_blank_frames_are_told():
    assert describe(np.full(SHAPE, 40, np.uint8)).blank
    assert describe(np.full((*SHAPE, 3), 200, np.uint8)).blank
    assert not describe(_image()).blank


def test_flow_colours_are_doppler_but_yellow_callipers_and_a_tint_are_not():
    frame = _colour(_image())
    flow = frame.copy()
    cv2.circle(flow, (200, 150), 9, (210, 40, 20), -1)
    cv2.circle(flow, (260, 170), 8, (30, 60, 220), -1)
    found = describe(flow)
    assert found.doppler
    assert len(found.flow) == 2
    (x0, y0, x1, y1) = found.flow[0]
    assert (x0 <= 200 < x1 and y0 <= 150 < y1) or (x0 <= 260 < x1 and y0 <= 170 < y1)

    marks = frame.copy()
    cv2.drawMarker(marks, (200, 150), (250, 240, 30), cv2.MARKER_CROSS, 11, 1)
    cv2.putText(marks, "RT UOQ", (40, 300), 0, 0.5, (250, 240, 30), 1)
    assert not describe(marks).doppler

    tinted = np.clip(frame * np.array([0.8, 0.9, 1.15]), 0, 255).astype(np.uint8)
    assert not describe(tinted).doppler


def test_elastography_is_told_by_how_much_is_coloured():
    frame = _colour(_image())
    stiffness = cv2.applyColorMap(cv2.resize(_image(3), (160, 120)), cv2.COLORMAP_JET)[..., ::-1]
    frame[100:220, 150:310] = stiffness // 2 + frame[100:220, 150:310] // 2
    assert describe(frame).doppler


def test_colour_share_of_grey_frames_is_zero():
    assert colour_share(_image()) == 0
    assert colour_share(_colour(_image())) == 0
    frame = _colour(_image())
    frame[:36] = (255, 0, 0)
    assert colour_share(frame) == pytest.approx(0.1)


def test_pages_are_drawn_and_frames_are_not():
    page = np.full(SHAPE, 250, np.uint8)
    cv2.putText(page, "Report", (20, 60), 0, 1.5, 20, 2)
    assert describe(page).drawn
    for seed in range(4):
        assert not describe(_image(seed)).drawn
    assert not describe(np.pad(_image(), 80)).drawn, "black margins are no drawing"


def test_two_panes_are_told_and_where_they_meet():
    left, right = _image(1, shape=(360, 240)), _image(2, "malignant", (360, 240))
    assert pane_edge(np.hstack([left, right])) == pytest.approx(240, abs=4)
    gap = np.zeros((360, 6), np.uint8)
    assert pane_edge(np.hstack([left, gap, right])) == pytest.approx(243, abs=6)
    assert pane_edge(np.hstack([left, np.zeros_like(left)])) == pytest.approx(240, abs=4)
    large = np.hstack([_image(1, shape=(768, 512)), _image(2, shape=(768, 512))])
    assert describe(large).pane_edge == pytest.approx(512, abs=8)


def test_a_narrow_view_between_black_margins_is_one_view():
    view = _image(1, shape=(360, 240))
    margin = np.zeros((360, 120), np.uint8)
    assert pane_edge(np.hstack([margin, view, margin])) is None


def test_text_is_found_with_its_place():
    frame = _image()
    cv2.putText(frame, "RT UOQ", (60, 300), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255, 1)
    found = describe(frame)
    assert found.text
    x0, y0, _, y1 = found.text[0]
    assert 50 <= x0 <= 110
    assert 280 <= y0 < y1 <= 306
    assert found.callipers == ()


def test_a_pair_of_crosses_is_found_a_single_one_is_not():
    frame = _image()
    for x, y in ((180, 160), (280, 190)):
        cv2.drawMarker(frame, (x, y), 255, cv2.MARKER_CROSS, 11, 1)
    boxes = describe(frame).callipers
    assert len(boxes) == 2
    assert any(x0 <= 180 < x1 and y0 <= 160 < y1 for x0, y0, x1, y1 in boxes)


def test_deep_and_tiny_frames_are_described():
    deep = _image().astype(np.uint16) * 16
    assert not describe(deep, (0.0, 4095.0)).blank
    for shape in ((1, 1), (3, 200), (200, 3), (20, 20), (20, 20, 3)):
        describe(np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8))
