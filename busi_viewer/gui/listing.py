"""The commands of the worklist: grouping, order, folding, flags, the next image to read, analysing and trying again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMenu

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.headers import Headers
from busi_viewer.gui.language import tr
from busi_viewer.gui.menus import fill_menu
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.worklist import Worklist
from busi_viewer.gui.worklist_groups import GROUPINGS, SORTS
from busi_viewer.gui.worklist_model import Item
from busi_viewer.settings import Settings

NEED_LIST = ("flag", "next_unreported", "next_flagged", "analyse_selected", "retry_failed", "fold", "unfold")


class Listing(QObject):
    """Connects the actions to worklist, headers and reading, and remembers grouping and order."""

    def __init__(
        self, actions: Actions, worklist: Worklist, reading: Reading, headers: Headers, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._actions, self._worklist, self._reading, self._headers = actions, worklist, reading, headers
        for grouping in GROUPINGS:
            actions[f"group_{grouping}"].triggered.connect(self._arrange)
        for sort in SORTS:
            actions[f"sort_{sort}"].triggered.connect(self._arrange)
        for name, deed in {
            "flag": self._flag,
            "next_unreported": self._next_unreported,
            "next_flagged": self._next_flagged,
            "analyse_selected": self._analyse_selected,
            "retry_failed": self._retry_failed,
            "fold": lambda: worklist.fold_current(True),
            "unfold": lambda: worklist.fold_current(False),
            "fold_all": lambda: worklist.shown.fold_all(True),
            "unfold_all": lambda: worklist.shown.fold_all(False),
        }.items():
            actions[name].triggered.connect(deed)
        worklist.arrange_menu = self._fill_menu
        worklist.flag_asked.connect(reading.flag)
        worklist.retry_asked.connect(self._retry)
        worklist.model.listed.connect(self._on_listed)
        headers.arrived.connect(worklist.model.learn_headers)
        self._on_listed()

    # grouping and order

    def restore(self, chosen: Settings) -> None:
        """Group and sort as when the window was last closed."""
        self._actions[f"group_{chosen.grouping}"].setChecked(True)
        self._actions[f"sort_{chosen.sort}"].setChecked(True)
        self._arrange()

    def remembered(self, chosen: Settings) -> Settings:
        """The settings with what the reader has chosen here."""
        shown = self._worklist.shown
        return replace(chosen, grouping=shown.grouping, sort=shown.order)

    @Slot()
    def _arrange(self) -> None:
        grouping = next(name for name in GROUPINGS if self._actions[f"group_{name}"].isChecked())
        sort = next(name for name in SORTS if self._actions[f"sort_{name}"].isChecked())
        self._worklist.shown.arrange(grouping, sort)
        self._on_listed()

    @Slot()
    def _on_listed(self) -> None:
        shown, items = self._worklist.shown, self._worklist.model.items
        if shown.grouping == "dicom" or shown.order == "date":
            self._headers.ask(item.path for item in items if not item.seen_header)
        self._actions.enable(NEED_LIST, bool(items))
        self._actions.enable(("fold", "unfold", "fold_all", "unfold_all"), bool(items) and shown.grouping != "none")

    def _fill_menu(self, menu: QMenu) -> None:
        groups, sorts = [f"group_{name}" for name in GROUPINGS], [f"sort_{name}" for name in SORTS]
        fill_menu(menu, (*groups, "", *sorts, "", "fold_all", "unfold_all"), self._actions, {})

    # flags and the next image

    def _flag(self) -> None:
        """Flag the selected images, or take the flag from them where all have it."""
        chosen = self._worklist.selected()
        here = self._worklist.current()
        paths = chosen if len(chosen) > 1 or here is None else [here]
        items = [item for path in paths if (item := self._worklist.model.item(path)) is not None]
        self._reading.flag([item.path for item in items], not all(item.flagged for item in items))

    def _next_unreported(self) -> None:
        self._go_to(self._worklist.find_next(lambda item: not item.reported), tr("Every image shown is reported."))

    def _next_flagged(self) -> None:
        self._go_to(self._worklist.find_next(lambda item: item.flagged), tr("No other image shown is flagged."))

    def _go_to(self, path: Path | None, otherwise: str) -> None:
        if path is None:
            self._reading.said.emit(otherwise)
        else:
            self._worklist.select(path)

    # analysing

    def _analyse_selected(self) -> None:
        self._reading.analyse_many(self._worklist.selected())

    def _retry_failed(self) -> None:
        failed = [item.path for item in self._worklist.model.items if item.phase == "failed"]
        if failed:
            self._retry(failed)
        else:
            self._reading.said.emit(tr("No image has failed."))

    @Slot(object)
    def _retry(self, paths: Sequence[Path]) -> None:
        """Try files again: the one in view is opened anew, the others are analysed."""
        here = self._worklist.current()
        rest = [path for path in paths if path != here or self._reading.session is not None]
        if here is not None and here in paths and self._reading.session is None:
            self._reading.retry(here)
        for path in rest:
            item: Item | None = self._worklist.model.item(path)
            if item is not None:
                item.phase = item.note = item.reason = ""
                self._worklist.model.touch(path)
        if rest:
            self._reading.batch.start(rest)
