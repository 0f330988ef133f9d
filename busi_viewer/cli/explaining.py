"""The commands about heatmaps: at chosen epochs of a run, and whether they depend on what was learned."""

from __future__ import annotations

import argparse
import sys

from busi_viewer.cli.entry import DONE, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import ModelError
from busi_viewer.core.ports import Services


def epochs(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Draw the heatmap of an image at the kept epochs of a run."""
    from busi_viewer.workflow import epochs as workflow
    from busi_viewer.workflow.export import write_json

    wish = workflow.Wish(
        arguments.run, arguments.image, tuple(arguments.epochs), arguments.target, arguments.method, arguments.mask
    )
    rows = workflow.compare(wish, arguments.out, services, terminal.progress)
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "epochs": rows}, indent=1)
    terminal.finish(f"{len(rows)} epochs compared; the figure is {arguments.out}")
    if sys.stdout.isatty():
        print(workflow.lines(rows))
    return DONE


def verify_heatmaps(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Check that the heatmaps of models change with random weights, and draw them."""
    from busi_viewer.workflow import models as registry
    from busi_viewer.workflow.sanity import check, lines

    names = arguments.names or [registry.active()]
    good = True
    for name in names:
        target = arguments.heatmaps
        path = target if len(names) == 1 else target.with_name(f"{target.stem}-{name}{target.suffix}")
        terminal.progress(f"heatmaps of {name}", 0.0)
        try:
            found = check(registry.resolve(name), path, services)
        except ModelError as error:
            terminal.error(str(error))
            good = False
            continue
        terminal.clear()
        print(lines(name, found, path))
        good = good and all(one.passed for one in found)
    return DONE if good else SOME_FAILED
