"""The help: pages with pictures (``resources/help``), a list of them and a search. It stands beside the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from busi_viewer import paths
from busi_viewer.gui import theme
from busi_viewer.gui.language import language, tr
from busi_viewer.gui.markdown_page import space_out

PAGES = (
    *("first-steps", "reading", "editing", "measuring", "findings", "blind", "heatmaps", "cine", "worklist", "reports"),
    *("network", "training", "models", "privacy", "kept", "limits"),
)
"""The files of ``resources/help`` in the order in which they are listed."""


def page_file(name: str) -> Path:
    """A page's file: in the window's language (``resources/help/xx``), or the English one where there is none."""
    own = paths.resource("help", language().code, f"{name}.md")
    return own if own.is_file() else paths.resource("help", f"{name}.md")


def page_text(name: str) -> str:
    """A page as Markdown."""
    return page_file(name).read_text(encoding="utf-8")


class HelpWindow(QDialog):
    """Pages at the left, the chosen one at the right; the search leaves the pages that hold all of its words."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Help"))
        self.search, self.list, self.page = QLineEdit(), QListWidget(), QTextBrowser()
        self.search.setPlaceholderText(tr("Search the help"))
        self.search.setAccessibleName(tr("Search the help"))
        self.search.setToolTip(tr("Show the pages that hold these words"))
        self.search.setClearButtonEnabled(True)
        self.list.setAccessibleName(tr("Pages of the help"))
        self.list.setToolTip(tr("Choose a page"))
        self.page.setAccessibleName(tr("Page of the help"))
        self.page.setToolTip("")
        self.page.setOpenExternalLinks(False)
        self.page.document().setDocumentMargin(20)
        self._texts = {name: page_text(name) for name in PAGES}
        for text in self._texts.values():
            self.list.addItem(text.partition("\n")[0].lstrip("# "))
        side = QVBoxLayout()
        side.setSpacing(8)
        side.addWidget(self.search)
        side.addWidget(self.list, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 14, 14, 14)
        row.setSpacing(12)
        row.addLayout(side)
        row.addWidget(self.page, 1)
        self.list.setFixedWidth(232)
        self.search.setFixedWidth(232)
        self.resize(1120, 820)
        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(self._show_chosen)
        self.page.sourceChanged.connect(self._on_source)
        self.list.setCurrentRow(0)

    def show_page(self, name: str) -> None:
        """Turn to a page of PAGES."""
        self.list.setCurrentRow(PAGES.index(name))

    @Slot()
    def _show_chosen(self) -> None:
        name = PAGES[max(self.list.currentRow(), 0)]
        source = QUrl.fromLocalFile(str(page_file(name)))
        if self.page.source() != source:
            self.page.document().setDefaultStyleSheet(f"a {{ color: {theme.tokens().accent}; }}")
            self.page.setSource(source, QTextDocument.ResourceType.MarkdownResource)
            space_out(self.page.document())
        words = self.search.text().split()
        if words:
            self.page.find(words[0])

    @Slot(QUrl)
    def _on_source(self, source: QUrl) -> None:
        """A link was followed: the list goes along."""
        name = source.fileName().removesuffix(".md")
        if name in PAGES:
            self.show_page(name)

    @Slot(str)
    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        shown = []
        for row, page in enumerate(self._texts.values()):
            fits = all(word in page.casefold() for word in words)
            self.list.item(row).setHidden(not fits)
            shown += [row] if fits else []
        if shown and self.list.currentRow() not in shown:
            self.list.setCurrentRow(shown[0])
        else:
            self._show_chosen()
