"""Markdown as a page to read."""

from __future__ import annotations

from PySide6.QtGui import (
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextTable,
)

from busi_viewer.gui import theme

INDENT = 20
"""Px by which a list stands in."""


def space_out(document: QTextDocument) -> None:
    """Room between paragraphs and lines, which Markdown leaves out, and quiet lines in tables."""
    document.setIndentWidth(INDENT)
    block = document.begin()
    while block.isValid():
        cursor, style = QTextCursor(block), block.blockFormat()
        in_table = cursor.currentTable() is not None
        style.setBottomMargin(0 if in_table else 3 if block.textList() is not None else 9)
        if "\ufffc" not in block.text():  # a picture is a line as high as itself
            style.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(style)
        _embolden(cursor, block)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format().toTableFormat()
            table.setBorderBrush(theme.colour(theme.tokens().line))
            table.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)  # Qt's own gives cells bright edges
            table.setBorderCollapse(True)
            table.setCellPadding(5)
            table.setBottomMargin(9)
            frame.setFormat(table)


def _embolden(cursor: QTextCursor, block: QTextBlock) -> None:
    """Set what is bold in the boldest weight that the fonts have; Qt would smear it to a bolder one."""
    pieces, at = [], block.begin()
    while not at.atEnd():
        if at.fragment().charFormat().fontWeight() > QFont.Weight.DemiBold:
            pieces.append((at.fragment().position(), at.fragment().length()))
        at += 1
    bold = QTextCharFormat()
    bold.setFontWeight(QFont.Weight.DemiBold)
    for start, length in pieces:
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(bold)
