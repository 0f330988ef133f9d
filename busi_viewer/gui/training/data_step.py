"""Step 1 of a new run: which data, what is wrong with them, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QListWidget, QListWidgetItem, QProgressBar, QVBoxLayout, QWidget

from busi_viewer.gui import icons, privacy
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.empty_note import EmptyNote
from busi_viewer.gui.language import number, said, tr
from busi_viewer.gui.training.findings import Findings
from busi_viewer.gui.training.work import AUDIT, Work

if TYPE_CHECKING:
    from busi_viewer.workflow.audit import Audit

ABOUT = (
    "Folders with normal, benign and malignant inside (masks as NAME_mask.png), or with a manifest.csv. "
    "Corrected cases are written as a new version of a de-identified set first."
)


class DataStep(QWidget):
    """``audited`` when an audit is there, ``changed`` when what is left out changed, ``forward`` to the next step.

    ``corrected_asked``: the corrected cases are to be written as a set; :meth:`add` takes its folder.
    """

    audited = Signal()
    changed = Signal()
    forward = Signal()
    corrected_asked = Signal()

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work
        self.roots: list[Path] = []
        self.result: Mapping[str, Any] | None = None
        self.folders = QListWidget()
        self.folders.setAccessibleName(tr("Data sets"))
        self.folders.setToolTip(tr("The folders that are trained on"))
        self.folders.setFixedHeight(104)
        self._none = EmptyNote(self.folders, "folder")
        self.add_folder = KeyButton(tr("Add folder…"), "folder-open")
        self.add_folder.setToolTip(tr("A folder with class folders or a manifest.csv"))
        self.corrected = KeyButton(tr("Add corrected cases"), "pencil")
        self.corrected.setToolTip(tr("Write every frame with a reader's outline as a new version of a training set"))
        self.remove = KeyButton(tr("Remove"), "trash-2")
        self.audit = KeyButton(tr("Audit"), "scan-search", role="primary")
        self.audit.setToolTip(tr("Look for duplicates, label conflicts, faulty masks and marks; nothing is changed"))
        self.stop = KeyButton(tr("Cancel"), "x")
        self.next = KeyButton(tr("Split"), "chevron-right", role="primary", icon_last=True)
        self.next.setToolTip(tr("Go on to the split"))
        self.findings = Findings()
        self._bar, self._stage, self._sum = QProgressBar(), label("", "quiet"), label("", "dim", wrap=True)
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName(tr("Progress of the audit"))
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(spaced(label(tr("Data"), "title"), 0, self.add_folder, self.corrected, self.remove))
        column.addWidget(label(tr(ABOUT), "quiet", wrap=True))
        column.addWidget(self.folders)
        column.addLayout(spaced(self.audit, self.stop, self._stage, 0))
        column.addWidget(self._bar)
        column.addWidget(self._sum)
        column.addWidget(self.findings, 1)
        column.addStretch(0)
        column.addLayout(spaced(0, self.next))

    def _connect(self) -> None:
        self.add_folder.clicked.connect(self._choose)
        self.corrected.clicked.connect(self.corrected_asked)
        self.remove.clicked.connect(self._remove)
        self.audit.clicked.connect(self._audit)
        self.stop.clicked.connect(lambda: self._work.cancel(AUDIT))
        self.next.clicked.connect(self.forward)
        self.folders.itemSelectionChanged.connect(self._refresh)
        self.findings.changed.connect(self._on_changed)
        self._work.progress.connect(self._on_progress)

    # what the page says

    def add(self, folder: Path) -> None:
        """Take a folder in, once."""
        if folder in self.roots:
            return
        self.roots.append(folder)
        shown = privacy.place(folder)
        item = QListWidgetItem(icons.icon("folder", size=14), f"{privacy.name(folder)}   {shown}")
        item.setToolTip(shown)
        self.folders.addItem(item)
        self._forget()

    def start_over(self) -> None:
        """Nothing chosen."""
        self.roots.clear()
        self.folders.clear()
        self._forget()

    def show_audit(self, outcome: Audit, left_out: Mapping[str, str]) -> None:
        """An audit is there."""
        self.result = outcome.result
        self.findings.show_audit(outcome.result, outcome.pictures, left_out)
        self._on_changed()
        self._refresh()
        self.audited.emit()

    def settle(self) -> None:
        """The audit ended without a result."""
        self._refresh()

    # inside

    @Slot()
    def _choose(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Add data set"))
        if name:
            self.add(Path(name))

    @Slot()
    def _remove(self) -> None:
        row = self.folders.currentRow()
        if row >= 0:
            self.folders.takeItem(row)
            del self.roots[row]
            self._forget()

    def _forget(self) -> None:
        """Other data: what was found does not hold any more."""
        self._work.cancel(AUDIT)
        self.result = None
        self.findings.show_audit({"summary": [], "findings": []}, {}, {})
        self._sum.setText("")
        self._refresh()
        self.changed.emit()

    @Slot()
    def _audit(self) -> None:
        self._work.audit(tuple(self.roots))
        self._stage.setText(tr("Reading…"))
        self._bar.setValue(0)
        self._refresh()

    @Slot(str, str, float)
    def _on_progress(self, kind: str, words: str, share: float) -> None:
        if kind == AUDIT and self._work.busy(AUDIT):
            self._bar.setValue(round(1000 * share))
            name = privacy.name(Path(words))
            stage = tr("Comparing images") if words == "comparing" else tr("Reading {name}", name=name)
            self._stage.setText(tr("{stage}, {percent:.0f} %", stage=stage, percent=100 * share))

    @Slot()
    def _on_changed(self) -> None:
        if self.result is not None:
            n, out = self.result["n"], len(self.findings.left_out)
            groups = len(self.result["groups"])
            reasons = _by_reason(list(self.findings.left_out.values()))
            why = f" ({reasons})" if out else ""
            text = tr(
                "{n:,} images, {groups:,} groups of one scene kept together. {out:,} left out{why}.",
                n=n,
                groups=groups,
                out=out,
                why=why,
            )
            self._sum.setText(text)
        self.changed.emit()

    @Slot()
    def _refresh(self) -> None:
        busy = self._work.busy(AUDIT)
        self._none.say("" if self.roots else tr("No data set yet"))
        self.remove.setEnabled(self.folders.currentRow() >= 0)
        self.audit.setVisible(self.result is None and not busy)
        self.audit.setEnabled(bool(self.roots))
        for part in (self.stop, self._stage, self._bar):
            part.setVisible(busy)
        self.findings.setVisible(self.result is not None)
        self._sum.setVisible(self.result is not None)
        self.next.setVisible(self.result is not None)


def _by_reason(reasons: Sequence[str]) -> str:
    counts = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
    most = sorted(counts.items(), key=lambda entry: -entry[1])
    parts = [f"{said(reason)}: {number(count, ',d')}" for reason, count in most[:4]]
    return "; ".join((*parts, "…") if len(most) > 4 else parts)
