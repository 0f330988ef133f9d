"""Headers as devices and archives leave them: the image opens, and nothing appears on the terminal."""

import struct

import numpy as np
import pytest
from dicom_files import ultrasound, write

from busi_viewer.dicom.info import describe
from busi_viewer.dicom.labels import read_labels
from busi_viewer.dicom.source import DicomSource

GREY = np.random.default_rng(4).integers(0, 256, (24, 32)).astype(np.uint8)
PIXELS = b"\xe0\x7f\x10\x00OB"


def element(group, number, vr, content, length=None):
    """Explicit VR little endian; ``length`` is what it says, if not the truth."""
    length = len(content) if length is None else length
    head = struct.pack("<HH", group, number) + vr
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return head + b"\0\0" + struct.pack("<I", length) + content
    return head + struct.pack("<H", length) + content


ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"
WITHIN = element(0x0008, 0x0104, b"LO", b"inside")
MESS = {
    "private junk": element(0x0019, 0x1010, b"UN", bytes(range(256))),
    "private values without their creator": element(0x0029, 0x10FF, b"OB", b"\xff" * 64),
    "private sequence of undefined length": element(
        0x0029,
        0x1001,
        b"UN",
        ITEM + UNDEFINED + WITHIN[:4] + struct.pack("<I", 6) + b"inside" + ITEM_END + SEQUENCE_END,
        2**32 - 1,
    ),
    "sequence of undefined length": element(
        0x0040, 0xA730, b"SQ", ITEM + UNDEFINED + WITHIN + ITEM_END + SEQUENCE_END, 2**32 - 1
    ),
    "sequences within each other": element(
        0x0040,
        0xA730,
        b"SQ",
        (ITEM + UNDEFINED + struct.pack("<HH", 0x40, 0xA730) + b"SQ\0\0" + UNDEFINED) * 40
        + (SEQUENCE_END + ITEM_END) * 40
        + SEQUENCE_END,
        2**32 - 1,
    ),
    "empty sequence of undefined length": element(0x0040, 0xA730, b"SQ", SEQUENCE_END, 2**32 - 1),
    "text where a number belongs": element(0x0028, 0x1050, b"DS", b"bright")
    + element(0x0028, 0x1051, b"DS", b"?\\?\\?,"),
    "number of another kind": element(0x0028, 0x1050, b"US", b"\x01\0") + element(0x0028, 0x1051, b"FD", bytes(8)),
    "unknown VR": element(0x0028, 0x1055, b"ZZ", b"abcd"),
    "number longer than allowed": element(0x0028, 0x0030, b"DS", b"0.12345678901234567890\\0.12345678901234567890"),
    "comma for a point": element(0x0028, 0x0030, b"DS", b"0,1\\0,1 "),
    "odd length": element(0x0028, 0x1055, b"LO", b"odd"),
    "binary without end": element(0x0028, 0x1199, b"UN", b""),
    "tag twice": element(0x0028, 0x0010, b"US", struct.pack("<H", 24)) * 2,
    "tags out of order": element(0x0010, 0x0010, b"PN", b"Later^Name") + element(0x0008, 0x0060, b"CS", b"US"),
    "group length that is wrong": element(0x0028, 0x0000, b"UL", struct.pack("<I", 5)),
    "unreadable regions": element(0x0018, 0x6011, b"LO", b"none"),
    "region full of nonsense": element(
        0x0018,
        0x6011,
        b"SQ",
        ITEM + UNDEFINED + element(0x18, 0x602C, b"LO", b"wide") + ITEM_END + SEQUENCE_END,
        2**32 - 1,
    ),
}


@pytest.mark.parametrize("mess", MESS)
def test_mess_in_the_header_changes_nothing(tmp_path, mess, capfd):
    path = write(tmp_path / "a", ultrasound(GREY))
    data = path.read_bytes()
    at = data.index(PIXELS)
    path.write_bytes(data[:at] + MESS[mess] + data[at:])
    record = DicomSource().open(path)
    np.testing.assert_array_equal(record.frames[0], GREY)
    assert record.regions == ()
    assert record.window == (0.0, 255.0) or mess.startswith(("text", "number"))
    assert read_labels(path) is not None
    assert describe(path)["columns"] == 32
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "tail", [b"\0", b"\xfc\xff\xfc\xffOB\0\0\x10\0\0\0" + bytes(16), b"\xe0\x7f\x10", b"\xff" * 1000]
)
def test_what_follows_the_pixels_is_not_looked_at(tmp_path, tail):
    path = write(tmp_path / "a", ultrasound(GREY))
    path.write_bytes(path.read_bytes() + tail)
    np.testing.assert_array_equal(DicomSource().open(path).frames[0], GREY)


NAME = "Müller^Änne".encode("latin-1")
CHARSETS = [b"", b"ISO_IR 100", b"ISO_IR 192", b"ISO 2022 IR 87", b"\\ISO 2022 IR 149", b"GB18030"]
CHARSETS += [b"nonsense", b"\\\\\\", b"\xff\xfe"]


@pytest.mark.parametrize("charset", CHARSETS, ids=repr)
@pytest.mark.parametrize(
    "name", [NAME, b"\x1b$B\x1b", b"\xff\xfe\x00^=\x80==", b"^^^^^^=====", b"A" * 400], ids=range(5)
)
def test_names_in_any_character_set_make_labels(tmp_path, charset, name, capfd):
    path = write(tmp_path / "a", ultrasound(GREY))
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x16\x00UI")
    head = element(0x0008, 0x0005, b"CS", charset + b" " * (len(charset) % 2))
    behind = element(0x0010, 0x0010, b"PN", name + b" " * (len(name) % 2)) + element(0x0010, 0x0020, b"LO", b"4711")
    end = data.index(b"\x28\x00\x02\x00US")
    path.write_bytes(data[:at] + head + data[at:end] + behind + data[end:])
    labels = read_labels(path)
    assert labels.patient[0] == "4711"
    if (charset, name) == (b"ISO_IR 100", NAME):
        assert "Müller Änne" in labels.patient[1]
    record = DicomSource().open(path)
    np.testing.assert_array_equal(record.frames[0], GREY)
    assert capfd.readouterr() == ("", "")
