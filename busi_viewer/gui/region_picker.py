"""A box drawn on a picture, with the mouse or by four numbers."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSpinBox, QVBoxLayout, QWidget

from busi_viewer.core.masks import Box
from busi_viewer.gui import theme
from busi_viewer.gui.controls import label
from busi_viewer.gui.language import tr

LARGEST = QSize(450, 280)
OUTSIDE = QColor(0, 0, 0, 190)


class _Picture(QWidget):
    """The picture as large as fits; what lies outside of the box is darkened. ``drawn(Box)`` while the mouse draws."""

    drawn = Signal(object)

    def __init__(self, image: QImage) -> None:
        super().__init__()
        self._image, self.box = image, (0, 0, image.width(), image.height())
        self._from: QPointF | None = None
        self.setFixedSize(image.size().scaled(LARGEST, Qt.AspectRatioMode.KeepAspectRatio))
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(tr("The image in view, with the box to keep"))
        self.setToolTip(tr("Drag to draw the box"))

    def _pixel(self, event: QMouseEvent) -> QPointF:
        place = event.position()
        x, y = place.x() / self.width() * self._image.width(), place.y() / self.height() * self._image.height()
        return QPointF(min(max(x, 0), self._image.width()), min(max(y, 0), self._image.height()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A box begins."""
        self._from = self._pixel(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """It follows the pointer."""
        if self._from is not None:
            rect = QRectF(self._from, self._pixel(event)).normalized()
            box = tuple(round(v) for v in (rect.left(), rect.top(), rect.right(), rect.bottom()))
            if box[0] < box[2] and box[1] < box[3]:
                self.drawn.emit(box)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """And stays."""
        self._from = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Picture, dark surroundings, frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        painter.drawImage(QRectF(self.rect()), self._image)
        sx, sy = self.width() / self._image.width(), self.height() / self._image.height()
        x0, y0, x1, y1 = self.box
        kept = QRectF(x0 * sx, y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy)
        painter.setClipRegion(self.rect())
        for dark in (
            QRectF(0, 0, self.width(), kept.top()),
            QRectF(0, kept.bottom(), self.width(), self.height() - kept.bottom()),
            QRectF(0, kept.top(), kept.left(), kept.height()),
            QRectF(kept.right(), kept.top(), self.width() - kept.right(), kept.height()),
        ):
            painter.fillRect(dark, OUTSIDE)
        painter.setPen(QPen(theme.colour(theme.tokens().accent), 2))
        painter.drawRect(kept.adjusted(1, 1, -1, -1))


class RegionPicker(QWidget):
    """``box`` is what is drawn, in pixels of the image (x1 and y1 outside of it)."""

    def __init__(self, image: QImage) -> None:
        super().__init__()
        self.picture = _Picture(image)
        self.picture.drawn.connect(self.set_box)
        names = (tr("Left"), tr("Top"), tr("Right"), tr("Bottom"))
        self.fields = [QSpinBox() for _ in names]
        row = QGridLayout()
        row.setHorizontalSpacing(8)
        for i, (field, name) in enumerate(zip(self.fields, names, strict=True)):
            field.setRange(0, image.height() if i % 2 else image.width())
            field.setSuffix(" px")
            field.lineEdit().setTextMargins(7, 0, 0, 0)
            field.setAccessibleName(name)
            field.setToolTip(tr("Edge of the box to keep, in pixels of the image"))
            field.valueChanged.connect(self._on_typed)
            row.addWidget(label(name, "dim"), 0, i)
            row.addWidget(field, 1, i)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.picture)
        column.addLayout(row)
        self.set_box(self.picture.box)

    @property
    def box(self) -> Box:
        """The box as drawn; at least one pixel wide and high."""
        x0, y0, x1, y1 = (field.value() for field in self.fields)
        return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)

    @Slot(object)
    def set_box(self, box: Box) -> None:
        """Show a box."""
        for field, value in zip(self.fields, box, strict=True):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self._on_typed()

    @Slot()
    def _on_typed(self) -> None:
        self.picture.box = self.box
        self.picture.update()
