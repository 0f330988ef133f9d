"""The operating point: a slider over the points that the model's card records, with what each meant on its validation set."""

from __future__ import annotations

import functools

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSlider, QVBoxLayout, QWidget

from busi_viewer.core.operating import OperatingCurve
from busi_viewer.core.results import ModelInfo
from busi_viewer.gui.controls import IconButton, label, spaced
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.workflow.models import operating_curve


@functools.lru_cache(maxsize=8)
def _curve(sha256: str) -> OperatingCurve | None:
    """The card is read once for each model."""
    return operating_curve(sha256)


class OperatingRow(QWidget):
    """Moves among measured points only, never between them. ``chosen(model, OperatingPoint | None, basis)`` follows a move.

    ``meant`` says what the point meant on the validation set; whoever owns the row puts it where there is room.
    """

    chosen = Signal(object, object, str)

    def __init__(self) -> None:
        super().__init__()
        self._model: ModelInfo | None = None
        self.side = label("", "strong")
        self.meant = label("", "caption", wrap=True)
        self._caption, self._value = label(tr("Operating point")), label("", "strong")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self.slider.setAccessibleName(tr("Operating point"))
        self.slider.setToolTip(
            tr("From where on the malignant estimate counts as high, in this window until it is closed")
        )
        self.slider.valueChanged.connect(self._on_moved)
        self.own = IconButton("rotate-ccw", tr("Back to the model's own operating point"), edge=24)
        self.own.clicked.connect(self._on_own)
        self._bar = QWidget()
        row = spaced(self._caption, self.slider, self._value, self.own)
        row.setStretch(1, 1)
        self._bar.setLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self._bar)
        column.addWidget(self.side)

    def show_model(self, model: ModelInfo, *, above: bool) -> None:
        """Take up the point in force for a model, if it has one; ``above``: the frame's estimate reaches it."""
        self._model = model
        if model.point is None:
            self.meant.setText("")
            return
        curve = _curve(model.sha256)
        self._bar.setVisible(curve is not None)
        self.side.setText(
            tr("Malignant above the operating point (dashed)")
            if above
            else tr("Malignant below the operating point (dashed)")
        )
        set_role(self.side, "strong" if above else "dim")
        if curve is None:
            self.meant.setText(tr("Operating point: {point}.", point=percent(model.point)))
            return
        index = curve.nearest(model.point)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(curve.points) - 1)
        self.slider.setValue(index)
        self.slider.blockSignals(False)
        self._value.setText(percent(model.point))
        self.own.setEnabled(model.chosen_point is not None)
        point = curve.at(model.point)
        meant = []
        if point:
            meant.append(tr("On the {basis}: {point}.", basis=said(curve.basis), point=said(str(point))))
        if model.chosen_point is not None and model.operating_point is not None:
            meant.append(tr("The model's own is {point}.", point=percent(model.operating_point)))
        self.meant.setText(" ".join([tr("Operating point: {point}.", point=percent(model.point)), *meant]))
        self.slider.setAccessibleDescription(" ".join([self.side.text(), *meant]))

    def _on_moved(self, index: int) -> None:
        model = self._model
        curve = _curve(model.sha256) if model is not None else None
        if model is None or curve is None:
            return
        point = curve.points[index]
        own = model.operating_point is not None and abs(point.threshold - model.operating_point) < 1e-5
        self.chosen.emit(model, None if own else point, "" if own else f"{point}; {curve.basis}")

    def _on_own(self) -> None:
        if self._model is not None:
            self.chosen.emit(self._model, None, "")


def percent(share: float) -> str:
    """A threshold in per cent, below 10 with one decimal where it has one."""
    fine = 100 * share % 1 > 0.05 and share < 0.1
    return tr("{percent:.1f} %" if fine else "{percent:.0f} %", percent=100 * share)
