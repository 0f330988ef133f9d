"""What goes with a report beyond its fields: signing, the trail of exports, and the operating point in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from busi_viewer.core.operating import OperatingPoint
from busi_viewer.core.results import ModelInfo
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.exporting import Exported
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.operating_row import percent
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.result_panel import ResultPanel
from busi_viewer.gui.session import Session
from busi_viewer.workflow.signing import signed_content

if TYPE_CHECKING:
    from busi_viewer.core.casebook import Report

SETTLED_MS = 1000
"""How long the operating point must rest before it is noted in the audit trail."""


class Reports(QObject):
    """Serves the image in view. ``reader`` is the signer's name as remembered; ``reader_named`` when it is another."""

    reader_named = Signal()

    def __init__(
        self,
        reading: Reading,
        keeping: Keeping,
        panel: ResultPanel,
        actions: Actions,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reading, self._keeping, self._panel, self._sign_action = reading, keeping, panel, actions["sign"]
        self.reader = ""
        self._session: Session | None = None
        self._reports: list[Report] = []
        self._asked_at = self._signed_at = -1
        self._point: tuple[ModelInfo, float | None] | None = None
        self._noted: dict[str, float | None] = {}
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self._note_point)
        signature = panel.sections.signature
        signature.wanted.connect(self.ask)
        signature.button.name_key(self._sign_action)
        signature.signed.connect(self._sign)
        self._sign_action.triggered.connect(self.ask)
        actions["take_over"].triggered.connect(panel.findings.take_all)
        actions["describe"].triggered.connect(panel.describe)
        panel.estimate.point_chosen.connect(self._on_point)
        reading.session_changed.connect(self._follow)
        keeping.ready.connect(self._ask_reports)
        reading.desk.late.connect(self._on_late)
        keeping.reports.connect(self._on_reports)

    # signing

    @Slot(object)
    def _follow(self, session: Session | None) -> None:
        if self._session is not None:
            self._session.changed.disconnect(self._show)
        self._session, self._reports, self._signed_at = session, [], -1
        if session is not None:
            session.changed.connect(self._show)
        self._ask_reports()
        self._show()

    @Slot(object, object)
    def _on_late(self, path: Path, _kept: object) -> None:
        if path == self._reading.path:
            self._ask_reports()

    @Slot()
    def _ask_reports(self) -> None:
        path, image = self._reading.path, self._reading.image
        if self._session is not None and path is not None and image is not None:
            self._asked_at = self._session.document.changes
            self._keeping.ask_reports(path, image)

    @Slot(object, object)
    def _on_reports(self, path: Path, reports: list[Report]) -> None:
        if path == self._reading.path and self._session is not None:
            self._reports = reports
            self._signed_at = self._asked_at if reports and reports[-1].current else -1
            if self._current():
                self._reading.desk.mark_exported(path, self._signed_at, report=True)
            self._show()

    @property
    def signed_by(self) -> str:
        """Whose signature stands under the report of the image in view as it is now; empty if nobody's."""
        return str(self._reports[-1].content.get("signer", "")) if self._reports and self._current() else ""

    def _current(self) -> bool:
        return self._session is not None and self._session.document.changes == self._signed_at

    @Slot()
    def _show(self) -> None:
        able = self._keeping.writable and self._reading.image is not None and self._session is not None
        veiled = self._session is not None and self._session.veiled
        unread = self._session is not None and not self._session.document.record.identified
        why_not = tr("Nothing is kept, so nothing can be signed")
        if veiled or unread:
            why_not = tr("Lock your reading first") if veiled else tr("Possible as soon as the file is read to its end")
        signature = self._panel.sections.signature
        signature.show_state(self._reports, self._current(), can_sign=able and not veiled, why_not=why_not)
        self._sign_action.setEnabled(self._panel.sections.signature.button.isEnabled())

    @Slot()
    def ask(self) -> None:
        """Say what would be signed, and let the reader confirm it."""
        if self._session is None:
            return
        self._panel.findings.commit()
        self._show()
        findings, count = self._session.document.findings, len(self._panel.findings.notices)
        lesions = len(findings.lesions)
        lines = [
            tr(
                "Category {category}; management {management}.",
                category=findings.category or tr("not given"),
                management=tr(findings.management or "not given"),
            ),
            plural("1 lesion described.", "{n} lesions described.", lesions),
            *([plural("1 notice open.", "{n} notices open.", count)] if count else []),
        ]
        if self._session.proposal() is not None:
            lines.append(tr("AI's outline of this frame is neither accepted nor discarded."))
        self._panel.sections.signature.ask("\n".join(lines), self.reader)
        self._panel.reveal(self._panel.sections.signature)

    @Slot(str, str)
    def _sign(self, name: str, reason: str) -> None:
        session, path, image = self._session, self._reading.path, self._reading.image
        if session is None or path is None or image is None:
            return
        if name != self.reader:
            self.reader = name
            self.reader_named.emit()
        self._asked_at = session.document.changes
        self._keeping.sign(path, image, signed_content(session.document, name), reason)

    # the audit trail

    @Slot(object)
    def note_export(self, made: Exported) -> None:
        """Note that a report or another file was written for an image."""
        image = self._reading.desk.target(made.source)
        what = "report exported" if made.is_report else "file exported"
        if image is not None:
            self._keeping.note(what, image, "file", "", made.target.name)

    @Slot(object, object, str)
    def _on_point(self, model: ModelInfo, point: OperatingPoint | None, basis: str) -> None:
        threshold = point.threshold if point is not None else None
        self._reading.desk.set_operating_point(model.sha256, threshold, basis)
        self._point = (model, threshold)
        self._settled.start()

    @Slot()
    def _note_point(self) -> None:
        if self._point is None:
            return
        model, point = self._point
        before = self._noted.get(model.sha256)
        if point != before:
            self._noted[model.sha256] = point
            own = f"{percent(model.operating_point or 0.0)} (the model's own)"
            old, new = (own if p is None else percent(p) for p in (before, point))
            field = f"{model.name} {model.version}, SHA-256 {model.sha256[:12]}"
            self._keeping.note("operating point", None, field, old, new)
