"""Self-contained HTML pages: parts that escape what they are given, and the page that holds them.

A page is one file without scripts and without anything loaded from elsewhere: the style sheet is inlined, dark or light as
the reader's system says, pictures are data URIs. Every function takes plain text and gives :class:`Markup`; text is
escaped unless it is Markup already. Compose like this::

    page("Evaluation", [
        tiles([("94", "images"), ("0.83", "mean Dice")]),
        section("Figures", table(("figure", "value"), [("Dice", 0.83)])),
        section("Worst cases", gallery([card([picture(jpeg, "a.png")], "Dice 0.12")], left_out=12)),
    ])

The caller writes the text to a file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

from busi_viewer.report.page_style import STYLE

RESEARCH = "Research use only."
_GLYPHS = {"normal": "○", "benign": "■", "malignant": "▲"}
_KINDS = ((b"\xff\xd8", "jpeg"), (b"\x89PNG", "png"))
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
TONES = ("error", "warn", "note")
"""What a badge or tile may be: something wrong, something to look at, something to know."""


class Markup(str):
    """HTML made in this module. Whatever is derived from it by string methods is plain text again, and gets escaped."""

    __slots__ = ()


Part = str | Markup
Cell = str | Markup | int | float | None


def _html(part: Part) -> str:
    return str(part) if isinstance(part, Markup) else escape(part)


def _element(tag: str, content: str, css: str = "") -> Markup:
    """An element around markup."""
    return Markup(f'<{tag} class="{css}">{content}</{tag}>' if css else f"<{tag}>{content}</{tag}>")


def join(parts: Iterable[Part], between: str = "") -> Markup:
    """Several parts after one another, with ``between`` (plain text) between them."""
    return Markup(escape(between).join(_html(part) for part in parts))


def paragraph(text: Part, *, muted: bool = False) -> Markup:
    """A paragraph; ``muted`` for what is said beside the main thing."""
    return _element("p", _html(text), "muted" if muted else "")


def code(text: str) -> Markup:
    """A name of a file, an id or a command, which may break anywhere."""
    return _element("code", escape(text))


def badge(text: str, tone: str = "note") -> Markup:
    """A word in a coloured box. The word says it too: colour never stands alone. ``tone`` is one of TONES."""
    return _element("span", escape(text), f"badge {_tone(tone)}")


def class_name(label: str | None) -> Markup:
    """A class with its glyph and colour; ``no label`` for None, other words as they are."""
    if label is None:
        return _element("span", "no label", "muted")
    glyph = _GLYPHS.get(label)
    return _element("span", f"{glyph} {escape(label)}", f"class {label}") if glyph else Markup(escape(label))


def bullets(items: Iterable[Part]) -> Markup:
    """A list of points."""
    return _element("ul", "".join(_element("li", _html(item)) for item in items))


def facts(rows: Iterable[tuple[str, Cell]]) -> Markup:
    """Names with their values, one pair a line."""
    return _element("dl", "".join(_element("dt", escape(name)) + _element("dd", _cell(value)) for name, value in rows))


def tiles(items: Iterable[tuple[Cell, str] | tuple[Cell, str, str]]) -> Markup:
    """Large figures in a row: (value, what it is) or (value, what it is, tone)."""
    made = []
    for value, label, *tone in items:
        content = _element("b", _cell(value)) + _element("span", escape(label))
        made.append(_element("div", content, "tile" + (f" {_tone(tone[0])}" if tone else "")))
    return _element("div", "".join(made), "tiles")


def table(
    head: Sequence[Part], rows: Iterable[Sequence[Cell]], *, numeric: Iterable[int] = (), note: str = ""
) -> Markup:
    """A table. Numbers are set right; ``numeric`` names further columns (from 0) of figures written as text.

    ints get thousands separators, floats three decimals, None a dash. ``note`` stands below.
    """
    right = set(numeric)

    def line(cells: Sequence[Cell], tag: str) -> str:
        made = (
            _element(tag, _cell(cell), "num" if column in right or isinstance(cell, int | float) else "")
            for column, cell in enumerate(cells)
        )
        return _element("tr", "".join(made))

    body = _element("tbody", "".join(line(row, "td") for row in rows))
    whole = _element("div", _element("table", _element("thead", line(head, "th")) + body), "scroll")
    return Markup(whole + paragraph(note, muted=True)) if note else whole


def _cell(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return _html(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.3f}"


def picture(image: bytes, caption: Part = "", *, alternative: str = "") -> Markup:
    """A JPEG or PNG (encoded; see ``core.thumbnails``) with a caption below it. ``alternative`` is read where it is not seen."""
    kind = next((name for magic, name in _KINDS if image.startswith(magic)), None)
    if kind is None:
        raise ValueError("a picture is JPEG or PNG data")
    return _figure(_uri(image, f"image/{kind}"), caption, alternative, "")


def missing_picture(caption: Part = "") -> Markup:
    """In place of a picture that cannot be shown."""
    content = _element("div", "no picture", "absent")
    return _element("figure", content + _element("figcaption", _html(caption)))


def plot(svg: str, caption: Part = "", *, alternative: str = "") -> Markup:
    """A drawing as SVG text, on a white ground in both themes."""
    return _figure(_uri(svg.encode(), "image/svg+xml"), caption, alternative, "plot")


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _figure(uri: str, caption: Part, alternative: str, css: str) -> Markup:
    image = f'<img src="{uri}" alt="{escape(alternative)}" loading="lazy">'
    return _element("figure", image + (_element("figcaption", _html(caption)) if caption else ""), css)


def card(pictures: Iterable[Markup], heading: Part = "", lines: Iterable[Part] = ()) -> Markup:
    """Pictures side by side under a heading, with lines of text below them."""
    head = _element("header", _html(heading)) if heading else ""
    row = _element("div", "".join(pictures), "pictures")
    text = "".join(_element("p", _html(line)) for line in lines)
    return _element("article", head + row + text, "card")


def gallery(
    cards: Iterable[Markup], folded: Sequence[Markup] = (), *, left_out: int = 0, rest: str = "are in the JSON"
) -> Markup:
    """Cards in a grid, further ones ``folded`` away. ``left_out`` others are counted below: "12 more are in the JSON"."""
    parts = [_element("div", "".join(cards), "gallery")]
    if folded:
        words = _element("summary", escape(f"Show the other {len(folded):,}"))
        parts.append(_element("details", words + _element("div", "".join(folded), "gallery")))
    if left_out:
        parts.append(paragraph(f"{left_out:,} more {rest}.", muted=True))
    return Markup("".join(parts))


def section(title: str, *parts: Part, note: Part = "", anchor: str = "") -> Markup:
    """A titled part of the page. ``note`` stands under the title; ``anchor`` is its name in links (default: from the title)."""
    head = _element("h2", escape(title)) + (paragraph(note, muted=True) if note else "")
    name = anchor or slug(title)
    return Markup(f'<section id="{escape(name)}">{head}{join(parts)}</section>')


def slug(title: str) -> str:
    """The name of a title in links: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def link(title: str) -> Markup:
    """A link to the section of this title."""
    return Markup(f'<a href="#{slug(title)}">{escape(title)}</a>')


def contents(titles: Iterable[str | tuple[str, Part]]) -> Markup:
    """Links to the sections of these titles; with (title, words) the words stand behind the link."""
    made = []
    for item in titles:
        title, words = item if isinstance(item, tuple) else (item, "")
        made.append(_element("li", f"{link(title)} {_html(words)}"))
    return _element("nav", _element("ul", "".join(made)))


def page(title: str, parts: Iterable[Part], *, subtitle: Part = "", foot: Part = "") -> str:
    """The whole file as text. ``subtitle`` stands under the title, ``foot`` at the end, before "Research use only."."""
    head = _element("h1", escape(title)) + (_element("p", _html(subtitle), "subtitle") if subtitle else "")
    end = join([foot, RESEARCH] if foot else [RESEARCH], " ")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><header>{head}</header><main>{join(parts)}</main><footer>{end}</footer></body></html>\n"
    )


def _tone(tone: str) -> str:
    if tone not in TONES:
        raise ValueError(f"{tone!r} is none of {', '.join(TONES)}")
    return tone
