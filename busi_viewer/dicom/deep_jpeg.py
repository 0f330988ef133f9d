"""JPEG of more than 8 bits per sample, which Pillow cannot decode: lossless (process 14), and 12-bit extended of grey images.

Plain Python after ITU-T T.81, about a quarter of a second for 512 × 512 pixels. Such images are rare in ultrasound, and the
permissively licensed native decoder (GDCM) aborts the whole process on damaged data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_SOF_EXTENDED, _SOF_LOSSLESS = 0xC1, 0xC3
_ZIGZAG = np.array(sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8))))
MAX_SAMPLES = 2**24
"""Largest image decoded here, for the sake of time and memory."""

_Table = list[tuple[int, int]]
"""For every 16-bit window: (length of the code at its start or 0, the code's value)."""


class DeepJpegError(Exception):
    """A stream that is damaged or uses something not supported; the words are for the reader."""


@dataclass
class _Header:
    """What the marker segments say. ``scan`` is where the entropy-coded data begin.

    ``tables``: the Huffman tables (DC, AC) of each component; ``interval``: units between restart markers, 0 for none.
    """

    process: int = 0
    precision: int = 0
    rows: int = 0
    columns: int = 0
    predictor: int = 0
    shift: int = 0
    scan: int = 0
    components: int = 1
    subsampled: bool = False
    tables: list[tuple[int, int]] = field(default_factory=list)
    interval: int = 0
    quantisation_table: int = 0
    huffman: dict[tuple[int, int], _Table] = field(default_factory=dict)
    quantisation: dict[int, NDArray[np.int64]] = field(default_factory=dict)


def decode(data: bytes) -> NDArray[np.uint16]:
    """The samples (H, W), or (H, W, 3) of a stream of three components. Raises DeepJpegError."""
    header = _read_header(data)
    if not header.rows or not header.columns:
        raise DeepJpegError("its JPEG header is damaged")
    parts = _intervals(data[header.scan :])
    try:
        if header.process == _SOF_LOSSLESS:
            return _lossless(header, parts)
        return _extended(header, parts)
    except (IndexError, KeyError, ValueError) as error:
        raise DeepJpegError("its JPEG data are damaged") from error


def _read_header(data: bytes) -> _Header:
    header, position = _Header(), 2
    while position + 4 <= len(data):
        if data[position] != 0xFF or data[position + 1] in (0x00, 0xFF):
            position += 1
            continue
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        position += 2 + length
        try:
            _segment(header, marker, body)
        except (IndexError, ValueError) as error:
            raise DeepJpegError("its JPEG header is damaged") from error
        if marker == 0xDA:
            header.scan = position
            return header
    raise DeepJpegError("its JPEG header is damaged")


def _segment(header: _Header, marker: int, body: bytes) -> None:
    if marker in (_SOF_EXTENDED, _SOF_LOSSLESS):
        header.process, header.precision = marker, body[0]
        header.rows, header.columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        header.quantisation_table = body[8]
        header.components = body[5]
        header.subsampled = any(factors != 0x11 for factors in body[7 : 6 + 3 * body[5] : 3])
        if header.rows * header.columns * max(header.components, 1) > MAX_SAMPLES:
            raise DeepJpegError("JPEG of more than 8 bits and more than 16 million samples is not supported")
    elif marker == 0xC4:
        _read_huffman(header, body)
    elif marker == 0xDB:
        _read_quantisation(header, body)
    elif marker == 0xDD:
        header.interval = int.from_bytes(body[:2], "big")
    elif marker == 0xDA:
        header.tables = [(both >> 4, both & 15) for both in body[2 : 1 + 2 * body[0] : 2]]
        header.predictor, header.shift = body[1 + 2 * body[0]], body[3 + 2 * body[0]] & 15


def _read_huffman(header: _Header, body: bytes) -> None:
    position = 0
    while position + 17 <= len(body):
        identity = (body[position] >> 4, body[position] & 15)
        counts = body[position + 1 : position + 17]
        symbols = body[position + 17 : position + 17 + sum(counts)]
        position += 17 + len(symbols)
        table: _Table = []
        rest = iter(symbols)
        for length, count in enumerate(counts, start=1):
            for _, symbol in zip(range(count), rest, strict=False):
                table += [(length, symbol)] * (1 << (16 - length))
                if len(table) > 65536:
                    raise DeepJpegError("its JPEG header is damaged")
        header.huffman[identity] = table + [(0, 0)] * (65536 - len(table))


def _read_quantisation(header: _Header, body: bytes) -> None:
    position = 0
    while position < len(body):
        wide, identity = body[position] >> 4, body[position] & 15
        size = 128 if wide else 64
        values = np.frombuffer(body[position + 1 : position + 1 + size], dtype=">u2" if wide else "u1")
        if len(values) == 64:
            header.quantisation[identity] = values.astype(np.int64)
        position += 1 + size


def _intervals(data: bytes) -> list[bytes]:
    """The entropy-coded data between restart markers, up to any other marker."""
    parts, start = [], 0
    position = data.find(b"\xff")
    while position >= 0:
        marker = data[position + 1 : position + 2]
        if marker and 0xD0 <= marker[0] <= 0xD7:
            parts.append(data[start:position])
            start = position + 2
        elif marker != b"\x00":
            break
        position = data.find(b"\xff", position + 2)
    return [*parts, data[start : position if position >= 0 else len(data)]]


class _Bits:
    """Reads Huffman codes and the bits that follow them."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\xff\x00", b"\xff") + bytes(8)
        self._next, self._held, self._count = 0, 0, 0

    def difference(self, table: _Table) -> int:
        """A code of size category s, then s bits as a signed difference (T.81 F.2.2.1); category 16 is 32768."""
        size = self.symbol(table)
        return 32768 if size == 16 else self.signed(size)

    def symbol(self, table: _Table) -> int:
        """The next code's value."""
        if self._count < 16:
            self._fill()
        length, value = table[self._held >> (self._count - 16) & 0xFFFF]
        if length == 0:
            raise ValueError("no such code")
        self._count -= length
        self._held &= (1 << self._count) - 1
        return value

    def signed(self, size: int) -> int:
        """The next ``size`` (0…15) bits; values below half of the range are negative."""
        if size == 0:
            return 0
        if size > 15:
            raise ValueError("no such size")
        if self._count < size:
            self._fill()
        self._count -= size
        value = self._held >> self._count
        self._held &= (1 << self._count) - 1
        return value if value >> (size - 1) else value - (1 << size) + 1

    def _fill(self) -> None:
        chunk = self._data[self._next : self._next + 6]
        if len(chunk) < 6:
            if self._next > len(self._data) + 16:
                raise IndexError("the data end too early")
            chunk = chunk.ljust(6, b"\x00")
        self._next += 6
        self._held = self._held << 48 | int.from_bytes(chunk, "big")
        self._count += 48


def _lossless(header: _Header, parts: list[bytes]) -> NDArray[np.uint16]:
    """Spatial prediction (T.81 annex H), modulo 65536. An interval between restarts is whole rows, predicted by themselves."""
    if not (1 <= header.predictor <= 7 and header.shift < header.precision <= 16):
        raise DeepJpegError("its JPEG header is damaged")
    if header.components not in (1, 3) or header.subsampled or len(header.tables) != header.components:
        raise DeepJpegError("JPEG colour of more than 8 bits that is not stored pixel by pixel is not supported")
    rows, columns = header.rows, header.columns
    step = header.interval // columns if header.interval else rows
    if header.interval % columns or len(parts) < -(-rows // step):
        raise ValueError("restarts within a row, or too few")
    tables = [header.huffman[0, dc] for dc, _ in header.tables]
    start = 1 << (header.precision - header.shift - 1)
    strips = []
    for top, data in zip(range(0, rows, step), parts, strict=False):
        shape = (min(step, rows - top), columns, len(tables))
        read = _Bits(data).difference
        samples = (read(table) for _ in range(shape[0] * columns) for table in tables)
        differences = np.fromiter(samples, dtype=np.int64, count=shape[0] * columns * len(tables)).reshape(shape)
        planes = [_reconstruct(differences[..., plane], header.predictor, start) for plane in range(shape[2])]
        strips.append(np.stack(planes, axis=-1))
    image = ((np.concatenate(strips) & 0xFFFF) << header.shift).astype(np.uint16)
    return image[..., 0] if header.components == 1 else image


def _reconstruct(differences: NDArray[np.int64], predictor: int, start: int) -> NDArray[np.int64]:
    """Undo the prediction: the first row is predicted from the left, the first column from above."""
    out = differences.copy()
    out[0, 0] += start
    out[0] = np.cumsum(out[0])
    out[:, 0] = np.cumsum(out[:, 0])
    if predictor == 1:
        return np.cumsum(np.concatenate([out[:, :1], differences[:, 1:]], axis=1), axis=1)
    if predictor == 2:
        return np.cumsum(np.concatenate([out[:1], differences[1:]], axis=0), axis=0)
    predict = _PREDICTORS[predictor]
    above = (out[0] & 0xFFFF).tolist()
    for y in range(1, len(out)):
        row = differences[y].tolist()
        row[0] = int(out[y, 0]) & 0xFFFF
        for x in range(1, len(row)):
            row[x] = (row[x] + predict(row[x - 1], above[x], above[x - 1])) & 0xFFFF
        out[y] = above = row
    return out


_PREDICTORS: dict[int, Callable[[int, int, int], int]] = {
    3: lambda a, b, c: c,
    4: lambda a, b, c: a + b - c,
    5: lambda a, b, c: a + ((b - c) >> 1),
    6: lambda a, b, c: b + ((a - c) >> 1),
    7: lambda a, b, c: (a + b) >> 1,
}
"""T.81 table H.1; a = left, b = above, c = above left."""


def _extended(header: _Header, parts: list[bytes]) -> NDArray[np.uint16]:
    """Sequential DCT of 12-bit samples (T.81 annex F)."""
    if header.process != _SOF_EXTENDED or header.precision != 12:
        raise DeepJpegError(f"JPEG with {header.precision} bits per sample is not supported")
    if header.components != 1 or len(header.tables) != 1:
        raise DeepJpegError("12-bit JPEG colour with loss is not supported")
    down, across = -(-header.rows // 8), -(-header.columns // 8)
    step = header.interval or down * across
    coefficients = np.zeros((down * across, 64), dtype=np.int64)
    for first, data in zip(range(0, len(coefficients), step), parts, strict=False):
        _read_blocks(header, _Bits(data), coefficients[first : first + step])
    if len(parts) < -(-len(coefficients) // step):
        raise ValueError("too few restarts")
    scaled = np.empty((down * across, 64))
    scaled[:, _ZIGZAG] = coefficients * header.quantisation[header.quantisation_table]
    basis = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    samples = basis.T @ scaled.reshape(-1, 8, 8) @ basis + 2048
    image = samples.reshape(down, across, 8, 8).swapaxes(1, 2).reshape(down * 8, across * 8)
    return np.clip(np.rint(image), 0, 4095).astype(np.uint16)[: header.rows, : header.columns]


def _read_blocks(header: _Header, bits: _Bits, coefficients: NDArray[np.int64]) -> None:
    """Fill (N, 64) quantised coefficients in zigzag order."""
    (dc, ac), level = header.tables[0], 0
    dc_table, ac_table = header.huffman[0, dc], header.huffman[1, ac]
    for block in coefficients:
        level += bits.difference(dc_table)
        block[0] = level
        at = 1
        while at < 64:
            symbol = bits.symbol(ac_table)
            run, size = symbol >> 4, symbol & 15
            if size == 0 and run != 15:
                break
            at += run
            block[at] = bits.signed(size)
            at += 1
