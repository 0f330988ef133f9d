"""The row below the result, which does not scroll: flag the image in view, and go on to the next that is not reported."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QWidget

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import KeyButton, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.worklist_model import WorklistModel


class ResultFoot(QWidget):
    """Two commands at hand at the end of a reading; the flag shows whether the image has one."""

    def __init__(self, actions: Actions, model: WorklistModel) -> None:
        super().__init__()
        self.setObjectName("resultFoot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions, self._model = actions, model
        self._path: Path | None = None
        self.flag = KeyButton(tr("Flag"), "flag", "F")
        self.flag.setCheckable(True)
        self.next = KeyButton(tr("Next to read"), "", tr("Ctrl Down"), "outlined")
        for button, name in ((self.flag, "flag"), (self.next, "next_unreported")):
            button.bind(actions[name])
        self.setLayout(spaced(self.flag, 0, self.next, margins=(12, 8, 12, 8)))
        model.touched.connect(self._on_touched)
        model.altered.connect(self._show)

    def show_image(self, path: Path | None) -> None:
        """The image in view, being opened or not readable."""
        self._path = path
        self._show()

    @Slot(object)
    def _on_touched(self, path: Path) -> None:
        if path == self._path:
            self._show()

    @Slot()
    def _show(self) -> None:
        item = self._model.item(self._path) if self._path is not None else None
        flagged = item is not None and item.flagged
        self.flag.setChecked(flagged)
        self.flag.set_text(tr("Flagged") if flagged else tr("Flag"))
        self.flag.setToolTip(self._actions["flag"].toolTip())
        self.setVisible(item is not None)
