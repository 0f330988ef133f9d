"""The commands that measure: callipers from outlines, the reader's calibration, and showing the scale wherever it is told."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from busi_viewer.core.callipers import proposal, repeats, states_scale
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.bottom_row import BottomRow
from busi_viewer.gui.review_page import ReviewPage
from busi_viewer.gui.session import Session


class Measuring(QObject):
    """Follows the session in view."""

    def __init__(self, actions: Actions, review: ReviewPage, bottom: BottomRow, parent: QObject) -> None:
        super().__init__(parent)
        self._actions, self._review, self._bottom = actions, review, bottom
        self._session: Session | None = None
        self._away = False
        actions["propose_callipers"].triggered.connect(self.propose)
        actions["drop_calibration"].triggered.connect(self._drop_calibration)
        review.result.callipers.used.connect(self._to_canvas)
        self.follow(None)

    @Slot(object)
    def follow(self, session: Session | None) -> None:
        """Another image is in view, or none."""
        if self._session is not None:
            self._session.changed.disconnect(self._refresh)
            self._session.frame_changed.disconnect(self._refresh)
        self._session = session
        if session is not None:
            session.changed.connect(self._refresh)
            session.frame_changed.connect(self._refresh)
        self._refresh()

    @Slot(bool)
    def set_away(self, away: bool) -> None:
        """Let the commands rest while another page is in front."""
        self._away = away
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        session = None if self._away else self._session
        record = session.document.record if session is not None else None
        shown = session.document.shown_mask(session.frame) if session is not None else None
        self._actions["propose_callipers"].setEnabled(shown is not None and bool(shown.any()))
        self._actions["calibrate"].setEnabled(record is not None and not states_scale(record))
        self._actions["drop_calibration"].setEnabled(record is not None and record.calibrated_by_reader)
        in_view = self._session.document.record if self._session is not None else None
        self._bottom.show_calibration(in_view)
        self._review.options.show_record(in_view)

    @Slot()
    def propose(self) -> None:
        """Two axes for every lesion on the frame, beside the callipers that there are; the same is not proposed twice."""
        session = self._session
        if session is None:
            return
        callipers = list(session.document.callipers)
        here = [item for item in callipers if item.frame == session.frame]
        for number, lesion in enumerate(session.lesions(), 1):
            if not any(repeats(item, lesion) for item in here):
                callipers.append(proposal(lesion, session.frame, f"Lesion {number}"))
        session.set_callipers(callipers, "Callipers from outline")
        self._to_canvas()

    @Slot()
    def _to_canvas(self) -> None:
        """A calliper is worked with the pointer and the arrow keys, on the canvas."""
        canvas = self._review.canvas
        if not canvas.active_tool.measures:
            chosen = self._session.chosen if self._session is not None else None
            canvas.set_tool("pointer")
            if self._session is not None:
                self._session.choose(chosen)
        canvas.setFocus()

    def _drop_calibration(self) -> None:
        if self._session is not None and self._session.document.calibration is not None:
            self._session.set_calibration(None, "Remove calibration")
