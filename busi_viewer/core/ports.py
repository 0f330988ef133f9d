"""The doors between rooms: what workflow, gui and cli may ask of adapters. ``bootstrap`` fills them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult, ModelInfo

if TYPE_CHECKING:  # they need scipy, which the window does not wait for
    from busi_viewer.core.cases import Case
    from busi_viewer.core.worst import Worst


class CancelToken(Protocol):
    """Asked between stages whether to stop."""

    def is_set(self) -> bool: ...


Progress = Callable[[str, float], None]
"""Called with the stage's name and the done share in [0, 1]."""


class ImageSource(Protocol):
    """Reads one family of files."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether the file's first 4096 bytes (not its name) show that this source reads it."""
        ...

    def open(self, path: Path) -> ImageRecord:
        """Open without decoding more than needed. Raises UnreadableImage or TooLarge."""
        ...


class Engine(Protocol):
    """Segments, classifies and explains; loaded once and used from one thread."""

    @property
    def model(self) -> ModelInfo: ...

    @property
    def device(self) -> str: ...

    def analyse(
        self,
        record: ImageRecord,
        frames: Sequence[int] | None = None,
        *,
        heatmap: bool = True,
        revision: int = 0,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> AnalysisResult:
        """Analyse ``frames`` (default: all). Raises Cancelled, NotUltrasound."""
        ...


class ReportWriter(Protocol):
    """Writes the PDF of one document."""

    def write(self, document: Document, path: Path) -> None:
        """Write ``path`` whole or not at all. Raises OutputError."""
        ...


class StudyPages(Protocol):
    """Pages to read: each is the whole text of one self-contained HTML file, or of a Markdown file."""

    def evaluation(self, result: Mapping[str, Any], cases: Sequence[Case], worst: Sequence[Worst]) -> str:
        """An evaluation (or pooled cross-validation) with its plots and worst cases."""
        ...

    def comparison(self, result: Mapping[str, Any], runs: Sequence[Sequence[Case]]) -> str:
        """Several models on the same images; ``runs`` holds each one's cases in the same order."""
        ...

    def card(self, card: Mapping[str, Any]) -> str:
        """A model's card."""
        ...

    def card_markdown(self, card: Mapping[str, Any]) -> str:
        """A model's card as Markdown."""
        ...


def _no_pages() -> StudyPages:
    raise NotImplementedError("no writer of pages was wired")


@dataclass(frozen=True)
class Services:
    """The adapters as bootstrap wired them. Callables load their adapter (and torch) at the first call, not before."""

    sources: tuple[ImageSource, ...]
    load_engine: Callable[[str | None, str], Engine]
    """(model name or folder or None = the active one, device "auto" | "cpu" | "cuda[:N]" | "mps") → Engine. Raises ModelError."""
    report_writer: Callable[[], ReportWriter]
    train: Callable[..., dict[str, Any]]
    benchmark: Callable[..., dict[str, Any]]
    study_pages: Callable[[], StudyPages] = _no_pages
