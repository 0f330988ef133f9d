"""From what the user names, files and folders, to the images to open and the names of their results."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from busi_viewer.core.dataset import IMAGE_SUFFIXES, is_mask_companion
from busi_viewer.core.files import has_dicom_head
from busi_viewer.core.listing import Listing

_SUFFIXES = (*IMAGE_SUFFIXES, ".dicom", ".ima")
_DICOMDIR = "dicomdir"
_NUMBERS = re.compile(r"([0-9]+)")
_OWN_RESULTS = (".overlay.png", ".mask.png", ".heatmap.png", ".panels.png", ".image.dcm", ".seg.dcm", ".sr.dcm")


@dataclass(frozen=True)
class Input:
    """An image to open. ``relative`` is its path inside the folder the user named, or a directly named file's name."""

    path: Path
    relative: Path


def expand_inputs(
    paths: Iterable[Path],
    *,
    recursive: bool = False,
    read_directory: Callable[[Path], Listing | None] = lambda _path: None,
) -> list[Input]:
    """The images among files and folders, each once, folders in natural order (``img2`` before ``img10``).

    A file named directly is always an input, even if it does not exist (opening it says so), unless it is the mask of
    another image (BUSI's ``NAME_mask.png``). In folders only images are taken: by extension, other files by their DICOM
    head. Hidden files and this application's own results are left out.

    A DICOMDIR, named directly or lying in a folder, stands for the images it lists (``read_directory``), in its order;
    other images of the folder follow. It is an input itself only where named directly and unreadable, or where images that
    it lists are missing: opening it says so.
    """
    inputs: list[Input] = []
    seen: set[str] = set()
    for path in map(Path, paths):
        if path.is_dir():
            index = _directory_of(path)
            found = [] if index is None else _of_directory(index, read_directory, named=False)
            found += _in_folder(path, recursive)
        elif path.name.lower() == _DICOMDIR:
            found = _of_directory(path, read_directory, named=True)
        else:
            found = [Input(path, Path(path.name))]
        for item in found:
            absolute = os.path.abspath(item.path)
            if absolute not in seen and not is_mask_companion(item.path):
                seen.add(absolute)
                inputs.append(item)
    return inputs


def _of_directory(path: Path, read_directory: Callable[[Path], Listing | None], *, named: bool) -> list[Input]:
    """The images of a DICOMDIR, and itself where opening it has something to say."""
    listing = read_directory(path)
    if listing is None:
        return [Input(path, Path(path.name))] if named else []
    found = [Input(image, image.relative_to(path.parent)) for image in listing.images]
    return [*found, Input(path, Path(path.name))] if listing.missing or not found else found


def _directory_of(folder: Path) -> Path | None:
    """The DICOMDIR that lies in a folder, if there is one (the first by name) and the folder can be listed."""
    try:
        names = [name for name in os.listdir(folder) if name.lower() == _DICOMDIR]
    except OSError:
        return None
    return folder / min(names) if names else None


def _in_folder(root: Path, recursive: bool) -> list[Input]:
    found = [Input(path, path.relative_to(root)) for path in _walk(root, recursive, set())]
    return sorted(found, key=lambda item: [natural_key(part) for part in item.relative.parts])


def _walk(folder: Path, recursive: bool, visited: set[tuple[int, int]]) -> Iterator[Path]:
    """Image files below a folder; links to folders are followed, but no folder is entered twice.

    A folder that cannot be listed is given back itself, so that opening it names the reason.
    """
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not entry.name.startswith(".")]
    except OSError:
        yield folder
        return
    for entry in entries:
        path = folder / entry.name
        if entry.is_file():
            if _is_candidate(path):
                yield path
        elif recursive and entry.is_dir() and entry.name != "__MACOSX":
            yield from _walk(path, recursive, visited)


def _is_candidate(path: Path) -> bool:
    """Whether a file found in a folder is taken for an image."""
    name = path.name.lower()
    if name.endswith(_OWN_RESULTS) or name == _DICOMDIR:
        return False
    return name.endswith(_SUFFIXES) or has_dicom_head(path)


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Sort key: numbers inside names count as numbers, case and accents do not matter; ties are broken by the name."""
    plain = name.casefold()
    if not plain.isascii():
        plain = "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))
    parts = _NUMBERS.split(plain)  # every other part is a number
    key = [(n % 2 == 1, int(part) if n % 2 else 0, part) for n, part in enumerate(parts)]
    return [*key, (False, 0, name)]


def result_stems(inputs: Sequence[Input]) -> list[Path]:
    """For every input the relative path of its results without extension; unique, also where case does not count.

    Inputs that would share a name keep their extensions (``a.png``, ``a.jpg``); where that is not enough a number is
    added (``a-2``). The same inputs always get the same names, and none leaves the output folder.
    """
    whole = [_inside(item.relative) for item in inputs]
    short = [_without_extension(path) for path in whole]
    shared = Counter(map(_key, short))
    wanted = [full if shared[_key(stem)] > 1 else stem for full, stem in zip(whole, short, strict=True)]
    reserved = set(map(_key, wanted))
    taken: set[str] = set()
    stems = []
    for path in wanted:
        number, stem = 1, path
        while _key(stem) in taken or (number > 1 and _key(stem) in reserved):
            number += 1
            stem = path.with_name(f"{path.name}-{number}")
        taken.add(_key(stem))
        stems.append(stem)
    return stems


def _inside(relative: PurePath) -> Path:
    """The path without anything that could leave the folder it is joined to."""
    parts = [part for part in relative.parts if part not in ("..", ".", relative.anchor)]
    return Path(*parts) if parts else Path("image")


def _without_extension(path: Path) -> Path:
    """Without the last extension; a number is none (DICOM files are often named by their UID)."""
    return path if path.suffix[1:].isdigit() else path.with_suffix("")


def _key(path: Path) -> str:
    """Equal for names that a file system could take for the same."""
    return unicodedata.normalize("NFC", path.as_posix()).casefold()
