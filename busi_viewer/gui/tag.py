"""Small labels over the image: text on 78 % black."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from busi_viewer.gui import theme

PADDING = (6.0, 2.5)
RADIUS = 3.0
BACK = QColor(0, 0, 0, 199)


def tag_font() -> QFont:
    """The labels' font."""
    return theme.font(theme.CONTROL, QFont.Weight.DemiBold)


def tag_size(text: str) -> QSizeF:
    """Size of a label in logical px."""
    metrics = QFontMetricsF(tag_font())
    return QSizeF(metrics.horizontalAdvance(text) + 2 * PADDING[0], metrics.height() + 2 * PADDING[1])


@dataclass(frozen=True)
class Tag:
    """A label at its place, in logical px of the view."""

    text: str
    rect: QRectF
    colour: str

    @staticmethod
    def at(text: str, corner: QPointF, colour: str) -> Tag:
        """A label whose top left corner is ``corner``."""
        return Tag(text, QRectF(corner, tag_size(text)), colour)

    def paint(self, painter: QPainter) -> None:
        """Draw it."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(BACK)
        painter.drawRoundedRect(self.rect, RADIUS, RADIUS)
        painter.setFont(tag_font())
        painter.setPen(QColor(self.colour))
        painter.drawText(self.rect, Qt.AlignmentFlag.AlignCenter, self.text)
