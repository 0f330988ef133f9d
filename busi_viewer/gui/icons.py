"""The icons: Lucide outlines, tinted from the tokens and drawn at the screen's pixel ratio; and the class glyphs."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from busi_viewer import paths
from busi_viewer.gui.theme import tokens

BUTTON, INLINE = 18, 14
"""Icon edges in px."""
STROKE = 1.6


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    text = paths.resource("icons", f"{name}.svg").read_text(encoding="utf-8")
    return text.replace('stroke-width="2"', f'stroke-width="{STROKE}"')


@lru_cache(maxsize=512)
def _rendered(name: str, tint: str, opacity: float, size: int, ratio: float) -> QPixmap:
    svg = _source(name).replace("currentColor", tint)
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _ratio() -> float:
    app = QGuiApplication.instance()
    return float(app.devicePixelRatio()) if isinstance(app, QGuiApplication) else 1.0


def pixmap(name: str, tint: str | None = None, size: int = INLINE, opacity: float = 1.0) -> QPixmap:
    """One icon as a pixmap of ``size`` px in the colour ``tint`` (default: secondary text)."""
    return _rendered(name, tint or tokens().text2, opacity, size, _ratio())


def icon(name: str, tint: str | None = None, size: int = BUTTON, checked: str | None = None) -> QIcon:
    """An icon for a button: secondary text, accent when checked, 40 % when disabled."""
    made = QIcon()
    base, accent = tint or tokens().text2, checked or tokens().accent
    made.addPixmap(pixmap(name, base, size), QIcon.Mode.Normal, QIcon.State.Off)
    made.addPixmap(pixmap(name, accent, size), QIcon.Mode.Normal, QIcon.State.On)
    made.addPixmap(pixmap(name, base, size, 0.4), QIcon.Mode.Disabled, QIcon.State.Off)
    made.addPixmap(pixmap(name, base, size, 0.4), QIcon.Mode.Disabled, QIcon.State.On)
    return made


def draw_class_glyph(painter: QPainter, name: str, box: QRectF) -> None:
    """Draw the sign of a class in its colour: ▲ malignant, ■ benign, ○ normal (shape and colour tell it apart)."""
    tint = QColor(tokens().of_class(name))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if name == "normal":
        painter.setPen(QPen(tint, max(1.5, box.width() * 0.16)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = box.width() * 0.1
        painter.drawEllipse(box.adjusted(inset, inset, -inset, -inset))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        if name == "benign":
            inset = box.width() * 0.08
            painter.drawRect(box.adjusted(inset, inset, -inset, -inset))
        else:
            painter.drawPolygon(QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()]))
    painter.restore()
