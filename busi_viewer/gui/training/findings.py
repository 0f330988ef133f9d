"""What an audit found, by kind, with thumbnails: a click leaves an image out or takes it in again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QKeyEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.gui import icons, privacy, theme
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import number, said, tr

IdRole, FindingRole, GroupRole = (Qt.ItemDataRole.UserRole + n for n in (1, 2, 3))
TILE = QSize(156, 148)
PICTURE = 100
SEVERITY = {"error": ("circle-x", "error"), "warn": ("triangle-alert", "warn"), "note": ("info", "text3")}
SHOWN = 600
"""So many images of a kind are shown; all of them can be left out."""


class Findings(QWidget):
    """Kinds at the left, images of the chosen kind at the right. ``changed`` when what is left out changed."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.left_out: dict[str, str] = {}
        self._result: Mapping[str, Any] = {}
        self._pictures: Mapping[str, bytes] = {}
        self.kinds = _Kinds()
        self.images = _Images(self)
        self._title, self._advice = label("", "strong"), label("", "quiet", wrap=True)
        self._drop_all, self._take_all = KeyButton(tr("Leave all out")), KeyButton(tr("Keep all"))
        self._drop_all.setToolTip(tr("Leave every image of this kind out of the training"))
        self._take_all.setToolTip(tr("Take every image of this kind in again"))
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addLayout(spaced(self._title, 0, self._drop_all, self._take_all))
        right.addWidget(self._advice)
        right.addWidget(self.images, 1)
        row = spaced(spacing=12)
        row.addWidget(self.kinds)
        row.addLayout(right, 1)
        self.setLayout(row)
        self.kinds.currentRowChanged.connect(self._show_kind)
        self.images.itemClicked.connect(self.toggle)
        self._drop_all.clicked.connect(lambda: self._all(leave=True))
        self._take_all.clicked.connect(lambda: self._all(leave=False))

    def show_audit(self, result: Mapping[str, Any], pictures: Mapping[str, bytes], left_out: Mapping[str, str]) -> None:
        """Show an audit; ``left_out`` are the images that are left out at first, and why."""
        self._result, self._pictures, self.left_out = result, pictures, dict(left_out)
        self.kinds.show_summary(result["summary"], self.left_out, self._ids_of)
        self.kinds.setCurrentRow(0)
        self._show_kind()

    def toggle(self, item: QListWidgetItem) -> None:
        """Leave an image out, or take it in again."""
        identifier, finding = item.data(IdRole), item.data(FindingRole)
        if identifier in self.left_out:
            del self.left_out[identifier]
        else:
            self.left_out[identifier] = finding
        self._told()

    # inside

    def _ids_of(self, kind: str) -> dict[str, str]:
        """{id: what was found} of a kind."""
        found: dict[str, str] = {}
        for finding in self._result.get("findings", ()):
            if finding["kind"] == kind:
                for identifier in finding["ids"]:
                    found.setdefault(identifier, finding["what"])
        return found

    def _groups_of(self, kind: str) -> dict[str, int]:
        """{id: the number of its group} of a kind that is found between images: all that are alike, over any of them."""
        first: dict[str, str] = {}

        def root(identifier: str) -> str:
            while first.setdefault(identifier, identifier) != identifier:
                identifier = first[identifier]
            return identifier

        for finding in self._result.get("findings", ()):
            if finding["kind"] == kind and len(finding["ids"]) > 1:
                for identifier in finding["ids"]:
                    first[root(identifier)] = root(finding["ids"][0])
        order = {identifier: place for place, identifier in enumerate(dict.fromkeys(map(root, list(first))), 1)}
        return {identifier: order[root(identifier)] for identifier in first}

    def _all(self, *, leave: bool) -> None:
        kind = self.kinds.chosen()
        for identifier in self._ids_of(kind):
            if leave:
                self.left_out.setdefault(identifier, self.kinds.title(kind))
            else:
                self.left_out.pop(identifier, None)
        self._told()

    def _told(self) -> None:
        self.images.viewport().update()
        self.kinds.tally(self.left_out, self._ids_of)
        self.changed.emit()

    def _show_kind(self, _row: int = 0) -> None:
        kind = self.kinds.chosen()
        ids = self._ids_of(kind)
        entry = next((e for e in self._result.get("summary", ()) if e["kind"] == kind), None)
        self._title.setText(said(entry["title"]) if entry else tr("Nothing found"))
        words = [said(entry["do"])] if entry else []
        if len(ids) > SHOWN:
            words.append(tr("The first {shown} of {n:,} are shown.", shown=SHOWN, n=len(ids)))
        self._advice.setText(" ".join(words))
        for button in (self._drop_all, self._take_all):
            button.setVisible(bool(ids))
        self.images.clear()
        groups = self._groups_of(kind)
        for identifier, what in sorted(ids.items(), key=lambda pair: groups.get(pair[0], 0))[:SHOWN]:
            item = self._item(identifier, what, entry["title"] if entry else "")
            item.setData(GroupRole, groups.get(identifier))
            self.images.addItem(item)

    def _item(self, identifier: str, what: str, title: str) -> QListWidgetItem:
        name = privacy.name(Path(identifier))
        item = QListWidgetItem(name)
        item.setData(IdRole, identifier)
        item.setData(FindingRole, title)
        click = tr("Click to leave it out or take it in.")
        item.setToolTip(privacy.words(f"{name}: {said(what)}. {click}"))
        data = self._pictures.get(identifier)
        if data:
            pixmap = QPixmap()
            pixmap.loadFromData(data)
            item.setData(Qt.ItemDataRole.DecorationRole, pixmap)
        item.setSizeHint(TILE)
        return item


class _Kinds(QListWidget):
    """A row a kind: sign, title, how many images, how many of them are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(348)
        self.setAccessibleName(tr("Kinds of findings"))
        self.setToolTip(tr("What the audit found, worst first"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._entries: list[Mapping[str, Any]] = []

    def show_summary(self, summary: list[Mapping[str, Any]], left_out: Mapping[str, str], ids_of: Any) -> None:
        self._entries = [entry for entry in summary if entry["findings"]]
        self.blockSignals(True)
        self.clear()
        for entry in self._entries:
            icon, tint = SEVERITY[entry["severity"]]
            item = QListWidgetItem(icons.icon(icon, tint=getattr(theme.tokens(), tint), size=14), "")
            item.setToolTip(said(entry["do"]))
            self.addItem(item)
        self.tally(left_out, ids_of)
        self.blockSignals(False)

    def tally(self, left_out: Mapping[str, str], ids_of: Any) -> None:
        for row, entry in enumerate(self._entries):
            out = sum(identifier in left_out for identifier in ids_of(entry["kind"]))
            many = entry["images"] or entry["findings"]
            words = [f"{number(many, ',d')}  {said(entry['title'])}"] + [tr("{n:,} out", n=out)] * bool(out)
            self.item(row).setText(" · ".join(words))

    def chosen(self) -> str:
        row = self.currentRow()
        return str(self._entries[row]["kind"]) if 0 <= row < len(self._entries) else ""

    def title(self, kind: str) -> str:
        return next((str(entry["title"]) for entry in self._entries if entry["kind"] == kind), kind)


class _Images(QListWidget):
    """Thumbnails in rows; Space and Enter do what a click does."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self._findings = findings
        self.setAccessibleName(tr("Images of this kind"))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSpacing(4)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(_Tile(findings))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if item is not None and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._findings.toggle(item)
        else:
            super().keyPressEvent(event)


class _Tile(QStyledItemDelegate):
    """A thumbnail with its name; one that is left out is dimmed, hatched and says so."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(findings)
        self._findings = findings

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return TILE

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        t, box = theme.tokens(), QRect(option.rect).adjusted(2, 2, -2, -2)
        out = index.data(IdRole) in self._findings.left_out
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        current = bool(option.state & QStyle.StateFlag.State_HasFocus)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(QPen(QColor(t.accent if current else t.line), 1.5 if current else 1))
        painter.setBrush(QColor(t.hover if over else t.panel))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        place = QRect(box.left() + 4, box.top() + 4, box.width() - 8, PICTURE)
        painter.fillRect(place, QColor(theme.SURROUND))
        self._picture(painter, place, index.data(Qt.ItemDataRole.DecorationRole), out=out)
        line = QRect(place.left() + 2, place.bottom() + 3, place.width() - 4, 17)
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(t.text2))
        name = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
        line.translate(0, 16)
        painter.setFont(theme.font(theme.CAPTION, QFont.Weight.DemiBold if out else QFont.Weight.Normal))
        painter.setPen(QColor(t.warn if out else t.text3))
        group, state = index.data(GroupRole), tr("Left out") if out else tr("Kept")
        words = state if group is None else f"{tr('Group {number}', number=group)} · {state}"
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
        painter.restore()

    def _picture(self, painter: QPainter, place: QRect, pixmap: QPixmap | None, *, out: bool) -> None:
        if pixmap is None or pixmap.isNull():
            painter.setPen(QColor("#969FAA"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, tr("cannot be read"))
            return
        size = QSize(pixmap.size()).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        at = QRect(place.topLeft(), size)
        at.moveCenter(place.center())
        painter.setOpacity(0.4 if out else 1.0)
        painter.drawPixmap(at, pixmap)
        painter.setOpacity(1.0)
        if out:
            painter.fillRect(place, QBrush(QColor(235, 203, 94, 70), Qt.BrushStyle.BDiagPattern))
