"""Groups, order, filters and flags of the worklist."""

from pathlib import Path

import pytest
from test_worklist import inputs, panel  # noqa: F401 - the fixture

from busi_viewer.core.labels import Labels
from busi_viewer.gui.worklist_groups import Group
from busi_viewer.gui.worklist_model import HIDDEN
from busi_viewer.gui.worklist_rows import WITHHELD, Filter
from busi_viewer.workflow.inputs import Input


@pytest.fixture
def tree(panel):  # noqa: F811
    paths = ("a/one/us1.png", "a/one/us2.png", "a/two/us10.png", "a/two/us9.png", "b/deep/down/us1.png", "us0.png")
    panel.model.add([Input(Path("/data") / path, Path(path)) for path in paths])
    return panel


def rows(made):
    """The rows as text: headers by depth and name with their count, items by name."""
    shown = made.shown
    found = (shown.row(n) for n in range(shown.rowCount()))
    return [f"{'>' * (r.depth + 1)} {r.title} {len(r.items)}" if isinstance(r, Group) else r.name for r in found]


def test_folders_make_a_tree_with_counts_in_natural_order(tree):
    tree.shown.arrange("folder", "name")
    expected = [
        "> a 4",
        ">> one 2",
        "us1",
        "us2",
        ">> two 2",
        "us9",
        "us10",
        "> b/deep/down 1",
        "us1",
        "> data 1",
        "us0",
    ]
    assert rows(tree) == expected


def test_a_folded_group_hides_its_images_and_next_goes_on_behind_it(tree):
    tree.shown.arrange("folder", "name")
    tree.select(Path("/data/a/one/us2.png"))
    tree.fold_current(True)
    assert rows(tree)[:3] == ["> a 4", ">> one 2", ">> two 2"]
    assert tree.current() == Path("/data/a/one/us2.png"), "the image in view stays"
    assert len(tree.shown.shown_paths()) == 6, "a batch takes folded images too"
    tree.fold_current(True)
    assert rows(tree)[0:2] == ["> a 4", "> b/deep/down 1"], "folding again folds the group around"
    tree.go_next()
    assert tree.current() == Path("/data/b/deep/down/us1.png")
    tree.select(Path("/data/a/one/us1.png"))
    assert "us1" in rows(tree)[:3], "what is asked for is opened up"
    tree.shown.fold_all(True)
    assert rows(tree) == ["> a 4", "> b/deep/down 1", "> data 1"]
    tree.shown.fold_all(False)
    assert len(rows(tree)) == 11


def test_dicom_groups_follow_patient_study_and_series(tree):
    tree.shown.arrange("dicom", "name")
    assert rows(tree)[0] == "> Reading headers… 6"
    items = tree.model.items
    patient, study = ("P1", "Doe Jane · P1"), ("20250311", "2025-03-11 Breast")
    found = {item.path: (None, 0.0) for item in items}
    found[items[0].path] = (Labels(patient, study, ("2", "Series 2")), 0.0)
    found[items[1].path] = (Labels(patient, study, ("1", "Series 1")), 0.0)
    found[items[2].path] = (Labels(("P0", "Roe · P0"), study, ("1", "Series 1")), 0.0)
    tree.model.learn_headers(found)
    tree.shown.rebuild()
    headers = [row for row in rows(tree) if row.startswith(">")]
    assert headers == [
        "> Roe · P0 · 2025-03-11 Breast · Series 1 1",
        "> Doe Jane · P1 · 2025-03-11 Breast 2",
        ">> Series 1 1",
        ">> Series 2 1",
        "> No DICOM header 3",
    ]
    tree.search.setText("jane")
    assert len(tree.shown.shown_paths()) == 2, "the header's words are found"


def set_up(made, **states):
    for item in made.model.items:
        for name, value in states.get(item.name, {}).items():
            setattr(item, name, value)
        made.model.touch(item.path)
    made.shown.rebuild()


def test_filters_join_state_estimate_flag_and_words(panel):  # noqa: F811
    panel.model.add(inputs("a.png", "b.png", "c.png", "d.png"))
    set_up(
        panel,
        a={"analysed": True, "prediction": "malignant", "share": 0.9, "flagged": True},
        b={"analysed": True, "prediction": "malignant", "share": 0.6},
        c={"analysed": True, "abstained": True, "flagged": True},
    )

    def names(**wanted):
        panel.shown.filter = Filter(**wanted)
        panel.shown.rebuild()
        return [path.stem for path in panel.shown.shown_paths()]

    assert names(estimate="malignant") == ["a", "b"]
    assert names(estimate=WITHHELD) == ["c"]
    assert names(flagged=True) == ["a", "c"]
    assert names(flagged=True, estimate="malignant", state="Analysed", words=("mal",)) == ["a"]
    assert names(words=("flagged",)) == ["a", "c"]
    panel.shown.filter = Filter()
    panel.shown.arrange("none", "estimate")
    assert rows(panel) == ["a", "b", "c", "d"]
    panel.shown.arrange("none", "flagged")
    assert rows(panel) == ["a", "c", "b", "d"]


def test_the_image_in_view_stays_in_the_list_when_it_no_longer_fits_the_filter(panel, qtbot):  # noqa: F811
    panel.model.add(inputs("a.png", "b.png", "c.png"))
    heard = []
    panel.chosen.connect(heard.append)
    panel.set_filter("New")
    panel.select(Path("/study/a.png"))
    set_up(panel, a={"analysed": True}, b={"analysed": True})
    assert rows(panel) == ["a", "c"]
    assert heard == [Path("/study/a.png")], "the reader was not moved on"
    panel.go_next()
    panel.shown.rebuild()
    assert rows(panel) == ["c"]


def test_selection_and_place_survive_a_rebuild(panel, qapp):  # noqa: F811
    panel.model.add(inputs(*(f"us{i}.png" for i in range(300))))
    panel.select(Path("/study/us200.png"))
    model = panel.view.selectionModel()
    for row in (198, 202):
        model.select(panel.shown.index(row), model.SelectionFlag.Select)
    qapp.processEvents()
    before = panel.view.verticalScrollBar().value()
    panel.shown.rebuild()
    qapp.processEvents()
    assert [path.stem for path in panel.selected()] == ["us198", "us200", "us202"]
    assert panel.view.verticalScrollBar().value() == before
    assert panel.view.currentIndex().row() == 200


def test_the_next_image_to_read_and_the_next_flagged_are_found_round_the_end(panel):  # noqa: F811
    panel.model.add(inputs("a.png", "b.png", "c.png", "d.png"))
    set_up(panel, a={"flagged": True}, b={"reported": True}, d={"reported": True})
    panel.select(Path("/study/c.png"))
    assert panel.find_next(lambda item: not item.reported).stem == "a"
    assert panel.find_next(lambda item: item.flagged).stem == "a"
    assert panel.find_next(lambda item: item.phase == "failed") is None
    assert [path.stem for path in panel.neighbours()] == ["d", "b"]


def test_a_veiled_estimate_is_neither_said_nor_found_nor_sorted_by(panel):  # noqa: F811
    panel.model.add(inputs("a.png", "b.png", "c.png"))
    set_up(
        panel,
        b={"analysed": True, "prediction": "malignant", "share": 0.9},
        c={"analysed": True, "abstained": True},
    )
    panel.model.set_blind(True)
    panel.shown.arrange("none", "estimate")
    assert rows(panel) == ["a", "b", "c"]
    item = panel.model.items[1]
    assert (item.estimate, item.summary) == (None, HIDDEN)
    assert panel.model.items[2].summary == HIDDEN, "that an estimate is withheld is the machine's word too"
    for wanted in (Filter(words=("malignant",)), Filter(estimate="malignant"), Filter(estimate=WITHHELD)):
        assert not any(wanted.passes(item) for item in panel.model.items)
    item.locked = True
    panel.model.touch(item.path)
    assert item.summary == "Malignant 90 %"
