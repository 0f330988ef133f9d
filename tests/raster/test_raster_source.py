import hashlib
import os
import struct
import time
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from busi_viewer.core.errors import TooLarge, UnreadableImage
from busi_viewer.raster.source import RasterSource

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)


def opened(path):
    return RasterSource().open(path)


def saved(path, image, **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


def png_header(width, height):
    """A PNG that ends after announcing its size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + body
        + struct.pack(">I", zlib.crc32(body))
        + bytes(4)
        + b"IDAT"
        + bytes(64)
    )


@pytest.mark.parametrize(("suffix", "kind"), [("png", "png"), ("tif", "tiff"), ("bmp", "bmp")])
def test_lossless_formats_keep_every_value(tmp_path, suffix, kind):
    grey = opened(saved(tmp_path / f"g.{suffix}", GREY))
    colour = opened(saved(tmp_path / f"c.{suffix}", COLOUR))
    assert (grey.kind, grey.shape, grey.window, len(grey.frames)) == (kind, (20, 30), (0.0, 255.0), 1)
    np.testing.assert_array_equal(grey.frames[0], GREY)
    np.testing.assert_array_equal(colour.frames[0], COLOUR)


def test_jpeg_of_every_colour_mode(tmp_path):
    smooth = np.asarray(Image.fromarray(COLOUR).resize((160, 120), Image.Resampling.BICUBIC))
    grey = opened(saved(tmp_path / "g.jpg", Image.fromarray(smooth).convert("L"), quality=95))
    assert grey.kind == "jpeg"
    assert grey.frames[0].shape == (120, 160)
    for mode in ("RGB", "CMYK"):
        image = opened(
            saved(tmp_path / f"{mode}.jpg", Image.fromarray(smooth).convert(mode), quality=98, subsampling=0)
        )
        assert np.abs(image.frames[0].astype(int) - smooth).mean() < 4


def test_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path / "really.jpg", GREY, format="PNG")
    assert opened(path).kind == "png"


def test_grey_stored_as_colour_becomes_one_plane(tmp_path):
    record = opened(saved(tmp_path / "a.png", np.stack([GREY] * 3, axis=2)))
    np.testing.assert_array_equal(record.frames[0], GREY)
    assert record.shape == (20, 30)


def test_bits_palette_and_transparency(tmp_path):
    bits = opened(saved(tmp_path / "bits.png", Image.fromarray(GREY > 99)))
    np.testing.assert_array_equal(bits.frames[0], (GREY > 99) * 255)
    palette = Image.fromarray(COLOUR).quantize(16)
    np.testing.assert_array_equal(opened(saved(tmp_path / "p.png", palette)).frames[0], palette.convert("RGB"))
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:10] = 255
    record = opened(saved(tmp_path / "a.png", np.dstack([COLOUR, alpha])))
    np.testing.assert_array_equal(record.frames[0][:10], COLOUR[:10])
    assert not record.frames[0][10:].any()
    half = opened(saved(tmp_path / "la.png", Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (30, 20), 128)])))
    assert np.abs(half.frames[0].astype(float) - GREY * (128 / 255)).max() <= 0.5


def test_sixteen_bits_keep_their_values_and_show_all_of_them(tmp_path):
    deep = GREY.astype(np.uint16) * 100 + 1000
    tifffile.imwrite(tmp_path / "be.tif", deep, byteorder=">")
    tifffile.imwrite(tmp_path / "z.tif", deep, compression="zlib", predictor=True)
    saved(tmp_path / "a.png", deep)
    for name in ("a.png", "be.tif", "z.tif"):
        record = opened(tmp_path / name)
        assert record.frames[0].dtype == np.uint16
        np.testing.assert_array_equal(record.frames[0], deep)
        assert record.window == (deep.min(), deep.max())


def test_white_is_zero_is_turned_bright(tmp_path):
    deep = GREY.astype(np.uint16) * 100
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "eight.tif", GREY, photometric="miniswhite")
    np.testing.assert_array_equal(opened(tmp_path / "deep.tif").frames[0], 65535 - deep)
    np.testing.assert_array_equal(opened(tmp_path / "eight.tif").frames[0], 255 - GREY)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.float32])
def test_signed_and_float_tiff_keep_their_order(tmp_path, dtype):
    values = (GREY.astype(float) / 3 - 40).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    frame = opened(tmp_path / "a.tif").frames[0]
    assert frame.dtype in (np.uint8, np.uint16)
    np.testing.assert_array_equal(
        np.argsort(frame, axis=None, kind="stable"), np.argsort(values, axis=None, kind="stable")
    )


def test_float_tiff_with_gaps_opens(tmp_path):
    values = GREY.astype(np.float32)
    values[0] = [np.nan, np.inf, -np.inf] * 10
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert opened(tmp_path / "a.tif").frames[0].max() == 65535


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{suffix}", GREY, exif=exif)
    upright = Image.fromarray(GREY)
    upright.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(upright))
    record = opened(path)
    np.testing.assert_allclose(record.frames[0], expected, atol=60 if suffix == "jpg" else 0)
    assert record.shape == expected.shape
    assert record.shape == ((30, 20) if orientation >= 5 else (20, 30))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_pages_are_frames_decoded_on_demand(tmp_path, compression):
    stack = [np.full((20, 30), value, np.uint8) for value in range(12)]
    images = [Image.fromarray(page) for page in stack]
    path = saved(tmp_path / "a.tif", images[0], save_all=True, append_images=images[1:], compression=compression)
    record = opened(path)
    assert len(record.frames) == 12
    for index in (11, 0, 5, 5, 3):
        np.testing.assert_array_equal(record.frames[index], stack[index])
        assert not record.frames[index].flags.writeable
    with pytest.raises(IndexError):
        record.frames[12]


def test_pages_of_another_size_are_left_out_with_a_warning(tmp_path):
    other = Image.new("L", (7, 9))
    path = saved(tmp_path / "a.tif", Image.fromarray(GREY), save_all=True, append_images=[other, Image.fromarray(GREY)])
    record = opened(path)
    assert len(record.frames) == 2
    assert "1 page of another size" in record.warnings[0]
    np.testing.assert_array_equal(record.frames[1], GREY)


def test_page_of_another_format_is_refused_when_asked_for(tmp_path):
    path = saved(tmp_path / "a.tif", Image.fromarray(GREY), save_all=True, append_images=[Image.fromarray(COLOUR)])
    record = opened(path)
    with pytest.raises(UnreadableImage, match="page 2 has another pixel format"):
        record.frames[1]


def test_print_resolution_is_no_calibration(tmp_path):
    for suffix in ("png", "jpg", "tif"):
        assert opened(saved(tmp_path / f"a.{suffix}", GREY, dpi=(300, 300))).spacing_mm is None


def test_one_pixel_opens(tmp_path):
    record = opened(saved(tmp_path / "a.png", np.array([[7]], np.uint8)))
    assert record.shape == (1, 1)
    assert record.frames[0].tolist() == [[7]]


def test_hash_is_that_of_the_contents(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    assert opened(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_too_large_is_refused_before_decoding_and_says_what_would_fit(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_header(20_000, 20_000))
    with pytest.raises(TooLarge, match=r"20000 × 20000.*8000 × 8000"):
        opened(path)
    path.write_bytes(png_header(4_000_000_000, 4_000_000_000))
    with pytest.raises(UnreadableImage):
        opened(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files_are_refused_quietly(tmp_path, capfd, suffix, share):
    options = {"compression": "tiff_lzw"} if suffix == "tif" else {}
    path = saved(tmp_path / f"a.{suffix}", RNG.integers(0, 256, (90, 120, 3)).astype(np.uint8), **options)
    data = path.read_bytes()
    path.write_bytes(data[: max(int(len(data) * share), 1)])
    with pytest.raises(UnreadableImage) as caught:
        opened(path)
    assert caught.value.path == path
    assert caught.value.remedy
    assert capfd.readouterr() == ("", "")


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("no image at all\n" * 9)
    (tmp_path / "empty.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")
    for name, words in {
        "text.png": "not a PNG",
        "empty.png": "empty",
        "pipe.png": "pipe",
        ".": "folder",
        "missing.png": "does not exist",
        "nul\0.png": "cannot be read",
    }.items():
        with pytest.raises(UnreadableImage, match=words):
            opened(tmp_path / name)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to give up privileges and take them back"
)
def test_without_permission(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    path.chmod(0)
    os.seteuid(65534)
    try:
        with pytest.raises(UnreadableImage, match=r"permission denied|cannot be read"):
            opened(path)
    finally:
        os.seteuid(0)


def test_typical_image_opens_fast(tmp_path):
    smooth = Image.fromarray(GREY).resize((600, 500), Image.Resampling.BICUBIC)
    path = saved(tmp_path / "a.png", smooth.convert("RGB"))
    times = []
    for _ in range(8):
        start = time.perf_counter()
        opened(path)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.015
