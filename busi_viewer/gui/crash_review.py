"""Offers the records of crashes at the next start: to look at, to save for a report of the fault, to delete."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from busi_viewer.core.errors import OutputError
from busi_viewer.gui import privacy
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.notices import Notice, Notices
from busi_viewer.gui.problem import problem_from

PROMISE = (
    "Everything that was committed is kept. A record says where in the program it happened: versions and stacks, "
    "no patient data, no names of files you opened. It stays on this computer."
)


class CrashReview(QObject):
    """One notice for all records there are; ``window`` is what dialogs belong to."""

    def __init__(self, notices: Notices, window: QWidget) -> None:
        super().__init__(window)
        self._notices, self._window = notices, window
        self._found: list[Path] = []
        self._notice: Notice | None = None

    @Slot()
    def offer(self) -> None:
        """Show the notice if a window crashed since it was offered last."""
        from busi_viewer.workflow import crashes

        self._found = crashes.records()
        if not self._found:
            return
        many = len(self._found)
        title = plural("The program crashed the last time.", "The program crashed {n} times.", many)
        deeds = ((tr("Save…"), self._save), (tr("Delete"), self._delete))
        self._notice = self._notices.show_warning(title, tr(PROMISE), *deeds, details=self._text())

    def _text(self) -> str:
        from busi_viewer.workflow import crashes

        return "\n\n".join(crashes.read(path) for path in self._found)

    @Slot()
    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self._window, tr("Save crash record"), "crash.txt", "TXT (*.txt)")
        if not name:
            return
        from busi_viewer.workflow.export import write_bytes

        try:
            write_bytes(Path(name), self._text().encode("utf-8"))
        except OutputError as error:
            self._notices.show_problem(problem_from(error, "saving"))
            return
        self._delete()
        self._notices.show_info(tr("Saved {name}", name=privacy.name(Path(name))), privacy.place(Path(name).parent))

    @Slot()
    def _delete(self) -> None:
        from busi_viewer.workflow import crashes

        crashes.remove(self._found)
        self._found = []
        if self._notice is not None:
            self._notice.dismiss()
            self._notice = None
