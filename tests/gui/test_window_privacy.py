"""Privacy mode: no name of a file or patient anywhere on screen or in the settings, and all of it back again afterwards."""

import json
import shutil

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QWidget
from window_kit import analyse_and_wait, open_and_wait, window, write_image

from busi_viewer.gui import privacy
from busi_viewer.gui.problem import Problem, problem_from

SECRET = "MUSTERFRAU"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / f"{SECRET}_Erika"
    for number in (1, 2):
        write_image(folder / f"{SECRET}^Erika_{number}.png", seed=number)
    (folder / f"{SECRET}_broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(autouse=True)
def off_again(monkeypatch):
    monkeypatch.setattr(privacy, "_numbers", {})
    yield
    privacy.use(False)


def on_screen(made):
    """Every text of the window: of its widgets, actions and lists, shown or not."""
    texts = [made.windowTitle()]
    for widget in [made, *made.findChildren(QWidget)]:
        texts += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription(), widget.statusTip()]
        for part in ("text", "title", "placeholderText", "toPlainText", "currentText"):
            value = getattr(widget, part, None)
            texts.append(value() if callable(value) else "")
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model = widget.model()
            roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
            cells = [model.index(r, c) for r in range(model.rowCount()) for c in range(20) if model.hasIndex(r, c)]
            texts += [str(cell.data(role)) for cell in cells for role in roles]
    for action in made.findChildren(QAction):
        texts += [action.text(), action.toolTip()]
    return [str(text) for text in texts if text]


def named(made):
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return [text for text in on_screen(made) if SECRET in text.upper()]


def test_nothing_on_screen_names_a_file_and_all_comes_back(qtbot, qapp, study, own_home):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert len(named(made)) > 4, "without privacy mode files are named"
        made.actions_["privacy"].trigger()
        assert named(made) == []
        assert made.windowTitle() == "Image 1 - busi_viewer"
        assert [item.shown for item in made.model.items] == ["Image 1", "Image 2", "Image 3"]

        analyse_and_wait(qtbot, made)
        made.reading.session.accept()
        made.worklist.select(study / f"{SECRET}_broken.png")
        qtbot.waitUntil(lambda: bool(made.notices.shown()), timeout=8000)
        assert made.notices.shown()[0].title.startswith("Image 3: ")
        made.notices.show_problem(problem_from(OSError(5, f"{SECRET} is ill"), "working", study))
        made.notices.show_problem(Problem("it cannot be written", study / f"{SECRET}.pdf"))
        made.notices.show_info(f"Saved {study}/{SECRET}^Erika_1.png")
        made.actions_["audit_page"].trigger()
        qtbot.waitUntil(lambda: made.audit.model.rowCount() > 2, timeout=8000)
        assert named(made) == []

        made.actions_["privacy"].trigger()
        assert made.worklist.current().stem in made.model.items[made.model.row(made.worklist.current())].shown
        assert named(made)


def test_it_is_remembered_with_nothing_opened_last(qtbot, qapp, study, own_home):
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        assert made._settings.recent
        made.actions_["privacy"].trigger()
        kept = json.loads((own_home / "config" / "settings.json").read_text(encoding="utf-8"))
        assert kept["privacy"] is True
        assert kept["recent"] == []
    open_again = write_image(study / f"{SECRET}_more.png", seed=3)
    with window(qtbot, qapp) as made:
        privacy.use(True)  # as the settings say, which this window was not given
        made.open_paths([open_again])
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=8000)
    assert SECRET not in (own_home / "config" / "settings.json").read_text(encoding="utf-8")


def test_that_nothing_is_kept_is_said_again(qtbot, qapp, study, held_store):
    with window(qtbot, qapp) as made:
        qtbot.waitUntil(lambda: any("another window" in notice.title for notice in made.notices.shown()), timeout=8000)
        made.notices.show_info(f"About {SECRET}", stays=True)
        made.actions_["privacy"].trigger()
        titles = [notice.title for notice in made.notices.shown()]
        assert len(titles) == 1
        assert "another window" in titles[0]


def test_what_file_dialogs_remember_is_forgotten(tmp_path):
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path))
    dialogs = QSettings(QSettings.Scope.UserScope, "QtProject")
    dialogs.setValue("FileDialog/lastVisited", f"file:///{SECRET}")
    dialogs.sync()
    privacy.use(True)
    QSettings(QSettings.Scope.UserScope, "QtProject").sync()
    assert not any(SECRET in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    shutil.rmtree(tmp_path)
