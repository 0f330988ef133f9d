from __future__ import annotations

import ast
import json
import re

import pytest
from gui.language_kit import GUI, PLACE, called, has_words, of_the_lexicon, tabled, written
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from busi_viewer import paths
from busi_viewer.gui import language

SHOWING = frozenset(
    (
        *("setText", "setToolTip", "setAccessibleName", "setAccessibleDescription", "setPlaceholderText"),
        *(
            "setWindowTitle",
            "setTitle",
            "setHorizontalHeaderLabels",
            "setHeaderLabels",
            "addAction",
            "addMenu",
            "addItem",
        ),
        *("addItems", "set_title", "set_aside", "set_words", "set_text", "show_info", "show_warning", "show_message"),
        *(
            "show_state",
            "say",
            "drawText",
            "QLabel",
            "QPushButton",
            "QToolButton",
            "QCheckBox",
            "QRadioButton",
            "QMenu",
        ),
        *("QGroupBox", "QAction", "label", "KeyButton", "IconButton", "Combo", "Section", "ShareBar", "Question"),
        *("getSaveFileName", "getOpenFileName", "getOpenFileNames", "getExistingDirectory"),
    )
)
"""Calls whose texts a reader sees."""
SAME_EVERYWHERE = re.compile(
    r"busi_viewer|SHA-256|CPU|GPU|PDF|PNG|CSV|JSON|TXT|DICOM|Ctrl|Shift|Esc|&nbsp;|span|style|color|"
    r"\(\*\.\w+\)|\*\.\w+|\bpx\b|\bmm\b|\bcm\b|\bbit\b|\b\w+\.(?:csv|txt|json|png|pdf)\b|%[YmdHMS]"
)
"""What is written alike in every language: names, formats, keys, units, marks of rich text."""
ROLES = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*|[a-z]+[A-Z]\w*")
"""Names of icons, roles and files, which no one reads."""


@pytest.fixture
def english():
    yield
    language.use(language.Language("en", {}))


@pytest.fixture
def german(english):
    language.use(language.Language("de", language.catalogue("de")))


def _bare(call: ast.Call) -> list[str]:
    """The words in a call's arguments that are not translated; what other calls get is theirs."""
    found, left = [], [*call.args, *(each.value for each in call.keywords)]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call):
            if called(node) in ("join", "strip", "rstrip", "format"):
                left += [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            continue
        if isinstance(node, ast.Lambda | ast.Compare | ast.Subscript):
            continue
        if isinstance(node, ast.FormattedValue):
            left.append(node.value)
            continue
        if isinstance(node, ast.IfExp):
            left += [node.body, node.orelse]
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = SAME_EVERYWHERE.sub("", node.value)
            if has_words(words) and not ROLES.fullmatch(node.value):
                found.append(node.value)
        left += ast.iter_child_nodes(node)
    return found


def test_no_text_is_shown_without_being_translated():
    bare = {}
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called(node) in SHOWING and (words := _bare(node)):
                bare[f"{path.relative_to(GUI)}:{node.lineno}"] = words
    assert bare == {}


def test_the_search_for_bare_text_finds_it():
    call = ast.parse('label(f"{count} of them", "caption") if x else label(tr("All"))').body[0].value
    assert _bare(call.body) == [" of them"]
    assert _bare(call.orelse) == []


def test_translated_texts_are_written_out_or_named():
    """A text put together before it is translated is in no catalogue."""
    made = [
        f"{path.relative_to(GUI)}:{node.lineno}"
        for path in sorted(GUI.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and called(node) in ("tr", "plural")
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert made == []


@pytest.mark.parametrize("code", [code for code in language.LANGUAGES if code not in ("system", "en")])
def test_a_catalogue_holds_every_text_with_the_same_places(code):
    known = language.catalogue(code)
    asked = {*written(), *tabled(), *of_the_lexicon()}
    assert sorted(asked - known.keys()) == []
    for source, text in known.items():
        assert sorted(set(PLACE.findall(text))) == sorted(set(PLACE.findall(source))), source
        assert text.strip(), source


def test_catalogues_are_kept_in_order():
    for path in paths.resource("languages").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        pairs = json.loads(text, object_pairs_hook=list)
        assert [source for source, _ in pairs] == sorted(
            {source for source, _ in pairs}, key=lambda text: (text.casefold(), text)
        )


def test_places_are_filled_as_the_language_writes_numbers(german):
    assert language.tr("{value:.1f} mm", value=12.5) == "12,5 mm"
    assert language.tr("{value:,} px²", value=1234567) == "1.234.567 px²"
    assert language.tr("{name} {n}", name="1,5.png", n=True) == "1,5.png True"


def test_one_and_many(english):
    language.use(language.Language("de", {"1 image": "1 Bild", "{n} images": "{n} Bilder"}))
    assert [language.plural("1 image", "{n} images", n) for n in (0, 1, 2)] == ["0 Bilder", "1 Bild", "2 Bilder"]


def test_finished_texts_are_known_again_by_their_places(english):
    known = {"the file has {n} frames": "die Datei hat {n} Bilder", "many": "viele", "{a} and {b}": "{b} und {a}"}
    language.use(language.Language("de", known))
    assert language.said("the file has 12 frames") == "die Datei hat 12 Bilder"
    assert language.said("the file has many frames") == "die Datei hat viele Bilder"
    assert language.said("this and that") == "this and that"  # too few letters to be sure
    known |= {
        "Lesion {n}": "Läsion {n}",
        "Lesion {n}: {what}.": "Läsion {n}: {what}.",
        "Move {what}": "{what} verschieben",
    }
    language.use(language.Language("de", known))
    assert language.said("Lesion 1: many.") == "Läsion 1: viele."
    assert language.said("Move Lesion 2") == "Läsion 2 verschieben"
    assert language.said("unknown") == "unknown"


def test_what_is_not_in_the_catalogue_stays_english(english):
    language.use(language.Language("de", {}))
    assert language.tr("Heat: {what}", what="top class") == "Heat: top class"


def test_the_chosen_language_is_spoken_from_the_start(english):
    app = QApplication.instance() or QApplication([])
    language.begin("de", app)
    assert language.tr("Cancel") == "Abbrechen"
    assert QLocale().language() == QLocale.Language.German
    assert QApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen"  # Qt's own words
    language.begin("en", app)
    assert (language.tr("Cancel"), QApplication.translate("QPlatformTheme", "Cancel")) == ("Cancel", "Cancel")
    assert QLocale().language() == QLocale.Language.English
