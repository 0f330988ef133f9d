"""PNG, JPEG, TIFF and BMP files, recognised by their content. Print resolution (dpi) is not a calibration."""

from __future__ import annotations

import threading
import weakref
from io import BufferedReader
from pathlib import Path

from PIL import BmpImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.files import check_size, digest_of, open_regular
from busi_viewer.core.frames import LazyFrames
from busi_viewer.core.image import ArrayFrames, Frames, ImageRecord, Pixels
from busi_viewer.raster.decoding import decoding, silence_libtiff, single_plane, to_pixels, window_of

MAX_PAGES = 10_000
"""Largest number of pages of a TIFF."""

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
}
_TIFF_HEADS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}


class RasterSource:
    """Reads ordinary image files. Implements :class:`~busi_viewer.core.ports.ImageSource`."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether the first bytes are those of a PNG, JPEG, TIFF or BMP (and not of a DICOM file in disguise)."""
        return _kind(head) is not None and head[128:132] != b"DICM"

    def open(self, path: Path) -> ImageRecord:
        """Open a file; a single image is decoded at once, the pages of a TIFF when asked for.

        Raises UnreadableImage for anything that is not a whole image, TooLarge before decoding more than fits.
        """
        path = Path(path)
        stream = open_regular(path)
        try:
            kind = _kind(stream.read(64))
            if kind is None:
                raise UnreadableImage(
                    "the file is not a PNG, JPEG, TIFF or BMP image",
                    path=path,
                    remedy="Check what the file really holds.",
                )
            return self._record(path, kind, stream)
        except BaseException:
            stream.close()
            raise

    def _record(self, path: Path, kind: str, stream: BufferedReader) -> ImageRecord:
        """The record of an open file; takes over ``stream``."""
        with decoding(path, kind.upper()):
            stream.seek(0)
            digest = digest_of(stream, path)
            if kind == "tiff":
                silence_libtiff()
            image = _READERS[kind](stream)
            check_size(*image.size, path)
            pages, warnings = _pages(image, path) if kind == "tiff" else ([0], ())
            first = to_pixels(image)
        frames: Frames
        if len(pages) == 1:
            stream.close()
            first = single_plane(first)
            frames = ArrayFrames((first,))
        else:
            frames = LazyFrames(len(pages), _Pages(image, stream, path, pages, first), first)
        height, width = first.shape[:2]
        return ImageRecord(path, digest, kind, frames, (height, width), window=window_of(first), warnings=warnings)


def _kind(head: bytes) -> str | None:
    """The kind of image by its first bytes, or None."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(_TIFF_HEADS):
        return "tiff"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    return None


def _pages(image: ImageFile.ImageFile, path: Path) -> tuple[list[int], tuple[str, ...]]:
    """Indices of a TIFF's pages that have the first one's size, and what to tell the reader. Leaves page 0 selected."""
    size, pages, number = image.size, [0], 1
    while True:
        try:
            image.seek(number)
        except EOFError:
            break
        if image.size == size:
            pages.append(number)
        number += 1
        if number > MAX_PAGES:
            raise UnreadableImage(
                f"the TIFF has more than {MAX_PAGES} pages", path=path, remedy="Split it into several files."
            )
    image.seek(0)
    left_out = number - len(pages)
    words = "1 page of another size is" if left_out == 1 else f"{left_out} pages of another size are"
    return pages, ((f"{words} left out.",) if left_out else ())


class _Pages:
    """Decodes the pages of a TIFF one at a time, alike in pixel format; keeps the file open until dropped."""

    def __init__(
        self, image: ImageFile.ImageFile, stream: BufferedReader, path: Path, pages: list[int], first: Pixels
    ) -> None:
        self._image = image
        self._path = path
        self._pages = pages
        self._shape, self._dtype = first.shape, first.dtype
        self._lock = threading.Lock()
        weakref.finalize(self, stream.close)

    def __call__(self, index: int) -> Pixels:
        """Frame ``index``. Raises UnreadableImage for a damaged page or one of another pixel format than the first."""
        with self._lock, decoding(self._path, "TIFF"):
            self._image.seek(self._pages[index])
            check_size(*self._image.size, self._path)
            frame = to_pixels(self._image)
        if frame.shape != self._shape or frame.dtype != self._dtype:
            raise UnreadableImage(
                f"page {self._pages[index] + 1} has another pixel format than the first",
                path=self._path,
                remedy="Save the pages in one format.",
            )
        return frame
