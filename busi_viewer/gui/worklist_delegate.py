"""How a worklist row looks: thumbnail, name, estimate in its class colour with its glyph, status with its icon."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from busi_viewer.gui import icons, privacy, theme
from busi_viewer.gui.language import tr
from busi_viewer.gui.thumbnails import Thumbnails
from busi_viewer.gui.worklist_groups import Group
from busi_viewer.gui.worklist_model import FLAGGED, Item
from busi_viewer.gui.worklist_rows import ItemRole

ROW, HEADER, INDENT = 66, 28, 10
THUMB = QSize(66, 50)
STATUS_ICONS = {
    "New": "circle",
    "Queued": "clock",
    "Running": "loader-circle",
    "Analysed": "scan-search",
    "Edited": "pencil",
    "Reported": "circle-check",
    "Failed": "circle-x",
    FLAGGED: "flag",
}


class WorklistDelegate(QStyledItemDelegate):
    """Paints :class:`Item` rows; ``compact`` shows thumbnails only."""

    def __init__(self, thumbnails: Thumbnails, is_header: Callable[[int], bool]) -> None:
        super().__init__()
        self._is_header = is_header
        self._thumbnails = thumbnails
        self.compact = False

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Every row has the same height, and so has every header."""
        return QSize(88 if self.compact else 200, HEADER if self._is_header(index.row()) else ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        item = index.data(ItemRole)
        box = QRect(option.rect)
        if isinstance(item, Group):
            self._paint_header(painter, box, item, hovered=bool(option.state & QStyle.StateFlag.State_MouseOver))
            return
        t = theme.tokens()
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(box, QColor(t.sel))
            painter.fillRect(QRect(box.left(), box.top(), 3, box.height()), QColor(t.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(t.hover))
        painter.setPen(QPen(QColor(t.line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        picture = QRect(box.left() + (11 if self.compact else 12), box.top() + 8, THUMB.width(), THUMB.height())
        self._paint_picture(painter, picture, self._thumbnails.get(item.path), broken=item.phase == "failed")
        if self.compact:
            self._paint_corner(painter, picture, item)
        else:
            left = picture.right() + 12
            self._paint_words(painter, QRect(left, box.top() + 6, box.right() - left - 8, 54), item)
        painter.restore()

    def _paint_header(self, painter: QPainter, box: QRect, group: Group, *, hovered: bool) -> None:
        t = theme.tokens()
        painter.save()
        painter.fillRect(box, QColor(t.hover if hovered else t.bg))
        painter.setPen(QPen(QColor(t.line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        left = box.left() + 8 + (0 if self.compact else min(group.depth, 6) * INDENT)
        chevron = icons.pixmap("chevron-down" if group.is_open else "chevron-right", t.text3, 14)
        painter.drawPixmap(QPoint(left, box.top() + 7), chevron)
        caption, top = theme.font(theme.CAPTION), box.top() + 7
        used = 0
        if not self.compact:
            words = group.words
            used = QFontMetrics(caption).horizontalAdvance(words) + 12
            _line(painter, QPoint(box.right() - used + 2, top), words, caption, t.text3, used)
        room = box.right() - left - 18 - used - 4
        _line(
            painter, QPoint(left + 18, top), group.shown, theme.font(theme.CAPTION, QFont.Weight.Medium), t.text2, room
        )
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRect, pixmap: QPixmap | None, *, broken: bool) -> None:
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(box), 3, 3)
        painter.save()
        painter.setClipPath(shape)
        if pixmap is None:
            painter.fillRect(box, QColor(theme.tokens().raised))
            if broken:
                middle = box.center() - QPoint(8, 8)
                painter.drawPixmap(middle, icons.pixmap("image-off", theme.tokens().text3, 18))
        else:
            painter.fillRect(box, QColor("#000000"))
            painter.drawPixmap(box, pixmap, _middle(pixmap, box.size()))
        painter.restore()

    def _paint_words(self, painter: QPainter, box: QRect, item: Item) -> None:
        t = theme.tokens()
        name_font, body = theme.font(theme.CONTROL, QFont.Weight.Medium), theme.font(theme.CONTROL)
        name = _line(painter, box.topLeft(), item.shown, name_font, t.text, box.width())
        room = box.width() - name - 8
        if room > 24:
            _line(
                painter,
                box.topLeft() + QPoint(name + 8, 1),
                "" if privacy.on() else item.folder,
                theme.font(theme.CAPTION),
                t.text3,
                room,
            )
        second = box.topLeft() + QPoint(0, 18)
        failed = item.phase == "failed"
        if item.estimate is not None and item.phase not in ("running", "failed"):
            icons.draw_class_glyph(painter, item.estimate[0], QRectF(second.x(), second.y() + 3, 11, 11))
            tint = t.of_class(item.estimate[0])
            medium = theme.font(theme.CONTROL, QFont.Weight.Medium)
            _line(painter, second + QPoint(16, 0), item.summary, medium, tint, box.width() - 16)
        else:
            _line(painter, second, item.summary, body, t.error if failed else t.text3, box.width())
        third = box.topLeft() + QPoint(0, 37)
        tint = t.error if failed else t.text3 if item.status in ("New", "Queued") else t.accent
        painter.drawPixmap(third + QPoint(-1, 0), icons.pixmap(STATUS_ICONS[item.status], tint, 14))
        caption = theme.font(theme.CAPTION)
        used = _line(painter, third + QPoint(17, 0), tr(item.status), caption, t.text2, box.width() - 17)
        left = third.x() + 17 + used + 10
        for badge in item.badges:
            words = tr(badge)
            width = 18 + QFontMetrics(caption).horizontalAdvance(words)
            if left + width <= box.right():
                tint = t.warn if badge == FLAGGED else t.accent
                painter.drawPixmap(QPoint(left, third.y()), icons.pixmap(STATUS_ICONS[badge], tint, 14))
                _line(painter, QPoint(left + 18, third.y()), words, caption, t.text2, width)
                left += width + 10

    def _paint_corner(self, painter: QPainter, box: QRect, item: Item) -> None:
        if item.flagged:
            painter.drawPixmap(box.topLeft() + QPoint(2, 2), icons.pixmap("flag", theme.DARK.warn, 14))
        if item.estimate is None and item.phase != "failed":
            return
        corner = QRectF(box.right() - 17, box.bottom() - 17, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(5, 6, 7, 200))
        painter.drawRoundedRect(corner, 3, 3)
        if item.estimate is not None:
            icons.draw_class_glyph(painter, item.estimate[0], corner.adjusted(3, 3, -3, -3))
        else:
            painter.drawPixmap(corner.topLeft() + QPoint(1, 1), icons.pixmap("circle-x", theme.DARK.error, 14))


def _line(painter: QPainter, at: QPoint, text: str, font: QFont, tint: str, room: int) -> int:
    """Draw one elided line with its top at ``at`` and return its width in px."""
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(room, 0))
    painter.setFont(font)
    painter.setPen(QColor(tint))
    painter.drawText(at + QPoint(0, metrics.ascent()), shown)
    return metrics.horizontalAdvance(shown)


def _middle(pixmap: QPixmap, box: QSize) -> QRect:
    """The largest middle part of a pixmap that has the box's proportions."""
    width, height = pixmap.width(), pixmap.height()
    if width * box.height() > height * box.width():
        part = round(height * box.width() / box.height())
        return QRect((width - part) // 2, 0, part, height)
    part = round(width * box.height() / box.width())
    return QRect(0, (height - part) // 2, width, part)
