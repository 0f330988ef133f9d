"""Notices under the toolbar: what happened, to which file, what to do. Never modal; newest in front.

A notice moves what is below it. One that comes or goes by itself waits until the mouse rests, so that no click meets another row
than the one it was meant for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from busi_viewer.gui import privacy
from busi_viewer.gui.calm import Calm
from busi_viewer.gui.controls import IconButton, IconLabel, KeyButton, label, tab_after
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.stylesheet import set_role

INFO_MS = 8000
MAX_SHOWN = 3

Deed = tuple[str, Callable[[], None]]
"""A button of a notice: its words and what it does."""


@dataclass(frozen=True)
class Question:
    """Something the reader must decide first; dismissing it means no. It concerns the image in view alone if ``here``."""

    title: str
    text: str
    deeds: tuple[Deed, ...]
    here: bool = True


class Notice(QFrame):
    """One notice; ``kind`` is error, warn or info."""

    def __init__(self, kind: str, title: str, text: str, deeds: tuple[Deed, ...], details: str) -> None:
        super().__init__()
        set_role(self, f"notice{kind.capitalize()}")
        self.title, self.text = title, text
        icon = {"error": "circle-x", "warn": "triangle-alert", "info": "circle-check"}[kind]
        tint = {"error": "error", "warn": "warn", "info": "accent"}[kind]
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(label(title, "strong", wrap=True))
        if text:
            words.addWidget(label(text, "dim", wrap=True))
        row = QHBoxLayout()
        row.setContentsMargins(14, 8, 10, 8)
        row.setSpacing(10)
        row.addWidget(IconLabel(icon, tint, 18))
        row.addLayout(words, 1)
        self.answers = [KeyButton(name) for name, _ in deeds]
        for button, (_, deed) in zip(self.answers, deeds, strict=True):
            button.clicked.connect(deed)
            row.addWidget(button)
        self._details = QPlainTextEdit(details)
        self._details.setReadOnly(True)
        self._details.setFixedHeight(130)
        self._details.hide()
        if details:
            more, copy = KeyButton(tr("Details"), role="flat"), KeyButton(tr("Copy"), role="flat")
            more.clicked.connect(lambda: self._details.setVisible(not self._details.isVisible()))
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"{title}\n{text}\n\n{details}"))
            row.addWidget(more)
            row.addWidget(copy)
        close = IconButton("x", tr("Dismiss"), edge=26)
        close.clicked.connect(self.dismiss)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._details)

    def dismiss(self) -> None:
        """Take the notice away."""
        self.hide()
        self.setParent(None)
        self.deleteLater()


class Notices(QWidget):
    """The stack of notices, at most three; a repeated one replaces its twin."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._question: Notice | None = None
        self._calm = Calm(self)

    def shown(self) -> list[Notice]:
        """The notices on screen, or about to be, newest first."""
        items = (self._column.itemAt(i) for i in range(self._column.count()))
        return [widget for item in items if item is not None and isinstance(widget := item.widget(), Notice)]

    def show_problem(self, problem: Problem, *deeds: Deed) -> Notice:
        """An error: it stays until dismissed."""
        what = said(problem.what)
        title = f"{sentence(what)}." if problem.path is None else f"{privacy.name(problem.path)}: {what}."
        return self._add("error", title, said(problem.remedy), deeds, problem.details)

    def show_info(self, title: str, text: str = "", *deeds: Deed, stays: bool = False) -> None:
        """Good news: goes away by itself after a while, unless it ``stays``."""
        notice = self._add("info", title, text, deeds, "")
        if stays:
            return
        timer = QTimer(notice)
        timer.setSingleShot(True)
        timer.timeout.connect(partial(self._calm.do, partial(self._if_there, notice, Notice.dismiss)))
        timer.start(INFO_MS)

    def show_warning(self, title: str, text: str = "", *deeds: Deed, details: str = "") -> Notice:
        """Something to know: it stays until dismissed."""
        return self._add("warn", title, text, deeds, details)

    @Slot(object)
    def ask(self, question: Question) -> None:
        """A question in place of an earlier one; its first answer has the focus, and any answer takes it away."""
        self.drop_question()
        notice = self._add("warn", question.title, question.text, question.deeds, "")
        notice.show()
        before = QApplication.focusWidget()
        for button in notice.answers:
            button.setAccessibleDescription(question.title)
            button.clicked.connect(notice.dismiss)
            if before is not None:
                button.clicked.connect(before.setFocus)
        self._question = notice if question.here else None
        if notice.answers:
            notice.answers[0].setFocus(Qt.FocusReason.TabFocusReason)

    @Slot()
    def drop_question(self) -> None:
        """Another image is in view: the question about the one before goes away."""
        self.drop(self._question)
        self._question = None

    def drop(self, notice: Notice | None) -> None:
        """What a notice says does not hold any more: it goes away, unless it was dismissed before."""
        if notice is not None and notice in self.shown():
            notice.dismiss()

    def clear(self) -> None:
        """Dismiss everything."""
        for notice in self.shown():
            notice.dismiss()

    def _add(self, kind: str, title: str, text: str, deeds: tuple[Deed, ...], details: str) -> Notice:
        title, text, details = privacy.words(title), privacy.words(text), privacy.words(details)
        for notice in self.shown():
            if (notice.title, notice.text) == (title, text):
                notice.dismiss()
        made = Notice(kind, title, text, deeds, details)
        made.hide()
        self._calm.do(partial(self._if_there, made, Notice.show))
        self._column.insertWidget(0, made)
        tab_after(self, made)
        for old in self.shown()[MAX_SHOWN:]:
            old.dismiss()
        return made

    def _if_there(self, notice: Notice, deed: Callable[[Notice], None]) -> None:
        """Unless it was dismissed meanwhile."""
        if notice in self.shown():
            deed(notice)


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]
