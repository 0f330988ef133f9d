"""Writing reports, masks and DICOM objects off the GUI thread, from a snapshot of the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord, to_uint8
from busi_viewer.core.panels import four_panels
from busi_viewer.core.ports import Services
from busi_viewer.core.render import Rgb
from busi_viewer.core.reporting import FULL, UNKNOWN, Trail
from busi_viewer.core.results import NO_OUTLINE, heat_inside
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.workflow.dicom_out import Written, write_all, write_object
from busi_viewer.workflow.export import write_bytes, write_mask_png, write_png
from busi_viewer.workflow.measurements import write_measurements


@dataclass(frozen=True)
class Exported:
    """What was written: ``source`` the image's file, ``changes`` the document's, ``target`` the new file or folder.

    ``files`` counts what lies in a folder; ``note`` says what was left out.
    """

    source: Path
    changes: int
    target: Path
    is_report: bool
    files: int = 1
    note: str = ""


def snapshot(document: Document) -> Document:
    """A copy that later edits do not reach. The record and the result are immutable and shared."""
    copy = Document(document.record)
    if document.calibration is not None:
        copy.set_calibration(document.calibration)
    copy.set_callipers(document.callipers)
    copy.set_findings(document.findings)
    copy.result = document.result
    for frame in document.edited_frames:
        copy.set_reader_mask(frame, document.reader_mask(frame))
    copy.revision, copy.changes = document.revision, document.changes
    return copy


def figure(document: Document, frame: int) -> Rgb:
    """The four panels of a frame whose analysis holds a heatmap, with the share of its heat inside the mask shown."""
    record, mask = document.record, document.shown_mask(frame)
    found = document.result.frame(frame) if document.result is not None else None
    if found is None or found.heatmap is None:
        raise ValueError("there is no heatmap to export")
    by_reader = document.reader_mask(frame) is not None
    outlines = document.result is not None and document.result.model.outlines
    mask = mask if by_reader or outlines else None
    share = heat_inside(found.heatmap.values, mask) if mask is not None else None
    return four_panels(
        to_uint8(record.frames[frame], record.window),
        mask,
        document.lesions(frame),
        replace(found.heatmap, inside_mask_share=share),
        by_reader=by_reader,
        without="AI outline withheld" if outlines else NO_OUTLINE,
    )


class Exporter(QObject):
    """``done(Exported)`` or ``failed(Problem)`` follows every call; ``reader`` says who signed what is exported, or nothing.

    ``trail`` says who said what of an image; it is called on the pool's thread. ``template`` is that of reports.
    """

    done = Signal(object)
    failed = Signal(object)
    _written = Signal(object)
    _not_written = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.reader: Callable[[], str] = lambda: ""
        self.trail: Callable[[ImageRecord], Trail] = lambda _record: UNKNOWN
        self.template = FULL
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._written.connect(self._on_written)
        self._not_written.connect(self._on_not_written)

    def report(self, document: Document, target: Path) -> None:
        """Write the PDF report."""
        copy = snapshot(document)
        template = self.template

        def write() -> None:
            self._services.report_writer().write(copy, target, self.trail(copy.record), template)

        self._start(write, copy, target, is_report=True)

    def mask(self, document: Document, frame: int, target: Path) -> None:
        """Write the shown mask of a frame as PNG; the frame must show one."""
        mask = document.shown_mask(frame)
        if mask is None:
            raise ValueError("there is no outline to export")
        pixels = mask.copy()
        self._start(lambda: write_mask_png(target, pixels), document, target, is_report=False)

    def overlay(self, document: Document, png: bytes, target: Path) -> None:
        """Write a picture of the view."""
        self._start(lambda: write_bytes(target, png), document, target, is_report=False)

    def panels(self, document: Document, frame: int, target: Path) -> None:
        """Write image, mask, heatmap and overlay of an analysed frame as one picture; the mask is the one shown."""
        copy = snapshot(document)
        self._start(lambda: write_png(target, figure(copy, frame)), copy, target, is_report=False)

    def measurements(self, document: Document, target: Path) -> None:
        """Write the callipers as CSV, or as JSON where the name ends so."""
        copy = snapshot(document)
        self._start(lambda: write_measurements(target, copy), copy, target, is_report=False)

    def dicom(self, kind: str, document: Document, target: Path) -> None:
        """Write one DICOM object, of the kinds of workflow.dicom_out.OBJECTS."""
        copy, reader = snapshot(document), self.reader()

        def write() -> Written:
            return write_object(kind, copy, target, self._services, reader, self.trail(copy.record))

        self._start(write, copy, target, is_report=False)

    def dicom_set(self, document: Document, parent: Path) -> None:
        """Write every DICOM object that there is something to say for into a new folder in ``parent``."""
        copy, reader = snapshot(document), self.reader()

        def write() -> Written:
            return write_all(copy, parent, self._services, reader, self.trail(copy.record))

        self._start(write, copy, parent, is_report=True)

    def _start(self, work: Callable[[], object], document: Document, target: Path, *, is_report: bool) -> None:
        made = Exported(document.record.path, document.changes, target, is_report)

        def written(result: object) -> None:
            if isinstance(result, Written) and result.folder != target.parent:  # a set
                left_out = "; ".join(map(said, result.left_out))
                left_out = tr("Left out: {what}", what=left_out) if left_out else ""
                self._written.emit(replace(made, target=result.folder, files=len(result.files), note=left_out))
            else:
                self._written.emit(made)

        start_job(
            self._pool, work, written, lambda error: self._not_written.emit(problem_from(error, "exporting", target))
        )

    def close(self) -> None:
        """Finish what is being written; nothing is reported any more."""
        self.blockSignals(True)
        drain(self._pool)

    @Slot(object)
    def _on_written(self, made: object) -> None:
        self.done.emit(made)

    @Slot(object)
    def _on_not_written(self, problem: object) -> None:
        self.failed.emit(problem)
