"""Whose image it is, where the file does not say: two identifiers, date of birth, examination and accession number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from busi_viewer.core.findings import Findings
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import label
from busi_viewer.gui.language import tr

FIELDS = {
    "patient": ("Patient", "Family name, given name", "PatientName"),
    "patient_id": ("Patient ID", "As the facility numbers patients", "PatientID"),
    "birth": ("Date of birth", "YYYY-MM-DD", "PatientBirthDate"),
    "examination": ("Examination", "YYYY-MM-DD", "StudyDate"),
    "accession": ("Accession", "Accession number", "AccessionNumber"),
}
"""Title, what to write, and the entry of the file's facts that goes before."""
LONGEST = 120


class IdentityForm(QWidget):
    """A field each; what the file states cannot be typed over. ``said(name, text)`` when a field is left or Return is pressed."""

    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, QLineEdit] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.setLayout(grid)
        for row, (name, (title, hint, _)) in enumerate(FIELDS.items()):
            field = self.fields[name] = QLineEdit()
            field.setAccessibleName(tr(title))
            field.setToolTip(tr("{title}, as it stands in the report: {hint}", title=tr(title), hint=tr(hint)))
            field.setMaxLength(LONGEST)
            field.editingFinished.connect(partial(self._on_left, name))
            grid.addWidget(label(tr(title)), row, 0)
            grid.addWidget(field, row, 1)

    def commit(self) -> None:
        """Say what was typed and not said yet."""
        for name, field in self.fields.items():
            if field.isModified():
                self._on_left(name)

    def _on_left(self, name: str) -> None:
        field = self.fields[name]
        if field.isModified():
            field.setModified(False)
            self.said.emit(name, field.text().strip())

    def show_findings(self, findings: Findings, facts: Mapping[str, str]) -> None:
        """Show what is said, unless it is being typed; hidden letters in privacy mode."""
        for name, field in self.fields.items():
            stated = bool(facts.get(FIELDS[name][2], "").strip())
            field.setEnabled(not stated)
            field.setPlaceholderText(tr("Stated by the file") if stated else tr(FIELDS[name][1]))
            field.setEchoMode(QLineEdit.EchoMode.Password if privacy.on() else QLineEdit.EchoMode.Normal)
            if not field.isModified():
                field.setText("" if stated else getattr(findings.identity, name))
