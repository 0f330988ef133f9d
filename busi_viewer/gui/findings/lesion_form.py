"""One lesion's findings: a row for each descriptor, what is proposed beside what the reader says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from busi_viewer.core.findings import LesionFindings
from busi_viewer.core.lexicon import ASSOCIATED, FIFTH, POSITIONS, POSTERIOR, Proposal, covered
from busi_viewer.gui import theme
from busi_viewer.gui.controls import label
from busi_viewer.gui.findings.choice import HEIGHT, ChoiceField
from busi_viewer.gui.findings.distance import DistanceField
from busi_viewer.gui.language import tr
from busi_viewer.gui.proposals import explained
from busi_viewer.gui.stylesheet import set_role

SHORT = {POSTERIOR: "Posterior", ASSOCIATED: "Associated"}
TITLES_WIDE, PROPOSALS_WIDE = 82, 120


class ProposalCell(QPushButton):
    """What the AI proposes of one descriptor; pressing it takes it over. ``looked(on)`` as the fields have it."""

    looked = Signal(bool)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.proposal: Proposal | None = None
        self.veiled = False
        self.setFixedSize(PROPOSALS_WIDE, HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(self, "flat")
        self.set_proposal(None)

    def set_proposal(self, proposal: Proposal | None, *, veiled: bool = False) -> None:
        """Show a proposal, that there is none, or (``veiled``) that none is shown while the image is read blind."""
        self.proposal, self.veiled = proposal, veiled
        self.setEnabled(proposal is not None)
        if proposal is None:
            none = (
                tr("{title}: proposal hidden", title=self._title)
                if veiled
                else tr("{title}: no proposal", title=self._title)
            )
            self.setAccessibleName(none)
            self.setToolTip(tr("Hidden until you lock your reading.") if veiled else tr("No proposal"))
        else:
            self.setAccessibleName(tr("Take over the proposal: {phrase}", phrase=tr(proposal.phrase)))
            self.setToolTip(
                "\n".join((explained(proposal), tr("Press to take it over; = does so in the reader's field.")))
            )
        self.update()

    def sizeHint(self) -> QSize:
        """The column's width."""
        return QSize(PROPOSALS_WIDE, HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        """The mouse has come."""
        super().enterEvent(event)
        self.looked.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse has left."""
        super().leaveEvent(event)
        self.looked.emit(self.hasFocus())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard has come."""
        super().focusInEvent(event)
        self.looked.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keyboard has left."""
        super().focusOutEvent(event)
        self.looked.emit(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The word and, where there is room, how probable it is."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRect(6, 0, self.width() - 10, self.height())
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        if self.proposal is None:
            painter.setFont(theme.font(theme.CONTROL))
            painter.setPen(theme.colour(t.text3))
            painter.drawText(room, middle, tr("hidden") if self.veiled else tr("no proposal"))
            return
        if self.underMouse() or self.hasFocus():
            painter.setPen(theme.colour(t.accent if self.hasFocus() else t.border))
            painter.setBrush(theme.colour(t.hover))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setFont(theme.font(theme.CONTROL))
        metrics = QFontMetrics(painter.font())
        word = tr(self.proposal.word)
        painter.setPen(theme.colour(t.text))
        if metrics.horizontalAdvance(word) > room.width():
            self._paint_long(painter, word)
            return
        painter.drawText(room, middle, word)
        left = metrics.horizontalAdvance(word) + 6
        painter.setFont(theme.font(theme.CAPTION))
        if left + QFontMetrics(painter.font()).horizontalAdvance(self.proposal.percent) <= room.width():
            painter.setPen(theme.colour(t.text3))
            painter.drawText(room.adjusted(left, 0, 0, 0), middle, self.proposal.percent)

    def _paint_long(self, painter: QPainter, word: str) -> None:
        """A long word in two small lines."""
        painter.setFont(theme.font(theme.CAPTION))
        room = QRect(6, 0, self.width() - 8, self.height())
        layout = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
        painter.drawText(room, layout, word)


class LesionForm(QWidget):
    """The fields of one lesion.

    ``said(name, words)`` when the reader chose; ``taken(proposal)`` when a proposal is taken over, ``all_wanted`` when all of
    them are to be; ``located(name, value)`` of its own position or distance; ``assessed(category or None)``;
    ``looked(name, on)`` when the reader comes to a row or leaves it.
    """

    said = Signal(str, object)
    taken = Signal(object)
    located = Signal(str, object)
    assessed = Signal(object)
    looked = Signal(str, bool)
    all_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.veiled = False
        self.cells: dict[str, ProposalCell] = {}
        self.fields: dict[str, ChoiceField] = {}
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, TITLES_WIDE)
        grid.setColumnStretch(2, 1)
        grid.setRowMinimumHeight(0, 20)
        for column, words in enumerate((tr("Descriptor"), tr("AI proposal"), tr("Reader"))):
            heading = label(words, "caption")
            heading.setIndent(6 if column == 1 else 0)
            grid.addWidget(heading, 0, column)
        self.all = QPushButton(tr("Take all"))
        self.all.setAccessibleName(tr("Take over all proposals"))
        self.all.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all.setToolTip("\n".join((tr("Take over all proposals"), tr("Where nothing is said yet"))))
        set_role(self.all, "link")
        self.all.clicked.connect(self.all_wanted)
        grid.addWidget(self.all, 0, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for descriptor in FIFTH.lesion:
            self._add(descriptor.name, tr(SHORT.get(descriptor.name, descriptor.title)))
        self.assessment = ChoiceField(tr("Assessment"), tuple(FIFTH.assessments), hints=FIFTH.likelihoods)
        self.assessment.said.connect(lambda words: self.assessed.emit(words[0] if words else None))
        row = grid.rowCount()
        grid.addWidget(label(tr("Assessment"), "strong"), row, 0)
        reader_only = label(tr("reader only"))
        reader_only.setIndent(6)
        set_role(reader_only, "quiet")
        grid.addWidget(reader_only, row, 1)
        grid.addWidget(self.assessment, row, 2)
        self._locate()

    def _add(self, name: str, title: str) -> None:
        descriptor = FIFTH.descriptor(name)
        cell = ProposalCell(title)
        field = ChoiceField(title, descriptor.values, several=descriptor.several, alone=descriptor.alone)
        field.said.connect(partial(self.said.emit, name))
        field.proposal_asked.connect(partial(self._take, name))
        cell.clicked.connect(partial(self._take, name))
        for part in (field, cell):
            part.looked.connect(partial(self.looked.emit, name))
        row = self._grid.rowCount()
        self._grid.addWidget(label(title), row, 0)
        self._grid.addWidget(cell, row, 1)
        self._grid.addWidget(field, row, 2)
        self.cells[name], self.fields[name] = cell, field

    def _locate(self) -> None:
        """The lesion's own place, for images with several."""
        self._position = ChoiceField(tr("Position of this lesion"), POSITIONS, empty="as the image")
        self.distance = DistanceField(tr("Distance of this lesion from the nipple"))
        self._position.said.connect(lambda words: self.located.emit("position", words[0] if words else None))
        self.distance.said.connect(partial(self.located.emit, "distance_mm"))
        row = self._grid.rowCount()
        self._places = (label(tr("Position")), self._position, self.distance)
        self._grid.addWidget(self._places[0], row, 0)
        self._grid.addWidget(self.distance, row, 1)
        self._grid.addWidget(self._position, row, 2)

    def _take(self, name: str, _checked: bool = False) -> None:
        """Take the proposal over; where it leaves a choice, open the list instead."""
        proposal = self.cells[name].proposal
        if proposal is None:
            return
        if taken_words(proposal) is not None:
            self.taken.emit(proposal)
        else:
            self.fields[name].setFocus()
            self.fields[name].open(covered(name, proposal.value))

    def proposals(self) -> Mapping[str, Proposal]:
        """What is proposed now, by the descriptor's name."""
        return {name: cell.proposal for name, cell in self.cells.items() if cell.proposal is not None}

    def open_proposals(self, said: LesionFindings) -> dict[str, tuple[Proposal, tuple[str, ...]]]:
        """The proposals that name one word where the reader has said nothing yet, each with what would be said."""
        found = {name: (each, taken_words(each)) for name, each in self.proposals().items() if not said.said(name)}
        return {name: (each, words) for name, (each, words) in found.items() if words is not None}

    def set_proposals(self, found: Sequence[Proposal], *, veiled: bool = False) -> None:
        """Show these; a silent descriptor has none. ``veiled``: the image is read blind, so none is shown."""
        self.veiled = veiled
        given = {proposal.name: proposal for proposal in found}
        for name, cell in self.cells.items():
            if (cell.proposal, cell.veiled) != (given.get(name), veiled):
                cell.set_proposal(given.get(name), veiled=veiled)
        self._mark()

    def show_findings(self, said: LesionFindings | None, *, several: bool) -> None:
        """Show what is said of the lesion; ``several``: the image has others, so its own place can be told."""
        self._said = said or LesionFindings(1)
        self.assessment.set_words((self._said.assessment,) if self._said.assessment else ())
        self._position.set_words((self._said.position,) if self._said.position else ())
        self.distance.set_mm(self._said.distance_mm)
        for part in self._places:
            part.setVisible(several or self._said.position is not None or self._said.distance_mm is not None)
        self._mark()

    _said = LesionFindings(1)

    def _mark(self) -> None:
        """Bring the fields up to date, and mark where the reader says other than is proposed."""
        for name, field in self.fields.items():
            proposal, words = self.cells[name].proposal, self._said.said(name)
            field.set_words(words, changed=bool(words) and proposal is not None and overrides(words, proposal))
        self.all.setVisible(bool(self.open_proposals(self._said)))


def taken_words(proposal: Proposal) -> tuple[str, ...] | None:
    """What a reader says who takes a proposal over, or None where it stands for several words."""
    known = FIFTH.descriptor(proposal.name).values
    fitting = covered(proposal.name, proposal.value)
    return (proposal.value,) if proposal.value in known else fitting if len(fitting) == 1 else None


def overrides(words: Sequence[str], proposal: Proposal) -> bool:
    """Whether the reader's words are others than the proposal stands for."""
    return not set(words) <= set(covered(proposal.name, proposal.value))
