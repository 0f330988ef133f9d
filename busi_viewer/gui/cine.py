"""The cine bar: plays and scrubs the frames of a multi-frame image, and shows the estimate of each."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import icons, theme
from busi_viewer.gui.controls import Combo
from busi_viewer.gui.language import tr
from busi_viewer.gui.session import Session

RATE = 25.0
"""Frames a second where the file does not say."""
SPEEDS = (0.25, 0.5, 1.0, 2.0)
AHEAD = 12
"""Frames decoded beyond the one playing."""
STRIP_HEIGHT = 34
FILL = 0.45
"""Of a bar, as of the class bars; its upper edge, the value, is solid."""
MALIGNANT = CLASSES.index("malignant")


class FrameStrip(QWidget):
    """One bar for each analysed frame: height = malignant estimate, colour = class. Click or drag to go to a frame.

    Frames without an estimate show a short grey tick; a line below marks frames with a reader's outline.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._bars: QPixmap | None = None
        self.setFixedHeight(STRIP_HEIGHT)
        self.setAccessibleName(tr("Malignant estimate per frame"))
        self.setToolTip(tr("Malignant estimate per frame; line: 50 %. Underlined: reader's outline."))

    def set_session(self, session: Session | None) -> None:
        """Show another image's frames."""
        self._session = session
        self.redraw()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(400, STRIP_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bars, drawn once, and a pointer at the frame in view."""
        if self._session is None:
            return
        if self._bars is None or self._bars.size() != self.size() * self.devicePixelRatioF():
            self._bars = self._drawn()
        painter, t = QPainter(self), theme.tokens()
        painter.drawPixmap(0, 0, self._bars)
        middle = (self._session.frame + 0.5) * self.width() / len(self._session.frames)
        painter.setPen(QPen(QColor(t.text), 1.5))
        painter.drawLine(QPointF(middle, 4), QPointF(middle, self.height() - 1.0))
        painter.setBrush(QColor(t.text))
        painter.drawPolygon(QPolygonF([QPointF(middle - 4, 0), QPointF(middle + 4, 0), QPointF(middle, 5)]))
        painter.end()

    def _drawn(self) -> QPixmap:
        """The bars of all frames, without the pointer."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        if self._session is None:
            return picture
        painter = QPainter(picture)
        document, count = self._session.document, len(self._session.frames)
        t, wide, high = theme.tokens(), self.width() / count, self.height() - 8.0
        results = {result.index: result for result in document.result.frames} if document.result else {}
        for i in range(count):
            result = results.get(i)
            shown = result is not None and not result.abstained and result.classified
            share = result.probabilities[MALIGNANT] if shown and result is not None else 0.0
            tint = QColor(t.of_class(result.prediction)) if shown and result is not None else QColor(t.border)
            tall = max(share * high, 2.0)
            bar = QRectF(i * wide, high - tall, max(wide - 1.0, 1.0), tall)
            painter.setOpacity(FILL if shown else 1.0)
            painter.fillRect(bar, tint)
            painter.setOpacity(1.0)
            painter.fillRect(QRectF(bar.left(), bar.top(), bar.width(), 2.0), tint)
        painter.setPen(QPen(QColor(t.text3), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(0, high / 2), QPointF(self.width(), high / 2))
        for i in document.edited_frames:
            painter.fillRect(QRectF(i * wide, high + 3, max(wide, 2.0), 3), QColor(t.accent))
        painter.end()
        return picture

    def redraw(self) -> None:
        """Estimates, outlines or colours changed."""
        self._bars = None
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Another theme has other colours."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self.redraw()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the frame under the mouse."""
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(event)

    def _choose(self, event: QMouseEvent) -> None:
        if self._session is not None:
            self.chosen.emit(int(event.position().x() / self.width() * len(self._session.frames)))


class CineBar(QWidget):
    """First, previous, play, next, last, repeat, speed, slider and strip. Hidden for a single image.

    Playing never blocks: frames are decoded ahead in the background, and one that is not ready yet is waited for.
    """

    playing_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cineBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Frames"))
        self._session: Session | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._label = QLabel(self)
        self._strip = FrameStrip(self)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setAccessibleName(tr("Frame"))
        self._slider.setToolTip(tr("Frame in view"))
        self._speed = Combo()
        self._play = self._button(tr("Play"), "play")
        self._play.setCheckable(True)
        self._repeat = self._button(tr("Repeat"), "repeat")
        self._repeat.setCheckable(True)
        self._repeat.setChecked(True)
        self._build()
        self.hide()

    def _button(self, name: str, icon: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIcon(icons.icon(icon))
        button.setIconSize(QSize(icons.BUTTON, icons.BUTTON))
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def _build(self) -> None:
        ends = {
            name: self._button(name, icon)
            for name, icon in (
                (tr("First frame"), "skip-back"),
                (tr("Previous frame"), "step-back"),
                (tr("Next frame"), "step-forward"),
                (tr("Last frame"), "skip-forward"),
            )
        }
        first, previous, following, last = ends.values()
        for button, slot in ((first, self.first), (previous, self.previous), (following, self.next), (last, self.last)):
            button.clicked.connect(slot)
        self._play.clicked.connect(self.set_playing)
        for speed in SPEEDS:
            self._speed.addItem(tr("{speed:g}×", speed=speed), speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.setAccessibleName(tr("Speed"))
        self._speed.setToolTip(tr("Speed, 1 as recorded"))
        self._speed.currentIndexChanged.connect(self._set_interval)
        self._slider.valueChanged.connect(self._go)
        self._strip.chosen.connect(self._go)
        row = QHBoxLayout()
        row.setSpacing(4)
        for widget in (first, previous, self._play, following, last, self._repeat, self._speed, self._label):
            row.addWidget(widget)
        row.addSpacing(8)
        row.addWidget(self._slider, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._strip)

    def set_session(self, session: Session | None) -> None:
        """Serve another image; a single image hides the bar."""
        self.set_playing(False)
        if self._session is not None:
            self._session.frame_changed.disconnect(self._show_frame)
            self._session.changed.disconnect(self._strip.redraw)
        self._session = session
        self._strip.set_session(session)
        self.setVisible(session is not None and len(session.frames) > 1)
        if session is not None:
            self._slider.setRange(0, len(session.frames) - 1)
            session.frame_changed.connect(self._show_frame)
            session.changed.connect(self._strip.redraw)
            self._set_interval()
            self._show_frame(session.frame)

    @property
    def playing(self) -> bool:
        """Whether frames run."""
        return self._timer.isActive()

    def set_playing(self, on: bool) -> None:
        """Start or stop."""
        on = on and self._session is not None and len(self._session.frames) > 1
        if on and self._session is not None:
            if not self._repeat.isChecked() and self._session.frame == len(self._session.frames) - 1:
                self._session.set_frame(0)
            self._timer.start()
        else:
            self._timer.stop()
        self._play.setChecked(on)
        self._play.setIcon(icons.icon("pause" if on else "play"))
        self._play.setToolTip(tr("Pause") if on else tr("Play"))
        self._play.setAccessibleName(tr("Pause") if on else tr("Play"))
        self.playing_changed.emit(on)

    def toggle(self) -> None:
        """Play or pause."""
        self.set_playing(not self.playing)

    def first(self) -> None:
        """Go to the first frame."""
        self._go(0)

    def last(self) -> None:
        """Go to the last frame."""
        self._go(self._slider.maximum())

    def previous(self) -> None:
        """Go one frame back."""
        self._step(-1)

    def next(self) -> None:
        """Go one frame on."""
        self._step(1)

    def _step(self, by: int) -> None:
        if self._session is not None:
            self.set_playing(False)
            self._go(self._session.frame + by)

    def _go(self, index: int) -> None:
        if self._session is not None:
            self._session.set_frame(index)

    def _show_frame(self, index: int) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(index)
        self._slider.blockSignals(False)
        self._label.setText(tr("Frame {n} / {total}", n=index + 1, total=self._slider.maximum() + 1))
        self._strip.update()

    def _set_interval(self) -> None:
        rate = (self._session.document.record.frame_rate if self._session is not None else None) or RATE
        self._timer.setInterval(max(1, round(1000.0 / (rate * float(self._speed.currentData())))))

    def _tick(self) -> None:
        """Show the next frame if it is decoded; else ask for it and wait."""
        session = self._session
        if session is None:
            return
        following = session.frame + 1
        if following >= len(session.frames):
            if not self._repeat.isChecked():
                self.set_playing(False)
                return
            following = 0
        session.frames.want(following, AHEAD)
        if session.frames.peek(following) is not None or session.frames.error(following) is not None:
            session.set_frame(following)
