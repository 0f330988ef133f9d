"""``busi-viewer dicom``: DICOM at the command line, one function a verb."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from busi_viewer.cli import network
from busi_viewer.cli.deidentify import deidentify
from busi_viewer.cli.entry import DONE, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import UserError

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services

Handler = Callable[[argparse.Namespace, "Services", Terminal], int]


def dicom(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Whatever verb was chosen."""
    return VERBS[arguments.verb](arguments, services, terminal)


def info(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Say what DICOM files are. Values that name a patient are not printed, only which of them are there."""
    from busi_viewer.workflow.export import write_json

    described, failed = [], []
    for path in arguments.paths:
        try:
            described.append(services.describe_dicom(path))
        except UserError as error:
            terminal.error(str(error))
            failed.append({"path": str(path), "reason": str(error)})
        else:
            _print(described[-1])
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "files": described, "failed": failed}, indent=1)
    return SOME_FAILED if failed else DONE


def _print(facts: Mapping[str, Any]) -> None:
    print(facts["path"])
    for name, value in facts.items():
        if name == "path" or value in (None, [], False):
            continue
        words = value
        if name == "refers_to":
            words = value[0] if len(value) == 1 else f"{value[0]} and {len(value) - 1} more"
        elif name == "regions":
            words = "; ".join(f"{r['box']} {r['spacing_mm'][0]:.4g} × {r['spacing_mm'][1]:.4g} mm" for r in value)
        elif isinstance(value, list):
            words = ", ".join(str(item) for item in value)
        print(f"  {name.replace('_', ' '):<20}{words}")


VERBS: dict[str, Handler] = {
    "info": info,
    "deidentify": deidentify,
    "echo": network.echo,
    "find": network.find,
    "send": network.send,
    "receive": network.receive,
}
