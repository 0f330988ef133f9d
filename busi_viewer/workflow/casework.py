"""The case store in the user's data folder: opening it, and giving a document back what was kept of it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, fields, replace
from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.callipers import from_json, states_scale
from busi_viewer.core.casebook import AuditQuery, AuditRow, Kept
from busi_viewer.core.document import Document
from busi_viewer.core.errors import UserError
from busi_viewer.core.findings import FindingsError
from busi_viewer.core.findings import from_json as findings_from_json
from busi_viewer.core.ports import CaseStore, Services
from busi_viewer.workflow.export import write_bytes

NETWORKS = (
    *("nfs", "cifs", "smb", "afs", "9p", "ceph", "lustre"),
    *("glusterfs", "gpfs", "fuse.sshfs", "davfs", "webdav", "ncpfs"),
)
"""Beginnings of the names of file systems that lie on other computers."""


def store_folder() -> Path:
    """Where the case store is kept: ``cases`` in the user's data folder (``BUSI_VIEWER_HOME`` moves it)."""
    return paths.data_dir() / "cases"


def open_store(
    services: Services, *, user: str | None = None, read_only: bool = False, create: bool = True
) -> CaseStore:
    """Open the user's case store, or make it. Raises StoreError; StoreInUse while another window has it open, NoStore."""
    return services.open_store(store_folder(), user, read_only=read_only, create=create)


def restore(document: Document, kept: Kept) -> list[UserError]:
    """Put the kept outlines, callipers, findings and the latest analysis into a document that was just opened.

    The undo stack is the caller's: of ``kept.steps``, ``kept.position`` are applied already. Findings and
    callipers that cannot be read are left out, and the errors that say so returned; the store keeps them as a version.
    """
    unread: list[UserError] = []
    for frame, mask in kept.masks.items():
        document.set_reader_mask(frame, mask)
    if kept.callipers is not None:
        try:
            callipers, calibration = from_json(kept.callipers.value)
            if calibration is not None and not states_scale(document.record):
                document.set_calibration(calibration)
            document.set_callipers(callipers)
        except ValueError as error:
            unread.append(UserError(f"the callipers cannot be used: {error}"))
    if kept.result is not None:
        document.offer(replace(kept.result, path=document.record.path, revision=document.revision))
    if kept.findings is not None:
        try:
            document.set_findings(findings_from_json(kept.findings.value))
        except FindingsError as error:
            unread.append(error)
    return unread


def export_audit(store: CaseStore, path: Path, query: AuditQuery | None = None) -> int:
    """Write the rows that fit as CSV (UTF-8), oldest first; how many. Raises OutputError, StoreError."""
    store.settle()
    rows = store.audit.rows(replace(query or AuditQuery(), limit=-1, offset=0))
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([item.name for item in fields(AuditRow)])
    table.writerows(astuple(row) for row in reversed(rows))
    write_bytes(path, text.getvalue().encode("utf-8", "backslashreplace"))
    return len(rows)


def network_of(folder: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """The kind of network file system a folder lies in, "" for a local one; ``mounts`` are (folder, kind of file system)."""
    place = Path(os.path.abspath(folder))
    above = [(Path(mount), kind) for mount, kind in mounts if place.is_relative_to(mount)]
    kind = max(above, key=lambda one: len(one[0].parts), default=(place, ""))[1].lower()
    return kind if kind.startswith(NETWORKS) else ""
