"""The language of the window: chosen in the View menu, spoken from the next start on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.language import LANGUAGES, tr
from busi_viewer.gui.notices import Notices


class LanguageChoice(QObject):
    """Ticks the language that is ``chosen``, keeps another one by ``save`` and says from when on it is spoken."""

    def __init__(self, actions: Actions, notices: Notices, save: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._notices, self._save = notices, save
        self._actions = actions
        self.chosen = "system"
        for code in LANGUAGES:
            actions[f"language_{code}"].triggered.connect(partial(self._choose, code))

    def restore(self, chosen: str) -> None:
        """Tick the language that was chosen."""
        self.chosen = chosen
        self._actions[f"language_{chosen}"].setChecked(True)

    def _choose(self, code: str, _checked: bool = False) -> None:
        if code != self.chosen:
            self.chosen = code
            self._save()
            self._notices.show_info(tr("The language changes when the window is opened again."))
