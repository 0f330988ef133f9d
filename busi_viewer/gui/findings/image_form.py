"""What is said of the whole image: where it was taken, assessment and management, and the report's texts."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QWidget

from busi_viewer.core.findings import Findings
from busi_viewer.core.lexicon import FIFTH, PLANES, POSITIONS, SIDES
from busi_viewer.gui.controls import label
from busi_viewer.gui.findings.choice import ChoiceField
from busi_viewer.gui.findings.distance import DistanceField
from busi_viewer.gui.language import tr

TEXTS = {
    "history": "History",
    "technique": "Technique",
    "comparison": "Comparison",
    "impression": "Impression",
}
PAUSE_MS = 600
"""How long a typed letter waits at most until it is kept, however long the typing goes on."""


def _form() -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(6)
    grid.setVerticalSpacing(2)
    return grid


class PlaceForm(QWidget):
    """Side, position, distance, plane and tissue. ``said(label, name, value)`` and ``composed(word or None)`` follow choices."""

    said = Signal(str, str, object)
    composed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.side = ChoiceField(tr("Side"), SIDES)
        self.position = ChoiceField(tr("Position"), POSITIONS)
        self.distance = DistanceField(tr("Distance from the nipple"))
        self.plane = ChoiceField(tr("Plane"), PLANES)
        self.composition = ChoiceField(tr(FIFTH.composition.title), FIFTH.composition.values)
        grid = _form()
        self.setLayout(grid)
        for place, (title, field) in enumerate(
            (
                (tr("Side"), self.side),
                (tr("Position"), self.position),
                (tr("From nipple"), self.distance),
                (tr("Plane"), self.plane),
            )
        ):
            grid.addWidget(label(title), place // 2, 2 * (place % 2))
            grid.addWidget(field, place // 2, 2 * (place % 2) + 1)
        grid.addWidget(label(tr("Tissue")), 2, 0)
        grid.addWidget(self.composition, 2, 1, 1, 3)
        for column, stretch in ((1, 5), (3, 6)):
            grid.setColumnStretch(column, stretch)
        for name in ("side", "position", "plane"):
            getattr(self, name).said.connect(partial(self._on_words, name))
        self.distance.said.connect(partial(self.said.emit, "Distance from nipple", "distance_mm"))
        self.composition.said.connect(lambda words: self.composed.emit(words[0] if words else None))

    def _on_words(self, name: str, words: tuple[str, ...]) -> None:
        self.said.emit(name.capitalize(), name, words[0] if words else None)

    def show_findings(self, findings: Findings) -> None:
        """Show what is said."""
        for name in ("side", "position", "plane"):
            value = getattr(findings.location, name)
            getattr(self, name).set_words((value,) if value else ())
        self.distance.set_mm(findings.location.distance_mm)
        self.composition.set_words((findings.composition,) if findings.composition else ())


class AssessmentForm(QWidget):
    """The image's category and management, the reader's alone. ``said(name, word or None)`` follows a choice."""

    said = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        hints = {name: f"{words}, {FIFTH.likelihoods[name]}" if name in FIFTH.likelihoods else words
                 for name, words in FIFTH.assessments.items()}  # fmt: skip
        self.assessment = ChoiceField(tr("Assessment of the image"), tuple(FIFTH.assessments), hints=hints)
        self.management = ChoiceField(tr("Management"), FIFTH.managements)
        grid = _form()
        self.setLayout(grid)
        for row, (title, field) in enumerate(((tr("Category"), self.assessment), (tr("Management"), self.management))):
            grid.addWidget(label(title, "strong" if row == 0 else ""), row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        for name in ("assessment", "management"):
            getattr(self, name).said.connect(partial(self._on_words, name))

    def _on_words(self, name: str, words: tuple[str, ...]) -> None:
        self.said.emit(name, words[0] if words else None)

    def show_findings(self, findings: Findings) -> None:
        """Show what is said; where only lesions have a category, their gravest stands there quietly."""
        derived = tr("{category}, the gravest of the lesions", category=findings.category) if findings.category else ""
        self.assessment.set_words((findings.assessment,) if findings.assessment else (), derived=derived)
        self.management.set_words((findings.management,) if findings.management else ())


class _Text(QPlainTextEdit):
    """Two or three lines of text; ``left`` when the focus goes."""

    left = Signal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setToolTip(tr("{title}, as it stands in the report", title=title))
        self.setTabChangesFocus(True)
        self.setFixedHeight(48)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """What was typed is kept now."""
        super().focusOutEvent(event)
        self.left.emit()


class TextForm(QWidget):
    """The report's texts. ``said(name, text)`` while they are typed (see PAUSE_MS) and when the field is left, then ``left``."""

    said = Signal(str, str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, _Text] = {}
        self._shown = dict.fromkeys(TEXTS, "")
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.commit)
        grid = _form()
        grid.setVerticalSpacing(4)
        self.setLayout(grid)
        for row, (name, title) in enumerate(TEXTS.items()):
            field = self.fields[name] = _Text(tr(title))
            grid.addWidget(label(tr(title)), row, 0)
            grid.addWidget(field, row, 1)
            field.textChanged.connect(self._on_typed)
            field.left.connect(self._on_left)
        grid.setColumnStretch(1, 1)

    def commit(self) -> None:
        """Say what was typed and not said yet."""
        self._pause.stop()
        for name, field in self.fields.items():
            text = field.toPlainText()
            if text != self._shown[name]:
                self._shown[name] = text
                self.said.emit(name, text)

    def _on_typed(self) -> None:
        if not self._pause.isActive():
            self._pause.start()

    def _on_left(self) -> None:
        self.commit()
        self.left.emit()

    def show_findings(self, findings: Findings) -> None:
        """Show the texts; what is being typed stays."""
        for name, field in self.fields.items():
            text = getattr(findings, name)
            if text != self._shown[name]:
                self._shown[name] = text
                field.blockSignals(True)
                field.setPlainText(text)
                field.blockSignals(False)
