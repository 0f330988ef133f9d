"""What stands around the image: facts, depth ticks, scale bar, colour bar. All in logical px of the view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from busi_viewer.core.image import ImageRecord
from busi_viewer.gui import icons, privacy, theme
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas.heat import COLOURS, lut
from busi_viewer.gui.canvas.look import HeatStyle, Look
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.tag import Tag, tag_size

EDGE = 10.0
LINE = 16.0
BELOW = 84.0
"""Logical px at the bottom of the view that scale bar and proposal bar share."""
SCALE_WIDE = 320.0
"""Logical px that the lines below the image may take, from their left end."""
SHADOW = QColor(0, 0, 0, 150)
UNKNOWN_SCALE = "Not calibrated: sizes in px"
BY_READER = "Calibrated by reader"


@dataclass(frozen=True)
class Facts:
    """The words and figures around the image. ``spacing`` is (dy, dx) in mm of the rows ``rows``, or None;
    ``by_reader``: the reader stated it.
    """

    name: str
    detail: str
    size: str
    state: str
    look: Look
    zoom: float
    spacing: tuple[float, float] | None
    rows: tuple[float, float]
    heat: str | None = None
    by_reader: bool = False


def calibration(record: ImageRecord) -> tuple[tuple[float, float] | None, tuple[float, float]]:
    """Spacing (dy, dx) in mm or None and the rows (first, last) it is for: the largest region's, else the image's."""
    if record.regions:
        region = max(record.regions, key=lambda r: (r.x1 - r.x0) * (r.y1 - r.y0))
        return region.spacing_mm, (region.y0 - 0.5, region.y1 - 0.5)
    return record.spacing_mm, (-0.5, record.shape[0] - 0.5)


def facts(record: ImageRecord, frame: int, bits: int, state: str, look: Look, zoom: float, heat: str | None) -> Facts:
    """Collect what is said about a frame. An empty ``state`` becomes the frame's number; ``heat`` is its class."""
    frames = len(record.frames)
    rated = tr("{n} frames, {rate:.3g} frames/s", n=frames, rate=record.frame_rate or 0.0)
    spacing, rows = calibration(record)
    return Facts(
        name=privacy.name(record.path),
        detail="" if frames == 1 else rated if record.frame_rate else tr("{n} frames", n=frames),
        size=f"{record.shape[1]} × {record.shape[0]} px, {bits} bit, {record.kind.upper()}",
        state=state or tr("Frame {frame} of {frames}", frame=frame + 1, frames=frames),
        look=look,
        zoom=zoom,
        spacing=spacing,
        rows=rows,
        heat=heat,
        by_reader=record.calibrated_by_reader,
    )


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 × 10ⁿ that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
    return next(power * f for f in (1.0, 2.0, 5.0, 10.0) if power * f >= least * (1 - 1e-9))


def paint(painter: QPainter, camera: Camera, facts: Facts) -> None:
    """Draw everything around the image."""
    painter.save()
    image = camera.image_rect()
    clip = painter.clipBoundingRect() if painter.hasClipping() else QRectF(0, 0, *camera.view)
    if clip.top() < _first_line(image) + 2 * LINE:
        _paint_facts(painter, camera, facts, image)
    if camera.orientation.depth_runs_down and clip.left() < _depth_axis(image) + 1:
        _paint_depth(painter, camera, facts, image)
    if clip.bottom() > _base_line(camera, image) - LINE:
        _paint_bottom(painter, camera, facts, image)
    if facts.heat is not None:
        paint_heat(painter, camera, facts.heat, facts.look.heat, image)
    if not camera.orientation.plain:
        paint_marker(painter, camera)
    painter.restore()


def _first_line(image: QRectF) -> float:
    """Baseline of the upper line of facts."""
    return max(image.top() - 28.0, EDGE + 8.0)


def _depth_axis(image: QRectF) -> float:
    """Where the ticks of depth end at the right."""
    return max(image.left() - 6.0, 40.0)


def _base_line(camera: Camera, image: QRectF) -> float:
    """Baseline of the upper line below the image."""
    return max(min(image.bottom() + 20.0, camera.view[1] - BELOW), 60.0)


def _bottom_left(camera: Camera, image: QRectF) -> float:
    """Where the lines below the image begin."""
    return max(min(max(image.left(), EDGE), camera.view[0] - 360), EDGE)


def paint_marker(painter: QPainter, camera: Camera) -> None:
    """Say at the top, for as long as it is so, that the display is turned or flipped."""
    words = tr("Display only: {words}", words=camera.orientation.words)
    left = (camera.view[0] - tag_size(words).width()) / 2
    Tag.at(words, QPointF(left, max(camera.image_rect().top() + 6.0, 46.0)), theme.DARK.warn).paint(painter)


def paint_message(painter: QPainter, camera: Camera, name: str, words: str) -> None:
    """Say in mid-view why there is no image to show."""
    width, height = camera.view
    middle = QRectF(EDGE, height / 2 - 50, width - 2 * EDGE, 100)
    icon = icons.pixmap("image-off", theme.DARK.text3, 28)
    painter.drawPixmap(QPointF(width / 2 - 14, middle.top() - 14), icon)
    painter.setFont(theme.font(theme.BODY, QFont.Weight.DemiBold))
    painter.setPen(QColor(theme.DARK.text))
    painter.drawText(
        middle.adjusted(0, 26, 0, 0), Qt.AlignmentFlag.AlignHCenter, tr("No image to show for {name}", name=name)
    )
    painter.setFont(theme.font(theme.CONTROL))
    painter.setPen(QColor(theme.DARK.text2))
    wrap = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(middle.adjusted(0, 50, 0, 80), wrap, said(words))


def _text(
    painter: QPainter,
    at: QPointF,
    text: str,
    colour: str = theme.DARK.text2,
    *,
    bold: bool = False,
    right: bool = False,
    size: int = theme.CONTROL,
    over: QRectF | None = None,
) -> float:
    """One line of text whose left (or right) baseline end is ``at``; darkened behind where ``over`` (the image) lies.

    Returns its width.
    """
    font = theme.font(size, QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    metrics = QFontMetricsF(font)
    width = metrics.horizontalAdvance(text)
    start = at - QPointF(width, 0) if right else at
    box = QRectF(start.x(), start.y() - metrics.ascent(), width, metrics.height())
    if text and over is not None and over.intersects(box):
        painter.fillRect(box.adjusted(-3, 0, 3, 0), SHADOW)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(start, text)
    return width


def _paint_facts(painter: QPainter, camera: Camera, facts: Facts, image: QRectF) -> None:
    left, right = max(image.left(), EDGE), min(image.right(), camera.view[0] - EDGE)
    if right - left < 240:
        left, right = EDGE, camera.view[0] - EDGE
    first = _first_line(image)
    second = first + LINE
    room = right - left - QFontMetricsF(theme.font()).horizontalAdvance(facts.size) - 24
    bold = QFontMetricsF(theme.font(theme.CONTROL, QFont.Weight.DemiBold))
    name = bold.elidedText(facts.name, Qt.TextElideMode.ElideMiddle, max(room, 60))
    _text(painter, QPointF(left, first), name, theme.DARK.text, bold=True, over=image)
    _text(painter, QPointF(left, second), facts.detail, over=image)
    _text(painter, QPointF(right, first), facts.size, right=True, over=image)
    _text(painter, QPointF(right, second), facts.state, right=True, over=image)


def _paint_depth(painter: QPainter, camera: Camera, facts: Facts, image: QRectF) -> None:
    """Ticks at the left edge: mm of depth below the calibrated rows' top, or px."""
    unit = camera.scale * camera.aspect / (facts.spacing[0] if facts.spacing else 1.0)
    step = round_step(70.0 / unit)
    top, bottom = camera.to_screen(0, facts.rows[0]).y(), camera.to_screen(0, facts.rows[1]).y()
    x = _depth_axis(image)
    last = math.floor((min(bottom, camera.view[1]) - top) / (unit * step / 2))
    pinned = x > image.left()
    for i in range(max(0, math.ceil(-top / (unit * step / 2))), last + 1):
        y = top + i * unit * step / 2
        if pinned and not 60.0 < y < camera.view[1] - BELOW - 24.0:
            continue
        major = i % 2 == 0
        painter.setPen(QPen(QColor(theme.DARK.text2), 1.0))
        painter.drawLine(QLineF(x - (9 if major else 5), y, x, y))
        if major:
            at = QPointF(x - 13, y + 4)
            _text(
                painter,
                at,
                tr("{depth:g}", depth=i * step / 2),
                theme.DARK.text2,
                right=True,
                size=theme.CAPTION,
                over=image,
            )


def _paint_bottom(painter: QPainter, camera: Camera, facts: Facts, image: QRectF) -> None:
    """Window, level and zoom, and the scale bar right of them."""
    left = _bottom_left(camera, image)
    base = _base_line(camera, image)
    (low, high), gamma = facts.look.window, facts.look.gamma
    grey = f"W {high - low:.0f}  L {(low + high) / 2:.0f}"
    zoom = tr("Zoom {zoom:.0f} %", zoom=facts.zoom * 100) + (tr("  γ {gamma:.2g}", gamma=gamma) if gamma != 1.0 else "")
    _text(painter, QPointF(left, base), grey, over=image)
    _text(painter, QPointF(left, base + LINE), zoom, over=image)
    unit = camera.scale / (facts.spacing[1] if facts.spacing else 1.0)
    x, y = left + 128.0, base - 1.0
    room = camera.view[0] - x - 66.0
    length = round_step(min(90.0, max(room, 25.0) / 2.5) / unit)  # a step may be 2.5 times as long as asked
    wide = length * unit
    if image.intersects(QRectF(x, y - 6, wide, 12)):
        painter.fillRect(QRectF(x - 4, y - 9, wide + 8, 18), SHADOW)
    painter.setPen(QPen(QColor(theme.DARK.text), 1.4))
    painter.drawLine(QLineF(x, y, x + wide, y))
    for share, arm in ((0.0, 4.5), (0.5, 2.0), (1.0, 4.5)):
        painter.drawLine(QLineF(x + share * wide, y - arm, x + share * wide, y + arm))
    caption = tr("{length:g} mm" if facts.spacing else "{length:g} px", length=length)
    _text(painter, QPointF(x + wide + 9, base + 3), caption, theme.DARK.text, over=image)
    if facts.spacing is None or facts.by_reader:
        words = tr(UNKNOWN_SCALE if facts.spacing is None else BY_READER)
        _text(painter, QPointF(x, base + LINE + 3), words, theme.DARK.warn, over=image)


def paint_heat(painter: QPainter, camera: Camera, title: str, style: HeatStyle, image: QRectF) -> None:
    """The colour bar with its ticks, and ``title``: what the heat is about."""
    x = min(image.right() + 18.0, camera.view[0] - 46.0)
    top = max(image.top(), 44.0) + 34.0
    high = max(min(200.0, image.height() * 0.4, camera.view[1] - top - BELOW - 170), 60.0)
    for i, word in enumerate(tr("Heat\nmap").split("\n")):
        _text(painter, QPointF(x - 8, top - 22 + 12 * i), word, theme.DARK.text2, size=theme.CAPTION, over=image)
    ramp = np.ascontiguousarray(np.broadcast_to(lut(style.colours)[::-1, None, :], (256, 4, 3)))
    painter.drawImage(QRectF(x, top, 10, high), QImage(ramp.data, 4, 256, 12, QImage.Format.Format_RGB888))
    painter.setPen(QPen(QColor(theme.DARK.text3), 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(x, top, 10, high))
    for share, words in ((1.0, tr("{share:.1f}", share=1.0)), (0.5, tr("{share:.1f}", share=0.5)), (0.0, "0")):
        y = top + (1.0 - share) * high
        painter.setPen(QPen(QColor(theme.DARK.text2), 1.0))
        painter.drawLine(QLineF(x + 10, y, x + 14, y))
        _text(painter, QPointF(x + 17, y + 4), words, theme.DARK.text2, size=theme.CAPTION, over=image)
    y = top + (1.0 - style.threshold) * high
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.DARK.text))
    painter.drawPolygon(QPolygonF([QPointF(x - 7, y - 4), QPointF(x - 1, y), QPointF(x - 7, y + 4)]))
    painter.save()
    painter.translate(x + 1, top + high + 24)
    painter.rotate(90)
    caption = said(title) + ("" if style.colours == "inferno" else f", {tr(COLOURS[style.colours])}")
    metrics = QFontMetricsF(theme.font(theme.CAPTION))
    over_scale = x < _bottom_left(camera, image) + SCALE_WIDE
    lowest = _base_line(camera, image) - LINE if over_scale else camera.view[1] - 8
    if top + high + 24 + metrics.horizontalAdvance(caption) > lowest:
        caption = ""  # a panel too small for it; the header's button names the class
    if caption and image.right() > x - 6:
        painter.fillRect(QRectF(-3, -11, metrics.horizontalAdvance(caption) + 6, 15), SHADOW)
    _text(painter, QPointF(0, 0), caption, theme.DARK.text2, size=theme.CAPTION)
    painter.restore()
