import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from window_kit import MODEL, services, write_image

from busi_viewer.core.results import AnalysisResult
from busi_viewer.gui import theme
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.lane import Lane
from busi_viewer.gui.opener import Opener
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.thumbnails import MAX_WISHES, Thumbnails
from busi_viewer.gui.worklist import Worklist
from busi_viewer.gui.worklist_model import FILTERS, FLAGGED, WorklistModel
from busi_viewer.gui.worklist_parts import in_words
from busi_viewer.workflow.inputs import Input


def inputs(*names, folder="/study"):
    return [Input(Path(folder) / name, Path(name)) for name in names]


@pytest.fixture
def panel(qapp, qtbot):
    theme.apply(qapp, "dark")
    wired = services()
    model, lane, opener = WorklistModel(), Lane(lambda: None), Opener(wired.sources)
    thumbnails = Thumbnails(wired.sources, 132)
    keeping = Keeping(wired)
    reading = Reading(model, lane, opener, keeping)
    made = Worklist(model, reading.batch, thumbnails)
    qtbot.addWidget(made)
    made.resize(276, 700)
    made.show()
    yield made
    for part in (lane, opener, thumbnails, keeping):
        part.close()


def test_files_are_listed_once_in_natural_order(panel):
    assert panel.model.add(inputs("us10.png", "us9.png", "us1.png")) == 3
    assert panel.model.add(inputs("us9.png", "us2.png")) == 1
    assert [item.name for item in panel.model.items] == ["us1", "us2", "us9", "us10"]


def test_ten_thousand_files_are_quick_and_only_rows_in_sight_ask_for_thumbnails(panel, qapp):
    many = inputs(*(f"study ({i}).png" for i in range(10_000)))
    begun = time.perf_counter()
    panel.model.add(many)
    qapp.processEvents()
    shown = time.perf_counter() - begun
    begun = time.perf_counter()
    panel.search.setText("999")
    qapp.processEvents()
    searched = time.perf_counter() - begun
    assert panel.shown.rowCount() == 19  # 999, 1999 … 9999 and 9990 … 9998
    assert shown < 2.0
    assert searched < 1.0
    assert len(panel.delegate._thumbnails._wishes) <= MAX_WISHES


def test_search_takes_every_word_and_filters_take_states(panel):
    panel.model.add(inputs("left a.png", "left b.png", "right a.png"))
    panel.search.setText("LEFT b")
    assert [p.name for p in panel.shown.shown_paths()] == ["left b.png"]
    panel.search.clear()
    failed = panel.model.items[1]
    failed.phase, failed.note = "failed", "Not readable"
    panel.model.touch(failed.path)
    panel.set_filter("Failed")
    assert panel.shown.shown_paths() == [failed.path]
    panel.set_filter("New")
    assert len(panel.shown.shown_paths()) == 2
    panel.select(failed.path)
    assert panel.current() == failed.path, "selecting a hidden file lifts the filter"
    assert panel.shown.wanted == "All"


def test_status_and_summary_follow_what_is_known(panel):
    panel.model.add(inputs("a.png"))
    item = panel.model.items[0]
    assert (item.status, item.summary) == ("New", "Not analysed")
    item.phase, item.note = "running", "Outline"
    assert (item.status, item.summary) == ("Running", "Outline")
    item.take(AnalysisResult(item.path, "x", MODEL, "cpu", ()))
    assert item.status == "Analysed"
    item.edited = True
    assert item.status == "Edited"
    item.reported = True
    assert item.status == "Reported"
    item.abstained = True
    assert item.summary == "No estimate given"
    words = panel.shown.data(panel.shown.index(0), Qt.ItemDataRole.AccessibleTextRole)
    assert words == "a, No estimate given, Reported, Edited"


def test_long_positions_cut_no_button(panel, qapp):
    panel.model.add(inputs("us1.png", "us2.png"))
    panel.go_next()
    qapp.processEvents()
    wide = panel.next.width()
    panel.model.add(inputs(*(f"study ({i}).png" for i in range(10_000))))
    panel.go_next()
    qapp.processEvents()
    for button in (panel.previous, panel.next):
        assert panel.rect().contains(button.mapTo(panel, button.rect().bottomRight()))
        assert button.width() >= button.sizeHint().width()
        assert button.accessibleName()
    panel.resize(420, 700)
    qapp.processEvents()
    assert panel.next.width() == wide, "with room the words are back"


def test_previous_and_next_walk_the_shown_rows(panel):
    panel.model.add(inputs("a.png", "b1.png", "b2.png", "c.png"))
    heard = []
    panel.chosen.connect(heard.append)
    panel.search.setText("b")
    panel.go_next()
    panel.go_next()
    panel.go_next()
    assert [path.name for path in heard] == ["b1.png", "b2.png"]
    assert not panel.next.isEnabled()
    panel.go_previous()
    assert heard[-1].name == "b1.png"
    assert [p.name for p in panel.neighbours()] == ["b2.png"]


def test_two_images_are_read_ahead_the_way_the_reader_goes(panel):
    panel.model.add(inputs(*(f"{letter}.png" for letter in "abcdefg")))
    panel.select(Path("/study/c.png"))
    panel.go_next()
    assert [path.stem for path in panel.neighbours()] == ["e", "f", "c"]
    panel.go_previous()
    panel.go_previous()
    assert [path.stem for path in panel.neighbours()] == ["a", "c"]
    panel.select(Path("/study/f.png"))
    panel.go_previous()
    assert [path.stem for path in panel.neighbours()] == ["d", "c", "f"]


def test_counts_are_those_of_the_items_after_every_change(panel):
    model = panel.model
    model.add(inputs("a.png", "b.png", "c.png"))
    a, b, c = model.items
    a.phase = "failed"
    b.analysed = b.edited = c.flagged = True
    for item in (a, b, c, b):
        model.touch(item.path)
    assert (model.counts()["New"], model.counts()["Failed"], model.counts()["Flagged"]) == (1, 1, 1)
    a.phase, b.edited = "", False
    model.touch(a.path)
    model.touch(b.path)
    counts = model.counts()
    assert {name: counts[name] for name in (*FILTERS, FLAGGED)} == {
        "All": 3, "New": 2, "Analysed": 1, "Edited": 0, "Reported": 0, "Failed": 0, "Flagged": 1,
    }  # fmt: skip
    model.keep_only({c.path})
    assert (model.counts()["All"], model.counts()["Analysed"]) == (1, 0)


def test_escape_empties_the_search_field_and_leaves_it(panel, qtbot):
    panel.model.add(inputs("a.png", "b.png"))
    panel.activateWindow()
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "b")
    assert panel.shown.rowCount() == 1
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.search.text() == ""
    assert panel.shown.rowCount() == 2


def test_thumbnails_arrive_for_rows_in_sight_and_a_broken_file_does_no_harm(panel, qtbot, tmp_path):
    good, bad = write_image(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    panel.model.add([Input(good, Path("good.png")), Input(bad, Path("bad.png"))])
    thumbnails = panel.delegate._thumbnails
    qtbot.waitUntil(lambda: thumbnails.get(good) is not None, timeout=5000)
    qtbot.waitUntil(lambda: bad in thumbnails._kept, timeout=5000)
    assert thumbnails.get(bad) is None
    assert max(thumbnails.get(good).width(), thumbnails.get(good).height()) == 132


def test_narrow_windows_show_thumbnails_alone(panel):
    assert panel.set_compact(True)
    assert not panel.set_compact(True)
    assert panel.maximumWidth() < 100
    assert not panel.search.isVisible()


def test_times_are_said_in_words():
    assert [in_words(s) for s in (0.2, 42, 600, 6000)] == ["1 s", "42 s", "10 min", "1 h 40 min"]
