"""Access to the stored pixels of a DICOM file, one frame at a time, straight from the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_END, BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from busi_viewer.core.errors import UnreadableImage, UserError
from busi_viewer.core.files import Stamp, open_regular, stamp_of
from busi_viewer.dicom.codecs import FrameError, Raw, decode_compressed, frame_bits, unpack_native
from busi_viewer.dicom.fragments import Frame, group, scan
from busi_viewer.dicom.header import NATIVE, Header
from busi_viewer.dicom.values import value


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever pydicom or a decoder raises into UnreadableImage; our own errors pass."""
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UnreadableImage(
            "the image does not fit in memory", path=path, remedy="Close other programs or export fewer pixels."
        ) from error
    except FrameError as error:
        raise UnreadableImage(str(error), path=path, remedy="Export or copy the image again.") from error
    except Exception as error:  # the boundary to pydicom and the decoders, which raise anything on damaged data
        raise UnreadableImage(
            f"the DICOM file is damaged ({type(error).__name__})", path=path, remedy="Export or copy the image again."
        ) from error


@dataclass(frozen=True)
class StoredPixels:
    """The frames of one file. ``index`` gives each compressed frame's fragments; it is empty for uncompressed data.

    ``stamp`` is the file's (size, modification time) when it was opened.
    """

    path: Path
    header: Header
    count: int
    index: tuple[Frame, ...]
    subsampled: bool
    stamp: Stamp
    warnings: tuple[str, ...]

    def raw(self, frame: int) -> tuple[Raw, str]:
        """Frame ``frame`` as stored, and its photometric interpretation. Raises UnreadableImage."""
        with reading(self.path), self._source() as source:
            if not self.index:
                return self._native(source, frame)
            pieces = []
            for fragment in self.index[frame]:
                source.seek(fragment.offset)
                pieces.append(source.read(fragment.present))
            return decode_compressed(b"".join(pieces), self.header.layout, self.header.syntax)

    def _native(self, source: BinaryIO, frame: int) -> tuple[Raw, str]:
        layout = self.header.layout
        bits = frame_bits(layout, self.subsampled)
        start, length = frame * bits // 8, (bits + 7 + frame * bits % 8) // 8
        skip = start % 2 if layout.swapped_bytes else 0
        source.seek(self.header.offset + start - skip)
        data = source.read(length + skip + (1 if layout.swapped_bytes else 0))
        if layout.swapped_bytes:
            words = np.frombuffer(data[: len(data) // 2 * 2], dtype=np.uint16)
            data = words.byteswap().tobytes() + data[len(data) // 2 * 2 :]
        data = data[skip : skip + length]
        return unpack_native(data, frame * bits % 8, layout, self.subsampled), layout.photometric

    @contextmanager
    def _source(self) -> Iterator[BinaryIO]:
        if self.header.body is not None:
            yield BytesIO(self.header.body)
            return
        with open_regular(self.path) as stream:
            if stamp_of(stream) != self.stamp:
                raise UnreadableImage(
                    "the file has changed since it was opened", path=self.path, remedy="Open it again."
                )
            yield stream


def locate(stream: BufferedReader, header: Header, path: Path) -> StoredPixels:
    """Find every frame without decoding any. Raises UnreadableImage if not even one is whole."""
    source: BinaryIO = stream if header.body is None else BytesIO(header.body)
    native = header.syntax in NATIVE and header.length is not None
    if native or (header.length is not None and header.length > 0 and _fits_uncompressed(header)):
        return _locate_native(source, header, path, stamp_of(stream))
    if header.length is not None:
        raise UnreadableImage(
            "its compressed pixel data are damaged" if header.length else "its pixel data are empty",
            path=path,
            remedy="Export or copy the image again.",
        )
    return _locate_frames(source, header, path, stamp_of(stream))


def _fits_uncompressed(header: Header) -> bool:
    """Whether pixels announced as compressed have just the size of uncompressed ones."""
    expected = (frame_bits(header.layout, False) * (header.layout.frames or 1) + 7) // 8
    return header.length in (expected, expected + expected % 2)


def _locate_native(source: BinaryIO, header: Header, path: Path, stamp: Stamp) -> StoredPixels:
    layout = header.layout
    present = min(header.length or 0, max(source.seek(0, SEEK_END) - header.offset, 0))
    announced = layout.frames
    subsampled = layout.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422") and layout.samples == 3
    if subsampled and announced and header.length:
        subsampled = header.length < frame_bits(layout, False) * announced // 8
    bits = frame_bits(layout, subsampled)
    whole = present * 8 // bits
    if whole == 0:
        raise _truncated(present * 8 / bits, path)
    count = whole if announced is None else min(whole, announced)
    return StoredPixels(path, header, count, (), subsampled, stamp, _missing(count, announced))


def _locate_frames(source: BinaryIO, header: Header, path: Path, stamp: Stamp) -> StoredPixels:
    fragments, table = scan(source, header.offset, path)
    extended = value(header.dataset, "ExtendedOffsetTable")
    words = extended[: len(extended) // 8 * 8] if isinstance(extended, bytes) else b""
    frames = group(fragments, table, header.layout.frames, np.frombuffer(words, dtype="<u8"))
    whole = [frame for frame in frames if all(fragment.present == fragment.length for fragment in frame)]
    if not whole:
        share = sum(fragment.present for fragment in frames[0]) / sum(fragment.length for fragment in frames[0])
        raise _truncated(share, path)
    announced = header.layout.frames
    if announced is not None and len(whole) > announced and not fragments[0].starts_frame:
        whole = whole[:announced]
    return StoredPixels(path, header, len(whole), tuple(whole), False, stamp, _missing(len(whole), announced))


def _truncated(share: float, path: Path) -> UnreadableImage:
    percent = min(int(share * 100), 99)
    return UnreadableImage(
        f"the file is incomplete: only {percent} % of its pixels are there",
        path=path,
        remedy="Copy or export it again.",
    )


def _missing(count: int, announced: int | None) -> tuple[str, ...]:
    """A warning where the file holds another number of whole frames than it announces."""
    if announced is None or count == announced:
        return ()
    return (f"The file announces {announced} frames and holds {count} whole ones.",)
