"""The command that looks through data sets: audit-data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from busi_viewer.cli.entry import DONE, SOME_FAILED
from busi_viewer.cli.terminal import Terminal

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services


def audit_data(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Look for what would spoil a training or its figures; findings are no failure, unreadable files are."""
    from busi_viewer.workflow import audit

    outcome = audit.audit(
        arguments.data, services, terminal, split=arguments.split, pictures=arguments.html is not None
    )
    audit.write(outcome, services, arguments.json, arguments.html)
    places = " and ".join(str(place) for place in (arguments.json, arguments.html) if place)
    terminal.finish(
        f"{outcome.result['n']} images audited, {len(outcome.failures)} files not read; findings in {places}"
    )
    if sys.stdout.isatty():
        print(_table(outcome.result))
    return SOME_FAILED if outcome.failures else DONE


def _table(result: Mapping[str, Any]) -> str:
    """What was found, for reading: severity, kind, how often."""
    words = {"error": "error", "warn": "check", "note": "know"}
    found = [kind for kind in result["summary"] if kind["findings"]]
    lines = [f"{words[kind['severity']]:<6}{kind['findings']:>6}  {kind['title']}" for kind in found]
    return "\n".join(lines) if lines else "Nothing was found."
