"""Names for a training set: made with the store's secret key, so that they stay the same and tell nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

from busi_viewer.core.casebook import FINDINGS, StoredImage
from busi_viewer.core.results import CLASSES
from busi_viewer.store.database import Database


def candidates(database: Database) -> Iterator[tuple[int, str | None]]:
    """Images with a reader's outline, each with its class: the findings' entry ``label``, if it is one of CLASSES."""
    rows = database.rows(
        "SELECT i.id, (SELECT value FROM versions v WHERE v.image_id = i.id AND v.field = ? ORDER BY number DESC LIMIT 1)"
        " FROM images i WHERE i.edited = 1 ORDER BY i.id",
        (FINDINGS,),
    )
    for image, text in rows:
        value = json.loads(text) if text else None
        label = value.get("label") if isinstance(value, dict) else None
        yield image, label if label in CLASSES else None


def group_of(database: Database, key: bytes, image: int) -> str:
    """One name for all images of a patient, or of a case where the patient is not known."""
    patient, uid = database.one(
        "SELECT c.patient, c.uid FROM cases c JOIN images i ON i.case_id = c.id WHERE i.id = ?", (image,)
    )
    return "p" + _digest(key, f"patient {patient}" if patient else f"case {uid}", 12)


def name_of(key: bytes, image: StoredImage, frame: int) -> str:
    """A name for one frame of an image."""
    return f"{_digest(key, image.sha256, 16)}-f{frame:04d}"


def _digest(key: bytes, text: str, length: int) -> str:
    return hmac.new(key, text.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()[:length]
