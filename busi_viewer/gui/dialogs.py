"""The few dialogs: keyboard shortcuts, About, and the question before reader's work is left unexported."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from busi_viewer import __version__
from busi_viewer.gui.actions import COMMANDS, keys_in_words
from busi_viewer.gui.controls import KeyButton, label, spaced

ABOUT = (
    "Outlines lesions on breast-ultrasound images, estimates how likely they are benign or malignant, and writes reports.",
    "Research use only. Not a medical device, not for clinical decisions. The estimate proposes no BI-RADS category and "
    "no management.",
    "BI-RADS is a trademark of the American College of Radiology, which does not endorse this software.",
    "Licensed under the Apache License 2.0. Qt and PySide6: LGPL 3. Inter and JetBrains Mono: SIL Open Font License. "
    "Lucide icons: ISC.",
)


class ShortcutsDialog(QDialog):
    """Every command with its keys, by menu."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(20, 16, 24, 16)
        grid.setHorizontalSpacing(40)
        grid.setVerticalSpacing(5)
        row, group = 0, ""
        for command in COMMANDS:
            if not command.keys:
                continue
            if command.group != group:
                group = command.group
                grid.setRowMinimumHeight(row, 12)
                grid.addWidget(label(group, "title"), row + 1, 0)
                row += 2
            grid.addWidget(label(command.text.rstrip("…")), row, 0)
            grid.addWidget(label(keys_in_words(command), "dim"), row, 1)
            row += 1
        for words, keys in (
            ("Frame (single frame: zoom)", "Wheel"),
            ("Zoom", "Ctrl + wheel"),
            ("Size of the tool: brush, tolerance, width, by how much", "Shift + wheel"),
            ("Window and level", "Right drag"),
            ("Pan", "Middle drag"),
            ("Erase while painting, take away while filling, mark background", "Alt"),
            ("Remove a handle of polygon, freehand or livewire", "Alt + click"),
            ("Take back the last handle or mark", "Backspace"),
            ("Calliper: no snapping", "Alt + drag"),
            ("Chosen calliper: next or previous handle", "Page Down, Page Up"),
            ("Chosen handle: nudge, further", "Arrows, Shift + arrows"),
            ("Delete the chosen calliper", "Del"),
        ):
            grid.addWidget(label(words), row, 0)
            grid.addWidget(label(keys, "dim"), row, 1)
            row += 1
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)
        self.resize(640, 720)


class AboutDialog(QDialog):
    """Version, purpose, licence and trademark notes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        column.addLayout(spaced(label("busi_viewer", "result"), label(__version__, "quiet"), 0))
        column.addLayout(spaced(label("Research use only", "badge"), 0))
        for text in ABOUT:
            column.addWidget(label(text, wrap=True))
        close = KeyButton("Close", role="primary")
        close.clicked.connect(self.accept)
        column.addLayout(spaced(0, close))
        self.setFixedWidth(460)


class CloseDialog(QDialog):
    """Asks before work is lost that is neither kept nor exported; accepted means close anyway.

    ``count`` images carry outlines; ``waits`` changes wait to be saved by a store that cannot be written now.
    """

    def __init__(self, parent: QWidget, count: int, waits: int = 0) -> None:
        super().__init__(parent)
        self.setWindowTitle("Close")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(10)
        images = "1 image carries" if count == 1 else f"{count} images carry"
        if count:
            title = f"{images} outlines that are neither kept nor exported"
            text = "Closing loses them. To keep them, export a PDF report or a mask PNG of each."
        else:
            title = "1 change is not saved yet" if waits == 1 else f"{waits} changes are not saved yet"
            text = "The case store cannot be written. Closing loses them; make room, and they are saved."
        column.addWidget(label(title, "title"))
        column.addWidget(label(text, "dim", wrap=True))
        stay, close = KeyButton("Keep working", role="primary"), KeyButton("Close anyway")
        stay.clicked.connect(self.reject)
        close.clicked.connect(self.accept)
        column.addSpacing(4)
        column.addLayout(spaced(0, close, stay))
        self.setFixedWidth(440)
        stay.setFocus()
