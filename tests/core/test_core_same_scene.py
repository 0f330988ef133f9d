"""Copies are found however they were cropped, scaled, brightened or mirrored; other scans of the same kind are not."""

import cv2
import numpy as np
import pytest

from busi_viewer.core.duplicates import THRESHOLD, fingerprint
from busi_viewer.core.phantom import phantom
from busi_viewer.core.same_scene import find_pairs, match, mirrored, sketch

SHAPE = (276, 336)
ORIGINAL = phantom("malignant", 3, SHAPE)[0]


def compressed(image):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)


def marked(image):
    drawn = image.copy()
    cv2.putText(drawn, "RIGHT 3H", (20, 250), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    cv2.drawMarker(drawn, (120, 110), 255, cv2.MARKER_CROSS, 13)
    return drawn


COPIES = {
    "same": ORIGINAL,
    "compressed": compressed(ORIGINAL),
    "smaller": cv2.resize(ORIGINAL, (200, 165), interpolation=cv2.INTER_AREA),
    "stretched in brightness": np.clip(ORIGINAL * 1.4 + 12, 0, 255).astype(np.uint8),
    "marked": marked(ORIGINAL),
    "cropped": ORIGINAL[:220, 40:300],
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_match(name):
    found = match(sketch(ORIGINAL), sketch(COPIES[name]))
    assert found is not None
    assert found.copy
    assert not found.mirrored


def test_a_crop_states_its_size_and_overlap():
    found = match(sketch(ORIGINAL), sketch(COPIES["cropped"]))
    assert found.scale == pytest.approx(260 / 336, abs=0.03)
    assert found.overlap == pytest.approx(220 * 260 / (276 * 336), abs=0.06)


def test_other_scans_do_not_match():
    sketches = [sketch(phantom(kind, seed, SHAPE)[0]) for kind in ("malignant", "none") for seed in (3, 4, 5)]
    assert not [1 for i in range(6) for j in range(i) if match(sketches[i], sketches[j]) is not None]


def test_the_same_letters_do_not_make_the_same_scene():
    one, other = marked(ORIGINAL), marked(phantom("none", 9, SHAPE)[0])
    assert match(sketch(one), sketch(other)) is None


def test_blank_images_have_nothing_in_common():
    blank = sketch(np.full(SHAPE, 30, np.uint8))
    assert match(blank, blank) is None
    assert match(blank, sketch(ORIGINAL)) is None


def test_pairs_are_found_among_many_with_zooms_and_mirrored_copies():
    images = [
        ORIGINAL,
        phantom("none", 7, SHAPE)[0],
        COPIES["compressed"],
        np.ascontiguousarray(ORIGINAL[:, ::-1]),
        ORIGINAL[:207, 42:294],
        phantom("malignant", 8, SHAPE)[0],
    ]
    shares = []
    prints = np.stack([fingerprint(image) for image in images])
    pairs = find_pairs(prints, [sketch(image) for image in images], THRESHOLD, shares.append)
    found = {(pair.i, pair.j): pair.match for pair in pairs if pair.match is not None}
    assert {(0, 2), (0, 3), (2, 3), (0, 4)} <= set(found)
    assert {i for pair in found for i in pair} == {0, 2, 3, 4}
    assert [found[pair].mirrored for pair in ((0, 2), (0, 3), (2, 3))] == [False, True, True]
    assert shares[0] == 0.0


def test_mirroring_twice_gives_the_picture_back():
    one = sketch(ORIGINAL)
    assert (mirrored(mirrored(one)).picture == one.picture).all()
