import hashlib
import io
import os
import tracemalloc
import zlib

import numpy as np
import pytest
from dicom_files import ultrasound, write
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset

from busi_viewer.core.errors import TooLarge, UnreadableImage
from busi_viewer.core.image import to_uint8
from busi_viewer.dicom.source import DicomSource


@pytest.fixture
def grey():
    return np.random.default_rng(5).integers(0, 256, (24, 32)).astype(np.uint8)


@pytest.fixture
def colour():
    return np.random.default_rng(6).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def opened(path):
    with path.open("rb") as stream:
        assert DicomSource().claims(path, stream.read(4096))
    return DicomSource().open(path)


def jpeg(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format="JPEG", quality=95, **options)
    return stream.getvalue()


def test_plain_grey_image(tmp_path, grey):
    path = write(tmp_path / "a", ultrasound(grey))
    record = opened(path)
    assert (record.kind, record.shape, record.window, len(record.frames)) == ("dicom", (24, 32), (0.0, 255.0), 1)
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.warnings == ()
    assert record.frame_rate is None
    np.testing.assert_array_equal(record.frames[0], grey)


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])
@pytest.mark.parametrize("keep", ["meta", "no preamble", "no meta"])
def test_with_and_without_file_meta(tmp_path, grey, syntax, keep):
    big = syntax == uid.ExplicitVRBigEndian
    deep = (grey.astype(np.uint16) * 200).astype(">u2" if big else "<u2")
    path = write(tmp_path / "a", ultrasound(deep), syntax)
    data = path.read_bytes()
    first = b"\x00\x08\x00\x16" if big else b"\x08\x00\x16\x00"
    path.write_bytes(data[{"meta": 0, "no preamble": 132, "no meta": data.index(first)}[keep] :])
    np.testing.assert_array_equal(opened(path).frames[0], deep)


def test_monochrome1_is_inverted(tmp_path, grey):
    record = opened(write(tmp_path / "a", ultrasound(grey, PhotometricInterpretation="MONOCHROME1")))
    np.testing.assert_array_equal(record.frames[0], 255 - grey)


def test_negative_slope_is_inverted_too(tmp_path, grey):
    record = opened(write(tmp_path / "a", ultrasound(grey, RescaleSlope=-1, RescaleIntercept=255)))
    np.testing.assert_array_equal(record.frames[0], 255 - grey)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_window_applies_to_rescaled_values(tmp_path, grey, dtype, photometric):
    stored = (grey.astype(int) - (128 if dtype in (np.int8, np.int16) else 0)).astype(dtype)
    ds = ultrasound(stored, RescaleSlope=2, RescaleIntercept=-30, WindowCenter=60, WindowWidth=120)
    ds.PhotometricInterpretation = photometric
    record = opened(write(tmp_path / "a", ds))
    expected = np.clip((stored.astype(float) * 2 - 30 - 59.5) / 119 + 0.5, 0, 1) * 255
    expected = expected if photometric == "MONOCHROME2" else 255 - expected
    assert np.abs(to_uint8(record.frames[0], record.window) - expected).max() <= 0.51


def test_unused_bits_are_ignored(tmp_path, grey):
    stored = grey.astype(np.uint16) * 16
    record = opened(write(tmp_path / "a", ultrasound(stored | 0xF000, BitsStored=12, HighBit=11)))
    np.testing.assert_array_equal(record.frames[0], stored)


@pytest.mark.parametrize(
    "window", [{"WindowCenter": -9000, "WindowWidth": 10}, {"WindowCenter": 100, "WindowWidth": 0}, {}]
)
def test_window_that_shows_nothing_is_ignored(tmp_path, grey, window):
    record = opened(write(tmp_path / "a", ultrasound(grey.astype(np.uint16) + 500, **window)))
    assert record.window == (500.0 + grey.min(), 500.0 + grey.max())


def test_modality_and_voi_tables(tmp_path, grey):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 16], (np.arange(256, dtype=np.uint16)[::-1] * 100).tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    record = opened(write(tmp_path / "a", ultrasound(grey, VOILUTSequence=[table])))
    np.testing.assert_array_equal(record.frames[0], (255 - grey.astype(np.uint16)) * 100)


def test_floating_point_and_32_bits_are_scaled(tmp_path, grey):
    wide = grey.astype(np.uint32) * 1_000_000
    expected = np.rint((grey.astype(float) - grey.min()) / np.ptp(grey) * 65535)
    np.testing.assert_array_equal(opened(write(tmp_path / "a", ultrasound(wide))).frames[0], expected)
    ds = ultrasound(grey.astype(np.uint32))
    ds.FloatPixelData = (grey.astype(np.float32) / 7).tobytes()
    del ds.PixelData
    assert np.abs(opened(write(tmp_path / "b", ds)).frames[0] - expected).max() <= 1


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_by_pixel_and_by_plane(tmp_path, colour, planar):
    stored = np.ascontiguousarray(np.moveaxis(colour, -1, 0)) if planar else colour
    ds = ultrasound(colour, PlanarConfiguration=planar)
    ds.PixelData = stored.tobytes()
    np.testing.assert_array_equal(opened(write(tmp_path / "a", ds)).frames[0], colour)


def test_grey_stored_as_colour_is_one_plane_in_single_images(tmp_path, grey):
    three = np.stack([grey] * 3, axis=-1)
    assert opened(write(tmp_path / "a", ultrasound(three))).frames[0].shape == (24, 32)
    assert opened(write(tmp_path / "b", ultrasound(np.stack([three, three])))).frames[1].shape == (24, 32, 3)


def test_ybr_full(tmp_path, colour):
    ycbcr = Image.fromarray(colour).convert("YCbCr")
    record = opened(write(tmp_path / "a", ultrasound(np.asarray(ycbcr), PhotometricInterpretation="YBR_FULL")))
    assert np.abs(record.frames[0].astype(int) - np.asarray(ycbcr.convert("RGB"))).max() <= 1


@pytest.mark.parametrize("size", ["word", "byte"])
def test_palette(tmp_path, grey, size):
    palette = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint8)
    ds = ultrasound(grey, PhotometricInterpretation="PALETTE COLOR")
    for name, channel in zip(("Red", "Green", "Blue"), palette, strict=True):
        words = (channel.astype(np.uint16) * 257).tobytes() if size == "word" else channel.tobytes()
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16 if size == "word" else 8])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"{name}PaletteColorLookupTableData", words)
    np.testing.assert_array_equal(opened(write(tmp_path / "a", ds)).frames[0], palette.T[grey])


def test_segmented_palette(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    ds = ultrasound(values, PhotometricInterpretation="PALETTE COLOR")
    words = np.array([0, 1, 0, 1, 255, 65535], dtype="<u2").tobytes()  # one entry 0, then a line up to 65535
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"Segmented{name}PaletteColorLookupTableData", words)
    np.testing.assert_array_equal(opened(write(tmp_path / "a", ds)).frames[0], values)


@pytest.mark.parametrize("broken", ["missing", "huge", "short"])
def test_broken_palette_is_refused(tmp_path, grey, broken):
    ds = ultrasound(grey, PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue") if broken != "missing" else ():
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [65535 if broken == "huge" else 256, 0, 16])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"{name}PaletteColorLookupTableData", bytes(10))
    with pytest.raises(UnreadableImage, match="palette"):
        opened(write(tmp_path / "a", ds))


@pytest.mark.parametrize("marker", ["JFIF", "none"])
@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_jpeg_colour_follows_its_markers_then_the_header(tmp_path, colour, photometric, marker):
    smooth = np.asarray(Image.fromarray(colour).resize((64, 48), Image.Resampling.BICUBIC))
    data = jpeg(smooth, subsampling=0)
    if marker == "none":
        data = data[:2] + data[20:]  # without the JFIF segment
    ds = ultrasound(smooth, PhotometricInterpretation=photometric)
    frame = opened(write(tmp_path / "a", ds, uid.JPEGBaseline8Bit, [data])).frames[0].astype(int)
    expected = (
        smooth if (photometric, marker) != ("RGB", "none") else np.asarray(Image.fromarray(smooth).convert("YCbCr"))
    )
    assert np.abs(frame - expected).mean() < 4


def test_cine_is_decoded_frame_by_frame(tmp_path, grey):
    stack = np.stack([np.roll(grey, index, axis=1) for index in range(20)])
    path = write(tmp_path / "a", ultrasound(stack, CineRate=25))
    record = opened(path)
    assert len(record.frames) == 20
    assert record.frame_rate == 25.0
    for index in (19, 0, 7, 7):
        np.testing.assert_array_equal(record.frames[index], stack[index])
        assert not record.frames[index].flags.writeable
    for index in (20, -1):
        with pytest.raises(IndexError):
            record.frames[index]


def test_compressed_cine_in_odd_fragments(tmp_path, grey):
    flat = [np.full((24, 32), value, np.uint8) for value in (10, 90, 200)]
    frames = [jpeg(array) for array in flat]
    ds = ultrasound(np.stack(flat), PhotometricInterpretation="MONOCHROME2")
    record = opened(write(tmp_path / "a", ds, uid.JPEGBaseline8Bit, frames))
    pieces = [piece + b"\0" * (len(piece) % 2) for data in frames for piece in (data[:100], data[100:])]
    split = opened(write(tmp_path / "b", ds, uid.JPEGBaseline8Bit, pieces))
    for index, array in enumerate(flat):
        assert np.abs(record.frames[index].astype(int) - array).max() <= 2
        np.testing.assert_array_equal(split.frames[index], record.frames[index])


def test_changed_file_is_noticed(tmp_path, grey):
    path = write(tmp_path / "a", ultrasound(np.stack([grey] * 90)))
    record = opened(path)
    write(path, ultrasound(np.stack([grey] * 91)))
    with pytest.raises(UnreadableImage, match="has changed"):
        record.frames[80]


def test_announced_frames_are_not_believed(tmp_path, grey):
    tracemalloc.start()
    record = opened(write(tmp_path / "a", ultrasound(np.stack([grey] * 3), NumberOfFrames=2_000_000_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(record.frames) == 3
    assert "announces 2000000000 frames and holds 3" in record.warnings[0]
    assert peak < 20_000_000


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_pixels_say_how_much_is_there(tmp_path, share):
    noise = np.random.default_rng(2).integers(0, 256, (300, 300)).astype(np.uint8)
    for name, path in {
        "plain": write(tmp_path / "a", ultrasound(noise)),
        "jpeg": write(tmp_path / "b", ultrasound(noise), uid.JPEGBaseline8Bit, [jpeg(noise)]),
    }.items():
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(UnreadableImage, match=r"only \d+ % of its pixels") as caught:
            opened(path)
        percent = int(str(caught.value).split("only ")[1].split(" %")[0])
        assert abs(percent - share * 100) < 3, name


def test_truncated_cine_opens_with_what_is_whole(tmp_path, grey):
    path = write(tmp_path / "a", ultrasound(np.stack([grey] * 10)))
    path.write_bytes(path.read_bytes()[: -len(grey.tobytes()) * 2 - 5])
    record = opened(path)
    assert len(record.frames) == 7
    assert "holds 7" in record.warnings[0]


def test_compressed_size_must_be_the_announced_one(tmp_path, grey):
    data = jpeg(np.zeros((4000, 4000), np.uint8))
    with pytest.raises(UnreadableImage, match="4000 × 4000"):
        opened(write(tmp_path / "a", ultrasound(grey), uid.JPEGBaseline8Bit, [data]))


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Rows": 0}, "32 × 0 pixels"),
        ({"Columns": None}, "0 × 24 pixels"),
        ({"BitsAllocated": 7}, "samples of 7 bits"),
        ({"BitsAllocated": None}, "samples of 0 bits"),
        ({"SamplesPerPixel": 4}, "4 samples"),
        ({"SamplesPerPixel": 60000}, "60000 samples"),
        ({"PixelData": b""}, "only 0 %"),
        ({"Rows": 65535}, "only 0 %"),
    ],
)
def test_senseless_headers_are_refused(tmp_path, grey, elements, words):
    with pytest.raises(UnreadableImage, match=words):
        opened(write(tmp_path / "a", ultrasound(grey, **elements)))


def test_unknown_colour_space_is_refused(tmp_path, colour):
    with pytest.raises(UnreadableImage, match="colour space HSV"):
        opened(write(tmp_path / "a", ultrasound(colour, PhotometricInterpretation="HSV")))


@pytest.mark.parametrize(
    "elements", [{"BitsStored": 0}, {"BitsStored": 99}, {"BitsStored": None}, {"NumberOfFrames": 0}]
)
def test_harmless_nonsense_opens(tmp_path, grey, elements):
    np.testing.assert_array_equal(opened(write(tmp_path / "a", ultrasound(grey, **elements))).frames[0], grey)


def test_too_large_is_refused_before_decoding(tmp_path, grey):
    with pytest.raises(TooLarge, match="20000 × 20000"):
        opened(write(tmp_path / "a", ultrasound(grey, Rows=20000, Columns=20000)))


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        (uid.SMPTEST211020UncompressedProgressiveActiveVideo, "SMPTE"),
    ],
)
def test_unsupported_compression_is_named(tmp_path, grey, syntax, name):
    with pytest.raises(UnreadableImage, match=name):
        opened(write(tmp_path / "a", ultrasound(grey), uid.UID(syntax), [bytes(100)]))


def test_encrypted_contents_are_named(tmp_path, grey):
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID, item.EncryptedContent = uid.ExplicitVRLittleEndian, bytes(64)
    with pytest.raises(UnreadableImage, match="encrypted"):
        opened(write(tmp_path / "a", ultrasound(grey, PixelData=None, EncryptedAttributesSequence=[item])))


def test_deflate_bomb_is_refused(tmp_path, monkeypatch, grey):
    path = write(tmp_path / "a", ultrasound(grey), uid.DeflatedExplicitVRLittleEndian)
    np.testing.assert_array_equal(opened(path).frames[0], grey)
    monkeypatch.setattr("busi_viewer.dicom.header.MAX_INFLATED", 10_000)
    data = path.read_bytes()
    squeezed = zlib.compressobj(wbits=-15)
    start = data.index(b"1.2.840.10008.1.2.1.99") + 22
    path.write_bytes(data[:start] + squeezed.compress(bytes(50_000)) + squeezed.flush())
    with pytest.raises(TooLarge, match="unpack"):
        opened(path)


def test_a_frame_that_does_not_fit_in_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = write(tmp_path / "a", ultrasound(np.zeros((3000, 4000), np.uint8)))
    monkeypatch.setattr("busi_viewer.core.files.available", lambda: 500 * 2**20)
    with pytest.raises(TooLarge, match="4000 × 3000") as caught:
        opened(path)
    assert "reduce it to" in caught.value.remedy


def test_facts_and_foreign_modality(tmp_path, grey):
    ds = ultrasound(grey, PatientName="Doe^Jane", PatientID="7", Laterality="L", StudyDate="20240102", Modality="MG")
    record = opened(write(tmp_path / "a", ds))
    assert record.facts["PatientName"] == "Doe^Jane"
    assert record.facts["Laterality"] == "L"
    assert record.facts["StudyDate"] == "20240102"
    assert "AccessionNumber" not in record.facts
    assert all(isinstance(words, str) for words in record.facts.values())
    assert record.warnings == ("Not an ultrasound image (modality MG).",)
    ds.ImageLaterality = "R"
    assert opened(write(tmp_path / "b", ds)).facts["Laterality"] == "R"


def test_nothing_is_said_on_the_terminal(tmp_path, grey, capfd):
    path = write(tmp_path / "a", ultrasound(grey, PatientName="Doe^Jane", StudyDate="20240102"))
    path.write_bytes(path.read_bytes().replace(b"20240102", b"not/date"))
    assert opened(path).facts["StudyDate"] == "not/date"
    assert capfd.readouterr() == ("", "")


def test_pipes_and_missing_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(UnreadableImage):
            DicomSource().open(tmp_path / name)
