"""Reports of many images into one folder: what is kept of each is read from the store; one bad file never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from busi_viewer.core.casebook import Kept
from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import CancelToken, Services
from busi_viewer.core.reporting import Trail
from busi_viewer.workflow.analyse import Failure, reason_of
from busi_viewer.workflow.casework import restore
from busi_viewer.workflow.open import open_image

Told = Callable[[int, int], None]
"""Called with how many files are dealt with, and how many there are."""


@dataclass(frozen=True)
class Order:
    """What to write where. ``opened`` holds documents that are open already, with work that may not be kept."""

    paths: Sequence[Path]
    folder: Path
    template: str
    opened: Mapping[Path, Document] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of them: the reports by image, images of which there is nothing to say, failures; whether it was stopped."""

    written: dict[Path, Path] = field(default_factory=dict)
    empty: list[Path] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    stopped: bool = False


def write_reports(
    order: Order,
    services: Services,
    look: Callable[[ImageRecord], Kept | None],
    trail: Callable[[ImageRecord], Trail],
    told: Told,
    cancel: CancelToken,
) -> Outcome:
    """Write a report of each image that is analysed or worked on; existing files are never written over."""
    outcome, writer = Outcome(), services.report_writer()
    for number, path in enumerate(order.paths):
        if cancel.is_set():
            outcome.stopped = True
            break
        told(number, len(order.paths))
        try:
            document = order.opened.get(path) or _restored(path, services, look)
            if _blank(document):
                outcome.empty.append(path)
                continue
            target = _free(order.folder, path.stem)
            writer.write(document, target, trail(document.record), order.template)
            outcome.written[path] = target
        except Exception as error:  # noqa: BLE001 - the boundary of one file: whatever is wrong, the batch goes on
            outcome.failed.append(Failure(str(path), reason_of(error, path)))
    told(len(order.paths), len(order.paths))
    return outcome


def _restored(path: Path, services: Services, look: Callable[[ImageRecord], Kept | None]) -> Document:
    document = Document(open_image(path, services.sources))
    kept = look(document.record)
    unread = restore(document, kept) if kept is not None else []
    if unread:
        raise unread[0]
    return document


def _blank(document: Document) -> bool:
    return document.result is None and not (document.edited or document.described or document.callipers)


def _free(folder: Path, stem: str) -> Path:
    """A name of which no file exists yet."""
    for number in range(1, 100_000):
        target = folder / (f"{stem}.pdf" if number == 1 else f"{stem}-{number}.pdf")
        if not target.exists():
            return target
    raise OutputError("too many files of this name exist", path=folder / f"{stem}.pdf", remedy="Choose another folder.")
