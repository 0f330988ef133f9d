"""A model's card as Markdown (GitHub's), to stand as README beside the weights. Plots become the tables behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from busi_viewer.report import card_content as content


def card_markdown(card: Mapping[str, Any]) -> str:
    """The whole file, from the card's JSON."""
    title = f"# {_plain(str(card.get('name', 'model')))} {_plain(str(card.get('version', '')))}".rstrip()
    lines = [title, "", "Made from `card.json` by `busi-viewer models show --markdown`. Research use only.", ""]
    for section in content.sections(card):
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: content.Block) -> list[str]:
    match block:
        case content.Text(words):
            return [_plain(words)]
        case content.Points(items):
            return [f"- {_plain(item)}" for item in items]
        case content.Facts(rows):
            return _table(("", ""), rows)
        case content.Table(head, body, caption):
            return [*_table(head, body), *(["", _plain(caption)] if caption else [])]
        case content.Plot(_, _, table):
            return _block(table)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines]


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML take for text."""
    line = " ".join(text.split())
    for sign in "\\`*_[]|":
        line = line.replace(sign, "\\" + sign)
    return line.replace("<", "&lt;")
