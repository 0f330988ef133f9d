"""DICOMDIR: which images a medium holds, by patient, study and series (PS3.3 annex F)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from busi_viewer.core.files import open_regular
from busi_viewer.core.listing import Listing
from busi_viewer.dicom.source import looks_like_dicom
from busi_viewer.dicom.values import integer, items, text, value

MAX_BYTES = 256 * 2**20
"""Largest DICOMDIR that is read."""
MAX_RECORDS = 100_000
"""Records that are looked at."""

_NEXT, _LOWER = "OffsetOfTheNextDirectoryRecord", "OffsetOfReferencedLowerLevelDirectoryEntity"
_FIRST = "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"


def read_directory(path: Path) -> Listing | None:
    """The images that a DICOMDIR lists, or None for any other file or a damaged one; opening it says why. Never raises."""
    try:
        with open_regular(path) as stream:
            if not looks_like_dicom(stream.peek(132)[:132]) or os.fstat(stream.fileno()).st_size > MAX_BYTES:
                return None
            return listing(dcmread(stream, force=True), path)
    except Exception:  # noqa: BLE001 - the boundary to a file of unknown content: pydicom raises anything on damaged ones
        return None


def listing(ds: Dataset, path: Path) -> Listing | None:
    """As :func:`read_directory`, of a data set already read; None where it has no directory records."""
    records = items(ds, "DirectoryRecordSequence")[:MAX_RECORDS]
    if not records:
        return None
    folder = path.parent
    images: dict[Path, None] = {}
    missing: dict[str, None] = {}
    for record in _in_order(records, integer(ds, _FIRST)):
        if text(record, "DirectoryRecordType") != "IMAGE" or integer(record, "RecordInUseFlag") == 0:
            continue
        parts = _file_id(record)
        if not parts:
            continue
        file = _inside(folder, parts)
        if file is None:
            missing.setdefault("/".join(parts))
        else:
            images.setdefault(file)
    return Listing(tuple(images), tuple(missing))


def _in_order(records: list[Dataset], first: int | None) -> Iterator[Dataset]:
    """The records as their offsets link them, what lies below one before the next; then those that nothing leads to."""
    by_offset = {getattr(record, "seq_item_tell", None): record for record in records}
    waiting, seen = [first], set()
    while waiting:
        offset = waiting.pop()
        record = by_offset.get(offset) if offset else None
        if record is None or offset in seen:
            continue
        seen.add(offset)
        yield record
        waiting += [integer(record, _NEXT), integer(record, _LOWER)]
    yield from (record for record in records if getattr(record, "seq_item_tell", None) not in seen)


def _file_id(record: Dataset) -> list[str]:
    """The components of Referenced File ID; empty where it has none."""
    found = value(record, "ReferencedFileID")
    if found is None or isinstance(found, bytes):
        return []
    parts = [str(part).strip() for part in (found.split("\\") if isinstance(found, str) else found)]
    return [part for part in parts if part]


def _inside(folder: Path, parts: list[str]) -> Path | None:
    """The file below the folder, in upper or lower case (media differ); None where it is not there or would lie outside."""
    file = folder
    for part in parts:
        if part in (".", "..") or set(part) & set("/\\\0:"):
            return None
        file = _entry(file, part) or file / part
    try:
        return file if file.is_file() and file.resolve().is_relative_to(folder.resolve()) else None
    except OSError:
        return None


def _entry(folder: Path, name: str) -> Path | None:
    """What is in the folder under a name, of whatever case."""
    if (folder / name).exists():
        return folder / name
    try:
        with os.scandir(folder) as entries:
            return next((Path(entry.path) for entry in entries if entry.name.casefold() == name.casefold()), None)
    except OSError:
        return None
