"""The toolbar: open, analyse, undo, tools, window/level, overlays, report. Narrow windows fold its words away."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.gui.actions import DRAWING, FINDING, MEASURING, PAINTING, REFINING, VIEWING, Actions
from busi_viewer.gui.controls import Combo, IconButton, KeyButton, label, rule
from busi_viewer.gui.language import tr
from busi_viewer.gui.presets import PRESETS, Preset, PresetWindows, Window, presets_of
from busi_viewer.gui.tool_group import ToolGroup
from busi_viewer.gui.tools import TOOLS

HEIGHT = 44
LABELS_BELOW, PRESETS_BELOW, REPORT_BELOW = 1500, 1400, 1180
"""Window widths (px) below which the word on Open goes, then the presets, then the words on Report, the key on
Analyse and the opacity's figure.
"""

ICONS = {
    "undo": "undo-2",
    "redo": "redo-2",
    "pointer": "mouse-pointer-2",
    "window": "contrast",
    "pan": "hand",
    "zoom": "zoom-in",
    "reset_to_ai": "rotate-ccw",
    "clear": "trash-2",
    "outline": "spline",
    "fill": "droplet",
    "heatmap": "layers",
    "blind": "eye-off",
    "propose_callipers": "two-axes",
    "drop_calibration": "trash-2",
    **{tool.name: tool.icon for tool in TOOLS if tool.icon},
}


class Toolbar(QWidget):
    """``preset_chosen(Preset)`` and ``opacity_changed(share)`` come from its two fields."""

    preset_chosen = Signal(object)
    opacity_changed = Signal(float)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 0, 12, 0)
        self._row.setSpacing(4)
        self._open = KeyButton(tr("Open"), "folder-open", role="flat")
        self._open.bind(actions["open"])
        self.analyse = KeyButton(tr("Analyse"), "scan-search", "A", "primary")
        self.analyse.bind(actions["analyse"])
        self._report = KeyButton(tr("Report"), "file-text", "Ctrl R")
        self._report.bind(actions["report"])
        self._add(self._open, self.analyse)
        self._buttons(actions, "undo", "redo")
        self._buttons(actions, *VIEWING)
        self._buttons(actions, *PAINTING)
        self.groups = tuple(
            ToolGroup(tr(words), names, {name: actions[name] for name in names if name}, ICONS)
            for words, names in (
                ("Measure", (*MEASURING[:-1], "propose_callipers", "", "calibrate", "drop_calibration")),
                ("Outline", DRAWING),
                ("Find", FINDING),
                ("Refine", (*REFINING, "", "reset_to_ai", "clear")),
            )
        )
        self._add(*self.groups)
        self._windows = PresetWindows()
        self._offered: tuple[Preset, ...] = PRESETS
        self._preset_rule = self._add_rule()
        self.presets = self._make_presets()
        self._add(self.presets)
        self._buttons(actions, "outline", "fill", "heatmap")
        self._make_opacity()
        self._buttons(actions, "blind")
        self._row.addStretch(1)
        self._add(self._report)

    def _add(self, *widgets: QWidget) -> None:
        for widget in widgets:
            self._row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)

    def _add_rule(self) -> QWidget:
        self._row.addSpacing(6)
        line = rule(vertical=True, length=22)
        self._add(line)
        self._row.addSpacing(6)
        return line

    def _buttons(self, actions: Actions, *names: str) -> None:
        self._add_rule()
        for name in names:
            self._add(IconButton(ICONS[name], action=actions[name]))

    def _make_presets(self) -> Combo:
        combo = Combo(tr("W/L"))
        combo.addItems([tr(preset.name) for preset in PRESETS])
        combo.setMinimumWidth(176)
        combo.setToolTip(
            tr("Window and level preset (Alt+1 to Alt+7); drag with the right mouse button to set your own")
        )
        for index, preset in enumerate(PRESETS):
            combo.setItemData(index, tr(preset.tip), Qt.ItemDataRole.ToolTipRole)
        combo.activated.connect(lambda index: self.preset_chosen.emit(self._offered[index]))
        return combo

    def _make_opacity(self) -> None:
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setFixedWidth(84)
        self._opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._opacity.setToolTip(tr("Heatmap opacity"))
        self._opacity.setAccessibleName(tr("Heatmap opacity"))
        self._percent = label("", "strong")
        self._percent.setFixedWidth(40)
        self._opacity.valueChanged.connect(self._on_opacity)
        self._row.addSpacing(4)
        self._add(self._opacity)
        self._row.addSpacing(4)
        self._add(self._percent)

    def _on_opacity(self, value: int) -> None:
        self._percent.setText(tr("{percent} %", percent=value))
        self.opacity_changed.emit(value / 100)

    @property
    def opacity(self) -> float:
        """The heatmap's opacity in [0, 1]."""
        return self._opacity.value() / 100

    def set_opacity(self, share: float) -> None:
        """Show an opacity in [0, 1]."""
        self._opacity.setValue(round(share * 100))

    def set_image_open(self, is_open: bool) -> None:
        """Fields that need an image."""
        self._image_open = is_open
        self._allow()

    def set_away(self, away: bool) -> None:
        """Another page is in front: the fields rest, as the commands do."""
        self._away = away
        self._allow()

    def _allow(self) -> None:
        for part in (self.presets, self._opacity, self._percent):
            part.setEnabled(self._image_open and not self._away)

    _image_open = _away = False
    _shown: tuple[Window, ImageRecord, Pixels] | None = None

    def show_window(self, window: Window, record: ImageRecord, pixels: Pixels) -> None:
        """Say which window (low, high) of a frame is in force: a preset's name or "Own", with width and level."""
        if (
            self._shown is not None
            and self._shown[0] == window
            and self._shown[1] is record
            and self._shown[2] is pixels
        ):
            return
        self._shown = (window, record, pixels)
        fits = [_close(preset, window) for preset in self._windows.of(record, pixels)]
        width, level = window[1] - window[0], (window[0] + window[1]) / 2
        self._offer(presets_of(record))
        for index, (preset, fit) in enumerate(zip(self._offered, fits, strict=True)):
            self.presets.setItemText(index, f"{tr(preset.name)} {width:.0f} / {level:.0f}" if fit else tr(preset.name))
        self.presets.setCurrentIndex(fits.index(True) if True in fits else -1)
        self.presets.setPlaceholderText(tr("Own {width:.0f} / {level:.0f}", width=width, level=level))
        self.presets.update()

    def _offer(self, presets: tuple[Preset, ...]) -> None:
        """List the file's own windows after ours."""
        while self.presets.count() > len(PRESETS):
            self.presets.removeItem(len(PRESETS))
        for preset in presets[len(PRESETS) :]:
            self.presets.addItem(preset.name)
            self.presets.setItemData(self.presets.count() - 1, tr(preset.tip), Qt.ItemDataRole.ToolTipRole)
        self._offered = presets

    def fit_to(self, width: int) -> None:
        """Fold words away below LABELS_BELOW, presets below PRESETS_BELOW (they stay in the View menu)."""
        self._open.set_compact(width < LABELS_BELOW)
        self._report.set_compact(width < REPORT_BELOW)
        self.analyse.show_key(width >= REPORT_BELOW)
        self._opacity.setFixedWidth(84 if width >= REPORT_BELOW else 60)
        self._percent.setVisible(width >= REPORT_BELOW)
        for part in (self.presets, self._preset_rule):
            part.setVisible(width >= PRESETS_BELOW)


def _close(a: Window, b: Window) -> bool:
    tolerance = max(1e-6, 0.005 * abs(a[1] - a[0]))
    return abs(a[0] - b[0]) <= tolerance and abs(a[1] - b[1]) <= tolerance
