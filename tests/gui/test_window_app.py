"""Start, shell and life of the application."""

import builtins
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from window_kit import ThresholdEngine, open_and_wait, window, write_image

from busi_viewer import paths, settings
from busi_viewer.gui import theme
from busi_viewer.gui.app import ErrorHook
from busi_viewer.gui.presets import PRESETS
from busi_viewer.gui.problem import problem_from

PAINTED = """
import sys
from busi_viewer import bootstrap
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from busi_viewer.gui import app, window

class Window(window.MainWindow):
    painted = False
    def paintEvent(self, event):
        super().paintEvent(event)
        if not self.painted:
            self.painted = True
            print("store", [name for name in ("sqlite3", "busi_viewer.store", "busi_viewer.core.casebook") if name in sys.modules])
            QTimer.singleShot(0, self.look)
    def look(self):
        heavy = {"torch", "torchvision", "timm", "scipy", "matplotlib", "reportlab", "lightning"} & set(sys.modules)
        print("painted", sorted(heavy))
        self.close()

app.MainWindow = Window
sys.exit(app.run(bootstrap.services(), []))
"""


def test_the_window_is_painted_before_anything_heavy_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", PAINTED], capture_output=True, text=True, timeout=60, env={**os.environ}, check=False
    )
    assert done.stdout.split("\n")[:2] == ["store []", "painted []"], done.stderr
    assert done.returncode == 0, done.stderr
    assert "QThread" not in done.stderr
    assert "Traceback" not in done.stderr


NOT_SHOWN = """
import sys
from busi_viewer import bootstrap
from busi_viewer.gui import app, window

class Window(window.MainWindow):
    def show(self):
        self.keeping.start()
        raise RuntimeError("no screen")

app.MainWindow = Window
sys.exit(app.run(bootstrap.services(), []))
"""


def test_a_window_that_cannot_be_shown_ends_the_process_with_the_error():
    done = subprocess.run(
        [sys.executable, "-c", NOT_SHOWN], capture_output=True, text=True, timeout=60, env={**os.environ}, check=False
    )
    assert done.returncode == 1
    assert "RuntimeError: no screen" in done.stderr
    assert "QThread" not in done.stderr


def test_an_uncaught_error_is_shown_and_the_application_goes_on(qtbot, qapp, caplog):
    with window(qtbot, qapp) as made:
        hook = ErrorHook()
        hook.caught.connect(made.notices.show_problem)
        hook.install()
        try:
            try:
                raise RuntimeError("SMITH^ANNA")
            except RuntimeError as error:
                sys.excepthook(type(error), error, error.__traceback__)
        finally:
            hook.remove()
        notice = made.notices.shown()[0]
        assert "error of the program" in notice.title
        assert "application goes on" in notice.text
        assert made.isVisible()
    assert "SMITH" not in caplog.text


def test_a_problem_never_logs_names_or_messages(caplog, tmp_path):
    with caplog.at_level("INFO"):
        try:
            raise OSError(2, "No such file", "/data/SMITH^ANNA.png")
        except OSError as error:
            shown = problem_from(error, "opening", tmp_path / "SMITH^ANNA.png")
    assert shown.is_bug
    assert "SMITH" in shown.details
    assert "SMITH" not in caplog.text


@pytest.mark.parametrize("name", ["open", "report", "analyse", "accept", "brush"])
def test_commands_are_off_until_they_can_be_used(qtbot, qapp, name):
    with window(qtbot, qapp) as made:
        assert made.actions_[name].isEnabled() == (name == "open")


def test_single_keys_choose_tools_but_not_while_typing(qtbot, qapp, tmp_path):
    write_image(tmp_path / "b.png")
    with window(qtbot, qapp) as made:
        made.activateWindow()
        open_and_wait(qtbot, made, tmp_path)
        made.worklist.search.setFocus()
        qtbot.waitUntil(made.worklist.search.hasFocus)
        qtbot.keyClicks(made.worklist.search, "bpa")
        assert made.worklist.search.text() == "bpa"
        assert made.canvas.tool == "pointer"
        assert made.reading.stage is None
        made.worklist.search.clear()
        made.canvas.setFocus()
        qtbot.waitUntil(made.canvas.hasFocus)
        qtbot.keyClick(made.canvas, Qt.Key.Key_B)
        assert made.canvas.tool == "brush"
        assert made.review.options.isVisible()
        qtbot.keyClick(made.canvas, Qt.Key.Key_P)
        qtbot.keyClick(made.canvas, Qt.Key.Key_Space)
        assert made.canvas.tool == "brush"
        qtbot.keyClick(made.canvas, Qt.Key.Key_Escape)
        assert made.canvas.tool == "pointer"


def test_dropped_files_are_opened(qtbot, qapp, tmp_path):
    write_image(tmp_path / "dropped.png")
    with window(qtbot, qapp) as made:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
        event = QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        made.dropEvent(event)
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=5000)
        assert made.model.items[0].name == "dropped"


def test_a_folder_without_images_is_said(qtbot, qapp, tmp_path):
    with window(qtbot, qapp) as made:
        made.open_paths([tmp_path])
        qtbot.waitUntil(lambda: bool(made.notices.shown()))
        assert "No images" in made.notices.shown()[0].title
        assert made.pages.currentWidget() is made.welcome


def test_the_sample_opens(qtbot, qapp):
    if not paths.resource("sample").is_dir():
        pytest.skip("no sample study in this checkout")
    with window(qtbot, qapp) as made:
        made.welcome.sample_asked.emit()
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=8000)
        assert made.model.rowCount() >= 5


def test_settings_outlive_the_window(qtbot, qapp, tmp_path):
    write_image(tmp_path / "a.png")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path)
        made.actions_["light"].trigger()
        made.actions_["fill"].trigger()
        made.toolbar.set_opacity(0.65)
        made.canvas.set_brush_radius(21)
        assert theme.tokens() is theme.LIGHT
        assert made.canvas.mask_style == "both"
    kept = settings.load()
    assert (kept.theme, kept.mask_style, kept.heatmap_opacity, kept.brush_radius) == ("light", "both", 0.65, 21.0)
    theme.apply(qapp, "dark")


@pytest.mark.parametrize("width", [1024, 1280, 1440, 1600])
def test_every_width_leaves_room_for_the_canvas(qtbot, qapp, tmp_path, width):
    write_image(tmp_path / "a.png")
    with window(qtbot, qapp, ThresholdEngine(), size=(width, 800)) as made:
        made.resize(width, 800)
        open_and_wait(qtbot, made, tmp_path)
        assert made.width() == width, "nothing forces the window wider"
        assert made.canvas.width() >= 420
        assert made.result.width() >= 320


def test_window_presets_change_what_the_canvas_shows(qtbot, qapp, tmp_path):
    write_image(tmp_path / "a.png")
    with window(qtbot, qapp, size=(1600, 900)) as made:
        open_and_wait(qtbot, made, tmp_path)
        made.toolbar.presets.activated.emit([preset.name for preset in PRESETS].index("Dark areas"))
        assert made.canvas.window == (0.0, 102.0)
        assert made.toolbar.presets.currentText().startswith("Dark areas")
        made.actions_["reset_window"].trigger()
        assert made.toolbar.presets.currentText().startswith("Default")


def test_further_windows_of_a_file_are_offered_and_go_with_it(qtbot, qapp, tmp_path):
    write_image(tmp_path / "a.png")
    with window(qtbot, qapp, size=(1600, 900)) as made:
        open_and_wait(qtbot, made, tmp_path)
        record, combo = made.canvas.session.document.record, made.toolbar.presets
        pixels = record.frames[0]
        made.toolbar.show_window((0.0, 255.0), replace(record, more_windows=(("CYST", (20.0, 60.0)),)), pixels)
        assert [combo.itemText(index) for index in range(len(PRESETS), combo.count())] == ["CYST"]
        combo.activated.emit(len(PRESETS))
        assert made.canvas.window == (20.0, 60.0)
        made.toolbar.show_window((0.0, 255.0), record, pixels)
        assert combo.count() == len(PRESETS)


def test_modules_are_imported_without_pyside_reading_their_source(qapp):
    from busi_viewer import settings
    from busi_viewer.gui.app import make_application

    make_application(settings.Settings())
    assert builtins.__import__ is builtins.__orig_import__


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always one")
def test_without_a_display_it_says_so(tmp_path):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["BUSI_VIEWER_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "busi_viewer"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    assert "no display" in done.stderr
    assert "desktop session" in done.stderr
