"""DICOM objects about an image, as files: one of them, or all that there is something to say for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from busi_viewer.core.derived import Derived, Outline, Tracker, derive
from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import DicomMaker, Services
from busi_viewer.core.reporting import UNKNOWN, Trail
from busi_viewer.core.results import FrameResult, ModelInfo
from busi_viewer.workflow.descriptors import described
from busi_viewer.workflow.export import not_written, write_bytes

IMAGE = ".image.dcm"
"""The ending of the Secondary Capture that stands for a picture which is not DICOM."""

OBJECTS: dict[str, str] = {
    "segmentation": ".seg.dcm",
    "structured_report": ".sr.dcm",
    "heatmap": ".heatmap.dcm",
    "presentation": ".pr.dcm",
    "pdf": ".pdf.dcm",
}
"""What can be made about an image, and the ending of its file."""


@dataclass(frozen=True)
class Written:
    """The files written, their folder, and for each object that was left out why."""

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


def now() -> datetime:
    """The time of an export, with its time zone."""
    return datetime.now().astimezone()


def needs_image(record: ImageRecord) -> bool:
    """Whether objects refer to a Secondary Capture that goes with them, since the image is not DICOM."""
    return record.kind != "dicom"


def write_object(
    kind: str, document: Document, target: Path, services: Services, reader: str = "", trail: Trail = UNKNOWN
) -> Written:
    """Write one of OBJECTS about a document, and the Secondary Capture of a picture that is not DICOM beside it.

    ``reader`` is who signed what the document says; empty where nobody did; ``trail`` is for the PDF.
    Raises OutputError if there is nothing to say or the file cannot be written, UnreadableImage.
    """
    maker = services.dicom_maker()
    data = _make(kind, maker, _derived(document, reader), document, services, trail)
    files = [*_write_image(document.record, target.parent, maker), target]
    write_bytes(target, data)
    return Written(target.parent, tuple(files))


def write_all(
    document: Document, parent: Path, services: Services, reader: str = "", trail: Trail = UNKNOWN
) -> Written:
    """Write every object about a document into a new folder in ``parent``, both named after the image's file.

    What there is nothing to say for is left out. Raises OutputError if none could be made, UnreadableImage.
    """
    maker, derived = services.dicom_maker(), _derived(document, reader)
    stem = document.record.path.stem
    made: list[tuple[str, bytes]] = []
    left_out: list[str] = []
    reason: OutputError | None = None
    for kind, ending in OBJECTS.items():
        try:
            made.append((ending, _make(kind, maker, derived, document, services, trail)))
        except OutputError as error:
            reason = error
            left_out.append(f"{kind.replace('_', ' ')} ({error.what})")
    if not made and reason is not None:
        raise reason
    folder = _new_folder(parent, f"{stem}-dicom")
    files = _write_image(document.record, folder, maker)
    for ending, data in made:
        write_bytes(folder / (stem + ending), data)
        files.append(folder / (stem + ending))
    return Written(folder, tuple(files), tuple(left_out))


def _derived(document: Document, reader: str) -> Derived:
    """What the document says, with descriptor words proposed of the machine's outlines. Raises UnreadableImage."""
    return derive(document, now(), reader, lambda frame: described(document.record, frame))


def _new_folder(parent: Path, name: str) -> Path:
    """A folder of that name, or with a number behind it where the name is taken: nothing is written over."""
    for number in range(1, 10_000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise not_written(folder, error) from error
        return folder
    raise OutputError("too many folders of this name exist", path=parent / name, remedy="Choose another folder.")


def _make(
    kind: str, maker: DicomMaker, derived: Derived, document: Document, services: Services, trail: Trail
) -> bytes:
    if kind == "pdf":
        return maker.pdf(derived, services.report_writer().pdf(document, trail))
    makers: dict[str, Callable[[Derived], bytes]] = {
        "segmentation": maker.segmentation,
        "structured_report": maker.structured_report,
        "heatmap": maker.heatmap,
        "presentation": maker.presentation,
    }
    return makers[kind](derived)


def _write_image(record: ImageRecord, folder: Path, maker: DicomMaker) -> list[Path]:
    if not needs_image(record):
        return []
    path = folder / (record.path.stem + IMAGE)
    write_bytes(path, maker.image(record))
    return [path]


class Outcome:
    """Gathers a batch's results of one file, frame by frame, without keeping whole masks and heatmaps."""

    def __init__(self, record: ImageRecord) -> None:
        self._record = record
        self._tracker = Tracker(by_reader=False)
        self._outlines: list[Outline] = []
        self._frames: list[FrameResult] = []
        self._empty = np.broadcast_to(np.False_, record.shape)

    def add(self, frame: FrameResult) -> None:
        """Take the next frame; an outline that is withheld is none."""
        if not frame.abstained:
            self._outlines += self._tracker.add(frame.index, frame.mask, frame.lesions)
        self._frames.append(replace(frame, mask=self._empty, probability=None, heatmap=None, band=None))

    def write(self, maker: DicomMaker, model: ModelInfo, kinds: Sequence[str], path_of: Callable[[str], Path]) -> None:
        """Write the objects of ``kinds`` ("segmentation", "structured_report") to where ``path_of(ending)`` says.

        A model that gives no outline has no segmentation.
        """
        derived = Derived(self._record, now(), tuple(self._outlines), tuple(self._frames), model)
        makers = {"segmentation": maker.segmentation, "structured_report": maker.structured_report}
        for kind in kinds:
            if kind != "segmentation" or model.outlines:
                write_bytes(path_of(OBJECTS[kind]), makers[kind](derived))
        if kinds and needs_image(self._record):
            write_bytes(path_of(IMAGE), maker.image(self._record))
