"""What is asked before DICOM files are exported without their patients."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from busi_viewer.core.deidentify import DeidentifyOptions
from busi_viewer.gui.controls import Combo, KeyButton, label, spaced
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.region_picker import RegionPicker

DATES = {"Removed": "remove", "Moved, by days of each patient's own": "shift"}
TEXT = {"The file is left out": "refuse", "It is blackened on every frame": "remove"}
KEPT = {"The regions that the files state": False, "A box drawn here, on every frame": True}
WIDTH = 500
NOT_SURE = (
    "Where a file states no region, only the text recognition looks after its pixels. It misses about 1 of 20 lines of text "
    "on tissue: draw a box to be sure."
)
ONE_BOX = "The box counts for every file, in pixels. Text inside it is still looked for."


class DeidentifyDialog(QDialog):
    """``chosen(DeidentifyOptions)`` once the reader goes on. ``image`` is the DICOM frame in view, or None."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget, count: int, image: QImage | None) -> None:
        super().__init__(parent)
        self.setObjectName("deidentifyDialog")
        self.setWindowTitle(tr("Export de-identified"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dates, self.text, self.kept = (self._choice(*each) for each in self._choices())
        self.picker = RegionPicker(image) if image is not None else None
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(
            label(plural("1 file, without its patient", "{n} files, without their patients", count), "title")
        )
        column.addWidget(label(tr(
            "New DICOM files: headers after PS3.15 (Basic Profile), other UIDs and names, black outside of the acquisition "
            "regions on every frame. Files that may still show text are left out, and named."
        ), "dim", wrap=True))  # fmt: skip
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, (field, words) in enumerate(
            ((self.dates, tr("Dates")), (self.text, tr("Text inside")), (self.kept, tr("Kept of a frame")))
        ):
            name = label(words, "dim")
            name.setBuddy(field)
            grid.addWidget(name, row, 0)
            grid.addWidget(field, row, 1)
        column.addLayout(grid)
        self._hint = label("", "quiet", wrap=True)
        column.addWidget(self._hint)
        if self.picker is not None:
            column.addWidget(self.picker, 0, Qt.AlignmentFlag.AlignHCenter)
        self.go_on, cancel = KeyButton(tr("Choose folder…"), "folder-open", role="primary"), KeyButton(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self.go_on.clicked.connect(self._on_chosen)
        self.go_on.setDefault(True)
        column.addLayout(spaced(0, cancel, self.go_on))
        self.kept.currentIndexChanged.connect(self._refresh)
        self.kept.setEnabled(image is not None)
        self._refresh()
        self.dates.setFocus()

    def _choices(self) -> tuple[tuple[str, dict[str, object], str], ...]:
        return (
            (tr("Dates"), dict(DATES), tr("Moved dates keep the time between examinations")),
            (tr("Text inside"), dict(TEXT), tr("What becomes of files on which letters are found")),
            (tr("Kept of a frame"), dict(KEPT), tr("Everything else is blackened; a box needs a DICOM image in view")),
        )

    def _choice(self, name: str, values: dict[str, object], tip: str) -> Combo:
        combo = Combo()
        combo.setAccessibleName(name)
        combo.setToolTip(tip)
        for words, value in values.items():
            combo.addItem(tr(words), value)
        return combo

    @Slot()
    def _refresh(self) -> None:
        by_hand = bool(self.kept.currentData())
        self._hint.setText(tr(ONE_BOX) if by_hand else tr(NOT_SURE))
        if self.picker is not None:
            self.picker.setVisible(by_hand)
        self._column.activate()
        height = self._column.totalHeightForWidth(WIDTH)
        title_bar = self.frameGeometry().height() - self.geometry().height()
        self.setFixedSize(WIDTH, height)
        lowest = self.screen().availableGeometry().bottom() - height - title_bar
        if self.isVisible() and self.y() > lowest:
            self.move(self.x(), max(lowest, 0))

    @Slot()
    def _on_chosen(self) -> None:
        region = self.picker.box if self.picker is not None and self.kept.currentData() else None
        self.chosen.emit(DeidentifyOptions(self.dates.currentData(), self.text.currentData(), region))
        self.accept()
