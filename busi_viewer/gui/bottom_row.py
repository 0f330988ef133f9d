"""The bottom row: pages at the left, what goes on in the middle, device, model and calibration at the right."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import ModelInfo
from busi_viewer.gui import icons, theme
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import CutLabel, IconLabel, label, rule, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role

HEIGHT = 30
TABS = (
    *(("review_page", "scan"), ("training_page", "activity"), ("models_page", "box"), ("audit_page", "history")),
    ("network_page", "network"),
)
CALIBRATION_BELOW = 1360
"""Window width (px) below which the calibration goes."""
HASH_FROM = 1180
"""Window width (px) from which the model's hash is shown; else its tool tip has it."""


class _Fact(QWidget):
    """An icon with words, after a hairline; hidden while there are none."""

    def __init__(self, icon: str) -> None:
        super().__init__()
        self.words, self.aside = label("", "dim"), label("", "caption")
        self._has_room = True
        line = rule(vertical=True, length=16)
        self.setLayout(spaced(line, 4, IconLabel(icon, "text2"), self.words, self.aside, 4, spacing=6))
        self.hide()

    def say(self, text: str, aside: str = "") -> None:
        """Show words, or hide for none."""
        self.words.setText(text)
        self.aside.setText(aside)
        self.setVisible(bool(text))
        self.show_aside(self._has_room)

    def show_aside(self, has_room: bool) -> None:
        """Show what stands beside the words, if there is room."""
        self._has_room = has_room
        self.aside.setVisible(has_room and bool(self.aside.text()))


class BottomRow(QWidget):
    """Tabs and status setters only; it decides nothing."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("bottomRow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        tabs: list[QWidget | int] = [_Tab(actions[name], icon) for name, icon in TABS]
        self._message = CutLabel("quiet")
        self._message.setText(tr("Ready"))
        self._device, self._model, self._calibration = _Fact("cpu"), _Fact("box"), _Fact("ruler")
        badge = label(tr("Research use only"), "badge")
        badge.setToolTip(tr("Not for clinical decisions. Not a medical device."))
        row = spaced(*tabs, 8, margins=(0, 0, 10, 0), spacing=6)
        row.addWidget(self._message, 1)
        for part in (self._device, self._model, self._calibration, badge):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(row)
        self._narrow = False
        self._calibration_text = ""
        self.show_engine_state(tr("No model loaded yet"))

    def say(self, text: str) -> None:
        """What goes on."""
        self._message.setText(text)

    def show_engine_state(self, text: str) -> None:
        """Words in place of a model."""
        self._device.say("")
        self._model.say(text)

    def show_engine(self, model: ModelInfo, device: str) -> None:
        """The model and the device it runs on."""
        self._device.say(device_in_words(device))
        short = f"{model.sha256[:4]}…{model.sha256[-4:]}" if len(model.sha256) >= 8 else model.sha256
        self._model.say(f"{model.name} {model.version}", short)
        self._model.setToolTip(f"SHA-256 {model.sha256}")

    def show_calibration(self, record: ImageRecord | None) -> None:
        """Pixel spacing of the image in view."""
        self._calibration_text = calibration_in_words(record) if record is not None else ""
        self._calibration.say("" if self._narrow else self._calibration_text)

    def fit_to(self, width: int) -> None:
        """Leave the calibration out in narrow windows (the canvas shows it too), in very narrow ones the model's hash."""
        self._narrow = width < CALIBRATION_BELOW
        self._model.show_aside(width >= HASH_FROM)
        self._calibration.say("" if self._narrow else self._calibration_text)


class _Tab(QToolButton):
    """A page's tab, for its action; its icon follows the theme."""

    def __init__(self, action: QAction, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setText(f" {action.text()}")
        self.setAccessibleName(action.text())
        self.setToolTip(action.toolTip())
        self.setIconSize(QSize(16, 16))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedHeight(HEIGHT - 1)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)
        action.toggled.connect(self.setChecked)
        set_role(self, "tab")
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Tint again after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        self.setIcon(icons.icon(self._icon, size=16, checked=theme.tokens().text))


def device_in_words(device: str) -> str:
    """``cpu`` → CPU, ``cuda:0`` → GPU 0."""
    kind, _, number = device.partition(":")
    return {"cpu": "CPU", "cuda": f"GPU {number or 0}", "mps": "GPU"}.get(kind, device)


def calibration_in_words(record: ImageRecord) -> str:
    """The spacing in mm a pixel, or that it is unknown."""
    spacings: set[tuple[float, float] | None] = {region.spacing_mm for region in record.regions}
    spacings = spacings or {record.spacing_mm}
    if len(spacings) > 1:
        return tr("{n} regions, each calibrated", n=len(record.regions))
    spacing = spacings.pop()
    if spacing is None:
        return tr("Not calibrated: sizes in px")
    dy, dx = spacing
    if record.calibrated_by_reader:
        return tr("Calibrated by reader: {dx:.3f} mm/px", dx=dx)
    return tr("{dx:.3f} mm/px", dx=dx) if abs(dx - dy) < 1e-6 else tr("{dx:.3f} × {dy:.3f} mm/px", dx=dx, dy=dy)
