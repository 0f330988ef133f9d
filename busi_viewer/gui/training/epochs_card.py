"""The same image at the kept epochs of a run: chosen, drawn by a process of its own, shown, saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QSizePolicy, QVBoxLayout, QWidget

from busi_viewer.core.results import METHODS
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import Combo, KeyButton, label, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role


class EpochsCard(QFrame):
    """``asked(image, mask or None, method)``: draw the figure of an image; ``cancelled``; ``save_asked`` to keep it."""

    asked = Signal(object, object, str)
    cancelled = Signal()
    save_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        set_role(self, "panel")
        self._about, self._said = label("", "quiet"), label("", "quiet")
        self.image, self.method = Combo(tr("Image")), Combo(tr("Method"))
        self.image.setToolTip(tr("One of the run's sample images"))
        self.method.setToolTip(tr("How the heatmap is made"))
        self.method.addItems([tr(method) for method in METHODS])
        self.draw, self.other = KeyButton(tr("Compare"), "layers"), KeyButton(tr("Other image…"), "folder-open")
        self.stop, self.save = KeyButton(tr("Cancel"), "x"), KeyButton(tr("Save figure…"), "square-arrow-out-up-right")
        self.draw.setToolTip(tr("Draw the heatmap of this image at each kept epoch; takes a few seconds an epoch"))
        self.other.setToolTip(tr("Compare another image of this computer"))
        self.save.setToolTip(tr("Write the figure as PNG"))
        self.picture = _Picture()
        self.picture.setAccessibleName(tr("The image at each kept epoch"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(8)
        column.addLayout(spaced(label(tr("One image at several epochs"), "strong"), 8, self._about, 0))
        column.addLayout(
            spaced(self.image, self.method, self.draw, self.other, self.stop, self._said, 0, self.save, spacing=8)
        )
        column.addWidget(self.picture)
        self.draw.clicked.connect(self._on_draw)
        self.other.clicked.connect(self._on_other)
        self.stop.clicked.connect(self.cancelled)
        self.save.clicked.connect(self.save_asked)
        self.show_busy(busy=False)
        self.forget()

    def show_run(self, kept: Sequence[int], images: Sequence[tuple[str, Path, Path | None]]) -> None:
        """The epochs that a run keeps, and its sample images: name, file and outline's file."""
        self.setVisible(bool(kept))
        self._about.setText(tr("epochs {epochs}", epochs=", ".join(map(str, kept))))
        self.image.clear()
        for name, image, mask in images:
            self.image.addItem(privacy.name(Path(name)), (image, mask))
        self.image.setMinimumWidth(min(280, self.image.sizeHint().width()))
        self.image.setVisible(bool(images))
        self.draw.setVisible(bool(images))

    def show_busy(self, *, busy: bool) -> None:
        """The figure is being drawn, or not any more."""
        for part in (self.image, self.method, self.draw, self.other):
            part.setEnabled(not busy)
        self.stop.setVisible(busy)
        self._said.setText(tr("Drawing…") if busy else "")

    def show_figure(self, png: bytes) -> None:
        """Show the figure."""
        self.picture.show_picture(png)
        self.picture.show()
        self.save.show()

    def forget(self) -> None:
        """There is no figure yet."""
        self.picture.hide()
        self.save.hide()

    @Slot()
    def _on_draw(self) -> None:
        if self.image.currentData() is not None:
            self._ask(*self.image.currentData())

    @Slot()
    def _on_other(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Compare another image"))
        if name:
            self._ask(Path(name), None)

    def _ask(self, image: Path, mask: Path | None) -> None:
        self.show_busy(busy=True)
        self.asked.emit(image, mask, METHODS[self.method.currentIndex()])


class _Picture(QWidget):
    """A picture as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap = QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_picture(self, png: bytes) -> None:
        self._pixmap.loadFromData(png)
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(600, 200)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._pixmap.isNull():
            width = min(self.width(), self._pixmap.width())
            self.setFixedHeight(max(1, round(width * self._pixmap.height() / self._pixmap.width())))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pixmap.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = self.rect()
        box.setWidth(min(self.width(), self._pixmap.width()))
        ratio = self.devicePixelRatioF()
        size = box.size() * ratio
        mode = Qt.TransformationMode.SmoothTransformation
        painter.drawPixmap(box, self._pixmap.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode))
