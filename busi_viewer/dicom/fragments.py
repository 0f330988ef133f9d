"""Where the frames of encapsulated pixel data are: an index made once, without reading the frames (PS3.5 annex A.4)."""

from __future__ import annotations

from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.errors import UnreadableImage

MAX_FRAGMENTS = 200_000
"""Largest number of fragments in one file."""

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""First bytes of a JPEG, JPEG-LS and JPEG 2000 code stream."""


@dataclass(frozen=True)
class Fragment:
    """A piece of a frame: its position and length in the file, and how many of its bytes the file really has."""

    offset: int
    length: int
    present: int
    starts_frame: bool


Frame = tuple[Fragment, ...]


def scan(stream: BinaryIO, offset: int, path: Path) -> tuple[list[Fragment], list[int]]:
    """The fragments from the start of the pixel data on, and the basic offset table. Raises UnreadableImage."""
    end = stream.seek(0, SEEK_END)
    stream.seek(offset)
    fragments: list[Fragment] = []
    table: list[int] = []
    position, first = offset, True
    while position + 8 <= end:
        stream.seek(position)
        head = stream.read(12)
        if head[:4] == _DELIMITER:
            break
        if head[:4] != _ITEM:
            raise _damaged(path)
        length, start = int.from_bytes(head[4:8], "little"), position + 8
        if first:
            stream.seek(start)
            words = stream.read(max(min(length, end - start, 4 * MAX_FRAGMENTS), 0))
            table = np.frombuffer(words[: len(words) // 4 * 4], dtype="<u4").tolist()
        elif length:
            present = max(min(length, end - start), 0)
            fragments.append(
                Fragment(start, length, present, head[8:].startswith(_STARTS[0]) or head[8:] == _STARTS[1])
            )
        if len(fragments) > MAX_FRAGMENTS:
            raise _damaged(path)
        first, position = False, start + length
    if not fragments:
        raise UnreadableImage("its pixel data are empty", path=path, remedy="Export or copy the image again.")
    return fragments, table


def group(
    fragments: list[Fragment], table: list[int], announced: int | None, extended: NDArray[np.uint64]
) -> list[Frame]:
    """Fragments grouped to frames: by the offset tables if they fit, else by where code streams start, else one each.

    ``announced`` is the header's number of frames (None = unreadable), ``extended`` the extended offset table or empty.
    """
    base = fragments[0].offset - 8
    for offsets in (extended.tolist(), table):
        if offsets and (announced is None or len(offsets) == announced):
            known = set(offsets)
            by_offset = _split(fragments, [fragment.offset - 8 - base in known for fragment in fragments])
            if len(by_offset) == len(offsets):
                return by_offset
    if fragments[0].starts_frame:
        return _split(fragments, [fragment.starts_frame for fragment in fragments])
    if announced == 1:
        return [tuple(fragments)]
    return [(fragment,) for fragment in fragments]


def _split(fragments: list[Fragment], starts: list[bool]) -> list[Frame]:
    frames: list[list[Fragment]] = []
    for fragment, start in zip(fragments, starts, strict=True):
        if start or not frames:
            frames.append([])
        frames[-1].append(fragment)
    return [tuple(frame) for frame in frames]


def _damaged(path: Path) -> UnreadableImage:
    return UnreadableImage("its compressed pixel data are damaged", path=path, remedy="Export or copy the image again.")
