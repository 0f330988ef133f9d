"""The command palette (Ctrl+K): type a few letters of any command, Enter runs it. It lies over the window; nothing waits for it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.gui import theme
from busi_viewer.gui.actions import COMMANDS, Actions, Command, keys_in_words
from busi_viewer.gui.controls import label
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.stylesheet import set_role

NAME = Qt.ItemDataRole.UserRole
WIDTH, HEIGHT, TOP = 600, 420, 64
COLUMNS = {1: 90, 2: 130}
"""Widths (px) of the columns for menu and keys."""
OWN = "palette"
"""The command that shows the palette, which does not list itself."""


class _Field(QLineEdit):
    """Keeps the keys that work the list from the window's shortcuts. ``left`` when the keyboard has gone elsewhere."""

    pressed = Signal(int)
    left = Signal()
    KEYS = (
        *(Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape),
        *(Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    )

    def event(self, event: QEvent) -> bool:
        """Ours before they are shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in self.KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hand them on."""
        if event.key() in self.KEYS:
            self.pressed.emit(event.key())
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leave, unless a menu or another window only lies over this one."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self.left.emit()


class Palette(QFrame):
    """Every command with its menu and keys, those first that fit best; what cannot be done now is dim and cannot be chosen."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        set_role(self, "card")
        self._window, self._actions = window, actions
        self._before: QWidget | None = None
        self.field = _Field()
        self.field.setPlaceholderText(tr("Type what you want to do"))
        self.field.setAccessibleName(tr("Search commands"))
        self.field.setToolTip(tr("Up and down choose, Enter does it, Esc leaves"))
        self.field.textChanged.connect(self._search)
        self.field.pressed.connect(self._on_key)
        self.field.left.connect(self.hide, Qt.ConnectionType.QueuedConnection)  # once the keyboard is where it goes
        self.list = self._make_list()
        self._nothing = label(tr("No command is called that."), "quiet")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        for part in (self.field, self._nothing, self.list):
            column.addWidget(part)
        self.hide()

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        made.setColumnCount(3)
        made.setHeaderHidden(True)
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setAccessibleName(tr("Commands and their keys"))
        made.setToolTip(tr("Up and down choose, Enter does it, Esc leaves"))
        made.header().setStretchLastSection(False)
        made.header().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, wide in COLUMNS.items():
            made.header().resizeSection(column, wide)
        made.header().setAccessibleName(tr("Columns"))
        made.itemClicked.connect(self._run)
        return made

    def open(self) -> None:
        """Show it with an empty search; a second time leaves it."""
        if self.isVisible():
            self._leave()
            return
        self._before = QApplication.focusWidget()
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def chosen(self) -> str | None:
        """The command that Enter would run, or None."""
        row = self.list.currentItem()
        return str(row.data(0, NAME)) if row is not None else None

    def shown(self) -> list[str]:
        """The commands listed, in their order."""
        return [str(self._row(n).data(0, NAME)) for n in range(self.list.topLevelItemCount())]

    def _row(self, number: int) -> QTreeWidgetItem:
        row = self.list.topLevelItem(number)
        if row is None:
            raise IndexError(number)
        return row

    # searching

    @Slot(str)
    def _search(self, text: str) -> None:
        words = text.casefold().split()
        ranked = [(rank, command) for command in COMMANDS if (rank := self._rank(command, words)) is not None]
        self.list.clear()
        for _, command in sorted(ranked, key=lambda found: found[0]):
            action = self._actions[command.name]
            row = QTreeWidgetItem(
                self.list, [action.text(), tr(command.group), keys_in_words(self._actions.keys(command.name))]
            )
            row.setData(0, NAME, command.name)
            row.setToolTip(0, tr(command.tip))
            row.setDisabled(not action.isEnabled())
            for column in COLUMNS:
                if action.isEnabled():
                    row.setForeground(column, theme.colour(theme.tokens().text3))
        self._nothing.setVisible(not ranked)
        self.list.setVisible(bool(ranked))
        self._choose(0, 1)
        self._fit()

    def _fit(self) -> None:
        """As high as what is listed, at most HEIGHT; always at the same place."""
        room = self._window.rect()
        width = min(WIDTH, room.width() - 32)
        rows = self.list.topLevelItemCount() * self.list.sizeHintForRow(0) + 4
        self.list.setFixedHeight(max(min(rows, HEIGHT, room.height() - TOP - 120), 0))
        self.setGeometry((room.width() - width) // 2, TOP, width, 0)
        self.resize(width, self.sizeHint().height())

    def _rank(self, command: Command, words: list[str]) -> tuple[bool, int] | None:
        """Usable ones first, then by the name: begins with, has words that begin with, holds; None does not fit."""
        if command.name == OWN:
            return None
        name = said(command.text).casefold()
        if not all(word in f"{name} {tr(command.group)}".casefold() for word in words):
            return None
        in_name = all(word in name for word in words)
        starts = all(any(part.startswith(word) for part in name.split()) for word in words)
        first = bool(words) and name.startswith(words[0])
        return not self._actions[command.name].isEnabled(), 0 if first and starts else 1 if starts else 3 - in_name

    def _choose(self, number: int, way: int) -> None:
        """The first row from ``number`` on, forwards (1) or backwards (−1), that can be done; none leaves things as they are."""
        while 0 <= number < self.list.topLevelItemCount():
            if not self._row(number).isDisabled():
                self.list.setCurrentItem(self._row(number))
                return
            number += way

    # keys

    @Slot(int)
    def _on_key(self, key: int) -> None:
        row = self.list.currentItem()
        at = self.list.indexOfTopLevelItem(row) if row is not None else -1
        page = max(self.list.viewport().height() // max(self.list.sizeHintForRow(0), 1) - 1, 1)
        if key == Qt.Key.Key_Escape:
            self._leave()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if row is not None:
                self._run(row)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_PageUp):
            self._choose(max(at - (1 if key == Qt.Key.Key_Up else page), 0) if at > 0 else -1, -1)
        else:
            last = self.list.topLevelItemCount() - 1
            self._choose(min(at + (1 if key == Qt.Key.Key_Down else page), last) if at < last else last + 1, 1)

    @Slot(QTreeWidgetItem)
    def _run(self, row: QTreeWidgetItem) -> None:
        if not row.isDisabled():
            self._leave()
            self._actions[str(row.data(0, NAME))].trigger()

    def _leave(self) -> None:
        """Give the keyboard back to where it was."""
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self.hide()
