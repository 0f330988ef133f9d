"""Privacy mode: while others look on, files are called by numbers, and nothing on screen names them or a patient.

What shows a file's name asks :func:`name` or :func:`folder`; what shows words made elsewhere passes them through
:func:`words`. What an image itself shows (burned-in text), the case store and the body of a report stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal, Slot

from busi_viewer.gui.language import tr

if TYPE_CHECKING:
    from busi_viewer.gui.actions import Actions
    from busi_viewer.gui.keeping_notices import KeepingNotices
    from busi_viewer.gui.reading import Reading
    from busi_viewer.gui.worklist_model import WorklistModel

_on = False
_numbers: dict[Path, int] = {}
HIDDEN = "hidden in privacy mode"


def on() -> bool:
    """Whether privacy mode is on."""
    return _on


def use(private: bool) -> None:
    """Switch privacy mode. What file dialogs remember of folders is forgotten, unless they are the system's own."""
    global _on
    _on = private
    if private:
        dialogs = QSettings(QSettings.Scope.UserScope, "QtProject")
        dialogs.remove("FileDialog")


def meet(paths: Iterable[Path]) -> None:
    """Number files, in the order given; those met before keep their number."""
    for path in paths:
        _numbers.setdefault(path, len(_numbers) + 1)


def name(path: Path, *, stem: bool = False) -> str:
    """What a file is called: its name (or ``stem``), or in privacy mode "Image 7", "a file" if it was not met."""
    if not _on:
        return path.stem if stem else path.name or str(path)
    return tr("Image {n}", n=_numbers[path]) if path in _numbers else tr("a file")


def place(path: Path) -> str:
    """What a folder, or a file with its folders, is called: its path, or in privacy mode nothing of it."""
    return tr(HIDDEN) if _on else str(path)


def words(text: str) -> str:
    """A text, in privacy mode without the paths and names of files that are known."""
    if not _on or not text:
        return text
    for path in sorted(
        (path for path in _numbers if path.name and path.name in text), key=lambda path: -len(str(path))
    ):
        text = text.replace(str(path), name(path)).replace(path.name, name(path))
    for folder in sorted(
        {folder for path in _numbers for folder in path.parents}, key=lambda folder: -len(str(folder))
    ):
        if len(folder.parts) > 1:
            text = text.replace(str(folder), tr("a folder hidden in privacy mode"))
    return text


class Switch(QObject):
    """The command that switches privacy mode; whatever shows a name is told. ``changed`` follows."""

    changed = Signal()

    def __init__(
        self, actions: Actions, reading: Reading, model: WorklistModel, tidings: KeepingNotices, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._reading, self._model, self._tidings = reading, model, tidings
        actions["privacy"].triggered.connect(self._switch)

    @Slot(bool)
    def _switch(self, private: bool) -> None:
        use(private)
        if private:
            self._tidings.clear_notices()
        self._model.rename()
        reading = self._reading
        reading.analysis_changed.emit()
        if reading.session is not None:
            reading.session.changed.emit()
        elif reading.path is not None:
            reading.retry(reading.path)
        self.changed.emit()
