"""The same image at chosen epochs of a run: outline, class and heat after each, as one figure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from busi_viewer.core.errors import UsageError
from busi_viewer.core.image import ImageRecord, Mask, to_uint8
from busi_viewer.core.panels import EpochPanel, epoch_panels
from busi_viewer.core.ports import Progress, Services
from busi_viewer.core.results import CLASSES, GRAD_CAM, LESION
from busi_viewer.core.training import KEPT
from busi_viewer.workflow.export import write_png
from busi_viewer.workflow.open import load_mask, open_image

_EPOCH = re.compile(r"epoch-(\d+)")


@dataclass(frozen=True)
class Wish:
    """Which ``epochs`` of a ``run`` (empty: all kept), of which image, and the heat of what (None: the last epoch's class).

    ``mask`` is the true outline's file; without one, ``NAME_mask.png`` beside the image is taken if it is there.
    """

    run: Path
    image: Path
    epochs: tuple[int, ...] = ()
    target: str | None = None
    method: str = GRAD_CAM
    mask: Path | None = None


def kept(run: Path) -> dict[int, Path]:
    """The epochs whose weights a run's folder holds, ascending, each with its model's folder."""
    found = {path.parent: _EPOCH.fullmatch(path.parent.name) for path in (run / KEPT).glob("epoch-*/card.json")}
    return dict(sorted((int(match[1]), folder) for folder, match in found.items() if match))


def compare(wish: Wish, out: Path, services: Services, progress: Progress) -> list[dict[str, Any]]:
    """Write the figure, and return what each epoch says. Raises UsageError, UnreadableImage, ModelError, OutputError.

    The shares of heat are taken of one outline, so that they can be compared: the true one, or that of the last epoch.
    """
    folders = _chosen(wish)
    record = open_image(wish.image, services.sources)
    truth = _truth(wish, record, services)
    results, engines = {}, {}
    for number, (epoch, folder) in enumerate(folders.items()):
        progress(f"epoch {epoch}", number / len(folders))
        engines[epoch] = services.load_engine(str(folder), "cpu")
        results[epoch] = engines[epoch].analyse(record, [0], heatmap=False).frames[0]
    last = results[max(results)]
    target = wish.target or (last.prediction if last.classified else LESION)
    outline = truth if truth is not None else last.mask
    rows, panels = [], []
    for epoch, frame in results.items():
        heat = engines[epoch].heatmap(record, 0, target, wish.method, outline)
        share = heat.inside_mask_share
        given = dict(zip(CLASSES, frame.probabilities, strict=True)) if frame.classified else None
        said = f"{frame.prediction} {100 * max(frame.probabilities):.0f} %" if frame.classified else "no class"
        panels.append(EpochPanel(epoch, frame.mask, frame.lesions, heat, said))
        rows.append({"epoch": epoch, "probabilities": given, "heat_inside_outline": share})
    pixels = to_uint8(record.frames[0], record.window)
    write_png(out, epoch_panels(pixels, truth, panels))
    return rows


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """What each epoch says, for a terminal."""
    made = ["epoch  heat inside  normal  benign  malignant"]
    for row in rows:
        share = row["heat_inside_outline"]
        chances = row["probabilities"] or {}
        numbers = "  ".join(f"{chances[name]:>{len(name)}.2f}" for name in CLASSES) if chances else "no class"
        made.append(f"{row['epoch']:>5}  {'–' if share is None else f'{100 * share:.0f} %':>11}  {numbers}")
    return "\n".join(made)


def _chosen(wish: Wish) -> dict[int, Path]:
    there = kept(wish.run)
    missing = [epoch for epoch in wish.epochs if epoch not in there]
    if not there or missing:
        known = ", ".join(map(str, there)) or "none"
        wanted = f"epoch {', '.join(map(str, missing))}" if missing else "single epochs"
        raise UsageError(
            f"the run keeps no weights of {wanted}",
            path=wish.run,
            remedy=f"Kept: {known}. Train with --keep-epochs to keep some.",
        )
    return {epoch: there[epoch] for epoch in sorted(wish.epochs)} if wish.epochs else there


def _truth(wish: Wish, record: ImageRecord, services: Services) -> Mask | None:
    beside = wish.image.with_name(f"{wish.image.stem}_mask.png")
    path = wish.mask or (beside if beside.is_file() else None)
    return load_mask([path], record.shape, services.sources) if path is not None else None
