"""What a report says beyond its document: who said what when, who signed, on whose paper, and how long it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the command line's words name the templates without waiting for any of these
    import numpy as np
    from numpy.typing import NDArray

    from busi_viewer.core.casebook import Version
    from busi_viewer.core.document import Document

FULL, SHORT = "full", "short"
TEMPLATES = (FULL, SHORT)
"""A full report says everything; a short one fits a page."""


@dataclass(frozen=True)
class Change:
    """Who changed a value last, by the name that stands in the report, and when (UTC, ISO 8601)."""

    user: str
    at: str


@dataclass(frozen=True)
class Signature:
    """The version signed last. ``account`` is whose login it was; ``current``: nothing has changed since."""

    signer: str
    account: str
    at: str
    version: int
    reason: str = ""
    current: bool = True


@dataclass(frozen=True)
class Trail:
    """Who said what of an image. ``said`` goes by the dotted names of the findings as JSON, ``outlines`` by frame."""

    said: Mapping[str, Change] = field(default_factory=lambda: MappingProxyType({}))
    outlines: Mapping[int, Change] = field(default_factory=lambda: MappingProxyType({}))
    signature: Signature | None = None


UNKNOWN = Trail()
"""Nothing is known of who did what, and nothing is signed."""


@dataclass(frozen=True)
class Letterhead:
    """Whose report it is; ``logo`` is an image file or None."""

    facility: str = ""
    address: str = ""
    logo: Path | None = None


class ReportWriter(Protocol):
    """Makes the PDF of one document; ``trail`` says who said what and signed, ``template`` is one of TEMPLATES."""

    def write(self, document: Document, path: Path, trail: Trail = UNKNOWN, template: str = FULL) -> None:
        """Write ``path`` whole or not at all. Raises OutputError, UnreadableImage."""
        ...

    def pdf(self, document: Document, trail: Trail = UNKNOWN, template: str = FULL) -> bytes:
        """The same as bytes. Raises UnreadableImage."""
        ...

    def pages(self, pdf: bytes, dpi: float) -> list[NDArray[np.uint8]]:
        """Pictures of a PDF's pages, (H, W, 3) RGB."""
        ...

    def logo_fault(self, path: Path) -> str:
        """Why a file cannot be the letterhead's logo; empty if it can."""
        ...


def last_changes(versions: Sequence[Version]) -> dict[str, tuple[str, str]]:
    """(user, time) of the last change of each entry of a JSON value, by dotted names; ``versions`` oldest first."""
    found: dict[str, tuple[str, str]] = {}
    before: dict[str, str] = {}
    for version in versions:
        now = dict(_entries(version.value))
        for name in {*before, *now}:
            if before.get(name) != now.get(name):
                found[name] = (version.user, version.at)
        before = now
    return found


def _entries(value: Any, within: str = "") -> Iterator[tuple[str, str]]:
    """Every entry that is no object itself, as (dotted name, JSON)."""
    if not isinstance(value, Mapping):
        yield within, json.dumps(value, sort_keys=True)
        return
    for name, inner in value.items():
        yield from _entries(inner, f"{within}.{name}" if within else str(name))
