"""One DICOM file without its patient: cleaned header, cleaned pixels, new UIDs, and a statement of what was done.

The profile is PS3.15's Basic Application Level Confidentiality Profile with the options Clean Pixel Data, Clean Descriptors,
Clean Structured Content and Clean Graphics, and on request Retain Longitudinal Temporal Information with Modified Dates.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from io import BufferedReader
from pathlib import Path, PurePosixPath

from pydicom import uid
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite

from busi_viewer.core.deidentify import Deidentified, DeidentifyOptions, NotDeidentified
from busi_viewer.core.errors import OutputError, UnreadableImage
from busi_viewer.core.files import open_regular
from busi_viewer.core.ports import CancelToken, Progress
from busi_viewer.dicom import confidentiality as profile
from busi_viewer.dicom import reader  # noqa: F401 - keeps pydicom from commenting on values in logs
from busi_viewer.dicom.clean_header import HeaderCleaner, state
from busi_viewer.dicom.clean_pixels import PixelCleaner
from busi_viewer.dicom.header import read_header
from busi_viewer.dicom.pixels import StoredPixels, locate, reading
from busi_viewer.dicom.source import looks_like_dicom
from busi_viewer.dicom.substitutes import Substitutes
from busi_viewer.dicom.values import text, value

MAX_DOCUMENT = 64 * 2**20
"""Largest object without pixels (report, presentation state) that is read (64 MiB)."""
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"
_LOSSY = {
    uid.JPEGBaseline8Bit: "ISO_10918_1",
    uid.JPEGExtended12Bit: "ISO_10918_1",
    uid.JPEGLSNearLossless: "ISO_14495_1",
    uid.JPEG2000: "ISO_15444_1",
    uid.JPEG2000MC: "ISO_15444_1",
    uid.HTJ2K: "ISO_15444_15",
}
_DOCUMENTS = ("SR Storage", "Presentation State Storage", "Key Object Selection Document Storage")


class FileDeidentifier:
    """De-identifies files, all with one secret and one set of options. Implements :class:`~busi_viewer.core.ports.Deidentifier`."""

    def __init__(self, secret: bytes, options: DeidentifyOptions) -> None:
        self._substitutes, self._options = Substitutes(secret), options

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether the file's first bytes are those of a DICOM file."""
        return looks_like_dicom(head)

    def deidentify(
        self, path: Path, folder: Path, progress: Progress, cancel: CancelToken | None = None
    ) -> Deidentified:
        """Write the de-identified object below ``folder``, whole or not at all.

        Raises NotDeidentified where it is not sure, UnreadableImage, OutputError, Cancelled.
        """
        with reading(path):
            stored = _pixels_of(path)
            source = stored.header.dataset if stored is not None else _document(path)
            kind = text(source, "SOPClassUID") or ""
            if not kind or value(source, "SOPInstanceUID") is None:
                raise UnreadableImage("it does not say what object it is", path=path, remedy="Export it again.")
            header = HeaderCleaner(self._substitutes, self._options.dates)
            clean, patient, names = header.clean(source)
        codes = [profile.PROFILE, profile.CLEAN_DESCRIPTORS]
        codes += [profile.CLEAN_CONTENT] if "ContentSequence" in clean else []
        codes += [profile.CLEAN_GRAPHICS] if "GraphicAnnotationSequence" in clean else []
        codes += [profile.MODIFIED_DATES] if self._options.dates == "shift" else []
        syntax: uid.UID = uid.ExplicitVRLittleEndian
        cleaner = None
        if stored is not None:
            cleaner = PixelCleaner(stored, names, self._options.text, None if _is_mask(kind) else self._options.region)
            if not _is_mask(kind):
                cleaner.check(progress, cancel)
                codes.insert(1, profile.CLEAN_PIXELS)
                clean.BurnedInAnnotation = "NO"
            syntax = cleaner.write(clean)
            _keep_lossy(clean, stored.header.syntax)
        state(clean, tuple(codes), self._options.dates)
        name = PurePosixPath(patient.name, text(clean, "StudyInstanceUID") or "study", f"{clean.SOPInstanceUID}.dcm")
        with reading(path):
            _write(clean, syntax, folder / name, path)
        return _told(name, kind, stored, cleaner, tuple(codes), header.done)


def _told(
    name: PurePosixPath,
    kind: str,
    stored: StoredPixels | None,
    cleaner: PixelCleaner | None,
    codes: tuple[str, ...],
    done: Counter[str],
) -> Deidentified:
    return Deidentified(
        name,
        uid.UID(kind).name if kind in UID_dictionary else "other object",
        frames=stored.count if stored is not None else 0,
        region=cleaner.region if cleaner is not None and not _is_mask(kind) else "none",
        blackened=cleaner.blackened if cleaner is not None else 0,
        text_boxes=len(cleaner.boxes) if cleaner is not None else 0,
        codes=codes,
        done=done,
    )


def _pixels_of(path: Path) -> StoredPixels | None:
    """Where a file's pixels are, or None for an object of a kind that has none. Raises UnreadableImage, TooLarge."""
    with open_regular(path) as stream:
        if _is_document(stream):
            return None
        stream.seek(0)
        stored = locate(stream, read_header(stream, path), path)
    if stored.header.layout.floating:
        raise NotDeidentified("floating-point pixels cannot be checked for text", path=path, remedy="Leave it out.")
    return stored


def _is_document(stream: BufferedReader) -> bool:
    ds = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=["SOPClassUID"])
    kind = text(ds, "SOPClassUID") or ""
    return kind in UID_dictionary and uid.UID(kind).name.endswith(_DOCUMENTS)


def _document(path: Path) -> Dataset:
    """A report or presentation state as a whole."""
    if path.stat().st_size > MAX_DOCUMENT:
        raise NotDeidentified("it is too large for an object without pixels", path=path, remedy="Leave it out.")
    return dcmread(path, force=True)


def _is_mask(kind: str) -> bool:
    """Whether the pixels are a segmentation: shapes that a program drew, without anything burned in."""
    return kind in (uid.SegmentationStorage, LABELMAP)


def _keep_lossy(clean: Dataset, syntax: str) -> None:
    """What was once compressed with loss stays marked so, also where it is written without (PS3.3 C.7.6.1.1.5)."""
    method = _LOSSY.get(uid.UID(syntax))
    if method is not None:
        clean.LossyImageCompression = "01"
        if "LossyImageCompressionMethod" not in clean:
            clean.LossyImageCompressionMethod = method


def _write(clean: Dataset, syntax: uid.UID, target: Path, path: Path) -> None:
    """Write under a temporary name and rename. Raises OutputError; NotDeidentified where the file is there already."""
    if target.exists():
        raise NotDeidentified(
            "another file holds the same object (SOP Instance UID)", path=path, remedy="Give each object once."
        )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = clean.SOPClassUID, clean.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    clean.file_meta = meta
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            dcmwrite(stream, clean, enforce_file_format=True)
        Path(temporary).replace(target)
    except OSError as error:
        raise OutputError(
            f"the de-identified file could not be written ({error.strerror})", path=target.parent, remedy="Make room."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
