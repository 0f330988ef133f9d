"""The main job over many files: open, analyse, write the results. One bad file never stops the others."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from busi_viewer.core.document import Document
from busi_viewer.core.errors import UserError
from busi_viewer.core.image import ImageRecord, to_uint8
from busi_viewer.core.listing import Listing
from busi_viewer.core.panels import four_panels
from busi_viewer.core.ports import Engine, Services
from busi_viewer.core.render import heatmap_image, overlay_image
from busi_viewer.core.reporting import FULL
from busi_viewer.core.results import CLASSES, NO_OUTLINE, AnalysisResult, FrameResult
from busi_viewer.logs import stack_without_values
from busi_viewer.workflow import export
from busi_viewer.workflow.descriptors import described
from busi_viewer.workflow.dicom_out import Outcome
from busi_viewer.workflow.inputs import expand_inputs, result_stems
from busi_viewer.workflow.open import open_image

CHUNK_BYTES = 256_000_000

CHUNK_FRAMES = 16
"""A long cine is analysed in pieces of so many frames, fewer if they are large, so that memory stays bounded."""

REPORTED_FRAMES = 8
"""Of a long cine, the frames most likely malignant keep their pictures for the report."""

MANY = 3
"""From how many files on they are analysed side by side."""

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """One file to analyse and the relative name of its results, without an ending."""

    path: Path
    base: str


@dataclass(frozen=True)
class Outputs:
    """Where results go and which; the JSON is always written. ``panels``: "" none, "own" or "jet" colours."""

    out: Path
    png: bool = False
    panels: str = ""
    pdf: bool = False
    seg: bool = False
    sr: bool = False
    overwrite: bool = False
    template: str = FULL


@dataclass(frozen=True)
class Failure:
    """A file that could not be done, and why (with the remedy), on one line."""

    path: str
    reason: str


class Watcher(Protocol):
    """Hears how a batch goes."""

    def progress(self, text: str, share: float) -> None:
        """What is being done now, and the share in [0, 1] that is done."""

    def skipped(self, path: Path) -> None:
        """A result exists already."""

    def failed(self, failure: Failure) -> None:
        """A file could not be done."""


@dataclass
class Batch:
    """What became of each file; ``models_skipped`` counts the models that the results left as they are came from."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    models_skipped: Counter[str] = field(default_factory=Counter)
    failed: list[Failure] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The machine-readable result of the whole batch."""
        return {
            "schema": export.SCHEMA,
            "done": len(self.done),
            "skipped": len(self.skipped),
            "failed": [{"path": f.path, "reason": f.reason} for f in self.failed],
            "results": {"done": self.done, "skipped": self.skipped},
        }


def gather(
    paths: Sequence[Path],
    *,
    recursive: bool,
    read_directory: Callable[[Path], Listing | None] = lambda _path: None,
) -> list[Item]:
    """The images among files and folders, with the names of their results."""
    inputs = expand_inputs(paths, recursive=recursive, read_directory=read_directory)
    stems = result_stems(inputs)
    return [Item(found.path, str(stem)) for found, stem in zip(inputs, stems, strict=True)]


class Analysis:
    """Analyses files and writes their results; ``batch`` tells what became of each, also after an interruption."""

    def __init__(
        self, outputs: Outputs, services: Services, load_engine: Callable[[], Engine], watcher: Watcher
    ) -> None:
        self.batch = Batch()
        self._outputs = outputs
        self._services = services
        self._load_engine = load_engine
        self._watcher = watcher
        self._rows: dict[Path, list[dict[str, str]]] = {}

    def run(self, items: Sequence[Item]) -> Batch:
        """Analyse every item and write its results and ``summary.csv``.

        The engine is loaded only if something is left to do. Stopped by KeyboardInterrupt, the summary still tells what
        is done. Raises ModelError if the model cannot be used, OutputError if nothing can be written at all.
        """
        out = self._outputs.out
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise export.not_written(out, error) from error
        try:
            todo = [item for item in items if not self._settled(item)]
            if todo:
                self._analyse(todo)
        finally:
            if self._rows:
                rows = [row for item in items for row in self._rows.get(item.path, ())]
                export.write_summary(out / "summary.csv", rows, [str(item.path) for item in items])
        return self.batch

    def _settled(self, item: Item) -> bool:
        """Whether nothing is left to do: the input is missing, its result exists, or another file is in its place."""
        path = self._outputs.out / f"{item.base}.json"
        try:
            if not item.path.exists():
                open_image(item.path, self._services.sources)
            if self._outputs.overwrite or not os.path.exists(path):  # of a name too long, writing tells
                return False
            result = export.read_result(path, item.path)
        except (UserError, OSError) as error:
            self._fail(item, error)
            return True
        self._rows[item.path] = export.summary_rows(result, str(item.path))
        self.batch.skipped.append(str(item.path))
        self.batch.models_skipped[f"{result['model']['name']} {result['model']['sha256'][:8]}"] += 1
        self._watcher.skipped(item.path)
        return True

    def _analyse(self, items: Sequence[Item]) -> None:
        engine = self._load_engine()
        # reports are written by one thread at a time
        workers = engine.prepare_many() if len(items) >= MANY and not self._outputs.pdf else 1

        def whole(item: Item) -> dict[str, Any]:
            return _analyse_one(self._open(item), item, self._outputs, self._services, engine)

        def finish(item: Item, opened: Future[ImageRecord]) -> dict[str, Any]:
            return _analyse_one(opened.result(), item, self._outputs, self._services, engine)

        if workers > 1:
            with closing(read_ahead(items, whole, workers)) as ahead:  # stopped, it waits for what is being written
                self._gather(len(items), ((item, done.result) for item, done in ahead))
        else:
            with closing(read_ahead(items, self._open)) as ahead_of:
                self._gather(len(items), ((item, partial(finish, item, opened)) for item, opened in ahead_of))
        self._watcher.progress("", 1.0)

    def _gather(self, count: int, jobs: Iterable[tuple[Item, Callable[[], dict[str, Any]]]]) -> None:
        for number, (item, job) in enumerate(jobs):
            self._watcher.progress(item.path.name, number / count)
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - the boundary of one file: whatever is wrong, the batch goes on
                self._fail(item, error)
            else:
                self.batch.done.append(str(item.path))
                self._rows[item.path] = export.summary_rows(result, str(item.path))

    def _open(self, item: Item) -> ImageRecord:
        record = open_image(item.path, self._services.sources)
        _ = record.frames[0]  # decoded here, ahead of the engine
        return record

    def _fail(self, item: Item, error: Exception) -> None:
        failure = Failure(str(item.path), reason_of(error, item.path))
        self.batch.failed.append(failure)
        self._watcher.failed(failure)


def read_ahead(
    items: Sequence[T], read: Callable[[T], R], threads: int = 1
) -> Generator[tuple[T, Future[R]], None, None]:
    """Each item with what ``read`` gives for it, read on ``threads`` while the caller works on the item before."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
    try:
        waiting = deque(pool.submit(read, item) for item in items[:threads])
        for number, item in enumerate(items):
            current = waiting.popleft()
            waiting.extend(pool.submit(read, following) for following in items[number + threads : number + threads + 1])
            yield item, current
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def reason_of(error: Exception, path: Path) -> str:
    """Why a file failed, on one line: what happened and the remedy. Our own bugs are logged with their stack."""
    if isinstance(error, UserError):
        elsewhere = f"{error.path}: " if error.path is not None and error.path != path else ""
        return " ".join(f"{elsewhere}{error.what}. {error.remedy}".split())
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "not enough memory. Close other programs, or analyse it with --device cpu."
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}. Check that the file can be read."
    _log.warning("internal error on one file: %s", stack_without_values(error))
    return f"internal error ({type(error).__name__}). The log holds the details; please report it."


def _analyse_one(
    record: ImageRecord, item: Item, outputs: Outputs, services: Services, engine: Engine
) -> dict[str, Any]:
    """Analyse one opened file and publish its outputs; returns its JSON."""
    several = len(record.frames) > 1
    frames: list[dict[str, Any]] = []
    report = _ReportFrames(record)
    dicom = [kind for kind, wanted in (("segmentation", outputs.seg), ("structured_report", outputs.sr)) if wanted]
    outcome = Outcome(record)
    warnings = list(record.warnings)
    with export.Staging(outputs.out, item.base, overwrite=outputs.overwrite) as stage:
        for chunk in _chunks(record):
            result = engine.analyse(record, chunk)
            warnings += result.warnings
            for found in result.frames:
                frame = described(record, found)
                frames.append(export.frame_json(frame))
                if outputs.png or outputs.panels:
                    infix = f".f{frame.index:04d}" if several else ""
                    _write_pictures(stage, record, frame, infix, outputs, outlines=engine.model.outlines)
                if outputs.pdf:
                    report.add(frame)
                if dicom:
                    outcome.add(frame)
        warnings = list(dict.fromkeys([*warnings, *[NO_OUTLINE] * (not engine.model.outlines)]))
        if outputs.pdf:
            document = report.document(engine, item.path, tuple(warnings))
            services.report_writer().write(document, stage.path(".pdf"), template=outputs.template)
        if dicom:
            outcome.write(services.dicom_maker(), engine.model, dicom, stage.path)
        content = export.result_json(record, str(item.path), engine.model, engine.device, frames, warnings)
        export.write_json(stage.path(".json"), content)
        stage.publish()
    return content


def _chunks(record: ImageRecord) -> Iterator[range]:
    """The frames of a record in pieces whose results fit in memory."""
    total = len(record.frames)
    bytes_each = record.shape[0] * record.shape[1] * 8
    step = max(1, min(CHUNK_FRAMES, CHUNK_BYTES // bytes_each))
    for start in range(0, total, step):
        yield range(start, min(start + step, total))


def _write_pictures(
    stage: export.Staging, record: ImageRecord, frame: FrameResult, infix: str, outputs: Outputs, *, outlines: bool
) -> None:
    """Mask, overlay and heatmap of one frame as PNGs of the image's own size, the figure; a withheld outline is not drawn.

    Of a model that gives no outline (``outlines`` False) there is no mask: an empty one would say that it saw no lesion.
    """
    image = to_uint8(record.frames[frame.index], record.window)
    shown = frame.mask if outlines and not frame.abstained else None
    without = "AI outline withheld" if outlines else NO_OUTLINE
    if outputs.panels and frame.heatmap is not None:
        jet = outputs.panels == "jet"
        figure = four_panels(image, shown, frame.lesions, frame.heatmap, jet=jet, without=without)
        export.write_png(stage.path(f"{infix}.panels.png"), figure)
    if not outputs.png:
        return
    if outlines:
        export.write_mask_png(stage.path(f"{infix}.mask.png"), frame.mask)
    export.write_png(stage.path(f"{infix}.overlay.png"), overlay_image(image, shown, frame.lesions, band=frame.band))
    if frame.heatmap is not None:
        export.write_png(stage.path(f"{infix}.heatmap.png"), heatmap_image(frame.heatmap.values))


class _ReportFrames:
    """Collects the frames of a file for its report; of a long cine only the most suspicious keep their arrays."""

    def __init__(self, record: ImageRecord) -> None:
        self._record = record
        self._frames: dict[int, FrameResult] = {}
        self._whole: list[int] = []

    def add(self, frame: FrameResult) -> None:
        """Take the next frame's result."""
        self._frames[frame.index] = replace(frame, probability=None)
        self._whole.append(frame.index)
        if len(self._whole) > REPORTED_FRAMES:
            least = min(self._whole, key=self._interest)
            self._whole.remove(least)
            bare = np.broadcast_to(np.False_, self._record.shape)
            self._frames[least] = replace(self._frames[least], mask=bare, heatmap=None, band=None)

    def _interest(self, index: int) -> tuple[bool, float, int]:
        frame = self._frames[index]
        return not frame.abstained, frame.probabilities[CLASSES.index("malignant")], -index

    def document(self, engine: Engine, path: Path, warnings: tuple[str, ...]) -> Document:
        """The document that the report is written from."""
        frames = tuple(self._frames[index] for index in sorted(self._frames))
        document = Document(self._record)
        document.offer(AnalysisResult(path, self._record.sha256, engine.model, engine.device, frames, 0, warnings))
        return document
