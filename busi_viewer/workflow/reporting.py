"""What a report needs besides its document: the letterhead from the settings, and from the store who said what and signed."""

from __future__ import annotations

from pathlib import Path

from busi_viewer.core.casebook import AuditQuery, Report
from busi_viewer.core.ports import CaseStore
from busi_viewer.core.reporting import Change, Letterhead, Signature, Trail, last_changes
from busi_viewer.core.steps import FINDINGS
from busi_viewer.settings import Settings

OUTLINE = "outline of frame "
"""How the audit trail names a frame's outline."""


def letterhead(chosen: Settings) -> Letterhead:
    """Whose reports they are."""
    return Letterhead(chosen.facility, chosen.address, Path(chosen.logo) if chosen.logo else None)


def trail_of(store: CaseStore, image: int, case: str, sha256: str) -> Trail:
    """Who said what of an image, and who signed. An account that has signed goes by the signer's name. Raises StoreError."""
    reports = store.reports(image)
    names = {report.user: _signer(report) for report in reports}

    def change(user: str, at: str) -> Change:
        return Change(names.get(user, user), at)

    said = {name: change(*who) for name, who in last_changes(store.versions(image, FINDINGS)).items()}
    outlines: dict[int, Change] = {}
    names_of_image = {sha256, *(one.draft for one in store.images(case) if one.image == image)}
    for row in store.audit.rows(AuditQuery(case=case, text=OUTLINE, limit=-1)):  # newest first
        if row.image in names_of_image and row.field.startswith(OUTLINE):
            outlines.setdefault(int(row.field.removeprefix(OUTLINE)) - 1, change(row.user, row.at))
    return Trail(said, outlines, _signature(reports[-1]) if reports else None)


def _signer(report: Report) -> str:
    return str(report.content.get("signer", "")) or report.user


def _signature(report: Report) -> Signature:
    return Signature(_signer(report), report.user, report.at, report.version, report.reason, report.current)
