"""The command line: ``busi-viewer COMMAND …``. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

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
"""First words that name a command; with anything else but an option, ``busi-viewer`` opens the window."""


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
