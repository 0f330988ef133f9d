"""Every file that pydicom brings along: right pixels or a clear error."""

from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.image import to_uint8
from busi_viewer.dicom.source import DicomSource
from busi_viewer.raster.source import RasterSource
from busi_viewer.workflow.open import open_image

BUNDLED = Path(pydicom.data.__file__).parent / "test_files"
FILES = sorted(path for path in BUNDLED.rglob("*") if path.is_file())
SOURCES = (RasterSource(), DicomSource())
REFUSED_WITH_PIXELS = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "the header announces 256 × 1024",
    "MR_truncated.dcm": "only 99 %",
    "meta_missing_tsyntax.dcm": "0 × 0 pixels",
    "nested_priv_SQ.dcm": "0 × 0 pixels",
    "no_meta.dcm": "not an image",
}
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def opened(name):
    return open_image(BUNDLED / name, SOURCES)


def has_pixels(path):
    try:
        return "Rows" in pydicom.dcmread(path)
    except Exception:  # noqa: BLE001 - not DICOM
        return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(BUNDLED).as_posix())
def test_opens_or_is_refused_clearly(path, capfd):
    refusal = None
    try:
        record = open_image(path, SOURCES)
        for index in range(len(record.frames)):
            assert record.frames[index].shape[:2] == record.shape
    except UnreadableImage as error:
        refusal = error
    if refusal is not None:
        assert refusal.path == path
        assert refusal.remedy
        assert "damaged" not in refusal.what
        expected = REFUSED_WITH_PIXELS.get(path.name)
        assert expected in str(refusal) if expected else not has_pixels(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_rle_32bit.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_colour_bars_have_their_colours(name):
    """The same stripes, in every compression: red, green, blue, black, grey levels, white."""
    bars = opened(name).frames[0][5:100:10, 50].astype(int)
    expected = [RED, (255, 128, 128), GREEN, (128, 255, 128), BLUE, (128, 128, 255)]
    expected += [(level, level, level) for level in (0, 64, 192, 255)]
    assert np.abs(bars - expected).max() <= 16, bars.tolist()


@pytest.mark.parametrize(
    "name", ["examples_rgb_color.dcm", "examples_jpeg2k.dcm", "examples_ybr_color.dcm", "ExplVR_BigEnd.dcm"]
)
def test_colour_equals_pydicom(name):
    expected = pydicom.dcmread(BUNDLED / name).pixel_array
    record = opened(name)
    stack = expected if len(record.frames) > 1 else expected[None]
    for index in (0, len(record.frames) - 1):
        assert np.abs(record.frames[index].astype(int) - stack[index]).max() <= 2


def test_palette_equals_pydicom():
    ds = pydicom.dcmread(BUNDLED / "examples_palette.dcm")
    expected = pydicom.pixels.apply_color_lut(ds.pixel_array, ds) >> 8
    np.testing.assert_array_equal(opened("examples_palette.dcm").frames[0], expected)


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_padded.dcm"]
)
def test_lossless_variants_are_equal(name):
    np.testing.assert_array_equal(opened(name).frames[0], opened("MR_small.dcm").frames[0])


@pytest.mark.parametrize("name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_lossless_codecs_are_equal(name):
    np.testing.assert_array_equal(opened(name).frames[0], opened("MR_small.dcm").frames[0])


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "J2K_pixelrep_mismatch.dcm", "examples_overlay.dcm"])
def test_shown_grey_follows_the_window(name):
    ds = pydicom.dcmread(BUNDLED / name)
    stored = ds.pixel_array.astype(float)
    record = opened(name)
    if "WindowCenter" in ds:
        output = stored * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
        center, width = (float(np.atleast_1d(ds[keyword].value)[0]) for keyword in ("WindowCenter", "WindowWidth"))
        expected = np.clip((output - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    else:
        expected = (stored - stored.min()) / np.ptp(stored) * 255
    assert np.abs(to_uint8(record.frames[0], record.window) - expected).max() <= 0.51


def test_monochrome1_is_shown_white_for_bright():
    path = BUNDLED / "dicomdirtests/77654033/CR1/6154"
    stored = pydicom.dcmread(path).pixel_array
    np.testing.assert_array_equal(open_image(path, SOURCES).frames[0], 4095 - stored)


def test_what_the_ultrasound_examples_say_about_size_and_speed():
    cine = opened("examples_ybr_color.dcm")
    assert len(cine.frames) == 30
    assert cine.frame_rate == pytest.approx(30, abs=0.01)
    assert len(cine.regions) == 1
    assert cine.spacing_at(160, 120) is not None
    assert cine.facts["Modality"] == "US"


def test_no_pixels_names_the_kind():
    for name, words in {
        "test-SR.dcm": "Comprehensive SR Storage",
        "rtstruct.dcm": "RT Structure Set Storage",
        "waveform_ecg.dcm": "12-lead ECG Waveform Storage",
        "dicomdirtests/DICOMDIR": "DICOMDIR",
    }.items():
        with pytest.raises(UnreadableImage, match=words):
            opened(name)
