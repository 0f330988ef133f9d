"""The words of the DICOM network: peers, what is asked of them, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from busi_viewer.core.errors import UserError

LEVELS = ("STUDY", "SERIES", "IMAGE")
_PEER = re.compile(r"(?P<title>[^@\\]{1,16})@(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):(?P<port>\d{1,5})")
_TITLE = re.compile(r"[ -\[\]-~]{1,16}")


class NetworkError(UserError):
    """A peer that does not answer, refuses, or breaks off; ``path`` is None."""


@dataclass(frozen=True)
class Peer:
    """Another application on the network: its application entity title, host and port."""

    title: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"

    @staticmethod
    def parse(words: str) -> Peer:
        """``TITLE@HOST:PORT``. Raises NetworkError."""
        match = _PEER.fullmatch(words.strip())
        if match is None or not is_title(match["title"]) or not 1 <= int(match["port"]) <= 65535:
            raise NetworkError(f"{words!r} does not name a peer", remedy="Write TITLE@HOST:PORT, as PACS@10.0.0.5:104.")
        return Peer(match["title"].strip(), match["host"].strip("[]"), int(match["port"]))


def is_title(words: str) -> bool:
    """Whether a text can be an application entity title (PS3.5 section 6.2: 1 to 16 characters, no backslash)."""
    return bool(words.strip()) and _TITLE.fullmatch(words) is not None


@dataclass(frozen=True)
class Sent:
    """What came of sending one file: ``problem`` is empty where the peer has it; ``final`` means that trying again is idle."""

    path: Path
    problem: str = ""
    final: bool = False


@dataclass(frozen=True)
class Reception:
    """How objects are received: into ``folder``, only on ``address``; larger ones than ``max_bytes`` are broken off.

    With ``callers`` only these titles may connect; a caller must always address ``title``.
    """

    folder: Path
    title: str
    port: int
    address: str = "127.0.0.1"
    callers: tuple[str, ...] = ()
    max_bytes: int = 2**30
