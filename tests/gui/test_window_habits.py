"""Habits: keys that can be changed, the layout that comes back, the view as a picture, and controls that say what they are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from window_kit import analyse_and_wait, open_and_wait, services, window, write_image

from busi_viewer import settings
from busi_viewer.gui.actions import BY_NAME, COMMANDS
from busi_viewer.gui.picture import LINE_HEIGHT, picture_of
from busi_viewer.gui.shortcuts import ShortcutsDialog


@pytest.fixture
def study(tmp_path):
    for i in range(2):
        write_image(tmp_path / "study" / f"MUSTERFRAU{i + 1}.png", seed=i)
    return tmp_path / "study"


def keys_of(made, name):
    return [key.toString() for key in made.actions_[name].shortcuts()]


def test_no_key_belongs_to_two_commands():
    held = {}
    for command in COMMANDS:
        for key in command.keys:
            assert QKeySequence(key).toString(), f"{key} is no key"
            assert held.setdefault(QKeySequence(key).toString(), command.name) == command.name


def test_a_key_is_changed_taken_from_its_owner_kept_and_reset(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        made.actions_["keys"].trigger()
        dialog = made.findChild(ShortcutsDialog)
        assert dialog.isVisible()
        assert not dialog.isModal()
        dialog.choose("flag")
        dialog.field.setKeySequence(QKeySequence("E"))
        assert "Edit outline" in dialog._conflict.text()
        dialog.assign.click()
        assert keys_of(made, "flag") == ["E"]
        assert keys_of(made, "edit") == []
        assert "(E)" in made.actions_["flag"].toolTip()
        dialog.choose("report")
        dialog.field.setKeySequence(QKeySequence("Ctrl+Shift+R"))
        dialog.add.click()
        assert keys_of(made, "report") == ["Ctrl+R", "Ctrl+Shift+R"]
        dialog.remove.click()
        assert keys_of(made, "report") == []
        assert made.toolbar._report._key.text() == ""
        dialog.search.setText("flag or")
        rows = [row for row in dialog._rows.values() if not row.isHidden()]
        assert [row.text(0) for row in rows] == ["Flag or unflag"]
        assert rows[0].text(1) == "E"
        dialog.close()
        open_and_wait(qtbot, made, study)
        made.activateWindow()
        qtbot.waitUntil(made.isActiveWindow, timeout=3000)
        qtbot.keyClick(made.worklist.view, Qt.Key.Key_E)
        qtbot.waitUntil(lambda: made.model.items[0].flagged, timeout=3000)
    kept = settings.load()
    assert kept.keys["flag"] == ("E",)
    with window(qtbot, qapp) as made:
        made.actions_.rebind(kept.keys)
        assert keys_of(made, "flag") == ["E"]
        made.actions_.rebind({"no such command": ("X",)})
        made.actions_["keys"].trigger()
        made.findChild(ShortcutsDialog).reset.click()
        assert made.actions_.changed_keys == {}
        assert all(made.actions_.keys(name) == command.keys for name, command in BY_NAME.items())


def test_layout_comes_back_and_is_reset(qtbot, qapp):
    from busi_viewer.gui.window import MainWindow

    with window(qtbot, qapp, size=(1300, 800)) as made:
        made.review.set_widths((300, 600, 400))
        made.actions_["layout_four"].trigger()
        section, own = made.window_layout._sections["Why"]
        section.set_open(not own)
        made._save()
    kept = settings.load()
    assert kept.geometry
    assert kept.folded == ("Why",)
    again = MainWindow(services(), kept)
    try:
        assert again.size() == made.size()
        assert again.review.widths[0] == 300
        assert again.window_layout._sections["Why"][0].is_open != own
        again.actions_["reset_layout"].trigger()
        assert again.review.widths[0] == 276
        assert again.window_layout._sections["Why"][0].is_open == own
        assert again.actions_["layout_one"].isChecked()
    finally:
        again.close()
        again.deleteLater()


def test_the_view_is_copied_with_its_line_and_without_the_files_name(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        assert not made.actions_["copy_view"].isEnabled()
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        assert made.canvas._bar.isVisible()
        made.actions_["copy_view"].trigger()
        copied = QGuiApplication.clipboard().image()
        panels = made.review.panels
        assert copied.height() == panels.height() + LINE_HEIGHT
        line = copied.copy(0, panels.height(), copied.width(), LINE_HEIGHT)
        assert len({line.pixel(x, y) for x in range(line.width()) for y in range(LINE_HEIGHT)}) > 3, "words are there"
        assert made.canvas._bar.isVisible(), "the proposal is still offered"
        first = picture_of(made.review)
        made.reading.session.document.record = renamed(made.reading.session.document.record)
        assert picture_of(made.review) == first, "another name changes nothing"
        data = made.pictures.mime()
        file = data.urls()[0].toLocalFile()
        assert file.endswith("view.png")
        assert "MUSTERFRAU" not in file
        made.pictures.close()
        assert not Path(file).exists()


def renamed(record):
    from dataclasses import replace

    return replace(record, path=record.path.with_name("someone else.png"))


CONTROLS = (
    *(QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractSlider),
    *(QAbstractItemView, QPlainTextEdit, QTextEdit),
)


def own_controls(made):
    """Every control a reader can meet, without the parts that Qt makes inside of others."""
    made.actions_["keys"].trigger()
    for kind in CONTROLS:
        for control in made.findChildren(kind):
            inside = isinstance(control.parent(), QComboBox | QAbstractSpinBox) or isinstance(
                control, QScrollBar | QHeaderView
            )
            internal = control.objectName().startswith("qt_") or "Private" in type(control).__name__
            owner = control.parent().metaObject().className() if control.parent() else ""
            inner = isinstance(control.parent(), QLineEdit)  # the clear button and icons that Qt puts into a field
            if (
                not inside
                and not internal
                and not inner
                and owner not in ("QComboBoxPrivateContainer", "QTableView", "QLineEdit")
            ):
                yield control


def described(control):
    parts = (type(control).__name__, control.objectName(), control.toolTip(), getattr(control, "text", str)())
    owners, parent = [], control.parent()
    while parent is not None:
        owners.append(type(parent).__name__)
        parent = parent.parent()
    return f"{parts} in {' < '.join(owners[:4])}"


def test_every_control_has_a_name_for_screen_readers_and_a_tool_tip(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.reading.session.accept()
        controls = list(dict.fromkeys(own_controls(made)))
        assert len(controls) > 60
        unnamed = [described(c) for c in controls if not (c.accessibleName() or getattr(c, "text", str)())]
        assert not unnamed, "\n".join(unnamed)
        silent = [described(c) for c in controls if not c.toolTip() and not isinstance(c, QAbstractItemView)]
        assert not silent, "\n".join(silent)
        assert all(action.toolTip() for action in made.actions())


def test_everything_fits_at_three_times_the_size(qtbot, qapp):
    """At 300 % on a 4K screen 1280 × 720 logical px are left: nothing is cut, no part overlaps another."""
    with window(qtbot, qapp, size=(1280, 720)) as made:
        made.pages.show_front(made.review)
        qapp.processEvents()
        assert made.width() <= 1280
        row = [w for w in made.toolbar.children() if isinstance(w, QWidget) and w.isVisible()]
        boxes = sorted((w.geometry() for w in row), key=lambda box: box.left())
        assert not any(a.intersects(b) for a, b in pairwise(boxes))
        assert boxes[-1].right() <= made.toolbar.width()
        assert np.all([box.width() > 0 for box in boxes])
