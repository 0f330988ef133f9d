"""Puts the reader's choices into the findings of the session in view, and its findings into the fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from busi_viewer.core.findings import Findings, LesionFindings, assigned
from busi_viewer.core.findings_notices import Notice, notices
from busi_viewer.core.lexicon import FIFTH, Proposal
from busi_viewer.core.measure import Lesion
from busi_viewer.gui.canvas.evidence import Evidence
from busi_viewer.gui.findings.identity_form import FIELDS, IdentityForm
from busi_viewer.gui.findings.image_form import TEXTS, AssessmentForm, PlaceForm, TextForm
from busi_viewer.gui.findings.lesion_form import LesionForm, overrides, taken_words
from busi_viewer.gui.session import Session
from busi_viewer.workflow.descriptors import model

Change = Callable[[LesionFindings], LesionFindings]


class FindingsEditor(QObject):
    """One form a lesion of the frame in view, and the image's. Every choice is one change of the session's findings.

    ``changed`` after the fields were brought up to date; ``looked(Evidence | None)``: what to draw on the image for the row
    that the reader is at.
    """

    changed = Signal()
    looked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.place, self.assessment, self.texts = PlaceForm(), AssessmentForm(), TextForm()
        self.identity = IdentityForm()
        self.forms: list[LesionForm] = []
        self.notices: tuple[Notice, ...] = ()
        self.gone: tuple[LesionFindings, ...] = ()
        self._session: Session | None = None
        self._lesions: tuple[Lesion, ...] = ()
        self._row: tuple[int, str] | None = None
        self.place.said.connect(self._on_place)
        self.place.composed.connect(partial(self._on_choice, "composition"))
        self.assessment.said.connect(self._on_choice)
        self.texts.said.connect(self._on_text)
        self.identity.said.connect(self._on_identity)
        self.texts.left.connect(self._on_left)

    def form(self) -> LesionForm:
        """One more lesion's form, connected."""
        made, number = LesionForm(), len(self.forms)
        made.said.connect(partial(self._on_said, number))
        made.taken.connect(partial(self._on_taken, number))
        made.all_wanted.connect(partial(self._take_all_of, (number,)))
        made.located.connect(partial(self._on_located, number))
        made.assessed.connect(partial(self._on_assessed, number))
        made.looked.connect(partial(self._on_looked, number))
        self.forms.append(made)
        return made

    # showing

    def commit(self) -> None:
        """Take what was typed and not taken yet."""
        self.texts.commit()
        self.identity.commit()
        for field in (self.place.distance, *(form.distance for form in self.forms)):
            if field.isModified():
                field.commit()

    def show(self, session: Session | None, lesions: Sequence[Lesion]) -> None:
        """Show the findings of a session, whose frame in view has these lesions."""
        if session is not self._session:
            self.commit()
        self._session, self._lesions = session, tuple(lesions)
        findings = session.document.findings if session is not None else Findings()
        mine = self._assigned()
        for number, form in enumerate(self.forms[: len(lesions)]):
            form.show_findings(mine[number], several=len(findings.lesions) > 1 or len(lesions) > 1)
        self.place.show_findings(findings)
        self.assessment.show_findings(findings)
        self.texts.show_findings(findings)
        self.identity.show_findings(findings, session.document.record.facts if session is not None else {})
        self.notices = self._notices()
        self._show_evidence()
        self.changed.emit()

    def propose(self, number: int, found: Sequence[Proposal]) -> None:
        """Show what is proposed of a lesion of the frame in view."""
        self.forms[number].set_proposals(found)
        self._show_evidence()

    def _assigned(self) -> tuple[LesionFindings | None, ...]:
        """What is said of each lesion of the frame in view; ``gone`` are those there without an outline."""
        if self._session is None:
            self.gone = ()
            return (None,) * len(self._lesions)
        mine, self.gone = assigned(self._session.document.findings, self._session.frame, self._lesions)
        return mine

    def _notices(self) -> tuple[Notice, ...]:
        session = self._session
        if session is None:
            return ()
        document = session.document
        names = {
            one.key: f"Lesion {one.key} of frame {one.frame + 1}"
            for one in document.findings.lesions
            if one.frame != session.frame
        }
        names |= {one.key: f"Lesion {n + 1}" for n, one in enumerate(self._assigned()) if one is not None}
        gone = [one.key for one in self.gone]
        return notices(document.findings, document.result, document.record.facts, names, gone)

    # what the reader says

    def _on_said(self, number: int, name: str, words: tuple[str, ...]) -> None:
        proposal = self.forms[number].proposals().get(name)
        reason = ""
        if proposal is not None and words:
            other = overrides(words, proposal)
            reason = _reason("other than proposed" if other else "as proposed", proposal)
        title = FIFTH.descriptor(name).title
        self._change(number, lambda said: said.saying(name, words), title, reason)

    def _on_taken(self, number: int, proposal: Proposal) -> None:
        words = taken_words(proposal) or ()
        title = f"Take over {FIFTH.descriptor(proposal.name).title.lower()}"
        self._change(number, lambda said: said.saying(proposal.name, words), title, _reason("taken over", proposal))

    def take_all(self) -> None:
        """Take over every proposal of the frame in view that names one word, where the reader has said nothing yet."""
        self._take_all_of(range(len(self._lesions)))

    def _take_all_of(self, numbers: Iterable[int]) -> None:
        session = self._session
        if session is None:
            return
        findings, reasons = session.document.findings, []
        for number in numbers:
            said = before = self._of(number, findings)
            for name, (proposal, words) in self.forms[number].open_proposals(before).items():
                said = said.saying(name, words)
                reasons.append(_reason("taken over", proposal))
            if said is not before:
                findings = findings.with_lesion(said)
        self._put(findings, "Take over proposals", "; ".join(reasons))

    def _on_located(self, number: int, name: str, value: object) -> None:
        self._change(number, lambda said: replace(said, **{name: value}), "Position of the lesion")  # type: ignore[arg-type]

    def _on_assessed(self, number: int, category: str | None) -> None:
        self._change(number, lambda said: replace(said, assessment=category), "Assessment of the lesion")

    def _put(self, findings: Findings, title: str, reason: str = "", *, text: str = "") -> None:
        """Change the session's findings, and at once what the fields show: the next choice may come any moment."""
        if self._session is not None:
            self._session.set_findings(findings, title, reason, text=text)
            self.show(self._session, self._lesions)

    def _change(self, number: int, change: Change, title: str, reason: str = "") -> None:
        session = self._session
        if session is not None and number < len(self._lesions):
            findings = session.document.findings
            self._put(findings.with_lesion(change(self._of(number, findings))), title, reason)

    def _of(self, number: int, findings: Findings) -> LesionFindings:
        """What is said of a lesion of the frame in view, at the place where its outline lies now."""
        frame = self._session.frame if self._session is not None else 0
        said = assigned(findings, frame, self._lesions)[0][number] or LesionFindings(findings.next_key())
        return replace(said, frame=frame, place=self._lesions[number].bbox)

    def _on_place(self, title: str, name: str, value: object) -> None:
        if self._session is not None:
            findings = self._session.document.findings
            location = replace(findings.location, **{name: value})  # type: ignore[arg-type]
            self._put(replace(findings, location=location), title)

    def _on_choice(self, name: str, word: str | None) -> None:
        if self._session is not None:
            changed = replace(self._session.document.findings, **{name: word})  # type: ignore[arg-type]
            self._put(changed, name.capitalize())

    def _on_text(self, name: str, text: str) -> None:
        if self._session is not None:
            changed = replace(self._session.document.findings, **{name: text})  # type: ignore[arg-type]
            self._put(changed, TEXTS[name], text=name)

    def _on_identity(self, name: str, text: str) -> None:
        if self._session is not None:
            findings = self._session.document.findings
            identity = replace(findings.identity, **{name: text})
            self._put(replace(findings, identity=identity), FIELDS[name][0])

    def _on_left(self) -> None:
        if self._session is not None:
            self._session.rest()

    def drop_gone(self) -> None:
        """Take back what is said of lesions of the frame in view that are no longer outlined."""
        session = self._session
        if session is not None and self.gone:
            keys = {one.key for one in self.gone}
            kept = tuple(one for one in session.document.findings.lesions if one.key not in keys)
            self._put(replace(session.document.findings, lesions=kept), "Remove findings")

    def _on_looked(self, number: int, name: str, on: bool) -> None:
        if on or self._row == (number, name):
            self._row = (number, name) if on else None
            self._show_evidence()

    def _show_evidence(self) -> None:
        """Have drawn what the row that the reader is at was proposed from."""
        number, name = self._row or (len(self._lesions), "")
        proposal = self.forms[number].proposals().get(name) if number < len(self._lesions) else None
        self.looked.emit(Evidence(self._lesions[number], proposal) if proposal is not None else None)


def _reason(how: str, proposal: Proposal) -> str:
    """Why a word was chosen, for the audit trail: what stood beside it, how sure that was, and whose word it was."""
    used = model() if proposal.basis is not None else None
    source = f"{used.name} {used.version}, SHA-256 {used.sha256[:12]}" if used is not None else "by geometry"
    sure = f", {proposal.percent}" if proposal.percent else ""
    return f"{how}: {proposal.phrase}{sure} ({source})"
