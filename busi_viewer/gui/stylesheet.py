"""The one style sheet, filled from the tokens. Sections are numbered; widgets are addressed by role, not by class name.

A widget's role is its dynamic property ``role`` (set with :func:`set_role`) or its object name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from busi_viewer.gui.theme import Tokens

_SHEET = """
/* 1 Ground */
QMainWindow, QDialog { background: @panel; }
QWidget { color: @text; font-size: 12px; }
QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 4px 6px; }
QLabel { background: transparent; }

/* 2 Menus */
QMenuBar { background: @bg; border: none; }
QMenuBar::item { padding: 6px 9px; margin: 0; background: transparent; color: @text; border-radius: 4px; }
QMenuBar::item:selected { background: @hover; }
QMenu { background: @raised; border: 1px solid @border; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 10px; border-radius: 3px; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @text_40; }
QMenu::separator { height: 1px; background: @line; margin: 4px 6px; }

/* 3 Bars */
#toolbar { background: @panel; border-top: 1px solid @line; border-bottom: 1px solid @line; }
#bottomRow { background: @bg; border-top: 1px solid @line; }
#canvasHeader, #toolOptions { background: @panel; border-bottom: 1px solid @line; }
#cineBar { background: @panel; border-top: 1px solid @line; }
#blindBar { background: @warn_bg; border-bottom: 1px solid @line; }
#worklist, #resultPanel { background: @panel; }
#worklistFoot, #batchFoot, #resultFoot { background: @panel; border-top: 1px solid @line; }
#worklistGroup { background: @bg; border-top: 1px solid @line; border-bottom: 1px solid @line; }
QFrame[role="rule"] { background: @line; border: none; }
QSplitter::handle { background: @line; }

/* 4 Buttons */
QPushButton { background: @raised; border: 1px solid @border; border-radius: 4px; padding: 0 10px; min-height: 26px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed, QPushButton:checked { background: @sel; border-color: @sel_line; }
QPushButton:disabled { color: @text_40; background: transparent; border-color: @line; }
QPushButton:focus { border: 2px solid @accent; padding: 0 9px; min-height: 24px; }
QPushButton[role="primary"] { background: @accent; border-color: @accent; color: @on_accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: @accent_hover; }
QPushButton[role="primary"]:disabled { background: @accent_40; border-color: transparent; color: @on_accent; }
QPushButton[role="primary"]:focus { border: 2px solid @text; }
QPushButton[role="outlined"] { border-color: @accent; }
QPushButton[role="outlined"]:disabled { border-color: @line; }
QPushButton[role="flat"], QToolButton[role="flat"] { background: transparent; border: 1px solid transparent; }
QPushButton[role="flat"]:hover, QToolButton[role="flat"]:hover { background: @hover; }
QPushButton[role="find"] { min-height: 20px; border-radius: 3px; }
QPushButton[role="link"] { background: transparent; border: none; color: @accent; padding: 0 2px; min-height: 18px; }
QPushButton[role="link"]:hover { text-decoration: underline; }
QPushButton[role="chip"] { background: transparent; min-height: 20px; padding: 0 7px; font-size: 11px; color: @text; }
QPushButton[role="chip"]:hover { background: @hover; }
QPushButton[role="chip"]:checked { background: @sel; border-color: @sel_line; font-weight: 500; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 0; }
QToolButton:hover { background: @hover; }
QToolButton:checked, QToolButton:pressed { background: @sel; border-color: @sel_line; }
QToolButton:checked:disabled { background: transparent; border-color: @line; }
QToolButton:focus { border: 2px solid @accent; }
QToolButton::menu-indicator, QPushButton::menu-indicator { image: none; width: 0; }
QToolButton[role="tab"] {
    border: none; border-top: 2px solid transparent; border-radius: 0; padding: 0 14px 1px 10px; color: @text2; text-align: left; }
QToolButton[role="tab"]:hover { color: @text; background: @hover; }
QToolButton[role="tab"]:checked { background: @panel; border-top-color: @accent; color: @text; font-weight: 600; }
QToolButton[role="tab"]:focus { border: 2px solid @accent; border-radius: 4px; padding: 0 12px 0 8px; }

/* 5 Fields */
QLineEdit, QComboBox, QAbstractSpinBox {
    background: @raised; border: 1px solid @border; border-radius: 3px; min-height: 26px; padding: 0 8px;
    selection-background-color: @sel_line; selection-color: @text; }
QLineEdit[role="plain"] { background: transparent; border: 1px solid transparent; min-height: 22px; padding: 0 4px; }
QLineEdit[role="plain"]:hover { border-color: @border; }
QLineEdit[role="plain"]:focus { background: @raised; border-color: @accent; }
#calliperRow { border: 1px solid transparent; border-radius: 3px; }
#calliperRow[role="chosen"] { background: @sel; border-color: @sel_line; }
#calliperRow:focus { border-color: @accent; }
QAbstractSpinBox { padding: 0; min-height: 26px; max-height: 26px; }
#toolOptions QAbstractSpinBox, #toolOptions QAbstractSpinBox:focus { min-height: 22px; max-height: 22px; }
#toolOptions QPushButton[role="chip"] { min-height: 22px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; height: 0; border: none; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {
    background: transparent; border: none; min-height: 0; padding: 0; }
QAbstractSpinBox:focus, QLineEdit:focus, QComboBox:focus { border: 1px solid @accent; }
QComboBox { padding-right: 22px; }
QComboBox:hover { background: @hover; }
QComboBox:disabled, QLineEdit:disabled, QAbstractSpinBox:disabled, QAbstractSpinBox QLineEdit:disabled {
    color: @text_40; background: transparent; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView {
    background: @raised; border: 1px solid @border; selection-background-color: @hover; selection-color: @text; outline: 0; }
QSlider::groove:horizontal { height: 3px; background: @border; border-radius: 1px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 1px; }
QSlider::sub-page:horizontal:disabled { background: @border; }
QSlider::handle:horizontal {
    width: 11px; height: 11px; margin: -4px 0; border-radius: 5px; background: @text; border: none; }
QSlider::handle:horizontal:hover { background: @accent; }
QSlider::handle:horizontal:disabled { background: @text3; }
QSlider::handle:horizontal:focus { background: @accent; }

/* 6 Lists and scroll bars */
QListView { background: @panel; border: none; outline: 0; }
QTreeView { background: @panel; border: 1px solid @line; border-radius: 3px; outline: 0; }
QTreeView::item { padding: 4px 2px; }
QTreeView::item:hover { background: @hover; }
QTreeView::item:selected { background: @sel; color: @text; }
QTreeView:focus { border-color: @accent; }
QListWidget { background: @bg; border: 1px solid @line; border-radius: 3px; }
QListWidget::item { padding: 5px 7px; }
QListWidget::item:hover { background: @hover; }
QListWidget::item:selected { background: @sel; color: @text; }
QListWidget:focus { border-color: @accent; }
QScrollArea, QScrollArea > QWidget > QWidget { background: @panel; border: none; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 1px; }
QScrollBar::handle:vertical { background: @border; border-radius: 3px; min-height: 28px; }
QScrollBar::handle:vertical:hover { background: @text3; }
QScrollBar:horizontal { background: transparent; height: 8px; margin: 1px; }
QScrollBar::handle:horizontal { background: @border; border-radius: 3px; min-width: 28px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QTableView { background: @panel; border: 1px solid @line; gridline-color: @line; }
QTableView { selection-background-color: @sel; selection-color: @text; outline: 0; }
QTableView::item { padding: 0 5px; border-bottom: 1px solid @line; }
QHeaderView, QTableCornerButton::section { background: @panel; border: none; }
QHeaderView::section { background: @panel; color: @text3; border: none; border-bottom: 1px solid @line; padding: 4px 8px; }
QPlainTextEdit, QTextBrowser { background: @bg; border: 1px solid @line; border-radius: 3px; color: @text2; font-size: 11px; }
QTextBrowser { color: @text; font-size: 13px; }

/* 7 Words */
QLabel[role="title"] { font-size: 13px; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="result"] { font-size: 20px; font-weight: 600; }
QLabel[role="body"] { font-size: 13px; }
QLabel[role="value"] { font-size: 13px; font-weight: 500; }
QLabel[role="dim"] { color: @text2; }
QLabel[role="caption"] { color: @text3; font-size: 11px; }
QLabel[role="quiet"] { color: @text3; }
QLabel[role="error"] { color: @error; }
QLabel[role="accent"] { color: @accent; font-weight: 600; }
QLabel[role="key"] { color: @text2; border: 1px solid @border; border-radius: 3px; font-size: 10px; padding: 0 4px; }
QLabel[role="keyOnAccent"] {
    color: @on_accent; border: 1px solid @on_accent_50; border-radius: 3px; font-size: 10px; padding: 0 4px; }
QLabel[role="textOnAccent"] { color: @on_accent; font-weight: 600; }
QLabel:disabled { color: @text_40; }
QLabel[role="textOnAccent"]:disabled, QLabel[role="keyOnAccent"]:disabled { color: @on_accent; }
QLabel[role="badge"] {
    color: @warn; border: 1px solid @warn; border-radius: 3px; font-size: 11px; font-weight: 600; padding: 1px 7px; }

/* 8 Cards and notices */
QFrame[role="card"] { background: @raised; border: 1px solid @border; border-radius: 6px; }
QFrame[role="drop"] { background: @panel; border: 1px dashed @text3; border-radius: 6px; }
QFrame[role="drop"][over="true"] { background: @sel; border-color: @accent; }
QFrame[role="warnBox"] { background: @warn_bg; border: none; border-radius: 4px; }
QFrame[role="infoBox"] { background: @raised; border: none; border-radius: 4px; }
QFrame[role="noticeError"] { background: @error_bg; border: none; border-bottom: 1px solid @error; }
QFrame[role="noticeInfo"] { background: @sel; border: none; border-bottom: 1px solid @sel_line; }
QFrame[role="noticeWarn"] { background: @warn_bg; border: none; border-bottom: 1px solid @warn; }
#welcome, #auditPage, #networkPage, #trainingPage, #modelsPage { background: @bg; }
QFrame[role="panel"] { background: @panel; border: 1px solid @line; border-radius: 6px; }
#surround, #canvasGround { background: #050607; }
#surround QLabel { color: #B4BBC4; }
#surround QLabel[role="body"] { color: #E7EAEE; }
#progressCard { background: #191C20; border: 1px solid #3A4149; border-radius: 6px; }
#progressCard QLabel { color: #E7EAEE; }
#progressCard QLabel[role="caption"] { color: #969FAA; }
QProgressBar { background: @hover; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
#progressCard QProgressBar { background: #2B3036; }
#progressCard QProgressBar::chunk { background: #4FC3AE; }
#progressCard QPushButton { background: #22262B; border: 1px solid #3A4149; color: #E7EAEE; }
"""


def style_sheet(t: Tokens) -> str:
    """The style sheet of a theme. Raises KeyError for a name that is no token."""
    values = {name: str(value) for name, value in vars(t).items()}
    values |= {
        "text_40": _translucent(t.text, 0.4),
        "accent_40": _translucent(t.accent, 0.5),
        "on_accent_50": _translucent(t.on_accent, 0.5),
        "accent_hover": _mix(t.accent, t.text, 0.12),
    }
    return re.sub(r"@(\w+)", lambda match: values[match[1]], _SHEET)


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget its role and restyle it, if it has another."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _channels(value: str) -> tuple[int, int, int]:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _translucent(value: str, alpha: float) -> str:
    red, green, blue = _channels(value)
    return f"rgba({red}, {green}, {blue}, {round(alpha * 255)})"


def _mix(a: str, b: str, share: float) -> str:
    mixed = (round(x + (y - x) * share) for x, y in zip(_channels(a), _channels(b), strict=True))
    return "#" + "".join(f"{v:02X}" for v in mixed)
