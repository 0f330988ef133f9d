"""``busi-viewer dicom echo``, ``find``, ``send`` and ``receive``."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from busi_viewer import settings
from busi_viewer.cli.entry import DONE, FAILED, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import UsageError
from busi_viewer.core.network import Peer, Reception

if TYPE_CHECKING:
    from busi_viewer.core.ports import Network, Services
    from busi_viewer.workflow.send_queue import SendQueue

_POLL_S = 0.5


def _asked(arguments: argparse.Namespace, services: Services) -> tuple[Network, Peer]:
    from busi_viewer.workflow.network import peer_named

    chosen = settings.load()
    return services.network(arguments.title or chosen.own_title), peer_named(arguments.peer, chosen)


def echo(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Ask whether a peer answers."""
    network, peer = _asked(arguments, services)
    started = time.monotonic()
    network.echo(peer)
    print(f"{peer} answers ({1000 * (time.monotonic() - started):.0f} ms)")
    return DONE


def find(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Print what a peer has."""
    from busi_viewer.workflow.export import write_json

    network, peer = _asked(arguments, services)
    try:
        found = network.find(peer, arguments.level.upper(), _keys(arguments.keys))
    except ValueError as error:
        raise UsageError(f"{error} is no DICOM keyword", remedy="Write it as PatientID=…") from error
    for one in found:
        print("  ".join(value for value in one.values() if value))
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "level": arguments.level, "found": found}, indent=1)
    terminal.finish(f"{len(found)} found")
    return DONE


def _keys(words: list[str]) -> Mapping[str, str]:
    keys = {}
    for word in words:
        keyword, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"{word!r} is no query", remedy="Write KEYWORD=VALUE, as PatientID=4711 or StudyDate=20240101-."
            )
        keys[keyword] = value
    return keys


def send(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Queue files for a peer, and deliver the queue: what is not delivered in the time given stays for the next run."""
    from busi_viewer.workflow.network import objects_in
    from busi_viewer.workflow.send_queue import SendQueue

    queue = SendQueue()
    before = {job.number for job in queue.jobs()}
    network = services.network(arguments.title or settings.load().own_title)
    if arguments.paths:
        if arguments.peer is None:
            raise UsageError("--to is missing", remedy="Name the peer, as --to PACS@10.0.0.5:104.")
        queue.add(_asked(arguments, services)[1], objects_in(arguments.paths))
    else:
        queue.retry()
    total = max(len(queue.jobs()), 1)
    until = time.monotonic() + arguments.wait
    arrived = 0
    while True:
        arrived += queue.deliver(network, lambda: terminal.progress("sending", 1 - len(queue.jobs()) / total))
        if all(job.failed for job in queue.jobs()) or time.monotonic() > until:
            break
        time.sleep(_POLL_S)
    return _said(queue, before, arrived, terminal)


def _said(queue: SendQueue, before: set[str], arrived: int, terminal: Terminal) -> int:
    left = queue.jobs()
    terminal.clear()
    for job in left:
        state = "refused" if job.failed else "waits"
        terminal.error(f"{job.name} to {job.peer}: {state}: {job.problem or 'not tried yet'}")
    terminal.finish(f"{arrived} sent, {len(left)} in the queue")
    if not left:
        return DONE
    return SOME_FAILED if arrived or any(job.number in before for job in left) else FAILED


def receive(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Take what others send into a folder, until stopped or until enough has come."""
    chosen = settings.load()
    enough = threading.Semaphore(0)

    def received(path: Path, caller: str) -> None:
        print(path, flush=True)
        enough.release()

    wanted = Reception(
        arguments.out,
        arguments.title or chosen.own_title,
        arguments.port if arguments.port is not None else chosen.listen_port,
        arguments.address,
        tuple(arguments.only or ()),
        arguments.max_mb * 2**20,
    )
    receiver = services.receiver(wanted, received)
    receiver.start()
    terminal.say(f"receiving as {wanted.title} on {wanted.address} port {receiver.port}; Ctrl-C ends")
    try:
        count = 0
        while not arguments.count or count < arguments.count:
            count += enough.acquire(timeout=_POLL_S)
    finally:
        receiver.stop()
    return DONE
