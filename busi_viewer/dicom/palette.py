"""PALETTE COLOR look-up tables (PS3.3 C.7.6.3.1.5, C.7.9.2) as one RGB table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from busi_viewer.dicom.codecs import FrameError
from busi_viewer.dicom.values import numbers, value

_MAX_ENTRIES = 65536


def palette_table(ds: Dataset, bits: int, base: int, little_endian: bool) -> NDArray[np.uint8]:
    """(2**bits, 3) uint8: the colour of every stored value from ``base`` on. Raises FrameError for a missing or damaged palette."""
    channels = [_channel(ds, name, np.arange(2**bits) + base, little_endian) for name in ("Red", "Green", "Blue")]
    table = np.stack(channels, axis=1)
    # Entries of 16 bits of which only the lower 8 are used are a common mistake.
    return (table >> 8 if table.max(initial=0) > 255 else table).astype(np.uint8)


def _channel(ds: Dataset, name: str, stored: NDArray[np.int_], little_endian: bool) -> NDArray[np.uint16]:
    descriptor = numbers(ds, f"{name}PaletteColorLookupTableDescriptor")
    if len(descriptor) != 3 or descriptor[2] not in (8, 16) or not 0 <= descriptor[0] < _MAX_ENTRIES:
        raise FrameError("its colour palette is missing or damaged")
    count, first, depth = int(descriptor[0]) or _MAX_ENTRIES, int(descriptor[1]), int(descriptor[2])
    data = value(ds, f"{name}PaletteColorLookupTableData")
    segments = value(ds, f"Segmented{name}PaletteColorLookupTableData")
    if isinstance(data, bytes):
        entries = _entries(data, count, little_endian)
    elif isinstance(segments, bytes):
        order = ("<" if little_endian else ">") + ("u2" if depth == 16 else "u1")
        words = np.frombuffer(segments[: len(segments) // (depth // 8) * (depth // 8)], dtype=order)
        entries = np.array(_expand(words.tolist(), depth), dtype=np.int64)
    else:
        raise FrameError("its colour palette is missing or damaged")
    if len(entries) < count:
        raise FrameError("its colour palette is shorter than announced")
    index = np.clip(stored - first, 0, count - 1)
    return np.asarray(np.clip(entries[index], 0, 65535), dtype=np.uint16)


def _entries(data: bytes, count: int, little_endian: bool) -> NDArray[Any]:
    """Entries of one byte each (packed in words), or of two."""
    words = np.frombuffer(data[: len(data) // 2 * 2], dtype="<u2" if little_endian else ">u2")
    return words if len(words) >= count else words.astype("<u2").view(np.uint8)


def _expand(words: list[int], depth: int) -> list[int]:
    """Segmented palette data of 8 or 16 bits as entries (PS3.3 C.7.9.2); what is damaged ends them."""
    entries: list[int] = []
    _append_segments(entries, words, 0, len(words), depth, may_repeat=True)
    return entries


def _append_segments(
    entries: list[int], words: list[int], position: int, segments: int, depth: int, *, may_repeat: bool
) -> None:
    """Append so many segments from ``position`` on: discrete (0), linear (1), or (2) others repeated from a byte offset."""
    for _ in range(segments):
        before = len(entries)
        if position + 3 > len(words) or before >= _MAX_ENTRIES:
            return
        opcode, length = words[position], words[position + 1]
        if opcode == 0:
            entries += words[position + 2 : position + 2 + length]
            position += 2 + length
        elif opcode == 1 and entries:
            run = np.linspace(entries[-1], words[position + 2], length + 1)[1:]
            entries += np.rint(run).astype(int).tolist()
            position += 3
        elif opcode == 2 and may_repeat:
            after = position + 2 + 32 // depth
            offset = sum(word << (depth * number) for number, word in enumerate(words[position + 2 : after]))
            _append_segments(entries, words, offset * 8 // depth, length, depth, may_repeat=False)
            position = after
        if len(entries) == before:
            return
