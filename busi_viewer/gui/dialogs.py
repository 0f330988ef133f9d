"""The few dialogs: About, and the question before reader's work is left unexported."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from busi_viewer import __version__
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import plural, tr

ABOUT = (
    "Outlines lesions on breast-ultrasound images, estimates how likely they are benign or malignant, and writes reports.",
    "Research use only. Not a medical device, not for clinical decisions. The estimate proposes no BI-RADS category and "
    "no management.",
    "BI-RADS is a trademark of the American College of Radiology, which does not endorse this software.",
    "Licensed under the Apache License 2.0. Qt and PySide6: LGPL 3. Inter and JetBrains Mono: SIL Open Font License. "
    "Lucide icons: ISC.",
)


class AboutDialog(QDialog):
    """Version, purpose, licence and trademark notes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("About"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        column.addLayout(spaced(label("busi_viewer", "result"), label(__version__, "quiet"), 0))
        column.addLayout(spaced(label(tr("Research use only"), "badge"), 0))
        for text in ABOUT:
            column.addWidget(label(tr(text), wrap=True))
        close = KeyButton(tr("Close"), role="primary")
        close.clicked.connect(self.accept)
        column.addLayout(spaced(0, close))
        self.setFixedWidth(460)


class CloseDialog(QDialog):
    """Asks before work is lost that is neither kept nor exported; accepted means close anyway.

    ``count`` images carry outlines; ``waits`` changes wait to be saved by a store that cannot be written now.
    """

    def __init__(self, parent: QWidget, count: int, waits: int = 0) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Close"))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        if count:
            title = plural(
                "1 image carries outlines that are neither kept nor exported",
                "{n} images carry outlines that are neither kept nor exported",
                count,
            )
            text = tr("Closing loses them. To keep them, export a PDF report or a mask PNG of each.")
        else:
            title = plural("1 change is not saved yet", "{n} changes are not saved yet", waits)
            text = tr("The case store cannot be written. Closing loses them; make room, and they are saved.")
        column.addWidget(label(title, "title"))
        column.addWidget(label(text, "dim", wrap=True))
        stay, close = KeyButton(tr("Keep working"), role="primary"), KeyButton(tr("Close anyway"))
        stay.clicked.connect(self.reject)
        close.clicked.connect(self.accept)
        column.addSpacing(4)
        column.addLayout(spaced(0, close, stay))
        self.setFixedWidth(440)
        stay.setFocus()
