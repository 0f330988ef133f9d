"""Markdown as a page to read."""

from __future__ import annotations

from PySide6.QtGui import QTextBlockFormat, QTextCursor, QTextDocument, QTextTable

from busi_viewer.gui import theme


def space_out(document: QTextDocument) -> None:
    """Room between paragraphs and lines, which Markdown leaves out, and quiet lines in tables."""
    block = document.begin()
    while block.isValid():
        cursor, style = QTextCursor(block), block.blockFormat()
        in_table = cursor.currentTable() is not None
        style.setBottomMargin(0 if in_table else 3 if block.textList() is not None else 9)
        if "\ufffc" not in block.text():  # a picture is a line as high as itself
            style.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(style)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format().toTableFormat()
            table.setBorderBrush(theme.colour(theme.tokens().border))
            table.setCellPadding(5)
            table.setBottomMargin(9)
            frame.setFormat(table)
