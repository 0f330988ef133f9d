"""The commands that decide how images are shown: window, gamma, orientation, zoom, mask, heatmap, panels."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Slot

from busi_viewer.gui.actions import COLOURS, HEAT_CLASSES, HEAT_METHODS, LAYOUTS, Actions
from busi_viewer.gui.canvas import Canvas
from busi_viewer.gui.canvas.heat import COLOURS as HEAT_COLOURS
from busi_viewer.gui.canvas.panels import Panels
from busi_viewer.gui.orientation import AS_STORED
from busi_viewer.gui.presets import PRESETS, Preset
from busi_viewer.gui.session import Session
from busi_viewer.settings import Settings

NEED_IMAGE = (
    *("outline", "fill", "heatmap", "band", "invert", "reset_window", "gamma_up", "gamma_down"),
    *(
        "fit",
        "one_to_one",
        "zoom_in",
        "zoom_out",
        *LAYOUTS,
        *COLOURS,
        "next_colours",
        *HEAT_CLASSES,
        *HEAT_METHODS,
        "next_heat_class",
        "threshold_up",
        "threshold_down",
    ),
    *(*HEAT_CLASSES, *HEAT_METHODS, "next_heat_class"),
    *("turn_right", "turn_left", "flip_sideways", "flip_down", "as_stored", *(preset.command for preset in PRESETS)),
)
ZOOM_STEP, GAMMA_STEP, THRESHOLD_STEP = 1.25, 1.1, 0.05


class Viewing(QObject):
    """Connects the actions to canvas and panels, keeps their check marks true, and remembers the reader's choice."""

    def __init__(self, actions: Actions, canvas: Canvas, panels: Panels, parent: QObject) -> None:
        super().__init__(parent)
        self._actions, self._canvas, self._panels = actions, canvas, panels
        self._session: Session | None = None
        self._away = False
        self._connect()
        self.follow(None)

    def _connect(self) -> None:
        actions, canvas = self._actions, self._canvas
        for name, deed in {
            "outline": self._apply_mask_style,
            "fill": self._apply_mask_style,
            "reset_window": canvas.reset_window,
            "fit": canvas.fit,
            "one_to_one": canvas.one_to_one,
            "zoom_in": lambda: canvas.zoom_by(ZOOM_STEP),
            "zoom_out": lambda: canvas.zoom_by(1 / ZOOM_STEP),
            "gamma_up": lambda: canvas.set_gamma(canvas.look.gamma * GAMMA_STEP),
            "gamma_down": lambda: canvas.set_gamma(canvas.look.gamma / GAMMA_STEP),
            "turn_right": lambda: canvas.set_orientation(canvas.orientation.turned(1)),
            "turn_left": lambda: canvas.set_orientation(canvas.orientation.turned(-1)),
            "flip_sideways": lambda: canvas.set_orientation(canvas.orientation.flipped(sideways=True)),
            "flip_down": lambda: canvas.set_orientation(canvas.orientation.flipped(sideways=False)),
            "as_stored": lambda: canvas.set_orientation(AS_STORED),
            "threshold_up": lambda: canvas.set_heat_threshold(canvas.look.heat.threshold + THRESHOLD_STEP),
            "threshold_down": lambda: canvas.set_heat_threshold(canvas.look.heat.threshold - THRESHOLD_STEP),
            "next_colours": self._next_colours,
        }.items():
            actions[name].triggered.connect(deed)
        for preset in PRESETS:
            actions[preset.command].triggered.connect(lambda _on=False, preset=preset: self.use_preset(preset))
        for name in HEAT_COLOURS:
            actions[f"colours_{name}"].triggered.connect(lambda _on=False, name=name: canvas.set_heat_colours(name))
        for layout in LAYOUTS:
            actions[layout].triggered.connect(lambda _on=False, layout=layout: self.set_layout(layout))
        for name, toggle in (
            ("heatmap", canvas.set_heatmap),
            ("band", canvas.set_band),
            ("regions", canvas.set_regions),
            ("invert", canvas.set_inverted),
        ):
            actions[name].toggled.connect(toggle)
        canvas.view_changed.connect(self._show_state)

    @Slot(object)
    def follow(self, session: Session | None) -> None:
        """Another image is in view, or none."""
        self._session = session
        self._enable()
        self._panels.set_session(session)
        self._show_state()

    @Slot(bool)
    def set_away(self, away: bool) -> None:
        """Let the commands rest while another page is in front."""
        self._away = away
        self._enable()

    def _enable(self) -> None:
        session = None if self._away else self._session
        self._actions.enable(NEED_IMAGE, session is not None)
        self._actions["regions"].setEnabled(session is not None and bool(session.document.record.regions))

    @Slot()
    def _show_state(self) -> None:
        """Let the check marks follow the canvas."""
        actions, look = self._actions, self._canvas.look
        actions["invert"].setChecked(look.inverted)
        actions[f"colours_{look.heat.colours}"].setChecked(True)

    @Slot(object)
    def use_preset(self, preset: Preset) -> None:
        """Show a preset's grey values."""
        canvas = self._canvas
        if canvas.session is not None and canvas.pixels is not None:
            canvas.set_window(*preset.window(canvas.session.document.record, canvas.pixels))

    def _next_colours(self) -> None:
        names = list(HEAT_COLOURS)
        self._canvas.set_heat_colours(names[(names.index(self._canvas.look.heat.colours) + 1) % len(names)])

    # mask

    @property
    def mask_style(self) -> str:
        """How masks are drawn, as the two toggles say: outline, fill, both or hidden."""
        outline, fill = self._actions["outline"].isChecked(), self._actions["fill"].isChecked()
        return {(True, True): "both", (True, False): "outline", (False, True): "fill"}.get((outline, fill), "hidden")

    def set_mask_style(self, style: str) -> None:
        """Set the toggles and the canvas."""
        self._actions["outline"].setChecked(style in ("outline", "both"))
        self._actions["fill"].setChecked(style in ("fill", "both"))
        self._apply_mask_style()

    def _apply_mask_style(self) -> None:
        self._canvas.set_mask_style(self.mask_style)

    # panels

    def set_layout(self, layout: str) -> None:
        """Show the panels of one of LAYOUTS."""
        self._actions[layout].setChecked(True)
        self._panels.arrange(layout.removeprefix("layout_"))

    # settings

    def restore(self, chosen: Settings) -> None:
        """Show things as they were when the window was last closed."""
        self._actions["heatmap"].setChecked(chosen.heatmap)
        self._actions["band"].setChecked(chosen.band)
        self._actions["regions"].setChecked(chosen.regions)
        self.set_mask_style(chosen.mask_style)
        self._canvas.set_heatmap_opacity(chosen.heatmap_opacity)
        self._canvas.set_heat_threshold(chosen.heatmap_threshold)
        self._canvas.set_heat_colours(chosen.heatmap_colours)
        self._canvas.set_gamma(chosen.gamma)
        self.set_layout(f"layout_{chosen.panels}")

    def remembered(self, chosen: Settings) -> Settings:
        """The settings with what the reader has chosen here."""
        look = self._canvas.look
        return replace(
            chosen,
            mask_style=self.mask_style,
            heatmap=look.heat_on,
            band=look.band,
            regions=look.regions,
            heatmap_opacity=look.heat.opacity,
            heatmap_threshold=look.heat.threshold,
            heatmap_colours=look.heat.colours,
            gamma=look.gamma,
            panels=self._panels.layout_name,
        )
