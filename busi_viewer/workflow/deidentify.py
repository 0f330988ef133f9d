"""A folder of DICOM files to a folder without its patients, with a report of what was done that names none of them.

The new folder appears whole, under its name, once all files are through; until then a hidden folder beside it is filled.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from busi_viewer import __version__, paths
from busi_viewer.core.deidentify import Deidentified, DeidentifyOptions
from busi_viewer.core.errors import OutputError, UserError
from busi_viewer.core.ports import CancelToken, Deidentifier, Progress, Services
from busi_viewer.workflow.export import not_written, write_json

REPORT = "deidentification.json"
_SECRET_BYTES = 32
_HEAD = 4096


@dataclass
class Study:
    """What became of the files. ``left_out`` holds an error for each that could not be done (never written down)."""

    folder: Path
    done: list[Deidentified] = field(default_factory=list)
    left_out: list[UserError] = field(default_factory=list)
    other_files: int = 0

    @property
    def only_read(self) -> int:
        """How many state no acquisition region and got none: nothing but the text recognition looked after their pixels."""
        return sum(one.region == "whole frame" for one in self.done)

    def as_json(self, options: DeidentifyOptions) -> dict[str, Any]:
        """The report: no path, name, date or UID of the originals."""
        objects = [
            {**asdict(one), "name": one.name.as_posix(), "done": dict(sorted(one.done.items()))} for one in self.done
        ]
        return {
            "schema": 1,
            "program": f"busi_viewer {__version__}",
            "profile": "PS3.15 Basic Application Level Confidentiality Profile",
            "options": asdict(options),
            "objects": objects,
            "left_out": dict(sorted(Counter(error.what for error in self.left_out).items())),
            "other_files": self.other_files,
        }


def deidentify(
    services: Services,
    wanted: Iterable[Path],
    out: Path,
    options: DeidentifyOptions,
    progress: Progress,
    *,
    secret: bytes | None = None,
    cancel: CancelToken | None = None,
) -> Study:
    """De-identify files and everything below folders into the new folder ``out``; with the kept secret unless one is given.

    Raises OutputError where ``out`` cannot be made or is not empty, Cancelled. Nothing is left where no file could be done.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError("it exists and is not empty", path=out, remedy="Name a new folder.")
    worker = services.deidentifier(kept_secret() if secret is None else secret, options)
    study = Study(out)
    files = list(_files(wanted))
    with _new_folder(out) as folder:
        for number, path in enumerate(files):
            _one(worker, path, folder, study, _share(progress, number, len(files)), cancel)
        if study.done:
            write_json(folder / REPORT, study.as_json(options), indent=1)
            _publish(folder, out)
    return study


def _one(
    worker: Deidentifier,
    path: Path,
    folder: Path,
    study: Study,
    progress: Progress,
    cancel: CancelToken | None,
) -> None:
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        study.left_out.append(UserError(f"it cannot be read ({error.strerror})", path=path, remedy="Ask for access."))
        return
    if not worker.claims(path, head):
        study.other_files += 1
        return
    try:
        study.done.append(worker.deidentify(path, folder, progress, cancel))
    except OutputError:
        raise
    except UserError as error:
        study.left_out.append(error)


def kept_secret(path: Path | None = None) -> bytes:
    """The secret from which pseudonyms, UIDs and date shifts are made; a new one is kept where there is none.

    Who has it can tell which pseudonym belongs to a known patient: only the user may read the file. Raises OutputError.
    """
    path = path or paths.data_dir() / "deidentification.key"
    with contextlib.suppress(FileNotFoundError):
        secret = path.read_bytes()
        if len(secret) == _SECRET_BYTES:
            return secret
        raise OutputError("the secret of the pseudonyms is damaged", path=path, remedy="Move it away to begin anew.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # readable by the user alone
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(_SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(name, path)  # fails where another process was first
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()
    except OSError as error:
        raise not_written(path, error) from error
    return path.read_bytes()


def _files(wanted: Iterable[Path]) -> Iterator[Path]:
    """The files named and all below folders, each once, in order; links to folders are not followed."""
    for path in wanted:
        if not path.is_dir():
            yield path
            continue
        for folder, below, names in os.walk(path):
            below.sort()
            yield from (Path(folder, name) for name in sorted(names) if name.upper() != "DICOMDIR")


def _share(progress: Progress, number: int, count: int) -> Progress:
    return lambda stage, share: progress(f"{stage} ({number + 1} of {count})", (number + share) / count)


@contextlib.contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out``, gone afterwards whatever happens."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise not_written(out, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, out: Path) -> None:
    try:
        if out.exists():
            out.rmdir()
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        raise not_written(out, error) from error
