"""Notices do not move the window under the mouse."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from busi_viewer.gui import theme
from busi_viewer.gui.calm import CALM_MS
from busi_viewer.gui.notices import Notices, Question


@pytest.fixture
def ground(qapp, qtbot):
    theme.apply(qapp, "dark")
    made = QWidget()
    made.notices = Notices()
    column = QVBoxLayout(made)
    column.addWidget(made.notices)
    column.addWidget(QWidget(), 1)
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    return made


def test_a_notice_that_comes_by_itself_waits_while_a_mouse_button_is_down(ground, qtbot):
    QTest.mousePress(ground.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 300))
    ground.notices.show_info("30 images analysed.")
    (notice,) = ground.notices.shown()
    qtbot.wait(2 * CALM_MS)
    assert notice.isHidden()
    QTest.mouseRelease(
        ground.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 300)
    )
    qtbot.waitUntil(notice.isVisible)


def test_a_notice_dismissed_before_it_was_seen_does_not_come(ground, qtbot):
    ground.notices.show_info("Saved")
    (notice,) = ground.notices.shown()
    notice.dismiss()
    ground.notices.show_info("Saved again")
    qtbot.waitUntil(lambda: ground.notices.shown()[0].isVisible())
    assert [each.title for each in ground.notices.shown()] == ["Saved again"]


def test_a_question_is_there_at_once(ground):
    ground.notices.ask(Question("Replace the outline?", "", (("Replace", lambda: None),)))
    assert ground.notices.shown()[0].isVisible()
