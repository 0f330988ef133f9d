"""Search hyperparameters: results as JSON and as a page, and the best set of values as a job that ``train --job`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from busi_viewer.core.ports import Services
from busi_viewer.workflow.evaluate import PAGE
from busi_viewer.workflow.export import write_bytes, write_json

RESULT, BEST_JOB = "tune.json", "best_job.json"


def tune(services: Services, report: Callable[[Mapping[str, Any]], None], out: Path, **options: Any) -> dict[str, Any]:
    """Work on the search in ``out`` until no trial is left, then write ``tune.json``, ``index.html`` and ``best_job.json``.

    Options as in ``services.tune``. Returns what ``tune.json`` holds. Raises UsageError, DataSetError, OutputError, Cancelled.
    """
    found = services.tune(progress=report, out=out, **options)
    job = found.pop("best_job")
    write_json(out / BEST_JOB, job, indent=1)
    write_bytes(out / PAGE, services.study_pages().search(found).encode("utf-8"))
    write_json(out / RESULT, found, indent=1)
    return found


def lines(result: Mapping[str, Any]) -> str:
    """The trials for reading on a terminal, the best first."""
    rows = sorted(result["trials"], key=lambda row: (row["state"] != "complete", -(row["score"] or 0.0)))
    made = [f"{'trial':>5}  {'state':<9} {'score':>7}  values"]
    for row in rows:
        values = ", ".join(f"{name}={in_short(value)}" for name, value in row["parameters"].items())
        score = "–" if row["score"] is None else f"{row['score']:.4f}"
        made.append(f"{row['trial']:>5}  {row['state']:<9} {score:>7}  {row['problem'] or values}")
    return "\n".join(made)


def in_short(value: Any) -> str:
    """A value of a trial in three significant digits, if it is a fraction."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
