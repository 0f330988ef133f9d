"""Step 3 of a new run: the recipe, what it starts from, its main numbers, and what it would take on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRegularExpression, Qt, Signal, Slot
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.core.training import setting
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import Combo, IconLabel, KeyButton, label, number_field, rule, spaced
from busi_viewer.gui.empty_note import EmptyNote
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.training.study_fields import BEGIN, StudyFields
from busi_viewer.gui.training.words import STARTED, duration, size
from busi_viewer.workflow.training_new import ACTIVE, FILE, HUB, SCRATCH, Chosen, active_architectures, fits, free_name

STARTS = {
    ACTIVE: "Active model",
    HUB: "ImageNet encoder, from the hub",
    FILE: "ImageNet encoder, from a file",
    SCRATCH: "Nothing (random weights)",
}
DEVICES = {"Automatic": "auto", "CPU": "cpu"}
FIELDS = (
    "Name",
    "Start from",
    "Encoder",
    "Epochs",
    "Batch",
    "Learning rate",
    "Input size, px",
    "Device",
    "Other settings",
)
OWN_FIELDS = ("epochs", "batch", "learning_rate", "input.size", "search")
"""Settings that have fields of their own here."""
OWN_SIZE = 299
"""px; Inception's, the one input that is no multiple of 32."""
NAME = QRegularExpression(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NAME_WIDTH, LIST_LEAST, LIST_WIDTH = 124, 240, 372
TASKS = {
    "segmentation": "Learns outlines",
    "classification": "Learns classes",
    "classification+segmentation": "Learns outlines and classes",
}


class RecipeStep(QWidget):
    """``measure_asked`` and ``start_asked`` carry a Chosen; ``cancel_asked`` stops measuring; ``back`` to the split."""

    measure_asked = Signal(object)
    start_asked = Signal(object)
    cancel_asked = Signal()
    back = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, Mapping[str, Any]] = {}
        self.estimate: Mapping[str, Any] | None = None
        self._encoder: Path | None = None
        self._architectures: list[dict[str, Any]] = []
        self.recipes = QListWidget()
        self.recipes.setAccessibleName(tr("Recipes"))
        self.recipes.setToolTip(tr("What can be trained"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find a recipe: name, paper, network"))
        self.search.setAccessibleName(tr("Find a recipe"))
        self.search.setToolTip(tr("Shows only the recipes that hold all of these words"))
        self._none = EmptyNote(self.recipes, "search")
        self._make_fields()
        self._lay_out()
        self._connect()

    def _make_fields(self) -> None:
        self.name = QLineEdit()
        self.name.setValidator(QRegularExpressionValidator(NAME))
        self.name.setToolTip(tr("Of the run, and of the model that comes of it: letters, digits, . _ -"))
        self.start, self.device = Combo(), Combo()
        self.start.setToolTip(tr("The weights that the run starts with"))
        self.device.setToolTip(tr("Automatic: the accelerator where there is one"))
        for words, device in DEVICES.items():
            self.device.addItem(tr(words), device)
        self.encoder = KeyButton(tr("Choose file…"), "folder-open")
        self.encoder.setToolTip(tr("Encoder weights as safetensors"))
        self.epochs, self.batch, self.edge = number_field(), number_field(), number_field()
        self.rate = number_field(fine=True)
        for spin, low, high, tip in (
            (self.epochs, 1, 1000, tr("How often every image is seen")),
            (self.batch, 1, 256, tr("Images a step; halved by itself where the memory runs out")),
            (self.edge, 32, 1024, tr("Edge of the network's input in px, in steps of 32")),
        ):
            spin.setRange(low, high)
            spin.setToolTip(tip)
        self.edge.setSingleStep(32)
        self.rate.setDecimals(6)
        self.rate.setRange(0.000001, 1.0)
        self.rate.setSingleStep(0.0001)
        self.rate.setToolTip(tr("Of the head; encoders learn at a share of it"))
        self.more = QLineEdit()
        self.more.setPlaceholderText(tr("none, or such as weight_decay=0.01 patience=5"))
        self._wrong, self._started = label("", "error", wrap=True), label(tr(STARTED), "quiet", wrap=True)
        self.study = StudyFields(NAME_WIDTH, 280)
        self.measure, self.stop = KeyButton(tr("Measure"), "clock"), KeyButton(tr("Cancel"), "x")
        self.measure.setToolTip(tr("Make a few real steps on these data, and say what the run would take here"))
        self.begin = KeyButton(tr("Start training"), "play", role="primary")
        self.begin.setToolTip(tr("Train in a process of its own, which goes on when the window is closed"))
        self._title, self._summary = label("", "title"), label(tr("Reading the recipes…"), "dim", wrap=True)
        self._facts, self._told = label("", "quiet", wrap=True), label("", "dim", wrap=True)
        self._times = label("", "dim", wrap=True)
        self._told_icon = IconLabel("clock", "text3", 16)

    def _lay_out(self) -> None:
        card = QFrame()
        set_role(card, "panel")
        form = QVBoxLayout(card)
        form.setContentsMargins(16, 14, 16, 14)
        form.setSpacing(8)
        for part in (self._title, self._summary, self._facts, rule()):
            form.addWidget(part)
        form.addLayout(self._fields())
        form.addWidget(self._wrong)
        form.addWidget(self._started)
        form.addWidget(self.study)
        form.addWidget(rule())
        form.addWidget(label(tr("On this machine"), "strong"))
        told = spaced(self._told_icon, spacing=8)
        told.addWidget(self._told, 1)
        told.addWidget(self.measure)
        told.addWidget(self.stop)
        form.addLayout(told)
        form.addWidget(self._times)
        form.addStretch(1)
        area = QScrollArea()
        area.setWidget(card)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recipes.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recipes.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(spaced(label(tr("Recipe"), "title"), 0))
        listed = QWidget()
        listed.setMinimumWidth(LIST_LEAST)
        listed.setMaximumWidth(LIST_WIDTH)
        found = QVBoxLayout(listed)
        found.setContentsMargins(0, 0, 0, 0)
        found.setSpacing(8)
        found.addWidget(self.search)
        found.addWidget(self.recipes, 1)
        row = spaced(spacing=12)
        row.addWidget(listed, 1)
        row.addWidget(area, 2)
        column.addLayout(row, 1)
        self._back = KeyButton(tr("Split"))
        self._back.setToolTip(tr("Back to the split"))
        column.addLayout(spaced(0, self._back, self.begin))

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        fields = (
            *(self.name, self.start, self.encoder, self.epochs, self.batch, self.rate, self.edge, self.device),
            self.more,
        )
        self._names: dict[str, QLabel] = {}
        for number, (words, field) in enumerate(zip(FIELDS, fields, strict=True)):
            name = self._names[words] = label(tr(words), "dim")
            name.setBuddy(field)
            field.setAccessibleName(tr(words))
            grid.addWidget(name, number, 0)
            if field is self.more:
                field.setMaximumWidth(420)
                grid.addWidget(field, number, 1)
                continue
            grid.addWidget(field, number, 1, Qt.AlignmentFlag.AlignLeft)
            if not isinstance(field, KeyButton):
                field.setFixedWidth({"Name": 280, "Start from": 280}.get(words, 130))
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, NAME_WIDTH)
        return grid

    def _connect(self) -> None:
        self.recipes.currentItemChanged.connect(lambda *_: self._on_recipe())
        self.search.textChanged.connect(self._narrow)
        self.start.currentIndexChanged.connect(lambda _index: self._refresh())
        self.more.textChanged.connect(lambda _text: self._forget())
        self.encoder.clicked.connect(self._choose_encoder)
        for spin in (self.epochs, self.batch, self.edge):
            spin.valueChanged.connect(lambda _value: self._forget())
        self.name.textChanged.connect(lambda _text: self._refresh())
        self.device.currentIndexChanged.connect(lambda _index: self._forget())
        self.study.changed.connect(self._refresh)
        self.measure.clicked.connect(lambda: self.measure_asked.emit(self.chosen()))
        self.stop.clicked.connect(self.cancel_asked)
        self.begin.clicked.connect(lambda: self.start_asked.emit(self.chosen()))
        self._back.clicked.connect(self.back)

    # what the page says

    def show_recipes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What can be trained; the first that fits the active model is proposed."""
        self._rows = {row["name"]: row for row in rows}
        self.recipes.clear()
        for row in rows:
            paper = "" if row["paper"] == "own" else f"  ·  {row['paper']}"
            item = QListWidgetItem(f"{row['name']}{paper}")
            item.setData(Qt.ItemDataRole.UserRole, row["name"])
            item.setToolTip(f"{row['name']}\n{said(row['title'])}\n{said(row['summary'])}")
            self.recipes.addItem(item)
        self._narrow()
        self._architectures = active_architectures()
        first = next((i for i, row in enumerate(rows) if fits(row, self._architectures)), 0)
        self.recipes.setCurrentRow(first)

    def chosen(self) -> Chosen:
        """What is chosen now."""
        start = self.start.currentData() or SCRATCH
        return Chosen(
            name=self.name.text(),
            recipe=self._recipe()["name"],
            start=start,
            epochs=self.epochs.value(),
            batch=self.batch.value(),
            learning_rate=self.rate.value(),
            size=self.edge.value(),
            encoder=self._encoder if start == FILE else None,
            accelerator=self.device.currentData(),
            study=self.study.study(),
            vary=self.study.vary(),
            keep=tuple(epoch for epoch in self.study.kept() if epoch <= self.epochs.value()),
            settings=self._more()[0],
        )

    def fresh_name(self) -> None:
        """Propose a name that is free."""
        if self._rows:
            self.name.setText(free_name(self._recipe()["name"]))

    def use_encoder(self, path: Path) -> None:
        """Take encoder weights from a file."""
        self._encoder = path
        self.encoder.set_text(privacy.name(path))
        self._refresh()

    def show_measuring(self, *, busy: bool) -> None:
        """Measuring goes on, or not any more."""
        self.measure.setVisible(not busy)
        self.stop.setVisible(busy)
        if busy:
            self._told_icon.set_icon("loader-circle", "text2")
            self._told.setText(tr("Measuring a few steps on these data; this takes about half a minute…"))
        elif self.estimate is None:
            self._told_icon.set_icon("clock", "text3")
            self._told.setText(tr("Not measured yet."))

    def show_estimate(self, found: Mapping[str, Any]) -> None:
        """What the run would take."""
        self.estimate = found
        self.show_measuring(busy=False)
        self._told_icon.set_icon("circle-check", "accent")
        low, high = found["seconds_a_step_range"]
        bytes_ = found["accelerator_bytes"]
        card = ", " + tr("{size} on the accelerator", size=size(bytes_)) if bytes_ else ""
        text = tr(
            "About {whole} for {epochs} epochs ({each} each), {memory} of memory{card}. Measured on {steps} steps of "
            "{low:.2f}–{high:.2f} s and {held} validation images, {device}; other work on this machine slows it down.",
            whole=duration(found["seconds"]),
            epochs=found["epochs"],
            each=duration(found["seconds_an_epoch"]),
            memory=size(found["memory_bytes"]),
            card=card,
            steps=found["measured"]["steps"],
            low=low,
            high=high,
            held=found["measured"]["images"],
            device=found["device"],
        )
        self._told.setText(text)
        self._show_times()

    # inside

    def _show_times(self) -> None:
        """Of a study, that the estimate is for one of its parts."""
        study = self.study.study()
        self._times.setVisible(study is not None and self.estimate is not None)
        if study is not None and self.estimate is not None:
            whole = duration(self.estimate["seconds"] * study.parts)
            self._times.setText(
                tr("That is for one of {parts}; all together at most {whole}.", parts=study.parts, whole=whole)
            )

    def _recipe(self) -> Mapping[str, Any]:
        item = self.recipes.currentItem()
        return self._rows[item.data(Qt.ItemDataRole.UserRole)]

    def _narrow(self, *_: object) -> None:
        """Show the recipes that hold all words of the search."""
        words = re.sub(r"\bpaper +([a-e])\b", r"paper\1", self.search.text().lower()).split()
        for place in range(self.recipes.count()):
            item = self.recipes.item(place)
            row = self._rows[item.data(Qt.ItemDataRole.UserRole)]
            held = " ".join((row["name"], f"paper{row['paper']}", row["title"], row["summary"], *row["tasks"])).lower()
            item.setHidden(not all(word in held for word in words))
        found = any(not self.recipes.item(place).isHidden() for place in range(self.recipes.count()))
        self._none.say("" if found or not words else tr("No recipe holds all of these words"))

    def _more(self) -> tuple[dict[str, Any], str]:
        """The other settings, and what is wrong with them."""
        found: dict[str, Any] = {}
        for part in self.more.text().split():
            try:
                name, value = setting(part)
            except ValueError:
                return {}, tr("{part} is not name=value.", part=part)
            if name.split(".")[0] not in self._recipe()["settings"]:
                return {}, tr("{name} is no setting of this recipe.", name=name)
            if name in OWN_FIELDS or name.startswith("search."):
                return {}, tr("{name} has a field of its own.", name=name)
            found[name] = value
        return found, ""

    def _on_recipe(self) -> None:
        if self.recipes.currentItem() is None:
            return
        row = self._recipe()
        settings = row["settings"]
        self._title.setText(row["name"])
        self._summary.setText(said(row["summary"]))
        counts = row["parameters"]
        parameters = (
            tr("{n:.2f} million parameters", n=counts["total"] / 1e6) if counts else tr("parameters of its parts")
        )
        source = said(row["title"]) + (f", {row['section']}" if row["section"] else "")
        does = tr(TASKS.get("+".join(sorted(row["tasks"])), ""))
        self._facts.setText(f"{does}; {parameters}. {source}")
        for field, value in ((self.epochs, "epochs"), (self.batch, "batch"), (self.rate, "learning_rate")):
            field.setValue(settings[value])
        self.edge.setValue(row["input"]["size"])
        plain = (f"{name}={value}" for name, value in settings.items() if isinstance(value, int | float | str))
        self.more.setToolTip(tr("Any other setting of the recipe, as name=value. It has:") + "\n" + "\n".join(plain))
        self.study.show_recipe(settings, keeps=settings["stages"] is None)
        starts = [ACTIVE] * fits(row, self._architectures) + ([HUB, FILE] if row["imagenet"] != "no" else [])
        starts += [SCRATCH] * (row["imagenet"] != "needed")
        self.start.clear()
        for start in starts:
            self.start.addItem(tr(STARTS[start]), start)
        self.start.setCurrentIndex(0)
        self.fresh_name()
        self._forget()

    def _forget(self) -> None:
        """Other numbers: an estimate does not hold any more."""
        self.estimate = None
        self.cancel_asked.emit()
        self.show_measuring(busy=False)
        self._refresh()

    def _refresh(self) -> None:
        start = self.start.currentData()
        for part in (self.encoder, self._names["Encoder"]):
            part.setVisible(start == FILE)
        self._started.setVisible(start == ACTIVE)
        wrong = self._more()[1] if self.more.text() and self._rows else ""
        if self.edge.value() % 32 and self.edge.value() != OWN_SIZE:
            wrong = tr("The input size is a multiple of 32, or {own}.", own=OWN_SIZE)
        self._wrong.setText(wrong)
        self._wrong.setVisible(bool(wrong))
        named = bool(self._rows) and self.name.hasAcceptableInput() and not wrong
        ready = named and (start != FILE or self._encoder is not None)
        self.begin.setEnabled(ready and self.study.ready)
        self.begin.set_text(tr(BEGIN[self.study.kind]))
        self._show_times()
        self.measure.setEnabled(ready)

    @Slot()
    def _choose_encoder(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Encoder weights"), "", tr("safetensors (*.safetensors)"))
        if name:
            self.use_encoder(Path(name))
