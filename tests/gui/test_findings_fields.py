"""The fields of findings: filled in by keyboard and mouse, beside the proposals, with notices and evidence."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.findings import Findings, Identity
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import FIFTH, Proposal
from busi_viewer.gui.canvas import Canvas
from busi_viewer.gui.canvas.evidence import Evidence, caption
from busi_viewer.gui.findings.choice import ChoiceField
from busi_viewer.gui.findings.distance import distance_text, read_distance
from busi_viewer.gui.result_panel import ResultPanel
from busi_viewer.gui.session import Session

SHAPE = (300, 400)


def blob(x=180, y=110, a=60, b=38):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot((xx - x) / a, (yy - y) / b) < 1


def made_session(facts=None):
    level = cv2.GaussianBlur(np.where(blob(), 40.0, 120.0), (0, 0), 1)
    noise = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(SHAPE), (0, 0), 1.5)
    image = np.clip(level * (1 + 0.6 * noise), 0, 255).astype(np.uint8)
    record = ImageRecord(Path("case.png"), "ab" * 32, "png", ArrayFrames((image,)), SHAPE, facts=facts or {})
    return Session(Document(record))


def draw(session, mask):
    session.apply(MaskEdit(0, (0, 0, SHAPE[1], SHAPE[0]), mask, "Brush"))


@pytest.fixture
def panel(qtbot, qapp):
    made = ResultPanel()
    qtbot.addWidget(made)
    made.resize(384, 1400)
    made.show()
    return made


@pytest.fixture
def session(qtbot, panel):
    """A session with one outlined and described lesion in the panel."""
    session = made_session()
    panel.set_session(session)
    draw(session, blob())
    qtbot.waitUntil(lambda: bool(panel.findings.forms and panel.findings.forms[0].proposals()), timeout=5000)
    return session


def lesion(session, key=1):
    return session.document.findings.lesion(key)


def test_letters_choose_delete_takes_back_and_each_is_one_undo_item(panel, session):
    field = panel.findings.forms[0].fields["margin"]
    before = session.undo.count()
    QTest.keyClicks(field, "sp")
    assert lesion(session).said("margin") == ("spiculated",)
    assert field.words == ("spiculated",)
    assert session.undo.count() == before + 1
    QTest.keyClick(field, Qt.Key.Key_Delete)
    assert session.document.findings == Findings()
    session.undo.undo()
    assert lesion(session).said("margin") == ("spiculated",)


def test_letters_do_not_reach_the_windows_shortcuts(panel, qtbot):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    field = panel.findings.place.side
    for key, text, taken in ((Qt.Key.Key_A, "a", True), (Qt.Key.Key_Down, "", True), (Qt.Key.Key_F5, "", False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier, text)
        event.ignore()
        field.event(event)
        assert event.isAccepted() == taken


def test_choices_that_follow_at_once_do_not_undo_each_other(panel, session):
    place, form = panel.findings.place, panel.findings.forms[0]
    QTest.keyClicks(place.side, "l")
    QTest.keyClicks(place.position, "2")
    QTest.keyClicks(place.distance, "4\r")
    QTest.keyClicks(place.plane, "anti")
    QTest.keyClicks(form.fields["shape"], "i")
    QTest.keyClicks(form.assessment, "4c")
    location = session.document.findings.location
    assert (location.side, location.position, location.distance_mm, location.plane) == (
        "left",
        "2:00",
        40,
        "antiradial",
    )
    assert lesion(session).said("shape") == ("irregular",)
    assert lesion(session).assessment == "4C"


def test_equals_takes_the_proposal_over(panel, session):
    form = panel.findings.forms[0]
    assert form.proposals()["orientation"].value == "parallel"
    QTest.keyClicks(form.fields["orientation"], "=")
    assert lesion(session).said("orientation") == ("parallel",)
    assert session.undo.undoText() == "Take over orientation"


def test_pressing_the_proposal_takes_it_over_and_the_reason_says_so(panel, session):
    kept = []
    session.keep = lambda kind, what, reason="": kept.append((kind, reason))
    form = panel.findings.forms[0]
    form.cells["margin"].click()
    proposed = form.proposals()["margin"]
    assert lesion(session).said("margin") == (proposed.value,)
    assert kept[-1][0] == "step"
    assert kept[-1][1].startswith(f"taken over: {proposed.phrase}, {proposed.percent} (busi-descriptors ")


def test_saying_other_than_proposed_is_marked_and_the_reason_names_the_proposal(panel, session):
    kept = []
    session.keep = lambda kind, what, reason="": kept.append(reason)
    field = panel.findings.forms[0].fields["orientation"]
    QTest.keyClicks(field, "not")
    assert field._changed
    assert kept == ["other than proposed: parallel orientation (by geometry)"]
    QTest.keyClick(field, Qt.Key.Key_Delete)
    assert not field._changed


def test_a_proposal_that_leaves_a_choice_is_not_taken_over_alone(panel, session):
    form = panel.findings.forms[0]
    form.set_proposals([Proposal("shape", "not irregular", 0.9)])
    form._take("shape")
    assert lesion(session) is None
    panel.findings.take_all()
    assert lesion(session) is None


def test_all_proposals_are_taken_over_at_once_where_nothing_was_said(panel, session):
    form = panel.findings.forms[0]
    QTest.keyClicks(form.fields["orientation"], "not")
    count = session.undo.count()
    panel.findings.take_all()
    assert lesion(session).said("orientation") == ("not parallel",)
    assert lesion(session).said("margin") == (form.proposals()["margin"].value,)
    assert session.undo.count() == count + 1


def test_a_button_takes_all_proposals_of_a_lesion_over_and_goes_when_none_is_left(panel, session, qtbot):
    form = panel.findings.forms[0]
    assert not form.all.isHidden()
    form.all.click()
    taken = {name for name, proposal in form.proposals().items() if lesion(session).said(name)}
    assert {"orientation", "margin"} <= taken
    assert form.all.isHidden()
    session.undo.undo()
    qtbot.waitUntil(lambda: not form.all.isHidden())


def test_several_words_where_several_may_apply(panel, session):
    field = panel.findings.forms[0].fields["associated_features"]
    for word in ("oedema", "duct changes"):
        field._say(field._with(word))
    assert lesion(session).said("associated_features") == ("duct changes", "oedema")
    field._say(field._with("none"))
    assert lesion(session).said("associated_features") == ("none",)
    field._say(field._with("oedema"))
    assert lesion(session).said("associated_features") == ("oedema",)


def test_the_list_opens_with_every_word_and_chooses(panel, session, qtbot):
    field = panel.findings.forms[0].fields["shape"]
    field.open()
    menu = field.findChild(QMenu)
    words = [action.text() for action in menu.actions() if action.text()]
    assert words == [*FIFTH.descriptor("shape").values, "Not said"]
    menu.actions()[2].trigger()
    assert lesion(session).said("shape") == ("irregular",)
    menu.close()


def test_findings_follow_their_lesion_when_another_grows_larger(panel, session, qtbot):
    QTest.keyClicks(panel.findings.forms[0].fields["shape"], "oval")
    draw(session, blob() | blob(320, 240, 30, 20))
    qtbot.waitUntil(lambda: len(panel.findings.forms) == 2)
    QTest.keyClicks(panel.findings.forms[1].fields["shape"], "irr")
    draw(session, blob(170, 105, 30, 20) | blob(320, 240, 60, 45))
    qtbot.waitUntil(lambda: panel.findings.forms[0].fields["shape"].words == ("irregular",))
    assert panel.findings.forms[1].fields["shape"].words == ("oval",)


def test_findings_without_an_outline_are_said_and_can_be_removed(panel, session, qtbot):
    QTest.keyClicks(panel.findings.forms[0].assessment, "4b")
    session.clear()
    qtbot.waitUntil(lambda: bool(panel.findings.gone))
    assert "no longer outlined" in panel.findings.notices[-1].text
    panel.findings.drop_gone()
    assert session.document.findings == Findings()
    session.undo.undo()
    assert lesion(session).assessment == "4B"


def test_contradictions_are_shown_and_never_block(panel, session):
    QTest.keyClicks(panel.findings.forms[0].fields["margin"], "sp")
    QTest.keyClicks(panel.findings.forms[0].assessment, "2")
    assert panel.sections._notices.isVisible()
    assert "spiculated with category 2" in panel.findings.notices[0].text
    assert lesion(session).assessment == "2"


def test_the_side_is_filled_in_from_the_header_alone_and_a_conflict_is_said(panel, qtbot):
    session = made_session({"Laterality": "R"})
    panel.set_session(session)
    assert panel.findings.place.side.words == ("right",)
    assert not session.document.described
    QTest.keyClicks(panel.findings.place.side, "l")
    assert [notice.text for notice in panel.findings.notices] == ["Side left, but the file's header says right."]
    other = made_session()
    panel.set_session(other)
    assert panel.findings.place.side.words == ()


def test_who_the_patient_is_is_typed_only_where_the_file_does_not_say(panel, qtbot):
    session = made_session({"PatientName": "Sample^Anna"})
    panel.set_session(session)
    fields = panel.findings.identity.fields
    assert not fields["patient"].isEnabled()
    assert fields["patient"].text() == ""
    QTest.keyClicks(fields["patient_id"], "000-118")
    QTest.keyClick(fields["patient_id"], Qt.Key.Key_Return)
    assert session.document.findings.identity == Identity(patient_id="000-118")
    fields["birth"].setText("1971-05-04")
    fields["birth"].setModified(True)
    panel.set_session(made_session())
    assert session.document.findings.identity.birth == "1971-05-04", "kept before another image comes"
    assert fields["patient_id"].text() == ""
    assert fields["patient"].isEnabled()
    session.undo.undo()
    session.undo.undo()
    assert session.document.findings.identity == Identity()


def test_texts_are_kept_while_typing_and_before_another_image_comes(panel, session, qtbot):
    field = panel.findings.texts.fields["impression"]
    QTest.keyClicks(field, "Cyst")
    qtbot.waitUntil(lambda: session.document.findings.impression == "Cyst", timeout=2000)
    count = session.undo.count()
    QTest.keyClicks(field, ", simple")
    panel.set_session(made_session())
    assert session.document.findings.impression == "Cyst, simple"
    assert session.undo.count() == count
    assert field.toPlainText() == ""


@pytest.mark.parametrize(
    ("text", "mm"), [("4", 40.0), ("4 cm", 40.0), ("35 mm", 35.0), ("3,5", 35.0), ("", None), (" 0 ", 0.0)]
)
def test_distances_are_read_as_they_are_written(text, mm):
    assert read_distance(text) == mm
    assert read_distance(distance_text(mm)) == mm


@pytest.mark.parametrize("text", ["four", "4 m", "-1", "31 cm", "4 cm 2"])
def test_what_is_no_distance_is_refused(text):
    with pytest.raises(ValueError, match=r"distance|far"):
        read_distance(text)


def test_the_row_in_hand_has_its_evidence_drawn(panel, session, qtbot):
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(500, 400)
    canvas.show()
    canvas.set_session(session)
    qtbot.waitUntil(lambda: canvas.ready)
    panel.findings.looked.connect(canvas.show_evidence)
    form = panel.findings.forms[0]
    plain = canvas.grab_view()
    for name in form.proposals():
        form.looked.emit(name, True)
        assert canvas._evidence.proposal is form.proposals()[name]
        assert canvas.grab_view() != plain, name
        form.looked.emit(name, False)
        assert canvas._evidence is None
    assert canvas.grab_view() == plain
    form.looked.emit("calcifications", True)
    assert canvas._evidence is None, "nothing is proposed there"


def test_evidence_says_what_it_shows():
    found = Proposal("margin", "circumscribed", 0.8, evidence=("margin sharp all round", "clear contrast", "third"))
    assert caption(Evidence(None, found)) == "Margin: circumscribed (margin sharp all round; clear contrast)"


def test_fields_say_what_they_hold(qtbot, qapp):
    field = ChoiceField("Shape", ("oval", "round"))
    qtbot.addWidget(field)
    assert field.accessibleName() == "Shape: not said"
    field.set_words(("oval",), changed=True)
    assert field.accessibleName() == "Shape: oval, other than proposed"
    assert "Shape: oval" in field.toolTip()


def test_the_image_takes_the_gravest_of_its_lesions_until_the_reader_says_otherwise(panel, session):
    QTest.keyClicks(panel.findings.forms[0].assessment, "4a")
    field = panel.findings.assessment.assessment
    assert field.words == ()
    assert "4A, the gravest of the lesions" in field.accessibleName()
    QTest.keyClicks(field, "5")
    assert session.document.findings == replace(session.document.findings, assessment="5")
    assert session.document.findings.category == "5"
