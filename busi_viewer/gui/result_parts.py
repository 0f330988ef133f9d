"""The pieces of the result panel: sections, class bars, the heat share, measurements."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import CLASSES, Heatmap
from busi_viewer.gui import icons, theme
from busi_viewer.gui.controls import IconLabel, label, rule, spaced
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.stylesheet import set_role

ROW = 24
LISTED = 16
"""So many lesions of a frame, the largest, have their sizes and findings in the panel."""


class _Header(QWidget):
    """A section's title row; a click folds the section."""

    def __init__(self, section: Section, title: str, aside: QWidget) -> None:
        super().__init__()
        self._section = section
        self.setFixedHeight(30)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.chevron = IconLabel("chevron-down", "text3")
        self.title = label(title, "strong")
        self.setLayout(spaced(self.chevron, self.title, 0, aside, spacing=5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Fold or unfold."""
        self._section.set_open(not self._section.is_open)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Enter do the same."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._section.set_open(not self._section.is_open)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keep those keys from the window's shortcuts."""
        override = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if override and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ring where the keyboard is."""
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.tokens().accent), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 3, -1, -3), 4, 4)


class Section(QWidget):
    """A titled, foldable part of the panel; put content into ``body``. ``title`` is the one it was made with."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title, self.is_open = title, True
        self._aside_icon = OutlineSample()
        self._aside_icon.hide()
        self._aside = label("", "caption")
        aside = QWidget()
        aside.setLayout(spaced(self._aside_icon, self._aside, spacing=6))
        self._header = _Header(self, title, aside)
        self.content = QWidget()
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        inner = QVBoxLayout()
        inner.setContentsMargins(12, 0, 12, 10)
        inner.setSpacing(2)
        inner.addWidget(self._header)
        inner.addWidget(self.content)
        column.addLayout(inner)
        column.addWidget(rule())

    def set_title(self, text: str) -> None:
        """Change the title."""
        self._header.title.setText(text)
        self._header.setAccessibleName(text)

    def set_aside(self, text: str) -> None:
        """Change the quiet words at the right."""
        self._aside.setText(text)

    def set_outline_sample(self, colour: str, *, dashed: bool) -> None:
        """Show the line style (dashed = AI, solid = reader) beside the quiet words."""
        self._aside_icon.set_style(colour, dashed=dashed)
        self._aside_icon.show()

    def set_open(self, is_open: bool) -> None:
        """Fold or unfold."""
        self.is_open = is_open
        self.content.setVisible(is_open)
        self._header.chevron.set_icon("chevron-down" if is_open else "chevron-right", "text3")


class Unlisted(QLabel):
    """Says how many outlined areas are not listed, where a mask of specks has very many."""

    def __init__(self) -> None:
        super().__init__()
        set_role(self, "quiet")
        self.setWordWrap(True)
        self.setContentsMargins(12, 8, 12, 8)

    def largest(self, lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
        """Those to list, of lesions ordered by size."""
        more = len(lesions) - LISTED
        words = plural("{n} smaller area is not listed.", "{n} smaller areas are not listed.", more)
        self.setText(words + " " + tr("Islands (N) removes specks."))
        self.setVisible(more > 0)
        return tuple(lesions[:LISTED])


class OutlineSample(QWidget):
    """A short piece of outline, dashed or solid."""

    def __init__(self) -> None:
        super().__init__()
        self._colour, self._dashed = theme.LESION_COLOURS[0], True
        self.setFixedSize(20, 10)

    def set_style(self, colour: str, *, dashed: bool) -> None:
        """Change colour and dash."""
        self._colour, self._dashed = colour, dashed
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """One line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tint = QColor(self._colour)
        if theme.tokens().name == "light":
            tint = tint.darker(170)
        pen = QPen(tint, 2)
        if self._dashed:
            pen.setDashPattern([2.6, 1.4])
        painter.setPen(pen)
        painter.drawLine(QLineF(0, 5, 20, 5))


class ClassGlyph(QWidget):
    """The sign of a class; nothing for None."""

    def __init__(self, edge: int = 18) -> None:
        super().__init__()
        self._name: str | None = None
        self.setFixedSize(edge, edge)

    def set_class(self, name: str | None) -> None:
        """Show the sign of a class."""
        self._name = name
        self.setVisible(name is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The glyph."""
        if self._name is not None:
            edge = self.width() - 2
            icons.draw_class_glyph(QPainter(self), self._name, QRectF(1, 1, edge, edge))


class ClassBars(QWidget):
    """Three bars, malignant first: 45 % fill, solid tick at the value, dashed tick at the operating point.

    Without probabilities the bars are skeletons: while an analysis runs, nothing is shown as if it counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[float, ...] | None = None
        self._operating_point: float | None = None
        self.setFixedHeight(3 * ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, values: tuple[float, ...] | None, operating_point: float | None) -> None:
        """Probabilities in the order of CLASSES, or None for the skeleton."""
        self._values, self._operating_point = values, operating_point
        if values is not None:
            shares = [
                tr("{name} {percent:.0f} %", name=tr(name), percent=value * 100)
                for name, value in zip(CLASSES, values, strict=True)
            ]
            self.setAccessibleName(tr("Class estimate: {shares}", shares=", ".join(shares)))
        self.update()

    def sizeHint(self) -> QSize:
        """Three rows."""
        return QSize(300, 3 * ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Glyph, word, bar, per cent for each class."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, name in enumerate(reversed(CLASSES)):
            top = row * ROW
            middle = top + ROW / 2
            icons.draw_class_glyph(painter, name, QRectF(1, middle - 5, 10, 10))
            body = theme.font(theme.CONTROL)
            painter.setFont(body)
            painter.setPen(QColor(t.text2 if self._values is None else t.text))
            box = QRectF(17, top, 84, ROW)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, tr(name).capitalize())
            bar = QRectF(96, middle - 5, max(40.0, self.width() - 96 - 50), 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.hover if t.name == "dark" else t.line))
            painter.drawRoundedRect(bar, 2, 2)
            if self._values is not None:
                self._paint_value(painter, name, self._values[CLASSES.index(name)], bar)

    def _paint_value(self, painter: QPainter, name: str, value: float, bar: QRectF) -> None:
        t = theme.tokens()
        tint = t.of_class(name)
        at = bar.left() + bar.width() * value
        painter.setBrush(theme.colour(tint, 0.45))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(at - bar.left(), 1.0), bar.height()), 2, 2)
        if name == "malignant" and self._operating_point is not None:
            x = bar.left() + bar.width() * self._operating_point
            pen = QPen(QColor(t.text), 1.4)
            pen.setDashPattern([2, 1.6])
            painter.setPen(pen)
            painter.drawLine(QLineF(x, bar.top() - 3, x, bar.bottom() + 3))
            painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tint))
        painter.drawRoundedRect(QRectF(at - 1.5, bar.top() - 2, 3, bar.height() + 4), 1, 1)
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font(theme.CONTROL, QFont.Weight.Medium))
        text = "< 1 %" if 0 < value < 0.005 else f"{value * 100:.0f} %"
        box = QRectF(bar.right(), bar.top() - 7, self.width() - bar.right(), ROW)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)


class ShareBar(QWidget):
    """One quiet bar for a share in [0, 1] with words before and a per cent after it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words, self._share = words, 0.0
        self.setFixedHeight(22)

    def set_share(self, share: float) -> None:
        """Change the share."""
        self._share = share
        self.setAccessibleName(f"{self._words} {share * 100:.0f} %")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words, bar, per cent."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font(theme.CONTROL))
        words = QFontMetricsF(painter.font()).horizontalAdvance(self._words)
        painter.drawText(QRectF(0, 0, words + 4, self.height()), Qt.AlignmentFlag.AlignVCenter, self._words)
        left = words + 16
        bar = QRectF(left, self.height() / 2 - 3, max(20.0, self.width() - left - 50), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.hover if t.name == "dark" else t.line))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(QColor(t.text3))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * self._share, bar.height()), 2, 2)
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font(theme.CONTROL, QFont.Weight.Medium))
        box = QRectF(bar.right(), 0, self.width() - bar.right(), self.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{self._share * 100:.0f} %")


class NoteBox(QFrame):
    """A coloured box with an icon, an optional title and lines. ``kind``: warn or info."""

    def __init__(self, kind: str = "warn") -> None:
        super().__init__()
        set_role(self, f"{kind}Box")
        self._icon = IconLabel("triangle-alert" if kind == "warn" else "info", "warn" if kind == "warn" else "text2")
        self._title, self._text = label("", "strong"), label("", "", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def set_words(self, text: str, title: str = "") -> None:
        """Show the box with these words, or hide it if there are none."""
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setVisible(bool(text or title))


class Measures(QWidget):
    """The six sizes of one lesion in two rows of three."""

    NAMES = ("A long axis", "B short axis", "Angle to top edge", "AP", "Width", "Area")

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        self._values = []
        for i, name in enumerate(self.NAMES):
            value = label("", "value")
            self._values.append(value)
            grid.addWidget(label(tr(name), "caption"), 3 * (i // 3), i % 3)
            grid.addWidget(value, 3 * (i // 3) + 1, i % 3)
            grid.setColumnStretch(i % 3, 1)
        grid.setRowMinimumHeight(2, 6)
        self._by_reader = label(tr("Calibrated by reader"), "caption")
        grid.addWidget(self._by_reader, 5, 0, 1, 3)

    def set_lesion(self, lesion: Lesion, *, by_reader: bool = False) -> None:
        """Show the sizes in mm, or in px where the image is not calibrated; say if the reader has calibrated it."""
        self._by_reader.setVisible(by_reader)
        for value, text in zip(self._values, sizes_in_words(lesion), strict=True):
            value.setText(text)


def heat_in_words(heat: Heatmap) -> str:
    """What a heatmap may be taken for."""
    if not heat.values.any():
        return tr("The heatmap is empty: no part of the image speaks for this class.")
    if not heat.points_nowhere:
        return tr("Heat shows where the model looked, not the cause.")
    return tr(
        "The heat of “normal” is about the whole image and points at no place: half of the strongest heat or more lies on "
        "{percent:.0f} % of it. It is drawn over the image only where this class is chosen.",
        percent=100 * float((heat.values >= 0.5).mean()),
    )


def sizes_in_words(lesion: Lesion) -> tuple[str, str, str, str, str, str]:
    """Long axis, short axis, angle, AP, width and area with their units, in mm where known, else in px."""
    angle = f"{lesion.angle_deg:.0f}°".replace("-", "−").replace("−0°", "0°")
    lengths = (lesion.long_axis_mm, lesion.short_axis_mm, lesion.ap_mm, lesion.width_mm, lesion.area_mm2)
    if None in lengths:
        pixels = (lesion.long_axis_px, lesion.short_axis_px, lesion.ap_px, lesion.width_px)
        a, b, ap, width = (tr("{value:.0f} px", value=value) for value in pixels)
        return a, b, angle, ap, width, tr("{area:,} px²", area=lesion.area_px)
    a, b, ap, width = (tr("{value:.1f} mm", value=value) for value in lengths[:4])
    area = lesion.area_mm2 or 0.0
    return a, b, angle, ap, width, tr("{area:.0f} mm²", area=area) if area >= 10 else tr("{area:.1f} mm²", area=area)


class Skeleton(QWidget):
    """A grey bar where words will be."""

    def __init__(self, width: int = 150, height: int = 18) -> None:
        super().__init__()
        self.setFixedSize(width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """One rounded bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().hover))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)

    def event(self, event: QEvent) -> bool:
        """Repaint with the theme."""
        if event.type() == QEvent.Type.StyleChange:
            self.update()
        return super().event(event)
