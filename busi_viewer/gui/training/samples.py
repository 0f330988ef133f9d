"""Sample predictions of a run: the same few validation images after every epoch, reference and prediction over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import icons, privacy, theme
from busi_viewer.gui.controls import CutLabel, label, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.result_parts import OutlineSample
from busi_viewer.gui.training.words import figure
from busi_viewer.workflow.training_samples import Shown

FOOT = 26
COUNT = 5


class Samples(QWidget):
    """``asked(epoch)``: show the predictions after an epoch. The slider follows the newest until it is moved back."""

    asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._epochs: list[int] = []
        self.tiles = [Tile() for _ in range(COUNT)]
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setFixedWidth(120)
        self.slider.setAccessibleName(tr("Epoch of the sample predictions"))
        self.slider.setToolTip(tr("Show the predictions after another epoch"))
        self._epoch = label("", "dim")
        reference, predicted = OutlineSample(), OutlineSample()
        reference.set_style("#FFFFFF" if theme.tokens().name == "dark" else "#9A9A9A", dashed=False)
        predicted.set_style(theme.LESION_COLOURS[0], dashed=True)
        title = label(tr("Sample predictions"), "strong")
        key = (reference, label(tr("Reference"), "dim"), predicted, label(tr("Prediction"), "dim"))
        self._said = CutLabel("quiet")
        self._said.setText(tr("the same validation images after every epoch"))
        row = QHBoxLayout()
        row.setSpacing(8)
        for tile in self.tiles:
            row.addWidget(tile, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = spaced(title)
        head.addWidget(self._said, 1)
        head.addLayout(spaced(*key, 8, self._epoch, self.slider))
        column.addLayout(head)
        column.addLayout(row)
        self.slider.valueChanged.connect(self._on_moved)
        self.hide()  # until there is something to show

    def show_epochs(self, epochs: Sequence[int]) -> None:
        """There are predictions of these epochs."""
        if list(epochs) == self._epochs:
            return
        newest = not self._epochs or self.slider.value() == len(self._epochs) - 1
        self._epochs = list(epochs)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(self._epochs) - 1))
        if newest:
            self.slider.setValue(len(self._epochs) - 1)
        self.slider.blockSignals(False)
        self.setVisible(bool(self._epochs))
        if self._epochs and newest:
            self._on_moved(self.slider.value())

    def show_samples(self, epoch: int, shown: Sequence[Shown]) -> None:
        """Show predictions."""
        self._epoch.setText(tr("Epoch {epoch}", epoch=epoch))
        for number, tile in enumerate(self.tiles):
            tile.show_sample(shown[number] if number < len(shown) else None)

    def _on_moved(self, place: int) -> None:
        if 0 <= place < len(self._epochs):
            self.asked.emit(self._epochs[place])


class Tile(QWidget):
    """One image with both outlines; below it the leading class and the Dice."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Shown | None = None
        self._image = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Sample prediction"))

    def sizeHint(self) -> QSize:
        """Wide as it gets; the height follows the row."""
        return QSize(160, 150)

    def show_sample(self, shown: Shown | None) -> None:
        """Show an image, or nothing."""
        self._shown = shown
        if shown is None:
            self._image = QImage()
        else:
            grey = np.ascontiguousarray(shown.grey)
            h, w = grey.shape
            self._image = QImage(grey.tobytes(), w, h, w, QImage.Format.Format_Grayscale8).copy()
            words = (
                f"{privacy.name(Path(shown.id))}: {_truth(shown)}; {_predicted(shown)}, Dice {figure(shown.dice, 2)}"
            )
            self.setToolTip(words)
            self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Image, outlines, foot."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(t.line), 1))
        painter.setBrush(QColor(t.panel))
        painter.drawRoundedRect(box, 4, 4)
        place = box.adjusted(1, 1, -1, -FOOT)
        painter.fillRect(place, QColor(theme.SURROUND))
        if self._shown is not None and not self._image.isNull():
            self._paint_image(painter, place, self._shown)
            self._paint_foot(painter, QRectF(box.left() + 6, place.bottom(), box.width() - 12, FOOT), self._shown)

    def _paint_image(self, painter: QPainter, place: QRectF, shown: Shown) -> None:
        w, h = self._image.width(), self._image.height()
        share = min(place.width() / w, place.height() / h)
        at = QRectF(0, 0, w * share, h * share)
        at.moveCenter(place.center())
        painter.drawImage(at, self._image)
        painter.save()
        painter.setClipRect(place)
        for rings, tint, dashed in (
            (shown.reference, "#FFFFFF", False),
            (shown.predicted, theme.LESION_COLOURS[0], True),
        ):
            for ring in rings:
                points = QPolygonF([QPointF(at.x() + (x + 0.5) * share, at.y() + (y + 0.5) * share) for x, y in ring])
                for colour, width in ((QColor(0, 0, 0, 150), 3.2), (QColor(tint), 1.6)):
                    pen = QPen(colour, width)
                    if dashed and width < 2:
                        pen.setDashPattern([3.2, 2.0])
                    painter.setPen(pen)
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawPolygon(points)
        painter.restore()

    def _paint_foot(self, painter: QPainter, foot: QRectF, shown: Shown) -> None:
        t = theme.tokens()
        painter.setFont(theme.font(theme.CAPTION))
        middle = Qt.AlignmentFlag.AlignVCenter
        words = f"Dice {figure(shown.dice, 2)}" if shown.dice is not None else ""
        taken = painter.fontMetrics().horizontalAdvance(words)
        if shown.probabilities is not None:
            name = CLASSES[int(np.argmax(shown.probabilities))]
            icons.draw_class_glyph(painter, name, QRectF(foot.left(), foot.center().y() - 5, 10, 10))
            painter.setPen(QColor(t.text2))
            room, width = foot.width() - 15 - taken - 6, painter.fontMetrics().horizontalAdvance
            fits = next((said for said in (_predicted(shown), _percent(shown)) if width(said) <= room), "")
            painter.drawText(foot.adjusted(15, 0, 0, 0), middle, fits)  # the sign says the class, the tool tip all
        painter.setPen(QColor(t.text))
        painter.drawText(foot, middle | Qt.AlignmentFlag.AlignRight, words)


def _truth(shown: Shown) -> str:
    return tr("reference {label}", label=tr(shown.label) if shown.label else tr("without class"))


def _predicted(shown: Shown) -> str:
    if shown.probabilities is None:
        return tr("no class")
    return f"{sentence(tr(CLASSES[int(np.argmax(shown.probabilities))]))} {_percent(shown)}"


def _percent(shown: Shown) -> str:
    assert shown.probabilities is not None
    return tr("{percent:.0f} %", percent=100 * max(shown.probabilities))
