"""A picture of the view as it stands, to copy or to drag into another program. It names no file and no patient.

What the image itself shows (burned-in text) is in it; the line below says "Research use only".
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QPoint, QRect, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QColor, QDrag, QFont, QGuiApplication, QImage, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from busi_viewer.gui import theme
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconButton
from busi_viewer.gui.language import tr
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.session import Session

if TYPE_CHECKING:
    from busi_viewer.gui.review_page import ReviewPage

LINE = "Research use only. Not for clinical decisions."
LINE_HEIGHT, PREVIEW = 26, 160
KEEP_MS = 60_000
"""How long after the drag another program may still read the file."""


def picture_of(review: ReviewPage) -> QImage:
    """The view, all panels of it, with the line below, at the screen's pixel ratio."""
    card_shown = not review.card.isHidden()
    review.card.setVisible(False)
    with review.canvas.bare():
        shown = review.panels.grab().toImage()
    review.card.setVisible(card_shown)
    ratio = shown.devicePixelRatio()
    made = QImage(shown.width(), shown.height() + round(LINE_HEIGHT * ratio), QImage.Format.Format_RGB32)
    made.setDevicePixelRatio(ratio)
    made.fill(QColor(theme.SURROUND))
    painter = QPainter(made)
    painter.drawImage(0, 0, shown)
    width, top = round(shown.width() / ratio), round(shown.height() / ratio)
    painter.setFont(theme.font(theme.CAPTION, QFont.Weight.Medium))
    painter.setPen(QColor(theme.DARK.warn))
    painter.drawText(
        QRect(0, top, width - 10, LINE_HEIGHT), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, LINE
    )
    painter.end()
    return made


class Pictures(QObject):
    """Copies the view and lets it be dragged out; the file that a drag leaves is deleted soon after, or at the end."""

    def __init__(self, actions: Actions, review: ReviewPage, reading: Reading, parent: QObject) -> None:
        super().__init__(parent)
        self._review, self._reading = review, reading
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ending = QTimer(self)
        self._ending.setSingleShot(True)
        self._ending.setInterval(KEEP_MS)
        self._ending.timeout.connect(self.close)
        actions["copy_view"].triggered.connect(self.copy)
        self._actions = actions
        reading.session_changed.connect(self._follow)
        self._follow(None)
        review.header.handle.pictures = self

    @Slot(object)
    def _follow(self, session: Session | None) -> None:
        self._actions["copy_view"].setEnabled(session is not None)

    @Slot()
    def copy(self) -> None:
        """Put the picture on the clipboard."""
        if self._reading.session is not None:
            QGuiApplication.clipboard().setImage(picture_of(self._review))
            self._reading.said.emit(tr("The view was copied as a picture."))

    def mime(self) -> QMimeData:
        """The picture as image and as a PNG file."""
        self.close()
        image = picture_of(self._review)
        self._folder = tempfile.TemporaryDirectory(prefix="busi_viewer-")
        file = Path(self._folder.name) / "view.png"
        image.save(str(file))
        data = QMimeData()
        data.setImageData(image)
        data.setUrls([QUrl.fromLocalFile(str(file))])
        return data

    def drag(self, source: QWidget) -> None:
        """Let the picture be dragged out of the window."""
        if self._reading.session is None:
            return
        drag = QDrag(source)
        data = self.mime()
        drag.setMimeData(data)
        small = QPixmap.fromImage(picture_of(self._review)).scaledToWidth(
            PREVIEW, Qt.TransformationMode.SmoothTransformation
        )
        drag.setPixmap(small)
        drag.setHotSpot(QPoint(12, 12))
        drag.exec(Qt.DropAction.CopyAction)
        self._ending.start()

    @Slot()
    def close(self) -> None:
        """Delete the file of the last drag."""
        self._ending.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class DragHandle(IconButton):
    """Drag it to take the view along as a PNG; a click copies the view."""

    def __init__(self, actions: Actions) -> None:
        super().__init__("square-arrow-out-up-right", action=actions["copy_view"], edge=26)
        self.pictures: Pictures | None = None
        self._pressed: QPoint | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a drag may begin."""
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Begin the drag once the mouse has moved far enough."""
        start = self._pressed
        if start is None or self.pictures is None:
            return
        if (event.position().toPoint() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.setDown(False)
            self.pictures.drag(self)
            self.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)  # the mouse left with the drag, unseen
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click that was no drag copies."""
        if self._pressed is not None:
            self._pressed = None
            super().mouseReleaseEvent(event)
