"""Being told to pause or stop: the file ``control`` in the run's folder holds the last word said to the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from busi_viewer.core.errors import Cancelled
from busi_viewer.core.training import CONTROL, GO, PAUSE, STOP

EVERY_S = 0.5
"""How often the file is looked at."""


class Control(pl.Callback):
    """Obeys the word in ``out / CONTROL`` after each optimiser step: waits while it is PAUSE, raises Cancelled at STOP.

    A stopped run goes on from its last finished epoch. ``report`` hears {"event": "paused"} and {"event": "resumed"}.
    """

    def __init__(self, out: Path, report: Callable[[dict[str, Any]], None]) -> None:
        self._file = out / CONTROL
        self._report = report
        self._looked = 0.0

    def on_train_batch_end(self, *args: Any) -> None:
        """Look for a word."""
        if time.monotonic() - self._looked >= EVERY_S:
            self.obey()

    def obey(self) -> None:
        """Do what the file says. Raises Cancelled."""
        paused = False
        while (word := self._word()) == PAUSE:
            if not paused:
                self._report({"event": "paused"})
            paused = True
            time.sleep(EVERY_S)
        if word == STOP:
            raise Cancelled
        if paused:
            self._report({"event": "resumed"})
        self._looked = time.monotonic()

    def _word(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8").strip()
        except OSError:
            return GO
