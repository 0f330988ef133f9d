"""Pages hold everything themselves and escape what they are given."""

from html.parser import HTMLParser

import numpy as np
import pytest

from busi_viewer.core.thumbnails import thumbnail
from busi_viewer.report import page as p

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Fails on tags that do not close in order; keeps text and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def jpeg(shape=(60, 80)):
    return thumbnail(np.full(shape, 90, np.uint8))


def whole_page():
    nasty = '<script>alert("x")</script>&'
    return p.page(
        nasty,
        [
            p.tiles([(1234, nasty), (0.83456, "Dice", "warn")]),
            p.contents(["Figures", ("Cases", nasty)]),
            p.section("Figures", p.table((nasty, "b"), [(nasty, None), ("x", 3)], note=nasty), nasty, note=nasty),
            p.section(
                "Cases", p.gallery([p.card([p.picture(jpeg(), nasty, alternative='"')], nasty, [nasty])], left_out=7)
            ),
            p.facts([(nasty, nasty)]),
            p.bullets([p.badge(nasty, "error"), p.class_name("benign"), p.class_name(nasty), p.code(nasty)]),
            p.plot("<svg xmlns='http://www.w3.org/2000/svg'/>", nasty),
            p.missing_picture(nasty),
        ],
        subtitle=nasty,
        foot=nasty,
    )


def test_a_page_is_well_formed_and_text_stays_text():
    reader = read(whole_page())
    assert "script" not in {tag for tag, _ in reader.tags}
    words = "".join(reader.words)
    assert words.count('<script>alert("x")</script>&') >= 15
    assert "Research use only." in words
    assert "1,234" in words
    assert "0.835" in words
    assert "7 more are in the JSON." in words


def test_a_page_loads_nothing_from_elsewhere():
    text = whole_page()
    reader = read(text)
    for tag, attributes in reader.tags:
        assert tag not in {"script", "link", "iframe", "object"}
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text
    assert "@import" not in text


def test_links_of_the_contents_lead_to_sections():
    reader = read(whole_page())
    targets = {attributes["id"] for tag, attributes in reader.tags if tag == "section"}
    assert {attributes["href"][1:] for tag, attributes in reader.tags if tag == "a"} == targets


def test_numbers_stand_right_and_unknown_is_a_dash():
    reader = read(p.table(("a", "b", "c"), [(1, "0.5 (0.4–0.6)", None)], numeric=[1]))
    classes = [attributes.get("class") for tag, attributes in reader.tags if tag == "td"]
    assert classes == ["num", "num", None]
    assert reader.words[-1] == "–"


def test_markup_that_was_changed_is_escaped_again():
    assert p.paragraph(p.code("a") + "<b>") == "<p>&lt;code&gt;a&lt;/code&gt;&lt;b&gt;</p>"


def test_what_is_no_picture_and_unknown_tones_are_refused():
    with pytest.raises(ValueError, match="JPEG or PNG"):
        p.picture(b"GIF89a")
    with pytest.raises(ValueError, match="none of"):
        p.badge("x", "purple")


def test_both_themes_are_in_the_style_sheet():
    text = p.page("x", [])
    assert "prefers-color-scheme:dark" in text
    assert "#ECEEF1" in text
    assert "#121417" in text
