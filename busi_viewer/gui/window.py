"""The main window: puts the parts together and says which of them talk to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from busi_viewer import paths, settings
from busi_viewer.core.errors import OutputError
from busi_viewer.core.files import abandon_digests
from busi_viewer.core.ports import Services
from busi_viewer.gui import privacy, theme, worklist_delegate
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.audit_page import AuditPage
from busi_viewer.gui.blind import Blind
from busi_viewer.gui.bottom_row import BottomRow
from busi_viewer.gui.commands import Commands
from busi_viewer.gui.controls import works_a_control
from busi_viewer.gui.deidentifying import Deidentifying
from busi_viewer.gui.desktop import open_file, show_in_folder
from busi_viewer.gui.dialogs import CloseDialog
from busi_viewer.gui.dropping import DropWindow
from busi_viewer.gui.exporting import Exported, Exporter
from busi_viewer.gui.findings.reports import Reports
from busi_viewer.gui.headers import Headers
from busi_viewer.gui.heat_choice import HeatChoice
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.keeping_notices import KeepingNotices
from busi_viewer.gui.lane import Lane
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.language_choice import LanguageChoice
from busi_viewer.gui.listing import Listing
from busi_viewer.gui.measuring import Measuring
from busi_viewer.gui.menu_corner import MenuCorner
from busi_viewer.gui.menus import fill_menu_bar
from busi_viewer.gui.network_page import NetworkPage
from busi_viewer.gui.notices import Notices, sentence
from busi_viewer.gui.opener import Opener
from busi_viewer.gui.pages import Pages, model_pages
from busi_viewer.gui.picture import Pictures
from busi_viewer.gui.printing import Printing
from busi_viewer.gui.problem import Problem, problem_from
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.review_page import ReviewPage, stack_up
from busi_viewer.gui.session import Session
from busi_viewer.gui.status import Status
from busi_viewer.gui.thumbnails import Thumbnails
from busi_viewer.gui.toolbar import Toolbar
from busi_viewer.gui.viewing import Viewing
from busi_viewer.gui.welcome import Welcome
from busi_viewer.gui.window_layout import WindowLayout
from busi_viewer.gui.worklist import Worklist
from busi_viewer.gui.worklist_model import WorklistModel
from busi_viewer.settings import Settings
from busi_viewer.workflow.inputs import Input


class MainWindow(DropWindow):
    """Assembles; the deeds are in Commands and Reading. Closing waits for the threads. ``first_painted`` after the first paint."""

    first_painted = Signal()

    def __init__(self, services: Services, chosen: Settings) -> None:
        super().__init__()
        self.setWindowTitle("busi_viewer")
        self._settings, self._painted = chosen, False
        with theme.unstyled():
            self._make_parts(services)
            self._lay_out()
        self.commands = Commands(self, self.actions_, self.reading, self.canvas, self.worklist, self.exporter)
        self.window_layout = WindowLayout(self, self.actions_, self.review)
        self.blind = Blind(self.actions_, self.reading, self.model, self.review.blind_bar, self)
        self.pictures = Pictures(self.actions_, self.review, self.reading, self)
        self.listing = Listing(self.actions_, self.worklist, self.reading, self.headers, self)
        self.viewing = Viewing(self.actions_, self.canvas, self.review.panels, self)
        self.measuring = Measuring(self.actions_, self.review, self.bottom, self)
        self.language = LanguageChoice(self.actions_, self.notices, self._save, self)
        self._make_menus()
        self._connect()
        self._restore()

    def _make_parts(self, services: Services) -> None:
        chosen = self._settings
        self.actions_ = Actions(self)
        self.lane = Lane(lambda: services.load_engine(chosen.model, chosen.device), self)
        self.keeping = Keeping(services, self)
        self.opener = Opener(services.sources, self, self.keeping.recall, services.read_directory)
        edge = round(max(worklist_delegate.THUMB.width(), worklist_delegate.THUMB.height()) * 1.5)
        ratio = QGuiApplication.primaryScreen().devicePixelRatio()
        self.thumbnails = Thumbnails(services.sources, round(edge * ratio), self)
        self.headers, self.model = Headers(services.read_labels, self), WorklistModel()
        self.reading = Reading(self.model, self.lane, self.opener, self.keeping, self)
        self.exporter = Exporter(services, self)
        self.worklist = Worklist(self.model, self.reading.batch, self.thumbnails)
        self.review = ReviewPage(self.worklist, self.actions_)
        self.canvas, self.result = self.review.canvas, self.review.result
        self.heat = HeatChoice(self.actions_, self.lane, self.reading, self.review, self)
        self.notices, self.bottom = Notices(), BottomRow(self.actions_)
        self.status = Status(self.lane, self.reading, self.model, self.review, self.bottom, self.notices, self)
        self.tidings = KeepingNotices(self.keeping, self.reading, self.notices, self.open_paths, self)
        self.privacy = privacy.Switch(self.actions_, self.reading, self.model, self.tidings, self)
        self.reports = Reports(self.reading, self.keeping, self.result, self.actions_, self)
        self.exporter.reader = lambda: self.reports.signed_by
        self.toolbar, self.sample = Toolbar(self.actions_), paths.resource("sample")
        self.welcome = Welcome(has_sample=self.sample.is_dir())
        self.audit = AuditPage(self.keeping)
        self.training, self.models = model_pages(services, self.keeping, self.lane)
        self.network = NetworkPage(services, chosen, self.reading, self.model, self.keeping, self.open_paths)
        beside = (self.training, self.models, self.audit, self.network)
        self.pages = Pages(self.actions_, self.welcome, self.review, beside, self.notices)
        given = (services, self.actions_, self.reading, self.keeping, self.worklist, self.notices)
        self.printing, self.deidentifying = Printing(self.exporter, *given, self), Deidentifying(*given, self)

    def _lay_out(self) -> None:
        ground = QWidget()
        above = (self.toolbar, self.notices, self.printing.bar, self.deidentifying.bar)
        stack_up(ground, *above, self.pages, self.bottom, stretch=self.pages)
        self.setCentralWidget(ground)
        self.setMinimumSize(1024, 640)

    def _make_menus(self) -> None:
        self._recent_menu = QMenu(tr("Recent"), self)
        self.menuBar().setNativeMenuBar(False)
        fill_menu_bar(self.menuBar(), self.actions_, {"recent": self._recent_menu})
        self.menuBar().setCornerWidget(MenuCorner(self.menuBar(), self.actions_, self.keeping))

    def _connect(self) -> None:
        actions, reading, canvas = self.actions_, self.reading, self.canvas
        for name, deed in (("open", self.ask_files), ("open_folder", self.ask_folder), ("clear_list", self.clear_list)):
            actions[name].triggered.connect(deed)
        actions["quit"].triggered.connect(self.close)
        self.first_painted.connect(self.keeping.start)
        self.privacy.changed.connect(self._on_privacy)
        for name in ("dark", "light"):
            actions[name].triggered.connect(partial(self._use_theme, name))
        self.hovered.connect(self.welcome.set_over)
        self.dropped.connect(self.open_paths)
        self.welcome.open_asked.connect(self.ask_files)
        self.welcome.folder_asked.connect(self.ask_folder)
        self.welcome.sample_asked.connect(partial(self.open_paths, [self.sample]))
        self.welcome.recent_chosen.connect(self._open_one)
        self.opener.listed.connect(self._on_listed)
        self.worklist.chosen.connect(reading.show)
        self.worklist.analyse_asked.connect(reading.analyse_many)
        reading.neighbours = self.worklist.neighbours
        reading.session_changed.connect(self._on_session)
        reading.opening.connect(self._on_opening)
        reading.not_opened.connect(self._on_not_opened)
        for problem in (self.opener.list_failed, reading.problem, self.exporter.failed):
            problem.connect(self.notices.show_problem)
        reading.said.connect(self.notices.show_info)
        reading.asked.connect(self.notices.ask)
        reading.session_changed.connect(self.notices.drop_question)
        for each in (self.commands, self.viewing, self.measuring, self.toolbar):
            self.pages.away_changed.connect(each.set_away)
        for part in (self.network, self.printing.preview):
            part.changed.connect(self._save)
        self.blind.changed.connect(self.audit.set_blind)
        self.exporter.done.connect(self._on_exported)
        self.exporter.done.connect(self.reports.note_export)
        self.reports.reader_named.connect(self._save)
        self.result.analyse_asked.connect(actions["analyse"].trigger)
        self.result.tool_asked.connect(self.commands.set_tool)
        self.toolbar.preset_chosen.connect(self.viewing.use_preset)
        self.toolbar.opacity_changed.connect(canvas.set_heatmap_opacity)
        canvas.view_changed.connect(self._on_view)

    # settings

    def _restore(self) -> None:
        chosen, actions = self._settings, self.actions_
        actions[chosen.theme].setChecked(True)
        privacy.use(chosen.privacy)
        actions["privacy"].setChecked(chosen.privacy)
        self.toolbar.set_opacity(chosen.heatmap_opacity)
        self.viewing.restore(chosen)
        self.listing.restore(chosen)
        self.printing.preview.restore(chosen)
        self.reports.reader = chosen.reader
        self.blind.restore(chosen)
        self.language.restore(chosen.language)
        self.canvas.set_brush_radius(chosen.brush_radius)
        actions.rebind(chosen.keys)
        self.window_layout.restore(chosen)
        self._on_session(None)
        self._show_recent()

    def _save(self) -> None:
        shown = self.printing.preview.remembered(self.viewing.remembered(self._settings))
        self._settings = replace(
            self.network.remembered(self.window_layout.remembered(self.listing.remembered(shown))),
            theme=theme.tokens().name,
            language=self.language.chosen,
            blind=self.blind.on,
            privacy=privacy.on(),
            recent=() if privacy.on() else self._settings.recent,
            keys=self.actions_.changed_keys,
            reader=self.reports.reader,
            brush_radius=min(max(self.canvas.brush_radius, 1.0), 200.0),
        )
        try:
            settings.save(self._settings)
        except OutputError as error:
            self.notices.show_problem(problem_from(error, "saving the settings"))

    def _use_theme(self, name: str, _checked: bool = False) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, name)
            self._save()

    @Slot()
    def _on_privacy(self) -> None:
        """In privacy mode, what was opened last is forgotten."""
        self._save()
        self._show_recent()
        self._name_window()

    def _show_recent(self) -> None:
        recent = [Path(entry) for entry in self._settings.recent if Path(entry).exists()]
        self.welcome.set_recent(recent[:5])
        self._recent_menu.clear()
        for path in recent:
            self._recent_menu.addAction(str(path)).triggered.connect(partial(self._open_one, path))
        self._recent_menu.setEnabled(bool(recent))

    # opening

    def open_paths(self, wanted: Sequence[Path]) -> None:
        """Add files and folders (with their sub-folders) to the worklist and show the first."""
        if not wanted:
            return
        for path in list(wanted)[: 0 if privacy.on() else 3]:
            self._settings = self._settings.with_recent(path.absolute())
        self.bottom.say(tr("Listing images…"))
        self.opener.expand(wanted)

    def ask_files(self) -> None:
        """Choose files."""
        kinds = ";;".join([tr("Images (*.png *.jpg *.jpeg *.tif *.tiff *.bmp *.dcm)"), tr("All files (*)")])
        names, _ = QFileDialog.getOpenFileNames(self, tr("Open images"), self._last_folder(), kinds)
        self.open_paths([Path(name) for name in names])

    def ask_folder(self) -> None:
        """Choose a folder."""
        name = QFileDialog.getExistingDirectory(self, tr("Open folder"), self._last_folder())
        if name:
            self.open_paths([Path(name)])

    def clear_list(self) -> None:
        """Empty the worklist, except for images with reader's work that is not in the store."""
        self.reading.batch.cancel()
        self.reading.desk.settle(1.0)
        only_here = self.reading.desk.only_here()
        self.model.keep_only(only_here)
        self.reading.show(None)
        if only_here:
            self.notices.show_info(
                plural(
                    "1 edited image left in the worklist: the work is not kept yet.",
                    "{n} edited images left in the worklist: the work is not kept yet.",
                    len(only_here),
                )
            )
            self.worklist.select(min(only_here, key=self.model.row))
        else:
            self.pages.show_front(self.welcome)

    def _open_one(self, path: Path, _checked: bool = False) -> None:
        self.open_paths([path])

    def _last_folder(self) -> str:
        recent = next((Path(entry) for entry in self._settings.recent if Path(entry).exists()), Path.home())
        return str(recent if recent.is_dir() else recent.parent)

    @Slot(object)
    def _on_listed(self, inputs: list[Input]) -> None:
        self.status.show()
        if not inputs:
            self.notices.show_warning(
                tr("No images were found there."), tr("Choose a folder with PNG, JPEG, TIFF, BMP or DICOM files.")
            )
            return
        self.pages.show_front(self.review)
        self.review.set_widths(())
        self.model.add(inputs)
        self.keeping.ask_states([entry.path for entry in inputs])
        first = min((entry.path for entry in inputs), key=self.model.row)
        self.worklist.select(first)
        self.worklist.view.setFocus()
        self._show_recent()
        self.commands.refresh()

    # what is in view

    @Slot(object)
    def _on_session(self, session: Session | None) -> None:
        self.review.show_session(session)
        self.review.foot.show_image(self.reading.path)
        self.commands.follow(session)
        self.viewing.follow(session)
        self.measuring.follow(session)
        self.toolbar.set_image_open(session is not None)
        self._on_view()
        self._name_window()

    def _name_window(self) -> None:
        session = self.reading.session
        name = f"{privacy.name(session.document.record.path)} - " if session is not None else ""
        self.setWindowTitle(f"{name}busi_viewer")

    @Slot(object)
    def _on_opening(self, path: Path) -> None:
        self.bottom.say(tr("Opening {name}", name=privacy.name(path)))

    @Slot(object, object)
    def _on_not_opened(self, path: Path, problem: Problem) -> None:
        self.review.show_unreadable(privacy.name(path, stem=True), sentence(said(problem.what)) + ".")
        deeds = ((tr("Retry"), lambda: self.reading.retry(path)), (tr("Show in folder"), lambda: show_in_folder(path)))
        others = self.model.rowCount() - 1
        rest = tr("The other {n:,} images are not affected.", n=others) if others > 1 else ""
        self.notices.show_problem(replace(problem, remedy=f"{said(problem.remedy)} {rest}".strip()), *deeds)
        self.status.show()

    @Slot()
    def _on_view(self) -> None:
        session, pixels = self.canvas.session, self.canvas.pixels
        if session is not None and pixels is not None:
            self.toolbar.show_window(self.canvas.window, session.document.record, pixels)

    @Slot(object)
    def _on_exported(self, made: Exported) -> None:
        self.reading.desk.mark_exported(made.source, made.changes, report=made.is_report)
        saved = privacy.name(made.target) if made.files == 1 else tr("{n} DICOM objects", n=made.files)
        place = made.target.parent if made.files == 1 else made.target
        self.notices.show_info(
            tr("Saved {name}", name=saved),
            ". ".join(words for words in (privacy.place(place), made.note) if words),
            (tr("Open"), partial(open_file, made.target)),
        )

    # events

    def event(self, event: QEvent) -> bool:
        """Buttons, sliders and fields keep the keys that work them; the window's shortcuts do not take those away."""
        if works_a_control(event):
            event.accept()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What can wait until the window has been painted begins: the case store is opened."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        """Look whether the file in view is still what it was when the reader comes back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            image, path = self.reading.image, self.reading.path
            if image is not None and path is not None:
                self.keeping.check_file(path, image)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold words away where there is no room."""
        super().resizeEvent(event)
        width = event.size().width()
        self.toolbar.fit_to(width)
        self.bottom.fit_to(width)
        self.review.fit_to(width)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if reader's work would be lost; then stop every thread and wait for it."""
        if self.canvas.has_pending():
            self.canvas.commit_tool()
        self.result.findings.commit()
        self.reading.desk.settle(2.0)
        count = self.reading.desk.unexported()
        waits = self.keeping.pending
        if (count or waits) and CloseDialog(self, count, waits).exec() != CloseDialog.DialogCode.Accepted:
            event.ignore()
            return
        self._save()
        self.hide()
        abandon_digests()
        self.reading.show(None)
        self.reading.batch.cancel()
        pages = (self.pictures, self.printing, self.training, self.models, self.network)
        threads = (self.lane, self.opener, self.thumbnails, self.headers, self.deidentifying, self.exporter)
        for part in (*pages, *threads, self.keeping):
            part.close()
        event.accept()
