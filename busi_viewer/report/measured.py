"""The reader's callipers as a report lists and draws them."""

from __future__ import annotations

from dataclasses import dataclass

from busi_viewer.core.callipers import Calliper, measured, ring, straight_lines, summary
from busi_viewer.core.document import Document
from busi_viewer.core.measure import Point

BY_READER = "Calibrated by reader"
NAMES = {"axis_a": "A", "axis_b": "B", "perimeter": "circumference"}


@dataclass(frozen=True)
class Measured:
    """One ``calliper``: its name, all it says, what there is to note, and its lines on the image.

    ``lines`` are straight, ``ring`` closed (an ellipse's) or empty; ``label`` is what stands beside them.
    """

    calliper: Calliper
    name: str
    values: str
    note: str
    label: str
    lines: tuple[tuple[Point, Point], ...]
    ring: tuple[Point, ...] = ()


def callipers_of(document: Document, frame: int) -> tuple[Measured, ...]:
    """The callipers of a frame, as the reader left them. What is in mm says if the reader has calibrated it."""
    found = []
    for item in document.callipers:
        if item.frame != frame:
            continue
        said, scale = measured(item, document.record)
        name = item.name or item.kind.word
        many = len(said) > 1
        values = ", ".join(f"{NAMES.get(q.name, q.name)} {q.text}" if many else q.text for q in said)
        notes = [BY_READER] if scale.by_reader and scale.spacing_mm is not None else []
        notes += [f"in px: {scale.note}"] if scale.note else []
        notes += ["proposed from the outline, not moved by the reader"] if item.proposed else []
        lines, around = tuple(straight_lines(item, scale)), tuple(ring(item, scale))
        found.append(
            Measured(item, name, values, _sentence("; ".join(notes)), f"{name} {summary(said)}", lines, around)
        )
    return tuple(found)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
