"""A case as a folder: portable, readable without this application, checksummed; and taking one over again.

``README.txt`` in the folder (:data:`README`) is the format's description.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from busi_viewer.core.casebook import AuditQuery
from busi_viewer.core.errors import OutputError, StoreError
from busi_viewer.core.image import Mask
from busi_viewer.store.audit import Audit
from busi_viewer.store.database import SOFTWARE, Database, now
from busi_viewer.store.images import Images, as_path, path_bytes, sha256_of
from busi_viewer.store.journal import Journal, Stack
from busi_viewer.store.packing import mask_digest, unpack_mask

FORMAT, VERSION = "busi_viewer case", 2
SUMS = "SHA256SUMS"
README = """A case of busi_viewer: images, outlines and their history, findings, reports. Research use only.
It holds patient data as the images do.

case.json    everything but the images: format "busi_viewer case", version 2. Times are UTC. An image's "file" is its copy
             in this folder, or null where the file could not be found; "sha256" is that of its content, or a name
             beginning with "unidentified-" where that was never read to its end.
             "journal" lists the committed edits: a "step" turns the pixels of "box" [x0, y0, x1, y1] (half-open) from
             "before" to "after" (null: no outline at all), or, where it has a "field", findings or callipers (Base64 of
             JSON) and with a "target" in the place of that step, of which it is the continuation; "chained" ones go with
             the step before. "undo" and "redo" name the step they take back or repeat.
             "masks" of "analyses" are the models' outlines by frame, "heat" their heatmaps (8 bits, reduced).
             Packed pixels are Base64 of: height and width (32 bits each, big-endian), then zlib of one bit a pixel
             (heatmaps: one byte), row by row, most significant bit first.
masks/       the readers' outlines as they were last, one PNG (0 and 255) a frame, at the image's size. For reading only.
images/      copies of the image files.
audit.csv    who did what on this case and when. For reading only: the chain of hashes is that of the store it comes from.
SHA256SUMS   SHA-256 of every other file: sha256sum -c SHA256SUMS
"""

_REMEDY = "Export the case again where it comes from."
_TABLES = {
    "analyses": ("at", "model_name", "model_version", "model_sha256", "result"),
    "versions": ("field", "number", "at", "value", "reason", "journal_id"),
    "reports": ("version", "at", "content", "findings", "callipers", "journal_id", "masks", "reason"),
    "journal": (
        *("id", "at", "kind", "target", "frame", "label", "x0", "y0", "x1", "y1", "before", "after"),
        *("field", "typed", "chained"),
    ),
}
_IMAGE = (
    "sha256",
    "kind",
    "height",
    "width",
    "frames",
    "sop_uid",
    "series_uid",
    "added",
    "prediction",
    "edited",
    "signed",
    "flagged",
)
_CASE = ("uid", "title", "patient", "study_uid", "created", "changed")


def export(db: Database, images: Images, journal: Journal, audit: Audit, case: str, destination: Path) -> Path:
    """Write the case to the new folder ``destination``, whole or not at all. Raises OutputError, StoreError."""
    if destination.exists():
        raise OutputError("a file or folder of this name exists", path=destination, remedy="Choose another name.")
    if not images.of_case(case):
        raise StoreError(f"there is no case {case} in the store", path=db.path)
    temporary: Path | None = None
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
        _write(db, images, journal, audit, case, temporary)
        temporary.chmod(0o755)
        os.rename(temporary, destination)
    except OSError as error:
        raise OutputError(
            f"the case could not be written ({error.strerror or error})",
            path=destination,
            remedy="Make room, or choose another folder.",
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    if not db.read_only:
        try:
            with db.transaction():
                audit.append("case exported", case=case, field="folder", new=str(destination))
        except StoreError:  # what leaves the store is on record, or does not leave it
            shutil.rmtree(destination, ignore_errors=True)
            raise
    return destination


def _write(db: Database, images: Images, journal: Journal, audit: Audit, case: str, place: Path) -> None:
    (place / "README.txt").write_text(README, encoding="utf-8")
    row = db.one(f"SELECT {', '.join(_CASE)} FROM cases WHERE uid = ?", (case,))
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "exported": now(),
        "software": SOFTWARE,
        "case": dict(zip(_CASE, row, strict=True)),
        "images": [],
    }
    for number, image in enumerate(images.of_case(case), start=1):
        entry = _image_entry(db, image.image)
        entry["file"] = _copy_image(image.path, image.sha256, place, number)
        content["images"].append(entry)
        for frame, mask in journal.masks(image.image).items():
            _write_mask(place / "masks" / f"{number:04d}-f{frame:04d}.png", mask)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (place / "case.json").write_text(text, encoding="utf-8")
    (place / "audit.csv").write_text(audit_csv(audit, case), encoding="utf-8", newline="")
    sums = [f"{sha256_of(path)}  {path.relative_to(place).as_posix()}\n" for path in _files(place)]
    (place / SUMS).write_text("".join(sums), encoding="utf-8")


def audit_csv(audit: Audit, case: str) -> str:
    """A case's rows of the audit trail as CSV, oldest first."""
    rows = audit.rows(AuditQuery(case=case, limit=-1))
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ("number", "at", "user", "action", "image", "field", "old", "new", "reason", "software", "model", "hash")
    )
    for row in reversed(rows):
        table.writerow(
            (row.number, row.at, row.user, row.action, row.image, row.field, row.old, row.new, row.reason,
             row.software, row.model, row.hash)
        )  # fmt: skip
    return text.getvalue()


def _image_entry(db: Database, image: int) -> dict[str, Any]:
    row = db.one(f"SELECT path, {', '.join(_IMAGE)} FROM images WHERE id = ?", (image,))
    entry: dict[str, Any] = {"name": os.fsencode(as_path(row[0]).name).decode("utf-8", "backslashreplace")}
    entry |= dict(zip(_IMAGE, row[1:], strict=True))
    for table, columns in _TABLES.items():
        rows = db.rows(
            f"SELECT t.rowid, u.name, {', '.join('t.' + column for column in columns)} FROM {table} t"
            " JOIN users u ON u.id = t.user_id WHERE t.image_id = ? ORDER BY t.rowid",
            (image,),
        )
        entry[table] = [
            {"user": found[1], **{c: _plain(v) for c, v in zip(columns, found[2:], strict=True)}} for found in rows
        ]
        if table == "analyses":
            for analysis, found in zip(entry[table], rows, strict=True):
                analysis |= _ai_masks(db, found[0])
    return entry


def _ai_masks(db: Database, analysis: int) -> dict[str, Any]:
    rows = db.rows("SELECT frame, mask, heat FROM ai_masks WHERE analysis_id = ? ORDER BY frame", (analysis,))
    return {
        "masks": {str(f): _plain(mask) for f, mask, _ in rows},
        "heat": {str(f): _plain(heat) for f, _, heat in rows},
    }


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _copy_image(path: Path, sha256: str, place: Path, number: int) -> str | None:
    """Copy an image file if it still has the content that is known; its name in the folder, or None."""
    suffix = path.suffix.lower() if path.suffix[1:].isalnum() and path.suffix.isascii() else ""
    target = place / "images" / f"{number:04d}{suffix}"
    try:
        if sha256_of(path) != sha256:
            return None
    except OSError:
        return None
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, target)
    return target.relative_to(place).as_posix()


def _write_mask(path: Path, mask: Mask) -> None:
    path.parent.mkdir(exist_ok=True)
    good, data = cv2.imencode(".png", mask.astype(np.uint8) * np.uint8(255))
    if not good:
        raise OutputError("a mask could not be encoded as PNG", path=path)
    path.write_bytes(data.tobytes())


def _files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file() and path != place / SUMS)


def take_over(db: Database, images: Images, journal: Journal, audit: Audit, source: Path) -> str:
    """Add an exported case to the store, all of it or nothing; its UID. Raises StoreError."""
    verify_sums(source)
    try:
        content = json.loads((source / "case.json").read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError("another format")
        if content["version"] > VERSION:
            raise StoreError("the case was written by a newer busi_viewer", path=source, remedy="Install that version.")
        with db.transaction():
            _add_case(db, images, journal, content, source)
            audit.append("case imported", case=content["case"]["uid"], field=SUMS, new=sha256_of(source / SUMS))
        return str(content["case"]["uid"])
    except OSError as error:
        raise StoreError(f"the case folder cannot be read ({error.strerror})", path=source) from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, sqlite3.Error) as error:
        raise StoreError("this is no intact case folder", path=source, remedy=_REMEDY) from error


def verify_sums(source: Path) -> None:
    """Check that every file of a case folder is there, is as it was written, and is no other. Raises StoreError."""
    try:
        lines = (source / SUMS).read_text(encoding="utf-8").splitlines()
        expected = {line[66:]: line[:64] for line in lines}
        found = {path.relative_to(source).as_posix(): path for path in _files(source)}
        wrong = sorted(expected.keys() ^ found.keys())
        wrong += [name for name in sorted(found) if name in expected and sha256_of(found[name]) != expected[name]]
    except (OSError, ValueError) as error:
        raise StoreError("this is no case folder, or it cannot be read", path=source, remedy=_REMEDY) from error
    if wrong:
        names = ", ".join(wrong[:5])
        raise StoreError(f"missing, added or changed: {names}", path=source, remedy=_REMEDY)


def _add_case(db: Database, images: Images, journal: Journal, content: dict[str, Any], source: Path) -> None:
    case = content["case"]
    study = case["study_uid"]
    if db.one("SELECT 1 FROM cases WHERE uid = ? OR (study_uid IS NOT NULL AND study_uid = ?)", (case["uid"], study)):
        raise StoreError("this case is in the store already", path=source, remedy="Nothing has to be done.")
    marks = ", ".join("?" * len(_CASE))
    number = db.insert(f"INSERT INTO cases({', '.join(_CASE)}) VALUES({marks})", [case[key] for key in _CASE])
    for entry in content["images"]:
        known = images.find(entry["sha256"])
        if known is not None:
            raise StoreError(
                f"the image {entry['name']} is in the store already, in another case",
                path=source,
                remedy="Compare the two.",
            )
        _add_image(db, images, journal, number, entry, source)
    db.refresh_search(number)


def _add_image(db: Database, images: Images, journal: Journal, case: int, entry: dict[str, Any], source: Path) -> None:
    file = source / (entry["file"] or entry["name"])
    if not file.resolve().is_relative_to(source.resolve()):
        raise ValueError("a path leaves the folder")
    if entry["file"] and sha256_of(file) != entry["sha256"]:
        raise ValueError("an image is another one")
    status = file.stat() if entry["file"] else None
    values = [case, path_bytes(file), status and status.st_size, status and status.st_mtime_ns]
    marks = ", ".join("?" * (4 + len(_IMAGE)))
    image = db.insert(
        f"INSERT INTO images(case_id, path, size, mtime_ns, {', '.join(_IMAGE)}) VALUES({marks})",
        [*values, *(entry.get(key, 0) if key == "flagged" else entry[key] for key in _IMAGE)],
    )
    numbers = _add_journal(db, image, entry["journal"])
    journal.rebuild(image)
    for analysis in entry["analyses"]:
        added = _add_row(db, "analyses", image, analysis)
        for frame, mask in analysis["masks"].items():
            packed, heat = base64.b64decode(mask), analysis["heat"][frame]
            if unpack_mask(packed).shape != images.get(image).shape:
                raise ValueError("a mask does not fit its image")
            heat_bytes = None if heat is None else base64.b64decode(heat)
            db.execute("INSERT INTO ai_masks VALUES(?, ?, ?, ?)", (added, int(frame), packed, heat_bytes))
    for version in entry["versions"]:
        step = version.get("journal_id")  # not in version 1
        _add_row(db, "versions", image, {**version, "journal_id": None if step is None else numbers[step]})
    for report in entry["reports"]:
        _add_row(db, "reports", image, {**report, "journal_id": numbers.get(report["journal_id"], 0)})
    _check_masks(journal, image, entry, source)


def _user(db: Database, name: str) -> int:
    db.execute("INSERT INTO users(name, created) VALUES(?, ?) ON CONFLICT DO NOTHING", (name, now()))
    return int(db.one("SELECT id FROM users WHERE name = ?", (name,))[0])


def _add_row(db: Database, table: str, image: int, row: dict[str, Any]) -> int:
    columns = [column for column in _TABLES[table] if column != "id"]
    marks = ", ".join("?" * (2 + len(columns)))
    return db.insert(
        f"INSERT INTO {table}(image_id, user_id, {', '.join(columns)}) VALUES({marks})",
        [image, _user(db, row["user"]), *(row[column] for column in columns)],
    )


def _add_journal(db: Database, image: int, rows: list[dict[str, Any]]) -> dict[int, int]:
    """Add a journal under new numbers; {its number there: its number here}."""
    numbers: dict[int, int] = {}
    stack = Stack()
    for row in rows:
        stack.take(row["kind"], row["id"], row["target"])
        pixels = {key: None if row[key] is None else base64.b64decode(row[key]) for key in ("before", "after")}
        target = None if row["target"] is None else numbers[row["target"]]
        known = {"field": None, "typed": "", "chained": 0}  # of version 1
        numbers[row["id"]] = _add_row(db, "journal", image, {**known, **row, **pixels, "target": target})
    return numbers


def _check_masks(journal: Journal, image: int, entry: dict[str, Any], source: Path) -> None:
    """A report signed last and still in force has to be of the outlines as they are."""
    last = entry["reports"][-1] if entry["reports"] else None
    if last is None or (entry["journal"] and last["journal_id"] != entry["journal"][-1]["id"]):
        return
    digests = {str(frame): mask_digest(mask) for frame, mask in journal.masks(image).items()}
    if json.loads(last["masks"]) != digests:
        raise StoreError("an outline is not the one that was signed", path=source, remedy=_REMEDY)
