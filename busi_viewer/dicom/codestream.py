"""What a compressed frame says about itself, read before any decoder touches it."""

from __future__ import annotations

from dataclasses import dataclass

JPEG2000_START = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Codestream:
    """``family`` is jpeg, jpeg-ls or jpeg2000; ``process`` the JPEG frame marker's low byte (0xC0 baseline … 0xC3 lossless).

    ``colour`` is what the JPEG markers settle about three components: "RGB", "YBR" or None.
    """

    family: str
    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool
    process: int
    colour: str | None


def describe(data: bytes) -> Codestream | None:
    """The description of a JPEG, JPEG-LS or JPEG 2000 frame, or None if it is none of these or damaged."""
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data.startswith(_JP2_SIGNATURE):
        start = data.find(JPEG2000_START, 0, 65536)
        return _jpeg2000(data[start:]) if start > 0 else None
    return _jpeg2000(data) if data.startswith(JPEG2000_START) else None


def _jpeg(data: bytes) -> Codestream | None:
    """Walk the marker segments up to the frame header (ITU-T T.81 B.2)."""
    position, jfif, adobe = 2, False, None
    while position + 4 <= len(data):
        if data[position] != 0xFF or data[position + 1] in (0x00, 0xFF):
            position += 1  # stray and fill bytes between segments are tolerated, as decoders do
            continue
        marker = data[position + 1]
        if marker in _STANDALONE:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if marker in _FRAME_MARKERS:
            return _jpeg_frame(marker, body, jfif, adobe)
        if length < 2 or marker in (0xD9, 0xDA):
            return None
        if marker == 0xE0 and body.startswith(b"JFIF"):
            jfif = True
        if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        position += 2 + length
    return None


def _jpeg_frame(marker: int, body: bytes, jfif: bool, adobe: int | None) -> Codestream | None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return None
    identifiers = bytes(body[6 : 6 + 3 * body[5] : 3])
    colour = None
    if body[5] == 3:
        if jfif:
            colour = "YBR"
        elif adobe is not None:
            colour = "RGB" if adobe == 0 else "YBR"
        elif identifiers in (b"RGB", b"rgb"):
            colour = "RGB"
    return Codestream(
        family="jpeg-ls" if marker == 0xF7 else "jpeg",
        rows=int.from_bytes(body[1:3], "big"),
        columns=int.from_bytes(body[3:5], "big"),
        samples=body[5],
        precision=body[0],
        signed=False,
        process=marker,
        colour=colour,
    )


def _jpeg2000(data: bytes) -> Codestream | None:
    """The SIZ segment (ITU-T T.800 A.5.1); None also for components of different depth or size."""
    if len(data) < 42:
        return None
    sizes = [int.from_bytes(data[i : i + 4], "big") for i in range(8, 40, 4)]
    width, height, x0, y0, tile_width, tile_height = sizes[:6]
    samples = int.from_bytes(data[40:42], "big")
    components = data[42 : 42 + 3 * samples]
    if samples == 0 or len(components) < 3 * samples or 0 in (tile_width, tile_height):
        return None
    if len(set(components[0::3])) != 1 or set(components[1::3]) | set(components[2::3]) != {1}:
        return None
    depth = components[0]
    return Codestream("jpeg2000", height - y0, width - x0, samples, (depth & 0x7F) + 1, bool(depth & 0x80), 0, None)
