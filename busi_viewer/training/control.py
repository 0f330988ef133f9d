"""Being told to pause or stop: the file ``control`` in the run's folder holds the last word said to the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from busi_viewer.core.training import EVERY_S, obey


class Control(pl.Callback):
    """Obeys the word in ``out / CONTROL`` after each optimiser step (:func:`busi_viewer.core.training.obey`).

    A stopped run goes on from its last finished epoch.
    """

    def __init__(self, out: Path, report: Callable[[dict[str, Any]], None]) -> None:
        self._out, self._report, self._looked = out, report, 0.0

    def on_train_batch_end(self, *args: Any) -> None:
        """Look for a word."""
        if time.monotonic() - self._looked >= EVERY_S:
            self.obey()

    def obey(self) -> None:
        """Do what the file says. Raises Cancelled."""
        obey(self._out, self._report)
        self._looked = time.monotonic()
