"""The window's part in the DICOM network: the send queue delivered in the background, peers asked, objects received.

Nothing of the network is imported before something is sent, asked or received.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal, Slot

from busi_viewer.core.errors import UserError
from busi_viewer.core.network import Peer
from busi_viewer.core.ports import Receiver, Services
from busi_viewer.gui.language import tr
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.settings import Settings
from busi_viewer.workflow import send_queue
from busi_viewer.workflow.network import objects_in, reception

POLL_MS = 2000


class Networking(QObject):
    """All signals arrive on the GUI thread.

    ``queue_changed(list[Job])`` whenever the queue may look different. ``listening(where)``: what is listened on, empty for
    not; ``received(path, title)`` for each new object. ``echoed(Peer, words)``: what came of a test, empty where it answers.
    """

    queue_changed = Signal(object)
    listening = Signal(str)
    received = Signal(object, str)
    echoed = Signal(object, str)
    problem = Signal(object)
    _started = Signal(object)
    _added = Signal(object)
    _delivered = Signal(object)
    _refused = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.queue = send_queue.SendQueue()
        self._title = ""
        self._receiver: Receiver | None = None
        self._stop = threading.Event()
        self._pool, self._sending = QThreadPool(), QThreadPool()
        self._pool.setMaxThreadCount(2)
        self._sending.setMaxThreadCount(1)
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.deliver)
        self._started.connect(self._on_started)
        self._added.connect(self._on_added)
        self._delivered.connect(self._on_delivered)
        self._refused.connect(self._on_refused)

    def start(self, title: str) -> None:
        """Deliver what is left in the queue, and go on looking; ``title`` is ours."""
        self._title = title
        self._timer.start()

    # sending

    def send(self, peer: Peer, files: Sequence[Path]) -> None:
        """Put files into the queue for a peer; a DICOMDIR stands for what it indexes."""
        self._ask(lambda: self.queue.add(peer, objects_in(files)), self._added.emit, "queueing files to send")

    def retry(self, numbers: Sequence[str]) -> None:
        """Try jobs again now."""
        self._ask(lambda: self.queue.retry(*numbers), self._added.emit, "queueing again")

    def cancel(self, numbers: Sequence[str]) -> None:
        """Take jobs off the queue."""
        self._ask(lambda: self.queue.cancel(*numbers), self._added.emit, "cancelling")

    @Slot()
    def deliver(self) -> None:
        """Send what is due, unless that goes on already."""
        if self._busy or not self._timer.isActive():
            return
        self._busy = True

        def work() -> list[send_queue.Job]:
            if any(not job.failed for job in self.queue.jobs()):
                self.queue.deliver(self._services.network(self._title), cancel=self._stop)
            return self.queue.jobs()

        start_job(self._sending, work, self._delivered.emit, self._refused.emit)

    # asking and receiving

    def echo(self, peer: Peer, title: str) -> None:
        """Ask whether a peer answers."""

        def work() -> str:
            try:
                self._services.network(title).echo(peer)
            except UserError as error:
                return str(error)
            return ""

        self._ask(work, lambda words: self.echoed.emit(peer, words), "testing a peer")

    def listen(self, chosen: Settings) -> None:
        """Begin to receive as the settings say."""
        self._title = chosen.own_title
        if self._receiver is not None:
            return

        def work() -> tuple[Receiver, str]:
            receiver = self._services.receiver(reception(chosen), self.received.emit)
            receiver.start()
            return receiver, tr(
                "{title} on {address} port {port}",
                title=chosen.own_title,
                address=chosen.listen_address,
                port=str(receiver.port),
            )

        self._ask(work, self._started.emit, "beginning to receive")

    def end_listening(self) -> None:
        """Receive no more."""
        receiver, self._receiver = self._receiver, None
        self.listening.emit("")
        if receiver is not None:
            self._ask(receiver.stop, lambda _none: None, "ending to receive")

    def close(self) -> None:
        """Break off and wait; nothing is reported any more. What was not sent stays in the queue."""
        self._timer.stop()
        self.blockSignals(True)
        self._stop.set()
        for pool in (self._pool, self._sending):
            drain(pool)
        if self._receiver is not None:
            self._receiver.stop()

    # inside

    def _ask(self, work: Callable[[], object], done: Callable[[Any], None], doing: str) -> None:
        start_job(self._pool, work, done, lambda error: self.problem.emit(problem_from(error, doing)))

    @Slot(object)
    def _on_started(self, made: tuple[Receiver, str]) -> None:
        self._receiver, where = made
        self.listening.emit(where)

    @Slot(object)
    def _on_added(self, _jobs: object) -> None:
        self.queue_changed.emit(self.queue.jobs())
        self.deliver()

    @Slot(object)
    def _on_delivered(self, _jobs: object) -> None:
        self._busy = False
        self.queue_changed.emit(self.queue.jobs())

    @Slot(object)
    def _on_refused(self, error: BaseException) -> None:
        self._busy = False
        self.problem.emit(problem_from(error, "sending"))
