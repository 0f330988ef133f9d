"""What can be trained, in words: a list for the terminal, a table for the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line a recipe: name, paper, task, input, parameters, ImageNet weights."""
    width = max(len(row["name"]) for row in rows)
    out = [
        f"{'recipe':<{width}}  {'paper':<5}  {'does':<28}  {'input':<6}  {'parameters':>11}  {'trained':>11}  ImageNet"
    ]
    for row in rows:
        counts = row["parameters"]
        total, trained = (f"{counts[key]:,}" if counts else "–" for key in ("total", "trainable"))
        size = f"{row['input']['size']} px" if row["input"] else "–"
        does = ", ".join(row["tasks"])
        out.append(
            f"{row['name']:<{width}}  {row['paper']:<5}  {does:<28}  {size:<6}  {total:>11}  {trained:>11}  {row['imagenet']}"
        )
    return "\n".join(out)


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table of all recipes' parameters, as ``models/PARAMETERS.md`` holds it."""
    lines = [
        "# Parameters of every recipe",
        "",
        "Written by `busi-viewer recipes --markdown FILE`. *As the paper counts* adds what its framework counts beside",
        "weights (running statistics of batch norms). Trainable is what the recipe trains as it stands.",
        "",
        "| recipe | paper | does | input | total | trainable | paper states | as the paper counts | difference |",
        "|---|---|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        counts, stated = row["parameters"] or {}, row["stated"]
        theirs = f"{stated['parameters']:,}" if stated else "–"
        ours = _against(stated) if stated else "–"
        cells = (
            f"`{row['name']}`",
            " ".join(filter(None, (row["paper"], row["section"]))),
            ", ".join(row["tasks"]),
            f"{row['input']['size']} px" if row["input"] else "–",
            f"{counts['total']:,}" if counts else "–",
            f"{counts['trainable']:,}" if counts else "–",
            theirs,
            ours,
            row["difference"] or "–",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _against(stated: dict[str, int]) -> str:
    ours, theirs = stated["ours_counted_as_there"], stated["parameters"]
    return "the same" if ours == theirs else f"{ours:,} ({100 * (ours / theirs - 1):+.2f} %)"
