"""Compare evaluated models on the images they have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from busi_viewer.core import breakdown, paired
from busi_viewer.core.cases import Case
from busi_viewer.core.duplicates import groups
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.core.ports import Services
from busi_viewer.core.statistics import RESAMPLES, SEED
from busi_viewer.workflow.cases import CASES, read_cases
from busi_viewer.workflow.evaluate import PAGE, RESULT
from busi_viewer.workflow.export import write_bytes, write_json

COMPARISON = "comparison.json"
_NAMED = 3
"""So many images are named in an error."""


@dataclass(frozen=True)
class Run:
    """An evaluation read back: its name, where it lies, its JSON, and its cases by id."""

    name: str
    folder: Path
    result: Mapping[str, Any]
    cases: Mapping[str, Case]


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """The evaluations in these folders, with names that tell them apart. Raises DataSetError, UsageError."""
    if len(folders) < 2:
        raise UsageError("compare needs two or more runs", remedy="Give folders that evaluate -o or crossval wrote.")
    found = [_study_in(folder) for folder in folders]
    if len({folder.resolve() for folder in found}) < len(found):
        raise UsageError("a run is named twice", remedy="Give different folders.")
    return [
        Run(name, folder, _read_result(folder / RESULT), {case.id: case for case in read_cases(folder / CASES)})
        for name, folder in zip(_names(folders), found, strict=True)
    ]


def _study_in(run: Path) -> Path:
    """The folder itself, or its only sub-folder (of any depth up to two) that holds an evaluation."""
    if (run / CASES).is_file() and (run / RESULT).is_file():
        return run
    inside = sorted({path.parent for depth in ("*", "*/*") for path in run.glob(f"{depth}/{CASES}")})
    complete = [folder for folder in inside if (folder / RESULT).is_file()]
    if len(complete) == 1:
        return complete[0]
    several = f"it holds {len(complete)} evaluations: {', '.join(str(f.relative_to(run)) for f in complete)}"
    raise DataSetError(
        several if complete else f"the folder holds no evaluation ({CASES} and {RESULT})",
        path=run,
        remedy="Name one of them." if complete else "Make one with: busi-viewer evaluate … -o DIR.",
    )


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, with as many of their parents as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(len(p) for p in parts) + 1):
        names = ["/".join(p[-depth:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _read_result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataSetError("the evaluation cannot be read", path=path, remedy="Evaluate again.") from error
    if not isinstance(result, dict) or not isinstance(result.get("model"), dict) or "classification" not in result:
        raise DataSetError("this is no evaluation", path=path, remedy="Evaluate again.")
    return result


def compare(folders: Sequence[Path], out: Path, services: Services) -> dict[str, Any]:
    """Compare the runs pairwise over their common images; write ``comparison.json`` and ``index.html`` into ``out``.

    Raises DataSetError where the runs share no image or were evaluated against different truth, OutputError.
    """
    runs = read_runs(folders)
    common = sorted(set.intersection(*(set(run.cases) for run in runs)))
    if not common:
        raise DataSetError(
            "the runs have no image in common", remedy="Evaluate the models on the same data set and part."
        )
    _check_truth(runs, common)
    numbers = _groups(runs, common)
    lists = [
        [replace(run.cases[name], group=number) for name, number in zip(common, numbers, strict=True)] for run in runs
    ]
    result = _result(runs, lists)
    write_bytes(out / PAGE, services.study_pages().comparison(result, lists).encode("utf-8"))
    write_json(out / COMPARISON, result, indent=1)
    return result


def _check_truth(runs: Sequence[Run], common: Sequence[str]) -> None:
    """Raise DataSetError where an image has another class or another true mask in one run than in another."""
    for first, second in pairwise(runs):
        unlike = [
            name
            for name in common
            if (first.cases[name].label, first.cases[name].truth)
            != (second.cases[name].label, second.cases[name].truth)
        ]
        if unlike:
            raise DataSetError(
                f"{first.name} and {second.name} were evaluated against different truth: class or mask of {len(unlike)} "
                f"of {len(common)} common images differ ({', '.join(unlike[:_NAMED])}{' …' if len(unlike) > _NAMED else ''})",
                remedy="Evaluate both on the same version of the data set.",
            )


def _groups(runs: Sequence[Run], common: Sequence[str]) -> list[int]:
    """One group number an image: what any run held together stays together."""
    pairs: list[tuple[int, int, float]] = []
    for run in runs:
        last: dict[int, int] = {}
        for place, name in enumerate(common):
            group = run.cases[name].group
            if group in last:
                pairs.append((last[group], place, 1.0))
            last[group] = place
    return groups(len(common), pairs, [None] * len(common))


def _result(runs: Sequence[Run], lists: Sequence[Sequence[Case]]) -> dict[str, Any]:
    cases = lists[0]
    numbers = [case.group for case in cases]
    return {
        "schema": 1,
        "runs": [
            {
                "name": run.name,
                "folder": str(run.folder),
                "model": run.result["model"],
                "n": len(run.cases),
                "not_common": len(run.cases) - len(cases),
                "figures": breakdown.condense(
                    breakdown.full_figures(own, (run.result["classification"] or {}).get("operating_point"))
                ),
            }
            for run, own in zip(runs, lists, strict=True)
        ],
        "common": {
            "n": len(cases),
            "groups": len(set(numbers)),
            "by_class": breakdown.by_class(cases),
            "sets": [
                {"name": name, "n": sum(case.set == name for case in cases)} for name in sorted({c.set for c in cases})
            ],
        },
        "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "unit": "patient and near-duplicate group"},
        "pairs": [
            {"first": runs[i].name, "second": runs[j].name, **paired.compare(lists[i], lists[j], numbers)}
            for i, j in combinations(range(len(runs)), 2)
        ],
    }


def lines(result: Mapping[str, Any]) -> str:
    """The differences for reading on a terminal."""
    made = []
    for pair in result["pairs"]:
        made.append(f"{pair['first']} − {pair['second']}, {result['common']['n']} common images")
        for name, entry in pair["differences"].items():
            if entry["difference"] is not None:
                interval = " to ".join(f"{v:+.3f}" for v in entry["ci95"]) if entry["ci95"] else "–"
                p = "–" if entry["p"] is None else f"{entry['p']:.3f}"
                made.append(f"  {name:<26}{entry['difference']:+8.3f}  {interval:<18}  p {p}")
        made += [f"  McNemar, {name:<17}p {test['p']}" for name, test in pair["mcnemar"].items()]
    return "\n".join(made)
