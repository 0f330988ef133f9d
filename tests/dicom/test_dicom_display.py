"""What of the header decides how stored values are shown."""

import subprocess

import numpy as np
import pytest
from dicom_files import ultrasound, write
from dicom_peers import tool
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.image import to_uint8
from busi_viewer.dicom.source import DicomSource

RAMP = (np.arange(64 * 64).reshape(64, 64)).astype(np.uint16)
TWELVE = {"BitsStored": 12, "HighBit": 11}


def shown(path, ds):
    record = DicomSource().open(write(path, ds))
    return to_uint8(record.frames[0], record.window).astype(float)


def as_dcmtk_shows(path, *options):
    target = path.with_suffix(".png")
    subprocess.run([tool("dcmj2pnm"), *options, "-O", "+on", str(path), str(target)], check=True, timeout=60)
    return np.asarray(Image.open(target)).astype(float)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", [None, "LINEAR", "SIGMOID"])
def test_windows_are_as_dcmtk_applies_them(tmp_path, function, photometric):
    ds = ultrasound(RAMP, **TWELVE, PhotometricInterpretation=photometric, RescaleSlope=2, RescaleIntercept=-100)
    ds.WindowCenter, ds.WindowWidth = [3000, 500], [1500, 10]
    if function:
        ds.VOILUTFunction = function
    ours = shown(tmp_path / "a.dcm", ds)
    assert np.abs(ours - as_dcmtk_shows(tmp_path / "a.dcm", "+Wi", "1")).max() <= 1


def test_further_windows_are_offered_by_name(tmp_path):
    ds = ultrasound(RAMP, **TWELVE, WindowCenter=[2000, 500, 90000, 100], WindowWidth=[4000, 101, 10, 21])
    ds.WindowCenterWidthExplanation = ["NORMAL", "CYST", "NOTHING"]
    record = DicomSource().open(write(tmp_path / "a", ds))
    assert record.window == (0.0, 3999.0)
    assert record.more_windows == (("CYST", (449.5, 549.5)), ("File 3", (89.5, 109.5)))


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR"])
def test_windows_do_not_apply_to_colours(tmp_path, photometric):
    values = (RAMP // 64).astype(np.uint8) + 90
    ds = ultrasound(np.stack([values] * 3, -1) if photometric == "RGB" else values, WindowCenter=100, WindowWidth=10)
    if photometric != "RGB":
        ds.PhotometricInterpretation = photometric
        for name in ("Red", "Green", "Blue"):
            setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(ds, f"{name}PaletteColorLookupTableData", (np.arange(256) * 257).astype("<u2").tobytes())
    record = DicomSource().open(write(tmp_path / "a", ds))
    assert (record.window, record.more_windows) == ((0.0, 255.0), ())


def test_sigmoid_is_the_standards(tmp_path):
    ds = ultrasound(RAMP, **TWELVE, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")
    expected = 255 / (1 + np.exp(-4 * (RAMP.astype(float) - 2000) / 1000))
    assert np.abs(shown(tmp_path / "a", ds) - expected).max() <= 0.51


@pytest.mark.parametrize("width", [0.5, 1, 1000])
def test_linear_exact_is_half_a_value_aside(tmp_path, width):
    """PS3.3 C.11.2.1.3.2: from center - width/2 to center + width/2, also narrower than 1."""
    ds = ultrasound(RAMP, **TWELVE, WindowCenter=2000, WindowWidth=width, VOILUTFunction="LINEAR_EXACT")
    expected = np.clip((RAMP.astype(float) - 2000) / max(width, 1) + 0.5, 0, 1) * 255
    assert np.abs(shown(tmp_path / "a", ds) - expected).max() <= 0.51


def table(entries, first=0, bits=16):
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(entries), first, bits], np.asarray(entries, "<u2").tobytes()
    item["LUTData"].VR = "OW"
    return item


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_voi_table_is_shown_over_its_whole_range(tmp_path, photometric):
    """Also where the image uses a part of the table only."""
    entries = np.rint(65535 * (np.arange(4096) / 4095) ** 0.5)
    ds = ultrasound(RAMP // 2, **TWELVE, PhotometricInterpretation=photometric, VOILUTSequence=[table(entries)])
    ours = shown(tmp_path / "a.dcm", ds)
    assert np.abs(ours - as_dcmtk_shows(tmp_path / "a.dcm", "+Wl", "1")).max() <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_applies_to_what_a_modality_table_gives(tmp_path, photometric):
    ds = ultrasound(RAMP, **TWELVE, PhotometricInterpretation=photometric)
    ds.ModalityLUTSequence = [table(np.arange(4096) * 10)]
    ds.ModalityLUTSequence[0].ModalityLUTType = "US"
    ds.WindowCenter, ds.WindowWidth = 15000, 12000
    ours = shown(tmp_path / "a.dcm", ds)
    assert np.abs(ours - as_dcmtk_shows(tmp_path / "a.dcm", "+Wi", "1")).max() <= 1


@pytest.mark.parametrize(("stored", "elements"), [(0, {}), (-2000, {}), (-1999, {"PixelPaddingRangeLimit": -2000})])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_no_part_of_the_range(tmp_path, stored, elements, photometric):
    values = np.full((64, 64), stored, np.int16)
    values[16:48] = RAMP[16:48] // 8 + 100
    ds = ultrasound(values, PixelPaddingValue=-2000 if elements else stored, PhotometricInterpretation=photometric)
    for keyword, limit in elements.items():
        setattr(ds, keyword, limit + 1)
    record = DicomSource().open(write(tmp_path / "a", ds))
    inside = record.frames[0][16:48]
    assert record.window == (inside.min(), inside.max())


def test_overlays_are_not_drawn(tmp_path):
    """Neither one of its own nor one in the bits above those stored."""
    ds = ultrasound(RAMP | (np.eye(64, dtype=np.uint16) << 12), **TWELVE)
    ds.add_new(0x60000010, "US", 64)
    ds.add_new(0x60000011, "US", 64)
    ds.add_new(0x60000040, "CS", "G")
    ds.add_new(0x60000050, "SS", [1, 1])
    ds.add_new(0x60000100, "US", 1)
    ds.add_new(0x60000102, "US", 0)
    ds.add_new(0x60003000, "OW", b"\xff" * 512)
    ds.add_new(0x60020100, "US", 16)
    ds.add_new(0x60020102, "US", 12)
    np.testing.assert_array_equal(DicomSource().open(write(tmp_path / "a", ds)).frames[0], RAMP)


def segmented(depth, *segments):
    """An image of all 256 values with a segmented palette."""
    data = np.array([word for segment in segments for word in segment], "<u2" if depth == 16 else "u1").tobytes()
    elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, depth]
        elements[f"Segmented{name}PaletteColorLookupTableData"] = data
    return ultrasound(np.arange(256, dtype=np.uint8).reshape(16, 16), **elements)


@pytest.mark.parametrize("depth", [8, 16])
def test_indirect_segments_repeat_others(tmp_path, depth):
    """PS3.3 C.7.9.2.3: so many segments from a byte offset on, whose lower half comes first."""
    unit = 256 if depth == 16 else 1
    offset = 5 * depth // 8
    where = [offset, 0] if depth == 16 else [offset, 0, 0, 0]
    ds = segmented(
        depth, [0, 3, 0, 10 * unit, 20 * unit], [1, 125, 200 * unit], [2, 1, *where], [0, 3] + 3 * [7 * unit]
    )
    red = DicomSource().open(write(tmp_path / "a", ds)).frames[0]
    ramp = 20 + 180 * np.arange(1, 126) / 125
    again = [200] * 125
    assert np.abs((red if red.ndim == 2 else red[..., 0]).ravel() - [0, 10, 20, *ramp, *again, 7, 7, 7]).max() <= 1


def test_segments_that_repeat_themselves_end(tmp_path):
    ds = segmented(16, [0, 1, 5], [2, 60000, 6, 0], [2, 60000, 0, 0])
    with pytest.raises(UnreadableImage, match="palette is shorter"):
        DicomSource().open(write(tmp_path / "a", ds))


def test_a_palette_of_signed_values_starts_where_it_says(tmp_path):
    elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [256, -128, 16]
        elements[f"{name}PaletteColorLookupTableData"] = (np.arange(256) * 257).astype("<u2").tobytes()
    values = np.arange(-128, 128).astype(np.int8).reshape(16, 16)
    shown = DicomSource().open(write(tmp_path / "a", ultrasound(values, **elements))).frames[0]
    np.testing.assert_array_equal(shown.ravel(), np.arange(256))


CLASSES = {
    uid.UltrasoundImageStorage: (),
    uid.UltrasoundMultiFrameImageStorage: (),
    uid.UID("1.2.840.10008.5.1.4.1.1.6"): (),  # Ultrasound Image Storage (Retired)
    uid.UID("1.2.840.10008.5.1.4.1.1.3"): (),  # Ultrasound Multi-frame Image Storage (Retired)
    uid.SecondaryCaptureImageStorage: (),
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage: (),
    uid.EnhancedUSVolumeStorage: ("A 3D volume: its frames are neighbouring planes, not moments of a cine.",),
}


@pytest.mark.parametrize("sop", CLASSES, ids=lambda sop: sop.name)
def test_every_kind_of_ultrasound_object_opens(tmp_path, sop):
    frames = np.random.default_rng(2).integers(0, 256, (4, 12, 16)).astype(np.uint8)
    ds = ultrasound(frames, SOPClassUID=sop, FrameTime=40)
    record = DicomSource().open(write(tmp_path / "a", ds))
    assert record.warnings == CLASSES[sop]
    assert record.frame_rate == (None if CLASSES[sop] else 25.0)
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(record.frames[index], frame)


def test_a_volume_with_flow_says_so(tmp_path):
    def group(kind):
        item, found = Dataset(), Dataset()
        item.DataType = kind
        found.ImageDataTypeSequence = [item]
        return found

    ds = ultrasound(np.zeros((2, 8, 8), np.uint8), SOPClassUID=uid.EnhancedUSVolumeStorage)
    ds.PerFrameFunctionalGroupsSequence = [group("TISSUE_INTENSITY"), group("FLOW_VELOCITY")]
    assert "flow" in DicomSource().open(write(tmp_path / "a", ds)).warnings[1]


@pytest.mark.parametrize("modality", ["XC", "ES", "OT", "PA"])
def test_other_images_open_and_say_what_they_are(tmp_path, modality):
    ds = ultrasound(np.zeros((8, 8, 3), np.uint8), SOPClassUID=uid.VLPhotographicImageStorage, Modality=modality)
    assert DicomSource().open(write(tmp_path / "a", ds)).warnings == (
        f"Not an ultrasound image (modality {modality}).",
    )
