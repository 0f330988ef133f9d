"""The result at the right: what the AI estimates and why, how good the input is, and the sizes of what is outlined."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from busi_viewer.core.results import GRAD_CAM, AnalysisResult, FrameResult
from busi_viewer.gui import privacy, theme
from busi_viewer.gui.calliper_list import CalliperList
from busi_viewer.gui.controls import IconLabel, KeyButton, label, spaced, tab_after
from busi_viewer.gui.findings.editor import FindingsEditor
from busi_viewer.gui.findings.lesion_form import LesionForm
from busi_viewer.gui.findings.sections import FindingsSections
from busi_viewer.gui.language import plural, said, said_lines, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.operating_row import OperatingRow
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.proposals import Describer
from busi_viewer.gui.result_parts import (
    ClassBars,
    ClassGlyph,
    Measures,
    NoteBox,
    Section,
    ShareBar,
    Skeleton,
    Unlisted,
    heat_in_words,
)
from busi_viewer.gui.session import Session

Parts = tuple[QWidget, ...]
FOLLOW_MS = 60
"""How long after an edit the figures follow; edits in between are taken together."""
NORMAL = "No lesion outlined on this image; does not exclude cancer"
EDITED = (
    "The estimate belongs to the image as analysed. The outline has been edited since; "
    "that does not change the estimate. Analyse again to renew it."
)


class Estimate(Section):
    """The pinned part: class, per cent, bars, operating point; or why there is none. What they rest on is ``basis``, a section
    for the part that scrolls.

    ``point_chosen(model, OperatingPoint | None, basis)``: the reader moved the operating point, None = back to the model's.
    """

    analyse_asked = Signal()
    point_chosen = Signal(object, object, str)

    def __init__(self) -> None:
        super().__init__(tr("AI estimate"))
        self._glyph, self._headline, self._basis = ClassGlyph(18), label("", "result"), label("", "caption")
        self._unsure = IconLabel("circle-question-mark", "warn", 18)
        self._skeleton = Skeleton()
        head = spaced(self._glyph, self._unsure, self._headline, self._skeleton, 0, self._basis, spacing=8)
        self._bars = ClassBars()
        self._text = label("", "body", wrap=True)
        self._notes = label("", "caption", wrap=True)
        self._operating = OperatingRow()
        self._operating.chosen.connect(self.point_chosen)
        self._edited, self._warn = NoteBox("info"), NoteBox("warn")
        self._button = KeyButton(tr("Analyse"), "scan-search", "A", "outlined")
        self._button.clicked.connect(self.analyse_asked)
        self.body.addLayout(head)
        for part in (self._text, self._bars, self._operating, self._warn, self._edited):
            self.body.addWidget(part)
        self.basis = Section(tr("Basis of the estimate"))
        for part in (self._operating.meant, self._notes):
            self.basis.body.addWidget(part)
        self.body.addLayout(spaced(self._button, 0))
        self.show_message("")

    def _show(self, *parts: QWidget, text: str = "", aside: str = "", edited: bool = False) -> None:
        """Show these parts and the words, and hide the others; what stays as it was is not laid out anew."""
        self._text.setText(text)
        self.set_aside(aside)
        self._edited.set_words(tr(EDITED) if edited else "")
        optional = (self._glyph, self._unsure, self._skeleton, self._headline, self._basis, self._bars, self._operating)
        for part in (*optional, self._warn, self._button, self.basis):
            part.setVisible(part in parts)
        self._text.setVisible(bool(text))

    def show_message(self, text: str, *, can_analyse: bool = False) -> None:
        """A plain state: nothing open, not analysed."""
        self._show(*((self._button,) if can_analyse else ()), text=text)

    def show_problem(self, problem: Problem) -> None:
        """The engine or a model is missing: what happened and what to do."""
        self._warn.set_words(said(problem.remedy), sentence(said(problem.what)) + ".")
        self._show(self._warn, text=tr("No estimate is possible."))

    def show_working(self, stage: str) -> None:
        """An analysis runs: skeletons, no figures."""
        self._bars.set_values(None, None)
        self._show(self._skeleton, self._bars, aside=said(stage))

    def show_frame(self, result: AnalysisResult, frame: FrameResult, *, aside: str, edited: bool) -> None:
        """The estimate of one frame."""
        if frame.abstained:
            parts, text = self._abstained(frame)
        elif not frame.classified:
            self._headline.setText(tr("No class given"))
            self._operating.meant.setText("")
            parts, text = self._rests_on(result), ""
        else:
            parts, text = self._estimated(result, frame)
        self._show(self._headline, *parts, text=text, aside=aside, edited=edited)

    def _abstained(self, frame: FrameResult) -> tuple[Parts, str]:
        self._headline.setText(tr("No estimate given"))
        self._warn.set_words(said_lines(frame.abstain_reasons), tr("Why"))
        if frame.quality.in_distribution:
            text = tr("The model is not sure enough about this image to give an estimate.")
        else:
            text = tr("The image differs too much from the images this model was trained on.")
        return (self._unsure, self._warn), text

    def _estimated(self, result: AnalysisResult, frame: FrameResult) -> tuple[Parts, str]:
        point = result.model.point
        name = frame.prediction
        self._glyph.set_class(name)
        self._headline.setText(
            tr("{name} {percent:.0f} %", name=sentence(tr(name)), percent=max(frame.probabilities) * 100)
        )
        self._basis.setText(tr("calibrated") if frame.calibrated else tr("not calibrated"))
        text = ""
        if name == "normal":
            text = (
                tr(NORMAL) if not frame.lesions else tr("Does not exclude cancer; an outline is proposed all the same")
            )
        self._bars.set_values(frame.probabilities, point)
        self._operating.show_model(result.model, above=frame.above_operating_point)
        shown = (self._glyph, self._basis, self._bars, *((self._operating,) if point is not None else ()))
        return (*shown, *self._rests_on(result)), text

    def _rests_on(self, result: AnalysisResult) -> Parts:
        """The section of what the estimate rests on, if there is anything to say."""
        meant = self._operating.meant
        meant.setVisible(bool(meant.text()))
        _say(self._notes, said_lines(result.model.notes))
        return (self.basis,) if meant.text() or result.model.notes else ()


class ResultPanel(QWidget):
    """Shows the frame in view of a session. ``analyse_asked`` and ``tool_asked(name)`` are the reader's wishes;
    ``refreshed`` follows every change of what is shown.
    """

    analyse_asked = Signal()
    tool_asked = Signal(str)
    refreshed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("resultPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session: Session | None = None
        self._stage: tuple[str, float] | None = None
        self._engine_problem: Problem | None = None
        self._unreadable = False
        self.estimate = Estimate()
        self.estimate.analyse_asked.connect(self.analyse_asked)
        self._why, self._quality, self._can = Section(tr("Why")), Section(tr("Input quality")), Section(tr("You can"))
        self._lesions: list[tuple[Section, Measures, LesionForm]] = []
        self.findings = FindingsEditor(self)
        self.sections = FindingsSections(self.findings)
        self._describer = Describer(self)
        self._describer.ready.connect(self.findings.propose)
        self._no_lesion, self._unlisted = Section(tr("Lesions")), Unlisted()
        self.callipers = CalliperList()
        self._fill_sections()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        explained = (self.estimate.basis, self._why, self._quality)
        for part in (*explained, self._unlisted, self._no_lesion, self.callipers, self._can, *self.sections.parts):
            self._column.addWidget(part)
        self._column.addStretch(1)
        self._scroll.setWidget(inner)
        self.callipers.revealed.connect(self._scroll.ensureWidgetVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.estimate)
        column.addWidget(self._scroll, 1)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(FOLLOW_MS)
        self._later.timeout.connect(self.refresh)
        self.refresh()

    def _fill_sections(self) -> None:
        self._heat = ShareBar(tr("Heat inside the AI outline"))
        self._why.body.addWidget(self._heat)
        self._why_words = label("", "caption", wrap=True)
        self._why.body.addWidget(self._why_words)
        self._alike, self._alike_words, self._score = (
            IconLabel("circle-check", "accent"),
            label(""),
            label("", "caption"),
        )
        self._quality.body.addLayout(spaced(self._alike, self._alike_words, 0, self._score))
        self._quality_notes = NoteBox("warn")
        self._quality.body.addWidget(self._quality_notes)
        nothing = tr("Nothing is outlined. Sizes appear here and follow every stroke.")
        self._no_lesion.body.addWidget(label(nothing, "quiet", wrap=True))
        for icon, words, key, tool in (
            ("pentagon", tr("Draw the outline yourself"), "P", "polygon"),
            ("brush", tr("Paint the outline"), "B", "brush"),
        ):
            button = KeyButton(words, icon, key, "flat")
            button.clicked.connect(lambda _checked=False, tool=tool: self.tool_asked.emit(tool))
            row = QHBoxLayout()
            row.addWidget(button)
            row.addStretch(1)
            self._can.body.addLayout(row)

    def set_session(self, session: Session | None, *, unreadable: bool = False) -> None:
        """Show another image; None shows the empty panel, which says so if the image is ``unreadable``."""
        self._unreadable = unreadable
        if self._session is not None:
            self._session.changed.disconnect(self._later.start)
            self._session.frame_changed.disconnect(self._on_frame)
            self._session.frames.loaded.disconnect(self._on_loaded)
        self._session = session
        if session is not None:
            session.changed.connect(self._later.start)
            session.frame_changed.connect(self._on_frame)
            session.frames.loaded.connect(self._on_loaded)
        self._forget_proposals()
        self._scroll.verticalScrollBar().setValue(0)
        self.refresh()

    def _on_frame(self, _index: int) -> None:
        """Another frame's lesions are others: what was proposed goes at once."""
        self._forget_proposals()
        self._later.start()

    def _on_loaded(self, index: int) -> None:
        if self._session is not None and index == self._session.frame:
            self._later.start()

    def _forget_proposals(self) -> None:
        self._describer.ask(None, ())
        for number in range(len(self._lesions)):
            self.findings.propose(number, ())

    def reveal(self, part: QWidget) -> None:
        """Bring a part of the panel into view."""
        QTimer.singleShot(0, lambda: self._scroll.ensureWidgetVisible(part))

    def describe(self) -> None:
        """Put the keyboard into the first field that can be filled in."""
        fields = [next(iter(form.fields.values())) for _, _, form in self._lesions if form.isVisible()]
        field = fields[0] if fields else self.findings.place.side
        field.setFocus(Qt.FocusReason.TabFocusReason)
        self.reveal(field)

    def set_stage(self, stage: tuple[str, float] | None) -> None:
        """What the running analysis of this image does, or None."""
        if stage != self._stage:
            self._stage = stage
            self.refresh()

    def set_engine_problem(self, problem: Problem | None) -> None:
        """Why no analysis is possible at all, or None."""
        self._engine_problem = problem
        self.refresh()

    def refresh(self) -> None:
        """Bring every section up to date."""
        self._later.stop()
        session = self._session
        result = session.document.result if session is not None else None
        frame = result.frame(session.frame) if session is not None and result is not None else None
        self._show_estimate(session, result, frame)
        self._show_why(frame)
        self._show_quality(session, result, frame)
        self._show_lesions(session)
        self.callipers.show_session(session)
        self._can.setVisible(frame is not None and frame.abstained and self._stage is None)
        self.refreshed.emit()

    def _show_estimate(self, session: Session | None, result: AnalysisResult | None, frame: FrameResult | None) -> None:
        if session is None:
            if self._unreadable:
                self.estimate.show_message(tr("This image could not be read, so there is no estimate."))
            elif self._engine_problem is not None:
                self.estimate.show_problem(self._engine_problem)
            else:
                self.estimate.show_message(tr("The estimate appears here once an image is open and analysed."))
        elif self._stage is not None:
            self.estimate.show_working(self._stage[0])
        elif frame is not None and result is not None:
            document = session.document
            edited = document.reader_mask(frame.index) is not None and result.revision != document.revision
            many = len(document.record.frames) > 1
            aside = privacy.name(document.record.path, stem=True)
            aside = tr("{name}, frame {n}", name=aside, n=frame.index + 1) if many else aside
            self.estimate.show_frame(result, frame, aside=aside, edited=edited and _differs(session, frame))
        elif session.veiled:
            self.estimate.show_message(tr("Hidden until you lock your reading."))
        elif self._engine_problem is not None:
            self.estimate.show_problem(self._engine_problem)
        else:
            many = len(session.document.record.frames) > 1
            words = "This frame has not been analysed." if many else "This image has not been analysed."
            self.estimate.show_message(tr(words), can_analyse=True)

    def _show_why(self, frame: FrameResult | None) -> None:
        heat = frame.heatmap if frame is not None and self._stage is None and not frame.abstained else None
        self._why.setVisible(heat is not None)
        if heat is None:
            return
        self._why.set_aside(
            tr("heatmap, class {name}", name=tr(heat.target)) if heat.method == GRAD_CAM else said(heat.title)
        )
        self._why_words.setText(heat_in_words(heat))
        self._heat.setVisible(heat.inside_mask_share is not None and not heat.points_nowhere)
        self._heat.set_share(heat.inside_mask_share or 0.0)

    def _show_quality(self, session: Session | None, result: AnalysisResult | None, frame: FrameResult | None) -> None:
        warnings = [*(session.document.record.warnings if session is not None else ())]
        if result is not None and frame is not None:
            warnings += [text for text in result.warnings if text not in warnings]
            if not frame.abstained:
                warnings += [text for text in frame.quality.reasons if text not in warnings]
        known = frame is not None and self._stage is None and not frame.abstained
        self._quality.setVisible(known or bool(warnings))
        for part in (self._alike, self._alike_words, self._score):
            part.setVisible(known)
        if frame is not None and known:
            alike = frame.quality.in_distribution
            self._alike.set_icon("circle-check" if alike else "triangle-alert", "accent" if alike else "warn")
            words = tr("Similar to the training images") if alike else tr("Unlike the training images")
            self._alike_words.setText(words)
            score = frame.quality.score
            self._score.setText("" if score is None else tr("score {score:.2f}", score=score))
        self._quality_notes.set_words(said_lines(warnings))
        self._quality.set_aside(plural("1 note", "{n} notes", len(warnings)) if warnings else "")

    def _show_lesions(self, session: Session | None) -> None:
        lesions = self._unlisted.largest(session.lesions() if session is not None else ())
        proposal = session is not None and session.document.is_proposal(session.frame)
        by_reader = session is not None and session.document.record.calibrated_by_reader
        while len(self._lesions) < len(lesions):
            section, measures, form = Section(tr("Lesion")), Measures(), self.findings.form()
            section.body.addWidget(measures)
            section.body.addWidget(form)
            self._column.insertWidget(self._column.indexOf(self._unlisted), section)
            tab_after(self._lesions[-1][0] if self._lesions else self._quality, section)
            self._lesions.append((section, measures, form))
        for i, (section, measures, form) in enumerate(self._lesions):
            section.setVisible(i < len(lesions))
            if i < len(lesions):
                section.set_title(tr("Lesion {n}", n=i + 1))
                section.set_aside(tr("AI outline, not yet accepted") if proposal else tr("Reader's outline"))
                section.set_outline_sample(theme.LESION_COLOURS[i % len(theme.LESION_COLOURS)], dashed=proposal)
                measures.set_lesion(lesions[i], by_reader=by_reader)
            else:
                form.set_proposals(())
        veiled = session is not None and session.veiled
        for _, _, form in self._lesions:
            if form.veiled != veiled:
                form.set_proposals((), veiled=veiled)
        self.findings.show(session, lesions)
        self._describer.ask(session, lesions)
        self.sections.setVisible(session is not None)
        self._no_lesion.setVisible(session is not None and not lesions)


def _differs(session: Session, frame: FrameResult) -> bool:
    """Whether the reader's outline is another than the one the AI proposed."""
    mask = session.document.reader_mask(frame.index)
    return mask is not None and bool((mask != frame.mask).any())


def _say(words: QLabel, text: str) -> None:
    words.setText(text)
    words.setVisible(bool(text))
