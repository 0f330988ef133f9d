"""The rows above the canvas: what is in view, and the options of the tool in hand; and the card while an analysis runs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSlider, QVBoxLayout, QWidget

from busi_viewer.core.measure import Lesion
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconButton, IconLabel, KeyButton, label, rule, spaced
from busi_viewer.gui.result_parts import sizes_in_words
from busi_viewer.gui.theme import LESION_COLOURS
from busi_viewer.gui.toolbar import ICONS

HEADER, OPTIONS = 34, 40
SHOWN_LESIONS = 3
ZOOMS = (("minus", "zoom_out"), ("plus", "zoom_in"))
MAX_RADIUS = 100
HINTS = {
    "brush": "Shift + wheel: size   Hold Alt: erase",
    "eraser": "Shift + wheel: size   Hold Alt: paint",
    "polygon": "Click: add a point   Double click: close",
}


class CanvasHeader(QWidget):
    """The lesions of the frame in view, the value under the cursor, zoom. Name and facts stand on the canvas itself."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("canvasHeader")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEADER)
        self._lesions = QLabel()
        self._lesions.setTextFormat(Qt.TextFormat.RichText)
        self._cursor, self._zoom = label("", "quiet"), label("", "dim")
        self._zoom.setMinimumWidth(44)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        one = KeyButton("1:1", role="flat")
        one.bind(actions["one_to_one"])
        one.setMinimumHeight(26)
        smaller, larger = (IconButton(name, action=actions[deed], edge=26) for name, deed in ZOOMS)
        fit = IconButton("maximize", action=actions["fit"], edge=26)
        self.setLayout(
            spaced(
                *(self._lesions, 0, self._cursor, rule(vertical=True, length=16)),
                *(smaller, self._zoom, larger, one, fit),
                margins=(12, 0, 8, 0),
                spacing=6,
            )
        )

    def show_lesions(self, lesions: Sequence[Lesion], *, proposal: bool) -> None:
        """One coloured square and the two axes a lesion; further ones are counted."""
        parts = []
        for i, lesion in enumerate(lesions[:SHOWN_LESIONS]):
            tint = LESION_COLOURS[i % len(LESION_COLOURS)]
            long, short = sizes_in_words(lesion)[:2]
            parts.append(f'<span style="color:{tint}">■</span>&nbsp;L{i + 1}&nbsp;&nbsp;{long.split()[0]} × {short}')
        if len(lesions) > SHOWN_LESIONS:
            parts.append(f"{len(lesions) - SHOWN_LESIONS} more")
        whose = (
            "" if not parts else "&nbsp;&nbsp;&nbsp;AI outline" if proposal else "&nbsp;&nbsp;&nbsp;Reader's outline"
        )
        self._lesions.setText("&nbsp;&nbsp;&nbsp;&nbsp;".join(parts) + whose)

    def show_cursor(self, x: int, y: int, value: str) -> None:
        """The pixel under the cursor."""
        self._cursor.setText(f"{x}, {y}   {value}" if value else "")

    def show_zoom(self, zoom: float | None) -> None:
        """Screen pixels to an image pixel; None while nothing is shown."""
        self._zoom.setText("" if zoom is None else f"{zoom * 100:.0f} %")


class ToolOptions(QWidget):
    """Brush size for brush and eraser, commit and cancel for the polygon; hidden for the other tools."""

    radius_changed = Signal(float)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("toolOptions")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(OPTIONS)
        self._icon, self._name = IconLabel("brush", "accent", 16), label("", "accent")
        self._size_word, self._size = label("Size", "dim"), QSlider(Qt.Orientation.Horizontal)
        self._size.setRange(1, MAX_RADIUS)
        self._size.setFixedWidth(120)
        self._size.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._size.setAccessibleName("Brush radius")
        self._size.valueChanged.connect(self._on_size)
        self._figure, self._hint = label("", "strong"), label("", "caption")
        self.commit = KeyButton("Commit", "check", "Enter", "primary")
        self.commit.bind(actions["accept"])
        self._cancel = KeyButton("Cancel", key="Esc", role="flat")
        self._cancel.bind(actions["leave"])
        self._spacing: float | None = None
        self.setLayout(
            spaced(
                *(self._icon, self._name, rule(vertical=True, length=18), self._size_word, self._size, self._figure),
                *(0, self._hint, self.commit, self._cancel),
                margins=(12, 0, 10, 0),
                spacing=10,
            )
        )
        self.hide()

    def show_tool(self, tool: str) -> None:
        """Show the options of a tool, or hide the row."""
        sized, polygon = tool in ("brush", "eraser"), tool == "polygon"
        for part in (self._size_word, self._size, self._figure):
            part.setVisible(sized)
        for button in (self.commit, self._cancel):
            button.setVisible(polygon)
        if sized or polygon:
            self._icon.set_icon(ICONS[tool], "accent")
            self._name.setText(tool.capitalize())
            self._hint.setText(HINTS[tool])
        self.setVisible(sized or polygon)

    def show_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Spacing of the image, so that the brush's size reads in mm too."""
        self._spacing = spacing_mm[1] if spacing_mm is not None else None
        self._show_figure(self._size.value())

    def show_radius(self, radius: float) -> None:
        """Follow the canvas without answering it."""
        self._size.blockSignals(True)
        self._size.setValue(round(radius))
        self._size.blockSignals(False)
        self._show_figure(radius)

    def _on_size(self, value: int) -> None:
        self._show_figure(value)
        self.radius_changed.emit(float(value))

    def _show_figure(self, radius: float) -> None:
        diameter = 2 * radius
        mm = f", {diameter * self._spacing:.1f} mm" if self._spacing is not None else ""
        self._figure.setText(f"{diameter:.0f} px{mm}")


class ProgressCard(QFrame):
    """Over the canvas while its image is analysed: stage, share, cancel."""

    def __init__(self, over: QWidget, actions: Actions) -> None:
        super().__init__(over)
        self.setObjectName("progressCard")
        self._over = over
        self._title, self._stage = label("", "strong"), label("", "caption")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        cancel = KeyButton("Cancel", key="Esc")
        cancel.clicked.connect(actions["leave"].trigger)
        words = QVBoxLayout()
        words.setSpacing(7)
        words.addLayout(spaced(self._title, 0, self._stage))
        words.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 10, 6)
        row.setSpacing(14)
        row.addLayout(words, 1)
        row.addWidget(cancel)
        self.setFixedSize(420, 48)
        over.installEventFilter(self)
        self.hide()

    def show_stage(self, name: str, stage: tuple[str, float] | None) -> None:
        """What is being done, and how far it is; None hides the card. A stage without a share gets a busy bar."""
        self.setVisible(stage is not None)
        if stage is None:
            return
        words, share = stage
        self._title.setText(f"Analysing {name}" if len(name) < 26 else "Analysing")
        self._stage.setText(words.capitalize())
        busy = share <= 0.0
        self._bar.setRange(0, 0 if busy else 100)
        self._bar.setValue(0 if busy else round(share * 100))
        self._place()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom of the canvas."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.move((self._over.width() - self.width()) // 2, self._over.height() - self.height() - 12)
