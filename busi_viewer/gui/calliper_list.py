"""The callipers of the image, listed below its lesions: name, what they say, delete; and the reader's calibration."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from busi_viewer.core.callipers import Calliper, Kind, measured, summary
from busi_viewer.core.image import ImageRecord
from busi_viewer.gui.controls import IconButton, IconLabel, label, spaced, tab_after
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.result_parts import Section
from busi_viewer.gui.session import Grip, Session
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.tools.grips import remove, renamed

PICTURES = {Kind.LENGTH: "length", Kind.TWO_AXIS: "two-axes", Kind.ANGLE: "angle", Kind.ELLIPSE: "ellipse"}
LONGEST_NAME = 60
BY_READER = "Calibrated by reader"


NAME_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
ROW_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Delete)


def _own(event: QEvent, keys: Sequence[Qt.Key]) -> bool:
    """Whether a key is the control's own; the window's shortcut of the same key does not take it away then."""
    own = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys
    if own:
        event.accept()
    return own


class _Name(QLineEdit):
    """A name that is changed in place: Enter or leaving takes it, Esc does not."""

    def __init__(self) -> None:
        super().__init__()
        set_role(self, "plain")
        self.setMaxLength(LONGEST_NAME)
        self.setAccessibleName(tr("Name of the calliper"))
        self.setToolTip(tr("Click to rename"))
        self._before = ""

    def show_name(self, name: str) -> None:
        """Show a name, unless another is being typed."""
        self._before = name
        if not self.hasFocus():
            self.setText(name)
            self.setCursorPosition(0)

    def event(self, event: QEvent) -> bool:
        """Keep the keys that end typing."""
        return _own(event, NAME_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc brings the old name back."""
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._before)
            self.clearFocus()
        else:
            super().keyPressEvent(event)
            if event.key() in NAME_KEYS:
                self.clearFocus()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """An empty name is none."""
        if not self.text().strip():
            self.setText(self._before)
        super().focusOutEvent(event)


class _Row(QWidget):
    """One calliper; a click chooses it."""

    chosen = Signal()
    removed = Signal()
    named = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("calliperRow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._icon, self.name = IconLabel("length", "text2", 16), _Name()
        self.value = label("", "value")
        self._note = label("", "caption", wrap=True)
        self._delete = IconButton("trash-2", tr("Delete this calliper"), edge=26)
        self._delete.clicked.connect(self.removed)
        self.name.editingFinished.connect(self._on_named)
        line = spaced(self._icon, self.name, self.value, self._delete, spacing=6)
        line.setStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 1, 0, 1)
        column.setSpacing(0)
        column.addLayout(line)
        self._note.setContentsMargins(26, 0, 0, 2)
        column.addWidget(self._note)

    def show_calliper(self, item: Calliper, record: ImageRecord, *, chosen: bool, here: bool) -> None:
        """Show what it says; ``here``: on the frame in view."""
        found, scale = measured(item, record)
        words = summary(found)
        self._icon.set_icon(PICTURES[item.kind], "accent" if chosen else "text2")
        self.name.show_name(_called(item))
        self.value.setText(words)
        notes = [] if here else [tr("Frame {frame}", frame=item.frame + 1)]
        notes += [tr("Proposed from the outline")] if item.proposed else []
        notes += [tr("In px: {note}", note=said(scale.note))] if scale.note else []
        self._note.setText(". ".join(notes))
        self._note.setVisible(bool(notes))
        every = ", ".join(f"{tr(quantity.name.replace('_', ' '))} {quantity.text}" for quantity in found)
        self.setToolTip(f"{tr(item.kind.word)}: {every}" + (f"\n{tr(BY_READER)}" if scale.by_reader else ""))
        self.setAccessibleName(f"{_called(item)}, {words}")
        self._delete.setAccessibleName(tr("Delete {name}", name=_called(item)))
        set_role(self, "chosen" if chosen else "")

    def event(self, event: QEvent) -> bool:
        """Keep the keys that work the row."""
        return _own(event, ROW_KEYS) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter or Space choose, Del deletes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def _on_named(self) -> None:
        self.named.emit(self.name.text().strip())


def _called(item: Calliper) -> str:
    """A calliper's name, or that of its kind; a name given by the program in the reader's language."""
    return said(item.name) if item.name else tr(item.kind.word)


class CalliperList(Section):
    """Lists the callipers of every frame; hidden where there is none and no calibration of the reader's.

    ``used``: the reader goes on to the canvas. ``revealed(row)``: a calliper was chosen, its row should be seen.
    """

    used = Signal()
    revealed = Signal(QWidget)

    def __init__(self) -> None:
        super().__init__(tr("Callipers"))
        self._session: Session | None = None
        self._chosen: Grip | None = None
        self._reveal = QTimer(self, singleShot=True, interval=0)
        self._reveal.timeout.connect(self._reveal_chosen)
        self.rows: list[_Row] = []
        self._scale, self._scale_text = QWidget(), label("", "caption", wrap=True)
        self._undo_scale = IconButton("trash-2", tr("Remove reader's calibration"), edge=26)
        self._undo_scale.clicked.connect(self._drop_calibration)
        line = spaced(
            IconLabel("ruler", "text2", 16), self._scale_text, self._undo_scale, spacing=6, margins=(4, 0, 0, 0)
        )
        line.setStretch(1, 1)
        self._scale.setLayout(line)
        self.body.addWidget(self._scale)
        self.body.setSpacing(2)
        self.hide()

    def show_session(self, session: Session | None) -> None:
        """List what there is now."""
        if session is not self._session:
            if self._session is not None:
                self._session.chosen_changed.disconnect(self._show)
            self._session = session
            if session is not None:
                session.chosen_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        session = self._session
        callipers = session.document.callipers if session is not None else ()
        record = session.document.record if session is not None else None
        stated = record is not None and record.calibrated_by_reader
        self.setVisible(bool(callipers) or stated)
        while len(self.rows) < len(callipers):
            self._add_row()
        for i, row in enumerate(self.rows):
            row.setVisible(i < len(callipers))
            if session is not None and i < len(callipers):
                item, chosen = callipers[i], session.chosen
                marked = chosen is not None and chosen.index == i
                row.show_calliper(item, session.document.record, chosen=marked, here=item.frame == session.frame)
        self._scale.setVisible(stated)
        if record is not None and record.spacing_mm is not None and stated:
            self._scale_text.setText(tr("Calibrated by reader: {spacing:.3g} mm/px", spacing=record.spacing_mm[1]))
        self.set_aside(f"{len(callipers)}" if callipers else "")
        chosen = session.chosen if session is not None else None
        if chosen is not None and chosen != self._chosen:
            self._reveal.start()
        self._chosen = chosen

    def _reveal_chosen(self) -> None:
        """Once the rows are laid out."""
        if self._chosen is not None and self._chosen.index < len(self.rows):
            self.revealed.emit(self.rows[self._chosen.index])

    def _add_row(self) -> None:
        row, index = _Row(), len(self.rows)
        row.chosen.connect(partial(self._choose, index))
        row.removed.connect(partial(self._remove, index))
        row.named.connect(partial(self._rename, index))
        self.body.insertWidget(index, row)
        tab_after(self.rows[-1] if self.rows else self._header, row)
        self.rows.append(row)

    def _choose(self, index: int) -> None:
        if self._session is not None:
            self._session.set_frame(self._session.document.callipers[index].frame)
            self._session.choose(Grip(index))
            self.used.emit()

    def _remove(self, index: int) -> None:
        if self._session is not None:
            remove(self._session, index)

    def _rename(self, index: int, name: str) -> None:
        callipers = self._session.document.callipers if self._session is not None else ()
        if self._session is not None and name and index < len(callipers) and callipers[index].name != name:
            renamed(self._session, index, name)

    def _drop_calibration(self) -> None:
        if self._session is not None and self._session.document.calibration is not None:
            self._session.set_calibration(None, "Remove calibration")
