"""A model's card as an HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from busi_viewer.report import card_content as content
from busi_viewer.report import page as p


def card_page(card: Mapping[str, Any]) -> str:
    """The whole file, from the card's JSON."""
    made = content.sections(card)
    return p.page(
        f"Model {card.get('name', '')}",
        [
            p.contents([section.title for section in made]),
            *(p.section(section.title, *_blocks(section.blocks)) for section in made),
        ],
        subtitle=f"Version {card.get('version', '–')}, SHA-256 {card.get('sha256', '–')}",
    )


def _blocks(blocks: Sequence[content.Block]) -> list[p.Markup]:
    """The blocks in order, plots that follow one another side by side with their tables below them."""
    made: list[p.Markup] = []
    for are_plots, run in groupby(blocks, lambda block: isinstance(block, content.Plot)):
        if are_plots:
            drawn = [block for block in run if isinstance(block, content.Plot)]
            made.append(p.gallery([p.plot(plot.draw(), plot.caption, alternative=plot.caption) for plot in drawn]))
        else:
            made += [_block(block) for block in run]
    return made


def _block(block: content.Block) -> p.Markup:
    match block:
        case content.Text(words):
            return p.paragraph(words)
        case content.Points(items):
            return p.bullets(items)
        case content.Facts(rows):
            return p.facts(rows)
        case content.Table(head, body, caption):
            return p.table(head, body, note=caption)
        case content.Plot(_, _, table):
            return _block(table)
