"""What the sanity check of a heatmap says: the map before and after the weights were drawn anew."""

from __future__ import annotations

from dataclasses import dataclass

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import Heatmap

LIMIT = 0.7
"""Above this correlation a map has not changed."""


@dataclass(frozen=True)
class SanityCheck:
    """One heatmap of one image: by the model, by random weights (one draw), and Pearson's correlation, averaged over draws.

    None where no draw gives any heat, which is a change too.
    """

    record: ImageRecord
    learnt: Heatmap
    drawn: Heatmap
    correlation: float | None

    @property
    def passed(self) -> bool:
        """Whether the map has changed."""
        return self.correlation is None or abs(self.correlation) < LIMIT
