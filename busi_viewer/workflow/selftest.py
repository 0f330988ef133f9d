"""Whether this installation can do everything it is for: each step done for real, on synthetic images, in a temporary home."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from busi_viewer import paths
from busi_viewer.core.document import Document
from busi_viewer.core.edits import edit_between
from busi_viewer.core.errors import UserError
from busi_viewer.core.phantom import phantom
from busi_viewer.core.ports import CaseStore, Services
from busi_viewer.core.steps import edit_step
from busi_viewer.workflow.dicom_out import write_all
from busi_viewer.workflow.open import open_image

TRAINED = "multitask-unet-mobilenetv2"
COUNTS = {"train": 32, "val": 12}
"""Phantoms a part. With the recipe's batch of 16 one epoch is two optimiser steps."""

_KINDS = {"none": "normal", "benign": "benign", "malignant": "malignant"}
Report = Callable[[str], None]


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder that stands for the user's home while it lasts; nothing of the user's own is read or written."""
    before = os.environ.get("BUSI_VIEWER_HOME")
    with tempfile.TemporaryDirectory(prefix="busi-viewer-selftest-", ignore_cleanup_errors=True) as name:
        os.environ["BUSI_VIEWER_HOME"] = name
        try:
            yield Path(name)
        finally:
            if before is None:
                del os.environ["BUSI_VIEWER_HOME"]
            else:
                os.environ["BUSI_VIEWER_HOME"] = before


def run(services: Services, home: Path, report: Report) -> None:
    """Open, analyse, edit, report, keep a case, train two steps and use the new model; ``report`` hears what was done.

    Raises UserError, or whatever else goes wrong, at the first step that fails.
    """
    record = open_image(paths.resource("sample", "malignant.png"), services.sources)
    cine = open_image(paths.resource("sample", "cine.dcm"), services.sources)
    report(f"opened a PNG of {record.shape[1]} × {record.shape[0]} px and a DICOM cine of {len(cine.frames)} frames")
    document = Document(record)
    engine = services.load_engine(None, "cpu")
    document.offer(engine.analyse(record))
    if not document.lesions(0) or document.result is None or document.result.frames[0].heatmap is None:
        raise UserError("the analysis of the bundled phantom shows no lesion or no heatmap", path=record.path)
    report(f"analysed it with {engine.model.name} on {engine.device}")
    with closing(services.open_store(home / "cases")) as store:
        _edit_and_keep(document, store)
    report("edited the outline and undid the edit; both are in the case store, whose record verifies")
    services.report_writer().write(document, home / "report.pdf")
    if not (home / "report.pdf").read_bytes().startswith(b"%PDF"):
        raise UserError("the report is no PDF", path=home / "report.pdf")
    report("wrote the PDF report")
    written = write_all(document, home / "dicom", services)
    again = [open_image(path, services.sources) for path in written.files if path.name.endswith(".image.dcm")]
    if written.left_out or len(again) != 1 or again[0].shape != record.shape:
        raise UserError(f"DICOM objects are missing: {', '.join(written.left_out)}", path=written.folder)
    report(f"wrote {len(written.files)} DICOM objects, the segmentation among them")
    summary = services.train(
        recipe=TRAINED,
        job=None,
        data=[_phantoms(home / "phantoms")],
        out=home / "run",
        split=home / "phantoms" / "split.csv",
        epochs=1,
        accelerator="cpu",
        start_from=paths.bundled_models() / "busi-default",
        progress=lambda event: None,
    )
    services.load_engine(summary["model"], "cpu").analyse(record)
    report("trained two steps and analysed with the new model")


def _edit_and_keep(document: Document, store: CaseStore) -> None:
    """One edit, kept, undone, kept, and read back. Raises UserError if anything is not as it was."""
    shown = document.shown_mask(0)
    assert shown is not None
    image = store.open_image(document.record).image
    edit = edit_between(shown, cv2.dilate(shown.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool), "Grow")
    assert edit is not None
    step = edit_step(document, edit)
    step.apply(document)
    store.commit(image, step)
    if (store.open_image(document.record).masks[0] != step.after).any():
        raise UserError("the case store gives back another outline than was drawn", path=store.path)
    step.inverse().apply(document)
    store.undo(image)
    problems = [*store.check(), *store.audit.verify().problems]
    if store.open_image(document.record).masks or problems or document.shown_mask(0) is not shown:
        raise UserError(f"the edit was not undone as it was done: {problems}", path=store.path)


def _phantoms(folder: Path) -> Path:
    """Phantoms with their masks in class folders, and ``split.csv``."""
    rows, seed = [("id", "part")], 0
    for part, count in COUNTS.items():
        for kind, label in islice(cycle(_KINDS.items()), count):
            image, mask = phantom(kind, seed := seed + 1, (160, 192))
            name = f"{label}/{label} ({seed})"
            (folder / label).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{name}.png"), image)
            cv2.imwrite(str(folder / f"{name}_mask.png"), mask.astype(np.uint8) * 255)
            rows.append((f"{folder.name}/{name}.png", part))
    with (folder / "split.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return folder
