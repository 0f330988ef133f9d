"""What the Training page has done in the background: looking at runs, audits, plans, estimates, tests, promotion.

All of it runs on a small pool; what needs torch is a command in a process of its own.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThreadPool, Signal

from busi_viewer.core.errors import Cancelled, UserError
from busi_viewer.core.ports import Services
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from

if TYPE_CHECKING:  # they bring scipy, and the page is made before it is asked for anything
    from busi_viewer.workflow.analyse import Failure
    from busi_viewer.workflow.promotion import Tested
    from busi_viewer.workflow.training_new import Chosen
    from busi_viewer.workflow.training_plan import Plan
    from busi_viewer.workflow.training_runs import Run, Usage

AUDIT, PLAN, RECIPES, ESTIMATE, RUN, LOOK, SAMPLES = "audit", "plan", "recipes", "estimate", "run", "look", "samples"
TEST, PROMOTE, RESULTS, EXPORT, EPOCHS = "test", "promote", "results", "export", "epochs"
"""The kinds of work; one of a kind at a time matters, an answer to an older question is dropped."""
DOING = {
    AUDIT: "auditing the data",
    PLAN: "dividing the data",
    RECIPES: "reading the recipes",
    ESTIMATE: "measuring a few steps",
    TEST: "opening the locked test",
    PROMOTE: "promoting the model",
    LOOK: "looking at the runs",
    SAMPLES: "reading sample predictions",
    RUN: "speaking to the run",
    RESULTS: "reading the results",
    EXPORT: "exporting the model",
    EPOCHS: "comparing epochs",
}


@dataclass(frozen=True)
class Seen:
    """The runs, newest first, and of the one in view (``folder``) all that its folder holds.

    ``usage`` of the machine; ``sampled``: the epochs of which there are sample predictions, ``kept``: those whose weights are
    kept, ``images``: the sample images (id, file, outline's file); what was asked, planned and estimated;
    the locked test: whether it was opened, what it said, and where the run is ``worse``. ``active`` is the active model's name.
    """

    runs: tuple[Run, ...]
    folder: Path | None = None
    usage: Usage | None = None
    sampled: tuple[int, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    estimate: Mapping[str, Any] = field(default_factory=dict)
    tested: Tested | None = None
    opened: bool = False
    worse: tuple[str, ...] = ()
    active: str = ""
    kept: tuple[int, ...] = ()
    images: tuple[tuple[str, Path, Path | None], ...] = ()


class _Watcher:
    """Tells the page how a batch goes; raises Cancelled between files once it is told to stop."""

    def __init__(self, told: Callable[[str, float], None], cancel: threading.Event) -> None:
        self._told, self._cancel = told, cancel

    def progress(self, text: str, share: float) -> None:
        if self._cancel.is_set():
            raise Cancelled
        self._told(text, share)

    def skipped(self, path: Path) -> None:
        """Nothing is skipped here."""

    def failed(self, failure: Failure) -> None:
        """The audit lists it."""


class Work(QObject):
    """``done(kind, result)``, ``failed(kind, Problem)``, ``cancelled(kind)`` and ``progress(kind, words, share)``.

    All of them arrive on the GUI thread.
    """

    done = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    progress = Signal(str, str, float)
    _ended = Signal(str, int, object, object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pool, self._looking = QThreadPool(), QThreadPool()
        self._pool.setMaxThreadCount(3)
        self._looking.setMaxThreadCount(1)
        self._asked: dict[str, int] = {}
        self._busy: set[str] = set()
        self._cancels: dict[str, threading.Event] = {}
        self._ended.connect(self._on_ended)

    def busy(self, kind: str) -> bool:
        """Whether that goes on."""
        return kind in self._busy

    def cancel(self, kind: str) -> None:
        """Stop; ``cancelled`` follows where it was still going on."""
        if kind in self._cancels:
            self._cancels[kind].set()

    def close(self) -> None:
        """Stop everything and wait. Trainings go on: they are processes of their own."""
        self.blockSignals(True)
        for event in self._cancels.values():
            event.set()
        for pool in (self._pool, self._looking):
            drain(pool)

    # what can be asked

    def look(self, chosen: Path | None) -> None:
        """Look at all runs; dropped while the last look is not answered."""
        if not self.busy(LOOK):
            self._ask(LOOK, lambda _cancel: _look(chosen))

    def samples(self, folder: Path, epoch: int) -> None:
        """Read the sample predictions after an epoch."""

        def work(_cancel: threading.Event) -> object:
            from busi_viewer.workflow import training_samples

            return folder, epoch, training_samples.read(folder, epoch)

        self._ask(SAMPLES, work)

    def audit(self, roots: Sequence[Path]) -> None:
        """Audit folders, with thumbnails."""

        def work(cancel: threading.Event) -> object:
            from busi_viewer.workflow.audit import audit

            watcher = _Watcher(lambda words, share: self.progress.emit(AUDIT, words, share), cancel)
            return audit(roots, self._services, watcher, pictures=True)

        self._ask(AUDIT, work)

    def plan(
        self, roots: Sequence[Path], result: Mapping[str, Any], left_out: Sequence[str], split: Path | None
    ) -> None:
        """Divide the images, or check a split made elsewhere."""

        def work(_cancel: threading.Event) -> object:
            from busi_viewer.core.dataset import load_split
            from busi_viewer.workflow import training_plan

            if split is None:
                return training_plan.plan(roots, result, left_out)
            parts = {name: part for name, part in load_split(split).items() if name not in left_out}
            return training_plan.check(roots, result, parts)

        self._ask(PLAN, work)

    def recipes(self) -> None:
        """What can be trained."""
        self._ask(RECIPES, self._read_recipes)

    def estimate(self, values: Mapping[str, Any], plan: Plan) -> None:
        """Measure a few steps of a job (its fields but ``split``)."""

        def work(cancel: threading.Event) -> object:
            from busi_viewer.workflow import own_process, training_plan

            with tempfile.TemporaryDirectory(prefix="busi-viewer-estimate-") as temporary:
                place = Path(temporary)
                training_plan.write(place / "split.csv", plan.parts)
                content = {**values, "split": str(place / "split.csv"), "out": str(place)}
                (place / "job.json").write_text(json.dumps(content), encoding="utf-8")
                words = ("train", "--estimate", "--job", str(place / "job.json"), "-o", str(place))
                own_process.run((*words, "--json", str(place / "told.json")), cancel)
                return json.loads((place / "told.json").read_text(encoding="utf-8"))

        self._ask(ESTIMATE, work)

    def begin(
        self,
        chosen: Chosen,
        roots: Sequence[Path],
        plan: Plan,
        left_out: Mapping[str, str],
        estimate: Mapping[str, Any] | None,
    ) -> None:
        """Start a run."""

        def work(_cancel: threading.Event) -> object:
            from busi_viewer.workflow import training_new

            return training_new.begin(chosen, roots, plan, left_out, estimate)

        self._ask(RUN, work)

    def say(self, deed: Callable[[Path], object], folder: Path) -> None:
        """Pause, stop or go on: a deed of ``workflow.training_runs``."""

        def work(_cancel: threading.Event) -> object:
            deed(folder)
            return None

        self._ask(RUN, work)

    def open_test(self, run: Run) -> None:
        """Open a run's locked test and compare with the active model."""

        def work(cancel: threading.Event) -> object:
            from busi_viewer.workflow import promotion

            return promotion.open_test(
                run, self._services, lambda words, share: self.progress.emit(TEST, words, share), cancel
            )

        self._ask(TEST, work)

    def compare_epochs(self, folder: Path, image: Path, mask: Path | None, method: str) -> None:
        """Draw the heatmap of an image at the kept epochs of a run; the result is the run's folder and a PNG."""

        def work(cancel: threading.Event) -> object:
            from busi_viewer.workflow import own_process

            with tempfile.TemporaryDirectory(prefix="busi-viewer-epochs-") as temporary:
                target = Path(temporary) / "epochs.png"
                words = ("epochs", str(folder), str(image), "--method", method, "-o", str(target))
                own_process.run((*words, *(("--mask", str(mask)) if mask is not None else ())), cancel)
                return folder, target.read_bytes()

        self._ask(EPOCHS, work)

    def do(self, kind: str, deed: Callable[[], object]) -> None:
        """Anything else that takes a moment."""
        self._ask(kind, lambda _cancel: deed())

    # inside

    def _ask(self, kind: str, work: Callable[[threading.Event], object]) -> None:
        number = self._asked.get(kind, 0) + 1
        self._asked[kind] = number
        self.cancel(kind)
        cancel = self._cancels[kind] = threading.Event()
        self._busy.add(kind)
        pool = self._looking if kind in (LOOK, SAMPLES) else self._pool
        start_job(
            pool,
            lambda: work(cancel),
            lambda result: self._ended.emit(kind, number, result, None),
            lambda error: self._ended.emit(kind, number, None, error),
        )

    def _on_ended(self, kind: str, number: int, result: object, error: BaseException | None) -> None:
        if number != self._asked[kind]:
            return
        self._busy.discard(kind)
        if isinstance(error, Cancelled):
            self.cancelled.emit(kind)
        elif error is not None:
            self.failed.emit(kind, problem_from(error, DOING[kind]))
        else:
            self.done.emit(kind, result)

    def _read_recipes(self, cancel: threading.Event) -> object:
        from busi_viewer.workflow import own_process
        from busi_viewer.workflow.training_new import NOT_HERE

        with tempfile.TemporaryDirectory(prefix="busi-viewer-recipes-") as temporary:
            target = Path(temporary) / "recipes.json"
            own_process.run(("recipes", "--json", str(target)), cancel)
            rows = json.loads(target.read_text(encoding="utf-8"))["recipes"]
        return [row for row in rows if row["name"] not in NOT_HERE]


def _look(chosen: Path | None) -> Seen:
    from busi_viewer.workflow import epochs, models, promotion, training_new, training_runs, training_samples

    found = tuple(training_runs.runs())
    run = next((run for run in found if run.folder == chosen), None)
    if run is None:
        return Seen(found)
    try:
        active = models.active()
    except UserError:
        active = ""
    tested = promotion.tested(run)
    return Seen(
        found,
        run.folder,
        training_runs.usage(run.folder),
        tuple(training_samples.epochs(run.folder)),
        training_new.kept(run.folder, training_runs.REQUEST),
        training_new.kept(run.folder, training_new.PLAN),
        training_new.kept(run.folder, training_new.ESTIMATE),
        tested,
        promotion.was_opened(run),
        tuple(promotion.worse(tested)) if tested is not None else (),
        active,
        tuple(epochs.kept(run.folder)),
        tuple(training_samples.images(run.folder)),
    )
