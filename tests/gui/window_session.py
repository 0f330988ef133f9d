"""A reader at work in a real window, as a process of its own: ``python window_session.py IMAGE [--slow]``, until it is killed.

Prints ``did N`` when stroke N was committed, ``kept N`` when nothing was waiting after it, ``identified N`` if the file is known
by then. With ``--slow`` a large file's digest is read as from a disk that takes forever.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from window_kit import services

from busi_viewer.core import files
from busi_viewer.core.edits import MaskEdit
from busi_viewer.gui import app


def stroke(number):
    """Stroke ``number``: a square, at another place each time."""
    x, y = 5 + (number * 7) % 120, 5 + (number * 5) % 90
    return MaskEdit(0, (x, y, x + 10, y + 10), np.ones((10, 10), dtype=bool), f"Stroke {number}")


def say(word, number):
    os.write(1, f"{word} {number}\n".encode())


class Window(app.MainWindow):
    """Paints strokes as soon as the image is there."""

    done = 0

    def __init__(self, *given):
        super().__init__(*given)
        self._hand = QTimer(self)
        self._hand.setInterval(15)
        self._hand.timeout.connect(self._paint)
        self._hand.start()

    def _paint(self):
        session = self.reading.session
        if session is None:
            return
        self.done += 1
        if self.done % 5 == 4:
            session.undo.undo()
        else:
            session.apply(stroke(self.done))
        say("did", self.done)
        if session.document.record.identified:
            say("identified", self.done)
        if self.done % 3 == 0 and self.keeping.flush(5.0):
            say("kept", self.done)


def never(_digest):
    """What a disk that does not answer would do."""
    time.sleep(600)


if __name__ == "__main__":
    if "--slow" in sys.argv:
        files.LateDigest._work_out = never
    app.MainWindow = Window
    sys.exit(app.run(services(), [Path(sys.argv[1])]))
