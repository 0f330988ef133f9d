"""Beside a run: what it takes of this machine, validation so far, the locked test, the comparison, promotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import theme
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import number, said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.result_parts import Section
from busi_viewer.gui.training.tables import Table
from busi_viewer.gui.training.words import duration, figure, size
from busi_viewer.gui.training.work import Seen
from busi_viewer.workflow.training_runs import DONE, Run, Usage

if TYPE_CHECKING:
    from busi_viewer.workflow.promotion import Tested

WIDTH, NARROW, NARROW_BELOW = 384, 316, 1180
"""Widths in px; the narrow one on a page below NARROW_BELOW."""
FIGURES = {
    "dice": "Dice",
    "iou": "IoU",
    "auc_malignant_vs_rest": "AUC, malignant",
    "sensitivity_malignant": "Sensitivity",
    "specificity_malignant": "Specificity",
    "accuracy": "Accuracy",
    "false_alarm_rate_normal": "False alarms",
}
CLOSED = "Opened once, by you, when the run is finished. Until then every figure is of validation, on which the epoch was chosen."


FAVOURED = "That model was trained on another split: it may know some of these images, which favours it."
BOTH = "So may this run, which started from a trained model."
SHARES = ("CPU", "Memory", "Disk for checkpoints")


class Side(QScrollArea):
    """Says what is asked for: the test and its cancelling, the comparison's page, promoting (with the reason), rolling back,
    exporting.
    """

    test_asked = Signal()
    test_cancelled = Signal()
    page_asked = Signal()
    promote_asked = Signal(str)
    rollback_asked = Signal()
    export_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fit_to(NARROW_BELOW)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(0)
        self._make_machine()
        self._make_test()
        self._make_comparison()
        self._make_promotion()
        for section in (self._machine, self._test, self._comparison, self._promotion):
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(inner)
        self._worse: list[str] = []

    def _make_machine(self) -> None:
        self._machine = Section(tr("This machine"))
        self._machine.set_aside(tr("separate process, survives closing"))
        self._bars = {name: _Share(tr(name)) for name in SHARES}
        for bar in self._bars.values():
            self._machine.body.addWidget(bar)
        self._pace = label("", "dim", wrap=True)
        self._machine.body.addWidget(self._pace)

    def _make_test(self) -> None:
        self._test = Section(tr("Locked test"))
        self._test_words = label(tr(CLOSED), "dim", wrap=True)
        self.open_test, self.cancel_test = KeyButton(tr("Open the locked test"), "lock"), KeyButton(tr("Cancel"), "x")
        self.open_test.setToolTip(
            tr("Evaluate this run and the active model on the test part, and compare them; noted in the run")
        )
        self.cancel_test.setToolTip(tr("Break off; it can be finished later"))
        self._test_bar, self._test_stage = QProgressBar(), label("", "quiet")
        self._test_bar.setRange(0, 0)
        self._test_bar.setTextVisible(False)
        self._test_bar.setAccessibleName(tr("Progress of the test"))
        self._test.body.addWidget(self._test_words)
        self._test.body.addWidget(self._test_bar)
        self._test.body.addLayout(spaced(self.open_test, self.cancel_test, self._test_stage, 0))
        self.open_test.clicked.connect(self.test_asked)
        self.cancel_test.clicked.connect(self.test_cancelled)

    def _make_comparison(self) -> None:
        self._comparison = Section(tr("Compared with the active model"))
        self.table, self.forest = Table(tr("Comparison with the active model")), Forest()
        self._basis, self._mcnemar = label("", "quiet", wrap=True), label("", "quiet", wrap=True)
        self.page = KeyButton(tr("Comparison page"), "file-text")
        self.page.setToolTip(tr("All figures, intervals and curves of both models"))
        for part in (self.table, self.forest, self._basis, self._mcnemar):
            self._comparison.body.addWidget(part)
        self._comparison.body.addLayout(spaced(self.page, 0))
        self.page.clicked.connect(self.page_asked)

    def _make_promotion(self) -> None:
        self._promotion = Section(tr("Promote"))
        self._promotion_words = label("", "dim", wrap=True)
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(tr("Reason, kept in the card and the audit log"))
        self.reason.setAccessibleName(tr("Reason for promoting a worse model"))
        self.reason.setToolTip(tr("Why this model shall be used although a figure is worse"))
        self.promote = KeyButton(tr("Promote"), "check", role="primary")
        self.promote.setToolTip(tr("Install the model with its card and make it the active one"))
        self.export, self.rollback = (
            KeyButton(tr("Export…"), "square-arrow-out-up-right"),
            KeyButton(tr("Roll back"), "rotate-ccw"),
        )
        self.export.setToolTip(tr("Write the model as one file with checksums"))
        self.rollback.setToolTip(tr("Go back to the model that was active before"))
        self._promotion.body.addWidget(self._promotion_words)
        self._promotion.body.addWidget(self.reason)
        self._promotion.body.addLayout(spaced(self.promote, self.export, self.rollback, 0))
        self.promote.clicked.connect(lambda: self.promote_asked.emit(self.reason.text()))
        self.export.clicked.connect(self.export_asked)
        self.rollback.clicked.connect(self.rollback_asked)
        self.reason.textChanged.connect(lambda _text: self._allow())

    # what the page says

    def fit_to(self, width: int) -> None:
        """Leave a narrow page's run more room."""
        self.setFixedWidth(WIDTH if width >= NARROW_BELOW else NARROW)

    def show_run(self, run: Run, usage: Usage | None, estimate: Mapping[str, Any]) -> None:
        """A run as it stands."""
        self._machine.setVisible(run.state != DONE)
        if usage is not None:
            self._bars["CPU"].show_share(
                usage.cpu / usage.cpus, tr("{used:.1f} of {all} cores", used=usage.cpu, all=usage.cpus)
            )
            used, whole = usage.memory / 2**30, usage.memory_all / 2**30
            memory = tr("{used:.1f} of {all:.0f} GiB", used=used, all=whole)
            self._bars["Memory"].show_share(usage.memory / usage.memory_all, memory)
            whole = usage.disk + usage.disk_free
            self._bars["Disk for checkpoints"].show_share(
                usage.disk / whole, tr("{used} of {all:.0f} GiB", used=size(usage.disk), all=whole / 2**30)
            )
        self._pace.setVisible(bool(estimate))
        if estimate:
            pace = duration(estimate["seconds_an_epoch"])
            self._pace.setText(tr("Estimate before the start: {time} an epoch", time=pace))

    def show_study(self, run: Run, usage: Usage | None) -> None:
        """A study: it is neither tested nor promoted, so that only the machine is left to say."""
        self.show_run(run, usage, {})
        for section in (self._test, self._comparison, self._promotion):
            section.hide()
        self.setVisible(run.state != DONE)

    def show_test(self, run: Run, seen: Seen, *, busy: bool, images: int) -> None:
        """How the locked test of ``images`` stands: closed, being evaluated, broken off, or finished."""
        found, opened = seen.tested, seen.opened
        self._test.show()
        self._promotion.show()
        self._test.set_aside(tr("{images:,} images", images=images) if images else "")
        done = run.state == DONE
        self._test_bar.setVisible(busy)
        self._test_words.setVisible(not busy)
        self._test_stage.setVisible(busy)
        self.cancel_test.setVisible(busy)
        self.open_test.setVisible(found is None and not busy)
        self.open_test.setEnabled(done and images > 0)
        self.open_test.set_text(tr("Finish the test") if opened else tr("Open the locked test"))
        if found is not None:
            when = str(found.opened["opened"])[:16].replace("T", " ")
            words = [tr("Opened once, on {when} UTC, beside {name}.", when=when, name=found.opened["active"]["name"])]
            if not found.opened["same_split"]:
                words += [tr(FAVOURED), *[tr(BOTH)] * bool(seen.request.get("start_from"))]
            self._test_words.setText(" ".join(words))
        else:
            self._test_words.setText(tr("Opened, but broken off.") if opened else tr(CLOSED))
        self._comparison.setVisible(found is not None)
        if found is not None:
            self._show_comparison(found)
        self._show_promotion(run, seen)

    def show_test_progress(self, words: str) -> None:
        """What is being evaluated."""
        self._test_stage.setText(sentence(tr(words)))

    # inside

    def _show_comparison(self, found: Tested) -> None:
        rows = []
        for key, words in FIGURES.items():
            entry = found.differences.get(key)
            if entry is not None and entry["difference"] is not None:
                difference = number(entry["difference"], "+.3f").replace("-", "−")
                rows.append([tr(words), figure(entry["second"]), figure(entry["first"]), difference])
        self.table.show_rows(["", tr("Active"), tr("This run"), tr("Difference")], rows)
        self.forest.show_differences(found.differences)
        common = found.comparison["common"]
        text = tr(
            "Paired bootstrap over {groups:,} patients and scenes, 95 % CI, n = {n:,}, locked test. Active: {name} {version}.",
            groups=common["groups"],
            n=common["n"],
            name=found.opened["active"]["name"],
            version=found.opened["active"]["version"],
        )
        self._basis.setText(text)
        test = found.mcnemar["correct_class"]
        text = tr(
            "McNemar, class right: only this run {ours}, only the active {theirs}, p {p}.",
            ours=test["only_first"],
            theirs=test["only_second"],
            p=figure(test["p"], 2),
        )
        self._mcnemar.setText(text)

    def _show_promotion(self, run: Run, seen: Seen) -> None:
        found, self._worse = seen.tested, list(seen.worse)
        self._ready = found is not None
        is_active = seen.active == run.folder.name
        self.export.setVisible(run.state == DONE)
        self.rollback.setVisible(is_active)
        self.promote.setVisible(not is_active)
        self.reason.setVisible(bool(self._worse) and not is_active)
        if is_active:
            words = tr("This is the active model. Its card was written; rolling back is one click.")
        elif found is None:
            words = tr(
                "Available after the test comparison. A worse model needs a written reason. Rolling back is one click."
            )
        elif self._worse:
            words = tr("Not better: {why}. Promote it only with a reason.", why="; ".join(map(said, self._worse)))
        else:
            words = tr("No headline figure is worse than the active model's.")
        self._promotion_words.setText(words.replace("-0", "−0"))
        self._allow()

    def _allow(self) -> None:
        self.promote.setEnabled(self._ready and (not self._worse or bool(self.reason.text().strip())))


class _Share(QWidget):
    """A name, a bar and words."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._bar, self._words = QProgressBar(), label("–", "")
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(64)
        self._bar.setAccessibleName(name)
        self.setLayout(spaced(label(name, "dim"), 0, self._bar, self._words, spacing=8))
        self._words.setMinimumWidth(112)
        self._words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_share(self, share: float, words: str) -> None:
        self._bar.setValue(round(1000 * min(1.0, share)))
        self._words.setText(words)


class Forest(QWidget):
    """The differences with their intervals about zero; right of it this run is higher."""

    ROW, NAMES, FOOT = 22, 122, 20

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, float, float, float]] = []
        self.setAccessibleName(tr("Differences with 95 % intervals"))

    def show_differences(self, differences: Mapping[str, Any]) -> None:
        """Show the figures that have an interval."""
        self._rows = [
            (tr(words), entry["difference"], *entry["ci95"])
            for key, words in FIGURES.items()
            if (entry := differences.get(key)) and entry["ci95"] is not None
        ]
        self.setFixedHeight(len(self._rows) * self.ROW + self.FOOT)
        rows = ((name, *(number(value, "+.3f") for value in values)) for name, *values in self._rows)
        self.setToolTip("\n".join(f"{name}: {mean} ({low} … {high})" for name, mean, low, high in rows))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A row a figure."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.CAPTION))
        reach = max((max(abs(lo), abs(hi)) for _, _, lo, hi in self._rows), default=1.0) or 1.0
        left, width = self.NAMES, self.width() - self.NAMES - 8
        middle = left + width / 2
        bottom = len(self._rows) * self.ROW
        painter.setPen(QPen(QColor(t.text3), 1, Qt.PenStyle.DotLine))
        painter.drawLine(round(middle), 2, round(middle), bottom)
        for place, (words, value, low, high) in enumerate(self._rows):
            y = place * self.ROW + self.ROW / 2
            painter.setPen(QColor(t.text2))
            painter.drawText(
                QRectF(0, y - 10, self.NAMES, 20), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words
            )
            x = [middle + v / reach * width / 2 for v in (value, low, high)]
            painter.setPen(QPen(QColor(t.text2), 1.4))
            for a, b, c, d in ((x[1], y, x[2], y), (x[1], y - 3, x[1], y + 3), (x[2], y - 3, x[2], y + 3)):
                painter.drawLine(round(a), round(b), round(c), round(d))
            painter.fillRect(QRectF(x[0] - 3.5, y - 3.5, 7, 7), QColor(t.accent))
        painter.setPen(QColor(t.text3))
        foot = QRectF(left, bottom + 2, width / 2 - 6, self.FOOT - 2)
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, tr("active higher"))
        painter.drawText(foot.translated(width / 2 + 12, 0), Qt.AlignmentFlag.AlignLeft, tr("this run higher"))


def confusion_rows(confusion: list[list[int]]) -> list[list[str]]:
    """The rows of a confusion table: reference classes, numbers of each predicted class."""
    return [[sentence(tr(name)), *(number(n, ",d") for n in row)] for name, row in zip(CLASSES, confusion, strict=True)]
