"""Figures on paper: the image as pixels; outlines, callipers, labels, scale and colour bar as vectors over it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import FILL_EVEN_ODD, Canvas
from reportlab.platypus import Flowable

from busi_viewer.core.render import (
    BAND_COLOUR,
    BAND_OPACITY,
    CALLIPER_COLOUR,
    blend_heatmap,
    heat_colours,
    lesion_colour,
)
from busi_viewer.report import fonts, words
from busi_viewer.report.content import Figure, Outline
from busi_viewer.report.measured import Measured

LONGEST_SIDE = 1600
"""Images are embedded with at most this many pixels a side (at 250 pt that is 460 dpi)."""
SHORTEST_SIDE = 480
"""Smaller images are enlarged smoothly, because viewers differ in how they do it."""
LEAST_NAMED = 70.0
"""Lower figures, in points, have no room for labels."""
COLOUR_BAR = 26.0
"""Room in points beside a heatmap for its colour bar."""

_Box = tuple[float, float, float, float]


def embeddable(image: NDArray[np.uint8]) -> Image.Image:
    """The 8-bit image as a Pillow image, resampled to sensible size for paper; grey stays grey."""
    height, width = image.shape[:2]
    factor = min(LONGEST_SIDE / max(height, width), max(1.0, SHORTEST_SIDE / min(height, width)))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if factor < 1.0:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    elif factor > 1.0:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    if image.ndim == 3 and (image[..., :1] == image).all():
        image = np.ascontiguousarray(image[..., 0])
    return Image.fromarray(image)


def fitted(figure: Figure, room: tuple[float, float]) -> tuple[float, float]:
    """Width and height in points of a figure's image that fills ``room`` without distortion."""
    height, width = figure.image.shape[0] * figure.aspect, figure.image.shape[1]
    scale = min(room[0] / width, room[1] / height)
    return max(width * scale, 1.0), max(height * scale, 1.0)


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20 … that is at most ``longest``."""
    power = 10.0 ** np.floor(np.log10(max(longest, 1e-6)))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest * 1.0001))


def _ink(rgb: tuple[int, int, int], alpha: float = 1.0) -> Color:
    return Color(rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, alpha)


class FigureFlowable(Flowable):  # type: ignore[misc]
    """A figure of ``width`` × ``height`` points (see :func:`fitted`); a heatmap takes COLOUR_BAR points more across."""

    def __init__(self, figure: Figure, width: float, height: float, *, many: bool) -> None:
        super().__init__()
        self.figure, self.many = figure, many
        self.image_width, self.height = width, height
        self.width = width + (COLOUR_BAR if figure.heat is not None else 0.0)
        self.scale, self.down = width / figure.image.shape[1], height / figure.image.shape[0]

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Size in points, whatever is available."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw at the canvas's origin."""
        figure, canvas = self.figure, self.canv
        pixels = figure.image if figure.heat is None else blend_heatmap(figure.image, figure.heat)
        canvas.drawImage(ImageReader(embeddable(pixels)), 0, 0, self.image_width, self.height)
        canvas.saveState()
        clip = canvas.beginPath()
        clip.rect(0, 0, self.image_width, self.height)
        canvas.clipPath(clip, stroke=0, fill=0)
        taken: list[_Box] = [self._scale_bar(canvas)]
        self._band(canvas)
        for outline in figure.outlines:
            self._outline(canvas, outline)
        for outline in figure.outlines:
            if outline.lesion is not None:
                self._callipers(canvas, outline)
        for item in figure.callipers:
            self._measured(canvas, item)
        named = self.height >= LEAST_NAMED
        for outline in figure.outlines if named else ():
            self._labels(canvas, outline, taken)
        for item in figure.callipers if named else ():
            text = fonts.shorten(fonts.printable(item.label, fonts.BOLD), self.image_width - 12, fonts.BOLD, 6.5)
            box = self._place(text, item.lines[0], taken)
            taken.append(box)
            _pill(canvas, text, box, CALLIPER_COLOUR)
        canvas.restoreState()
        if figure.heat is not None:
            _colour_bar(canvas, self.image_width + 6, self.height)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Points on paper of a pixel centre."""
        return (x + 0.5) * self.scale, self.height - (y + 0.5) * self.down

    def _band(self, canvas: Canvas) -> None:
        """Tint the uncertainty band, by the even-odd rule."""
        if not self.figure.band:
            return
        path = canvas.beginPath()
        for ring in self.figure.band:
            for step, (x, y) in enumerate(ring):
                (path.lineTo if step else path.moveTo)(*self._at(float(x), float(y)))
            path.close()
        canvas.setFillColor(_ink(BAND_COLOUR, BAND_OPACITY))
        canvas.drawPath(path, stroke=0, fill=1, fillMode=FILL_EVEN_ODD)
        canvas.setFillAlpha(1.0)

    def _outline(self, canvas: Canvas, outline: Outline) -> None:
        path = canvas.beginPath()
        for ring in outline.paths:
            for step, (x, y) in enumerate(ring):
                (path.lineTo if step else path.moveTo)(*self._at(float(x), float(y)))
            path.close()
        canvas.setLineJoin(1)
        over = outline.dashed and any(not o.dashed and o.number == outline.number for o in self.figure.outlines)
        pen = 0.7 if over else 1.1
        for ink, line in ((_ink((0, 0, 0), 0.6), pen + 1.1), (_ink(lesion_colour(outline.number - 1)), pen)):
            canvas.setDash((3.2, 2.2) if outline.dashed else ())
            canvas.setStrokeColor(ink)
            canvas.setLineWidth(line)
            canvas.drawPath(path, stroke=1, fill=0)
        canvas.setDash()

    def _callipers(self, canvas: Canvas, outline: Outline) -> None:
        assert outline.lesion is not None
        for axis, arms in (
            (outline.lesion.long_axis, ((3.0, 0.0), (0.0, 3.0))),
            (outline.lesion.short_axis, ((2.2, 2.2), (2.2, -2.2))),
        ):
            (ax, ay), (bx, by) = (self._at(*end) for end in axis)
            marks = [(x - dx, y - dy, x + dx, y + dy) for x, y in ((ax, ay), (bx, by)) for dx, dy in arms]
            canvas.setLineCap(1)
            for ink, line in ((_ink((0, 0, 0), 0.6), 1.7), (_ink(CALLIPER_COLOUR), 0.7)):
                canvas.setStrokeColor(ink)
                canvas.setLineWidth(line)
                canvas.lines(marks)
                canvas.setDash((0.01, 2.4))
                canvas.setLineWidth(line * 1.15)
                canvas.line(ax, ay, bx, by)
                canvas.setDash()
            canvas.setLineCap(0)

    def _measured(self, canvas: Canvas, item: Measured) -> None:
        """A reader's calliper: solid lines with end ticks; an ellipse's axes are faint."""
        path = canvas.beginPath()
        for i, point in enumerate((*item.ring, *item.ring[:1])):
            (path.lineTo if i else path.moveTo)(*self._at(*point))
        faint = []
        for a, b in item.lines:
            (ax, ay), (bx, by) = self._at(*a), self._at(*b)
            if item.ring:
                faint.append((ax, ay, bx, by))
                continue
            path.moveTo(ax, ay)
            path.lineTo(bx, by)
            long = float(np.hypot(bx - ax, by - ay)) or 1.0
            nx, ny = 2.6 * (ay - by) / long, 2.6 * (bx - ax) / long
            for x, y in ((ax, ay), (bx, by)):
                path.moveTo(x - nx, y - ny)
                path.lineTo(x + nx, y + ny)
        for ink, line in ((_ink((0, 0, 0), 0.6), 1.7), (_ink(CALLIPER_COLOUR), 0.7)):
            canvas.setStrokeColor(ink)
            canvas.setLineWidth(line)
            canvas.drawPath(path, stroke=1, fill=0)
            canvas.setDash((1.0, 1.6))
            canvas.lines(faint)
            canvas.setDash()

    def _labels(self, canvas: Canvas, outline: Outline, taken: list[_Box]) -> None:
        lesion, number = outline.lesion, str(outline.number) if self.many else ""
        if lesion is None:
            return
        for name, axis, mm, px in (
            ("A", lesion.long_axis, lesion.long_axis_mm, lesion.long_axis_px),
            ("B", lesion.short_axis, lesion.short_axis_mm, lesion.short_axis_px),
        ):
            text = f"{number}{name} {words.length(mm, px)}"
            box = self._place(text, axis, taken)
            taken.append(box)
            _pill(canvas, text, box, CALLIPER_COLOUR)

    def _place(self, text: str, axis: tuple[tuple[float, float], ...], taken: list[_Box]) -> _Box:
        """The label's box (x, y, w, h): near an end of the axis, over as little lesion and labels as can be."""
        w, h = fonts.width(text, fonts.BOLD, 6.5) + 7, 10.5
        best: tuple[float, _Box] | None = None
        for cost, (x, y) in self._spots(axis, w, h):
            x = min(max(x, 1.0), max(self.image_width - w - 1, 1.0))
            y = min(max(y, 1.0), max(self.height - h - 1, 1.0))
            total = cost + 40 * sum(_overlap((x, y, w, h), other) for other in taken)
            total += 6 * self._inside((x, y, w, h))
            if best is None or total < best[0] - 1e-9:
                best = total, (x, y, w, h)
        assert best is not None
        return best[1]

    def _spots(
        self, axis: tuple[tuple[float, float], ...], w: float, h: float
    ) -> Iterator[tuple[float, tuple[float, float]]]:
        for rank, end in enumerate((axis[1], axis[0])):
            x, y = self._at(*end)
            for reach in (5.0, 12.0, 22.0):
                for dx, dy in ((1, 0.6), (1, -0.6), (-1, 0.6), (-1, -0.6), (0, 1), (0, -1), (1, 0), (-1, 0)):
                    corner = x + dx * (w / 2 + reach) - w / 2, y + dy * (h / 2 + reach) - h / 2
                    yield 0.2 * rank + 0.05 * reach, corner

    def _inside(self, box: _Box) -> float:
        """Share of the box's nine probe points that lie in any outlined lesion."""
        hits = 0
        rings = [ring.astype(np.float32).reshape(-1, 1, 2) for o in self.figure.outlines for ring in o.paths[:1]]
        for fx in (0.0, 0.5, 1.0):
            for fy in (0.0, 0.5, 1.0):
                px = (box[0] + fx * box[2]) / self.scale - 0.5
                py = (self.height - box[1] - fy * box[3]) / self.down - 0.5
                hits += any(cv2.pointPolygonTest(ring, (px, py), False) >= 0 for ring in rings if len(ring))
        return hits / 9

    def _scale_bar(self, canvas: Canvas) -> _Box:
        """Draw the scale bar bottom left and return the box it takes."""
        mm = self.figure.mm_per_px
        per_unit = self.scale / mm if mm else self.scale
        length = round_length(self.image_width * 0.3 / per_unit)
        text = f"{length:g} {'mm' if mm else 'px'}"
        note = self.figure.scale_note if mm else "Not calibrated"
        bar = length * per_unit
        label = fonts.width(text, fonts.BOLD, 6.5)
        extra = fonts.width(note, fonts.MEDIUM, 6) + 6 if note else 0.0
        box = (4.0, 4.0, bar + label + extra + 14, 12.0)
        if box[2] > self.image_width - 8 or self.height < 24 or (not mm and length < 1):
            return (0.0, 0.0, 0.0, 0.0)
        canvas.setFillColor(_ink((0, 0, 0), 0.6))
        canvas.roundRect(*box, 2, stroke=0, fill=1)
        canvas.setStrokeColor(_ink((255, 255, 255)))
        canvas.setLineWidth(0.8)
        x, y = 8.0, 10.0
        canvas.lines([(x, y, x + bar, y), (x, y - 2.5, x, y + 2.5), (x + bar, y - 2.5, x + bar, y + 2.5)])
        canvas.setFillColor(_ink((255, 255, 255)))
        canvas.setFont(fonts.BOLD, 6.5)
        canvas.drawString(x + bar + 4, y - 2.3, text)
        if note:
            canvas.setFillColor(_ink((215, 220, 226)))
            canvas.setFont(fonts.MEDIUM, 6)
            canvas.drawString(x + bar + 4 + label + 5, y - 2.2, note)
        return box


def _overlap(a: _Box, b: _Box) -> float:
    """Shared share of box ``a``."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(down, 0.0) / max(a[2] * a[3], 1e-6)


def _pill(canvas: Canvas, text: str, box: _Box, colour: tuple[int, int, int]) -> None:
    canvas.setFillColor(_ink((0, 0, 0), 0.78))
    canvas.roundRect(*box, 2, stroke=0, fill=1)
    canvas.setFillColor(_ink(colour))
    canvas.setFont(fonts.BOLD, 6.5)
    canvas.drawString(box[0] + 3.5, box[1] + 3.1, text)


def _colour_bar(canvas: Canvas, x: float, height: float) -> None:
    """The heat scale from 0 (bottom) to 1, up to 110 points tall, at the top right of the image."""
    tall = min(height, 110.0)
    bottom = height - tall
    colours = heat_colours()[::-1].reshape(-1, 1, 3)
    canvas.drawImage(ImageReader(Image.fromarray(np.ascontiguousarray(colours))), x, bottom, 6, tall)
    canvas.setStrokeColor(_ink((67, 76, 87)))
    canvas.setLineWidth(0.4)
    canvas.rect(x, bottom, 6, tall, stroke=1, fill=0)
    canvas.setFillColor(_ink((67, 76, 87)))
    canvas.setFont(fonts.REGULAR, 6.5)
    ticks = ((0.0, "0"), (0.5, "0.5"), (1.0, "1")) if tall > 40 else ((0.0, "0"), (1.0, "1"))
    for share, text in ticks:
        y = bottom + share * tall
        canvas.line(x + 6, y, x + 8, y)
        canvas.drawString(x + 9.5, min(max(y - 2.3, bottom), height - 5), text)
