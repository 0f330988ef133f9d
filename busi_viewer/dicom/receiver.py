"""C-STORE and C-ECHO as a provider: objects that others send are written into one folder, whole, under names of our own.

Nothing of a file's name comes from the peer: it is made of digests of the object's UID and of its content, so that the same
object received twice is one file and none ever replaces another.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.transport import ThreadedAssociationServer

from busi_viewer.core.network import NetworkError, Reception
from busi_viewer.dicom.header import ENCAPSULATED, NATIVE
from busi_viewer.dicom.network import VERIFICATION

MAX_ASSOCIATIONS = 4
IDLE_S = 60
"""Seconds after which a silent peer is let go."""
GRACE_S = 2.0
_SUCCESS, _OUT_OF_RESOURCES = 0x0000, 0xA700


class Receiver:
    """Listens from ``start`` to ``stop``. ``received(path, title)`` is called on a network thread for each new object."""

    def __init__(self, reception: Reception, received: Callable[[Path, str], None]) -> None:
        self._reception, self._received = reception, received
        self._server: ThreadedAssociationServer | None = None
        self._sizes: dict[int, int] = {}
        self._entity = ApplicationEntity(ae_title=reception.title)

    def start(self) -> None:
        """Listen. Raises NetworkError where the port is taken or not allowed, or the folder cannot be made."""
        wanted, entity = self._reception, self._entity
        entity.maximum_associations = MAX_ASSOCIATIONS
        entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = IDLE_S
        entity.require_called_aet = True
        entity.require_calling_aet = list(wanted.callers)
        entity.add_supported_context(VERIFICATION)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), sorted(NATIVE | ENCAPSULATED))
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_PDU_RECV, self._count),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]
        try:
            wanted.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            server = entity.start_server((wanted.address, wanted.port), block=False, evt_handlers=handlers)
        except OSError as error:
            raise NetworkError(
                f"cannot receive on {wanted.address} port {wanted.port} ({error.strerror})",
                remedy="Another application may use the port; choose another one above 1024.",
            ) from error
        self._server = server if isinstance(server, ThreadedAssociationServer) else None

    @property
    def port(self) -> int:
        """The port that is listened on; where 0 was asked for, the one given."""
        return int(self._server.server_address[1]) if self._server is not None else self._reception.port

    def stop(self) -> None:
        """Listen no more; let what is under way end for GRACE_S, then break it off."""
        if self._server is not None:
            self._server.shutdown()
        until = time.monotonic() + GRACE_S
        while self._entity.active_associations and time.monotonic() < until:
            time.sleep(0.02)
        self._entity.shutdown()
        self._server = None

    def _store(self, event: Event) -> int:
        """Keep one object; the status for the peer."""
        self._sizes.pop(id(event.assoc), None)
        content = event.encoded_dataset()
        request: Any = event.request
        instance = str(request.AffectedSOPInstanceUID)
        digests = (hashlib.sha256(part).hexdigest()[:16] for part in (instance.encode(), content))
        target = self._reception.folder / f"{'-'.join(digests)}.dcm"
        try:
            if not target.exists():
                _write(target, content)
        except OSError:
            return _OUT_OF_RESOURCES
        self._received(target, str(event.assoc.requestor.ae_title))
        return _SUCCESS

    def _count(self, event: Event) -> None:
        """Break off where an object grows beyond what is taken."""
        size = self._sizes.get(id(event.assoc), 0) + event.pdu.pdu_length
        self._sizes[id(event.assoc)] = size
        if size > self._reception.max_bytes:
            self._sizes.pop(id(event.assoc), None)
            event.assoc.abort()

    def _closed(self, event: Event) -> None:
        self._sizes.pop(id(event.assoc), None)


def _write(target: Path, content: bytes) -> None:
    """Write under a temporary name, to the disk, and rename."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
