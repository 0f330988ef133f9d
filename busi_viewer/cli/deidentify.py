"""``busi-viewer dicom deidentify``."""

from __future__ import annotations

import argparse
import secrets
from typing import TYPE_CHECKING

from busi_viewer.cli.entry import DONE, FAILED, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.deidentify import DeidentifyOptions

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services


def deidentify(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Write files without their patients into a new folder; name each that was refused."""
    from busi_viewer.workflow import deidentify as workflow
    from busi_viewer.workflow.export import write_json

    options = DeidentifyOptions(dates=arguments.dates, text=arguments.text, region=arguments.region)
    secret = secrets.token_bytes(32) if arguments.one_time else None
    study = workflow.deidentify(services, arguments.paths, arguments.out, options, terminal.progress, secret=secret)
    for error in study.left_out:
        terminal.error(str(error))
    if arguments.json:
        write_json(arguments.json, study.as_json(options), indent=1)
    where = f"; they are in {arguments.out}" if study.done else "; nothing was written"
    terminal.finish(f"{len(study.done)} de-identified, {len(study.left_out)} left out{where}")
    if study.only_read:
        terminal.say(
            f"{study.only_read} without acquisition regions: only the text recognition looked after their pixels. "
            "Look at them, or name the region to keep with --region."
        )
    if not study.done:
        return FAILED
    return SOME_FAILED if study.left_out else DONE
