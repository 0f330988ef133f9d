"""Which class the heatmap is about, and by which method; what an analysis did not bring is asked of the lane."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from busi_viewer.core.results import CLASSES, GRAD_CAM, LESION, METHODS, FrameResult, Heatmap
from busi_viewer.gui.actions import HEAT_CLASSES, HEAT_METHODS, Actions
from busi_viewer.gui.lane import HeatRequest, Lane
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.review_page import ReviewPage
from busi_viewer.gui.session import Session

CHOICES = (None, *CLASSES, LESION)
"""What a heatmap may be of; None is the class that the model holds most probable."""
KEPT = 16
"""Heatmaps kept in memory beside those in view: what an analysis brought, and others made since."""


@dataclass(frozen=True)
class _Key:
    """What a heatmap is of; ``model`` and ``revision`` because another analysis may bring another one."""

    image: str
    model: str
    frame: int
    target: str
    method: str


class HeatChoice(QObject):
    """Puts the chosen heatmap into the document in view: canvas, panel and report then show and name it.

    The choice holds for every image until it is changed. ``problem(Problem)`` is for the notice bar,
    ``chosen(class | None, method, waiting)`` says what is chosen and whether it is still being made.
    """

    problem = Signal(object)
    chosen = Signal(object, str, bool)

    def __init__(
        self, actions: Actions, lane: Lane, reading: Reading, review: ReviewPage, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._actions, self._lane = actions, lane
        self._session: Session | None = None
        self._kept: OrderedDict[_Key, Heatmap] = OrderedDict()
        self._asked: _Key | None = None
        self._refused: set[_Key] = set()
        self.target: str | None = None
        self.method = GRAD_CAM
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._apply)
        for name, target in zip(HEAT_CLASSES, CHOICES, strict=True):
            actions[name].triggered.connect(lambda _on=False, target=target: self.choose_class(target))
        for name, method in zip(HEAT_METHODS, METHODS, strict=True):
            actions[name].triggered.connect(lambda _on=False, method=method: self.choose_method(method))
        actions["next_heat_class"].triggered.connect(self._next_class)
        actions[HEAT_CLASSES[0]].setChecked(True)
        actions[HEAT_METHODS[0]].setChecked(True)
        reading.session_changed.connect(self.follow)
        self.problem.connect(reading.problem)
        self.chosen.connect(review.header.show_heat)
        self.chosen.connect(review.canvas.show_heat_of)
        lane.explained.connect(self._on_explained)
        lane.unexplained.connect(self._on_unexplained)

    @Slot(object)
    def follow(self, session: Session | None) -> None:
        """Another image is in view, or none."""
        if self._session is not None:
            self._session.changed.disconnect(self._later.start)
            self._session.frame_changed.disconnect(self._on_frame)
        self._session = session
        if session is not None:
            session.changed.connect(self._later.start)
            session.frame_changed.connect(self._on_frame)
        self._apply()

    def choose_class(self, target: str | None) -> None:
        """Show the heat of one of CHOICES."""
        self.target = target
        self._actions[HEAT_CLASSES[CHOICES.index(target)]].setChecked(True)
        self._chosen()

    def choose_method(self, method: str) -> None:
        """Make heatmaps by one of METHODS."""
        self.method = method
        self._actions[HEAT_METHODS[METHODS.index(method)]].setChecked(True)
        self._chosen()

    def _chosen(self) -> None:
        self._refused.clear()
        self._tell()
        self._apply()

    def _tell(self) -> None:
        self.chosen.emit(self.target, self.method, self._asked is not None)

    def _next_class(self) -> None:
        self.choose_class(CHOICES[(CHOICES.index(self.target) + 1) % len(CHOICES)])

    @Slot(int)
    def _on_frame(self, _index: int) -> None:
        self._apply()

    def _frame(self) -> FrameResult | None:
        """The analysis of the frame in view, if it brought a heatmap that may be shown."""
        session = self._session
        result = session.document.result if session is not None else None
        frame = result.frame(session.frame) if session is not None and result is not None else None
        return None if frame is None or frame.abstained or frame.heatmap is None else frame

    def _wanted(self, frame: FrameResult) -> _Key:
        assert self._session is not None
        assert self._session.document.result is not None
        result = self._session.document.result
        target = self.target or (frame.prediction if frame.classified else LESION)
        return _Key(result.sha256, result.model.sha256, frame.index, target, self.method)

    @Slot()
    def _apply(self) -> None:
        """Show what is chosen, at once if it is at hand."""
        frame = self._frame()
        if frame is None or self._session is None:
            self._ask(None)
            return
        assert frame.heatmap is not None
        key = self._wanted(frame)
        there = _Key(key.image, key.model, key.frame, frame.heatmap.target, frame.heatmap.method)
        if there == key:
            self._ask(None)
            return
        self._keep(there, frame.heatmap)
        if key in self._kept:
            self._ask(None)
            self._session.document.explain(frame.index, self._kept[key])
        elif key not in self._refused:
            self._ask(key, frame)

    def _ask(self, key: _Key | None, frame: FrameResult | None = None) -> None:
        if key == self._asked:
            return
        self._asked = key
        self._tell()
        if key is not None and frame is not None and self._session is not None:
            record = self._session.document.record
            self._lane.explain(HeatRequest(record, frame.index, key.target, key.method, frame.mask, key))

    def _keep(self, key: _Key, heat: Heatmap) -> None:
        self._kept[key] = heat
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    @Slot(object, object)
    def _on_explained(self, request: HeatRequest, heat: Heatmap) -> None:
        if request.token == self._asked:
            self._asked = None
            self._tell()
        assert isinstance(request.token, _Key)
        self._keep(request.token, heat)
        self._apply()

    @Slot(object, object)
    def _on_unexplained(self, request: HeatRequest, problem: Problem | None) -> None:
        assert isinstance(request.token, _Key)
        self._refused.add(request.token)
        if request.token == self._asked:
            self._asked = None
            self._tell()
            if problem is not None:
                self.problem.emit(problem)
