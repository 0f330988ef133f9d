"""The worklist's commands in a real window: flags that stay, trying again, groups from headers, the next image to read."""

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget
from window_kit import open_and_wait, window, write_image


@pytest.fixture
def study(tmp_path):
    for i in range(4):
        write_image(tmp_path / "study" / f"us{i + 1}.png", seed=i)
    return tmp_path / "study"


def flags(made):
    return [item.name for item in made.model.items if item.flagged]


def test_flags_survive_a_restart_of_the_one_in_view_and_of_selected_ones(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["flag"].trigger()
        model = made.worklist.view.selectionModel()
        for row in (2, 3):
            model.select(made.worklist.shown.index(row), model.SelectionFlag.Select)
        made.actions_["flag"].trigger()
        assert flags(made) == ["us1", "us3", "us4"]
        made.worklist.select(study / "us4.png")
        made.actions_["flag"].trigger()
        assert flags(made) == ["us1", "us3"]
        made.actions_["next_flagged"].trigger()
        assert made.worklist.current() == study / "us1.png"
        qtbot.waitUntil(lambda: kept(made, study) == ["us1", "us3"], timeout=8000)
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        qtbot.waitUntil(lambda: flags(made) == ["us1", "us3"], timeout=8000)
        assert made.model.counts()["Flagged"] == 2
        made.actions_["flag"].trigger()
        assert flags(made) == ["us3"]
        made.worklist.select(study / "us3.png")
        qtbot.waitUntil(lambda: made.reading.path == study / "us3.png" and made.reading.session is not None)
        assert flags(made) == ["us3"]


def kept(made, study):
    states = made.keeping._store.image_states(sorted(study.iterdir()))
    return sorted(path.stem for path, state in states.items() if state.flagged)


class Painted(QObject):
    """Notes which widgets are painted, and how much of them, until the canvas is."""

    def __init__(self, made):
        super().__init__()
        self.made, self.areas, self.done = made, {}, False

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not self.done and isinstance(watched, QWidget):
            box = event.region().boundingRect()
            self.areas[watched] = box.width() * box.height()
            self.done = watched is self.made.canvas._view.viewport()
        return False


def test_the_next_image_paints_anew_only_what_changes(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        for name in ("us2", "us3", "us2", "us1"):
            made.worklist.select(study / f"{name}.png")
            qtbot.waitUntil(lambda: made.reading.session is not None)
            qtbot.wait(200)
        seen = Painted(made)
        qapp.installEventFilter(seen)
        made.worklist.go_next()
        qtbot.waitUntil(lambda: seen.done)
        qapp.removeEventFilter(seen)
        assert made.canvas.session.document.record.path == study / "us2.png"
        assert made.result not in seen.areas
        rows = made.worklist.view.viewport()
        assert 0 < seen.areas[rows] < 0.6 * rows.width() * rows.height()


def test_a_failed_file_says_why_and_can_be_tried_again(qtbot, qapp, study):
    whole = (study / "us2.png").read_bytes()
    (study / "us2.png").write_bytes(whole[:100])
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        item = made.model.items[1]
        assert item.status == "Failed"
        row = made.worklist.shown.index(1)
        assert item.reason
        assert item.reason in row.data(3)  # the tool tip
        (study / "us2.png").write_bytes(whole)
        made.actions_["retry_failed"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        assert item.status == "Analysed"
        assert item.reason == ""


def test_the_next_image_not_reported_passes_over_reported_ones(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        for item in made.model.items[1:3]:
            item.reported = True
            made.model.touch(item.path)
        made.actions_["next_unreported"].trigger()
        assert made.worklist.current() == study / "us4.png"
        made.actions_["next_unreported"].trigger()
        assert made.worklist.current() == study / "us1.png"


def test_below_the_result_the_image_in_view_is_flagged_and_the_next_one_called(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        assert not made.review.foot.isVisible()
        open_and_wait(qtbot, made, study)
        foot = made.review.foot
        foot.flag.click()
        assert flags(made) == ["us1"]
        assert (foot.flag.isChecked(), foot.flag.accessibleName()) == (True, "Flagged")
        foot.next.click()
        assert made.worklist.current() == study / "us2.png"
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=5000)
        assert made.reading.path == study / "us2.png"
        assert not foot.flag.isChecked()
        made.model.item(study / "us2.png").flagged = True
        made.model.touch(study / "us2.png")
        assert foot.flag.isChecked()
        foot.flag.click()
        assert flags(made) == ["us1"]
        assert not foot.flag.isChecked()


def test_the_row_below_the_result_stays_while_an_image_is_opened_and_where_one_is_not_readable(qtbot, qapp, study):
    (study / "us2.png").write_bytes((study / "us2.png").read_bytes()[:200])
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        foot, seen = made.review.foot, []
        made.reading.opening.connect(lambda _path: seen.append(foot.isVisible()))
        made.worklist.select(study / "us2.png")
        made.worklist.select(study / "us4.png")
        assert seen, "not all were read ahead"
        assert all(seen)
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: bool(made.notices.shown()), timeout=5000)
        assert foot.isVisible()
        foot.flag.click()
        assert flags(made) == ["us2"]
        foot.next.click()
        assert made.worklist.current() == study / "us3.png"
        made.clear_list()
        assert not foot.isVisible()


def test_selected_images_alone_are_analysed(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        model = made.worklist.view.selectionModel()
        model.select(made.worklist.shown.index(2), model.SelectionFlag.Select)
        made.actions_["analyse_selected"].trigger()
        qtbot.waitUntil(lambda: not made.reading.batch.active, timeout=15000)
        assert [item.analysed for item in made.model.items] == [True, False, True, False]


def test_grouping_is_remembered_and_reads_headers_only_when_asked(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert not any(item.seen_header for item in made.model.items)
        made.actions_["group_dicom"].trigger()
        qtbot.waitUntil(lambda: all(item.seen_header for item in made.model.items), timeout=8000)
        qtbot.waitUntil(lambda: made.worklist.shown.row(0).title == "No DICOM header", timeout=5000)
        made._save()
        assert (made._settings.grouping, made._settings.sort) == ("dicom", "name")
        made.worklist.go_next()
        assert made.worklist.current() == study / "us2.png"


def test_a_filter_without_matches_says_so_and_is_lifted_by_a_button(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        worklist = made.worklist
        assert worklist.nothing.isHidden()
        worklist.search.setText("no such name")
        assert worklist.nothing.words.startswith("No image matches")
        assert "in view stays" in worklist.nothing.words, "the current row is still listed, and said to be"
        assert worklist.nothing.geometry().top() > worklist.view.visualRect(worklist.view.currentIndex()).bottom()
        assert worklist._count.text() == "0 of 4 images"
        worklist.search.setText("us2")
        assert worklist.nothing.isHidden()
        assert worklist._count.text() == "1 of 4 images"
        worklist.search.clear()
        worklist.set_filter("Failed")
        assert not worklist.nothing.isHidden()
        worklist.nothing.clear.click()
        assert worklist.nothing.isHidden()
        assert worklist.shown.filter.is_open
        assert worklist._count.text() == "4 images"
