"""The row above the canvas: name, options and hint of the tool in hand, Apply or Commit, and what the tool has to say."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QWidget,
)

from busi_viewer.core.image import ImageRecord
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconLabel, KeyButton, label, number_field, rule, tab_after
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.tools import Options, Tool
from busi_viewer.gui.tools.brush import HIGH, LOW, RADIUS
from busi_viewer.gui.tools.options import Choice, Deed, Number, Switch

HEIGHT = 36
SAID_MS = 6000
SLIDER, FIELD = 88, 46
HINT_LEAST = 90
"""A hint that is cut to less (px) is left out, unless it is what a tool has to say; the tool's name has it as its tool tip."""
SLIDER_MAX = 100
PHRASES = "   "
"""What stands between the phrases of a hint."""


class Hint(QLabel):
    """A line that is cut where there is no room; the whole of it is its tool tip."""

    def __init__(self) -> None:
        super().__init__()
        set_role(self, "caption")
        self._words, self.warns = "", False
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_words(self, words: str, *, warn: bool = False) -> None:
        """Show a hint, or what a tool has to say."""
        self._words, self.warns = words, warn
        set_role(self, "strong" if warn else "caption")
        self.setToolTip(words)
        self.setAccessibleName(words)
        self._cut()

    @property
    def words(self) -> str:
        """The whole line."""
        return self._words

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut anew."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        """Whole phrases go first; a single one is cut."""
        metrics = QFontMetrics(self.font())
        phrases = self._words.split(PHRASES)
        while len(phrases) > 1 and metrics.horizontalAdvance(PHRASES.join(phrases)) > self.width():
            phrases.pop()
        shown = metrics.elidedText(PHRASES.join(phrases), Qt.TextElideMode.ElideRight, self.width())
        self.setText(shown if self.warns or self.width() >= HINT_LEAST or shown == self._words else "")

    @property
    def room(self) -> int:
        """The least room (px) in which it is worth showing."""
        whole = QFontMetrics(self.font()).horizontalAdvance(self._words) + 2
        return whole if self.warns else min(HINT_LEAST, whole)


class ToolOptions(QWidget):
    """Shows the options that the tool in hand declares; hidden for tools that neither edit nor measure.

    ``used`` gives the focus back.
    """

    used = Signal()

    def __init__(self, actions: Actions, options: Options) -> None:
        super().__init__()
        self.setObjectName("toolOptions")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._options = options
        self._tool: Tool | None = None
        self._spacing: float | None = None
        self._icon, self._name = IconLabel("brush", "accent", 16), label("", "accent")
        self._controls = QHBoxLayout()
        self._controls.setSpacing(8)
        self._hint = Hint()
        self._quiet = QTimer(self, singleShot=True, interval=SAID_MS)
        self._quiet.timeout.connect(self._show_hint)
        self._apply = KeyButton(tr("Apply to all"), "check", tr("Shift Enter"))
        self._apply.bind(actions["apply"])
        self.commit = KeyButton(tr("Commit"), "check", tr("Enter"), "primary")
        self.commit.bind(actions["accept"])
        self._cancel = KeyButton(tr("Cancel"), "x", "Esc", role="flat")
        self._cancel.bind(actions["leave"])
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 10, 0)
        row.setSpacing(10)
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # a narrow canvas stays narrow
        lead: tuple[QWidget, ...] = (self._icon, self._name, rule(vertical=True, length=18))
        for part in lead:
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(self._controls)
        row.addWidget(self._hint, 1)
        for button in (self._apply, self.commit, self._cancel):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._shown: dict[str, QWidget] = {}
        self._captions: list[QWidget] = []
        self._figure = label("", "strong")
        options.changed.connect(self._on_changed)
        self.hide()

    @property
    def hint(self) -> str:
        """What the row says at its right."""
        return self._hint.words

    def control(self, name: str) -> QWidget:
        """The control of an option of the tool in hand. Raises KeyError for others."""
        return self._shown[name]

    def show_tool(self, tool: Tool | None) -> None:
        """Show the options of a tool, or hide the row."""
        if tool is self._tool and self._tool is not None:
            self.show()
            return
        self._tool = tool if tool is not None and (tool.edits or tool.measures) else None
        self.setVisible(self._tool is not None)
        if self._tool is None:
            return
        self._icon.set_icon(self._tool.icon, "accent")
        self._name.setText(tr(self._tool.title))
        self._build(self._tool)
        self._apply.setVisible(self._tool.applies)
        for button in (self.commit, self._cancel):
            button.setVisible(self._tool.commits)
        self._show_hint()
        self._fit()

    def show_record(self, record: ImageRecord | None) -> None:
        """The image in view: its spacing, so that the brush's size reads in mm too."""
        spacing = record.spacing_mm if record is not None else None
        self._spacing = spacing[1] if spacing is not None else None
        self._show_figure()

    def say(self, words: str) -> None:
        """Show what the tool has to say, for a while in place of the hint."""
        self._hint.show_words(words, warn=True)
        self._fit()
        self._quiet.start()

    def ask(self, name: str) -> None:
        """Let the reader type an option's value."""
        field = self._shown.get(name)
        if isinstance(field, QAbstractSpinBox):
            field.setFocus()
            field.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out captions where there is no room."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """The row never makes the canvas wider."""
        return QSize(0, HEIGHT)

    def _fit(self) -> None:
        """Leave out, in this order: keys on the buttons, the hint, captions, the tool's name, the buttons' words.

        What a tool has to say stays.
        """
        if self._tool is None:
            return
        hint = self._hint.room
        steps = (
            [(2, hint), (1, hint), (0, 0), (-1, 0)]
            if self._hint.warns
            else [(3, hint), (2, hint), *((n, 0) for n in (3, 2, 1, 0, -1))]
        )
        for left, beside in steps:
            for button in (self._apply, self.commit, self._cancel):
                button.set_compact(left < 0)
                button.show_key(left > 2)
            for part in self._captions:
                part.setVisible(left > 1)
            self._name.setVisible(left > 0)
            for layout in (self._controls, self._row):
                layout.invalidate()
            if self._row.sizeHint().width() + beside <= self.width():
                break

    def _show_hint(self) -> None:
        self._quiet.stop()
        words = tr(self._tool.hint) if self._tool is not None else ""
        self._hint.show_words(words)
        for part in (self._icon, self._name):
            part.setToolTip(words)

    # controls

    def _build(self, tool: Tool) -> None:
        while (item := self._controls.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._shown, self._captions = {}, []
        self._figure = label("", "strong")
        for option in tool.options:
            if isinstance(option, Number):
                self._add_number(option)
            elif isinstance(option, Choice):
                self._add_choice(option)
            elif isinstance(option, Switch):
                self._add_switch(option)
            else:
                self._add_deed(option, tool)
        for option in tool.options:
            self._on_changed(option.name)
        before: QWidget = self._name
        for control in self._shown.values():
            tab_after(before, control)
            before = control

    def _add(self, widget: QWidget, name: str = "", *, tip: str = "", words: str = "") -> None:
        if name:
            self._shown[name] = widget
            widget.setAccessibleName(words)
            widget.setToolTip(tip)
            typed = isinstance(widget, QAbstractSpinBox)
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus if typed else Qt.FocusPolicy.TabFocus)
        self._controls.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        widget.show()  # what is not shown yet takes no room when the row is fitted

    def _add_caption(self, words: str) -> None:
        caption = label(words, "dim")
        self._captions.append(caption)
        self._add(caption)

    def _add_number(self, option: Number) -> None:
        if option.name not in (LOW, HIGH):
            self._add_caption(tr(option.label))
        elif option.name == HIGH:
            self._add(label("–", "dim"))
        words = tr(option.label) if not option.unit else f"{tr(option.label)}, {option.unit}"
        if option.slider:
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(max(1, round(option.low)), min(SLIDER_MAX, round(option.high)))
            slider.setFixedWidth(SLIDER)
            slider.valueChanged.connect(partial(self._options.set, option.name))
            self._add(slider, option.name, tip=tr(option.tip), words=words)
            self._figure.setMinimumWidth(30)
            self._add(self._figure)
            return
        field = _field(option)
        field.setKeyboardTracking(option.commits)
        field.setFixedWidth(FIELD + (8 if option.high > 999 else 0) + 12 * option.decimals)
        field.valueChanged.connect(partial(self._options.set, option.name))
        field.lineEdit().returnPressed.connect(self.used)
        if option.commits:
            field.lineEdit().returnPressed.connect(self.commit.click)
        self._add(field, option.name, tip=tr(option.tip), words=words)
        if option.unit:
            self._add(label(option.unit, "dim"))

    def _add_choice(self, option: Choice) -> None:
        if option.captioned:
            self._add_caption(tr(option.label))
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        group = QButtonGroup(box)
        for value in option.values:
            button = _chip(tr(value), tr(option.tip))
            button.setProperty("value", value)
            button.setAccessibleName(f"{tr(option.label)}: {tr(value)}")
            button.clicked.connect(partial(self._choose, option.name, value))
            group.addButton(button)
            row.addWidget(button)
        self._add(box, option.name, tip=tr(option.tip), words=tr(option.label))
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _choose(self, name: str, value: str, _checked: bool = False) -> None:
        self._options.set(name, value)

    def _add_switch(self, option: Switch) -> None:
        chip = _chip(tr(option.label), tr(option.tip))
        chip.toggled.connect(partial(self._options.set, option.name))
        self._add(chip, option.name, tip=tr(option.tip), words=tr(option.label))

    def _add_deed(self, option: Deed, tool: Tool) -> None:
        button = QPushButton(tr(option.label))
        set_role(button, "chip")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.clicked.connect(partial(_do, tool, option.name))
        self._add(button, option.name, tip=tr(option.tip), words=tr(option.label))

    def _on_changed(self, name: str) -> None:
        """Show a value without answering it."""
        control = self._shown.get(name)
        if control is None:
            return
        control.blockSignals(True)
        if isinstance(control, QDoubleSpinBox):
            control.setValue(self._options.number(name))
        elif isinstance(control, QSlider | QSpinBox):
            control.setValue(self._options.whole(name))
        elif isinstance(control, QPushButton) and control.isCheckable():
            control.setChecked(self._options.on(name))
        else:
            for button in control.findChildren(QPushButton):
                button.setChecked(button.property("value") == self._options.choice(name))
        control.blockSignals(False)
        self._show_figure()

    def _show_figure(self) -> None:
        slider = next((name for name, control in self._shown.items() if isinstance(control, QSlider)), None)
        if slider is None:
            return
        value = self._options.number(slider)
        if slider != RADIUS.name:
            self._figure.setText(f"{value:.0f}")
            return
        words = "{px:.0f} px" if self._spacing is None else "{px:.0f} px, {mm:.1f} mm"
        self._figure.setText(tr(words, px=2 * value, mm=2 * value * (self._spacing or 0.0)))


def _field(option: Number) -> QSpinBox | QDoubleSpinBox:
    field = number_field(fine=option.decimals > 0)
    if isinstance(field, QSpinBox):
        field.setRange(round(option.low), round(option.high))
    else:
        field.setDecimals(option.decimals)
        field.setRange(option.low, option.high)
    return field


def _chip(words: str, tip: str) -> QPushButton:
    chip = QPushButton(words)
    set_role(chip, "chip")
    chip.setCheckable(True)
    chip.setToolTip(tip)
    chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    chip.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return chip


def _do(tool: Tool, name: str, _checked: bool = False) -> None:
    tool.deed(name)
