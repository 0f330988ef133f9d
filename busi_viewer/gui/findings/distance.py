"""The distance from the nipple, typed as radiologists write it: ``4``, ``4 cm``, ``35 mm``."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from busi_viewer.core.findings import FARTHEST_MM
from busi_viewer.gui.findings.choice import HEIGHT
from busi_viewer.gui.language import tr

_WRITTEN = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(cm|mm)?\s*")


def read_distance(text: str) -> float | None:
    """The distance in mm; plain numbers are cm, nothing is None. Raises ValueError for anything else."""
    if not text.strip():
        return None
    match = _WRITTEN.fullmatch(text.casefold())
    if match is None:
        raise ValueError("not a distance")
    mm = float(match[1].replace(",", ".")) * (1 if match[2] == "mm" else 10)
    if mm > FARTHEST_MM:
        raise ValueError("too far")
    return round(mm, 1)


def distance_text(mm: float | None) -> str:
    """``4 cm``, or nothing."""
    return "" if mm is None else tr("{cm:g} cm", cm=mm / 10)


class DistanceField(QLineEdit):
    """A distance in cm or mm; ``said(mm or None)`` when the reader has typed another. What is no distance is put back."""

    said = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.mm: float | None = None
        self.setAccessibleName(tr("{name}, in cm", name=name))
        self.setToolTip(tr("{name}: 4, 4 cm or 40 mm; at most {most:g} cm", name=name, most=FARTHEST_MM / 10))
        self.setPlaceholderText("cm")
        self.setMinimumWidth(40)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.editingFinished.connect(self.commit)

    def set_mm(self, mm: float | None) -> None:
        """Show a distance in mm."""
        if mm != self.mm or not self.hasFocus():
            self.mm = mm
            self.setText(distance_text(mm))

    def commit(self) -> None:
        """Take what was typed."""
        try:
            mm = read_distance(self.text())
        except ValueError:
            mm = self.mm
        changed, self.mm = mm != self.mm, mm
        self.setText(distance_text(mm))
        if changed:
            self.said.emit(mm)
