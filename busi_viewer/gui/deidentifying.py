"""Export without patients: asks, works in the background with progress and cancel, and says what was left out and why."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from busi_viewer.core.deidentify import DeidentifyOptions
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.image import to_uint8
from busi_viewer.core.ports import Services
from busi_viewer.gui import privacy
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.deidentify_dialog import DeidentifyDialog
from busi_viewer.gui.desktop import open_file
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.notices import Notices, sentence
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.thumbnails import to_image
from busi_viewer.gui.work_bar import WorkBar
from busi_viewer.gui.worklist import Worklist

if TYPE_CHECKING:
    from busi_viewer.workflow.deidentify import Study

FOLDER = "deidentified"


class Deidentifying(QObject):
    """``bar`` goes above the pages of the window."""

    _told = Signal(str, float)
    _ended = Signal(object)
    _broke = Signal(object)

    def __init__(
        self,
        services: Services,
        actions: Actions,
        reading: Reading,
        keeping: Keeping,
        worklist: Worklist,
        notices: Notices,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._services, self._reading, self._keeping = services, reading, keeping
        self._worklist, self._notices, self._window = worklist, notices, parent
        self._action = actions["deidentify"]
        self._action.triggered.connect(self.ask)
        self.bar = WorkBar(tr("De-identified files"), tr("Stop; nothing is written"))
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._stop = threading.Event()
        self.bar.cancel.clicked.connect(self._stop.set)
        self._told.connect(self._on_told)
        self._ended.connect(self._on_ended)
        self._broke.connect(self._on_broke)

    @Slot()
    def ask(self) -> None:
        """Ask how, and where to; for the selected images (all listed if not more than one is selected)."""
        selected = self._worklist.selected()
        paths = selected if len(selected) > 1 else self._worklist.shown.shown_paths()
        if self.bar.isVisible() or not paths:
            return
        dialog = DeidentifyDialog(self._window, len(paths), self._in_view())
        dialog.chosen.connect(partial(self._ask_folder, paths))
        dialog.open()

    def _in_view(self) -> QImage | None:
        """The DICOM frame in view, in which a box can be drawn."""
        session = self._reading.session
        if session is None or session.document.record.kind != "dicom":
            return None
        record = session.document.record
        return to_image(to_uint8(record.frames[session.frame], record.window))

    def _ask_folder(self, paths: list[Path], options: DeidentifyOptions) -> None:
        name = QFileDialog.getExistingDirectory(
            self._window, tr("A new folder of de-identified files goes into"), str(paths[0].parent)
        )
        if name:
            self.start(paths, _new(Path(name)), options)

    def start(self, paths: list[Path], out: Path, options: DeidentifyOptions) -> None:
        """Write these files without their patients into a new folder."""
        self._stop.clear()
        self.bar.show_state(tr("De-identifying"), 0)
        self.bar.show()
        self._action.setEnabled(False)

        def work() -> object:
            from busi_viewer.workflow.deidentify import deidentify

            return deidentify(self._services, paths, out, options, self._told.emit, cancel=self._stop)

        start_job(self._pool, work, self._ended.emit, self._broke.emit)

    def _rest(self) -> None:
        self.bar.hide()
        self._action.setEnabled(True)

    @Slot(str, float)
    def _on_told(self, words: str, share: float) -> None:
        self.bar.show_state(tr("De-identifying: {stage}", stage=said(words)), share)

    @Slot(object)
    def _on_ended(self, study: Study) -> None:
        self._rest()
        count = len(study.done)
        title = (
            plural("1 file de-identified", "{n} files de-identified", count)
            if count
            else tr("No file was de-identified")
        )
        aside = []
        if study.left_out:
            aside.append(plural("1 left out: see the details.", "{n} left out: see the details.", len(study.left_out)))
        if study.other_files:
            aside.append(plural("1 is no DICOM file.", "{n} are no DICOM files.", study.other_files))
        if study.only_read:
            aside.append(plural(
                "1 states no acquisition region and was only read by the text recognition: look at it before you share it.",
                "{n} state no acquisition region and were only read by the text recognition: look at them before you share them.",
                study.only_read,
            ))  # fmt: skip
        named = [
            f"{privacy.name(error.path) if error.path else ''}: {said(error.what)}. {said(error.remedy or '')}".strip()
            for error in study.left_out
        ]
        deeds = ((tr("Open folder"), partial(open_file, study.folder)),) if count else ()
        if count:
            self._keeping.note("exported de-identified", None, "files", "", str(count))
        if aside or not count:
            self._notices.show_warning(f"{title}.", " ".join(map(sentence, aside)), *deeds, details="\n".join(named))
        else:
            self._notices.show_info(f"{title}.", privacy.place(study.folder), *deeds)

    @Slot(object)
    def _on_broke(self, error: BaseException) -> None:
        self._rest()
        if isinstance(error, Cancelled):
            self._notices.show_info(tr("Cancelled: nothing was written."))
        else:
            self._notices.show_problem(problem_from(error, "de-identifying"))

    def close(self) -> None:
        """Stop, and end the thread."""
        self._stop.set()
        self.blockSignals(True)
        drain(self._pool)


def _new(parent: Path) -> Path:
    """A folder that is not there yet; its name says nothing of a patient."""
    number, out = 1, parent / FOLDER
    while out.exists():
        number += 1
        out = parent / f"{FOLDER}-{number}"
    return out
