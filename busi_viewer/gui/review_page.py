"""The review page: worklist, canvas with its rows, and result, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.blind import BlindBar
from busi_viewer.gui.canvas import Canvas
from busi_viewer.gui.canvas.panels import Panels
from busi_viewer.gui.canvas_bars import CanvasHeader, ProgressCard
from busi_viewer.gui.cine import CineBar
from busi_viewer.gui.controls import IconLabel, label
from busi_viewer.gui.language import tr
from busi_viewer.gui.result_foot import ResultFoot
from busi_viewer.gui.result_panel import ResultPanel
from busi_viewer.gui.session import Session
from busi_viewer.gui.tool_options import ToolOptions
from busi_viewer.gui.worklist import COMPACT_WIDTH, WIDTH, Worklist

CANVAS_WIDTH = 2000
"""More than there is: the canvas takes what the others leave."""
RESULT_WIDTH, RESULT_MIN, RESULT_MAX = 384, 320, 480
CANVAS_MIN = 420
COMPACT_BELOW = 1180
"""Window width (px) below which the worklist shows thumbnails only."""


class ReviewPage(QSplitter):
    """Lays the parts out and hands them the session in view; it decides nothing."""

    def __init__(self, worklist: Worklist, actions: Actions) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.worklist = worklist
        self.canvas, self.cine, self.result = Canvas(), CineBar(), ResultPanel()
        self.header, self.options = CanvasHeader(actions), ToolOptions(actions, self.canvas.options)
        self.panels, self.blind_bar = Panels(self.canvas), BlindBar(actions)
        self.card = ProgressCard(self.panels, actions)
        self._session: Session | None = None
        self._widths = [WIDTH, CANVAS_WIDTH, RESULT_WIDTH]
        self._no_image_title, self._no_image_text = label("", "body"), label("")
        self._no_image = self._make_no_image()
        self._stage = QStackedWidget()
        self._stage.addWidget(self.panels)
        self._stage.addWidget(self._no_image)
        middle = QWidget()
        middle.setObjectName("canvasGround")
        middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        middle.setMinimumWidth(CANVAS_MIN)
        stays = self.options.sizePolicy()
        stays.setRetainSizeWhenHidden(True)  # a tool that is taken up or laid down does not move the image
        self.options.setSizePolicy(stays)
        stack_up(middle, self.header, self.blind_bar, self.options, self._stage, self.cine, stretch=self._stage)
        self.foot = ResultFoot(actions, worklist.model)
        right = QWidget()
        right.setMinimumWidth(RESULT_MIN)
        right.setMaximumWidth(RESULT_MAX)
        stack_up(right, self.result, self.foot, stretch=self.result)
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        for i, part in enumerate((worklist, middle, right)):
            self.addWidget(part)
            self.setStretchFactor(i, int(part is middle))
        self._connect()
        actions["play"].triggered.connect(self.cine.toggle)

    def _make_no_image(self) -> QWidget:
        page = QWidget()
        page.setObjectName("surround")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(page)
        column.addStretch(1)
        for part in (IconLabel("image-off", "text3", 32), self._no_image_title, self._no_image_text):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return page

    def _connect(self) -> None:
        canvas = self.canvas
        self.options.used.connect(canvas.setFocus)
        canvas.said.connect(self.options.say)
        canvas.asked.connect(self.options.ask)
        canvas.tool_changed.connect(self._show_tool)
        canvas.cursor_moved.connect(self.header.show_cursor)
        canvas.view_changed.connect(self._show_zoom)
        self.result.refreshed.connect(self._show_lesions)
        self.result.findings.looked.connect(canvas.show_evidence)
        self.splitterMoved.connect(self._on_moved)

    def set_widths(self, widths: Sequence[int]) -> None:
        """Widths of worklist, canvas and result in px, as saved."""
        if len(widths) == 3:
            self._widths = list(widths)
        self._share_room()

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths to save."""
        return tuple(self._widths)

    def fit_to(self, width: int) -> None:
        """Fold the worklist in narrow windows."""
        if self.worklist.set_compact(width < COMPACT_BELOW):
            self._share_room()

    def _share_room(self) -> None:
        first = COMPACT_WIDTH if self.worklist.is_compact else self._widths[0]
        self.setSizes([first, *self._widths[1:]])

    def show_session(self, session: Session | None) -> None:
        """Bring an image into view; None empties canvas and result."""
        self._session = session
        self._stage.setCurrentWidget(self.panels)
        self.canvas.set_session(session)
        self.cine.set_session(session)
        self.result.set_session(session)
        self._show_tool()
        self._show_zoom()

    def show_unreadable(self, name: str, words: str) -> None:
        """Say in place of the image why there is none."""
        self._no_image_title.setText(tr("No image to show for {name}", name=name))
        self._no_image_text.setText(words)
        self._stage.setCurrentWidget(self._no_image)
        self.result.set_session(None, unreadable=True)

    def show_analysis(self, name: str, stage: tuple[str, float] | None) -> None:
        """How far the analysis of the image in view is, or None."""
        self.result.set_stage(stage)
        self.card.show_stage(name, stage)

    @Slot()
    def _show_tool(self) -> None:
        self.options.show_tool(self.canvas.active_tool if self._session is not None else None)

    @Slot()
    def _show_zoom(self) -> None:
        self.header.show_zoom(self.canvas.zoom if self._session is not None else None)

    @Slot()
    def _show_lesions(self) -> None:
        session = self._session
        lesions = session.lesions() if session is not None else ()
        self.header.show_lesions(lesions, proposal=session is not None and session.proposal() is not None)

    @Slot(int, int)
    def _on_moved(self, _position: int, _index: int) -> None:
        if not self.worklist.is_compact:
            self._widths = self.sizes()


def stack_up(parent: QWidget, *parts: QWidget, stretch: QWidget) -> None:
    """Put widgets above one another without gaps; ``stretch`` takes the room that is left."""
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for part in parts:
        column.addWidget(part, int(part is stretch))
