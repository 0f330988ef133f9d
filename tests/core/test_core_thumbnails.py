"""Small pictures with outlines."""

import cv2
import numpy as np

from busi_viewer.core.render import LESION_COLOURS
from busi_viewer.core.thumbnails import thumbnail


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def test_the_longer_side_is_as_asked_and_grey_stays_grey():
    picture = decoded(thumbnail(np.full((300, 600), 70, np.uint8), side=120))
    assert picture.shape == (60, 120, 3)
    assert np.abs(picture - 70).max() <= 2


def test_the_readers_mask_is_outlined_where_it_is():
    mask = np.zeros((400, 800), dtype=bool)
    mask[100:300, 200:400] = True
    picture = decoded(thumbnail(np.zeros((400, 800), np.uint8), reader=mask, side=200))
    coloured = np.argwhere(np.abs(picture - LESION_COLOURS[0]).sum(axis=2) < 150)
    assert len(coloured) > 100
    assert np.abs(coloured.min(axis=0) - (25, 50)).max() <= 2
    assert np.abs(coloured.max(axis=0) - (75, 100)).max() <= 2


def test_the_models_mask_is_dashed():
    mask = np.zeros((200, 200), dtype=bool)
    mask[50:150, 50:150] = True
    bright = [
        int((decoded(thumbnail(np.zeros((200, 200), np.uint8), **{who: mask})).max(axis=2) > 120).sum())
        for who in ("reader", "model")
    ]
    assert bright[1] < 0.8 * bright[0]


def test_an_empty_mask_draws_nothing():
    frame = np.full((50, 50), 40, np.uint8)
    assert thumbnail(frame, reader=np.zeros((50, 50), dtype=bool)) == thumbnail(frame)
