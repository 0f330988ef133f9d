"""Make the pictures of the help (resources/help/pictures) from the real window with the bundled synthetic phantoms.

Run ``python resources/make_help_pictures.py`` from the checkout with the package installed, on a screen that has room for SIZE.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QDeadlineTimer, QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

os.environ["BUSI_VIEWER_HOME"] = tempfile.mkdtemp()

from busi_viewer import bootstrap, paths, settings
from busi_viewer.gui.app import make_application
from busi_viewer.gui.window import MainWindow

FOLDER = Path(__file__).resolve().parent / "help" / "pictures"
SIZE, WIDE, QUALITY = (1400, 860), 780, 85
"""The window's size, the widest picture in px, and how well it is kept: JPEG with whole colours, which few colours are not."""


def wait(until: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the window work until something holds. Raises TimeoutError."""
    deadline = QDeadlineTimer(round(1000 * seconds))
    while not until():
        if deadline.hasExpired():
            raise TimeoutError
        QApplication.processEvents()


def rest(milliseconds: int = 900) -> None:
    """Let the window work for a while."""
    deadline = QDeadlineTimer(milliseconds)
    while not deadline.hasExpired():
        QApplication.processEvents()


def keep(widget: QWidget, name: str, part: QRect | None = None) -> None:
    """Save a widget, or a part of it, at most WIDE px wide."""
    image = (
        widget.grab(part if part is not None else widget.rect()).toImage().convertToFormat(QImage.Format.Format_RGB888)
    )
    if image.width() > WIDE:
        image = image.scaledToWidth(WIDE, Qt.TransformationMode.SmoothTransformation)
    whole = Image.frombytes(
        "RGB", (image.width(), image.height()), bytes(image.constBits()), "raw", "RGB", image.bytesPerLine()
    )
    whole.save(FOLDER / f"{name}.jpg", quality=QUALITY, subsampling=0, optimize=True)


def show(window: MainWindow, name: str) -> None:
    """Bring an image of the sample to the front."""
    path = paths.resource("sample", name)
    window.worklist.select(path)
    wait(lambda: window.reading.path == path and window.reading.session is not None)
    rest()


def analyse(window: MainWindow, *, every_frame: bool = False) -> None:
    """Analyse the image in view."""
    window.reading.analyse(every_frame=every_frame)
    session = window.reading.session
    wait(lambda: window.reading.stage is None and session is not None and session.document.result is not None)
    rest(1500)


def main() -> None:
    """All pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chosen = settings.Settings(language="en")
    make_application(chosen)
    window = MainWindow(bootstrap.services(), chosen)
    window.resize(*SIZE)
    window.show()
    window.open_paths([paths.resource("sample")])
    wait(lambda: window.reading.session is not None and window.keeping.writable)
    act, canvas = window.actions_, window.review.panels
    bars = window.toolbar.mapTo(window, QPoint(0, window.toolbar.height())).y()
    show(window, "malignant.png")
    analyse(window)
    keep(window, "window")
    keep(window.result, "result", QRect(0, 0, window.result.width(), 520))
    keep(canvas, "heatmap")
    act["layout_four"].trigger()
    rest()
    keep(canvas, "panels")
    act["layout_one"].trigger()
    act["accept"].trigger()
    window.commands.set_tool("brush")
    rest()
    keep(window, "editing", QRect(0, 0, window.width(), 420))
    window.measuring.propose()
    rest()
    keep(canvas, "measuring")
    act["take_over"].trigger()
    act["describe"].trigger()
    rest()
    keep(window.result, "findings")
    show(window, "benign.png")
    act["blind"].trigger()
    rest()
    keep(window, "blind", QRect(0, 0, window.width(), 420))
    act["blind"].trigger()
    show(window, "cine.dcm")
    analyse(window, every_frame=True)
    left, top = window.worklist.width() + 1, bars
    keep(window, "cine", QRect(left, top, window.width() - left, window.height() - top - window.bottom.height()))
    keep(window.worklist, "worklist", QRect(0, 0, window.worklist.width(), 460))
    act["network_page"].trigger()
    rest()
    keep(window, "network", QRect(0, bars, window.width(), 450))
    act["audit_page"].trigger()
    rest(2000)
    keep(window, "audit", QRect(0, bars, window.width(), 420))
    window.close()


if __name__ == "__main__":
    main()
