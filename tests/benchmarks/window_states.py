"""Pictures of every state of the real window: ``python tests/benchmarks/window_states.py OUT [--data FOLDER] [--only NAME…]``.

The real services and the shipped model, waited for by condition. One PNG a state, at ``--scale`` pixels to the point and
``--size`` points, in ``--theme`` and ``--language``; to be looked at by somebody. Without ``--data`` (BUSI beside BrEaST)
the bundled study is shown alone. Runs on the display at hand, or with QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

STATES: dict[str, Callable[[Stage], None]] = {}
WAIT_S = 180.0


def state(made: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Register a state under its function's name; they come in the order of this file."""
    STATES[made.__name__] = made
    return made


def lay_out_study(data: Path | None, place: Path, count: int) -> Path:
    """A folder as readers have them: images of three classes, DICOM, one that is cut off, one that is no ultrasound."""
    from busi_viewer import paths

    sample = paths.resource("sample")
    busi, breast = place / "BUSI", place / "clinic" / "2025-03"
    breast.mkdir(parents=True)
    shutil.copytree(sample, busi)
    if data is not None:
        for kind in ("malignant", "benign", "normal"):
            folder = data / "Dataset_BUSI_with_GT" / kind
            for path in sorted(p for p in folder.glob("*.png") if "_mask" not in p.name)[:count]:
                shutil.copy(path, busi)
        for path in sorted((data / "BrEaST" / "images").glob("*.png"))[:count]:
            shutil.copy(path, breast)
    whole = (sample / "malignant.png").read_bytes()
    (breast / "US-0133.png").write_bytes(whole[: len(whole) // 3])
    grey = np.random.default_rng(1).normal(0.0, 1.0, (480, 640))
    blobs = cv2.normalize(cv2.GaussianBlur(grey, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(breast / "US-0134.png"), blobs.astype(np.uint8))
    return place


class Stage:
    """The application with one window; states act on it and take pictures."""

    def __init__(self, arguments: argparse.Namespace, study: Path) -> None:
        from busi_viewer import bootstrap, settings
        from busi_viewer.gui import language
        from busi_viewer.gui.app import make_application

        self.arguments, self.study, self.out = arguments, study, arguments.out
        self.services = bootstrap.services()
        self.chosen = replace(settings.Settings(), theme=arguments.theme, window_size=tuple(arguments.size))
        self.app = make_application(self.chosen)
        language.begin(arguments.language, self.app)
        self.window: Any = None
        self.state = ""

    def begin(self, **changes: Any) -> None:
        """A new window with these settings, in place of the one before."""
        from busi_viewer.gui.window import MainWindow

        self.end()
        self.window = MainWindow(self.services, replace(self.chosen, **changes))
        self.window.show()
        self.until(lambda: self.window.keeping.writable)
        self.settle()

    def end(self) -> None:
        """Close the window."""
        if self.window is not None:
            self.window.keeping.flush(5.0)
            self.window.close()
            self.window.deleteLater()
            self.window = None
            self.settle()

    def until(self, done: Callable[[], bool]) -> None:
        """Let the window work until something is so. Raises TimeoutError."""
        begun = time.monotonic()
        while not done():
            if time.monotonic() - begun > WAIT_S:
                raise TimeoutError(self.state)
            self.app.processEvents()
            time.sleep(0.005)

    def settle(self, seconds: float = 0.4) -> None:
        """Let what follows by itself happen."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def do(self, *names: str) -> None:
        """Trigger commands."""
        for name in names:
            self.window.actions_[name].trigger()
            self.settle(0.1)

    def open(self, *paths: Path) -> None:
        """Open files and wait for the first."""
        window = self.window
        window.open_paths(list(paths))
        self.until(lambda: window.worklist.current() is not None)
        self.show(window.worklist.current())

    def show(self, path: Path) -> None:
        """Bring a listed file into view."""
        reading = self.window.reading
        self.window.worklist.select(path)
        item = self.window.model.item(path)
        self.until(lambda: reading.path == path and (reading.session is not None or item.phase == "failed"))
        self.settle()

    def analyse(self, command: str = "analyse") -> None:
        """Analyse the image in view."""
        reading = self.window.reading
        self.do(command)
        self.until(lambda: reading.stage is None)
        self.settle(1.0)

    def analysed(self, name: str) -> None:
        """Bring a file of the study into view, analysed; in one panel, the list as it is first."""
        if self.window is None or self.window.blind.on:
            self.begin(blind=False)
        path = self.study / name
        if self.window.model.item(path) is None:
            self.open(self.study)
            self.until(lambda: self.window.model.item(path) is not None)
        self.show(path)
        if self.window.reading.session.document.result is None:
            self.analyse()
        self.window.notices.clear()
        self.settle()

    def shoot(self, what: str = "", widget: Any = None, *, settled: bool = True) -> None:
        """Write a picture of the window, or of a part or dialog; at once if it need not be ``settled``."""
        if settled:
            self.settle(0.2)
        self.app.processEvents()  # what has just been shown is laid out
        name = "-".join(part for part in (f"{list(STATES).index(self.state):02}", self.state, what) if part)
        (widget or self.window).grab().save(str(self.out / f"{name}.png"))

    def _at(self, place: tuple[int, int]) -> Any:
        """Where on the canvas a place of the image lies."""
        return self.window.canvas.camera.to_screen(*place).toPoint()

    def hover(self, place: tuple[int, int]) -> None:
        """Move the mouse to a place of the image."""
        from PySide6.QtTest import QTest

        QTest.mouseMove(self.window.canvas._view.viewport(), self._at(place))
        self.settle(0.05)

    def drag(self, *places: tuple[int, int]) -> None:
        """Press at the first place of the image, move over the others, and let go."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        view, left = self.window.canvas._view.viewport(), Qt.MouseButton.LeftButton
        self.hover(places[0])
        QTest.mousePress(view, left, Qt.KeyboardModifier.NoModifier, self._at(places[0]))
        for place in places[1:]:
            self.hover(place)
        QTest.mouseRelease(view, left, Qt.KeyboardModifier.NoModifier, self._at(places[-1]))
        self.settle(0.1)

    def dialog_of(self, press: Callable[[], object], what: str) -> None:
        """Open a dialog that blocks, take its picture and close it."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication, QDialog

        def look() -> None:
            dialog = QApplication.activeModalWidget() or next(
                (w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()), None
            )
            if dialog is not None:
                self.shoot(what, dialog)
                dialog.close()

        QTimer.singleShot(600, look)
        press()
        self.settle(1.0)

    def menu_of(self, press: Callable[[], None], what: str) -> None:
        """Open a menu that blocks, take its picture and close it."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication

        def look() -> None:
            popup = QApplication.activePopupWidget()
            if popup is not None:
                self.shoot(what, popup)
                popup.close()

        QTimer.singleShot(400, look)
        press()


@state
def welcome(stage: Stage) -> None:
    """Nothing is open; with what was opened last."""
    stage.begin()
    stage.shoot()
    stage.begin(recent=(str(stage.study / "BUSI"), str(stage.study / "clinic")))
    stage.window.welcome.set_over(True)
    stage.shoot("recent-dragged-over")


@state
def no_model(stage: Stage) -> None:
    """The chosen model is not installed."""
    stage.begin(model="no-such-model")
    stage.open(stage.study / "BUSI")
    stage.do("analyse")
    stage.settle(2.0)
    stage.shoot()


@state
def loading(stage: Stage) -> None:
    """The first analysis: stages and skeletons."""
    stage.begin()
    stage.open(stage.study)
    stage.show(stage.study / "BUSI" / "malignant.png")
    stage.shoot("not-analysed")
    stage.window.actions_["analyse"].trigger()
    stage.until(lambda: stage.window.reading.stage is not None)
    stage.shoot(settled=False)
    stage.until(lambda: stage.window.reading.stage is None)


@state
def unreadable(stage: Stage) -> None:
    """A file that is cut off."""
    stage.analysed("BUSI/malignant.png")
    stage.show(stage.study / "clinic" / "2025-03" / "US-0133.png")
    stage.shoot()
    stage.window.notices.shown()[0].answers[0].click()
    stage.settle(1.0)
    stage.shoot("tried-again")
    stage.window.notices.clear()


@state
def proposal(stage: Stage) -> None:
    """An outline and an estimate wait to be accepted; each class."""
    for name in ("malignant", "benign", "cyst", "normal"):
        stage.analysed(f"BUSI/{name}.png")
        stage.shoot(name)


@state
def withheld(stage: Stage) -> None:
    """No estimate is given."""
    stage.analysed("clinic/2025-03/US-0134.png")
    stage.shoot()


@state
def accepted(stage: Stage) -> None:
    """The outline is the reader's; each tool's options; then edited."""
    from busi_viewer.gui.actions import DRAWING, FINDING, PAINTING, REFINING

    stage.analysed("BUSI/benign.png")
    stage.do("accept")
    stage.settle(1.0)
    stage.shoot()
    from busi_viewer.core.edits import MaskEdit

    for tool in (*PAINTING, *DRAWING, *FINDING, *REFINING):
        stage.do(tool)
        stage.shoot(tool)
    session = stage.window.reading.session
    height, width = session.document.record.shape
    box = (width // 2, height // 2, width // 2 + 90, height // 2 + 60)
    session.apply(MaskEdit(0, box, np.ones((60, 90), dtype=bool), "Brush"))
    stage.do("pointer")
    stage.settle(1.0)
    stage.shoot("edited")
    stage.do("analyse")
    stage.shoot("asked")
    stage.window.notices.clear()
    stage.do("undo")


@state
def panels(stage: Stage) -> None:
    """Four panels, AI beside reader, callipers in both."""
    stage.analysed("BUSI/malignant.png")
    stage.do("layout_four")
    stage.shoot("four")
    stage.do("layout_sides")
    stage.shoot("sides-proposal")
    stage.do("accept", "propose_callipers")
    stage.settle(1.0)
    stage.shoot("sides-callipers")
    stage.do("layout_one")
    stage.settle(0.5)
    stage.shoot("callipers")
    stage.do("undo", "undo")


@state
def measuring(stage: Stage) -> None:
    """The measuring tools and calibration of a picture without a scale."""
    stage.analysed("BUSI/cyst.png")
    for tool, places in {
        "length": ((200, 300), (330, 320)),
        "two_axis": ((120, 60), (260, 90), (190, 40), (180, 110)),
        "angle": ((420, 100), (480, 180), (520, 120)),
        "ellipse": ((380, 300), (500, 380)),
        "calibrate": ((40, 20), (40, 220)),
    }.items():
        stage.do(tool)
        stage.shoot(tool)
        stage.drag(*places)
        stage.shoot(f"{tool}-drawn")
    stage.do("leave", "pointer")


@state
def drawing(stage: Stage) -> None:
    """Each tool that draws, with a shape in hand; the ring of the brush; what segmenting proposes."""
    stage.analysed("BUSI/benign.png")
    for tool, places in {
        "brush": ((300, 250), (360, 280), (400, 260)),
        "polygon": ((150, 300), (260, 280), (300, 360), (200, 400)),
        "freehand": ((150, 300), (260, 280), (300, 360), (200, 400), (150, 340)),
        "livewire": ((225, 170), (270, 125), (355, 145), (340, 200)),
        "segment": ((200, 110), (400, 230)),
    }.items():
        stage.do(tool)
        if tool in ("polygon", "livewire"):
            for place in places:
                stage.drag(place)
        else:
            stage.drag(*places)
        stage.hover(places[-1])
        stage.settle(1.0)
        stage.shoot(tool)
        stage.do("leave")
    stage.do("pointer")
    while stage.window.actions_["undo"].isEnabled():
        stage.do("undo")


@state
def palette(stage: Stage) -> None:
    """The palette: everything, what was typed, nothing found; and every menu."""
    from busi_viewer.gui.palette import Palette

    stage.analysed("BUSI/malignant.png")
    stage.do("palette")
    stage.shoot("all")
    found = stage.window.findChild(Palette)
    for words in ("export", "no such thing"):
        found.field.setText(words)
        stage.shoot(words.replace(" ", "-"))
    stage.do("palette")
    for action in stage.window.menuBar().actions():
        menu = action.menu()
        menu.popup(stage.window.mapToGlobal(stage.window.rect().topLeft()))
        stage.shoot(menu.title().replace("&", "").lower(), menu)
        menu.close()


@state
def many(stage: Stage) -> None:
    """Ten thousand files; and a window as small as it may be."""
    folder = stage.study.parent / "many"
    if not folder.exists():
        folder.mkdir()
        for number in range(10_000):
            os.link(stage.study / "BUSI" / "malignant.png", folder / f"study {number:05}.png")
    stage.begin()
    stage.open(folder)
    stage.until(lambda: stage.window.model.rowCount() == 10_000)
    stage.show(folder / "study 09998.png")
    stage.settle(1.0)
    stage.shoot()
    size = stage.window.size()
    stage.window.resize(1024, 640)
    stage.shoot("smallest")
    stage.do("brush")
    stage.shoot("smallest-brush")
    stage.window.resize(size)
    stage.begin()


@state
def heat(stage: Stage) -> None:
    """The heatmap, its classes and its menu."""
    stage.analysed("BUSI/malignant.png")
    if not stage.window.actions_["heatmap"].isChecked():
        stage.do("heatmap")
    stage.do("next_heat_class")
    stage.settle(1.0)
    stage.shoot("next-class")
    header = stage.window.review.header
    for what, button in (("classes", header.heat), ("display", header.display)):
        menu = button.menu()
        menu.popup(stage.window.mapToGlobal(stage.window.rect().center()))
        stage.shoot(what, menu)
        menu.close()
    stage.do("heat_predicted")
    stage.settle(1.0)


@state
def band(stage: Stage) -> None:
    """The uncertainty band, the heatmap off."""
    stage.analysed("BUSI/malignant.png")
    stage.do("heatmap")
    stage.shoot()
    stage.do("heatmap")


@state
def findings(stage: Stage) -> None:
    """Descriptor proposals, taken over and changed, with evidence drawn and a notice."""
    stage.analysed("BUSI/malignant.png")
    stage.do("describe")
    stage.settle(1.5)
    stage.shoot("proposals")
    stage.do("take_over")
    stage.settle(1.0)
    stage.shoot("taken-over")
    panel = stage.window.result
    bar = panel._scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    stage.shoot("end-of-panel")
    stage.do("sign")
    stage.settle(1.0)
    stage.shoot("sign")


@state
def cine(stage: Stage) -> None:
    """A multi-frame file before and after analysing every frame."""
    from pydicom.data import get_testdata_file

    stage.begin()
    loops = [stage.study / "BUSI" / "cine.dcm"]
    ybr = get_testdata_file("examples_ybr_color.dcm", download=False)
    stage.open(*loops, *([Path(ybr)] if ybr else ()))
    stage.show(loops[0])
    stage.shoot("fresh")
    stage.analyse("analyse_frames")
    stage.shoot("analysed")
    stage.do("next_frame", "next_frame", "accept")
    stage.do("regions")
    stage.shoot("accepted-frame-regions")
    if ybr:
        stage.show(Path(ybr))
        stage.shoot("colour")
        stage.analyse()
        stage.shoot("colour-analysed")


@state
def worklist(stage: Stage) -> None:
    """Grouped, filtered, flagged, with a file that failed; a batch running and paused."""
    stage.begin()
    stage.open(stage.study)
    stage.do("flag", "next_case", "next_case", "flag")
    stage.do("group_folder")
    stage.shoot("by-folder")
    stage.do("group_dicom")
    stage.settle(1.0)
    stage.shoot("by-patient")
    stage.do("group_none")
    stage.do("analyse_all")
    batch = stage.window.reading.batch
    stage.until(lambda: batch.done >= 3)
    stage.shoot("batch")
    stage.do("pause")
    stage.settle(2.0)
    stage.shoot("batch-paused")
    stage.do("pause")
    stage.until(lambda: not batch.active)
    stage.settle(1.0)
    stage.shoot("batch-done")
    stage.window.notices.clear()
    stage.do("sort_estimate")
    stage.shoot("by-estimate")
    stage.do("sort_name")
    stage.window.worklist.search.setText("nothing like this")
    stage.shoot("nothing-found")
    stage.window.worklist.search.clear()
    stage.window.worklist.set_filter("Failed")
    stage.shoot("failed-only")
    stage.window.worklist.set_filter("All")
    stage.menu_of(stage.window.worklist._choose_filter, "filter-menu")
    stage.menu_of(stage.window.worklist._choose_order, "order-menu")


@state
def blind(stage: Stage) -> None:
    """Read blind: veiled, with an outline of one's own, signing asked for, then locked."""
    stage.begin(blind=True)
    stage.open(stage.study / "BUSI")
    path = stage.study / "BUSI" / "malignant.png"
    stage.show(path)
    stage.analyse()
    stage.shoot("veiled")
    from busi_viewer.core.edits import MaskEdit

    session = stage.window.reading.session
    height, width = session.document.record.shape
    box = (width // 3, height // 3, width // 3 + 120, height // 3 + 80)
    session.apply(MaskEdit(0, box, np.ones((80, 120), dtype=bool), "Brush"))
    stage.do("layout_four")
    stage.shoot("four")
    stage.do("layout_sides")
    stage.shoot("sides")
    stage.do("layout_one", "sign")
    stage.settle(1.0)
    stage.shoot("sign")
    stage.do("audit_page")
    stage.settle(1.0)
    stage.shoot("audit")
    stage.do("review_page", "lock_reading")
    stage.settle(1.0)
    stage.shoot("locked")


@state
def pages(stage: Stage) -> None:
    """Audit log, Network, F1, About, privacy mode."""
    stage.analysed("BUSI/malignant.png")
    stage.do("audit_page")
    stage.settle(1.5)
    stage.shoot("audit")
    stage.do("network_page")
    stage.settle(1.0)
    stage.shoot("network")
    stage.window.network.new_peer.setText("PACS@127.0.0.1:11199")
    stage.window.network.add.click()
    stage.window.network.test.click()
    stage.settle(2.0)
    stage.shoot("network-peer")
    stage.do("review_page", "privacy")
    stage.settle(0.5)
    stage.shoot("privacy")
    stage.do("privacy", "keys")
    dialog = stage.window.commands._shortcuts
    stage.shoot("keys", dialog)
    dialog.list.setCurrentItem(dialog.list.topLevelItem(1).child(2))
    dialog.field.setKeySequence("A")
    stage.shoot("keys-conflict", dialog)
    dialog.close()


@state
def report(stage: Stage) -> None:
    """The preview of a report, and its letterhead; the de-identification dialog; About."""
    stage.analysed("BUSI/malignant.png")
    stage.do("accept", "preview")
    preview = stage.window.printing.preview
    stage.settle(3.0)
    stage.shoot("preview", preview)
    preview.close()
    stage.do("undo")
    for name, what in (("deidentify", "deidentify"), ("about", "about")):
        stage.dialog_of(lambda name=name: stage.do(name), what)


@state
def help_pages(stage: Stage) -> None:
    """Help, in the language of the window."""
    stage.analysed("BUSI/malignant.png")
    stage.do("help")
    stage.settle(0.5)
    window = next(part for part in stage.app.topLevelWidgets() if type(part).__name__ == "HelpWindow")
    stage.shoot("first", window)
    window.show_page("editing")
    stage.shoot("editing", window)
    window.close()


@state
def models(stage: Stage) -> None:
    """The Models page, read and verified."""
    stage.analysed("BUSI/malignant.png")
    stage.do("models_page")
    stage.until(lambda: stage.window.models.list.count() > 0)
    stage.settle(1.0)
    stage.shoot()
    stage.window.models.verify.click()
    stage.settle(2.0)
    stage.shoot("verified")


@state
def training(stage: Stage) -> None:
    """The Training page from data to a run that is compared; on phantoms, so that it takes a minute."""
    from busi_viewer.core.phantom import phantom
    from busi_viewer.gui.training.runs_list import RECIPE, RUN, SPLIT
    from busi_viewer.workflow.training_runs import DONE

    root = stage.study.parent / "phantoms"
    for label, kind in {"normal": "none", "benign": "benign", "malignant": "malignant"}.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for i in range(24):
            image, mask = phantom(kind, i, (192, 256))
            mask[:] &= i != 0
            cv2.imwrite(str(root / label / f"{label} ({i}).png"), image)
            cv2.imwrite(str(root / label / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    stage.begin()
    stage.do("training_page")
    book = stage.window.training.book
    stage.until(lambda: book._seen_first and bool(book.recipe._rows))
    stage.shoot("empty")
    book.data.add(root)
    stage.shoot("data")
    book.data.audit.click()
    stage.shoot("auditing")
    stage.until(lambda: book.data.result is not None)
    book.data.findings.kinds.setCurrentRow(0)
    stage.shoot("audited")
    book.go(SPLIT)
    stage.until(lambda: book.split.plan is not None)
    stage.shoot("split")
    book.go(RECIPE)
    stage.shoot("recipe")
    for kind in range(1, book.recipe.study.what.count()):
        book.recipe.study.what.setCurrentIndex(kind)
        stage.shoot(f"recipe-{book.recipe.study.kind}")
    book.recipe.study.what.setCurrentIndex(0)
    book.recipe.epochs.setValue(3)
    book.recipe.edge.setValue(64)
    book.recipe.start.setCurrentIndex(book.recipe.start.count() - 1)
    book.recipe.begin.click()
    stage.until(lambda: book.run is not None)
    stage.shoot("started")
    stage.until(lambda: book.run.state == DONE or len(book.run.progress.epochs) >= 2)
    stage.settle(2.0)
    stage.shoot("running")
    stage.until(lambda: book.run.state == DONE)
    stage.settle(3.0)
    stage.shoot("results")
    book.go(RUN)
    stage.settle(1.0)
    stage.shoot("run-done")
    book.side.open_test.click()
    stage.settle(0.5)
    stage.shoot("testing")
    stage.until(lambda: book._seen.tested is not None)
    stage.settle(3.0)
    stage.shoot("tested")


@state
def crash(stage: Stage) -> None:
    """A crash record is offered for review; notices pile up."""
    from busi_viewer.gui.crash_review import CrashReview
    from busi_viewer.workflow import crashes

    crashes.folder().mkdir(parents=True, exist_ok=True)
    (crashes.folder() / "9999999-1.txt").write_text(
        "busi_viewer\nFatal Python error: Segmentation fault\n", encoding="utf-8"
    )
    stage.begin()
    CrashReview(stage.window.notices, stage.window).offer()
    stage.window.notices.show_info("Saved malignant.pdf", "in /reports", ("Open", lambda: None))
    stage.settle(1.0)  # notices wait until the mouse rests
    stage.shoot()


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="folder that holds Dataset_BUSI_with_GT and BrEaST")
    parser.add_argument("--count", type=int, default=4, help="images of each class")
    parser.add_argument("--size", type=int, nargs=2, default=(1600, 1000))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--language", choices=("en", "de"), default="en")
    parser.add_argument("--only", nargs="+", choices=tuple(STATES), help="these states")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ["QT_SCALE_FACTOR"] = str(arguments.scale)
    with tempfile.TemporaryDirectory() as place:
        os.environ["BUSI_VIEWER_HOME"] = str(Path(place) / "home")
        stage = Stage(arguments, lay_out_study(arguments.data, Path(place) / "study", arguments.count))
        try:
            for name in arguments.only or STATES:
                stage.state = name
                sys.stderr.write(f"{name}\n")
                STATES[name](stage)
        finally:
            stage.end()


if __name__ == "__main__":
    main()
