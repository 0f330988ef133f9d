import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from busi_viewer.core.errors import DataSetError, UnreadableImage, UserError
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.dicom.source import DicomSource
from busi_viewer.paths import real_data
from busi_viewer.raster.source import RasterSource
from busi_viewer.workflow.open import load_mask, open_image, thumbnail

SOURCES = (RasterSource(), DicomSource())
BUSI = real_data() / "Dataset_BUSI_with_GT"


class Failing:
    """A source that claims everything and fails as told."""

    def __init__(self, error):
        self.error = error

    def claims(self, path, head):
        return True

    def open(self, path):
        raise self.error


def saved(path, array):
    Image.fromarray(array).save(path)
    return path


def record_of(frame, window=(0.0, 255.0)):
    return ImageRecord(Path("a.png"), "0", "png", ArrayFrames((frame,)), frame.shape[:2], window=window)


def test_the_source_that_claims_a_file_opens_it(tmp_path):
    grey = np.arange(600, dtype=np.uint8).reshape(20, 30)
    assert open_image(saved(tmp_path / "a.png", grey), SOURCES).kind == "png"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"some words\n" * 20, "a text file"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(60), "a ZIP archive"),
        (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + bytes(90), "an encrypted file"),
        (bytes(range(256)), "unknown kind"),
    ],
)
def test_other_files_are_named_and_refused(tmp_path, content, words):
    path = tmp_path / "named_like.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=words) as caught:
        open_image(path, SOURCES)
    assert "not an image this application reads" in str(caught.value)
    assert caught.value.path == path
    assert caught.value.remedy


def test_what_cannot_be_read_at_all(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("pipe", "empty", "loop", "missing", ".", "n\0ul"):
        with pytest.raises(UnreadableImage):
            open_image(tmp_path / name, SOURCES)


@pytest.mark.parametrize("error", [RuntimeError("deep inside"), MemoryError(), RecursionError(), KeyError("x")])
def test_whatever_a_source_raises_becomes_a_user_error(tmp_path, error):
    path = saved(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(UnreadableImage, match=r"memory|RuntimeError|RecursionError|KeyError"):
        open_image(path, (Failing(error),))


def test_thumbnail_keeps_aspect_and_window():
    deep = np.linspace(1000, 2000, 200 * 100).reshape(100, 200).astype(np.uint16)
    small = thumbnail(record_of(deep, (1000.0, 2000.0)), 50)
    assert small.shape == (25, 50)
    assert small.dtype == np.uint8
    assert small.min() < 5
    assert small.max() > 250
    assert thumbnail(record_of(np.zeros((300, 100, 3), np.uint8)), 60).shape == (60, 20, 3)
    assert thumbnail(record_of(np.zeros((1, 900), np.uint8)), 64).shape == (1, 64)
    assert thumbnail(record_of(np.full((8, 9), 7, np.uint8)), 64).tolist() == np.full((8, 9), 7).tolist()


def test_masks_of_every_pixel_format_are_united(tmp_path):
    grey, colour, alpha = np.zeros((6, 8), np.uint8), np.zeros((6, 8, 3), np.uint8), np.full((6, 8, 4), 255, np.uint8)
    grey[0, 0], grey[0, 1] = 255, 100
    colour[1, 1] = (0, 0, 200)
    alpha[..., :3] = 0
    alpha[2, 2, :3] = 255
    bits = np.zeros((6, 8), bool)
    bits[3, 3] = True
    paths = [saved(tmp_path / f"{i}.png", array) for i, array in enumerate((grey, colour, alpha, bits))]
    mask = load_mask(paths, (6, 8), SOURCES)
    assert mask.dtype == bool
    assert np.argwhere(mask).tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert not load_mask([], (6, 8), SOURCES).any()


def test_mask_of_another_size_names_the_file(tmp_path):
    path = saved(tmp_path / "m.png", np.zeros((5, 8), np.uint8))
    with pytest.raises(DataSetError, match="8 × 5 pixels, its image 8 × 6") as caught:
        load_mask([path], (6, 8), SOURCES)
    assert caught.value.path == path


@pytest.mark.real
@pytest.mark.skipif(not BUSI.is_dir(), reason="needs the BUSI images (BUSI_VIEWER_DATA)")
def test_real_images_open_with_masks_of_their_size():
    images = [path for path in sorted((BUSI / "benign").glob("*.png")) if "_mask" not in path.name][:40]
    for path in images:
        try:
            record = open_image(path, SOURCES)
        except UserError as error:
            pytest.fail(str(error))
        companions = sorted(path.parent.glob(f"{path.stem}_mask*.png".replace("(", "[(]")))
        assert companions
        assert load_mask(companions, record.shape, SOURCES).any()
