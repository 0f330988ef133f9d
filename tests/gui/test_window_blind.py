"""Reading blind in a real window: nothing that the machine says is anywhere before the reading is locked."""

import re
import threading
from unittest.mock import patch

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QLabel, QWidget
from window_kit import ThresholdEngine, analyse_and_wait, open_and_wait, window, write_image
from window_session import stroke

from busi_viewer.gui.canvas.panels import Panels
from busi_viewer.gui.dialogs import CloseDialog
from busi_viewer.gui.findings.lesion_form import ProposalCell
from busi_viewer.gui.opener import start_job
from busi_viewer.gui.picture import picture_of
from busi_viewer.gui.worklist_model import HIDDEN

TELLS = re.compile(r"malignant|benign|\b80\s*%|\b15\s*%|0\.800|operating point|AI outline|proposed|No estimate", re.I)
NEUTRAL = (
    "estimate is malignant",
    "Malignant estimate per frame",
    "Heat of the class benign",
    "Heat of the class malignant",
)


@pytest.fixture
def study(tmp_path):
    for i, dark in enumerate((20, 45, None)):
        write_image(tmp_path / "study" / f"us{i + 1}.png", dark, seed=i)
    return tmp_path / "study"


def texts(made):
    """Every text of the window that is shown, its tool tips and names, and every list's rows."""
    for widget in made.findChildren(QWidget):
        if widget.isVisible():
            yield from (widget.toolTip(), widget.accessibleName(), widget.accessibleDescription(), widget.statusTip())
            if isinstance(widget, QLabel) or hasattr(widget, "text"):
                yield widget.text() if callable(getattr(widget, "text", None)) else ""
    for action in made.findChildren(QAction):
        yield from (action.text() if action.isEnabled() else "", action.statusTip())
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    for view in made.findChildren(QAbstractItemView):
        model = view.model()
        for row in range(model.rowCount() if model is not None and view.isVisible() else 0):
            for column in range(10):
                if model.hasIndex(row, column):
                    yield from (str(model.index(row, column).data(role) or "") for role in roles)


def told(made):
    return [text for text in texts(made) if isinstance(text, str) and TELLS.search(text) and text not in NEUTRAL]


def same_picture(made, before):
    made.notices.clear()
    return picture_of(made.review) == before


def read_blind(made):
    made.actions_["blind"].trigger()
    assert made.actions_["blind"].isChecked()


def held(made):
    return made.reading.session is not None and made.reading.session.held


def test_nothing_is_told_before_the_lock_and_all_after_it(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        read_blind(made)
        before = picture_of(made.review)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: held(made) and not made.reading.batch.active, timeout=15000)
        made.notices.clear()
        qapp.processEvents()
        session = made.reading.session
        assert session.document.result is None
        assert session.proposal() is None
        assert session.machine_mask() is None
        assert told(made) == []
        qtbot.waitUntil(lambda: same_picture(made, before), timeout=5000)  # not a pixel of the view differs
        assert [item.summary for item in made.model.items] == [HIDDEN] * 3
        for name in ("report", "dicom_set", "accept", "discard", "reset_to_ai"):
            assert not made.actions_[name].isEnabled() or name == "accept", name
        for layout in ("layout_sides", "layout_four"):
            made.actions_[layout].trigger()
            qapp.processEvents()
            assert told(made) == []
            shown = [pane.note for pane in made.findChild(Panels).shown_panes()]
            assert "Hidden until you lock your reading." in shown, "hidden is said, not that there is none"
        made.actions_["layout_one"].trigger()
        session.apply(stroke(1))
        qtbot.wait(300)  # descriptors would come now
        assert told(made) == []
        cells = made.findChildren(ProposalCell)
        assert cells
        assert all("hidden" in cell.accessibleName() for cell in cells), "hidden is said, not that there is none"
        made.actions_["lock_reading"].trigger()
        assert session.document.result is not None
        assert "Malignant 80 %" in made.model.items[0].summary
        assert [item.summary for item in made.model.items[1:]] == [HIDDEN] * 2
        assert "disagreement" in made.review.blind_bar.words.text()
        assert "by AI only" in made.review.blind_bar.list.text()
        assert made.actions_["report"].isEnabled()


def test_the_locked_reading_is_in_the_audit_trail_and_survives_a_restart(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        read_blind(made)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: held(made) and not made.reading.batch.active, timeout=15000)
        made.reading.session.apply(stroke(1))
        made.actions_["lock_reading"].trigger()
        assert made.keeping.flush(5.0)
        rows = {row.field: row.new for row in made.keeping._store.audit.rows() if row.action == "reading"}
        assert set(rows) >= {"seconds", "AI seen before", "outline of frame 1", "category"}
        assert rows["AI seen before"] == "false"
        made.audit.refresh()
        qtbot.waitUntil(lambda: made.audit.model.rowCount() > 0, timeout=5000)
        shown = [made.audit.model._words(row) for row in made.audit.model.rows if row.action == "analysis"]
        assert shown
        assert not any(TELLS.search(" ".join(words)) for words in shown)
        assert not made.audit.export.isEnabled()
    engine = ThresholdEngine()
    with window(qtbot, qapp, engine) as made:
        read_blind(made)
        open_and_wait(qtbot, made, study)
        assert made.reading.session.document.result is not None, "locked is locked"
        made.worklist.go_next()
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and held(made), timeout=8000)
        assert made.reading.session.document.result is None
        assert told_of_second(made) == []
        assert engine.seen == [], "what is kept is not analysed again"


def told_of_second(made):
    return [text for text in told(made) if "us2" in text or "15" in text]


def test_turning_the_switch_off_shows_and_on_hides_and_remembers_that_it_was_seen(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        session = made.reading.session
        read_blind(made)
        assert session.document.result is None
        qtbot.wait(200)
        assert "\n".join(told(made)) == ""
        made.actions_["blind"].trigger()
        assert session.proposal() is not None
        read_blind(made)
        made.actions_["lock_reading"].trigger()
        assert made.keeping.flush(5.0)
        rows = {row.field: row.new for row in made.keeping._store.audit.rows() if row.action == "reading"}
        assert rows["AI seen before"] == "true"
        assert rows["outline"] == '"no lesion outlined"'


def test_a_result_that_comes_while_the_reader_draws_is_not_lost(qtbot, qapp, study):
    import threading

    gate = threading.Event()
    with window(qtbot, qapp, ThresholdEngine(gate=gate)) as made:
        open_and_wait(qtbot, made, study)
        read_blind(made)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: made.reading.stage is not None)
        made.reading.session.apply(stroke(1))
        gate.set()
        qtbot.waitUntil(lambda: held(made), timeout=8000)
        made.actions_["lock_reading"].trigger()
        assert made.reading.session.document.result is not None
        assert made.reading.session.document.reader_mask(0) is not None


def test_what_ends_before_the_image_is_known_in_the_store_is_kept_when_the_window_closes_at_once(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        read_blind(made)
        qtbot.waitUntil(lambda: study / "us2.png" in made.reading.desk.open, timeout=8000)
        busy = threading.Event()
        for _ in range(made.keeping._pool.maxThreadCount()):
            start_job(made.keeping._pool, lambda: busy.wait(30), lambda _none: None, lambda _error: None)
        made.worklist.go_next()
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and made.reading.session is not None)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: held(made), timeout=8000)
        made.reading.session.apply(stroke(1))
        assert made.reading.desk.image(study / "us2.png") is None, "the store has not answered yet"
        QTimer.singleShot(300, busy.set)
        with patch.object(CloseDialog, "exec", lambda _self: pytest.fail("nothing would be lost")):
            made.close()
        assert made.isHidden()
    with window(qtbot, qapp) as made:
        read_blind(made)
        open_and_wait(qtbot, made, study)
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and held(made), timeout=8000)
        assert made.reading.session.document.edited
        made.actions_["lock_reading"].trigger()
        assert not made.reading.desk.reading(study / "us2.png")["AI seen before"]


def test_what_was_never_shown_is_known_after_a_restart_and_disagreements_are_of_the_locked_reading(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        analyse_and_wait(qtbot, made)
        made.worklist.go_next()
        qtbot.waitUntil(
            lambda: made.reading.path == study / "us2.png" and made.reading.session is not None, timeout=8000
        )
        read_blind(made)
        made.actions_["analyse"].trigger()
        qtbot.waitUntil(lambda: held(made), timeout=8000)
        assert made.keeping.flush(5.0)
    with window(qtbot, qapp) as made:
        read_blind(made)
        open_and_wait(qtbot, made, study)
        assert not made.actions_["sign"].isEnabled(), "a report would tell; the reading is locked first"
        made.actions_["lock_reading"].trigger()
        assert made.reading.desk.reading(study / "us1.png")["AI seen before"], "it was shown before the restart"
        made.worklist.go_next()
        qtbot.waitUntil(lambda: made.reading.path == study / "us2.png" and held(made), timeout=8000)
        session = made.reading.session
        session.apply(stroke(1))
        made.actions_["lock_reading"].trigger()
        assert not made.reading.desk.reading(study / "us2.png")["AI seen before"]
        said = made.review.blind_bar.list.text()
        assert "by AI only" in said
        session.reset_to_ai()
        session.accept()
        assert made.review.blind_bar.list.text() == said, "what is drawn after the lock changes nothing of it"
        assert made.keeping.flush(5.0)
    with window(qtbot, qapp) as made:
        read_blind(made)
        open_and_wait(qtbot, made, study)
        made.worklist.select(study / "us2.png")
        qtbot.waitUntil(
            lambda: made.reading.path == study / "us2.png" and made.reading.session is not None, timeout=8000
        )
        assert made.review.blind_bar.list.text() == said


def test_what_was_hidden_counts_as_seen_once_the_switch_is_off(qtbot, qapp, study):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        read_blind(made)
        made.actions_["analyse_all"].trigger()
        qtbot.waitUntil(lambda: held(made) and not made.reading.batch.active, timeout=15000)
        assert not made.reading.desk.seen(study / "us3.png")
        made.actions_["blind"].trigger()
        assert made.reading.desk.seen(study / "us3.png")
        assert made.keeping.flush(5.0)
        rows = [(row.field, row.old, row.new) for row in made.keeping._store.audit.rows() if row.action == "AI shown"]
        assert rows.count(("shown", "", "false")) == 3
        assert rows.count(("shown", "false", "true")) == 3
