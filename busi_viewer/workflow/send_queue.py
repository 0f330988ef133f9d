"""The queue of objects to send: a folder, so that it outlives the application whatever ends it.

A job is a copy of the file (``ID.dcm``) and a note (``ID.json``: to whom, how often tried, what went wrong). The note is
written last and removed first, each whole: where it is, the copy is whole. A job whose sending ended between the peer's answer
and the removal of its note is sent again; peers take the same object twice. Two processes may work on one queue.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from busi_viewer import paths
from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.network import NetworkError, Peer, Sent
from busi_viewer.core.ports import CancelToken, Network
from busi_viewer.workflow.export import not_written

TRIES = 10
"""After so many a job waits for the user."""
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 3600.0
_ABANDONED_S = 86_400.0


@dataclass(frozen=True)
class Job:
    """One object on its way. ``name`` is what the user called the file; ``due`` is in seconds since 1970.

    ``failed``: not tried again until the user asks.
    """

    number: str
    peer: str
    name: str
    tries: int = 0
    problem: str = ""
    due: float = 0.0
    failed: bool = False


class SendQueue:
    """The jobs in a folder (default: the user's). ``clock`` gives the seconds since 1970."""

    def __init__(self, folder: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder or paths.data_dir() / "sending"
        self._clock = clock
        self._delivering = threading.Lock()

    def add(self, peer: Peer, files: Iterable[Path]) -> list[Job]:
        """Copy files into the queue. Raises UnreadableImage, OutputError; what was copied before stays."""
        added = []
        for path in files:
            number = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
            copy = self._folder / f"{number}.dcm"
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                with open(path, "rb") as source:
                    _write(copy, partial(shutil.copyfileobj, source))
            except FileNotFoundError as error:
                raise UnreadableImage("the file does not exist", path=path, remedy="Check its name.") from error
            except OSError as error:
                raise not_written(copy, error) from error
            job = Job(number, str(peer), path.name, due=self._clock())
            self._note(job)
            added.append(job)
        return added

    def jobs(self) -> list[Job]:
        """All jobs, oldest first; a note that cannot be understood is left out."""
        if not self._folder.is_dir():
            return []
        return [job for path in sorted(self._folder.glob("*.json")) if (job := _read(path)) is not None]

    def cancel(self, *numbers: str) -> None:
        """Take jobs off the queue."""
        for number in numbers:
            for suffix in (".json", ".dcm"):
                (self._folder / f"{Path(number).name}{suffix}").unlink(missing_ok=True)

    def retry(self, *numbers: str) -> None:
        """Make jobs (none named: all) due now. Raises OutputError."""
        for job in self.jobs():
            if not numbers or job.number in numbers:
                self._note(replace(job, failed=False, tries=0, due=self._clock()))

    def deliver(
        self, network: Network, changed: Callable[[], None] = lambda: None, cancel: CancelToken | None = None
    ) -> int:
        """Send what is due, to one peer after the other; how many objects arrived. Failures are noted with their jobs.

        Returns 0 at once where another thread delivers. Raises OutputError where the queue cannot be written.
        """
        if not self._delivering.acquire(blocking=False):
            return 0
        try:
            self._tidy()
            by_peer: defaultdict[str, list[Job]] = defaultdict(list)
            for job in self.jobs():
                if not job.failed and job.due <= self._clock():
                    by_peer[job.peer].append(job)
            return sum(self._to_peer(network, peer, jobs, changed, cancel) for peer, jobs in by_peer.items())
        finally:
            self._delivering.release()

    def _to_peer(
        self,
        network: Network,
        peer: str,
        jobs: list[Job],
        changed: Callable[[], None],
        cancel: CancelToken | None,
    ) -> int:
        waiting = {self._folder / f"{job.number}.dcm": job for job in jobs}
        arrived = 0

        def told(sent: Sent) -> None:
            nonlocal arrived
            job = waiting.pop(sent.path)
            if sent.problem:
                self._put_off(job, sent.problem, final=sent.final)
            else:
                arrived += 1
                self.cancel(job.number)
            changed()

        try:
            network.send(Peer.parse(peer), list(waiting), told, cancel)
        except NetworkError as error:
            for job in waiting.values():
                self._put_off(job, str(error), final=False)
            changed()
        return arrived

    def _put_off(self, job: Job, problem: str, *, final: bool) -> None:
        if not (self._folder / f"{job.number}.json").exists():
            return  # cancelled meanwhile
        tries = job.tries + 1
        wait = min(FIRST_WAIT_S * 2 ** (tries - 1), LONGEST_WAIT_S)
        failed = final or tries >= TRIES
        self._note(replace(job, tries=tries, problem=problem, due=self._clock() + wait, failed=failed))

    def _note(self, job: Job) -> None:
        target = self._folder / f"{job.number}.json"
        content = json.dumps({"schema": 1, **asdict(job)}, ensure_ascii=True).encode("ascii")
        try:
            _write(target, lambda stream: stream.write(content))
        except OSError as error:
            raise not_written(target, error) from error

    def _tidy(self) -> None:
        """Remove copies that never got a note, once no process can still be adding them."""
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            orphan = path.suffix == ".part" or (path.suffix == ".dcm" and not path.with_suffix(".json").exists())
            try:
                if orphan and time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()
            except FileNotFoundError:
                continue


def _write(target: Path, fill: Callable[[Any], object]) -> None:
    """Write under a temporary name, to the disk, and rename."""
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(temporary, "xb") as stream:
            fill(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> Job | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw.pop("schema")
        return Job(**raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
