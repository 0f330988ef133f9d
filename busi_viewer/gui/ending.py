"""The system's request to end (SIGTERM at shutdown, Ctrl-C in a terminal) reaches the window also while it is idle."""

from __future__ import annotations

import contextlib
import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class SystemRequests(QObject):
    """Emits ``asked`` when the system asks the process to end. Made and removed on the main thread."""

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inside, self._outside = socket.socketpair()
        for end in (self._inside, self._outside):
            end.setblocking(False)
        self._before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        # Python runs handlers between two of its instructions, of which an idle window makes none: a byte wakes it up
        self._wakened_before = signal.set_wakeup_fd(self._outside.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._inside.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def remove(self) -> None:
        """Put back what took signals before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakened_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._inside.close()
        self._outside.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._inside.recv(64)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.asked.emit()
