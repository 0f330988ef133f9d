"""The list of all keys (F1), in which each command can be given others. It stands beside the window; nothing waits for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.gui.actions import BY_NAME, COMMANDS, Actions, keys_in_words
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import said, tr

NAME = Qt.ItemDataRole.UserRole
MOUSE = (
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
)


class ShortcutsDialog(QDialog):
    """Every command with its keys, by menu. A key in use elsewhere is named before it is taken from there."""

    def __init__(self, parent: QWidget, actions: Actions) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self._actions = actions
        self._rows: dict[str, QTreeWidgetItem] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search commands and keys"))
        self.search.setAccessibleName(tr("Search commands and keys"))
        self.search.setToolTip(tr("Show the commands whose name or keys hold these words"))
        self.search.textChanged.connect(self._filter)
        self.list = self._make_list()
        self._what, self._conflict = label(tr("Choose a command to change its key."), "dim"), label("", "caption")
        self.field = QKeySequenceEdit()
        self.field.setMaximumSequenceLength(1)
        self.field.setAccessibleName(tr("New key"))
        self.field.setToolTip(tr("Press the keys that the command shall have"))
        self.field.keySequenceChanged.connect(self._on_typed)
        self.assign, self.add = KeyButton(tr("Assign"), role="primary"), KeyButton(tr("Add"))
        self.remove, self.own = KeyButton(tr("Remove keys")), KeyButton(tr("Default"))
        self.reset = KeyButton(tr("Reset all"))
        tips = (
            tr("Give the command this key alone"),
            tr("Give the command this key as well"),
            tr("Leave the command without a key"),
            tr("Give the command its default keys back"),
            tr("Give all commands their default keys back"),
        )
        deeds = (self._assign, self._add, self._remove, self._default, self._reset)
        for button, tip, deed in zip(
            (self.assign, self.add, self.remove, self.own, self.reset), tips, deeds, strict=True
        ):
            button.setToolTip(tip)
            button.clicked.connect(deed)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        for part in (self.search, self.list, self._what):
            column.addWidget(part)
        column.addLayout(spaced(self.field, self.assign, self.add))
        column.addWidget(self._conflict)
        column.addLayout(spaced(self.remove, self.own, 0, self.reset))
        self.resize(640, 720)
        self._on_chosen()

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        made.setColumnCount(2)
        made.setHeaderLabels([tr("Command"), tr("Keys")])
        made.setAccessibleName(tr("Commands and their keys"))
        made.setToolTip(tr("Choose a command to change its key"))
        made.setRootIsDecorated(True)
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        made.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        made.header().setStretchLastSection(False)
        made.header().setAccessibleName(tr("Columns"))
        groups: dict[str, QTreeWidgetItem] = {}
        for command in COMMANDS:
            if command.group not in groups:
                groups[command.group] = QTreeWidgetItem(made, [tr(command.group)])
            row = QTreeWidgetItem(groups[command.group], [said(command.text).rstrip("…"), ""])
            row.setData(0, NAME, command.name)
            self._rows[command.name] = row
            self._show_keys(command.name)
        mouse = QTreeWidgetItem(made, [tr("Mouse and held keys (fixed)")])
        for words, keys in MOUSE:
            QTreeWidgetItem(mouse, [tr(words), tr(keys)])
        made.expandAll()
        made.currentItemChanged.connect(self._on_chosen)
        return made

    def _show_keys(self, name: str) -> None:
        self._rows[name].setText(1, keys_in_words(self._actions.keys(name)))

    @property
    def chosen(self) -> str | None:
        """The command that is chosen, or None."""
        row = self.list.currentItem()
        name = row.data(0, NAME) if row is not None else None
        return str(name) if name else None

    def choose(self, name: str) -> None:
        """Choose a command."""
        self.list.setCurrentItem(self._rows[name])

    # choosing and typing

    @Slot(str)
    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for number in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(number)
            if group is None:
                continue
            shown = 0
            rows = [row for n in range(group.childCount()) if (row := group.child(n)) is not None]
            for row in rows:
                fits = all(word in f"{row.text(0)} {row.text(1)}".casefold() for word in words)
                row.setHidden(not fits)
                shown += fits
            group.setHidden(not shown)

    @Slot()
    def _on_chosen(self) -> None:
        name = self.chosen
        self._what.setText(
            tr("New key for “{command}”", command=said(BY_NAME[name].text).rstrip("…"))
            if name
            else tr("Choose a command to change its key.")
        )
        self.field.clear()
        self._on_typed()

    @Slot()
    def _on_typed(self) -> None:
        name, key = self.chosen, self._typed()
        for button in (self.field, self.remove, self.own):
            button.setEnabled(name is not None)
        self.assign.setEnabled(name is not None and bool(key))
        self.add.setEnabled(name is not None and bool(key))
        other = self._actions.owner(key) if key else None
        taken = other is not None and other != name
        words = (
            tr("In use by “{command}”, which would lose it.", command=said(BY_NAME[other].text).rstrip("…"))
            if taken and other
            else ""
        )
        self._conflict.setText(words)

    def _typed(self) -> str:
        return self.field.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    # changing

    def _assign(self) -> None:
        self._change((self._typed(),))

    def _add(self) -> None:
        if self.chosen is not None:
            self._change(tuple(dict.fromkeys((*self._actions.keys(self.chosen), self._typed()))))

    def _remove(self) -> None:
        self._change(())

    def _default(self) -> None:
        if self.chosen is not None:
            self._change(BY_NAME[self.chosen].keys)

    def _reset(self) -> None:
        self._actions.reset_keys()
        self._show_all()

    def _change(self, keys: tuple[str, ...]) -> None:
        if self.chosen is not None:
            self._actions.rebind({self.chosen: keys})
            self._show_all()

    def _show_all(self) -> None:
        for name in self._rows:
            self._show_keys(name)
        self._on_chosen()
