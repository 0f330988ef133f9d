"""The empty state: one obvious action, recent work, a promise about privacy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from busi_viewer.gui.controls import IconLabel, KeyButton, label, rule, spaced, tab_after
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role

WIDTH, WIDEST = 472, 640
"""px; as wide as the words of a language need it, within these."""


class RecentRow(QPushButton):
    """One recent file or folder; a press opens it."""

    chosen = Signal(object)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.setFixedHeight(30)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(str(path))
        self.setAccessibleName(tr("Open {name}", name=path.name or str(path)))
        set_role(self, "flat")
        parts = (
            IconLabel("folder" if not path.suffix else "image", "text2"),
            label(path.name or str(path)),
            label(_shortened(path.parent), "quiet"),
        )
        for part in parts:
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setLayout(spaced(parts[0], parts[1], 0, parts[2], margins=(6, 0, 6, 0)))
        self.clicked.connect(lambda: self.chosen.emit(path))


class Welcome(QWidget):
    """Drop zone, Open, sample, recent. ``recent_chosen(path)`` carries what was clicked."""

    open_asked = Signal()
    folder_asked = Signal()
    sample_asked = Signal()
    recent_chosen = Signal(object)

    def __init__(self, *, has_sample: bool) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._drop = QFrame()
        set_role(self._drop, "drop")
        self._fill_drop(has_sample)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        inner = QWidget()
        inner.setMinimumWidth(WIDTH)
        inner.setMaximumWidth(WIDEST)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self._drop)
        column.addLayout(self._recent)
        promise = tr("Images stay on this computer. Nothing is sent anywhere unless you send it.")
        column.addLayout(spaced(0, IconLabel("lock", "text3"), label(promise, "caption"), 0, spacing=5))
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(inner, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def _fill_drop(self, has_sample: bool) -> None:
        opener = KeyButton(tr("Open"), "folder-open", tr("Ctrl O"), "primary")
        opener.clicked.connect(self.open_asked)
        folder = KeyButton(tr("Open folder"), "folder")
        folder.clicked.connect(self.folder_asked)
        sample = KeyButton(tr("Try the sample"), "image")
        sample.clicked.connect(self.sample_asked)
        column = QVBoxLayout(self._drop)
        column.setContentsMargins(24, 36, 24, 34)
        column.setSpacing(6)
        column.addWidget(IconLabel("image", "text2", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(10)
        title = label(tr("Drop images or a folder here"), "title")
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        kinds = tr("PNG, JPEG, TIFF, BMP, DICOM single and multi-frame")
        column.addWidget(label(kinds, "quiet"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(12)
        column.addLayout(spaced(0, opener, folder, *((sample,) if has_sample else ()), 0))

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Show recent files and folders, newest first."""
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if not paths:
            return
        self._recent.addWidget(label(tr("Recent"), "caption"))
        self._recent.addSpacing(4)
        before: QWidget = self._drop
        for path in paths:
            row = RecentRow(path)
            row.chosen.connect(self.recent_chosen)
            self._recent.addSpacing(1)
            self._recent.addWidget(rule())
            self._recent.addWidget(row)
            tab_after(before, row)
            before = row

    def set_over(self, over: bool) -> None:
        """Light up while files are dragged over the window."""
        self._drop.setProperty("over", over)
        set_role(self._drop, "drop")


def _shortened(folder: Path) -> str:
    """The last two parts of a folder's path."""
    parts = folder.parts[-2:]
    return ("… / " if len(folder.parts) > 3 else "") + " / ".join(part for part in parts if part != folder.anchor)
