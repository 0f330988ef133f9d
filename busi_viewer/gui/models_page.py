"""The Models page: what is installed, each with its card; which one is active; verify, activate, roll back, install, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QThreadPool, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFileDialog, QListWidget, QListWidgetItem, QTextBrowser, QVBoxLayout, QWidget

from busi_viewer.core.errors import UserError
from busi_viewer.core.ports import Services
from busi_viewer.gui import icons, privacy, theme
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.lane import Lane
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.markdown_page import space_out
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.workflow import model_file, models
from busi_viewer.workflow.models import Installed

Read = tuple[list[Installed], str]
SIDE = 340


class ModelsPage(QWidget):
    """``problem(Problem)`` and ``said(title, text)`` are for the notice bar. Files are read and checked on a pool of one."""

    problem = Signal(object)
    said = Signal(str, str)
    _read = Signal(object)
    _card = Signal(str, str)
    _done = Signal(object)
    _failed = Signal(object)

    def __init__(self, services: Services, keeping: Keeping, lane: Lane) -> None:
        super().__init__()
        self.setObjectName("modelsPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._services, self._keeping, self._lane = services, keeping, lane
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._models: list[Installed] = []
        self._active = self._carded = ""
        self.list, self.card = QListWidget(), QTextBrowser()
        self.list.setAccessibleName(tr("Installed models"))
        self.list.setToolTip(tr("The one with a check mark is used"))
        self.list.setFixedWidth(SIDE)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.card.setAccessibleName(tr("The model's card"))
        self.card.setToolTip(tr("The model's card"))
        self.card.setOpenLinks(False)
        self.card.document().setDocumentMargin(20)
        self.install, self.export = (
            KeyButton(tr("Install…"), "plus"),
            KeyButton(tr("Export…"), "square-arrow-out-up-right"),
        )
        self.verify, self.activate = (
            KeyButton(tr("Verify"), "circle-check"),
            KeyButton(tr("Activate"), "check", role="primary"),
        )
        self.rollback = KeyButton(tr("Roll back"), "rotate-ccw")
        self.install.setToolTip(tr("Install a model from a file that Export wrote; anything changed in it is refused"))
        self.export.setToolTip(tr("Write the chosen model as one file with checksums"))
        self.verify.setToolTip(tr("Compare the weights with the SHA-256 that the card states"))
        self.activate.setToolTip(tr("Use the chosen model from now on"))
        self.rollback.setToolTip(tr("Go back to the model that was active before"))
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        self._count = label("", "quiet")
        deeds = (self.verify, self.export, self.activate)
        column.addLayout(spaced(label(tr("Models"), "title"), self._count, 8, self.install, self.rollback, 0, *deeds))
        row = spaced(spacing=12)
        row.addWidget(self.list)
        row.addWidget(self.card, 1)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(lambda *_: self._on_chosen())
        self.install.clicked.connect(self._install)
        self.export.clicked.connect(self._export)
        self.verify.clicked.connect(self._verify)
        self.activate.clicked.connect(self._activate)
        self.rollback.clicked.connect(self._roll_back)
        self._read.connect(self._on_read)
        self._card.connect(self._on_card)
        self._done.connect(self._on_done)
        self._failed.connect(self._on_failed)

    # what the window asks

    @Slot()
    def refresh(self) -> None:
        """Read what is installed."""
        self._ask(_installed, self._read.emit, "reading the models")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Wait for what goes on."""
        self.blockSignals(True)
        drain(self._pool)
        super().closeEvent(event)

    # inside

    def _ask(self, work: Callable[[], object], done: Callable[[Any], None], doing: str) -> None:
        start_job(self._pool, work, done, lambda error: self._failed.emit(problem_from(error, doing)))

    @property
    def chosen(self) -> Installed | None:
        """The model in view."""
        row = self.list.currentRow()
        return self._models[row] if 0 <= row < len(self._models) else None

    @Slot(object)
    def _on_read(self, read: Read) -> None:
        before = self.chosen.name if self.chosen is not None else read[1]
        self._models, self._active = read
        self.list.blockSignals(True)
        self.list.clear()
        for model in self._models:
            active = model.name == self._active
            state = tr("active") if active else tr("bundled") if model.bundled else tr("installed")
            tint = theme.tokens().error if model.problem else theme.tokens().accent if active else theme.tokens().text3
            icon = "circle-x" if model.problem else "circle-check" if active else "box"
            item = QListWidgetItem(icons.icon(icon, tint=tint, size=14), f"{model.name}  {model.version}  ·  {state}")
            item.setToolTip(said(model.problem) or f"{model.name} {model.version}, SHA-256 {model.sha256}")
            self.list.addItem(item)
        self.list.blockSignals(False)
        names = [model.name for model in self._models]
        self.list.setCurrentRow(names.index(before) if before in names else 0)
        self._count.setText(tr("{n} installed", n=len(names)))
        self._on_chosen()

    @Slot()
    def _on_chosen(self) -> None:
        model = self.chosen
        usable = model is not None and not model.problem
        self.activate.setEnabled(usable and model is not None and model.name != self._active)
        for button in (self.verify, self.export):
            button.setEnabled(usable)
        if model is None or model.problem:
            self.card.setPlainText(said(model.problem) if model is not None else tr("No model is installed."))
            return
        card, name = dict(model.card), model.name
        if name != self._carded:
            self._carded = ""
            self.card.setPlainText(tr("Reading the card…"))
        self._ask(
            lambda: self._services.study_pages().card_markdown(card, said),
            lambda text: self._card.emit(name, text),
            "reading the card",
        )

    @Slot(str, str)
    def _on_card(self, name: str, text: str) -> None:
        if self.chosen is not None and self.chosen.name == name:
            self._carded = name
            self.card.setMarkdown(text)
            space_out(self.card.document())

    @Slot()
    def _verify(self) -> None:
        model = self.chosen
        if model is not None:
            words = tr("{name}: the weights match the card", name=model.name)
            self._deed(lambda: (words, f"SHA-256 {models.verify(model.folder)}", False), "verifying the model")

    @Slot()
    def _activate(self) -> None:
        model = self.chosen
        if model is not None:
            self._deed(lambda: self._switched("activated", models.activate(model.name)), "activating the model")

    @Slot()
    def _roll_back(self) -> None:
        self._deed(lambda: self._switched("made active again", models.find(models.rollback())), "rolling back")

    @Slot()
    def _install(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, tr("Install model"), "", tr("Model (*{ending});;All files (*)", ending=model_file.SUFFIX)
        )
        if name:

            def work() -> object:
                model = model_file.install(Path(name))
                title = tr("{name} {version} is installed", name=model.name, version=model.version)
                return title, tr("Activate it to use it."), False

            self._deed(work, "installing the model")

    @Slot()
    def _export(self) -> None:
        model = self.chosen
        if model is None:
            return
        proposed = f"{model.name}{model_file.SUFFIX}"
        name, _ = QFileDialog.getSaveFileName(
            self, tr("Export model"), proposed, tr("Model (*{ending})", ending=model_file.SUFFIX)
        )
        if name:
            target = Path(name)
            words = tr("Saved {name}", name=privacy.name(target))
            self._deed(
                lambda: (words, f"SHA-256 {model_file.export(model.name, target)}", False), "exporting the model"
            )

    def _switched(self, what: str, model: Installed) -> tuple[str, str, bool]:
        self._keeping.note_model(what, model)
        title = tr("{name} {version} is the active model", name=model.name, version=model.version)
        return title, tr("Analyse again to use it."), True

    def _deed(self, work: Callable[[], object], doing: str) -> None:
        self._ask(work, self._done.emit, doing)

    @Slot(object)
    def _on_done(self, done: tuple[str, str, bool]) -> None:
        title, text, switched = done
        self.said.emit(title, text)
        if switched:
            self._lane.renew()
        self.refresh()

    @Slot(object)
    def _on_failed(self, problem: object) -> None:
        self.problem.emit(problem)


def _installed() -> Read:
    try:
        return models.installed(), models.active()
    except UserError:
        return models.installed(), ""
