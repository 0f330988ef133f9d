"""Every command of the window: its words, keys and whether it can be used now. Menus, toolbar and F1 read this one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from busi_viewer.core.results import CLASSES, LESION, METHODS
from busi_viewer.gui.canvas.heat import COLOURS as HEAT_COLOURS
from busi_viewer.gui.language import LANGUAGES, said, tr
from busi_viewer.gui.presets import PRESETS

VIEWING = ("pointer", "window", "pan", "zoom")
MEASURING = ("length", "two_axis", "angle", "ellipse", "calibrate")
PAINTING, DRAWING, FINDING = ("brush", "eraser"), ("polygon", "freehand", "livewire"), ("flood", "segment")
REFINING = ("margin", "smooth", "holes", "islands", "split", "merge", "copy_ai")
THEMES, PAGES = ("dark", "light"), ("review_page", "training_page", "models_page", "audit_page", "network_page")
TOOLS = (*VIEWING, *MEASURING, *PAINTING, *DRAWING, *FINDING, *REFINING)
FROM_OUTLINE = "The longest axis of each lesion and the widest across it, to be moved as you like"
NEXT_START = "When the window is opened again"
SPOKEN = tuple(f"language_{code}" for code in LANGUAGES)
DISPLAY_ONLY = "Display only: masks, sizes and exports stay as they are"
COLOURS = tuple(f"colours_{name}" for name in HEAT_COLOURS)
GROUPINGS = (
    ("none", "No groups", "One flat list"),
    ("folder", "Group by folder", ""),
    ("dicom", "Group by patient, study and series", "As the DICOM headers state them"),
)
SORTS = (
    ("name", "Sort by name", ""),
    ("estimate", "Sort by estimate", "The gravest and surest first"),
    ("status", "Sort by status", "Failed and new ones first"),
    ("flagged", "Flagged first", ""),
    ("date", "Newest first", "By the date the header states, else by the file's"),
)
GROUPED, SORTED = tuple(f"group_{g[0]}" for g in GROUPINGS), tuple(f"sort_{s[0]}" for s in SORTS)
DICOM = (
    ("segmentation", "DICOM segmentation…", "Outlines of reader and AI, a segment each"),
    ("structured_report", "DICOM structured report…", "Sizes, words and estimates, with outlines"),
    ("presentation", "DICOM presentation state…", "Outlines and callipers for viewers to draw"),
    ("heatmap", "DICOM heatmap…", "The heatmap over the image, as a picture"),
    ("pdf", "DICOM PDF report…", "The report as a document of the study"),
)
HEAT_CLASSES = ("heat_predicted", *(f"heat_{name}" for name in (*CLASSES, LESION)))
HEAT_METHODS = tuple(f"heat_by_{i}" for i in range(len(METHODS)))
LAYOUTS = ("layout_one", "layout_sides", "layout_four")


@dataclass(frozen=True)
class Command:
    """One row of the table. ``keys`` as QKeySequence reads them."""

    name: str
    text: str
    keys: tuple[str, ...] = ()
    group: str = ""
    checkable: bool = False
    tip: str = ""


COMMANDS = (
    Command("open", "Open files…", ("Ctrl+O",), "File"),
    Command("open_folder", "Open folder…", ("Ctrl+Shift+O",), "File"),
    Command("report", "Export PDF report…", ("Ctrl+R",), "File"),
    Command(
        "preview", "Preview report", ("Ctrl+P",), "Report", tip="The pages as they will be, in a window of their own"
    ),
    Command(
        "reports_many",
        "Export reports of selected images…",
        ("Ctrl+Alt+R",),
        "Report",
        tip="All listed if only one is selected",
    ),
    Command("export_mask", "Export mask PNG…", ("Ctrl+M",), "File"),
    Command(
        "export_overlay", "Export overlay PNG…", ("Ctrl+Shift+M",), "File", tip="The image with outlines and callipers"
    ),
    Command("export_panels", "Export four-panel figure…", (), "File", tip="Image, mask, heatmap and overlay as PNG"),
    Command(
        "export_measures",
        "Export measurements…",
        ("Ctrl+Alt+M",),
        "File",
        tip="Callipers, sizes and findings as CSV or JSON",
    ),
    Command("retry_failed", "Retry failed images", (), "File", tip="Opens and analyses them again"),
    Command(
        "dicom_set", "Export DICOM set…", ("Ctrl+Shift+E",), "File", tip="Segmentation, report, state, heatmap, PDF"
    ),
    *(Command(f"dicom_{kind}", words, (), "File", tip=tip) for kind, words, tip in DICOM),
    Command(
        "deidentify",
        "Export de-identified…",
        (),
        "File",
        tip="DICOM without the patients, to share; all listed if only one is selected",
    ),
    Command("clear_list", "Clear worklist", (), "File", tip="Images with work that is not kept stay"),
    Command("quit", "Quit", ("Ctrl+Q",), "File"),
    Command("undo", "Undo", ("Ctrl+Z",), "Edit"),
    Command("redo", "Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "Edit"),
    Command("accept", "Accept or commit outline", ("Return", "Enter"), "Edit"),
    Command("edit", "Edit outline", ("E",), "Edit"),
    Command("discard", "Discard proposal", ("Del",), "Edit"),
    Command("leave", "Leave tool, cancel", ("Esc",), "Edit"),
    Command("clear", "Clear outline", ("Ctrl+Del",), "Edit"),
    Command(
        "reset_to_ai", "Reset to AI outline", ("Shift+C",), "Edit", tip="Drops what the reader has drawn; can be undone"
    ),
    Command("copy_view", "Copy view", ("Ctrl+C",), "Edit", tip="As a picture; drag the button to take it out as a PNG"),
    Command("search", "Search worklist", ("Ctrl+F",), "Edit"),
    Command("pointer", "Pointer", (), "Tools", True),
    Command("window", "Window and level", ("W",), "Tools", True),
    Command("pan", "Pan", ("T",), "Tools", True),
    Command("zoom", "Zoom", ("Z",), "Tools", True),
    Command("brush", "Brush", ("B", "1"), "Tools", True),
    Command("eraser", "Eraser", ("2",), "Tools", True),
    Command("polygon", "Polygon", ("P", "3"), "Tools", True),
    Command("freehand", "Freehand", ("4",), "Tools", True),
    Command("livewire", "Livewire", ("L", "5"), "Tools", True, "Clings to edges"),
    Command("flood", "Flood fill", ("6",), "Tools", True),
    Command("segment", "Segment", ("G", "7"), "Tools", True, "Finds a lesion from a box or scribbles"),
    Command("margin", "Grow and shrink", ("8",), "Tools", True),
    Command("smooth", "Smooth", ("9",), "Tools", True),
    Command("holes", "Fill holes", ("J",), "Tools", True),
    Command("islands", "Islands", ("N",), "Tools", True, "Keep the largest, remove small ones"),
    Command("split", "Split lesion", ("S",), "Tools", True),
    Command("merge", "Merge lesions", ("M",), "Tools", True),
    Command("copy_ai", "Copy from AI", ("C",), "Tools", True),
    Command("apply", "Apply tool to all lesions", ("Shift+Return", "Shift+Enter"), "Tools"),
    Command("grey_range", "Paint only in the grey range", ("I",), "Tools", True),
    Command("last_tool", "Switch between the last two tools", ("Space",), "Tools"),
    Command("length", "Length", ("D",), "Measure", True, "Distance between two places"),
    Command("two_axis", "Two axes", ("X",), "Measure", True, "Long axis, and the one across it"),
    Command("angle", "Angle", ("Shift+D",), "Measure", True),
    Command("ellipse", "Ellipse", ("Shift+X",), "Measure", True, "Axes, circumference and area"),
    Command(
        "calibrate", "Calibrate", ("Alt+D",), "Measure", True, "Draw a known length, where the file states no scale"
    ),
    Command("propose_callipers", "Callipers from outline", ("Ctrl+Shift+D",), "Measure", tip=FROM_OUTLINE),
    Command("drop_calibration", "Remove reader's calibration", (), "Measure"),
    Command("outline", "Outline", ("O",), "View", True),
    Command("fill", "Fill", ("Shift+O",), "View", True),
    Command("heatmap", "Heatmap", ("H",), "View", True),
    Command(
        "band", "Uncertainty band", ("U",), "View", True, "Where the true boundary may run; goes with the first edit"
    ),
    Command("invert", "Invert grey values", ("Shift+I",), "View", True),
    *(Command(p.command, f"Window: {p.name}", (f"Alt+{i}",), "View", tip=p.tip) for i, p in enumerate(PRESETS, 1)),
    Command("reset_window", "Reset window, level and gamma", ("Shift+W",), "View"),
    Command("gamma_up", "Brighten middle greys", (".",), "View", tip="Raises gamma"),
    Command("gamma_down", "Darken middle greys", (",",), "View", tip="Lowers gamma"),
    Command("fit", "Fit image to window", ("Ctrl+0",), "View"),
    Command("one_to_one", "One image pixel to one screen pixel", ("Ctrl+1",), "View"),
    Command("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+="), "View"),
    Command("zoom_out", "Zoom out", ("Ctrl+-",), "View"),
    Command("turn_right", "Turn right 90°", ("R",), "View", tip=DISPLAY_ONLY),
    Command("turn_left", "Turn left 90°", ("Shift+R",), "View", tip=DISPLAY_ONLY),
    Command("flip_sideways", "Flip left to right", ("Y",), "View", tip=DISPLAY_ONLY),
    Command("flip_down", "Flip top to bottom", ("Shift+Y",), "View", tip=DISPLAY_ONLY),
    Command("as_stored", "Show as stored", ("Ctrl+Shift+R",), "View", tip="Neither turned nor flipped"),
    Command("threshold_up", "Raise heatmap threshold", ("Ctrl+.",), "View", tip="Draws less of the heat"),
    Command("threshold_down", "Lower heatmap threshold", ("Ctrl+,",), "View", tip="Draws more of the heat"),
    Command("next_colours", "Next heatmap colours", ("Shift+H",), "View"),
    *(Command(f"colours_{name}", words, (), "View", True) for name, words in HEAT_COLOURS.items()),
    Command("heat_predicted", "Heat of the most probable class", (), "View", True),
    *(Command(f"heat_{name}", f"Heat of the class {name}", (), "View", True) for name in CLASSES),
    Command("heat_lesion", "Heat of the outline", (), "View", True, "What the outline rests on, not the class"),
    Command("next_heat_class", "Next class of the heatmap", ("Ctrl+H",), "View"),
    *(
        Command(name, f"Heat by {method}", (), "View", True, "" if i == 0 else "Slower: runs the network again")
        for i, (name, method) in enumerate(zip(HEAT_METHODS, METHODS, strict=True))
    ),
    Command(
        "regions", "Acquisition regions", ("Ctrl+D",), "View", True, "Outlines and scales that the DICOM file states"
    ),
    Command("layout_one", "One panel", ("F2",), "View", True),
    Command("layout_sides", "AI and reader side by side", ("F3",), "View", True),
    Command("layout_four", "Four panels", ("F4",), "View", True, "Image, mask, heatmap, overlay"),
    Command("review_page", "Review", ("F5",), "View", True),
    Command("training_page", "Training", ("F8",), "View", True, "From data to a model in use"),
    Command("models_page", "Models", ("F9",), "View", True, "What is installed, and which one is used"),
    Command("audit_page", "Audit log", ("F6",), "View", True, "Who did what, and whether the record is intact"),
    Command("network_page", "Network", ("F7",), "View", True, "Send to and receive from other DICOM applications"),
    Command(
        "privacy",
        "Privacy mode",
        ("Ctrl+Shift+P",),
        "View",
        True,
        "Numbers in place of the names of files and patients",
    ),
    Command("reset_layout", "Reset layout", (), "View", tip="Window, widths, panels and sections as at the beginning"),
    *(Command(f"language_{code}", words, (), "View", True, NEXT_START) for code, words in LANGUAGES.items()),
    Command("dark", "Dark", (), "View", True),
    Command("light", "Light", (), "View", True),
    *(Command(f"group_{name}", words, (), "Worklist", True, tip) for name, words, tip in GROUPINGS),
    *(Command(f"sort_{name}", words, (), "Worklist", True, tip) for name, words, tip in SORTS),
    Command("fold", "Fold group", ("Ctrl+Left",), "Worklist"),
    Command("unfold", "Open group", ("Ctrl+Right",), "Worklist"),
    Command("fold_all", "Fold all groups", (), "Worklist"),
    Command("unfold_all", "Open all groups", (), "Worklist"),
    Command("analyse", "Analyse image", ("A",), "Analyse"),
    Command("analyse_frames", "Analyse every frame", ("Shift+A",), "Analyse"),
    Command("analyse_all", "Analyse all images", ("Ctrl+Shift+A",), "Analyse"),
    Command("analyse_selected", "Analyse selected images", ("Ctrl+Alt+A",), "Analyse"),
    Command(
        "blind", "Read blind", ("Ctrl+Alt+B",), "Analyse", True, "AI is hidden until you have locked your own reading"
    ),
    Command("lock_reading", "Lock my reading", ("Ctrl+L",), "Analyse", tip="Keeps it as it is and shows what AI says"),
    Command("pause", "Pause or resume", (), "Analyse"),
    Command("cancel_all", "Cancel all analyses", (), "Analyse"),
    Command("next_case", "Next image", ("Down",), "Go"),
    Command("previous_case", "Previous image", ("Up",), "Go"),
    Command("next_unreported", "Next image not reported", ("Ctrl+Down", "Ctrl+Return"), "Go"),
    Command("next_flagged", "Next flagged image", ("Shift+F",), "Go"),
    Command("flag", "Flag or unflag", ("F",), "Go", tip="The image in view, or all selected ones"),
    Command("next_frame", "Next frame", ("Right",), "Go"),
    Command("previous_frame", "Previous frame", ("Left",), "Go"),
    Command("play", "Play or pause the frames", ("K",), "Go"),
    Command("describe", "Go to the findings", ("Ctrl+B",), "Report", tip="Up and down go from field to field"),
    Command("take_over", "Take over all proposals", ("Ctrl+Shift+B",), "Report", tip="Where nothing is said yet"),
    Command("sign", "Sign report", ("Ctrl+Shift+S",), "Report", tip="Asks before it signs"),
    Command("help", "Contents", ("Shift+F1",), "Help", tip="How everything is done, with pictures"),
    Command("palette", "Search commands…", ("Ctrl+K",), "Help", tip="Finds any command by its name and runs it"),
    Command("keys", "Keyboard shortcuts", ("F1",), "Help", tip="Lists them, and changes them"),
    Command("about", "About", (), "Help"),
)

_CHOICES = (TOOLS, THEMES, COLOURS, HEAT_CLASSES, HEAT_METHODS, LAYOUTS, PAGES, GROUPED, SORTED, SPOKEN)
"""Of each of these one is chosen."""


BY_NAME = {command.name: command for command in COMMANDS}


class Actions(QObject):
    """The QActions by name: ``actions["undo"]``."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._by_name: dict[str, QAction] = {}
        self._changed: dict[str, tuple[str, ...]] = {}
        for command in COMMANDS:
            action = QAction(said(command.text), window)
            action.setObjectName(command.name)
            action.setCheckable(command.checkable)
            window.addAction(action)
            self._by_name[command.name] = action
            self._bind(command)
        self._groups = [self._exclusive(window, names) for names in _CHOICES]

    def __getitem__(self, name: str) -> QAction:
        return self._by_name[name]

    # keys

    def keys(self, name: str) -> tuple[str, ...]:
        """The shortcuts of a command, as they are now."""
        return self._changed.get(name, BY_NAME[name].keys)

    @property
    def changed_keys(self) -> Mapping[str, tuple[str, ...]]:
        """The shortcuts that the reader has changed, by command."""
        return dict(self._changed)

    def owner(self, key: str) -> str | None:
        """The command that a key belongs to now, or None."""
        wanted = QKeySequence(key)
        held = (name for name in self._by_name if any(QKeySequence(own) == wanted for own in self.keys(name)))
        return next(held, None)

    def rebind(self, changes: Mapping[str, tuple[str, ...]]) -> None:
        """Give commands other shortcuts; a key given to one is taken from any other. Unknown commands are left out."""
        for name, keys in changes.items():
            if name not in BY_NAME:
                continue
            for key in keys:
                other = self.owner(key)
                if other is not None and other != name:
                    self._set(other, tuple(own for own in self.keys(other) if QKeySequence(own) != QKeySequence(key)))
            self._set(name, tuple(keys))

    def reset_keys(self) -> None:
        """Give every command its own shortcuts back."""
        for name in list(self._changed):
            self._set(name, BY_NAME[name].keys)

    def _set(self, name: str, keys: tuple[str, ...]) -> None:
        if keys == BY_NAME[name].keys:
            self._changed.pop(name, None)
        else:
            self._changed[name] = keys
        self._bind(BY_NAME[name])

    def _bind(self, command: Command) -> None:
        action, keys = self._by_name[command.name], self.keys(command.name)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setToolTip(_tip(command, keys))

    def enable(self, names: tuple[str, ...], enabled: bool) -> None:
        """Enable or disable several."""
        for name in names:
            self._by_name[name].setEnabled(enabled)

    def _exclusive(self, window: QWidget, names: tuple[str, ...]) -> QActionGroup:
        group = QActionGroup(window)
        for name in names:
            group.addAction(self._by_name[name])
        return group


def keys_in_words(keys: Iterable[str]) -> str:
    """Shortcuts as the platform writes them."""
    return ", ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys)


def _tip(command: Command, keys: Iterable[str]) -> str:
    keyed, words = keys_in_words(keys), said(command.text).rstrip("…")
    return " · ".join(part for part in (f"{words} ({keyed})" if keyed else words, tr(command.tip)) if part)
