"""The words of de-identification: what may be chosen, what was done, and why a file was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from busi_viewer.core.errors import UserError
from busi_viewer.core.masks import Box

Dates = Literal["remove", "shift"]
Text = Literal["refuse", "remove"]
Region = Literal["calibrated", "by hand", "whole frame", "none"]
"""What was taken for the acquisition: regions in the file, a box given by hand, all of the frame; none: no picture, or a mask."""


class NotDeidentified(UserError):
    """A file that cannot be de-identified with certainty; nothing of it was written."""


@dataclass(frozen=True)
class DeidentifyOptions:
    """``dates``: removed, or moved by a number of days of each patient's own (the same for all of that patient's files).

    ``text``: what happens where letters are found inside the acquisition region: the file is refused, or they are
    blackened on every frame and looked for again.

    ``region``: a box (x0, y0, x1, y1; pixels, x1 and y1 outside it) given by hand. Only what lies in it is kept, and in the
    acquisition regions where a file states some. It is what makes frames sure whose file states none: letters outside go
    without having to be found.
    """

    dates: Dates = "remove"
    text: Text = "refuse"
    region: Box | None = None


@dataclass(frozen=True)
class Deidentified:
    """What was done to one file. ``name`` is where it lies below the new folder; nothing here comes from the patient.

    ``done`` counts what was removed, replaced, emptied … ; ``blackened`` is the number of pixels outside the acquisition
    region, ``text_boxes`` that of blackened pieces of text inside it. Where ``region`` is "whole frame", nothing but the
    text recognition looked after the pixels.
    """

    name: PurePosixPath
    kind: str
    frames: int = 0
    region: Region = "none"
    blackened: int = 0
    text_boxes: int = 0
    codes: tuple[str, ...] = ()
    done: Counter[str] = field(default_factory=Counter)
