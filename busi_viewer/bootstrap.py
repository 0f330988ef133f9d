"""The composition root: wires adapters to ports by name and decides between window and command line. Free of Qt."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from busi_viewer import logs
from busi_viewer.core.errors import UsageError, UserError

if TYPE_CHECKING:
    from busi_viewer.core.deidentify import DeidentifyOptions
    from busi_viewer.core.image import ImageRecord
    from busi_viewer.core.labels import Labels
    from busi_viewer.core.listing import Listing
    from busi_viewer.core.network import Reception
    from busi_viewer.core.ports import (
        CaseStore,
        Deidentifier,
        DicomMaker,
        Engine,
        ImageSource,
        Network,
        Receiver,
        Services,
        StudyPages,
    )
    from busi_viewer.core.reporting import ReportWriter
    from busi_viewer.core.sanity import SanityCheck

DESCRIPTORS = "descriptors"
"""The recipe that fits the descriptor model; it trains no network."""


class _Source:
    """A reader of files whose module, and with it decoders, is imported when it is first asked; any thread."""

    def __init__(self, module: str, name: str) -> None:
        self._names = module, name

    @cached_property
    def _made(self) -> ImageSource:
        made: ImageSource = _adapter(*self._names)()
        return made

    def claims(self, path: Path, head: bytes) -> bool:
        """See ImageSource."""
        return self._made.claims(path, head)

    def open(self, path: Path) -> ImageRecord:
        """See ImageSource."""
        return self._made.open(path)


def services() -> Services:
    """The adapters. None of their modules is imported before its first use."""
    from busi_viewer.core.ports import Services

    return Services(
        sources=(_Source("raster.source", "RasterSource"), _Source("dicom.source", "DicomSource")),
        load_engine=_load_engine,
        report_writer=_report_writer,
        train=_train,
        benchmark=_benchmark,
        recipes=_recipes,
        study_pages=_study_pages,
        open_store=_open_store,
        read_labels=_read_labels,
        read_directory=_read_directory,
        describe_dicom=_describe_dicom,
        deidentifier=_deidentifier,
        network=_network,
        receiver=_receiver,
        dicom_maker=_dicom_maker,
        tune=_tune,
        check_heatmaps=_check_heatmaps,
    )


def _adapter(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"busi_viewer.{module}"), name)


def _load_engine(model: str | None, device: str) -> Engine:
    from busi_viewer.workflow.models import resolve

    engine: Engine = _adapter("inference.engine", "ModelEngine")(resolve(model), device)
    return engine


def _report_writer() -> ReportWriter:
    from busi_viewer import settings
    from busi_viewer.workflow.descriptors import with_proposals
    from busi_viewer.workflow.models import card_of
    from busi_viewer.workflow.reporting import letterhead

    writer: ReportWriter = _adapter("report.pdf", "PdfReportWriter")(
        letterhead(settings.load()), describe=with_proposals, card_of=card_of
    )
    return writer


def _study_pages() -> StudyPages:
    pages: StudyPages = _adapter("report.study_pages", "HtmlStudyPages")()
    return pages


def _open_store(place: Path, user: str | None = None, *, read_only: bool = False, create: bool = True) -> CaseStore:
    store: CaseStore = _adapter("store.case_store", "SqliteCaseStore")(place, user, read_only=read_only, create=create)
    return store


def _network(title: str) -> Network:
    network: Network = _adapter("dicom.network", "DicomNetwork")(title)
    return network


def _receiver(reception: Reception, received: Callable[[Path, str], None]) -> Receiver:
    receiver: Receiver = _adapter("dicom.receiver", "Receiver")(reception, received)
    return receiver


def _deidentifier(secret: bytes, options: DeidentifyOptions) -> Deidentifier:
    worker: Deidentifier = _adapter("dicom.deidentify", "FileDeidentifier")(secret, options)
    return worker


def _read_labels(path: Path) -> Labels | None:
    labels: Labels | None = _adapter("dicom.labels", "read_labels")(path)
    return labels


def _read_directory(path: Path) -> Listing | None:
    listing: Listing | None = _adapter("dicom.directory", "read_directory")(path)
    return listing


def _describe_dicom(path: Path) -> dict[str, Any]:
    described: dict[str, Any] = _adapter("dicom.info", "describe")(path)
    return described


def _dicom_maker() -> DicomMaker:
    maker: DicomMaker = _adapter("dicom.writer", "DicomObjects")()
    return maker


def _train(
    *,
    recipe: str | None,
    job: Path | None,
    data: Sequence[Path],
    out: Path,
    progress: Callable[[dict[str, Any]], None],
    **options: Any,
) -> dict[str, Any]:
    """Train from a recipe's name or a job file; options given beside a job file stand in place of its values.

    With ``estimate`` only a few steps are made, to say what the run would take.
    """
    measured = options.pop("estimate", False)
    if recipe == DESCRIPTORS and measured:
        raise UsageError("fitting the descriptors takes minutes, which nothing measures ahead", remedy="Start it.")
    if recipe == DESCRIPTORS:
        fitted: dict[str, Any] = _adapter("training.descriptors", "train")(data, out, *_readers(), progress, **options)
        return fitted
    described = _job(recipe, job, data, out, options)
    deed = _adapter("training.estimate", "estimate") if measured else _adapter("training.run", "train")
    result: dict[str, Any] = deed(described, *_readers(), progress)
    return result


def _job(recipe: str | None, job: Path | None, data: Sequence[Path], out: Path, options: dict[str, Any]) -> Any:
    recipes = importlib.import_module("busi_viewer.training.recipe")
    values = {name: value for name, value in options.items() if value is not None} | {"out": out}
    if data:
        values["data"] = tuple(data)
    return recipes.read_job(job, values) if job is not None else recipes.make_job({**values, "recipe": recipe})


def _tune(
    *,
    recipe: str | None,
    job: Path | None,
    data: Sequence[Path],
    out: Path,
    progress: Callable[[dict[str, Any]], None],
    trials: int | None,
    storage: str | None,
    as_grid: bool,
    **options: Any,
) -> dict[str, Any]:
    """Search over a recipe or a job file, options as for a training."""
    if recipe == DESCRIPTORS:
        raise UsageError("descriptors trains no network, so there is nothing to search")
    described = _job(recipe, job, data, out, options)
    how = {"trials": trials, "storage": storage, "as_grid": as_grid}
    result: dict[str, Any] = _adapter("training.tune", "tune")(described, *_readers(), progress, **how)
    return result


def _check_heatmaps(folder: Path, records: Sequence[ImageRecord]) -> list[SanityCheck]:
    found: list[SanityCheck] = _adapter("inference.sanity", "check")(folder, records)
    return found


def _recipes(name: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _adapter("training.listing", "listed")(name)
    return found


def _readers() -> tuple[Callable[[Path], ImageRecord], Callable[..., Any]]:
    """The two reading functions of a training run: images, and masks of a known shape."""
    opening = importlib.import_module("busi_viewer.workflow.open")
    sources = services().sources
    return partial(opening.open_image, sources=sources), partial(opening.load_mask, sources=sources)


def _benchmark(*, progress: Callable[..., None]) -> dict[str, Any]:
    from busi_viewer import paths
    from busi_viewer.workflow.models import resolve

    open_image, _ = _readers()
    records = [open_image(path) for path in sorted(paths.resource("sample").glob("*.png"))]
    result: dict[str, Any] = _adapter("inference.bench", "run")(resolve(None), records, open_image, progress)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, or open the window with the given paths. Returns the exit code."""
    from busi_viewer import cli

    words = list(sys.argv[1:] if argv is None else argv)
    _make_writable()
    if words == ["--selftest"]:
        return _selftest()
    logs.set_up(verbose="--verbose" in words)
    if words and cli.is_for_the_command_line(words):
        answered = cli.answer(words)
        return cli.main(words, services()) if answered is None else answered
    gc.disable()  # until the window is shown (gui.app): what is made meanwhile stays, and looking through it takes a while
    try:
        return _window([Path(word) for word in words])
    finally:
        gc.enable()


def _make_writable() -> None:
    """Let words go wherever the output goes: a closed stream takes them silently, one that lacks letters gets escapes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _window(paths_given: Sequence[Path]) -> int:
    """Open the window; the exit code."""
    try:
        window = importlib.import_module("busi_viewer.gui.app")
    except ImportError as error:
        sys.stderr.write(f"error: the window cannot start: {error}. Run 'busi-viewer doctor' for the remedy.\n")
        return 1
    try:
        code: int = window.run(services(), paths_given)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return code


def _selftest() -> int:
    """Do everything once in a temporary home, last of all show the window; 0 if all went well, else 1."""
    from busi_viewer.workflow import selftest

    def report(words: str) -> None:
        sys.stdout.write(f"ok  {words}\n")
        sys.stdout.flush()

    with selftest.temporary_home() as home:
        logs.set_up()
        try:
            selftest.run(services(), home, report)
            importlib.import_module("busi_viewer.gui.app").try_window(services())
            report("showed the window with the bundled study")
        except UserError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    return 0
