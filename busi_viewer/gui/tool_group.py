"""A toolbar button for several tools of one kind: the tool used last, and beside it a menu of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from busi_viewer.gui import icons
from busi_viewer.gui.controls import IconButton
from busi_viewer.gui.language import tr

ARROW = 14
"""Width of the button that opens the menu, in px."""


class ToolGroup(QWidget):
    """``words`` names the group; ``names`` are its actions, the first on the button at first, "" a line in the menu."""

    def __init__(
        self, words: str, names: Sequence[str], actions: Mapping[str, QAction], pictures: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._actions = {name: actions[name] for name in names if name}
        self._pictures = pictures
        self._name = next(iter(self._actions))
        self._face = IconButton(pictures[self._name])
        self._face.setCheckable(True)
        self._face.clicked.connect(self._use)
        self.arrow = _Arrow(tr("{words}: all tools", words=words))
        self.menu = QMenu(self.arrow)
        for name in names:
            if name:
                self.menu.addAction(actions[name])
            else:
                self.menu.addSeparator()
        self.arrow.setMenu(self.menu)
        self.arrow.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu.aboutToShow.connect(self._show_icons)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._face)
        row.addWidget(self.arrow)
        for action in self._actions.values():
            action.changed.connect(self._follow)
        self._follow()

    @property
    def tool(self) -> str:
        """The tool on the button."""
        return self._name

    def _use(self) -> None:
        self._actions[self._name].trigger()

    def _follow(self) -> None:
        """Show the tool in hand, if it is one of the group."""
        checked = [name for name, action in self._actions.items() if action.isChecked()]
        self._name = checked[0] if checked else self._name
        action = self._actions[self._name]
        self._face.show_picture(self._pictures[self._name])
        self._face.setEnabled(action.isEnabled())
        self._face.setChecked(action.isChecked())
        self._face.setToolTip(action.toolTip())
        self._face.setAccessibleName(action.text())

    def _show_icons(self) -> None:
        """Icons in the menu, tinted for the theme of the day."""
        for name, action in self._actions.items():
            action.setIcon(icons.icon(self._pictures[name], size=16))


class _Arrow(QToolButton):
    """The narrow button with a chevron; it follows the theme."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setFixedSize(ARROW, 32)
        self.setIconSize(QSize(10, 10))
        self.setAccessibleName(words)
        self.setToolTip(words)
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Tint again after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        self.setIcon(icons.icon("chevron-down", size=10))
