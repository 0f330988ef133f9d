"""Who we are on the DICOM network, whom we know, and where received objects go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.files import has_dicom_head
from busi_viewer.core.network import NetworkError, Peer, Reception
from busi_viewer.settings import Settings
from busi_viewer.workflow.inputs import natural_key

DICOMDIR = "DICOMDIR"


def peer_named(words: str, chosen: Settings) -> Peer:
    """A known peer by its title, or any as ``TITLE@HOST:PORT``. Raises NetworkError."""
    if "@" in words:
        return Peer.parse(words)
    for known in known_peers(chosen):
        if known.title == words:
            return known
    raise NetworkError(f"no peer is called {words!r}", remedy="Write TITLE@HOST:PORT, or add it on the Network page.")


def known_peers(chosen: Settings) -> list[Peer]:
    """The peers in the settings; what names none is left out."""
    found = []
    for words in chosen.peers:
        try:
            found.append(Peer.parse(words))
        except NetworkError:
            continue
    return found


def reception(chosen: Settings) -> Reception:
    """How the window receives: where, as whom, and from whom."""
    callers = tuple(peer.title for peer in known_peers(chosen)) if chosen.known_callers_only else ()
    return Reception(received_folder(), chosen.own_title, chosen.listen_port, chosen.listen_address, callers)


def received_folder() -> Path:
    """Where the window keeps what it received."""
    return paths.data_dir() / "received"


def objects_in(wanted: Iterable[Path]) -> list[Path]:
    """The files to send: those named, and every DICOM object below folders, results of ours among them, in natural order.

    A DICOMDIR is no object to send: it stands for the folder that it indexes (PS3.10 section 8).
    """
    files: dict[Path, None] = {}
    for path in wanted:
        folder = path.parent if path.name.upper() == DICOMDIR else path
        files |= dict.fromkeys(_below(folder) if folder.is_dir() else [path])
    return list(files)


def _below(folder: Path) -> list[Path]:
    found = [Path(where, name) for where, _, names in os.walk(folder) for name in names if name.upper() != DICOMDIR]
    return sorted(filter(has_dicom_head, found), key=lambda path: [natural_key(part) for part in path.parts])
