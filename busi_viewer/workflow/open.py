"""Open an image: whatever the file is, a record or an UnreadableImage that says what, which file and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.errors import DataSetError, UnreadableImage, UserError
from busi_viewer.core.files import open_regular
from busi_viewer.core.image import ImageRecord, Mask, Pixels, to_uint8
from busi_viewer.core.ports import ImageSource

HEAD_BYTES = 4096
"""How much of a file the sources see when they are asked whether they read it."""

_OTHER_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or a video"),
    (b"\x00\x00\x01\xba", "a video"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"-----BEGIN P", "an encrypted message"),
)
_ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
"""OID 1.2.840.113549.1.7.3: the start of a CMS envelope, as in DICOM PS3.10 annex B (secure DICOM file)."""


def open_image(path: Path, sources: Sequence[ImageSource]) -> ImageRecord:
    """Open a file with the first source that claims it. Raises UnreadableImage (TooLarge among them), nothing else."""
    path = Path(path)
    with open_regular(path) as stream:
        try:
            head = stream.read(HEAD_BYTES)
        except OSError as error:
            raise UnreadableImage(
                f"the file cannot be read ({error.strerror})", path=path, remedy="Check the disk or the connection."
            ) from error
    try:
        for source in sources:
            if source.claims(path, head):
                return source.open(path)
    except UserError:
        raise
    except MemoryError as error:
        raise UnreadableImage(
            "the image does not fit in memory", path=path, remedy="Close other programs or reduce the image."
        ) from error
    except Exception as error:  # the boundary to files of any content: one bad file never stops a batch
        raise UnreadableImage(
            f"the image cannot be read ({type(error).__name__})", path=path, remedy="Export or copy the image again."
        ) from error
    raise UnreadableImage(
        f"{_what(head)}, not an image this application reads", path=path, remedy="Use PNG, JPEG, TIFF, BMP or DICOM."
    )


def _what(head: bytes) -> str:
    """What a file that no source claims seems to be."""
    if _ENVELOPED_DATA in head[:64]:
        return "this is an encrypted file"
    kind = next((words for magic, words in _OTHER_KINDS if head.startswith(magic)), None)
    if kind is None and head[4:8] == b"ftyp":
        kind = "a video or HEIF image"
    if kind is None and not any(byte < 9 or 13 < byte < 32 for byte in head):
        kind = "a text file"
    return f"this is {kind}" if kind else "this is a file of unknown kind"


def thumbnail(record: ImageRecord, size: int) -> NDArray[np.uint8]:
    """The first frame as displayed, its longer side at most ``size`` pixels: (h, w) grey or (h, w, 3) RGB uint8."""
    frame = record.frames[0]
    height, width = frame.shape[:2]
    scale = min(size / max(height, width), 1.0)
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = frame if scale == 1.0 else cast(Pixels, cv2.resize(frame, target, interpolation=cv2.INTER_AREA))
    return to_uint8(small, record.window)


def load_mask(paths: Iterable[Path], shape: tuple[int, int], sources: Sequence[ImageSource]) -> Mask:
    """The union (H, W) bool of mask files: set where any colour channel is above half of its range.

    Transparent pixels are not set. Raises DataSetError for a mask of another size than ``shape`` (height, width), and
    UnreadableImage.
    """
    union = np.zeros(shape, dtype=bool)
    for path in paths:
        record = open_image(path, sources)
        if record.shape != shape:
            raise DataSetError(
                f"the mask has {record.shape[1]} × {record.shape[0]} pixels, its image {shape[1]} × {shape[0]}",
                path=path,
                remedy="Replace the mask by one of the image's size.",
            )
        union |= mask_of(record)
    return union


def mask_of(record: ImageRecord) -> Mask:
    """An opened mask file as (H, W) bool: set where any colour channel is above half of its range."""
    pixels = record.frames[0]
    above = pixels > (127 if pixels.dtype == np.uint8 else 32767)
    return above if above.ndim == 2 else np.asarray(above.any(axis=2), dtype=bool)
