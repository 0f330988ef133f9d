import struct

import numpy as np
import pytest
from dicom_files import ultrasound, write
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import uid

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.dicom.deep_jpeg import DeepJpegError, decode
from busi_viewer.dicom.source import DicomSource


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def encode(image, predictor, precision=16):
    """A lossless JPEG (T.81 annex H) whose size categories 0…16 all have codes of 5 bits."""
    rows, columns = image.shape
    values, bits = image.astype(int), []
    for y in range(rows):
        for x in range(columns):
            a, b, c = values[y, x - 1], values[y - 1, x], values[y - 1, x - 1]
            by_rule = {1: a, 2: b, 3: c, 4: a + b - c, 5: a + ((b - c) >> 1), 6: b + ((a - c) >> 1), 7: (a + b) >> 1}
            prediction = by_rule[predictor] if x and y else a if x else b if y else 1 << (precision - 1)
            difference = (values[y, x] - prediction + 32767) % 65536 - 32767
            size = int(abs(difference)).bit_length() if difference != 32768 else 16
            bits.append(f"{size:05b}")
            if 0 < size < 16:
                bits.append(f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    coded = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
    frame = struct.pack(">BHHB", precision, rows, columns, 1) + b"\x01\x11\x00"
    table = bytes([0]) + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    scan = bytes([1, 1, 0, predictor, 0, 0])
    return b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, table) + segment(0xDA, scan) + coded + b"\xff\xd9"


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


def test_truncated_stream_is_refused():
    stream = encode(np.random.default_rng(1).integers(0, 65536, (64, 64)).astype(np.uint16), 1)
    with pytest.raises(DeepJpegError):
        decode(stream[: len(stream) // 2])


def test_colour_is_refused_clearly(tmp_path):
    image = np.zeros((4, 4), np.uint16)
    stream = encode(image, 1).replace(struct.pack(">BHHB", 16, 4, 4, 1), struct.pack(">BHHB", 16, 4, 4, 3))
    with pytest.raises(UnreadableImage):
        DicomSource().open(write(tmp_path / "a", ultrasound(image), uid.JPEGLosslessSV1, [stream]))
