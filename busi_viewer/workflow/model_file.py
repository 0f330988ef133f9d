"""A model as one file that travels: a zip of weights, card and manifest with their SHA-256, which installing checks.

``manifest.json``: {"schema": 1, "format": "busi_viewer model", "name", "version", "files": {name: {"sha256", "bytes"}}}.
Weights are safetensors; nothing else is taken from a file, and a file in which anything was changed is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from busi_viewer.core.errors import ModelError, OutputError
from busi_viewer.workflow import models
from busi_viewer.workflow.models import CARD, WEIGHTS, Installed

SUFFIX = ".busimodel"
MANIFEST = "manifest.json"
FORMAT = "busi_viewer model"
_LARGEST = {MANIFEST: 1 << 20, CARD: 64 << 20, WEIGHTS: 16 << 30}
"""Bytes that a part of the file may have."""
_CHUNK = 1 << 20


def export(name: str, path: Path) -> str:
    """Write an installed model (by name) or a model's folder into ``path``, whole or not at all; the file's SHA-256.

    Raises ModelError for a damaged model, OutputError.
    """
    folder = models.resolve(name)
    models.verify(folder)
    card = models.read_card(folder)
    files = {part: _described(folder / part) for part in (CARD, WEIGHTS)}
    manifest = {"schema": 1, "format": FORMAT, "name": card["name"], "version": card["version"], "files": files}
    fresh = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
            for part in files:
                archive.write(folder / part, part)
        digest = models.sha256_of(fresh)
        os.replace(fresh, path)
    except OSError as error:
        raise OutputError(
            f"the model could not be written ({error.strerror})", path=path, remedy="Choose another place."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return digest


def install(source: Path) -> Installed:
    """Install what :func:`export` wrote, or a model's folder. Raises ModelError where anything in it was changed."""
    if not source.is_file() or source.suffix.lower() in models.PICKLES:
        return models.install(source)
    with tempfile.TemporaryDirectory(prefix="busi-viewer-model-") as temporary:
        folder = Path(temporary)
        try:
            with zipfile.ZipFile(source) as archive:
                _unpack(archive, folder, source)
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            raise _refused(source, "the file is damaged or no model file") from error
        return models.install(folder)


def _described(path: Path) -> dict[str, Any]:
    return {"sha256": models.sha256_of(path), "bytes": path.stat().st_size}


def _unpack(archive: zipfile.ZipFile, folder: Path, source: Path) -> None:
    """Take weights and card out, each checked against the manifest. Raises ModelError."""
    names = [info.filename for info in archive.infolist()]
    if sorted(names) != sorted(_LARGEST):
        raise _refused(source, f"it holds {', '.join(names[:5]) or 'nothing'} instead of a model's parts")
    for info in archive.infolist():
        if info.file_size > _LARGEST[info.filename]:
            raise _refused(source, f"its {info.filename} is too large")
    stated = _manifest(archive.read(MANIFEST), source)
    for part in (CARD, WEIGHTS):
        digest, size = hashlib.sha256(), 0
        with archive.open(part) as stream, (folder / part).open("wb") as target:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        if stated[part] != {"sha256": digest.hexdigest(), "bytes": size}:
            raise _refused(source, f"its {part} is not the one that was exported")


def _manifest(data: bytes, source: Path) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError as error:
        raise _refused(source, "its manifest is not valid JSON") from error
    good = isinstance(content, dict) and content.get("format") == FORMAT and isinstance(content.get("files"), dict)
    if not good or set(content["files"]) != {CARD, WEIGHTS}:
        raise _refused(source, "its manifest is not that of a model")
    if content.get("schema") != 1:
        raise ModelError("the file comes from a newer version", path=source, remedy="Update this application.")
    files: dict[str, Any] = content["files"]
    return files


def _refused(source: Path, why: str) -> ModelError:
    return ModelError(f"the model is refused: {why}", path=source, remedy="Export it again, and copy the whole file.")
