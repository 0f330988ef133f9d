"""C-ECHO, C-FIND and C-STORE as a user of another application's services (PS3.4 annexes A, B, C; PS3.7)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread, read_file_meta_info
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import EVT_CONN_OPEN, Event
from pynetdicom.presentation import PresentationContext, build_context

from busi_viewer.core.network import NetworkError, Peer, Sent
from busi_viewer.core.ports import CancelToken
from busi_viewer.dicom import reader  # noqa: F401 - keeps pydicom from commenting on values in logs
from busi_viewer.dicom.values import text

CONNECT_S, ANSWER_S = 10, 60
"""Seconds to wait for a connection, and for each answer."""
MAX_CONTEXTS = 128
RETURNED = {
    "STUDY": (
        *("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyTime", "StudyDescription"),
        *("AccessionNumber", "ModalitiesInStudy"),
    ),
    "SERIES": ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription"),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
"""What is asked for at each level, besides the keys given."""
VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_PENDING = (0xFF00, 0xFF01)
_NATIVE = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)

# names of patients reach no log, whatever a peer sends
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
_config.STORE_SEND_CHUNKED_DATASET = True  # a file's bytes as they are, without the whole in memory


class DicomNetwork:
    """Asks other applications, under our own title. Implements :class:`~busi_viewer.core.ports.Network`."""

    def __init__(self, title: str) -> None:
        self._title = title

    def echo(self, peer: Peer) -> None:
        """Whether the peer answers. Raises NetworkError."""
        with self._association(peer, [build_context(VERIFICATION)]) as association:
            _check(association.send_c_echo().get("Status"), peer, "the echo")

    def find(self, peer: Peer, level: str, keys: Mapping[str, str]) -> list[dict[str, str]]:
        """What the peer has at a level ("STUDY", "SERIES", "IMAGE") that fits the keys (DICOM keyword → value or pattern).

        Raises NetworkError; ValueError for a key that is no DICOM keyword.
        """
        query = Dataset()
        query.QueryRetrieveLevel = level
        for keyword in RETURNED[level]:
            setattr(query, keyword, "")
        for keyword, wanted in keys.items():
            if tag_for_keyword(keyword) is None:
                raise ValueError(keyword)
            setattr(query, keyword, wanted)
        found = []
        with self._association(peer, [build_context(STUDY_ROOT_FIND)]) as association:
            for status, answer in association.send_c_find(query, STUDY_ROOT_FIND):
                if status.get("Status") in _PENDING and answer is not None:
                    keywords = [element.keyword for element in query if element.keyword != "QueryRetrieveLevel"]
                    found.append({keyword: text(answer, keyword) or "" for keyword in keywords})
                else:
                    _check(status.get("Status"), peer, "the query")
        return found

    def send(
        self, peer: Peer, paths: Sequence[Path], told: Callable[[Sent], None], cancel: CancelToken | None = None
    ) -> None:
        """Send files one after the other; ``told`` hears of each as soon as it is known.

        Raises NetworkError where there is no association, or none any more: what was not told of then was not sent.
        """
        wanted: list[tuple[Path, str, str]] = []
        for path in paths:
            try:
                meta = read_file_meta_info(path)
                wanted.append((path, str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)))
            except Exception:  # noqa: BLE001 - the boundary to pydicom, which raises anything on what is no DICOM file
                told(Sent(path, "it is not a whole DICOM file", final=True))
        while wanted:
            pairs = list(dict.fromkeys((kind, syntax) for _, kind, syntax in wanted))[: MAX_CONTEXTS // 2]
            now = [one for one in wanted if one[1:] in pairs]
            wanted = [one for one in wanted if one[1:] not in pairs]
            with self._association(peer, _contexts(pairs)) as association:
                for path, kind, syntax in now:
                    if cancel is not None and cancel.is_set():
                        return
                    told(_store(association, peer, path, kind, syntax))

    @contextlib.contextmanager
    def _association(self, peer: Peer, contexts: list[PresentationContext]) -> Iterator[Association]:
        entity = ApplicationEntity(ae_title=self._title)
        entity.connection_timeout, entity.acse_timeout = CONNECT_S, ANSWER_S
        entity.dimse_timeout = entity.network_timeout = ANSWER_S
        for _ in range(2):  # a peer that refuses and closes at once may take its answer with it
            opened: list[Event] = []
            handlers: list[Any] = [(EVT_CONN_OPEN, opened.append)]
            association = entity.associate(peer.host, peer.port, contexts, ae_title=peer.title, evt_handlers=handlers)
            if association.is_established or association.acceptor.primitive is not None or not opened:
                break
        if not association.is_established:
            raise _not_established(association, peer, self._title, reached=bool(opened))
        try:
            yield association
        finally:
            if association.is_established:
                association.release()


def _contexts(pairs: list[tuple[str, str]]) -> list[PresentationContext]:
    """One context for each kind of object in its own transfer syntax, and one more for uncompressed ones."""
    contexts = []
    for kind, syntax in pairs:
        contexts.append(build_context(kind, syntax))
        if uid.UID(syntax) in _NATIVE:
            contexts.append(build_context(kind, [other for other in _NATIVE if other != syntax]))
    return contexts


def _store(association: Association, peer: Peer, path: Path, kind: str, syntax: str) -> Sent:
    """Send one file. Raises NetworkError where the association is gone."""
    accepted = {
        str(context.transfer_syntax[0]) for context in association.accepted_contexts if context.abstract_syntax == kind
    }
    if syntax not in accepted and not (uid.UID(syntax) in _NATIVE and accepted):
        what = f"{peer.title} does not take this kind of object ({uid.UID(kind).name})"
        if any(context.abstract_syntax == kind for context in association.accepted_contexts):
            what = f"{peer.title} does not take its compression ({uid.UID(syntax).name})"
        return Sent(path, what, final=True)
    try:
        status = association.send_c_store(path if syntax in accepted else dcmread(path)).get("Status")
    except (ValueError, AttributeError, RuntimeError, OSError) as error:
        if not association.is_established:
            raise _broken(peer) from error
        return Sent(path, f"it could not be encoded ({type(error).__name__})", final=True)
    if status is None:
        raise _broken(peer)
    if status == 0 or status & 0xF000 == 0xB000:
        return Sent(path)
    return Sent(
        path, f"{peer.title} refused it (status {status:04X}: {_meaning(status)})", final=status & 0xFF00 != 0xA700
    )


def _meaning(status: int) -> str:
    if status & 0xFF00 == 0xA700:
        return "out of resources"
    if status & 0xFF00 == 0xA900:
        return "it does not match its kind of object"
    if status & 0xF000 == 0xC000:
        return "not understood"
    return {0x0122: "kind of object not supported", 0x0124: "not authorised", 0x0117: "invalid object"}.get(
        status, "failure"
    )


def _check(status: int | None, peer: Peer, what: str) -> None:
    if status is None:
        raise _broken(peer)
    if status != 0:
        raise NetworkError(
            f"{peer} refused {what} (status {status:04X}: {_meaning(status)})", remedy="Ask who runs it for the reason."
        )


def _broken(peer: Peer) -> NetworkError:
    return NetworkError(f"{peer} broke off or did not answer within {ANSWER_S} s", remedy="Try again.")


def _not_established(association: Association, peer: Peer, title: str, *, reached: bool) -> NetworkError:
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = answer.reason_str.lower() if answer is not None else "no reason given"
        return NetworkError(
            f"{peer} rejects us ({reason})", remedy=f"Check its title, and that it knows us as {title}."
        )
    if association.is_aborted and association.acceptor.primitive is not None and not association.accepted_contexts:
        return NetworkError(
            f"{peer} takes none of what is to be sent or asked", remedy="Ask who runs it what it takes."
        )
    if reached:
        return _broken(peer)
    return NetworkError(
        f"{peer} cannot be reached", remedy="Check host, port and network, and whether the application runs there."
    )
