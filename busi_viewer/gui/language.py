"""The window's words in the reader's language: a catalogue by the English text (``resources/languages/xx.json``).

Every text is one whole sentence or term with named places: ``tr("{n} of {total}", n=3, total=7)``. What is kept, exported or
logged stays English; such texts, and those that core and workflow make, are translated where they are shown, by :func:`said`.
Numbers are written as the language writes them.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from busi_viewer import paths

LANGUAGES = {"system": "System", "en": "English", "de": "Deutsch"}
"""What can be chosen, each in its own words."""

_PLACE = re.compile(r"\{(\w+)[^{}]*\}")


class _Writer(string.Formatter):
    """Puts values into the places of a text; numbers as ``locale`` writes them."""

    def __init__(self, locale: QLocale) -> None:
        self._swap = str.maketrans({".": locale.decimalPoint(), ",": locale.groupSeparator()})

    def format_field(self, value: Any, format_spec: str) -> str:
        written = str(super().format_field(value, format_spec))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return written.translate(self._swap) if is_number else written


class Language:
    """One language: its code, its texts by the English ones, and how it writes numbers."""

    def __init__(self, code: str, texts: Mapping[str, str], change: Callable[[str], str] | None = None) -> None:
        self.code = code
        self._texts = texts
        self._change = change
        self._writer = _Writer(QLocale(code))
        self._patterns: list[tuple[re.Pattern[str], str]] | None = None

    def text(self, source: str) -> str:
        """The text with its places still open; the English one where the catalogue has none."""
        return self._change(source) if self._change is not None else self._texts.get(source, source)

    def write(self, source: str, values: Mapping[str, Any]) -> str:
        """The text with its places filled in."""
        return self._writer.vformat(self.text(source), (), values)

    def finished(self, text: str) -> str:
        """A text whose places were filled in elsewhere; the places found in it are translated themselves."""
        if self._change is not None or text in self._texts:
            return self.text(text)
        if self._patterns is None:
            known = (source for source in self._texts if _PLACE.search(source) and _letters(source) >= _enough(source))
            self._patterns = [(_pattern(source), source) for source in sorted(known, key=_told, reverse=True)]
        for pattern, source in self._patterns:
            found = pattern.fullmatch(text)
            if found is not None:
                parts = {name: self.finished(part) for name, part in found.groupdict().items()}
                return _PLACE.sub(lambda place: parts[place[1]], self._texts[source])  # noqa: B023 - used at once
        return text


def _enough(source: str) -> int:
    """Letters that a text must have beside its places to be known again by them; fewer with a single place: "Move {what}"."""
    return 5 if len(_PLACE.findall(source)) > 1 else 4


def _letters(source: str) -> int:
    return sum(map(str.isalpha, _PLACE.sub("", source)))


def _told(source: str) -> tuple[int, int]:
    """How much a text says beside its places; what says more is tried first: "Lesion {n}: {what}." before "Lesion {n}"."""
    return _letters(source), len(source)


def _pattern(source: str) -> re.Pattern[str]:
    made, end, seen = "", 0, set[str]()
    for place in _PLACE.finditer(source):
        made += re.escape(source[end : place.start()])
        made += f"(?P={place[1]})" if place[1] in seen else f"(?P<{place[1]}>.+?)"
        seen.add(place[1])
        end = place.end()
    return re.compile(made + re.escape(source[end:]), re.DOTALL)


_language = Language("en", {})
_of_qt: list[QTranslator] = []


def tr(text: str, /, **values: Any) -> str:
    """A text of the window in the reader's language; ``values`` fill its named places."""
    return _language.write(text, values) if values else _language.text(text)


def number(value: float, form: str) -> str:
    """A number as the language writes it; ``form`` as for ``format``: ".3f", ",d"."""
    return _language.write(f"{{value:{form}}}", {"value": value})


def plural(one: str, many: str, n: int, /, **values: Any) -> str:
    """``one`` for n = 1, else ``many``; both may have a place ``{n}``. For languages with these two forms only."""
    return _language.write(one if n == 1 else many, {"n": n, **values})


def said(text: str) -> str:
    """A finished text from core, workflow or the store in the reader's language; itself where the catalogue has none."""
    return _language.finished(text)


def said_lines(texts: Iterable[str]) -> str:
    """Finished texts, each on a line of its own."""
    return "\n".join(map(said, texts))


def language() -> Language:
    """The language in use."""
    return _language


def use(chosen: Language) -> None:
    """Speak a language from now on; what is on screen already stays as it is."""
    global _language
    _language = chosen
    QLocale.setDefault(QLocale(chosen.code))


def catalogue(code: str) -> dict[str, str]:
    """The texts of a language by the English ones; none for English or where there is no catalogue."""
    path = paths.resource("languages", f"{code}.json")
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def begin(chosen: str, app: QApplication) -> None:
    """At the start: speak the language of LANGUAGES that is chosen, with Qt's own words for its dialogs and keys."""
    code = QLocale.system().name()[:2] if chosen == "system" else chosen
    code = code if code in LANGUAGES else "en"
    use(Language(code, catalogue(code)))
    for old in _of_qt:
        app.removeTranslator(old)
    _of_qt.clear()
    if code != "en":
        words = QTranslator(app)
        if words.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            app.installTranslator(words)
            _of_qt.append(words)
