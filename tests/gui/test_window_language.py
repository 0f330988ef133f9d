"""The real window in a language that lengthens and accents every text: what is left of plain English was not translated."""

from __future__ import annotations

import re

import pytest
from gui.language_kit import PLACE
from gui.window_kit import analyse_and_wait, open_and_wait, window, write_image
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QTableWidget,
    QTreeWidget,
    QWidget,
)

from busi_viewer.gui import language
from busi_viewer.gui.controls import KeyButton
from busi_viewer.gui.help_window import HelpWindow

PLAIN, ACCENTED = "aceinosuyACEINOSUYdglrtzLTZ", "áçéíñóšúýÁÇÉÍÑÓŠÚÝďğłřťžŁŤŽ"
NAMES = re.compile(
    r"busi_viewer|threshold|dark|BUSIVIEWER|SHA|DICOM|System|English|Deutsch|Ctrl|Shift|Alt|Return|Enter|Space|Del|Esc|Left|Right|"
    r"Down|Up|F\d+|CPU|HOST|PORT|Bi|AI|AP|abab|PNG|png|mm|px|cm|span|style|color|nbsp|\b[0-9a-f]{2,}\b"
)
"""Names, units and keys, which are not translated."""


def pseudo(text):
    """Accented and half as long again, places left as they are; the same a second time."""
    if "ẋ" in text or not re.search(r"[^\W\d_]{2,}", PLACE.sub("", text)):
        return text
    parts = re.split(r"(\{[^{}]*\})", text)
    table = str.maketrans(PLAIN, ACCENTED)
    accented = "".join(part if part.startswith("{") else part.translate(table) for part in parts)
    return accented + "ẋ" * max(1, len(PLACE.sub("", text)) // 4)


@pytest.fixture
def pseudo_locale():
    language.use(language.Language("en", {}, pseudo))
    yield
    language.use(language.Language("en", {}))


def texts_of(widget):
    """Everything a widget shows or says."""
    found = [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription(), widget.windowTitle()]
    if isinstance(widget, QLabel | QAbstractButton):
        found.append(widget.text())
    elif isinstance(widget, QComboBox):
        found += [widget.itemText(i) for i in range(widget.count())]
    elif isinstance(widget, QLineEdit):
        found.append(widget.placeholderText())
    elif isinstance(widget, QTreeWidget):
        root = widget.invisibleRootItem()
        groups = [root.child(i) for i in range(root.childCount())]
        rows = [group.child(i) for group in groups for i in range(group.childCount())]
        found += [row.text(0) for row in (*groups, *rows)]
    elif isinstance(widget, QTableWidget):
        found += [widget.horizontalHeaderItem(i).text() for i in range(widget.columnCount())]
    elif isinstance(widget, QMenu):
        found.append(widget.title())
    for action in widget.actions():
        found += [action.text(), action.toolTip()]
    return [text for text in found if text]


def untranslated(text):
    """The plain words left in a text: letters that an accent would have changed, three or more in a row."""
    left = NAMES.sub("", re.sub(r"/\S+", "", text).replace("&", ""))
    return [word for word in re.findall(r"[A-Za-z]{3,}", left) if set(word) & set(PLAIN)]


def test_no_text_of_the_window_is_left_untranslated(qtbot, qapp, tmp_path, pseudo_locale):
    image = write_image(tmp_path / "dark.png")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, image)
        analyse_and_wait(qtbot, made)
        qtbot.wait(400)
        made.actions_["keys"].trigger()
        made.actions_["help"].trigger()
        made.commands.set_tool("brush")
        made.actions_["accept"].trigger()
        made.actions_["propose_callipers"].trigger()
        qtbot.wait(300)
        pages = {id(part) for help_ in made.findChildren(HelpWindow) for part in help_.findChildren(QListWidget)}
        left = {}
        for widget in (made, *made.findChildren(QWidget)):
            if widget.objectName().startswith("qt_"):  # a part of Qt's own, with Qt's own words
                continue
            if id(widget) in pages or tmp_path.name in "".join(texts_of(widget)):
                continue
            for text in texts_of(widget):
                if untranslated(text):
                    left[text] = type(widget).__name__
        assert left == {}


def test_nothing_is_cut_in_the_main_panels_when_texts_are_longer(qtbot, qapp, tmp_path, pseudo_locale):
    image = write_image(tmp_path / "dark.png")
    with window(qtbot, qapp) as made:
        made.resize(1600, 960)
        open_and_wait(qtbot, made, image)
        analyse_and_wait(qtbot, made)
        qtbot.wait(400)
        cut = {}
        for panel in (made.toolbar, made.worklist, made.result, made.bottom, made.review.header):
            for label in panel.findChildren(QLabel):
                if (
                    not label.isVisible()
                    or not label.text()
                    or label.wordWrap()
                    or label.textFormat() == Qt.TextFormat.RichText
                ):
                    continue
                wide = QFontMetrics(label.font()).horizontalAdvance(label.text())
                if wide > label.width() + 1:
                    cut[label.text()] = (wide, label.width())
            for button in panel.findChildren(KeyButton):
                if button.isVisible() and button.width() < button.sizeHint().width():
                    cut[button.accessibleName()] = (button.sizeHint().width(), button.width())
        assert cut == {}
