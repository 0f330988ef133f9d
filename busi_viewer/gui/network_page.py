"""The Network page: who we are, whom we know, receiving on and off, and the queue of what is being sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.core.network import NetworkError, Peer, is_title
from busi_viewer.core.ports import Services
from busi_viewer.gui.controls import Combo, IconLabel, KeyButton, label, number_field, rule, spaced
from busi_viewer.gui.empty_note import EmptyNote
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.networking import Networking
from busi_viewer.gui.problem import Problem, problem_from
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.send_table import SendTable
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.worklist_model import WorklistModel
from busi_viewer.settings import Settings
from busi_viewer.workflow.inputs import Input
from busi_viewer.workflow.send_queue import Job

LISTEN_ON = {"This computer only": "127.0.0.1", "Every network": "0.0.0.0"}
CALLERS = {"Anyone": False, "Known peers only": True}
SIDE = 340
TELL_MS = 600
"""Objects received within this time are told of together."""


class NetworkPage(QWidget):
    """``problem(Problem)`` and ``said(title, text)`` are for the notice bar; ``changed`` asks to save the settings."""

    problem = Signal(object)
    said = Signal(str, str)
    changed = Signal()

    def __init__(
        self,
        services: Services,
        chosen: Settings,
        reading: Reading,
        model: WorklistModel,
        keeping: Keeping,
        open_paths: Callable[[Sequence[Path]], None],
    ) -> None:
        super().__init__()
        self.setObjectName("networkPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._chosen, self._reading, self._model, self._keeping = chosen, reading, model, keeping
        self._open_paths = open_paths
        self._arrived: Counter[str] = Counter()
        self.networking = Networking(services, self)
        self._make_fields()
        self._make_peers()
        self._make_queue()
        self._lay_out()
        self._connect()
        self._show_chosen()
        keeping.ready.connect(self._begin)
        keeping.refused.connect(self._begin)

    def _make_fields(self) -> None:
        self.title, self.port = QLineEdit(), number_field()
        self.title.setMaxLength(16)
        self.title.setAccessibleName(tr("Our title"))
        self.title.setToolTip(tr("Application entity title: the name by which peers know this application"))
        self.port.setRange(1, 65535)
        self.port.setAccessibleName(tr("Port to receive on"))
        self.port.setToolTip(tr("Ports below 1024 need the rights of an administrator"))
        self.address, self.callers = Combo(), Combo()
        for combo, words, names in (
            (self.address, tr("Listen on"), LISTEN_ON),
            (self.callers, tr("Receive from"), CALLERS),
        ):
            combo.setAccessibleName(words)
            for each, value in names.items():
                combo.addItem(tr(each), value)
        self.address.setToolTip(tr("Every network: any computer that reaches this one can send to it"))
        self.callers.setToolTip(tr("A peer is known by its title only: DICOM titles are no passwords"))
        self.listen = KeyButton(tr("Start receiving"), "play")
        self._light, self.state = IconLabel("circle", "text3", 14), label(tr("Not receiving"), "dim", wrap=True)

    def _make_peers(self) -> None:
        self.peers, self.new_peer = QListWidget(), QLineEdit()
        self.peers.setAccessibleName(tr("Peers"))
        self.peers.setToolTip(tr("The chosen peer is the one that is sent to"))
        self.new_peer.setPlaceholderText(tr("TITLE@HOST:PORT"))
        self.new_peer.setAccessibleName(tr("New peer"))
        self.new_peer.setToolTip(tr("A peer to add, as TITLE@HOST:PORT"))
        self.add = KeyButton(tr("Add"), "plus")
        self.test, self.remove = KeyButton(tr("Test"), "repeat"), KeyButton(tr("Remove"), "trash-2")
        self.test.setToolTip(tr("Ask whether the peer answers (C-ECHO)"))
        self.answer = label("", "quiet", wrap=True)
        self._no_peer = EmptyNote(self.peers, "network")

    def _make_queue(self) -> None:
        self.send_image = KeyButton(tr("Send image in view"), "image")
        self.send_files = KeyButton(tr("Send files…"), "folder-open")
        self.retry, self.cancel = KeyButton(tr("Try again"), "repeat"), KeyButton(tr("Cancel"), "x")
        self.send_image.setToolTip(tr("Send the DICOM file in view to the chosen peer (C-STORE)"))
        self.send_files.setToolTip(
            tr(
                "Send DICOM files, as exported results or a DICOMDIR with what lies beside it, to the chosen peer (C-STORE)"
            )
        )
        self.retry.setToolTip(tr("Try the chosen objects now; none chosen: all"))
        self.cancel.setToolTip(tr("Take the chosen objects off the queue"))
        self.table, self._count = SendTable(), label("", "quiet")
        self._nothing = EmptyNote(self.table, "square-arrow-out-up-right")

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(12)
        side.addWidget(self._card(tr("This application"), self._own_fields()))
        side.addWidget(self._card(tr("Peers"), self._peer_fields()), 1)
        queue = QVBoxLayout()
        queue.setSpacing(10)
        buttons = (self.send_image, self.send_files, 8, self.retry, self.cancel)
        queue.addLayout(spaced(label(tr("Sending"), "title"), self._count, 0, *buttons))
        queue.addWidget(self.table, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(16)
        row.addLayout(side)
        row.addLayout(queue, 1)

    def _card(self, title: str, inner: QVBoxLayout) -> QFrame:
        card = QFrame()
        set_role(card, "panel")
        card.setFixedWidth(SIDE)
        column = QVBoxLayout(card)
        column.setContentsMargins(14, 12, 14, 14)
        column.setSpacing(10)
        column.addWidget(label(title, "title"))
        column.addLayout(inner)
        return card

    def _own_fields(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        rows = (
            (tr("Title"), self.title),
            (tr("Listen on"), self.address),
            (tr("Port"), self.port),
            (tr("From"), self.callers),
        )
        for words, field in rows:
            name = label(words, "dim")
            name.setFixedWidth(70)
            name.setBuddy(field)
            row = spaced(name)
            row.addWidget(field, 1)
            column.addLayout(row)
        column.addWidget(rule())
        state = spaced(self._light, spacing=6)
        state.addWidget(self.state, 1)
        state.addWidget(self.listen)
        column.addLayout(state)
        return column

    def _peer_fields(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        entry = spaced(spacing=6)
        entry.addWidget(self.new_peer, 1)
        entry.addWidget(self.add)
        column.addLayout(entry)
        column.addWidget(self.peers, 1)
        column.addWidget(self.answer)
        column.addLayout(spaced(self.test, self.remove, 0))
        return column

    def _connect(self) -> None:
        net = self.networking
        net.problem.connect(self.problem)
        net.listening.connect(self._on_listening)
        net.received.connect(self._on_received)
        net.echoed.connect(self._on_echoed)
        net.queue_changed.connect(self._on_queue)
        self.listen.clicked.connect(self._toggle)
        self.add.clicked.connect(self._add_peer)
        self.new_peer.returnPressed.connect(self._add_peer)
        self.remove.clicked.connect(self._remove_peer)
        self.test.clicked.connect(self._test)
        self.send_image.clicked.connect(self._send_image)
        self.send_files.clicked.connect(self._send_files)
        self.retry.clicked.connect(lambda: net.retry(self.table.chosen() or self.table.all()))
        self.cancel.clicked.connect(lambda: net.cancel(self.table.chosen()))
        self.table.itemSelectionChanged.connect(self._refresh)
        self.peers.itemSelectionChanged.connect(self._refresh)
        self.title.editingFinished.connect(self.changed)
        self.port.editingFinished.connect(self.changed)
        for combo in (self.address, self.callers):
            combo.activated.connect(lambda _index: self.changed.emit())
        self._tell = QTimer(self)
        self._tell.setSingleShot(True)
        self._tell.setInterval(TELL_MS)
        self._tell.timeout.connect(self._tell_of_arrivals)

    # what the window asks

    @Slot()
    def refresh(self) -> None:
        """The page comes to the front."""
        self._on_queue(self.networking.queue.jobs())

    def remembered(self, chosen: Settings) -> Settings:
        """The settings with what is chosen here."""
        title = self.title.text().strip()
        return replace(
            chosen,
            own_title=title if is_title(title) else chosen.own_title,
            listen_address=self.address.currentData(),
            listen_port=self.port.value(),
            known_callers_only=self.callers.currentData(),
            peers=tuple(self.peers.item(row).text() for row in range(self.peers.count())),
        )

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop and wait; what was not sent stays in the queue."""
        self._tell.stop()
        self.networking.close()
        super().closeEvent(event)

    # inside

    @Slot()
    def _begin(self) -> None:
        self.networking.start(self._own().own_title)

    def _own(self) -> Settings:
        return self.remembered(self._chosen)

    def _show_chosen(self) -> None:
        chosen = self._chosen
        self.title.setText(chosen.own_title)
        self.port.setValue(chosen.listen_port)
        if chosen.listen_address not in LISTEN_ON.values():
            self.address.addItem(chosen.listen_address, chosen.listen_address)
        self.address.setCurrentIndex(self.address.findData(chosen.listen_address))
        self.callers.setCurrentIndex(int(chosen.known_callers_only))
        self.peers.addItems(list(chosen.peers))
        self.peers.setCurrentRow(0)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        peer = self.peers.currentItem() is not None
        self._no_peer.say(
            "" if self.peers.count() else tr("No peer yet"), tr("A peer is a PACS or a workstation to send to.")
        )
        waiting = self.table.rowCount() > 0
        self._nothing.say(
            "" if waiting else tr("Nothing waits to be sent"),
            tr("What is sent stands here until its peer has it.") if peer else tr("Add a peer at the left first."),
        )
        for button in (self.test, self.remove, self.send_image, self.send_files):
            button.setEnabled(peer)
        self.retry.setEnabled(self.table.rowCount() > 0)
        self.cancel.setEnabled(bool(self.table.chosen()))

    def _peer(self) -> Peer:
        return Peer.parse(self.peers.currentItem().text())

    @Slot()
    def _add_peer(self) -> None:
        try:
            words = str(Peer.parse(self.new_peer.text()))
        except NetworkError as error:
            self.problem.emit(problem_from(error, "adding a peer"))
            return
        if not self.peers.findItems(words, Qt.MatchFlag.MatchExactly):
            self.peers.addItem(words)
        self.peers.setCurrentItem(self.peers.findItems(words, Qt.MatchFlag.MatchExactly)[0])
        self.new_peer.clear()
        self.changed.emit()

    @Slot()
    def _remove_peer(self) -> None:
        self.peers.takeItem(self.peers.currentRow())
        self._refresh()
        self.changed.emit()

    @Slot()
    def _test(self) -> None:
        self.answer.setText(tr("Asking…"))
        self.networking.echo(self._peer(), self._own().own_title)

    @Slot(object, str)
    def _on_echoed(self, peer: Peer, words: str) -> None:
        self.answer.setText(said(words) or tr("{peer} answers", peer=peer))

    @Slot()
    def _toggle(self) -> None:
        if self.title.isEnabled():
            self.networking.listen(self._own())
        else:
            self.networking.end_listening()

    @Slot(str)
    def _on_listening(self, where: str) -> None:
        self.state.setText(tr("Receiving as {where}", where=where) if where else tr("Not receiving"))
        self._light.set_icon("circle-check" if where else "circle", "accent" if where else "text3")
        self.listen.set_text(tr("Stop receiving") if where else tr("Start receiving"))
        self.listen.set_icon("pause" if where else "play")
        for field in (self.title, self.port, self.address, self.callers):
            field.setEnabled(not where)

    @Slot(object, str)
    def _on_received(self, path: Path, title: str) -> None:
        """Straight into the worklist; what is in view stays."""
        if self._model.rowCount():
            self._model.add([Input(path, Path(path.name))])
            self._keeping.ask_states([path])
        else:
            self._open_paths([path])
        self._arrived[title] += 1
        self._tell.start()

    @Slot()
    def _tell_of_arrivals(self) -> None:
        words = ", ".join(tr("{n} from {title}", n=count, title=title) for title, count in self._arrived.items())
        total = self._arrived.total()
        self._arrived.clear()
        self.said.emit(
            plural("Received 1 object", "Received {n} objects", total),
            tr("{from_whom}; in the worklist", from_whom=words),
        )

    @Slot()
    def _send_image(self) -> None:
        session = self._reading.session
        record = session.document.record if session is not None else None
        if record is None or record.kind != "dicom":
            what = tr("No image is open") if record is None else tr("The image in view is no DICOM file")
            self.problem.emit(
                Problem(what, remedy=tr("Open a DICOM image, or export results as DICOM and send the files."))
            )
            return
        self.networking.send(self._peer(), [record.path])

    @Slot()
    def _send_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, tr("Send DICOM files"), "", "DICOM (*.dcm);;" + tr("All files (*)")
        )
        if names:
            self.networking.send(self._peer(), [Path(name) for name in names])

    @Slot(object)
    def _on_queue(self, jobs: list[Job]) -> None:
        self.table.show_jobs(jobs)
        failed = sum(job.failed for job in jobs)
        waiting = len(jobs) - failed
        parts = [tr("{n} waiting", n=waiting)] * bool(waiting) + [tr("{n} refused", n=failed)] * bool(failed)
        self._count.setText(", ".join(parts) or tr("Nothing waits"))
        self._refresh()
