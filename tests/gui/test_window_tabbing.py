"""Tab through the real window: every control is reached, in the order it is laid out, has a name, and shows where it is."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QToolButton, QWidget
from window_kit import analyse_and_wait, open_and_wait, window, write_image

SEEN_FROM, SEEN_BY = 8, 40
"""A mark of the focus: so many pixels differ, one of them by so much of 255 in a channel."""


def picture(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].astype(int)


def shows(focused, without):
    """Whether two pictures of a widget differ for an eye."""
    if focused.shape != without.shape:
        return True
    changed = np.abs(focused - without)
    return int((changed > 0).any(axis=-1).sum()) and int((changed >= SEEN_BY).sum()) >= SEEN_FROM


def tabbed(made):
    """The controls that Tab comes to, from the canvas round to it, and those whose focus cannot be seen."""
    stops, unseen = [], []
    made.canvas.clearFocus()
    made.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    while (control := QApplication.focusWidget()) not in stops:
        assert len(stops) < 300, "Tab goes round somewhere"
        focused = picture(control)
        stops.append(control)
        QTest.keyClick(control, Qt.Key.Key_Tab)
        QApplication.processEvents()
        if not shows(focused, picture(control)):
            unseen.append(control.accessibleName())
    return stops, unseen


def wanted(made):
    """The controls in view that the keyboard must be able to come to; of buttons that exclude each other one is enough."""
    return [
        part
        for part in made.findChildren(QWidget)
        if part.isVisible()
        and part.isEnabled()
        and part.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (isinstance(part, QToolButton) and part.autoExclusive() and not part.isChecked())
        and not isinstance(part.parent(), QAbstractSpinBox)  # its field is where the box itself gets the keyboard
    ]


@pytest.mark.parametrize("name", ["dark", "light"])
def test_tab_comes_to_every_control_in_order_and_can_be_followed(qtbot, qapp, tmp_path, name):
    for i in range(2):
        write_image(tmp_path / "study" / f"us{i}.png", seed=i)
    with window(qtbot, qapp) as made:
        made.actions_[name].trigger()
        made.resize(1600, 1000)
        open_and_wait(qtbot, made, tmp_path / "study")
        analyse_and_wait(qtbot, made)
        for command in ("accept", "propose_callipers", "brush"):
            made.actions_[command].trigger()
        made.notices.show_info("Saved", "here", ("Open", lambda: None), stays=True)
        qtbot.wait(300)  # descriptors are proposed
        made.activateWindow()
        stops, unseen = tabbed(made)
        assert unseen == []
        assert [
            (type(part).__name__, part.accessibleName(), part.parent()) for part in wanted(made) if part not in stops
        ] == []
        assert [type(part).__name__ for part in stops if not part.accessibleName()] == []
        areas = (
            made.canvas,
            made.result,
            made.review.foot,
            made.bottom,
            made.menuBar(),
            made.toolbar,
            made.notices,
            made.worklist,
            made.review.header,
        )
        areas += (made.review.options,)
        order = [next(area for area in areas if area is stop or area.isAncestorOf(stop)) for stop in stops]
        assert list(dict.fromkeys(order)) == list(areas)
        assert all(order.index(area) + order.count(area) - 1 == _last(order, area) for area in areas), "areas in one go"
        down = [part.mapTo(made, part.rect().topLeft()).y() for part in stops if made.result.isAncestorOf(part)]
        headers = [part.accessibleName() for part in stops if type(part).__name__ == "_Header"]
        assert headers.index("Lesion 1") < headers.index("Callipers") < headers.index("Location")
        assert len(down) > 30


def _last(order, area):
    return len(order) - 1 - order[::-1].index(area)
