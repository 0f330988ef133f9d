"""Data sets on disk: BUSI's class folders or a ``manifest.csv``. Ids are ``set/relative-path``."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from busi_viewer.core.errors import DataSetError
from busi_viewer.core.results import CLASSES

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm")
_COMPANION = re.compile(r"^(?P<stem>.+)_mask(_\d+)?\.(png|bmp|tif|tiff)$", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """One image of a data set. ``label`` is one of CLASSES or None; ``masks`` are files whose union is the lesion mask.

    ``has_mask`` says whether the absence of mask pixels is known truth (a normal image) rather than unknown.
    ``patient`` is None where the set does not tell. ``extra`` holds the manifest's other columns.
    """

    id: str
    image: Path
    masks: tuple[Path, ...]
    label: str | None
    patient: str | None
    extra: dict[str, str]

    @property
    def has_mask(self) -> bool:
        """Whether the true mask is known: files are given, or the image is labelled normal (empty mask)."""
        return bool(self.masks) or self.label == "normal"


def is_mask_companion(path: Path) -> bool:
    """Whether a file is a mask of BUSI's layout (``NAME_mask.png``, ``NAME_mask_1.png``), never an input by itself."""
    match = _COMPANION.match(path.name)
    if match is None:
        return False
    return any((path.parent / (match["stem"] + suffix)).exists() for suffix in IMAGE_SUFFIXES)


def named_like_mask(path: Path) -> bool:
    """Whether a file has a mask's name, with an image beside it or not."""
    return _COMPANION.match(path.name) is not None


def load_dataset(root: Path, problems: list[DataSetError] | None = None) -> list[Sample]:
    """The samples of a data set folder, sorted by id. Raises DataSetError for an unknown layout or missing files.

    With ``problems``, a line of the manifest that is wrong is no error: it is left out and noted there (if only its mask
    or label is wrong, the image stays without).
    """
    if not root.is_dir():
        raise DataSetError("the data set is not a folder", path=root, remedy="Give the folder that holds the data set.")
    root = root.resolve()
    if (root / "manifest.csv").is_file():
        samples = _from_manifest(root, problems)
    elif any((root / name).is_dir() for name in CLASSES):
        samples = _from_class_folders(root)
    else:
        raise DataSetError(
            "no manifest.csv and no folders named normal, benign or malignant",
            path=root,
            remedy="Arrange the images in class folders or add a manifest.csv (image, mask, label, patient).",
        )
    if not samples:
        raise DataSetError("the data set holds no images", path=root)
    return sorted(samples, key=lambda s: s.id)


def load_datasets(roots: Iterable[Path], problems: list[DataSetError] | None = None) -> list[Sample]:
    """Several data sets as one list. Raises DataSetError if two folders share a name (their ids would collide).

    ``problems`` as in :func:`load_dataset`.
    """
    samples: list[Sample] = []
    seen: dict[str, Path] = {}
    for root in roots:
        resolved = root.resolve()
        if resolved.name in seen:
            raise DataSetError(
                f"two data sets are named {resolved.name}", path=root, remedy="Rename one of the folders."
            )
        seen[resolved.name] = resolved
        samples += load_dataset(resolved, problems)
    return samples


def _from_class_folders(root: Path) -> list[Sample]:
    samples = []
    for label in CLASSES:
        folder = root / label
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        masks: dict[str, list[Path]] = {}
        images = []
        for path in files:
            match = _COMPANION.match(path.name)
            if match is not None and is_mask_companion(path):
                masks.setdefault(match["stem"], []).append(path)
            elif path.suffix.lower() in IMAGE_SUFFIXES:
                images.append(path)
        for image in images:
            companions = tuple(masks.get(image.stem, ()))
            identifier = f"{root.name}/{label}/{image.name}"
            samples.append(Sample(identifier, image, companions, label, None, {}))
    return samples


def _from_manifest(root: Path, problems: list[DataSetError] | None) -> list[Sample]:
    manifest = root / "manifest.csv"
    rows = _read_table(manifest)
    if rows and "image" not in rows[0]:
        raise DataSetError(
            "the manifest has no column named image", path=manifest, remedy="Add one with relative paths."
        )

    def wrong(error: DataSetError) -> None:
        if problems is None:
            raise error
        problems.append(error)

    samples = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        values = {key: (value or "").strip() for key, value in row.items() if key}
        image = _inside(root, values.pop("image"), manifest, number, wrong)
        mask_name = values.pop("mask", "")
        mask = _inside(root, mask_name, manifest, number, wrong) if mask_name else None
        label = values.pop("label", "").lower() or None
        if label is not None and label not in CLASSES:
            words = f"line {number}: unknown label {label!r}"
            wrong(DataSetError(words, path=manifest, remedy=f"Use one of {', '.join(CLASSES)}."))
            label = None
        patient = values.pop("patient", "") or None
        if image is None:
            continue
        identifier = f"{root.name}/{image.relative_to(root).as_posix()}"
        if identifier in seen:
            words = f"line {number}: {image.name} is listed twice"
            wrong(DataSetError(words, path=manifest, remedy="Give every image one line."))
            continue
        seen.add(identifier)
        samples.append(Sample(identifier, image, (mask,) if mask else (), label, patient, values))
    return samples


def _inside(root: Path, relative: str, manifest: Path, line: int, wrong: Callable[[DataSetError], None]) -> Path | None:
    """A manifest's path, resolved; one that leaves the data set or does not exist is given to ``wrong``, and is None."""
    path = (root / relative).resolve()
    if not path.is_relative_to(root.resolve()):
        words = f"line {line}: {relative} lies outside the data set"
        wrong(DataSetError(words, path=manifest, remedy="Use relative paths."))
    elif not path.is_file():
        words = f"line {line}: {relative} does not exist"
        wrong(DataSetError(words, path=manifest, remedy="Remove the line or add the file."))
    else:
        return path
    return None


def _read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header. Raises DataSetError if it cannot be read as UTF-8 text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream, strict=True))
    except OSError as error:
        raise DataSetError(f"the table cannot be read ({error.strerror})", path=path) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(
            "the table is not CSV text in UTF-8", path=path, remedy="Save it again as CSV, UTF-8."
        ) from error


def load_split(path: Path) -> dict[str, str]:
    """A split file (CSV ``id,part``) as {id: part}. Raises DataSetError."""
    rows = _read_table(path)
    if not rows or not {"id", "part"} <= set(rows[0]):
        raise DataSetError("the split file needs the columns id and part", path=path)
    return {row["id"]: row["part"] for row in rows}


def part_of(samples: Iterable[Sample], split: dict[str, str], part: str) -> list[Sample]:
    """The samples whose id the split assigns to ``part``."""
    return [sample for sample in samples if split.get(sample.id) == part]
