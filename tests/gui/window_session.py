"""A reader at work in a real window, as a process of its own: ``python window_session.py IMAGE``, until it is killed.

Prints ``did N`` when stroke N was committed, ``kept N`` when nothing was waiting after it.
"""

import os
import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from window_kit import services

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
        if self.done % 3 == 0 and self.keeping.flush(5.0):
            say("kept", self.done)


if __name__ == "__main__":
    app.MainWindow = Window
    sys.exit(app.run(services(), [Path(sys.argv[1])]))
