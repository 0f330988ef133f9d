"""Files given by the user: opened only if they are ordinary, readable, non-empty and of a sane size; and what identifies them."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import weakref
from io import BufferedReader
from math import sqrt
from pathlib import Path

from busi_viewer.core.errors import TooLarge, UnreadableImage
from busi_viewer.core.image import MAX_PIXELS
from busi_viewer.core.memory import available

MAX_BYTES = 4 * 2**30
"""Largest file that is opened (4 GiB)."""
PIXEL_BYTES = 40
"""Memory that opening takes for each pixel at most: 32 were measured for a float TIFF, 6 to 20 for others."""
HASHED_AT_ONCE = 32 * 2**20
"""A file up to this size is hashed while it is opened (20 ms); of a larger one, the first frame is shown meanwhile."""
_PART = 2**20
SMALL_BYTES = 200 * 2**20
"""What is always assumed to be there for an image, and left free by a larger one (5 million pixels)."""


Stamp = tuple[int, int]
"""Size and modification time (ns) of a file."""


class LateDigest:
    """SHA-256 of a large file as it was when it was opened. Implements :class:`~busi_viewer.core.image.Digest`, for any thread."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self._path, self.stamp = path, stamp
        self._value = ""
        self._lock = threading.Lock()
        self._abandoned = threading.Event()

    @property
    def known(self) -> bool:
        """Whether it has been worked out."""
        return bool(self._value)

    def __str__(self) -> str:
        with self._lock:
            if not self._value:
                self._value = self._work_out()
        return self._value

    def abandon(self) -> None:
        """Nobody needs it any more: who waits for it gets UnreadableImage."""
        self._abandoned.set()

    def _work_out(self) -> str:
        with open_regular(self._path) as stream:
            same = stamp_of(stream) == self.stamp
            value = hashlib.sha256()
            while same and (part := stream.read(_PART)):
                if self._abandoned.is_set():
                    raise UnreadableImage("the file was not read to its end", path=self._path)
                value.update(part)
            if not same or stamp_of(stream) != self.stamp:
                raise UnreadableImage(
                    "the file has changed since it was opened", path=self._path, remedy="Open it again."
                )
        return value.hexdigest()


_late: weakref.WeakValueDictionary[tuple[Path, Stamp], LateDigest] = weakref.WeakValueDictionary()


def digest_of(stream: BufferedReader, path: Path) -> str | LateDigest:
    """The SHA-256 (hex) of an open file, or, of a large one, what will say it; the same for everyone who has it open.

    Leaves the stream at its start.
    """
    stamp = stamp_of(stream)
    if stamp[0] > HASHED_AT_ONCE:
        return _late.setdefault((path, stamp), LateDigest(path, stamp))
    stream.seek(0)
    value = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    return value


def abandon_digests() -> None:
    """Stop working out any: the program ends."""
    for digest in tuple(_late.values()):
        digest.abandon()
    _late.clear()


def stamp_of(stream: BufferedReader) -> Stamp:
    """Size and modification time (ns) of an open file."""
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns


def open_regular(path: Path) -> BufferedReader:
    """Open an ordinary, non-empty file for reading in binary.

    Never blocks on pipes or devices. Raises UnreadableImage (with what, path and remedy), TooLarge above MAX_BYTES.
    """
    try:
        status = os.stat(path)
        _check_kind(path, status)
        return open(path, "rb")
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(
            "the file does not exist", path=path, remedy="Check the name; it may have been moved or renamed."
        ) from error
    except PermissionError as error:
        raise UnreadableImage(
            "it may not be read (permission denied)", path=path, remedy="Ask for read access to it."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise UnreadableImage(
            f"the file cannot be read ({reason})", path=path, remedy="Check the disk or the network connection."
        ) from error


def has_dicom_head(path: Path) -> bool:
    """Whether an ordinary file begins as PS3.10 says a DICOM file does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _check_kind(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode) and not os.access(path, os.R_OK):
        raise PermissionError
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("this is a folder, not an image", path=path, remedy="Open the images inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage(
            "this is a device or a pipe, not a file", path=path, remedy="Save the image to a file first."
        )
    if status.st_size == 0:
        raise UnreadableImage("the file is empty", path=path, remedy="Export or copy the image again.")
    if status.st_size > MAX_BYTES:
        raise TooLarge(
            f"the file has {status.st_size / 2**30:.1f} GiB, more than the {MAX_BYTES // 2**30} GiB that can be opened",
            path=path,
            remedy="Export fewer frames into one file.",
        )


def check_size(width: int, height: int, path: Path) -> None:
    """Refuse a frame of no or too many pixels, or that does not fit in the memory there is.

    Raises UnreadableImage, or TooLarge naming a size that would fit.
    """
    if width < 1 or height < 1:
        raise UnreadableImage(
            f"the image says it has {width} × {height} pixels", path=path, remedy="Export or copy the image again."
        )
    if width * height > MAX_PIXELS:
        raise TooLarge(
            f"the image has {width} × {height} pixels; at most {MAX_PIXELS // 1_000_000} million can be opened",
            path=path,
            remedy=f"Reduce it to {_fitting(width, height, MAX_PIXELS)} pixels or less.",
        )
    needed = width * height * PIXEL_BYTES
    if needed <= SMALL_BYTES:
        return
    room = available() - SMALL_BYTES
    if needed > room:
        raise TooLarge(
            f"the image has {width} × {height} pixels; opening it takes up to {_giga(needed)}, and {_giga(room)} are free",
            path=path,
            remedy=f"Close other programs, or reduce it to {_fitting(width, height, max(room // PIXEL_BYTES, 1))} pixels or less.",
        )


def check_memory(needed: int, path: Path) -> None:
    """Refuse to read ``needed`` bytes at once where they do not fit in memory. Raises TooLarge."""
    room = available() - SMALL_BYTES
    if needed > max(room, SMALL_BYTES):
        raise TooLarge(
            f"reading it takes up to {_giga(needed)} of memory, and {_giga(room)} are free",
            path=path,
            remedy="Close other programs, or export fewer frames into one file.",
        )


def _fitting(width: int, height: int, pixels: int) -> str:
    """The size of the image reduced to so many pixels."""
    scale = sqrt(pixels / (width * height))
    return f"{min(max(int(width * scale), 1), pixels)} × {min(max(int(height * scale), 1), pixels)}"


def _giga(count: int) -> str:
    return f"{max(count, 0) / 2**30:.1f} GiB"
