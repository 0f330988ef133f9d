"""The sanity check of a model's heatmaps on the bundled sample, with its figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.errors import ModelError
from busi_viewer.core.image import to_uint8
from busi_viewer.core.panels import sanity_panels
from busi_viewer.core.ports import Services
from busi_viewer.core.sanity import LIMIT, SanityCheck
from busi_viewer.workflow.export import write_png
from busi_viewer.workflow.open import open_image


def check(folder: Path, figure: Path, services: Services) -> list[SanityCheck]:
    """Check a model's heatmaps and draw those of the first image. Raises ModelError, OutputError."""
    records = [open_image(path, services.sources) for path in sorted(paths.resource("sample").glob("*.png"))]
    found = services.check_heatmaps(folder, records)
    if not found:
        raise ModelError("the model gives no heat on the bundled sample", path=folder)
    record = found[0].record
    pairs = [(one.learnt, one.drawn, one.correlation) for one in found if one.record is record]
    write_png(figure, sanity_panels(to_uint8(record.frames[0], record.window), pairs))
    return found


def lines(name: str, found: Sequence[SanityCheck], figure: Path) -> str:
    """What came of it, for a terminal."""
    made = [
        f"{name}: heatmaps by the model and by random weights, mean correlation (1.00 is the same, below {LIMIT} has changed)"
    ]
    for one in found:
        verdict = "changed" if one.passed else "NOT CHANGED"
        said = "no heat" if one.correlation is None else f"{one.correlation:+7.2f}"
        made.append(f"  {one.record.path.name:<16}  {one.learnt.title:<28}  {said}  {verdict}")
    return "\n".join([*made, f"  figure: {figure}"])
