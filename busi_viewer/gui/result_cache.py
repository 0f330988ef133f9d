"""Analyses in memory: the latest of each file while there is room."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from busi_viewer.core.results import AnalysisResult

RESULT_BYTES = 64_000_000
"""Some 30 images; the store has the others."""


class Results:
    """Analyses by file; the oldest go when their maps exceed ``RESULT_BYTES``."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, AnalysisResult] = OrderedDict()
        self._bytes = 0

    def get(self, path: Path) -> AnalysisResult | None:
        """The analysis of a file, if it is still kept."""
        return self._kept.get(path)

    def put(self, path: Path, result: AnalysisResult) -> None:
        """Keep an analysis in place of an earlier one."""
        old = self._kept.pop(path, None)
        self._bytes += _size(result) - (_size(old) if old else 0)
        self._kept[path] = result
        while self._bytes > RESULT_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= _size(gone)


def _size(result: AnalysisResult) -> int:
    return sum(
        f.mask.nbytes
        + (f.heatmap.values.nbytes if f.heatmap is not None else 0)
        + (f.probability.nbytes if f.probability is not None else 0)
        for f in result.frames
    )
