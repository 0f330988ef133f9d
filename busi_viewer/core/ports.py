"""The doors between rooms: what workflow, gui and cli may ask of adapters. ``bootstrap`` fills them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from busi_viewer.core.deidentify import Deidentified, DeidentifyOptions
from busi_viewer.core.derived import Derived
from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.network import Peer, Reception, Sent
from busi_viewer.core.reporting import ReportWriter
from busi_viewer.core.results import GRAD_CAM, AnalysisResult, Heatmap, ModelInfo

if TYPE_CHECKING:  # they need scipy, which the window does not wait for
    from busi_viewer.core.casebook import (
        AuditCheck,
        AuditQuery,
        AuditRow,
        CaseQuery,
        CaseSummary,
        Corrected,
        FileState,
        ImageState,
        Kept,
        Recovery,
        Report,
        StoredImage,
        Version,
    )
    from busi_viewer.core.cases import Case
    from busi_viewer.core.labels import Labels
    from busi_viewer.core.listing import Listing
    from busi_viewer.core.sanity import SanityCheck
    from busi_viewer.core.steps import Step
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
    """Segments, classifies and explains; loaded once and used from one thread, or as :meth:`prepare_many` says."""

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

    def heatmap(
        self, record: ImageRecord, frame: int, target: str, method: str = GRAD_CAM, mask: Mask | None = None
    ) -> Heatmap:
        """The heat of one of CLASSES on one frame by one of METHODS; its share is taken of ``mask``. Raises NotUltrasound."""
        ...

    def prepare_many(self) -> int:
        """Get ready for many images; the number of threads that may call ``analyse`` together from now on."""
        ...


class DicomMaker(Protocol):
    """Makes DICOM objects about an image, each as the bytes of a file; all refer to the image.

    All raise UnreadableImage if the image's file is gone or changed, and OutputError if there is nothing to say or the
    image lacks the identifiers that a reference needs.
    """

    def image(self, record: ImageRecord) -> bytes:
        """A picture that is not DICOM as Secondary Capture, which all other objects about it refer to."""
        ...

    def segmentation(self, derived: Derived) -> bytes:
        """The outlines."""
        ...

    def structured_report(self, derived: Derived) -> bytes:
        """Measurements, words and estimates."""
        ...

    def heatmap(self, derived: Derived) -> bytes:
        """The heatmaps over the image, as pictures."""
        ...

    def presentation(self, derived: Derived) -> bytes:
        """Outlines and callipers, for viewers to draw over the image."""
        ...

    def pdf(self, derived: Derived, document: bytes) -> bytes:
        """The PDF report, given as its bytes."""
        ...


class StudyPages(Protocol):
    """Pages to read: each is the whole text of one self-contained HTML file, or of a Markdown file."""

    def evaluation(self, result: Mapping[str, Any], cases: Sequence[Case], worst: Sequence[Worst]) -> str:
        """An evaluation (or pooled cross-validation) with its plots and worst cases."""
        ...

    def comparison(self, result: Mapping[str, Any], runs: Sequence[Sequence[Case]]) -> str:
        """Several models on the same images; ``runs`` holds each one's cases in the same order."""
        ...

    def search(self, result: Mapping[str, Any]) -> str:
        """A hyperparameter search."""
        ...

    def card(self, card: Mapping[str, Any]) -> str:
        """A model's card."""
        ...

    def card_markdown(self, card: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
        """A model's card as Markdown; ``say`` translates its headings, sentences and cells."""
        ...

    def audit(self, result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
        """An audit of data sets; ``pictures`` are JPEG thumbnails by image id."""
        ...


class AuditTrail(Protocol):
    """Who did what: append-only, each row chained to the one before by a hash. All raise StoreError."""

    def verify(self) -> AuditCheck:
        """Whether every row is there and as it was written."""
        ...

    def rows(self, query: AuditQuery | None = None) -> list[AuditRow]:
        """The rows that fit, newest first (limit −1: all of them)."""
        ...


class CaseStore(Protocol):
    """Keeps cases: images, analyses, outlines with their history, findings, reports, and who did what.

    Every method may be called from any thread. Those that write do so in one transaction and return when it is on the disk;
    they raise StoreError where that fails, and what was kept before is then unchanged. Images go by the number that
    ``open_image`` gives.
    """

    @property
    def path(self) -> Path: ...

    @property
    def user(self) -> str: ...

    @property
    def audit(self) -> AuditTrail: ...

    @property
    def recovery(self) -> Recovery | None:
        """What was committed in a session that did not end properly, as found at opening; else None."""
        ...

    def acknowledge_recovery(self) -> None:
        """Note that the reader was told of it, so that it is not told again."""
        ...

    def open_image(self, record: ImageRecord) -> Kept:
        """What is kept of an image, known by its content; a new one is added."""
        ...

    def look(self, record: ImageRecord) -> Kept:
        """The same without adding or noting anything; an image not known yet has number 0."""
        ...

    def draft(self, record: ImageRecord) -> int:
        """A number for work on a large file before it is identified; ``open_image`` gives its work to a content not known yet."""
        ...

    def look_draft(self, record: ImageRecord) -> Kept | None:
        """What is kept under such a number of a large file as it is now."""
        ...

    def join(self, draft: int, image: int) -> None:
        """The draft is of this image, known already: its work goes there if that has none (else the caller laid it over)."""

    def unidentified(self) -> list[Path]:
        """Files with drafts, as far as they are as they were."""
        ...

    def flag(self, image: int, flagged: bool) -> None:
        """Flag an image, or take the flag away."""
        ...

    def commit(self, image: int, step: Step, reason: str = "") -> None:
        """Keep a committed edit, and for findings and callipers why. Raises ValueError if an outline does not fit."""

    def undo(self, image: int) -> None:
        """Keep that the last edit was undone. Raises ValueError if there is none."""

    def redo(self, image: int) -> None:
        """Keep that the edit undone last was done again. Raises ValueError if there is none."""

    def settle(self) -> None:
        """Tell the audit trail of what was typed or nudged last, as one change; else it is told before the next."""

    def save_result(self, image: int, result: AnalysisResult) -> None:
        """Keep an analysis; earlier ones stay. Raises ValueError for another image's."""
        ...

    def save_field(self, image: int, field: str, value: Any, reason: str = "") -> Version:
        """Keep a new version of one of casebook.FIELDS, a JSON value; the same value again makes none."""
        ...

    def versions(self, image: int, field: str) -> list[Version]:
        """Every version of one of casebook.FIELDS, oldest first."""
        ...

    def sign(self, image: int, content: Mapping[str, Any], reason: str = "") -> Report:
        """Sign a report (JSON) of the image as it is now: a new version; those signed before stay as they are."""
        ...

    def reports(self, image: int) -> list[Report]:
        """Every signed version, oldest first."""
        ...

    def note(self, action: str, image: int | None = None, field: str = "", old: str = "", new: str = "") -> None:
        """Note in the audit trail what was done that changes nothing kept: an export, another operating point."""
        ...

    def cases(self, query: CaseQuery | None = None) -> list[CaseSummary]:
        """The cases that fit, the one changed last first."""
        ...

    def images(self, case: str) -> list[StoredImage]:
        """The images of a case."""
        ...

    def image_states(self, paths: Iterable[Path]) -> dict[Path, ImageState]:
        """What is known of the files that were last read at these paths, by the path as given; unknown ones are left out."""
        ...

    def files_of(self, digests: Iterable[str]) -> dict[str, Path]:
        """Where the images with these contents (SHA-256, as the audit trail names them) lie, as far as known."""
        ...

    def file_state(self, image: int) -> FileState:
        """Whether the image's file is still there with the content that was read."""
        ...

    def locate(self, image: int, folders: Iterable[Path]) -> Path | None:
        """Where a moved file lies now, looked for by content in ``folders`` and below."""
        ...

    def relink(self, image: int, path: Path) -> None:
        """Note that the image's file lies at ``path`` now."""
        ...

    def export_case(self, case: str, destination: Path) -> Path:
        """Write a whole case as a new folder, checksummed. Raises OutputError too."""
        ...

    def import_case(self, source: Path) -> str:
        """Take over an exported case; its UID. Nothing is taken over where it is damaged or known already."""
        ...

    def corrected(self) -> Iterator[Corrected]:
        """Every frame with a reader's outline, under pseudonyms."""
        ...

    def setting(self, key: str) -> Any:
        """A JSON value kept under ``key``, or None."""
        ...

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under ``key``."""
        ...

    def check(self) -> list[str]:
        """What is wrong with the store's file or its outlines; empty if nothing. Reads all of it."""
        ...

    def back_up(self, path: Path) -> None:
        """Write a copy of the whole store."""
        ...

    def close(self) -> None:
        """End the session properly."""
        ...


class Deidentifier(Protocol):
    """Makes DICOM objects without their patient, all with one secret, so that they stay consistent."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether the file's first 4096 bytes show that it is DICOM."""
        ...

    def deidentify(
        self, path: Path, folder: Path, progress: Progress, cancel: CancelToken | None = None
    ) -> Deidentified:
        """Write the object below ``folder``. Raises NotDeidentified, UnreadableImage, OutputError, Cancelled."""
        ...


class Network(Protocol):
    """Asks other applications for DICOM services, under our own title. All raise NetworkError."""

    def echo(self, peer: Peer) -> None:
        """Whether the peer answers."""
        ...

    def find(self, peer: Peer, level: str, keys: Mapping[str, str]) -> list[dict[str, str]]:
        """What the peer has at a level (STUDY, SERIES, IMAGE) that fits. Raises ValueError for an unknown keyword."""
        ...

    def send(
        self, peer: Peer, paths: Sequence[Path], told: Callable[[Sent], None], cancel: CancelToken | None = None
    ) -> None:
        """Send files; ``told`` hears of each as soon as it is known."""
        ...


class Receiver(Protocol):
    """Takes objects that others send."""

    @property
    def port(self) -> int: ...

    def start(self) -> None:
        """Listen. Raises NetworkError."""
        ...

    def stop(self) -> None:
        """Listen no more."""
        ...


@dataclass(frozen=True)
class Services:
    """The adapters as bootstrap wired them. Callables load their adapter (and torch) at the first call, not before."""

    sources: tuple[ImageSource, ...]
    load_engine: Callable[[str | None, str], Engine]
    """(model name or folder or None = the active one, device "auto" | "cpu" | "cuda[:N]" | "mps") → Engine. Raises ModelError."""
    report_writer: Callable[[], ReportWriter]
    train: Callable[..., dict[str, Any]]
    benchmark: Callable[..., dict[str, Any]]
    recipes: Callable[[str | None], list[dict[str, Any]]]
    """Name or None = all → what can be trained, as plain values. Raises UsageError."""
    study_pages: Callable[[], StudyPages]
    open_store: Callable[..., CaseStore]
    """(folder, user or None, read_only=False, create=True) → CaseStore. Raises StoreError, StoreInUse, NoStore."""
    read_labels: Callable[[Path], Labels | None]
    """Patient, study and series as a file's header states them; None where it states none. Never raises."""
    read_directory: Callable[[Path], Listing | None]
    """The images that a DICOMDIR lists; None for any other file. Never raises."""
    describe_dicom: Callable[[Path], dict[str, Any]]
    """A DICOM file → what it is, without values that name a patient. Raises UnreadableImage."""
    deidentifier: Callable[[bytes, DeidentifyOptions], Deidentifier]
    network: Callable[[str], Network]
    """Our application entity title → the network."""
    receiver: Callable[[Reception, Callable[[Path, str], None]], Receiver]
    """How to receive, and what to call (on a thread of the network) with each object's path and its sender's title."""
    dicom_maker: Callable[[], DicomMaker]
    tune: Callable[..., dict[str, Any]]
    """As ``train``, with ``trials``, ``storage`` and ``as_grid`` → what a search found and its best job. Raises Cancelled."""
    check_heatmaps: Callable[[Path, Sequence[ImageRecord]], list[SanityCheck]]
    """(model's folder, images) → whether heatmaps change once the weights are random. Raises ModelError."""
