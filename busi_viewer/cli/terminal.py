"""What a command says while it works: progress on a terminal only, notices and errors always."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from busi_viewer.workflow.analyse import Failure

_REDRAW_SECONDS = 0.1
_FIGURES = {
    "train_loss": "training loss",
    "val_loss": "validation loss",
    "val_dice": "Dice",
    "val_auc_malignant": "AUC",
    "val_accuracy": "accuracy",
}
"""What is said of an epoch, by the event's fields."""
_NOTICES = 20
"""So many existing results are named one by one, the others counted."""


def one_line(text: str) -> str:
    """The text on one line without control characters, which could come from a file's name."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split("\n")))


def duration(seconds: float) -> str:
    """A rough duration in words: ``12 s``, ``3 min``, ``2 h 5 min``."""
    whole = max(round(seconds), 0)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class Terminal:
    """Standard error of a command. A bar with the time left is drawn only where ``stream`` is a terminal."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self.interactive = self._stream.isatty()
        self._started = clock()
        self._drawn = -1.0
        self._share = 0.0
        self._shown = False
        self._skips = 0

    def progress(self, text: str, share: float) -> None:
        """Draw what is being done, how much is done (0…1) and the time left; silent in a pipe."""
        now = self._clock()
        if share < self._share:
            self._started = now
        self._share = share
        if not self.interactive or (share < 1.0 and now - self._drawn < _REDRAW_SECONDS):
            return
        self._drawn = now
        spent = now - self._started
        left = f"{duration(spent * (1 - share) / share)} left" if share > 0 and spent > 1 else ""
        full = round(24 * min(share, 1.0))
        line = f"[{'=' * full}{' ' * (24 - full)}] {100 * share:3.0f} % {left:>12}  {one_line(text)}"
        width = max(shutil.get_terminal_size().columns - 1, 20)
        self._stream.write(f"\r{line[:width]:<{width}}")
        self._stream.flush()
        self._shown = True

    def training(self, event: Mapping[str, Any]) -> None:
        """Draw an event of a training run: ``step`` of ``of``, in epoch ``epoch``; an epoch's figures stay as a line."""
        if event.get("event") == "step":
            self.progress(f"epoch {event['epoch']}", event["step"] / max(event["of"], 1))
        elif event.get("event") == "epoch" and self.interactive:
            told = [f"{name} {event[key]:.3f}" for key, name in _FIGURES.items() if event.get(key) is not None]
            self.say(f"epoch {event['epoch']} of {event['of']}: {', '.join(told)}")

    def clear(self) -> None:
        """Wipe the bar."""
        if self._shown:
            self._stream.write("\r" + " " * max(shutil.get_terminal_size().columns - 1, 20) + "\r")
            self._shown = False

    def say(self, text: str) -> None:
        """Write one line."""
        self.clear()
        self._stream.write(one_line(text) + "\n")
        self._stream.flush()

    def error(self, text: str) -> None:
        """Write one line that names a failure."""
        self.say(f"error: {text}")

    def failed(self, failure: Failure) -> None:
        """Name a file that could not be done, and why."""
        self.error(f"{failure.path}: {failure.reason}")

    def skipped(self, path: Path) -> None:
        """Notice that a result exists."""
        self._skips += 1
        if self._skips <= _NOTICES:
            self.say(f"notice: {path}: skipped, its result exists. --overwrite analyses it again.")

    def finish(self, summary: str) -> None:
        """Wipe the bar, count the notices that were not shown and, on a terminal, sum up in one line."""
        self.clear()
        if self._skips > _NOTICES:
            self.say(f"notice: {self._skips - _NOTICES} more were skipped, their results exist.")
        if self.interactive:
            self.say(summary)
