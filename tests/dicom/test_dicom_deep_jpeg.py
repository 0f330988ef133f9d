import struct
import subprocess

import numpy as np
import pytest
from dicom_files import ultrasound, write
from dicom_peers import tool
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import dcmread, uid

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.dicom.deep_jpeg import DeepJpegError, decode
from busi_viewer.dicom.source import DicomSource


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def encode(image, predictor, precision=16, every=0):
    """A lossless JPEG (T.81 annex H) of (H, W) or (H, W, 3) whose size categories 0…16 all have codes of 5 bits.

    ``every``: rows between restart markers.
    """
    rows, columns = image.shape[:2]
    values = np.atleast_3d(image).astype(int)
    samples = values.shape[2]
    parts = [
        lossless_bits(values[top : top + (every or rows)], predictor, precision)
        for top in range(0, rows, every or rows)
    ]
    frame = struct.pack(">BHHB", precision, rows, columns, samples)
    frame += b"".join(bytes([number + 1, 0x11, 0]) for number in range(samples))
    table = bytes([0]) + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    scan = bytes([samples, *(byte for number in range(samples) for byte in (number + 1, 0)), predictor, 0, 0])
    head = segment(0xC3, frame) + segment(0xC4, table)
    return stream_of(head, segment(0xDA, scan), parts, every * columns)


def lossless_bits(values, predictor, precision):
    """The bits of rows that are predicted by themselves."""
    bits = []
    for y, x, s in np.ndindex(values.shape):
        a, b, c = values[y, x - 1, s], values[y - 1, x, s], values[y - 1, x - 1, s]
        by_rule = {1: a, 2: b, 3: c, 4: a + b - c, 5: a + ((b - c) >> 1), 6: b + ((a - c) >> 1), 7: (a + b) >> 1}
        prediction = by_rule[predictor] if x and y else a if x else b if y else 1 << (precision - 1)
        bits.append(coded((values[y, x, s] - prediction + 32767) % 65536 - 32767))
    return "".join(bits)


def coded(difference):
    """Size category in 5 bits, then the difference (T.81 F.1.2.1)."""
    size = int(abs(difference)).bit_length() if difference != 32768 else 16
    rest = f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}" if 0 < size < 16 else ""
    return f"{size:05b}{rest}"


def stream_of(head, scan, parts, interval):
    """A JPEG stream of entropy-coded bits, with restart markers between the parts."""
    packed = []
    for text in parts:
        text += "1" * (-len(text) % 8)
        packed.append(int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00"))
    data = packed[0] + b"".join(bytes([0xFF, 0xD0 + n % 8]) + part for n, part in enumerate(packed[1:]))
    restarts = segment(0xDD, struct.pack(">H", interval)) if interval else b""
    return b"\xff\xd8" + head + restarts + scan + data + b"\xff\xd9"


def flat_blocks(levels, every, components=1):
    """A 12-bit JPEG with loss of 8 × 8 blocks of one grey each, (rows, columns) levels; ``every`` blocks between restarts."""
    rows, columns = levels.shape
    parts, order = [], levels.ravel().tolist()
    for first in range(0, len(order), every):
        steps = np.diff([0, *order[first : first + every]])
        parts.append("".join(coded(step) + "0" for step in steps))
    frame = struct.pack(">BHHB", 12, 8 * rows, 8 * columns, components) + b"\x01\x11\x00" * components
    dc = bytes([0]) + bytes([0, 0, 0, 0, 16] + [0] * 11) + bytes(range(16))
    ac = bytes([0x10, 1] + [0] * 15 + [0])
    head = segment(0xDB, bytes([0] + [8] * 64)) + segment(0xC1, frame) + segment(0xC4, dc) + segment(0xC4, ac)
    return stream_of(head, segment(0xDA, bytes([components, *(1, 0) * components, 0, 63, 0])), parts, every)


def as_dcmtk_shows(path, folder):
    """What dcmtk decodes, (H, W) or (H, W, 3) uint16 over the whole range."""
    raw = folder / "raw.dcm"
    done = subprocess.run([tool("dcmdjpeg"), "+cn", str(path), str(raw)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dcmread(raw).pixel_array


images = arrays(np.uint16, st.tuples(st.integers(1, 7), st.integers(1, 7)))


@settings(max_examples=60, deadline=None)
@given(images, st.integers(1, 7))
def test_lossless_comes_back_exactly(image, predictor):
    np.testing.assert_array_equal(decode(encode(image, predictor)), image)


def test_through_a_file(tmp_path):
    image = np.random.default_rng(4).integers(0, 4096, (20, 30)).astype(np.uint16)
    ds = ultrasound(image, BitsStored=12, HighBit=11)
    record = DicomSource().open(write(tmp_path / "a", ds, uid.JPEGLosslessSV1, [encode(image, 1)]))
    np.testing.assert_array_equal(record.frames[0], image)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_streams_are_refused_or_decode(data):
    stream = bytearray(encode(np.arange(30, dtype=np.uint16).reshape(5, 6) * 700, 4))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(2, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = decode(bytes(stream[: data.draw(st.integers(4, len(stream)))]))
    except DeepJpegError:
        return
    assert result.ndim == 2


@pytest.mark.parametrize("side", [0, 2], ids=["rows", "columns"])
@pytest.mark.parametrize("marker", [0xC1, 0xC3])
def test_a_picture_without_rows_or_columns_is_refused(marker, side):
    lossless = encode(np.arange(30, dtype=np.uint16).reshape(5, 6), 4)
    stream = bytearray(flat_blocks(np.array([[8, 9]]), 2) if marker == 0xC1 else lossless)
    at = stream.index(bytes([0xFF, marker])) + 5 + side
    stream[at : at + 2] = b"\0\0"
    with pytest.raises(DeepJpegError):
        decode(bytes(stream))


def test_a_quantisation_table_that_is_cut_is_refused():
    stream = flat_blocks(np.array([[8, 9]]), 2)
    at = stream.index(b"\xff\xdb")
    cut_short = stream[: at + 2] + struct.pack(">H", 6) + bytes([0x10, 1, 2, 3]) + stream[at + 69 :]
    with pytest.raises(DeepJpegError):
        decode(cut_short)


def test_truncated_stream_is_refused():
    stream = encode(np.random.default_rng(1).integers(0, 65536, (64, 64)).astype(np.uint16), 1)
    with pytest.raises(DeepJpegError):
        decode(stream[: len(stream) // 2])


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("every", [0, 3])
def test_lossless_colour_and_restarts_are_as_dcmtk_decodes_them(tmp_path, predictor, every):
    image = np.random.default_rng(predictor).integers(0, 65536, (10, 7, 3)).astype(np.uint16)
    stream = encode(image, predictor, every=every)
    path = write(tmp_path / "a.dcm", ultrasound(image), uid.JPEGLossless, [stream])
    np.testing.assert_array_equal(decode(stream), image)
    np.testing.assert_array_equal(as_dcmtk_shows(path, tmp_path), image)
    np.testing.assert_array_equal(DicomSource().open(path).frames[0], image >> 8)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_restarts_in_twelve_bits_are_as_dcmtk_decodes_them(tmp_path, every):
    levels = np.random.default_rng(every).integers(-2000, 2000, (4, 5))
    ds = ultrasound(np.zeros((32, 40), np.uint16), BitsStored=12, HighBit=11)
    path = write(tmp_path / "a.dcm", ds, uid.JPEGExtended12Bit, [flat_blocks(levels, every)])
    expected = np.kron(levels + 2048, np.ones((8, 8), int))
    np.testing.assert_array_equal(as_dcmtk_shows(path, tmp_path), expected)
    np.testing.assert_array_equal(DicomSource().open(path).frames[0], expected)


def test_a_restart_that_is_missing_is_damage():
    stream = encode(np.zeros((6, 6), np.uint16), 1, every=2)
    with pytest.raises(DeepJpegError, match="damaged"):
        decode(stream.replace(b"\xff\xd0", b"", 1))


def test_colour_that_is_not_supported_is_refused_clearly(tmp_path):
    image = np.zeros((8, 8, 3), np.uint16)
    stream = flat_blocks(np.zeros((1, 1), int), 1, components=3)
    with pytest.raises(UnreadableImage, match="12-bit JPEG colour"):
        DicomSource().open(write(tmp_path / "a", ultrasound(image), uid.JPEGExtended12Bit, [stream]))
    stream = encode(image, 1).replace(b"\x01\x11\x00", b"\x01\x22\x00")
    with pytest.raises(UnreadableImage, match="not stored pixel by pixel"):
        DicomSource().open(write(tmp_path / "b", ultrasound(image), uid.JPEGLossless, [stream]))
