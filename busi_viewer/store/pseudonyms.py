"""Names for a training set: made with the store's secret key, so that they stay the same and tell nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from busi_viewer.core.casebook import StoredImage
from busi_viewer.core.steps import FINDINGS
from busi_viewer.store.database import Database

PROVED = "6"
"""The category of a malignancy known from biopsy."""


def candidates(database: Database) -> Iterator[tuple[int, str | None]]:
    """Images with a reader's outline, each with its class: malignant where the reader's category says that it is proved.

    No other category does: a reader's suspicion is no truth to train on.
    """
    rows = database.rows(
        "SELECT i.id, (SELECT value FROM versions v WHERE v.image_id = i.id AND v.field = ? ORDER BY number DESC LIMIT 1)"
        " FROM known i WHERE i.edited = 1 ORDER BY i.id",
        (FINDINGS,),
    )
    for image, text in rows:
        yield image, "malignant" if text and PROVED in _categories(json.loads(text)) else None


def _categories(findings: Any) -> set[Any]:
    """The categories given to an image and its lesions; none where the findings are of an unknown form."""
    if not isinstance(findings, dict):
        return set()
    lesions = findings.get("lesions")
    parts = [findings, *(lesions.values() if isinstance(lesions, dict) else ())]
    return {part["assessment"] for part in parts if isinstance(part, dict) and isinstance(part.get("assessment"), str)}


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
