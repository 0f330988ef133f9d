"""A model's card as Markdown (GitHub's), to stand as README beside the weights. Plots become the tables behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from busi_viewer.report import card_content as content

Say = Callable[[str], str]
MADE = "Made from `card.json` by `busi-viewer models show --markdown`. Research use only."


def card_markdown(card: Mapping[str, Any], say: Say = str) -> str:
    """The whole file, from the card's JSON; ``say`` translates its headings, sentences and cells."""
    title = f"# {_plain(str(card.get('name', 'model')))} {_plain(str(card.get('version', '')))}".rstrip()
    made = MADE.replace("card.json", "descriptors.json") if card.get("kind") == "descriptors" else MADE
    lines = [title, "", say(made), ""]
    for section in content.sections(card):
        lines += [f"## {_plain(say(section.title))}", ""]
        for block in section.blocks:
            lines += [*_block(block, say), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: content.Block, say: Say) -> list[str]:
    match block:
        case content.Text(words):
            return [_plain(say(words))]
        case content.Points(items):
            return [f"- {_plain(say(item))}" for item in items]
        case content.Facts(rows):
            return _table(("", ""), rows, say)
        case content.Table(head, body, caption):
            return [*_table(head, body, say), *(["", _plain(say(caption))] if caption else [])]
        case content.Plot(_, _, table):
            return _block(table, say)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], say: Say) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(say(cell)) for cell in line) + " |" for line in lines]


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML take for text."""
    line = " ".join(text.split())
    for sign in "\\`*_[]|":
        line = line.replace(sign, "\\" + sign)
    return line.replace("<", "&lt;")
