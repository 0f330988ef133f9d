"""What each command does, and when it can be used: actions on one side, reading, canvas and exporter on the other."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from busi_viewer.gui.actions import BY_NAME, TOOLS, Actions
from busi_viewer.gui.canvas import Canvas
from busi_viewer.gui.dialogs import AboutDialog
from busi_viewer.gui.exporting import Exporter
from busi_viewer.gui.help_window import HelpWindow
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.overlay_picture import overlay_png
from busi_viewer.gui.palette import Palette
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.session import Session
from busi_viewer.gui.shortcuts import ShortcutsDialog
from busi_viewer.gui.tools.brush import RANGE_ON
from busi_viewer.gui.worklist import Worklist
from busi_viewer.workflow.dicom_out import OBJECTS

NEED_IMAGE = (
    *(name for name in TOOLS if name != "calibrate"),
    *("describe", "take_over", "accept", "edit", "last_tool", "grey_range", "export_overlay"),
)
TELLING = ("report", "dicom_set", *(f"dicom_{kind}" for kind in OBJECTS))
"""What says something of the machine's: it rests while the reader reads blind."""


class Commands(QObject):
    """Connects the actions; follows the session in view."""

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        reading: Reading,
        canvas: Canvas,
        worklist: Worklist,
        exporter: Exporter,
    ) -> None:
        super().__init__(window)
        self._window, self._actions, self._reading = window, actions, reading
        self._canvas, self._worklist, self._exporter = canvas, worklist, exporter
        self._session: Session | None = None
        self._in_view: Session | None = None
        self._away = False
        self._tools = ["brush", "pointer"]
        self._folder = ""
        self._shortcuts: ShortcutsDialog | None = None
        self._pages: HelpWindow | None = None
        self._found: Palette | None = None
        self._connect()
        actions["pointer"].setChecked(True)
        self.follow(None)

    def _connect(self) -> None:
        actions, canvas, reading = self._actions, self._canvas, self._reading
        for name in TOOLS:
            actions[name].triggered.connect(lambda _checked=False, name=name: self.set_tool(name))
        for name, deed in {
            "undo": self._undo,
            "redo": self._redo,
            "accept": self._accept,
            "edit": self._edit,
            "discard": self._discard,
            "clear": self._clear,
            "reset_to_ai": self._reset_to_ai,
            "leave": self._leave,
            "last_tool": self._last_tool,
            "apply": canvas.apply_tool,
            "grey_range": self._grey_range,
            "analyse": self._analyse,
            "analyse_frames": self._analyse_frames,
            "analyse_all": self._analyse_all,
            "pause": reading.batch.toggle_pause,
            "cancel_all": self._cancel_all,
            "next_case": self._worklist.go_next,
            "previous_case": self._worklist.go_previous,
            "next_frame": self._next_frame,
            "previous_frame": self._previous_frame,
            "search": self._search,
            "report": self.export_report,
            "export_mask": self._export_mask,
            "export_overlay": self._export_overlay,
            "export_panels": self._export_panels,
            "export_measures": self._export_measures,
            "dicom_set": self._export_dicom_set,
            **{f"dicom_{kind}": partial(self._export_dicom, kind) for kind in OBJECTS},
            "help": self._help,
            "palette": self._palette,
            "keys": self._keys,
            "about": self._about,
        }.items():
            actions[name].triggered.connect(deed)
        canvas.tool_changed.connect(self._on_tool)
        canvas.options.changed.connect(self._on_option)
        reading.analysis_changed.connect(self.refresh)
        reading.batch.changed.connect(self.refresh)

    @Slot(object)
    def follow(self, session: Session | None) -> None:
        """Serve another session."""
        self._in_view = session
        if self._away:
            session = None
        if self._session is not None:
            self._session.changed.disconnect(self.refresh)
            self._session.frame_changed.disconnect(self.refresh)
            self._session.undo.indexChanged.disconnect(self.refresh)
        self._session = session
        if session is not None:
            session.changed.connect(self.refresh)
            session.frame_changed.connect(self.refresh)
            session.undo.indexChanged.connect(self.refresh)
        self.refresh()

    @Slot(bool)
    def set_away(self, away: bool) -> None:
        """Let the commands on images rest while another page is in front."""
        self._away = away
        self.follow(self._in_view)

    @Slot()
    def refresh(self) -> None:
        """Enable what can be used now."""
        session, actions = self._session, self._actions
        actions.enable(NEED_IMAGE, session is not None)
        actions.enable(TELLING, session is not None and not session.veiled)
        idle = session is not None and self._reading.stage is None
        actions["analyse"].setEnabled(idle)
        many = session is not None and len(session.document.record.frames) > 1
        actions["analyse_frames"].setEnabled(idle and many)
        actions.enable(("next_frame", "previous_frame", "play"), many)
        listed = self._worklist.model.rowCount() > 0 and not self._away
        actions.enable(("analyse_all", "clear_list", "search", "next_case", "previous_case"), listed)
        active = self._reading.batch.active
        actions["pause"].setEnabled(active)
        actions["cancel_all"].setEnabled(active or self._reading.stage is not None)
        stack = session.undo if session is not None else None
        for name, able, text in (
            ("undo", stack is not None and stack.canUndo(), stack.undoText() if stack else ""),
            ("redo", stack is not None and stack.canRedo(), stack.redoText() if stack else ""),
        ):
            actions[name].setEnabled(able)
            verb = tr(BY_NAME[name].text)
            actions[name].setText(tr("{verb}: {what}", verb=verb, what=said(text)) if text else verb)
        self._enable_by_outline(session)
        actions["apply"].setEnabled(session is not None and self._canvas.active_tool.applies)

    def _enable_by_outline(self, session: Session | None) -> None:
        """What depends on the outline and the analysis of the frame in view; each is set once, or what shows it flickers."""
        actions = self._actions
        shown = heated = proposed = drawn = told = False
        if session is not None:
            document, mask = session.document, session.document.shown_mask(session.frame)
            found = document.result.frame(session.frame) if document.result is not None else None
            shown = mask is not None and bool(mask.any())
            heated = found is not None and found.heatmap is not None and not found.abstained
            proposed = document.is_proposal(session.frame)
            drawn = document.reader_mask(session.frame) is not None and session.machine_mask() is not None
            told = document.described or bool(document.callipers)
        actions.enable(("clear", "export_mask"), shown)
        actions["export_panels"].setEnabled(heated)
        actions["discard"].setEnabled(proposed)
        actions["reset_to_ai"].setEnabled(drawn)
        actions["export_measures"].setEnabled(told or shown)

    # tools

    def set_tool(self, name: str) -> None:
        """Take a tool in hand."""
        self._canvas.set_tool(name)
        self._actions[self._canvas.tool].setChecked(True)
        self._canvas.setFocus()

    @Slot(str)
    def _on_tool(self, name: str) -> None:
        self._actions[name].setChecked(True)
        self._actions["apply"].setEnabled(self._session is not None and self._canvas.active_tool.applies)
        if self._tools[-1] != name:
            self._tools = [self._tools[-1], name]

    def _grey_range(self) -> None:
        self._canvas.options.set(RANGE_ON, self._actions["grey_range"].isChecked())

    @Slot(str)
    def _on_option(self, name: str) -> None:
        if name == RANGE_ON:
            self._actions["grey_range"].setChecked(self._canvas.options.on(name))

    def _last_tool(self) -> None:
        self.set_tool(self._tools[0])

    def _edit(self) -> None:
        self.set_tool("pointer" if self._canvas.active_tool.edits else "brush")

    def _leave(self) -> None:
        if self._canvas.has_pending():
            self._canvas.cancel_tool()
        elif self._reading.stage is not None:
            self._reading.cancel()
        elif self._session is not None:
            self._canvas.cancel_tool()
            self.set_tool("pointer")

    # outline

    def _undo(self) -> None:
        if self._session is not None:
            self._session.undo.undo()

    def _redo(self) -> None:
        if self._session is not None:
            self._session.undo.redo()

    def _accept(self) -> None:
        if self._canvas.has_pending():
            self._canvas.commit_tool()
        elif self._session is not None:
            self._session.accept()

    def _discard(self) -> None:
        if self._session is not None:
            self._session.discard()

    def _clear(self) -> None:
        if self._session is not None:
            self._session.clear()

    def _reset_to_ai(self) -> None:
        if self._session is not None:
            self._session.reset_to_ai()

    # frames and worklist

    def _next_frame(self) -> None:
        if self._session is not None:
            self._session.set_frame(self._session.frame + 1)

    def _previous_frame(self) -> None:
        if self._session is not None:
            self._session.set_frame(self._session.frame - 1)

    def _search(self) -> None:
        self._worklist.search.setFocus()
        self._worklist.search.selectAll()

    # analysis

    def _analyse(self) -> None:
        self._canvas.settle()
        self._reading.analyse()

    def _analyse_frames(self) -> None:
        self._reading.analyse(every_frame=True)

    def _analyse_all(self) -> None:
        self._reading.analyse_many(self._worklist.shown.shown_paths())

    def _cancel_all(self) -> None:
        self._reading.batch.cancel()
        self._reading.cancel()

    # files

    @Slot()
    def export_report(self) -> None:
        """Ask where to and write the PDF of the image in view."""
        target = self._ask(tr("Export PDF report"), ".pdf", "PDF (*.pdf)")
        if target is not None and self._session is not None:
            self._exporter.report(self._session.document, target)

    def _export_mask(self) -> None:
        target = self._ask(tr("Export mask PNG"), "_mask.png", "PNG (*.png)")
        if target is not None and self._session is not None:
            self._exporter.mask(self._session.document, self._session.frame, target)

    def _export_overlay(self) -> None:
        target = self._ask(tr("Export overlay PNG"), "_overlay.png", "PNG (*.png)")
        session, pixels = self._session, self._canvas.pixels
        if target is not None and session is not None and pixels is not None:
            self._exporter.overlay(session.document, overlay_png(session, pixels, self._canvas.look), target)

    def _export_panels(self) -> None:
        target = self._ask(tr("Export four-panel figure"), "_panels.png", "PNG (*.png)")
        if target is not None and self._session is not None:
            self._exporter.panels(self._session.document, self._session.frame, target)

    def _export_measures(self) -> None:
        target = self._ask(tr("Export measurements"), "_measurements.csv", "CSV (*.csv);;JSON (*.json)")
        if target is not None and self._session is not None:
            self._exporter.measurements(self._session.document, target)

    def _export_dicom(self, kind: str, _checked: bool = False) -> None:
        target = self._ask(tr("Export DICOM"), OBJECTS[kind], "DICOM (*.dcm)")
        if target is not None and self._session is not None:
            self._exporter.dicom(kind, self._session.document, target)

    def _export_dicom_set(self) -> None:
        """Ask for a folder; the set goes into a new one inside it."""
        if self._session is None:
            return
        self._canvas.settle()
        folder = self._folder or str(self._session.document.record.path.parent)
        name = QFileDialog.getExistingDirectory(self._window, tr("Export DICOM set into a new folder in"), folder)
        if name:
            self._folder = name
            self._exporter.dicom_set(self._session.document, Path(name))

    def _ask(self, title: str, ending: str, kinds: str) -> Path | None:
        if self._session is None:
            return None
        self._canvas.settle()
        source = self._session.document.record.path
        folder = Path(self._folder) if self._folder else source.parent
        name, kind = QFileDialog.getSaveFileName(self._window, title, str(folder / (source.stem + ending)), kinds)
        if not name:
            return None
        target = Path(name)
        suffix = ending[ending.rindex(".") :]
        offered = [each.rpartition("*")[2].rstrip(")") for each in kinds.split(";;")]
        if target.suffix.lower() not in offered:
            suffix = kind.rpartition("*")[2].rstrip(")") or suffix
            target = target.with_name(target.name + suffix)
        self._folder = str(target.parent)
        return target

    # help

    def _help(self) -> None:
        if self._pages is None:
            self._pages = HelpWindow(self._window)
        self._pages.show()
        self._pages.raise_()

    def _palette(self) -> None:
        if self._found is None:
            self._found = Palette(self._window, self._actions)
        self._found.open()

    def _keys(self) -> None:
        if self._shortcuts is None:
            self._shortcuts = ShortcutsDialog(self._window, self._actions)
        self._shortcuts.show()
        self._shortcuts.raise_()

    def _about(self) -> None:
        AboutDialog(self._window).show()
