"""From words to a command, and from what went wrong to an exit code."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from busi_viewer import logs, paths
from busi_viewer.cli import parser
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import Cancelled, UsageError, UserError

if TYPE_CHECKING:
    from busi_viewer.core.ports import Services

DONE, FAILED, USAGE, SOME_FAILED = 0, 1, 2, 3


def parse(argv: list[str]) -> argparse.Namespace | int:
    """The parsed words, or the exit code where they asked for help only or were wrong (which has then been said)."""
    try:
        return parser.build().parse_args(argv)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else USAGE


def run(argv: list[str], services: Services) -> int:
    """Run one command and return its exit code; whatever goes wrong is said on standard error in one line."""
    arguments = parse(argv)
    if isinstance(arguments, int):
        return arguments
    logs.set_up(verbose=arguments.verbose)
    terminal = Terminal()
    try:
        with _stopped_by_signals():
            return _dispatch(arguments, services, terminal)
    except (KeyboardInterrupt, Cancelled):
        terminal.error("stopped; what was finished is kept.")
        return FAILED
    except UserError as error:
        terminal.error(str(error))
        return USAGE if isinstance(error, UsageError) else FAILED
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it exits
        return FAILED
    except MemoryError:
        terminal.error("not enough memory. Close other programs and try again.")
        return FAILED
    except OSError as error:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        logging.getLogger(__name__).warning("refused by the system: %s", logs.stack_without_values(error))
        terminal.error(f"{where}{error.strerror or type(error).__name__}. Check the disk, the output and the rights.")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost boundary: a bug becomes one line and a log entry
        return _internal(error, terminal, verbose=arguments.verbose)


def _dispatch(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    from busi_viewer.cli import cases, commands

    left_out: Sequence[UserError] = ()
    if getattr(arguments, "data", None):
        arguments.data, left_out = cases.sets_for_stores(arguments.data, services, terminal)
    code = commands.HANDLERS[arguments.command](arguments, services, terminal)
    if left_out and code == DONE:
        code = SOME_FAILED
    sys.stdout.flush()
    return code


def _internal(error: Exception, terminal: Terminal, *, verbose: bool) -> int:
    terminal.clear()
    logging.getLogger(__name__).warning("internal error: %s", logs.stack_without_values(error))
    if verbose:
        traceback.print_exception(error)
    where = paths.log_dir() / "busi_viewer.log"
    terminal.error(f"internal error ({type(error).__name__}). Details are in {where}; please report it.")
    return FAILED


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM stop a command as Ctrl-C does, so that nothing half-written stays."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
