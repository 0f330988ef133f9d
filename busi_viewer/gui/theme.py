"""Design tokens, dark and light, and how they reach the application: palette, fonts, style sheet.

Widgets that paint themselves ask :func:`tokens` at paint time and repaint on ``QEvent.StyleChange``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from busi_viewer import paths
from busi_viewer.gui.stylesheet import style_sheet


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme as ``#RRGGBB``."""

    name: str
    bg: str
    panel: str
    raised: str
    hover: str
    sel: str
    sel_line: str
    line: str
    border: str
    warn_bg: str
    error_bg: str
    text: str
    text2: str
    text3: str
    accent: str
    on_accent: str
    normal: str
    benign: str
    malignant: str
    warn: str
    error: str

    def of_class(self, name: str) -> str:
        """The colour of a class: normal, benign or malignant."""
        return {"normal": self.normal, "benign": self.benign, "malignant": self.malignant}[name]


DARK = Tokens(
    name="dark",
    bg="#121417",
    panel="#191C20",
    raised="#22262B",
    hover="#2B3036",
    sel="#1D3633",
    sel_line="#2F6E63",
    line="#2A2F35",
    border="#3A4149",
    warn_bg="#2C2817",
    error_bg="#331D1D",
    text="#E7EAEE",
    text2="#B4BBC4",
    text3="#969FAA",
    accent="#4FC3AE",
    on_accent="#06231E",
    normal="#B9C1CB",
    benign="#62B0F4",
    malignant="#F59B4C",
    warn="#EBCB5E",
    error="#FA8B85",
)
LIGHT = Tokens(
    name="light",
    bg="#ECEEF1",
    panel="#FAFBFC",
    raised="#FFFFFF",
    hover="#E3E6EA",
    sel="#DCEDE9",
    sel_line="#7DB5AA",
    line="#D9DDE2",
    border="#C3C9D0",
    warn_bg="#FBF3D9",
    error_bg="#FBE9E7",
    text="#171B20",
    text2="#434C57",
    text3="#5A6470",
    accent="#0A6B5C",
    on_accent="#FFFFFF",
    normal="#525C68",
    benign="#1B66AD",
    malignant="#A34A06",
    warn="#765700",
    error="#B0203A",
)

SURROUND = "#050607"
LESION_COLOURS = ("#4CD7F6", "#F58BD0", "#C3E66B")
CAPTION, CONTROL, BODY, RESULT = 11, 12, 13, 20
"""Font sizes in px."""

_current = DARK


def tokens() -> Tokens:
    """The tokens of the theme in force."""
    return _current


def colour(value: str, alpha: float = 1.0) -> QColor:
    """A token as a QColor with ``alpha`` in [0, 1]."""
    made = QColor(value)
    made.setAlphaF(alpha)
    return made


def font(size: int = CONTROL, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The interface font with tabular figures; ``size`` in px."""
    made = QFont(QApplication.font())
    made.setPixelSize(size)
    made.setWeight(weight)
    return made


def load_fonts() -> str:
    """Register the bundled fonts and return the interface's family; the system's own family where none is bundled."""
    family = ""
    for path in sorted(paths.resource("fonts").glob("*.ttf")):
        number = QFontDatabase.addApplicationFont(str(path))
        families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
        if any(name.startswith("Inter") for name in families):
            family = "Inter"
    return family


def install(app: QApplication) -> None:
    """Set the base style and the interface font; call once, before :func:`apply`."""
    app.setStyle("Fusion")
    made = QFont(app.font())
    family = load_fonts()
    if family:
        made.setFamilies([family])
    made.setPixelSize(CONTROL)
    made.setFeature(QFont.Tag("tnum"), 1)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(made)


def apply(app: QApplication, name: str) -> Tokens:
    """Put the theme ``dark`` or ``light`` in force, at once and for every window."""
    global _current
    _current = {"dark": DARK, "light": LIGHT}[name]
    app.setPalette(_palette(_current))
    app.setStyleSheet(style_sheet(_current))
    return _current


@contextmanager
def unstyled() -> Iterator[None]:
    """For putting a window together: a style sheet in force would be worked out anew for every part at each level of it."""
    app = QApplication.instance()
    sheet = app.styleSheet() if isinstance(app, QApplication) else ""
    if sheet and isinstance(app, QApplication):
        app.setStyleSheet("")
    try:
        yield
    finally:
        if sheet and isinstance(app, QApplication):
            app.setStyleSheet(sheet)


def _palette(t: Tokens) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, value in (
        (roles.Window, t.panel),
        (roles.WindowText, t.text),
        (roles.Base, t.raised),
        (roles.AlternateBase, t.panel),
        (roles.Text, t.text),
        (roles.Button, t.raised),
        (roles.ButtonText, t.text),
        (roles.ToolTipBase, t.raised),
        (roles.ToolTipText, t.text),
        (roles.Highlight, t.sel),
        (roles.HighlightedText, t.text),
        (roles.PlaceholderText, t.text3),
        (roles.Link, t.accent),
        (roles.Mid, t.line),
        (roles.Dark, t.line),
        (roles.Light, t.hover),
    ):
        palette.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, colour(t.text, 0.4))
    return palette
