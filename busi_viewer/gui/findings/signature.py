"""Signing, without a dialog: what was signed and by whom, whether it still holds, and the panel that asks before signing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from busi_viewer.gui.controls import IconLabel, KeyButton, label, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role

if TYPE_CHECKING:
    from busi_viewer.core.casebook import Report

MOST = 4
"""How many signed versions are listed, the newest."""


def state_words(reports: Sequence[Report], current: bool) -> str:
    """``Not signed``, ``Signed, version 2`` or ``Changed since version 2 was signed``."""
    if not reports:
        return tr("Not signed")
    version = reports[-1].version
    return (
        tr("Signed, version {version}", version=version)
        if current
        else tr("Changed since version {version} was signed", version=version)
    )


def version_line(report: Report) -> str:
    """One signed version: number, time (UTC), signer, reason."""
    signer = str(report.content.get("signer", "")) or report.user
    account = f" ({report.user})" if signer != report.user else ""
    reason = f": {report.reason}" if report.reason else ""
    return tr(
        "Version {version}, {at} UTC, {signer}{account}{reason}",
        version=report.version,
        at=report.at[:16].replace("T", " "),
        signer=signer,
        account=account,
        reason=reason,
    )


class SignaturePanel(QWidget):
    """``wanted`` when the reader asks to sign; ``signed(name, reason)`` once confirmed.

    The versions stay listed; the newest says whether the report was changed since.
    """

    wanted = Signal()
    signed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._again = False
        self._icon, self._state = IconLabel("circle", "text3"), label("", wrap=True)
        self.button = KeyButton(tr("Sign report"), "pencil", "Ctrl Shift S", "outlined")
        self.button.clicked.connect(self.wanted)
        self._versions = label("", "caption", wrap=True)
        self._box = QFrame()
        set_role(self._box, "infoBox")
        self._summary = label("", "", wrap=True)
        self.name, self.reason = QLineEdit(), QLineEdit()
        for field, title in (
            (self.name, tr("Your name as it stands in the report")),
            (self.reason, tr("Why a new version")),
        ):
            field.setPlaceholderText(title)
            field.setAccessibleName(title)
            field.setToolTip(title)
            field.setMaxLength(200)
            field.textChanged.connect(self._check)
            field.returnPressed.connect(self._confirm)
        self._confirmed = KeyButton(tr("Sign"), "check", role="primary")
        self._confirmed.clicked.connect(self._confirm)
        self._cancel = KeyButton(tr("Cancel"), "x", role="flat")
        self._cancel.clicked.connect(self._box.hide)
        inner = QVBoxLayout(self._box)
        inner.setContentsMargins(10, 8, 10, 8)
        for part in (self._summary, self.name, self.reason):
            inner.addWidget(part)
        inner.addLayout(spaced(0, self._cancel, self._confirmed))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        state = spaced(self._icon, self._state)
        state.setStretch(1, 1)
        column.addLayout(state)
        column.addLayout(spaced(self.button, 0))
        column.addWidget(self._box)
        column.addWidget(self._versions)
        self._box.hide()
        self.show_state((), False, can_sign=False)

    def show_state(self, reports: Sequence[Report], current: bool, *, can_sign: bool, why_not: str = "") -> None:
        """The signed versions, oldest first, and whether nothing changed since the newest; ``why_not`` it cannot be signed."""
        self._again = bool(reports)
        self._state.setText(state_words(reports, current))
        icon = ("circle-check", "accent") if reports and current else ("triangle-alert", "warn")
        self._icon.set_icon(*(icon if reports else ("circle", "text3")))
        more = len(reports) - MOST
        lines = [version_line(report) for report in reversed(reports[-MOST:])]
        self._versions.setText("\n".join([*lines, *([tr("and {more} earlier", more=more)] if more > 0 else [])]))
        self._versions.setVisible(bool(lines))
        self.button.set_text(tr("Sign a new version") if reports else tr("Sign report"))
        self.button.setEnabled(can_sign and not (reports and current))
        tip = tr("The version that is signed stays as it is") if can_sign else why_not
        self.button.setToolTip(tip)
        self.button.setVisible(not (reports and current))
        if not self.button.isEnabled():
            self._box.hide()

    def ask(self, summary: str, name: str) -> None:
        """Open the panel that says what is signed; ``name`` is the signer as remembered."""
        if not self.button.isEnabled():
            return
        self._summary.setText(summary)
        self.name.setText(name)
        self.reason.clear()
        self.reason.setVisible(self._again)
        self._check()
        self._box.show()
        (self.name if not name else self.reason if self._again else self._confirmed).setFocus(
            Qt.FocusReason.TabFocusReason
        )

    def _check(self) -> None:
        named = bool(self.name.text().strip()) and (not self._again or bool(self.reason.text().strip()))
        self._confirmed.setEnabled(named)

    def _confirm(self) -> None:
        if self._confirmed.isEnabled() and self._box.isVisible():
            self._box.hide()
            self.signed.emit(self.name.text().strip(), self.reason.text().strip() if self._again else "")
