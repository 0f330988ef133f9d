"""The sections of the result panel below the lesions: place, assessment with its notices, texts, signature."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from busi_viewer.gui.controls import KeyButton, spaced
from busi_viewer.gui.findings.editor import FindingsEditor
from busi_viewer.gui.findings.signature import SignaturePanel
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.result_parts import NoteBox, Section


class FindingsSections:
    """Holds the sections and keeps notices and headings in step with the editor."""

    def __init__(self, editor: FindingsEditor) -> None:
        self._editor = editor
        self.place, self.assessment, self.texts = (
            Section(tr("Location")),
            Section(tr("Assessment")),
            Section(tr("Report text")),
        )
        self.signing, self.signature = Section(tr("Signature")), SignaturePanel()
        self.signing.body.addWidget(self.signature)
        self.identity = Section(tr("Patient"))
        self.identity.body.addWidget(editor.identity)
        self.identity.set_open(False)
        self.parts: tuple[QWidget, ...] = (self.place, self.assessment, self.texts, self.identity, self.signing)
        self.place.body.addWidget(editor.place)
        self._notices, self._gaps = NoteBox("warn"), NoteBox("info")
        self._drop = KeyButton(tr("Remove these findings"), "trash-2", role="flat")
        self._drop.setToolTip(
            tr("Takes back the findings of lesions of this frame that are no longer outlined; can be undone")
        )
        self._drop.clicked.connect(editor.drop_gone)
        for part in (editor.assessment, self._notices, self._gaps):
            self.assessment.body.addWidget(part)
        self.assessment.body.addLayout(spaced(self._drop, 0))
        self.assessment.set_aside(tr("reader only"))
        self.texts.body.addWidget(editor.texts)
        self.texts.set_open(False)
        editor.changed.connect(self._refresh)
        self._refresh()

    def setVisible(self, visible: bool) -> None:
        """Show or hide all of them."""
        for part in self.parts:
            part.setVisible(visible)

    def _refresh(self) -> None:
        found = self._editor.notices
        against = [said(notice.text) for notice in found if not notice.gap]
        self._notices.set_words("\n".join(against))
        self._gaps.set_words("\n".join(said(notice.text) for notice in found if notice.gap))
        self._drop.setVisible(bool(self._editor.gone))
