"""Parts of the worklist's panel: the search field, the batch's progress, and the list itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QLayout, QLineEdit, QListView, QProgressBar, QVBoxLayout, QWidget

from busi_viewer.gui import theme
from busi_viewer.gui.batch import Batch
from busi_viewer.gui.calm import Calm
from busi_viewer.gui.controls import KeyButton, label, plain_icon, spaced
from busi_viewer.gui.empty_note import EmptyNote
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.worklist_groups import Group
from busi_viewer.gui.worklist_rows import ItemRole

CAPTION_HIGH = 14
"""Height in px of a line in the captions' size."""


class ListView(QListView):
    """The list. ``header_pressed(Group)`` when a header is clicked. A changed row is painted again, not all laid out anew."""

    header_pressed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self._ring = False
        self.setAccessibleName(tr("Worklist"))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def event(self, event: QEvent) -> bool:
        """The rows cover their ground, so that Qt moves them where the list is scrolled and paints only those that come."""
        done = super().event(event)
        if event.type() in (QEvent.Type.Polish, QEvent.Type.StyleChange):
            self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        return done

    def dataChanged(
        self,
        top_left: QModelIndex | QPersistentModelIndex,
        bottom_right: QModelIndex | QPersistentModelIndex,
        roles: Sequence[int] = (),
    ) -> None:
        """Paint the rows again; QListView would measure all rows, though their heights never change."""
        QAbstractItemView.dataChanged(self, top_left, bottom_right, list(roles))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The current row stays in view where a notice takes room away."""
        current = self.currentIndex()
        seen = (
            current.isValid()
            and self.viewport().rect().top() <= self.visualRect(current).top() < event.oldSize().height()
        )
        super().resizeEvent(event)
        if seen and event.size().height() < event.oldSize().height():
            self.scrollTo(current)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring where the keyboard came from the keyboard."""
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground, the rows, and the ring."""
        ground = QPainter(self.viewport())
        ground.fillRect(event.rect(), QColor(theme.tokens().panel))
        ground.end()
        super().paintEvent(event)
        if self._ring and self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(QColor(theme.tokens().accent), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A header folds or opens its group."""
        row = self.indexAt(event.position().toPoint()).data(ItemRole)
        if isinstance(row, Group):
            if event.button() == Qt.MouseButton.LeftButton:
                self.header_pressed.emit(row)
            return
        super().mousePressEvent(event)


class SearchField(QLineEdit):
    """The search field: Escape empties it and leaves, Return leaves; neither reaches the window's shortcuts."""

    leave = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText(tr("Search name, finding"))
        self.setAccessibleName(tr("Search the worklist"))
        self.setToolTip(tr("Show the images whose name, folder, header, status or estimate hold these words"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus | Qt.FocusPolicy.TabFocus)
        self._magnifier = QAction(self)
        self.addAction(self._magnifier, QLineEdit.ActionPosition.LeadingPosition)
        self._key = label(tr("Ctrl F"), "key")
        self._key.setParent(self)
        self._key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.textChanged.connect(lambda text: self._key.setVisible(not text))
        self._draw()

    def event(self, event: QEvent) -> bool:
        """Keep Return and Escape for the field; tint the icon with the theme."""
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
            event.accept()
            return True
        if event.type() == QEvent.Type.StyleChange:
            self._draw()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Escape give the focus back."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.leave.emit()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the key cap at the right."""
        super().resizeEvent(event)
        self._key.adjustSize()
        self._key.move(self.width() - self._key.width() - 7, (self.height() - self._key.height()) // 2)

    def _draw(self) -> None:
        self._magnifier.setIcon(plain_icon("search", theme.tokens().text3))


class NothingFound(EmptyNote):
    """Over the list where no image passes the filter: says so, and ``clear`` lifts the filter."""

    def __init__(self, view: ListView) -> None:
        self.clear = KeyButton(tr("Clear filter"), "x")
        self.clear.setToolTip(tr("Empty the search and show every image"))
        super().__init__(view, "list-filter", self.clear)
        self._view = view

    def show_if(self, nothing: bool) -> None:
        """Say that nothing was found, below the row of the image in view, which stays listed."""
        if not nothing:
            self.say("")
            return
        row = self._view.visualRect(self._view.currentIndex())
        stays = tr("The image in view stays listed.") if row.isValid() else ""
        self.say(tr("No image matches"), stays, below=row.bottom() + 1 if row.isValid() else 0)


class Foot(QWidget):
    """Where in the list the reader is, previous and next; long numbers leave the buttons their icons alone."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("worklistFoot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._position = label("", "quiet")
        self.previous = KeyButton(tr("Previous"), "step-back")
        self.next = KeyButton(tr("Next"), "step-forward", icon_last=True)
        row = spaced(self._position, 0, self.previous, self.next, margins=(12, 8, 12, 8))
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # a narrow list stays narrow
        self.setLayout(row)

    def say(self, position: str) -> None:
        """Show the position."""
        if position != self._position.text():
            self._position.setText(position)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words follow the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        for compact in (False, True):
            for button in (self.previous, self.next):
                button.set_compact(compact)
            if self.sizeHint().width() <= self.width():
                break


class BatchFoot(QWidget):
    """How far the batch is, with Pause and Cancel; hidden when none runs.

    At the batch's end it goes once the mouse rests: the list below a click would grow and move.
    """

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.setObjectName("batchFoot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._batch = batch
        self._title, self._count = label("", "strong"), label("", "quiet")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._rate, self._left = label("", "caption"), label("", "caption")
        self._left.setMinimumHeight(CAPTION_HIGH)  # without words it keeps its room: the list does not move
        self._pause, self._cancel = KeyButton(tr("Pause"), "pause"), KeyButton(tr("Cancel"), "x")
        self._pause.clicked.connect(batch.toggle_pause)
        self._cancel.clicked.connect(batch.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addLayout(spaced(self._title, 0, self._count))
        column.addWidget(self._bar)
        column.addLayout(spaced(self._rate, 0, self._left))
        column.addLayout(spaced(self._pause, self._cancel, 0))
        self._compact = False
        self._calm = Calm(self)
        batch.changed.connect(self._show_state)
        self.hide()

    def set_compact(self, compact: bool) -> None:
        """Count, bar and icons alone, for the narrow worklist."""
        self._compact = compact
        self._pause.set_compact(compact)
        self._cancel.set_compact(compact)
        self._show_state()

    def _show_state(self) -> None:
        batch = self._batch
        for button in (self._pause, self._cancel):
            button.setEnabled(batch.active)
        if batch.active:
            self.show()
        elif self.isHidden():
            return
        else:
            self._calm.do(self._rest)
        at_work = plural("Analysing 1 image", "Analysing {n:,} images", batch.total)
        self._title.setText(tr("Paused") if batch.paused else at_work)
        for part in (self._title, self._rate, self._left):
            part.setVisible(not self._compact)
        self._count.setText(tr("{done} of {total}", done=batch.done, total=batch.total))
        self._bar.setRange(0, batch.total)
        self._bar.setValue(batch.done)
        self._rate.setText(tr("{n} failed", n=batch.failed) if batch.failed else "")
        seconds = batch.seconds_left
        self._left.setText("" if seconds is None or batch.paused else tr("about {time} left", time=in_words(seconds)))
        self._pause.set_text(tr("Resume") if batch.paused else tr("Pause"))
        self._pause.set_icon("play" if batch.paused else "pause")

    def _rest(self) -> None:
        self.setVisible(self._batch.active)


def in_words(seconds: float) -> str:
    """A length of time for the reader: "40 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return tr("{min} min", min=minutes) if minutes < 90 else tr("{h} h {min} min", h=minutes // 60, min=minutes % 60)
