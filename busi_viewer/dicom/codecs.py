"""Decoders of single frames: JPEG (Pillow, and our own for more than 8 bits), JPEG-LS, JPEG 2000, RLE and uncompressed.

GDCM is not used: it aborts the process on damaged frames. Every compressed frame is first checked against the header, so
that no decoder is asked for more pixels than announced.
"""

from __future__ import annotations

import sys
from io import BytesIO
from itertools import pairwise
from typing import Any

import jpeg_ls
import numpy as np
from numpy.typing import NDArray
from openjpeg import utils as openjpeg
from PIL.JpegImagePlugin import JpegImageFile
from pydicom import uid
from rle.utils import decode_segment  # type: ignore[attr-defined]

from busi_viewer.dicom import deep_jpeg
from busi_viewer.dicom.codestream import JPEG2000_START, Codestream, describe
from busi_viewer.dicom.header import Layout

_LOSSLESS = 0xC3
Raw = NDArray[Any]
"""(H, W) stored values, or (H, W, 3)."""


class FrameError(Exception):
    """A frame that does not decode; the words are for the reader."""


def decode_compressed(data: bytes, layout: Layout, syntax: str) -> tuple[Raw, str]:
    """One frame and the photometric interpretation of the result. Raises FrameError, or whatever a decoder raises."""
    stream = describe(data)
    if stream is None:
        if syntax != uid.RLELossless:
            raise FrameError("no JPEG or JPEG 2000 data where a frame should be")
        return _rle(data, layout), layout.photometric
    if (stream.rows, stream.columns) != (layout.rows, layout.columns) or stream.samples not in (1, 3):
        raise FrameError(
            f"a frame holds {stream.columns} × {stream.rows} pixels of {stream.samples} samples, "
            f"the header announces {layout.columns} × {layout.rows}"
        )
    if stream.family == "jpeg":
        raw, photometric = _jpeg(data, stream, layout)
    elif stream.family == "jpeg-ls":
        raw, photometric = _jpeg_ls(data, stream), stream.colour or layout.photometric
    else:
        raw, photometric = _jpeg2000(data), _after_jpeg2000(layout.photometric)
    if raw.shape[:2] != (layout.rows, layout.columns):
        raise FrameError("a frame decodes to another size than announced")
    if raw.ndim == 2:
        bits = stream.precision if stream.family != "jpeg" else min(stream.precision, layout.bits_stored)
        raw = stored_values(raw, bits, layout.signed)
    return raw, photometric


def stored_values(raw: Raw, bits: int, signed: bool) -> Raw:
    """The values in the low ``bits`` of each sample, sign-extended where signed (the header decides, not the decoder)."""
    size = raw.dtype.itemsize
    values: Raw = raw.view(f"{raw.dtype.byteorder.replace('|', '=')}{'i' if signed else 'u'}{size}")
    spare = 8 * size - bits
    return (values << spare) >> spare if spare else values


def _jpeg(data: bytes, stream: Codestream, layout: Layout) -> tuple[Raw, str]:
    """JPEG baseline, extended, progressive and lossless. Lossless colour comes as stored, other colour as RGB."""
    grey = layout.photometric if layout.samples == 1 else "MONOCHROME2"
    if stream.precision != 8:
        try:
            deep = deep_jpeg.decode(data)
            return deep, grey if deep.ndim == 2 else layout.photometric
        except deep_jpeg.DeepJpegError as error:
            raise FrameError(str(error)) from error
    if stream.process not in (0xC0, 0xC1, 0xC2, _LOSSLESS):
        raise FrameError(f"this JPEG process (SOF{stream.process - 0xC0}) is not supported")
    lossless = stream.process == _LOSSLESS
    image = JpegImageFile(BytesIO(_without_colour_markers(data) if lossless else data))
    if stream.samples == 3 and stream.colour is None and layout.photometric == "RGB" and not lossless:
        image.draft("YCbCr", image.size)  # no colour transform: what is stored is RGB
    image.load()
    if stream.samples == 1:
        return np.asarray(image), grey
    return np.asarray(image), layout.photometric if lossless else "RGB"


def _without_colour_markers(data: bytes) -> bytes:
    """The stream with its JFIF and Adobe segments turned to comments, so that libjpeg tries no colour transform."""
    end = data.find(b"\xff\xda")
    return data[:end].replace(b"\xff\xe0", b"\xff\xfe").replace(b"\xff\xee", b"\xff\xfe") + data[end:]


def _jpeg_ls(data: bytes, stream: Codestream) -> Raw:
    buffer, info = jpeg_ls.decode_pixel_data(data)
    values = np.frombuffer(buffer, dtype=np.uint8 if stream.precision <= 8 else "<u2")
    if stream.samples == 1:
        return values.reshape(stream.rows, stream.columns)
    if info["interleave_mode"] == 0:
        return np.moveaxis(values.reshape(3, stream.rows, stream.columns), 0, -1)
    return values.reshape(stream.rows, stream.columns, 3)


def _jpeg2000(data: bytes) -> Raw:
    """The bare code stream is decoded: with a JP2 wrapper the decoder would convert colours by itself."""
    raw: Raw = openjpeg.decode(data[max(data.find(JPEG2000_START), 0) :])
    return raw


def _after_jpeg2000(photometric: str) -> str:
    """The decoder undoes the reversible and irreversible component transforms."""
    return "RGB" if photometric in ("YBR_RCT", "YBR_ICT") else photometric


def _rle(data: bytes, layout: Layout) -> Raw:
    """PS3.5 annex G: one segment a byte plane, most significant first."""
    planes, size = layout.samples * layout.bits_allocated // 8, layout.rows * layout.columns
    header = np.frombuffer(data[:64], dtype="<u4").tolist()
    if layout.bits_allocated < 8 or len(header) < 16 or header[0] != planes:
        raise FrameError("an RLE frame does not have the announced number of segments")
    bounds = [*header[1 : planes + 1], len(data)]
    stacked = np.empty((planes, size), dtype=np.uint8)
    for number, (start, end) in enumerate(pairwise(bounds)):
        segment = _unpacked(data[start:end]) if 64 <= start < end <= len(data) else b""
        if len(segment) < size:
            raise FrameError("an RLE frame is damaged")
        stacked[number] = np.frombuffer(segment, dtype=np.uint8, count=size)
    samples = stacked.reshape(layout.samples, -1, layout.rows, layout.columns)
    values: Raw = np.ascontiguousarray(np.moveaxis(samples, 1, -1)).view(f">u{layout.bits_allocated // 8}")[..., 0]
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return (
        np.moveaxis(values, 0, -1)
        if layout.samples == 3
        else stored_values(values[0], layout.bits_stored, layout.signed)
    )


def _unpacked(segment: bytes) -> bytes:
    """One RLE segment's bytes. Raises FrameError."""
    try:
        return bytes(decode_segment(segment))
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ != "PanicException":
            raise
        raise FrameError("an RLE frame is damaged") from error  # a panic of the decoder is no Exception


def frame_bits(layout: Layout, subsampled: bool) -> int:
    """Size of one uncompressed frame in bits; ``subsampled`` halves the chroma (YBR_FULL_422)."""
    samples = 2 if subsampled else layout.samples
    return layout.rows * layout.columns * samples * layout.bits_allocated


def unpack_native(data: bytes, bit: int, layout: Layout, subsampled: bool) -> Raw:
    """One uncompressed frame; of 1-bit pixels it starts at ``bit`` of the first byte."""
    order = "<" if layout.little_endian else ">"
    shape = (layout.rows, layout.columns)
    if layout.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[bit : bit + shape[0] * shape[1]].reshape(shape)
    kind = "f" if layout.floating else "u"
    raw: Raw = np.frombuffer(data, dtype=f"{order}{kind}{layout.bits_allocated // 8}")
    raw = raw.astype(raw.dtype.newbyteorder(sys.byteorder), copy=False)
    if subsampled:
        return _full_chroma(raw.reshape(shape[0], -1, 4))
    if layout.samples == 3:
        return np.moveaxis(raw.reshape(3, *shape), 0, -1) if layout.by_plane else raw.reshape(*shape, 3)
    raw = raw.reshape(shape)
    return raw if layout.floating else stored_values(raw, layout.bits_stored, layout.signed)


def _full_chroma(pairs: Raw) -> Raw:
    """YBR_FULL_422 as stored, (H, W/2, [Y Y Cb Cr]), to (H, W, 3)."""
    height, half, _ = pairs.shape
    full = np.empty((height, half, 2, 3), dtype=pairs.dtype)
    full[..., 0] = pairs[..., :2]
    full[..., 1:] = pairs[..., None, 2:]
    return full.reshape(height, half * 2, 3)
