"""The row above the canvas that says what is in view; and the card while an analysis runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QProgressBar, QToolButton, QVBoxLayout, QWidget

from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import LESION
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconButton, KeyButton, label, rule, spaced
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.menus import DISPLAY_MENU, HEAT_MENU, fill_menu
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.picture import DragHandle
from busi_viewer.gui.result_parts import sizes_in_words
from busi_viewer.gui.theme import LESION_COLOURS

HEADER = 34
SHOWN_LESIONS = 3
WORDS_BELOW = 720
"""Width of the row (px) below which the word on the heatmap's button and the buttons for panels go."""
CARD = 420
"""The least width (px) of the card that tells of an analysis."""
CURSOR_ROOM = 96
"""Room in px that is kept for the value under the cursor."""
PANELS = (("panel-one", "layout_one"), ("panel-sides", "layout_sides"), ("panel-four", "layout_four"))
MARGINS, SPACING = (12, 0, 8, 0), 6
GAP = "&nbsp;&nbsp;&nbsp;&nbsp;"
ZOOMS = (("minus", "zoom_out"), ("plus", "zoom_in"))


class CanvasHeader(QWidget):
    """The lesions of the frame in view, the value under the cursor, zoom. Name and facts stand on the canvas itself."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("canvasHeader")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEADER)
        self._shown: tuple[Sequence[Lesion], bool] = ((), False)
        self._lesions = QLabel()
        self._lesions.setTextFormat(Qt.TextFormat.RichText)
        self._lesions.setMinimumWidth(1)
        self._panels = QWidget()
        buttons = (IconButton(icon, action=actions[deed], edge=26) for icon, deed in PANELS)
        self._panels.setLayout(spaced(*buttons, 4, rule(vertical=True, length=16), spacing=2))
        self._cursor, self._zoom = label("", "quiet"), label("", "dim")
        self._cursor.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom.setMinimumWidth(44)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        one = KeyButton("1:1", role="flat")
        one.bind(actions["one_to_one"])
        one.setMinimumHeight(26)
        smaller, larger = (IconButton(name, action=actions[deed], edge=26) for name, deed in ZOOMS)
        fit = IconButton("maximize", action=actions["fit"], edge=26)
        self.display = IconButton("sliders-horizontal", tr("Display: panels, window, heatmap, turn and flip"), edge=26)
        menu = QMenu(self.display)
        fill_menu(menu, DISPLAY_MENU, actions, {})
        self.display.setMenu(menu)
        self.display.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.handle = DragHandle(actions)
        self.heat = KeyButton(tr("Heat"), "layers", role="flat")
        self.heat.setMinimumHeight(26)
        heat_menu = QMenu(self.heat)
        fill_menu(heat_menu, HEAT_MENU, actions, {})
        self.heat.set_menu(heat_menu)
        self.setLayout(
            spaced(
                *(self._lesions, 0, self._cursor, rule(vertical=True, length=16), self._panels),
                *(self.handle, self.heat, self.display, smaller, self._zoom, larger, one, fit),
                margins=MARGINS,
                spacing=SPACING,
            )
        )
        self._rest = (self._panels, self.handle, self.heat, self.display, smaller, self._zoom, larger, one, fit)
        self.show_heat(None, "", False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow, the heatmap's button says its class in the tool tip alone, and the menu has the panels."""
        super().resizeEvent(event)
        self.heat.set_compact(event.size().width() < WORDS_BELOW)
        self._panels.setVisible(event.size().width() >= WORDS_BELOW)
        self.show_lesions(self._shown[0], proposal=self._shown[1])

    def show_lesions(self, lesions: Sequence[Lesion], *, proposal: bool) -> None:
        """One coloured square and the two axes a lesion, and whose they are.

        What does not fit is left out whole: first whose they are, then lesions, which are counted.
        """
        self._shown = (lesions, proposal)
        whose = tr("AI outline") if proposal else tr("Reader's outline")
        room = self.width() - sum(part.sizeHint().width() + SPACING for part in self._rest if not part.isHidden())
        room -= CURSOR_ROOM + sum(MARGINS) + 3 * SPACING
        for count in range(min(len(lesions), SHOWN_LESIONS), -1, -1):
            parts = [_lesion_in_words(i, lesion) for i, lesion in enumerate(lesions[:count])]
            if len(lesions) > count:
                parts.append(
                    tr("{n} more", n=len(lesions) - count) if count else plural("1 lesion", "{n} lesions", len(lesions))
                )
            for tail in ([whose], []) if parts else ([],):
                self._lesions.setText(GAP.join((*parts, *tail)))
                if self._lesions.sizeHint().width() <= room:
                    return

    def show_heat(self, target: str | None, method: str, waiting: bool) -> None:
        """Which class the heatmap is chosen to be of (None: the most probable one), and by which method."""
        words = tr(
            "Heat: {what}",
            what=tr("top class") if target is None else tr("outline") if target == LESION else tr(target),
        ) + (" …" if waiting else "")
        self._changed(lambda: self.heat.set_text(words), self.heat)
        what = (
            tr("Heatmap of the most probable class")
            if target is None
            else tr("Heatmap of the outline")
            if target == LESION
            else tr("Heatmap of the class {name}", name=tr(target))
        )
        tip = f"{what}, {method}" if method else what
        self.heat.setToolTip("\n".join((tip, tr("Ctrl+H: next class"))))
        self.heat.setAccessibleName(tip)

    def show_cursor(self, x: int, y: int, value: str) -> None:
        """The pixel under the cursor."""
        words = f"{x}, {y}   {value}" if value else ""
        wide = self._cursor.fontMetrics().horizontalAdvance(words) + 2
        if wide > self._cursor.width() or not self._cursor.text():
            self._cursor.setFixedSize(
                wide, self._cursor.sizeHint().height()
            )  # of a fixed size, it does not lay out the window
        self._cursor.setText(words)

    def show_zoom(self, zoom: float | None) -> None:
        """Screen pixels to an image pixel; None while nothing is shown."""
        words = "" if zoom is None else tr("{percent:.0f} %", percent=zoom * 100)
        self._changed(lambda: self._zoom.setText(words), self._zoom)

    def _changed(self, change: Callable[[], None], part: QWidget) -> None:
        """Change the words of a part; if it takes another width, the lesions have another room."""
        before = part.sizeHint().width()
        change()
        if part.sizeHint().width() != before:
            self.show_lesions(self._shown[0], proposal=self._shown[1])


def _lesion_in_words(number: int, lesion: Lesion) -> str:
    """The coloured square of a lesion, its name and its two axes, as rich text."""
    tint = LESION_COLOURS[number % len(LESION_COLOURS)]
    long, short = sizes_in_words(lesion)[:2]
    return f'<span style="color:{tint}">■</span>&nbsp;L{number + 1}&nbsp;&nbsp;{long.split()[0]} × {short}'


class ProgressCard(QFrame):
    """Over the canvas while its image is analysed: stage, share, cancel."""

    def __init__(self, over: QWidget, actions: Actions) -> None:
        super().__init__(over)
        self.setObjectName("progressCard")
        self._over = over
        self._title, self._stage = label("", "strong"), label("", "caption")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        cancel = KeyButton(tr("Cancel"), key="Esc")
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
        self.setFixedSize(CARD, 48)
        over.installEventFilter(self)
        self.hide()

    def show_stage(self, name: str, stage: tuple[str, float] | None) -> None:
        """What is being done, and how far it is; None hides the card. A stage without a share gets a busy bar."""
        self.setVisible(stage is not None)
        if stage is None:
            return
        words, share = stage
        self._title.setText(tr("Analysing {name}", name=name) if len(name) < 26 else tr("Analysing"))
        self._stage.setText(sentence(said(words)))
        busy = share <= 0.0
        self._bar.setRange(0, 0 if busy else 100)
        self._bar.setValue(0 if busy else round(share * 100))
        self.setFixedWidth(max(CARD, self.sizeHint().width()))
        self._place()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom of the canvas, above panels that come to be later."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.ChildAdded:
            self.raise_()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.move((self._over.width() - self.width()) // 2, self._over.height() - self.height() - 12)
