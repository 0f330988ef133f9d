"""The bar under a proposed outline: accept, edit, discard. Dark in both themes, like the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from busi_viewer.core.results import FrameResult
from busi_viewer.gui import icons, theme
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.outline import stroke

QSS = """
#proposalBar {{ background: {panel}; border: 1px solid {border}; border-radius: 6px; }}
#proposalBar QLabel {{ background: transparent; color: {text2}; font-size: 12px; }}
#proposalBar QLabel#proposalTitle {{ color: {text}; font-weight: 600; }}
#proposalBar QPushButton {{ background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 0; }}
#proposalBar QPushButton#plainButton {{ background: {raised}; border-color: {border}; }}
#proposalBar QPushButton:hover {{ background: {hover}; }}
#proposalBar QPushButton#primaryButton {{ background: {accent}; border-color: {accent}; }}
#proposalBar QPushButton#primaryButton:hover {{ background: #66D3BF; }}
#proposalBar QPushButton:focus {{ border: 2px solid {text}; }}
#proposalBar QPushButton QLabel {{ color: {text}; font-weight: 500; }}
#proposalBar QPushButton QLabel#key {{ color: {text2}; border: 1px solid {border}; border-radius: 3px; padding: 0 4px;
    font-size: 11px; font-weight: 400; }}
#proposalBar QPushButton#primaryButton QLabel {{ color: {on_accent}; font-weight: 600; }}
#proposalBar QPushButton#primaryButton QLabel#key {{ color: {on_accent}; border-color: {on_accent}; }}
"""


class _Dashes(QWidget):
    """A short piece of the proposal's line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(24, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPainterPath(QPointF(0, 8))
        line.lineTo(24, 8)
        stroke(painter, line, QColor(theme.LESION_COLOURS[0]), dashed=True)
        painter.end()


class _KeyButton(QPushButton):
    """A button with icon, word and the key that does the same."""

    def __init__(self, word: str, key: str, icon: str, tint: str, parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(9, 5, 8, 5)
        row.setSpacing(7)
        for text, name in ((None, "icon"), (word, "word"), (key, "key")):
            label = QLabel(text or "", self)
            label.setObjectName(name)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            if text is None:
                label.setPixmap(icons.pixmap(icon, tint))
            row.addWidget(label)
        self.setAccessibleName(word)
        self.setToolTip(f"{word} ({key})")

    def sizeHint(self) -> QSize:
        """As large as its content."""
        row = self.layout()
        return row.sizeHint() if row is not None else super().sizeHint()


class ProposalBar(QFrame):
    """Says that the outline is the machine's, how confident it is, and offers the three answers."""

    accepted = Signal()
    edit_wanted = Signal()
    discarded = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        dark = theme.DARK
        self.setObjectName("proposalBar")
        self.setAccessibleName(tr("Outline proposed by AI"))
        self.setStyleSheet(QSS.format(**vars(dark)))
        self._title = QLabel(self)
        self._title.setObjectName("proposalTitle")
        self._confidence = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 8)
        row.setSpacing(8)
        accept = _KeyButton(tr("Accept"), tr("Enter"), "check", dark.on_accent, self)
        accept.setObjectName("primaryButton")
        edit = _KeyButton(tr("Edit"), "E", "pencil", dark.text, self)
        edit.setObjectName("plainButton")
        discard = _KeyButton(tr("Discard"), tr("Del"), "x", dark.text2, self)
        dashes = _Dashes(self)
        for widget in (dashes, self._title, self._confidence):
            row.addWidget(widget)
        row.addSpacing(6)
        for button, signal in ((accept, self.accepted), (edit, self.edit_wanted), (discard, self.discarded)):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(signal)
            row.addWidget(button)
        self._buttons = (accept, edit, discard)
        self._keys = [key for button in self._buttons for key in button.findChildren(QWidget, "key")]
        self._pictures = [dashes, *(icon for button in self._buttons for icon in button.findChildren(QWidget, "icon"))]
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.hide()

    def show_proposal(self, result: FrameResult | None) -> None:
        """Describe a proposal, or hide for None."""
        if result is None:
            self.hide()
            return
        count = len(result.lesions)
        self._title.setText(plural("Outline L1 proposed by AI", "{n} outlines proposed by AI", max(count, 1)))
        known = [(each.area_px, each.mean_probability) for each in result.lesions if each.mean_probability is not None]
        area = sum(a for a, _ in known)
        self._confidence.setText(
            tr("mean confidence {value:.2f}", value=sum((a * p for a, p in known)) / area) if area else ""
        )
        self.show()

    def fit(self, width: int) -> None:
        """Leave out what does not fit into ``width`` px: the confidence first, then keys, title, pictures."""
        extras: list[list[QWidget]] = [self._pictures, [self._title], self._keys, [self._confidence]]
        for shown in (4, 3, 2, 1, 0):
            for number, widgets in enumerate(extras):
                for widget in widgets:
                    widget.setVisible(number < shown)
            for widget in (*self._buttons, self):
                row = widget.layout()
                if row is not None:
                    row.invalidate()
                widget.updateGeometry()
            if self.sizeHint().width() <= width:
                break
        self.adjustSize()
