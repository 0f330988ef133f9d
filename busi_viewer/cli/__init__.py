"""The command line: ``busi-viewer COMMAND …``. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services

COMMANDS = frozenset(
    {
        "analyze",
        "audit-data",
        "evaluate",
        "train",
        "recipes",
        "crossval",
        "tune",
        "compare",
        "epochs",
        "cases",
        "models",
        "dicom",
        "bench",
        "doctor",
        "demo",
    }
)
"""First words that name a command; :func:`is_for_the_command_line` tells what opens the window instead."""


def is_for_the_command_line(words: list[str]) -> bool:
    """Whether the words are a command or meant as one: the window takes paths and no options.

    A first word that is no path but much like a command is one misspelt, not an image to be missed in the window.
    """
    if words[0] in COMMANDS or any(word.startswith("-") and not os.path.lexists(word) for word in words):
        return True
    if os.path.lexists(words[0]):
        return False
    import difflib

    return bool(difflib.get_close_matches(words[0], COMMANDS))


def main(argv: list[str], services: Services) -> int:
    """Run one command (``argv`` without the program's name) and return the exit code.

    0 done; 2 wrong usage; 3 some inputs failed (the others are done); 1 anything else.
    """
    from busi_viewer.cli.entry import run

    return run(argv, services)


def answer(argv: list[str]) -> int | None:
    """Answer what needs no services, ``--help``, ``--version`` and wrong usage: the exit code, or None for a command."""
    from busi_viewer.cli.entry import parse

    result = parse(argv)
    return result if isinstance(result, int) else None
