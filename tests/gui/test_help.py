from __future__ import annotations

import re

import pytest

from busi_viewer import paths
from busi_viewer.gui import actions, language
from busi_viewer.gui.help_window import PAGES, HelpWindow, page_text
from busi_viewer.gui.tools import TOOLS

MOST_BYTES = 1_500_000


def test_every_page_is_listed_and_begins_with_its_title():
    there = {path.stem for path in paths.resource("help").glob("*.md")}
    assert there == set(PAGES)
    assert all(re.match(r"# \S", page_text(name)) for name in PAGES)


def test_every_link_and_every_picture_is_there():
    used = set()
    for name in PAGES:
        for picture, target in re.findall(r"(!?)\[[^\]]+\]\(([^)]+)\)", page_text(name)):
            assert paths.resource("help", target).is_file(), (name, target)
            used |= {target} if picture else set()
    kept = {f"pictures/{path.name}" for path in paths.resource("help", "pictures").iterdir()}
    assert used == kept
    assert sum(path.stat().st_size for path in paths.resource("help", "pictures").iterdir()) <= MOST_BYTES


def test_every_tool_and_every_page_of_the_window_is_told_of():
    everything = "\n".join(page_text(name) for name in PAGES)
    told = {tool.title or actions.BY_NAME[tool.name].text for tool in TOOLS}
    told |= {actions.BY_NAME[page].text for page in actions.PAGES}
    assert [words for words in sorted(told) if f"**{words}**" not in everything] == []


def test_keys_are_those_of_the_commands():
    """``**Command** (Key)`` in the help names a command's own key."""
    by_text = {command.text: command for command in actions.COMMANDS}
    wrong = [
        (page, words, key)
        for page in PAGES
        for words, key in re.findall(r"\*\*([^*]+)\*\* \(([^)\s,;]+)\)", page_text(page))
        if words in by_text and key.replace("Enter", "Return") not in by_text[words].keys
    ]
    assert wrong == []


@pytest.mark.parametrize("code", [path.name for path in paths.resource("help").iterdir() if len(path.name) == 2])
def test_the_help_in_another_language_has_every_page_with_the_same_keys_pictures_and_links(code):
    for name in PAGES:
        english, own = (
            paths.resource("help", *parts, f"{name}.md").read_text(encoding="utf-8") for parts in ((), (code,))
        )
        assert own.startswith("# ")
        targets = [re.findall(r"\]\(([^)]+)\)", text) for text in (english, own)]
        assert [target.removeprefix("../") for target in targets[1]] == targets[0], name
        assert all(paths.resource("help", code, target).is_file() for target in targets[1])
        own = own.replace("Strg", "Ctrl").replace("Umschalt", "Shift")
        keys = [sorted(re.findall(r"(?:Ctrl|Shift|Alt)\+[A-Z0-9]\b|F\d", text)) for text in (english, own)]
        assert keys[0] == keys[1], name


def test_the_help_speaks_the_language_of_the_window():
    try:
        language.use(language.Language("de", {}))
        assert page_text("first-steps").startswith("# Erste Schritte")
        language.use(language.Language("xx", {}))
        assert page_text("first-steps").startswith("# First steps")
    finally:
        language.use(language.Language("en", {}))


def test_the_help_opens_beside_the_window_follows_links_and_is_searched(qtbot):
    made = HelpWindow(None)
    qtbot.addWidget(made)
    made.show()
    assert not made.isModal()
    assert "First steps" in made.page.toPlainText()
    made.show_page("heatmaps")
    assert "What it does not say" in made.page.toPlainText()
    made.page.setSource(made.page.source().resolved("limits.md"))
    assert made.list.currentRow() == PAGES.index("limits")
    made.search.setText("livewire clings")
    shown = [PAGES[row] for row in range(made.list.count()) if not made.list.item(row).isHidden()]
    assert shown == ["editing"]
    assert "Livewire" in made.page.toPlainText()
    assert made.page.textCursor().hasSelection()
    made.search.clear()
    assert not any(made.list.item(row).isHidden() for row in range(made.list.count()))
