"""Reports, of which every signed version is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from busi_viewer.core.casebook import Report
from busi_viewer.core.steps import CALLIPERS, FINDINGS
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.fields import Fields, as_text
from busi_viewer.store.images import Images
from busi_viewer.store.journal import Journal
from busi_viewer.store.packing import mask_digest


class Reports:
    """The table ``reports`` of one store."""

    def __init__(self, database: Database, audit: Audit, images: Images, fields: Fields, journal: Journal) -> None:
        self._db = database
        self._audit = audit
        self._images = images
        self._fields = fields
        self._journal = journal

    def sign(self, image: int, content: Mapping[str, Any], reason: str) -> Report:
        """Keep a signed report of the image as it is now; an earlier version stays as it is. Raises StoreError."""
        text = as_text(content)
        with self._db.transaction():
            self._fields.settle(image)
            here = self._images.get(image)
            digests = {str(frame): mask_digest(mask) for frame, mask in self._journal.masks(image).items()}
            numbers = self._state(image)
            earlier = self._db.one("SELECT max(version) FROM reports WHERE image_id = ?", (image,))[0] or 0
            self._db.execute(
                "INSERT INTO reports(image_id, version, at, user_id, content, findings, callipers, journal_id, masks, reason)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (image, earlier + 1, now(), self._db.user_id, text, *numbers, as_text(digests), clean(reason)),
            )
            self._db.execute("UPDATE images SET signed = 1 WHERE id = ?", (image,))
            self._images.touch(image)
            model = self._db.one("SELECT model_sha256 FROM analyses WHERE image_id = ? ORDER BY id DESC", (image,))
            self._audit.append(
                "report signed",
                case=here.case,
                image=here.sha256,
                field="report",
                old=f"version {earlier}" if earlier else "",
                new=", ".join((f"version {earlier + 1}", *_signed_by(content), f"findings version {numbers[0]}")),
                reason=reason,
                model=model[0] if model else "",
            )
        self._audit.keep_head()
        return self.reports(image)[-1]

    def _state(self, image: int) -> tuple[int, int, int]:
        """What a report rests on: the versions of findings and callipers, and the journal's last row (0 = none)."""
        row = self._db.one(
            "SELECT (SELECT max(number) FROM versions WHERE image_id = ?1 AND field = ?2),"
            " (SELECT max(number) FROM versions WHERE image_id = ?1 AND field = ?3),"
            " (SELECT max(id) FROM journal WHERE image_id = ?1)",
            (image, FINDINGS, CALLIPERS),
        )
        return row[0] or 0, row[1] or 0, row[2] or 0

    def reports(self, image: int) -> list[Report]:
        """Every signed version of the image's report, oldest first."""
        rows = self._db.rows(
            "SELECT r.version, r.at, u.name, r.content, r.masks, r.reason, r.findings, r.callipers, r.journal_id"
            " FROM reports r JOIN users u ON u.id = r.user_id WHERE image_id = ? ORDER BY version",
            (image,),
        )
        state = self._state(image) if rows else ()
        return [
            Report(
                version=row[0],
                at=row[1],
                user=row[2],
                content=json.loads(row[3]),
                findings=row[6],
                masks={int(frame): digest for frame, digest in json.loads(row[4]).items()},
                reason=row[5],
                current=row is rows[-1] and tuple(row[6:9]) == state,
            )
            for row in rows
        ]


def _signed_by(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The name that stands under the report, which need not be that of the account it was signed from."""
    signer = content.get("signer")
    return (f"signed as {signer}",) if isinstance(signer, str) and signer else ()
