"""The main job on the bundled sample: what a new installation can show without any data."""

from __future__ import annotations

from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.errors import UserError
from busi_viewer.core.ports import Services
from busi_viewer.workflow.analyse import Analysis, Batch, Outputs, Watcher, gather


def run_demo(out: Path, device: str, services: Services, watcher: Watcher) -> tuple[Batch, list[Path]]:
    """Analyse ``resources/sample`` with the active model into ``out``; returns what was done and the reports."""
    sample = paths.resource("sample")
    items = gather([sample], recursive=True)
    if not items:
        raise UserError("the bundled sample is missing", path=sample, remedy="Install busi_viewer again.")
    outputs = Outputs(out, png=True, pdf=True, overwrite=True)
    batch = Analysis(outputs, services, lambda: services.load_engine(None, device), watcher).run(items)
    done = set(batch.done)
    return batch, [out / f"{item.base}.pdf" for item in items if str(item.path) in done]
