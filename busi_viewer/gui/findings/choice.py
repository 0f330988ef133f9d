"""A field with one or several words of the lexicon: opened like a list, or typed into without opening it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QEnterEvent, QFocusEvent, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy

from busi_viewer.gui import icons, theme
from busi_viewer.gui.language import tr

Words = tuple[str, ...]
TYPING_MS = 900
"""Letters typed faster than this one after the other are taken together."""
HEIGHT = 28
OPENING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ChoiceField(QPushButton):
    """Shows the words that were said; Space, Enter or a click opens the list.

    Letters choose the word that begins with them, Delete takes all back, ``=`` asks for the proposal (``proposal_asked``),
    up and down go to the field before and after. ``said(words)`` follows a choice of the reader; setting words is silent.
    ``looked(on)``: the mouse or the keyboard's focus has come to the field, or has left it.
    """

    said = Signal(object)
    proposal_asked = Signal()
    looked = Signal(bool)

    def __init__(
        self,
        name: str,
        values: Sequence[str],
        *,
        several: bool = False,
        alone: Sequence[str] = (),
        hints: Mapping[str, str] | None = None,
        empty: str = "Select",
    ) -> None:
        super().__init__()
        self._name, self._values, self._several, self._alone = name, tuple(values), several, tuple(alone)
        self._hints, self._empty = dict(hints or {}), empty
        self._words: Words = ()
        self._changed, self._derived = False, ""
        self._typed, self._since = "", QElapsedTimer()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.clicked.connect(self.open)
        self._describe()

    @property
    def words(self) -> Words:
        """What was said."""
        return self._words

    def set_words(self, words: Sequence[str], *, changed: bool = False, derived: str = "") -> None:
        """Show these; ``changed``: other than what the AI proposed; ``derived``: shown quietly while nothing is said."""
        state = (tuple(words), changed, derived)
        if state != (self._words, self._changed, self._derived):
            self._words, self._changed, self._derived = state
            self._describe()
            self.update()

    def _describe(self) -> None:
        words = ", ".join(map(tr, self._words)) or (
            tr("not said, {derived}", derived=self._derived) if self._derived else tr("not said")
        )
        named = f"{self._name}: {words}"
        self.setAccessibleName(tr("{said}, other than proposed", said=named) if self._changed else named)
        keys = tr("Letters choose, Delete takes back")
        self.setToolTip(f"{named}\n{keys}")

    # choosing

    def open(self, fitting: Sequence[str] = ()) -> None:
        """Open the list; words that fit a proposal are marked where ``fitting`` names them."""
        menu = QMenu(self)
        menu.setAccessibleName(self._name)
        names = fitting if isinstance(fitting, tuple | list) else ()
        for value in self._values:
            action = menu.addAction(self._line(value, value in names))
            action.setCheckable(True)
            action.setChecked(value in self._words)
            action.setData(value)
        menu.addSeparator()
        menu.addAction(tr("Not said")).setData(None)
        if self._words or names:
            first = (names or self._words)[0]
            menu.setActiveAction(menu.actions()[self._values.index(first)])
        menu.triggered.connect(self._on_chosen)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.setMinimumWidth(self.width())
        menu.popup(self.mapToGlobal(QPoint(0, self.height())))

    def _line(self, value: str, fits: bool) -> str:
        asides = (self._hints.get(value, ""), tr("fits the proposal") if fits else "")
        return "\t".join(part for part in (tr(value), "  ".join(filter(None, asides))) if part)

    def _on_chosen(self, action: QAction) -> None:
        value = action.data()
        self._say(() if value is None else self._with(value))

    def _with(self, value: str) -> Words:
        """What is said once the reader has picked a word: it replaces the others, or joins or leaves them."""
        if not self._several:
            return (value,)
        if value in self._words:
            chosen = set(self._words) - {value}
        elif value in self._alone:
            chosen = {value}
        else:
            chosen = {value, *self._words} - set(self._alone)
        return tuple(word for word in self._values if word in chosen)

    def _say(self, words: Words) -> None:
        if words != self._words:
            self.said.emit(words)

    def _type(self, letters: str) -> None:
        fresh = not self._since.isValid() or self._since.elapsed() > TYPING_MS
        self._typed = letters.casefold() if fresh else self._typed + letters.casefold()
        self._since.restart()
        found = next((value for value in self._values if tr(value).casefold().startswith(self._typed)), None)
        if found is None:
            self._typed = letters.casefold()
            found = next((value for value in self._values if tr(value).casefold().startswith(self._typed)), None)
        if found is not None:
            self._say((found,) if not self._several or len(self._words) <= 1 else self._with(found))

    # events

    def event(self, event: QEvent) -> bool:
        """Keep letters and the keys above from the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            own = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Up, Qt.Key.Key_Down, *OPENING)
            if plain and ((event.text().isprintable() and event.text()) or event.key() in own):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of the class."""
        key = event.key()
        if key in OPENING:
            self.open()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.focusNextPrevChild(key == Qt.Key.Key_Down)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._say(())
        elif event.text() == "=":
            self.proposal_asked.emit()
        elif (
            event.text() and event.text().isprintable() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self._type(event.text())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The reader looks at the field."""
        super().focusInEvent(event)
        self.looked.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """No longer."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.looked.emit(False)

    def enterEvent(self, event: QEnterEvent) -> None:
        """The mouse has come."""
        super().enterEvent(event)
        self.looked.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse has left; the focus, if it is here, still looks."""
        super().leaveEvent(event)
        self.looked.emit(self.hasFocus())

    # painting

    def sizeHint(self) -> QSize:
        """Wide enough for most words; longer ones are cut and in the tool tip."""
        return QSize(130, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Narrow panels cut the words."""
        return QSize(70, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Field, words, hint or "changed", chevron."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = t.accent if self.hasFocus() else t.warn if self._changed else t.border
        painter.setPen(theme.colour(edge))
        painter.setBrush(theme.colour(t.hover if self.underMouse() and self.isEnabled() else t.raised))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        painter.drawPixmap(self.width() - 20, (self.height() - 14) // 2, icons.pixmap("chevron-down", t.text2, 14))
        room = QRect(8, 0, self.width() - (44 if self._changed else 28), self.height())
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        aside = tr("changed") if self._changed else self._hints.get(self._words[0], "") if len(self._words) == 1 else ""
        text = ", ".join(map(tr, self._words))
        painter.setFont(theme.font(theme.CONTROL, QFont.Weight.Medium if self._hints else QFont.Weight.Normal))
        metrics = QFontMetrics(painter.font())
        painter.setPen(theme.colour(t.text if text else t.text3))
        shown = text or self._derived or tr(self._empty)
        painter.drawText(room, middle, metrics.elidedText(shown, Qt.TextElideMode.ElideRight, room.width()))
        left = metrics.horizontalAdvance(shown) + 8
        painter.setFont(theme.font(theme.CAPTION))
        if aside and left + QFontMetrics(painter.font()).horizontalAdvance(aside) <= room.width():
            painter.setPen(theme.colour(t.warn if self._changed else t.text3))
            painter.drawText(room.adjusted(left, 0, 0, 0), middle, aside)
        elif self._changed:  # no room for the word: its sign
            painter.drawPixmap(self.width() - 35, (self.height() - 13) // 2, icons.pixmap("pencil", t.warn, 13))
