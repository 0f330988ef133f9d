"""Small controls the window is made of: buttons with a key cap, icon buttons, fields, lines and labels."""

from __future__ import annotations

from typing import Literal, overload

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from busi_viewer.gui import icons, theme
from busi_viewer.gui.stylesheet import set_role


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A label with a role of the style sheet; text is taken literally."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        set_role(made, role)
    return made


class CutLabel(QLabel):
    """A line that is cut where there is no room; its tool tip has the whole."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(60)
        if role:
            set_role(self, role)

    def setText(self, text: str) -> None:
        """Show a line."""
        self.setToolTip(text)
        super().setText(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much of it as there is room for."""
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        self.style().drawItemText(
            painter, self.rect(), int(self.alignment()), self.palette(), self.isEnabled(), shown, self.foregroundRole()
        )


class Check(QCheckBox):
    """A check box in the theme's colours: filled with a tick, or an empty square."""

    EDGE = 16

    def paintEvent(self, event: QPaintEvent) -> None:
        """Square, tick, words, and a ring where the keyboard is."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        box = QRectF(1.5, (self.height() - self.EDGE) / 2 + 0.5, self.EDGE - 1, self.EDGE - 1)
        on = self.isChecked()
        painter.setPen(theme.colour(t.accent if on or self.underMouse() or self.hasFocus() else t.text3))
        painter.setBrush(theme.colour(t.accent if on else t.raised))
        painter.drawRoundedRect(box, 3, 3)
        if on:
            painter.drawPixmap(box.toRect().adjusted(2, 2, -1, -1).topLeft(), icons.pixmap("check", t.on_accent, 12))
        if self.hasFocus():
            painter.setPen(QPen(theme.colour(t.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
        painter.setPen(theme.colour(t.text))
        words = self.rect().adjusted(self.EDGE + 9, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())

    def sizeHint(self) -> QSize:
        """Room for square and words."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + self.EDGE + 16, 24)


def rule(*, vertical: bool = False, length: int = 0) -> QFrame:
    """A hairline; ``length`` in px bounds it."""
    made = QFrame()
    set_role(made, "rule")
    if vertical:
        made.setFixedWidth(1)
        if length:
            made.setFixedHeight(length)
    else:
        made.setFixedHeight(1)
    return made


class IconLabel(QLabel):
    """An inline icon that follows the theme. ``tint`` is a token's name."""

    def __init__(self, name: str, tint: str = "text2", size: int = icons.INLINE) -> None:
        super().__init__()
        self._name, self._tint, self._size = name, tint, size
        self.setFixedSize(size + 2, size + 2)
        self._draw()

    def set_icon(self, name: str, tint: str = "text2") -> None:
        """Show another icon."""
        if (name, tint) != (self._name, self._tint):
            self._name, self._tint = name, tint
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Tint again after a change of theme or state."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.EnabledChange):
            self._draw()

    def _draw(self) -> None:
        tint = getattr(theme.tokens(), self._tint)
        faint = not self.isEnabled() and self._tint != "on_accent"
        self.setPixmap(icons.pixmap(self._name, tint, self._size, 0.4 if faint else 1.0))


class KeyButton(QPushButton):
    """A push button with icon, words and the cap of its shortcut. ``role``: "", primary, outlined or flat."""

    def __init__(self, text: str, icon: str = "", key: str = "", role: str = "", *, icon_last: bool = False) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(text)
        self.setToolTip(text.rstrip("…"))
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 0, 10, 0)
        self._row.setSpacing(7)
        on_accent = role == "primary"
        self._icon = IconLabel(icon, "on_accent" if on_accent else "text2", 16) if icon else None
        self._text = label(text, "textOnAccent" if on_accent else "strong" if role == "outlined" else "")
        self._key = label(key, "keyOnAccent" if on_accent else "key") if key else None
        for part in (self._text, self._icon) if icon_last else (self._icon, self._text, self._key):
            if part is not None:
                part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
                self._row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        if role:
            set_role(self, role)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(30)

    def set_icon(self, name: str) -> None:
        """Show another icon (the button must have been made with one)."""
        if self._icon is not None:
            self._icon.set_icon(name, "text2")

    def set_text(self, text: str) -> None:
        """Change the words."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(text.rstrip("…"))
        self._row.invalidate()
        self.updateGeometry()

    def set_menu(self, menu: QMenu) -> None:
        """Open a menu; a chevron behind the words says so."""
        self.setMenu(menu)
        chevron = IconLabel("chevron-down", "text2", 12)
        chevron.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._row.addWidget(chevron, 0, Qt.AlignmentFlag.AlignVCenter)

    def set_compact(self, compact: bool) -> None:
        """Show the icon alone (the words become the tool tip's business) or everything."""
        self._text.setVisible(not compact)
        if self._key is not None:
            self._key.setVisible(not compact)
        self.updateGeometry()

    def show_key(self, shown: bool) -> None:
        """Show or leave out the cap of the shortcut."""
        if self._key is not None:
            self._key.setVisible(shown)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as its parts."""
        return QSize(self._row.sizeHint().width(), 30)

    def minimumSizeHint(self) -> QSize:
        """The same: words are never cut."""
        return self.sizeHint()

    def bind(self, action: QAction) -> None:
        """Let the button trigger ``action`` and share its enabled state and tool tip."""
        self.clicked.connect(action.trigger)

        def follow() -> None:
            self.setEnabled(action.isEnabled())
            self.setToolTip(action.toolTip())

        action.changed.connect(follow)
        follow()
        self.name_key(action)

    def name_key(self, action: QAction) -> None:
        """Let the cap say the key of ``action``, also once the reader gives it another."""
        if self._key is not None:
            cap = self._key
            action.changed.connect(lambda: cap.setText(key_cap(action)))
            cap.setText(key_cap(action))


def key_cap(action: QAction) -> str:
    """An action's first shortcut as the cap of a key says it: "Ctrl R"."""
    keys = action.shortcuts()
    if not keys:
        return ""
    return keys[0].toString(QKeySequence.SequenceFormat.NativeText).replace("Return", "Enter").replace("+", " ").strip()


class IconButton(QToolButton):
    """A 32 px button that shows an icon and follows the theme. Bind it to an action, or connect ``clicked``."""

    def __init__(self, icon: str, tip: str = "", action: QAction | None = None, edge: int = 32) -> None:
        super().__init__()
        self._name = icon
        self.setObjectName(icon)
        self.setFixedSize(edge, edge)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        size = icons.BUTTON if edge >= 30 else 16
        self.setIconSize(QSize(size, size))
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self._draw()
        if action is not None:
            self._bind(action)

    def _bind(self, action: QAction) -> None:
        self.setCheckable(action.isCheckable())
        self.clicked.connect(action.trigger)
        self.setAccessibleName(action.text().replace("&", ""))

        def follow() -> None:
            self.setEnabled(action.isEnabled())
            self.setChecked(action.isChecked())
            self.setToolTip(action.toolTip())

        action.changed.connect(follow)
        follow()

    def show_picture(self, icon: str) -> None:
        """Show another icon."""
        if icon != self._name:
            self._name = icon
            self._draw()

    def nextCheckState(self) -> None:
        """A bound button shows its action's state; the click alone changes nothing."""

    def changeEvent(self, event: QEvent) -> None:
        """Tint again after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        self.setIcon(icons.icon(self._name, size=self.iconSize().width()))


class Combo(QComboBox):
    """A combo box with our chevron and an optional quiet caption before the value, as in "W/L Default"."""

    def __init__(self, caption: str = "") -> None:
        super().__init__()
        self._caption = caption
        self.setAccessibleName(caption)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """Wide enough for the caption and the longest value."""
        metrics = QFontMetrics(self.font())
        widest = max((metrics.horizontalAdvance(self.itemText(i)) for i in range(self.count())), default=40)
        caption = metrics.horizontalAdvance(self._caption) + 6 if self._caption else 0
        return QSize(widest + caption + 44, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Field, caption, value, chevron."""
        index, text = self.currentIndex(), self.currentText()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_field(painter)
        t = theme.tokens()
        opacity = 1.0 if self.isEnabled() else 0.4
        painter.setOpacity(opacity)
        left = 10
        metrics = QFontMetrics(self.font())
        base = (self.height() + metrics.ascent() - metrics.descent()) // 2
        if self._caption:
            painter.setPen(theme.colour(t.text3))
            painter.drawText(QPoint(left, base), self._caption)
            left += metrics.horizontalAdvance(self._caption) + 6
        if index >= 0 or text:
            painter.setPen(theme.colour(t.text))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width() - left - 24)
            painter.drawText(QPoint(left, base), shown)
        painter.drawPixmap(self.width() - 21, (self.height() - 14) // 2, icons.pixmap("chevron-down", t.text2, 14))

    def _paint_field(self, painter: QPainter) -> None:
        t = theme.tokens()
        edge = t.accent if self.hasFocus() else t.border
        fill = t.hover if self.underMouse() and self.isEnabled() else t.raised
        painter.setPen(theme.colour(edge))
        painter.setBrush(theme.colour(fill))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)


NUMBER_INDENT = 7
"""Room in px before a number; the padding of a style sheet does not reach the inside of a spin box."""


@overload
def number_field(*, fine: Literal[False] = False) -> QSpinBox: ...
@overload
def number_field(*, fine: Literal[True]) -> QDoubleSpinBox: ...
@overload
def number_field(*, fine: bool) -> QSpinBox | QDoubleSpinBox: ...
def number_field(*, fine: bool = False) -> QSpinBox | QDoubleSpinBox:
    """A field for a whole number, or ``fine`` for one with decimals."""
    made = QDoubleSpinBox() if fine else QSpinBox()
    made.lineEdit().setTextMargins(NUMBER_INDENT, 0, 0, 0)
    return made


def plain_icon(name: str, tint: str) -> QIcon:
    """An icon in one colour, for menus and fields, in the one size that Qt does not scale there."""
    return QIcon(icons.pixmap(name, tint, 16))


def spaced(*parts: QWidget | int, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8) -> QHBoxLayout:
    """A row of widgets; an int > 0 is a gap in px, 0 is a stretch."""
    row = QHBoxLayout()
    row.setContentsMargins(*margins)
    row.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        elif part == 0:
            row.addStretch(1)
        else:
            row.addSpacing(part)
    return row


def tab_after(before: QWidget, added: QWidget) -> None:
    """Let Tab come to what was just ``added`` right after ``before`` (itself and what it holds), not at the window's end."""
    new = _stops(added)
    held = [part for part in _stops(before) if part not in new]
    last: QWidget | None = held[-1] if held else before
    while last is not None and not last.focusPolicy() & Qt.FocusPolicy.TabFocus:
        last = last.previousInFocusChain()  # before a label or an empty box
        last = None if last is before else last
    if last is None:
        return
    for part in new:
        QWidget.setTabOrder(last, part)
        last = part


def _stops(widget: QWidget) -> list[QWidget]:
    """Where Tab stops in a widget, itself included, in the order of their making."""
    return [each for each in (widget, *widget.findChildren(QWidget)) if each.focusPolicy() & Qt.FocusPolicy.TabFocus]


_KEYS_OF_CONTROLS = (
    *(Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
)


def works_a_control(event: QEvent) -> bool:
    """Whether a key that a shortcut is about to take works the button, slider or field that has the focus."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    kinds = QAbstractButton | QSlider | QComboBox | QAbstractSpinBox | QLineEdit
    control = isinstance(QApplication.focusWidget(), kinds)
    return control and event.key() in _KEYS_OF_CONTROLS
