"""Whether a run trains once, searches hyperparameters or cross-validates, and what that needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from busi_viewer.gui.controls import Check, Combo, label, number_field
from busi_viewer.gui.language import number, said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.training.study_view import in_words
from busi_viewer.workflow.training_runs import FOLDS, SEARCH, Study

ONCE = "once"
WHAT = {ONCE: "Train once", SEARCH: "Search hyperparameters", FOLDS: "Cross-validate"}
BEGIN = {ONCE: "Start training", SEARCH: "Start search", FOLDS: "Start cross-validation"}
NAMES = ("Do", "Trials", "Folds", "Vary", "Keep epochs")
EPOCHS = QRegularExpression(r"\s*(\d{1,4}(\s*[, ]\s*\d{1,4})*)?\s*")


class StudyFields(QWidget):
    """Rows of a form; ``changed`` once another value holds."""

    changed = Signal()

    def __init__(self, name_width: int, field_width: int) -> None:
        super().__init__()
        self.what, self.trials, self.folds, self.keep = Combo(), number_field(), number_field(), QLineEdit()
        for kind, words in WHAT.items():
            self.what.addItem(tr(words), kind)
        self.what.setToolTip(tr("One run, many short ones with other values, or one for each fold of the images"))
        self.trials.setRange(1, 500)
        self.trials.setToolTip(tr("How many sets of values are tried; what falls behind is pruned"))
        self.folds.setRange(3, 20)
        self.folds.setValue(5)
        self.folds.setToolTip(tr("Parts of the images: each is judged once by a network that did not learn from it"))
        self.keep.setValidator(QRegularExpressionValidator(EPOCHS))
        self.keep.setPlaceholderText(tr("none, or such as 1, 5, 20"))
        self.keep.setToolTip(tr("Epochs whose weights are kept, to compare the heatmap of an image at each of them"))
        self._vary = QWidget()
        self._checks: dict[str, tuple[QCheckBox, Mapping[str, Any]]] = {}
        self._keeps = True
        self._column = QVBoxLayout(self._vary)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, name_width)
        grid.setColumnStretch(1, 1)
        self._names: dict[str, QLabel] = {}
        fields: tuple[QWidget, ...] = (self.what, self.trials, self.folds, self._vary, self.keep)
        for row, (words, field) in enumerate(zip(NAMES, fields, strict=True)):
            name = self._names[words] = label(tr(words), "dim")
            name.setBuddy(field)
            field.setAccessibleName(tr(words))
            grid.addWidget(name, row, 0)
            if field is self._vary:
                name.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignLeft)
            if field is not self._vary:
                field.setFixedWidth(field_width if field in (self.what, self.keep) else 130)
        self.what.currentIndexChanged.connect(self._on_changed)
        for spin in (self.trials, self.folds):
            spin.valueChanged.connect(self._on_changed)
        self.keep.textChanged.connect(self._on_changed)
        self._on_changed()

    def show_recipe(self, settings: Mapping[str, Any], *, keeps: bool) -> None:
        """Propose what a recipe's ``settings`` say of its search; whether it ``keeps`` weights of single epochs."""
        self._keeps = keeps
        search = settings.get("search", {})
        self.trials.setValue(int(search.get("trials", 50)))
        for box, _ in self._checks.values():
            self._column.removeWidget(box)
            box.hide()
            box.deleteLater()
        self._checks = {}
        for name, spec in search.get("parameters", {}).items():
            if name == "epochs":  # the form says how many
                continue
            box = Check(f"{said(sentence(in_words(name)))}: {_space(spec)}")
            box.setChecked(True)
            box.setToolTip(tr("Vary this, or keep the recipe's value"))
            box.toggled.connect(self._on_changed)
            self._column.addWidget(box)
            self._checks[name] = (box, spec)
        self._on_changed()

    @property
    def kind(self) -> str:
        """ONCE, SEARCH or FOLDS."""
        return str(self.what.currentData())

    def study(self) -> Study | None:
        """What was chosen; None trains once."""
        parts = {SEARCH: self.trials.value(), FOLDS: self.folds.value()}
        return Study(self.kind, parts[self.kind]) if self.kind in parts else None

    def vary(self) -> dict[str, Any]:
        """The parameters of the search, as the recipe lists them; none for other kinds."""
        if self.kind != SEARCH:
            return {}
        return {name: spec for name, (box, spec) in self._checks.items() if box.isChecked()}

    def kept(self) -> tuple[int, ...]:
        """The epochs to keep, ascending."""
        if self.kind != ONCE or not self._keeps:
            return ()
        return tuple(sorted({int(word) for word in self.keep.text().replace(",", " ").split() if int(word) > 0}))

    @property
    def ready(self) -> bool:
        """Whether this can be begun."""
        return self.keep.hasAcceptableInput() and (self.kind != SEARCH or bool(self.vary()))

    def _on_changed(self, *_: object) -> None:
        shown = {
            "Trials": (self.trials, self.kind == SEARCH),
            "Folds": (self.folds, self.kind == FOLDS),
            "Vary": (self._vary, self.kind == SEARCH),
            "Keep epochs": (self.keep, self.kind == ONCE and self._keeps),
        }
        for words, (field, visible) in shown.items():
            field.setVisible(visible)
            self._names[words].setVisible(visible)
        self.changed.emit()


def _space(spec: Mapping[str, Any]) -> str:
    """The values of a search's parameter in words."""
    if spec.get("kind") == "choice":
        return ", ".join(str(value) for value in spec["values"])
    low, high = (_in_full(spec[end]) for end in ("low", "high"))
    said = tr("{low} to {high}", low=low, high=high)
    return said + (tr(", logarithmic") if spec.get("log") else "")


def _in_full(value: float) -> str:
    """A number with three significant digits at most and no exponent: 1e-05 is "0.00001"."""
    plain = f"{Decimal(f'{value:.3g}'):f}"
    return number(float(plain), f".{len(plain.partition('.')[2])}f")
