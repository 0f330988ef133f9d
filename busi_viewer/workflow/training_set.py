"""Corrected cases as a training set: images, masks and ``manifest.csv``, de-identified and versioned, in one step."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from busi_viewer import __version__
from busi_viewer.core.burned_in import text_lines
from busi_viewer.core.casebook import Corrected
from busi_viewer.core.errors import DataSetError, UserError
from busi_viewer.core.image import ImageRecord, to_grey, to_uint8
from busi_viewer.core.ports import CaseStore, ImageSource, Progress
from busi_viewer.workflow.export import not_written, write_bytes, write_json, write_mask_png, write_png
from busi_viewer.workflow.open import open_image

MANIFEST, CARD = "manifest.csv", "set.json"
COLUMNS = ("image", "mask", "label", "patient")
BURNED_IN = "Text burned into the pixels is not removed: look at the images before they leave your site."
LABELS = "malignant is what a reader gave category 6 (known malignancy); other images have no class and train the outline alone."
_VERSION = re.compile(r"v(\d{3,})")


@dataclass(frozen=True)
class TrainingSet:
    """A written set: its folder and version, how many images, whether it is ``new`` (else nothing had changed since).

    ``left_out`` names each image that could not be used, with the reason; ``with_text`` the images of the set that seem to
    have text burned in, which may name a patient.
    """

    folder: Path
    version: int
    images: int
    new: bool
    left_out: tuple[UserError, ...]
    with_text: tuple[str, ...]


def sets_beside(store: Path) -> Path:
    """Where the training sets of a store's folder are written unless somebody names another place."""
    return store.parent / "training-sets"


def make_training_set(
    store: CaseStore, sources: Sequence[ImageSource], out: Path, progress: Progress | None = None
) -> TrainingSet:
    """Write every frame with a reader's outline to ``out/vNNN``, the next version, whole or not at all.

    Images become PNGs of their pixels as displayed, without any of the file's own data, under pseudonyms which are the same
    in every version; ``patient`` is a pseudonym too; for ``label`` see LABELS. Where the
    content is that of the newest version, no other is made. Raises DataSetError where nothing is corrected, OutputError.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".set-", dir=out) as temporary:
            return _make(store, sources, out, Path(temporary) / "set", progress or (lambda stage, share: None))
    except OSError as error:
        raise not_written(out, error) from error


def _make(
    store: CaseStore, sources: Sequence[ImageSource], out: Path, place: Path, progress: Callable[[str, float], None]
) -> TrainingSet:
    left_out: list[UserError] = []
    rows: list[dict[str, str]] = []
    with_text: list[str] = []
    corrected = list(store.corrected())
    for done, frames in enumerate(_by_image(corrected)):
        progress("writing", done / len(corrected))
        try:
            record = _record(frames[0], sources)
        except UserError as error:
            left_out.append(error)
            continue
        for frame in frames:
            rows.append(_write_frame(place, record, frame))
            if text_lines(to_grey(record.frames[frame.frame], record.window)):
                with_text.append(rows[-1]["image"])
    if not rows:
        raise DataSetError(
            "there is no corrected image to train on",
            path=left_out[0].path if left_out else None,
            remedy=left_out[0].remedy if left_out else "Accept or edit outlines first.",
        )
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(rows, key=lambda row: row["image"]))
    write_bytes(place / MANIFEST, text.getvalue().encode("utf-8"))
    digest = _digest(place)
    latest = max(_versions(out), default=0)
    if latest and _digest(out / _name(latest)) == digest:
        return TrainingSet(out / _name(latest), latest, len(rows), False, tuple(left_out), tuple(with_text))
    _write_card(place, latest + 1, rows, digest, with_text)
    os.rename(place, out / _name(latest + 1))
    return TrainingSet(out / _name(latest + 1), latest + 1, len(rows), True, tuple(left_out), tuple(with_text))


def _by_image(corrected: Iterable[Corrected]) -> Iterator[list[Corrected]]:
    for _, frames in groupby(corrected, key=lambda one: one.image.image):
        yield list(frames)


def _record(corrected: Corrected, sources: Sequence[ImageSource]) -> ImageRecord:
    """The image opened again. Raises UnreadableImage, or DataSetError if its content is no longer the one outlined."""
    image = corrected.image
    if image.sha256 == image.draft:
        raise DataSetError(
            "the file was not read to its end while it was outlined",
            path=image.path,
            remedy="Open it in the window once.",
        )
    record = open_image(image.path, sources)
    if record.sha256 != image.sha256:
        raise DataSetError(
            "the file changed since it was outlined",
            path=image.path,
            remedy="Bring the original back, or outline it again.",
        )
    return record


def _write_frame(place: Path, record: ImageRecord, corrected: Corrected) -> dict[str, str]:
    image, mask = f"images/{corrected.name}.png", f"masks/{corrected.name}.png"
    write_png(place / image, to_uint8(record.frames[corrected.frame], record.window))
    write_mask_png(place / mask, corrected.mask)
    return {"image": image, "mask": mask, "label": corrected.label or "", "patient": corrected.group}


def _write_card(
    place: Path, version: int, rows: Sequence[dict[str, str]], digest: str, with_text: Sequence[str]
) -> None:
    labels = [row["label"] or "not given" for row in rows]
    content = {
        "schema": 1,
        "version": version,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": f"busi_viewer {__version__}",
        "images": len(rows),
        "patients": len({row["patient"] for row in rows}),
        "labels": {label: labels.count(label) for label in sorted(set(labels))},
        "content_sha256": digest,
        "notes": [
            "Outlines by readers. De-identified: no names, dates or identifiers of the source.",
            LABELS,
            BURNED_IN,
        ],
        "burned_in_text": sorted(with_text),
    }
    write_json(place / CARD, content, indent=1)


def _versions(out: Path) -> Iterator[int]:
    for path in out.iterdir():
        match = _VERSION.fullmatch(path.name)
        if match and (path / MANIFEST).is_file():
            yield int(match[1])


def _name(version: int) -> str:
    return f"v{version:03d}"


def _digest(place: Path) -> str:
    """SHA-256 over the names and contents of all files but the card."""
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file() and path.name != CARD):
        digest.update(f"{path.relative_to(place).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
