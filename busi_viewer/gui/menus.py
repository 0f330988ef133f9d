"""The menus: which commands stand where. The commands themselves are in ``actions``."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QMenuBar

from busi_viewer.gui.actions import (
    COLOURS,
    DICOM,
    DRAWING,
    FINDING,
    GROUPED,
    HEAT_CLASSES,
    HEAT_METHODS,
    LAYOUTS,
    MEASURING,
    PAGES,
    PAINTING,
    REFINING,
    SORTED,
    SPOKEN,
    VIEWING,
    Actions,
)
from busi_viewer.gui.language import tr
from busi_viewer.gui.presets import PRESETS

MENUS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "&File",
        (
            *("open", "open_folder", "recent:", ""),
            *(
                "report",
                "export_mask",
                "export_overlay",
                "export_panels",
                "export_measures",
                "dicom:",
                "deidentify",
                "",
            ),
            *("retry_failed", "clear_list", "", "quit"),
        ),
    ),
    (
        "&Edit",
        (
            "undo",
            "redo",
            "",
            "accept",
            "edit",
            "discard",
            "clear",
            "reset_to_ai",
            "",
            "copy_view",
            "",
            "leave",
            "",
            "search",
        ),
    ),
    (
        "&View",
        (
            *("layouts:", "", "outline", "fill", "band", "regions", "", "heatmap", "heat_class:", "heat:", ""),
            *("presets:", "reset_window", "gamma_up", "gamma_down", "invert", ""),
            *(
                "fit",
                "one_to_one",
                "zoom_in",
                "zoom_out",
                "orientation:",
                "",
                "privacy",
                "theme:",
                "language:",
                "reset_layout",
                "",
            ),
            *("worklist:", "next_case", "previous_case", "next_unreported", "next_flagged", "flag", ""),
            *("next_frame", "previous_frame", "play", "", *PAGES),
        ),
    ),
    (
        "&Tools",
        (
            *(*VIEWING, "", "measures:", "", *PAINTING, "grey_range", "", *DRAWING, "", *FINDING, ""),
            *(*REFINING, "apply", "", "reset_to_ai", "clear", "", "last_tool"),
        ),
    ),
    (
        "&Analyse",
        (
            "analyse",
            "analyse_frames",
            "analyse_selected",
            "analyse_all",
            "",
            "blind",
            "lock_reading",
            "",
            "pause",
            "cancel_all",
        ),
    ),
    (
        "&Report",
        (
            *("describe", "take_over", "preview", "sign", ""),
            *("report", "reports_many", "export_mask", "export_overlay", "export_panels", "export_measures", ""),
            *("dicom_set", *(f"dicom_{kind}" for kind, _, _ in DICOM)),
        ),
    ),
    ("&Help", ("help", "palette", "keys", "", "about")),
)

DISPLAY_MENU = (
    *(
        "layouts:",
        "",
        "presets:",
        "reset_window",
        "gamma_up",
        "gamma_down",
        "invert",
        "",
        "heat_class:",
        "heat:",
        "regions",
        "",
    ),
    *("turn_right", "turn_left", "flip_sideways", "flip_down", "as_stored"),
)
"""What the button above the canvas offers."""
HEAT_MENU = (*HEAT_CLASSES, "", "next_heat_class", "", *HEAT_METHODS)
SUBMENUS: dict[str, tuple[str, tuple[str, ...]]] = {
    "measures": ("Measure", (*MEASURING[:-1], "propose_callipers", "", "calibrate", "drop_calibration")),
    "heat_class": ("Heatmap class and method", HEAT_MENU),
    "layouts": ("Panels", LAYOUTS),
    "heat": ("Heatmap colours and threshold", (*COLOURS, "next_colours", "", "threshold_up", "threshold_down")),
    "presets": ("Window preset", tuple(preset.command for preset in PRESETS)),
    "orientation": ("Turn and flip", ("turn_right", "turn_left", "flip_sideways", "flip_down", "", "as_stored")),
    "dicom": ("Export DICOM", ("dicom_set", "", *(f"dicom_{kind}" for kind, _, _ in DICOM))),
    "theme": ("Theme", ("dark", "light")),
    "language": ("Language", SPOKEN),
    "worklist": ("Worklist", (*GROUPED, "", *SORTED, "", "fold", "unfold", "fold_all", "unfold_all")),
}


def fill_menu_bar(bar: QMenuBar, actions: Actions, made: dict[str, QMenu]) -> None:
    """Build the menus of MENUS; names ending in ``:`` are the menus already ``made``, else those of SUBMENUS."""
    for title, names in MENUS:
        fill_menu(bar.addMenu(tr(title)), names, actions, made)


def fill_menu(menu: QMenu, names: tuple[str, ...], actions: Actions, made: dict[str, QMenu]) -> None:
    """Add actions, separators ("") and submenus (``name:``) to a menu."""
    for name in names:
        if not name:
            menu.addSeparator()
        elif not name.endswith(":"):
            menu.addAction(actions[name])
        elif name[:-1] in made:
            menu.addMenu(made[name[:-1]])
        else:
            title, inner = SUBMENUS[name[:-1]]
            fill_menu(menu.addMenu(tr(title)), inner, actions, made)
