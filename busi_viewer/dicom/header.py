"""The part of a DICOM file before its pixels, and where the pixels are. Nothing large is read."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from pydicom import uid
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread, read_dataset

from busi_viewer.core.errors import TooLarge, UnreadableImage
from busi_viewer.core.files import SMALL_BYTES, check_memory, check_size
from busi_viewer.core.memory import available
from busi_viewer.dicom.directory import listing
from busi_viewer.dicom.values import integer, items, number, text, value

MAX_INFLATED = 2**30
"""Largest deflated data set that is unpacked (1 GiB)."""

DEFER_BYTES = 2**20
"""Elements above this size are left in the file."""

NATIVE = {
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
}
ENCAPSULATED = {
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.JPEG2000MCLossless,
    uid.JPEG2000MC,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
    uid.RLELossless,
}
_PIXEL_KEYWORDS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}
_PIXEL_TAGS = {0x7FE00000 | element for element in _PIXEL_KEYWORDS}
_LONG_VRS = {b"OB", b"OW", b"OF", b"OD", b"UN", b"OL", b"OV"}
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Layout:
    """How the pixels are stored. ``frames`` is the announced number, None where the announcement is unreadable.

    ``bits_allocated`` is 1, 8, 16, 32 or 64 (floating point), ``bits_stored`` is at most that, ``samples`` is 1 or 3.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    by_plane: bool
    photometric: str
    frames: int | None
    little_endian: bool
    floating: bool
    swapped_bytes: bool


@dataclass(frozen=True)
class Header:
    """Everything before the pixels. ``offset`` is where the pixels start, ``length`` their bytes (None: encapsulated).

    ``syntax`` is the transfer syntax. ``body`` holds the unpacked data set of a deflated file, which the offset refers to.
    """

    dataset: Dataset
    syntax: str
    offset: int
    length: int | None
    layout: Layout
    body: bytes | None


def read_header(stream: BufferedReader, path: Path) -> Header:
    """Read up to the pixels. Raises UnreadableImage if there are none or they cannot be located, TooLarge."""
    body = _inflated(stream, path)
    source: BinaryIO = stream if body is None else BytesIO(body)
    if body is None:
        stream.seek(0)
        ds: Dataset = dcmread(source, stop_before_pixels=True, force=True, defer_size=DEFER_BYTES)
        implicit, little = ds.original_encoding
        meta = getattr(ds, "file_meta", Dataset())
        syntax = text(meta, "TransferSyntaxUID")
    else:
        ds = read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag in _PIXEL_TAGS)
        implicit, little, meta, syntax = False, True, Dataset(), str(uid.DeflatedExplicitVRLittleEndian)
    if syntax is not None and syntax not in NATIVE | ENCAPSULATED:
        raise UnreadableImage(
            f"its compression ({uid.UID(syntax).name}) is not supported",
            path=path,
            remedy="Export it uncompressed or as JPEG, JPEG 2000 or RLE.",
        )
    element = _pixel_element(source, bool(implicit), bool(little))
    if element is None:
        raise _without_pixels(ds, meta, path)
    keyword, vr, length = element
    layout = _layout(ds, keyword, vr, bool(little), path)
    fallback = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
    return Header(ds, syntax or str(fallback), source.tell(), length, layout, body)


def _inflated(stream: BufferedReader, path: Path) -> bytes | None:
    """The unpacked data set of a deflated file, None for any other. Raises TooLarge for a decompression bomb."""
    stream.seek(128)
    if stream.read(4) != b"DICM" or str(uid.DeflatedExplicitVRLittleEndian).encode() not in stream.read(4096):
        return None
    stream.seek(132)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    if text(meta, "TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
        return None
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = os.fstat(stream.fileno()).st_size
    check_memory(packed, path)
    most = min(MAX_INFLATED, max(available() - packed, SMALL_BYTES))
    body = unpacker.decompress(stream.read(), most)
    if unpacker.unconsumed_tail:
        raise TooLarge(
            f"its deflated data unpack to more than {most / 2**30:.1f} GiB",
            path=path,
            remedy="Export it uncompressed.",
        )
    return body


def _pixel_element(source: BinaryIO, implicit: bool, little: bool) -> tuple[str, bytes, int | None] | None:
    """(keyword, VR, length or None if undefined) of the pixel element at the current position; leaves it at the value."""
    order: Literal["little", "big"] = "little" if little else "big"
    head = source.read(8)
    group, element = int.from_bytes(head[0:2], order), int.from_bytes(head[2:4], order)
    if len(head) < 8 or group != 0x7FE0 or element not in _PIXEL_KEYWORDS:
        return None
    vr, length_bytes = b"OW", head[4:8]
    if not implicit and head[4:6].isalpha():  # some writers switch to implicit VR for the pixels
        vr = head[4:6]
        length_bytes = source.read(4) if vr in _LONG_VRS else head[6:8]
    length = int.from_bytes(length_bytes, order)
    return _PIXEL_KEYWORDS[element], vr, None if length == _UNDEFINED else length


def _without_pixels(ds: Dataset, meta: Dataset, path: Path) -> UnreadableImage:
    """The error for a DICOM file that holds no image."""
    if items(ds, "EncryptedAttributesSequence"):
        return UnreadableImage(
            "its contents are encrypted", path=path, remedy="Export it without encryption from where it was made."
        )
    sop = text(ds, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID")
    if value(ds, "DirectoryRecordSequence") is not None or sop == uid.MediaStorageDirectoryStorage:
        return _index(ds, path)
    kind = f" ({uid.UID(sop).name})" if sop in UID_dictionary else ""
    return UnreadableImage(f"this DICOM file{kind} holds no pixels", path=path, remedy="Choose an image of the study.")


def _index(ds: Dataset, path: Path) -> UnreadableImage:
    """The error for a DICOMDIR: how many of its images are missing, if any."""
    found = listing(ds, path)
    if found is None or not found.missing:
        return UnreadableImage(
            "this is a DICOMDIR, an index of images without pixels", path=path, remedy="Open the images it lists."
        )
    total = len(found.missing) + len(found.images)
    return UnreadableImage(
        f"{len(found.missing)} of the {total} images that this DICOMDIR lists are missing, the first is {found.missing[0][:80]}",
        path=path,
        remedy="Copy the whole medium again, with all its folders.",
    )


def _layout(ds: Dataset, keyword: str, vr: bytes, little: bool, path: Path) -> Layout:
    """The checked pixel description. Raises UnreadableImage for one that makes no sense, TooLarge."""
    rows, columns = integer(ds, "Rows") or 0, integer(ds, "Columns") or 0
    check_size(columns, rows, path)
    floating = keyword != "PixelData"
    samples = integer(ds, "SamplesPerPixel") or 1
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or integer(ds, "BitsAllocated") or 0
    stored = integer(ds, "BitsStored") or allocated
    photometric = (text(ds, "PhotometricInterpretation") or ("RGB" if samples == 3 else "MONOCHROME2")).upper()
    if samples not in (1, 3) or (allocated not in (1, 8, 16, 32) and not floating):
        raise UnreadableImage(
            f"its pixels have {samples} samples of {allocated} bits, which is not supported",
            path=path,
            remedy="Export it as 8-bit or 16-bit grey or colour.",
        )
    frames = integer(ds, "NumberOfFrames") if "NumberOfFrames" in ds else 1
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored if 1 <= stored <= allocated else allocated,
        signed=number(ds, "PixelRepresentation") == 1,
        by_plane=number(ds, "PlanarConfiguration") == 1 and samples == 3,
        photometric=photometric,
        frames=frames if frames is None or frames > 0 else 1,
        little_endian=little,
        floating=floating,
        swapped_bytes=not little and allocated == 8 and vr == b"OW",
    )
