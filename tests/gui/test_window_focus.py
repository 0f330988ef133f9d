"""Where the keyboard goes when the part that has it is hidden."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.gui.canvas.proposal_bar import ProposalBar


def focus():
    QApplication.processEvents()
    return QApplication.focusWidget()


def test_the_keyboard_stays_with_the_image_when_a_part_that_has_it_goes(qtbot, qapp, tmp_path):
    write_image(tmp_path / "us.png")
    with window(qtbot, qapp) as made:
        made.activateWindow()
        open_and_wait(qtbot, made, tmp_path / "us.png")
        analyse_and_wait(qtbot, made)
        bar = made.canvas.findChild(ProposalBar)
        accept = bar.findChild(type(bar._buttons[0]), "primaryButton")
        QTest.mouseClick(accept, Qt.MouseButton.LeftButton)
        assert not bar.isVisible()
        assert focus() is made.canvas
        made.actions_["sign"].trigger()
        signature = made.result.sections.signature
        assert focus() is signature.name
        QTest.keyClicks(signature.name, "Dr. Example")
        QTest.keyClick(signature.name, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: not signature.name.isVisible())
        assert focus() is made.canvas


def test_a_page_that_comes_to_the_front_shows_no_focus_until_tab(qtbot, qapp):
    with window(qtbot, qapp) as made:
        made.activateWindow()
        for command, page in (("models_page", made.models), ("network_page", made.network)):
            made.actions_[command].trigger()
            assert focus() is page
            QTest.keyClick(page, Qt.Key.Key_Tab)
            assert page.isAncestorOf(focus())
