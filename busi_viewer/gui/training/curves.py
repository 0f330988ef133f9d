"""The live curves of a run: loss, segmentation, classification, learning rate, over its epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from busi_viewer.gui import theme
from busi_viewer.gui.controls import CutLabel, label, spaced
from busi_viewer.gui.language import number, tr
from busi_viewer.gui.stylesheet import set_role

DASHES = [5.0, 3.5]
PLOT_HIGH, VALUE_WIDE, GAP = 190, 28, 8


@dataclass(frozen=True)
class Line:
    """A curve: the epoch event's key, its name, its token, and how it is drawn."""

    key: str
    name: str
    tint: str
    dashed: bool = False


@dataclass(frozen=True)
class Figure:
    """A plot of some curves. ``unit``: its values lie in [0, 1]. ``scale`` multiplies them."""

    title: str
    lines: tuple[Line, ...]
    unit: bool = False
    scale: float = 1.0


FIGURES = (
    Figure("Loss", (Line("train_loss", "Training", "text3", True), Line("val_loss", "Validation", "accent"))),
    Figure(
        "Segmentation, validation", (Line("val_iou", "IoU", "benign", True), Line("val_dice", "Dice", "accent")), True
    ),
    Figure(
        "Classification, validation",
        (Line("val_accuracy", "Accuracy", "benign", True), Line("val_auc_malignant", "AUC, malignant", "accent")),
        True,
    ),
    Figure(
        "Learning rate × 10⁻⁴",
        (Line("encoder_rate", "Encoder", "text3", True), Line("learning_rate", "Head", "accent")),
        scale=1e4,
    ),
)


_DRESS_AGAIN = (QEvent.Type.StyleChange, QEvent.Type.DevicePixelRatioChange)


class Curves(QWidget):
    """Four plots, two and two; one below the other where they would be too narrow for their titles."""

    def __init__(self) -> None:
        super().__init__()
        self.plots = [Plot(figure) for figure in FIGURES]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._columns = 0
        self._arrange(2)

    def _arrange(self, columns: int) -> None:
        if columns != self._columns:
            self._columns = columns
            for place, plot in enumerate(self.plots):
                self._grid.addWidget(plot, place // columns, place % columns)
            self._grid.setColumnStretch(1, columns - 1)
            self._grid.setColumnStretch(0, 1)
            self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        """As wide as one plot."""
        rows = -(-len(self.plots) // self._columns)
        return QSize(self._widest(), rows * (PLOT_HIGH + GAP) - GAP)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns where there is room."""
        super().resizeEvent(event)
        self._arrange(2 if self._room() >= 2 * self._widest() + GAP else 1)

    def _room(self) -> int:
        """The width without a scroll bar: one that came because the plots stand in one column must not keep them there."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        return self.width() if area is None else self.width() + area.contentsRect().width() - area.viewport().width()

    def _widest(self) -> int:
        return max(plot.full_width() for plot in self.plots)

    def show_epochs(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Show what the run has told."""
        of = max((int(epoch.get("of") or 0) for epoch in epochs), default=0)
        for plot in self.plots:
            plot.show_epochs(epochs, of)


class _Key(QWidget):
    """A piece of the curve's line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self.setFixedSize(20, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(_pen(self._line, self.devicePixelRatioF()))
        painter.drawLine(1, 5, 19, 5)


class _Figures(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """An axis whose figures are written as the language does, all with as many decimals."""

    _finest = 1.0

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """The ticks by their spacing, coarse ones first; the figures of two spacings are written."""
        levels: list[tuple[float, list[float]]] = super().tickValues(low, high, size)
        self._finest = min((spacing for spacing, _ in levels[:2]), default=1.0)
        return levels

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """What stands at the ticks."""
        places = max(0, math.ceil(-math.log10(min(spacing, self._finest) * scale) - 1e-9))
        return [number(value * scale, f".{places}f") for value in values]


class Plot(QFrame):
    """One plot with its title, its key and the last values."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self.figure = figure
        set_role(self, "panel")
        self.setMinimumHeight(PLOT_HIGH)
        self._values = {line.key: label("–", "strong") for line in figure.lines}
        key: list[QWidget | int] = []
        for line in figure.lines:
            self._values[line.key].setMinimumWidth(VALUE_WIDE)
            key += [8, _Key(line), label(tr(line.name), "dim"), self._values[line.key]]
        self.plot = pg.PlotWidget(axisItems={"left": _Figures("left")})
        self.plot.setAccessibleName(tr(figure.title))
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.curves = {line.key: self.plot.plot(antialias=True) for line in figure.lines}
        self._now = pg.InfiniteLine(angle=90)
        self.plot.addItem(self._now)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 6)
        column.setSpacing(4)
        self._title = CutLabel("strong")
        self._title.setText(tr(figure.title))
        head = spaced(self._title, *key, spacing=4)
        head.setStretch(0, 1)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        self._dress()
        self.show_epochs((), 0)

    def full_width(self) -> int:
        """So wide that its title is not cut, px."""
        title = self._title
        return (
            self.minimumSizeHint().width() - title.minimumWidth() + title.fontMetrics().horizontalAdvance(title.text())
        )

    def show_epochs(self, epochs: Sequence[Mapping[str, Any]], of: int) -> None:
        """The values at each epoch, of ``of``."""
        top, low = 0.0, 1.0
        for line in self.figure.lines:
            points = [
                (epoch["epoch"], epoch[line.key] * self.figure.scale)
                for epoch in epochs
                if epoch.get(line.key) is not None
            ]
            self.curves[line.key].setData([x for x, _ in points], [y for _, y in points], symbolSize=5)
            self._values[line.key].setText(number(points[-1][1], ".2f") if points else "–")
            top = max(top, *(y for _, y in points)) if points else top
            low = min(low, *(y for _, y in points)) if points else low
            self.curves[line.key].setSymbol("o" if len(points) == 1 else None)
        last = max((epoch["epoch"] for epoch in epochs), default=0)
        self._now.setPos(last)
        self._now.setVisible(0 < last < of)
        self.plot.setXRange(0, max(of, 1), padding=0.02)
        step = max(1, -(-of // 6))
        self.plot.getAxis("bottom").setTicks([[(x, str(x)) for x in range(0, of + 1, step)]])
        if self.figure.unit:
            self.plot.setYRange(min(0.5, max(0.0, low - 0.1)), 1.0, padding=0.02)
        else:
            self.plot.setYRange(0, top * 1.1 or 1.0, padding=0)

    def event(self, event: QEvent) -> bool:
        """Colours again after a change of theme, widths on a screen of another scale."""
        if event.type() in _DRESS_AGAIN and hasattr(self, "_now"):
            self._dress()
        return super().event(event)

    def _dress(self) -> None:
        t = theme.tokens()
        _dressed_axes(self.plot)
        self.plot.getAxis("left").setWidth(38)
        self.plot.showGrid(x=False, y=True, alpha=0.12)
        ratio = self.devicePixelRatioF()
        self._now.setPen(_dotted(t.text3, ratio))
        for line in self.figure.lines:
            curve = self.curves[line.key]
            curve.setPen(_pen(line, ratio))
            curve.setSymbolBrush(QColor(getattr(t, line.tint)))
            curve.setSymbolPen(None)


def _dressed_axes(plot: pg.PlotWidget) -> list[pg.AxisItem]:
    """The axes of a plot, they and its ground in the theme's colours."""
    t = theme.tokens()
    plot.setBackground(t.panel)
    axes = [plot.getAxis(name) for name in ("left", "bottom")]
    for axis in axes:
        axis.setPen(QPen(QColor(t.line)))
        axis.setTextPen(QPen(QColor(t.text3)))
        axis.setStyle(tickFont=theme.font(theme.CAPTION), tickLength=0)
    return axes


def _pen(line: Line, ratio: float) -> QPen:
    """As wide as it should be at ``ratio`` pixels to the point: the width of a cosmetic pen is in pixels."""
    pen = QPen(QColor(getattr(theme.tokens(), line.tint)), 1.8 * ratio)
    pen.setCosmetic(True)
    if line.dashed:
        pen.setDashPattern(DASHES)
    return pen


def _dotted(tint: str, ratio: float) -> QPen:
    pen = QPen(QColor(tint), 1.2 * ratio)
    pen.setCosmetic(True)
    pen.setStyle(Qt.PenStyle.DotLine)
    return pen


class XyPlot(QFrame):
    """A square-ish plot of [0, 1] × [0, 1] for ROC and calibration: the diagonal, and curves by name."""

    def __init__(self, title: str, across: str, up: str) -> None:
        super().__init__()
        set_role(self, "panel")
        self.setMinimumHeight(250)
        self.setMaximumHeight(330)
        self._aside = label("", "dim")
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName(title)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setLabel("bottom", across)
        self.plot.setLabel("left", up)
        self.plot.setRange(QRectF(0, 0, 1, 1), padding=0.02)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks([[(n / 5, number(n / 5, ".1f")) for n in range(6)]])
        self._diagonal = self.plot.plot([0, 1], [0, 1])
        self.curve = self.plot.plot(antialias=True)
        self.points = pg.ScatterPlotItem(size=7)
        self.plot.addItem(self.points)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 6)
        column.setSpacing(4)
        column.addLayout(spaced(label(title, "strong"), 0, self._aside))
        column.addWidget(self.plot, 1)
        self._dress()

    def show_curve(self, x: Sequence[float], y: Sequence[float], aside: str, *, dots: bool = False) -> None:
        """Show one curve, with words at the right."""
        self.curve.setData(list(x), list(y))
        self.points.setData(list(x) if dots else [], list(y) if dots else [])
        self._aside.setText(aside)

    def event(self, event: QEvent) -> bool:
        """Colours again after a change of theme, widths on a screen of another scale."""
        if event.type() in _DRESS_AGAIN and hasattr(self, "points"):
            self._dress()
        return super().event(event)

    def _dress(self) -> None:
        t = theme.tokens()
        for axis in _dressed_axes(self.plot):
            axis.labelStyle = {"color": t.text3, "font-size": "11px"}
            axis.setLabel(axis.labelText)
        ratio = self.devicePixelRatioF()
        self._diagonal.setPen(_dotted(t.text3, ratio))
        self.curve.setPen(_pen(Line("", "", "accent"), ratio))
        self.points.setBrush(QColor(t.accent))
        self.points.setPen(None)
