"""The send queue loses nothing, whatever ends the process, and says of each object what is the matter."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from dicom_peers import free_port, instances, small_object, storescp

from busi_viewer.core.errors import UnreadableImage
from busi_viewer.core.network import NetworkError, Peer, Sent
from busi_viewer.dicom.network import DicomNetwork
from busi_viewer.workflow.send_queue import TRIES, SendQueue

PEER = Peer("STORESCP", "127.0.0.1", 11112)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Answers:
    """A network that answers as told: a problem (word), a final one (in a tuple), or an error of the whole connection."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def send(self, peer, paths, told, cancel=None):
        for path in paths:
            self.asked.append(path.stem)
            answer = self.answers.pop(0)
            if isinstance(answer, NetworkError):
                raise answer
            told(Sent(path, *answer) if isinstance(answer, tuple) else Sent(path, answer))


@pytest.fixture
def queue(tmp_path):
    return SendQueue(tmp_path / "queue", Clock())


def files(tmp_path, count):
    return [small_object(tmp_path / f"{n}.dcm", n) for n in range(count)]


def test_what_arrived_leaves_nothing_behind(tmp_path, queue):
    queue.add(PEER, files(tmp_path, 2))
    assert queue.deliver(Answers("", "")) == 2
    assert list((tmp_path / "queue").iterdir()) == []


def test_a_failure_waits_longer_each_time_and_then_for_the_user(tmp_path, queue):
    queue.add(PEER, files(tmp_path, 1))
    clock, waits = queue._clock, []
    for tries in range(1, TRIES + 1):
        assert queue.deliver(Answers("busy")) == 0
        (job,) = queue.jobs()
        assert (job.tries, job.problem, job.failed) == (tries, "busy", tries == TRIES)
        waits.append(job.due - clock.now)
        idle = Answers()
        queue.deliver(idle)
        assert idle.asked == []
        clock.now = job.due
    assert waits[:3] == [10, 20, 40]
    assert max(waits) == 3600
    queue.retry(job.number)
    assert queue.deliver(Answers("")) == 1


def test_a_final_refusal_is_not_tried_again_by_itself(tmp_path, queue):
    queue.add(PEER, files(tmp_path, 2))
    queue.deliver(Answers(("not supported", True), ""))
    (job,) = queue.jobs()
    assert (job.failed, job.problem, job.name) == (True, "not supported", "0.dcm")


def test_a_broken_connection_puts_off_all_that_was_not_told(tmp_path, queue):
    queue.add(PEER, files(tmp_path, 3))
    assert queue.deliver(Answers("", NetworkError("gone"))) == 1
    assert [(job.name, job.tries) for job in queue.jobs()] == [("1.dcm", 1), ("2.dcm", 1)]


def test_the_queue_outlives_its_object_and_the_original_file(tmp_path, queue):
    paths = files(tmp_path, 1)
    queue.add(PEER, paths)
    paths[0].unlink()
    again = SendQueue(tmp_path / "queue", Clock())
    assert [job.name for job in again.jobs()] == ["0.dcm"]
    assert again.deliver(Answers("")) == 1


def test_a_cancelled_job_is_gone_even_if_it_fails_at_that_moment(tmp_path, queue):
    (job,) = queue.add(PEER, files(tmp_path, 1))

    class Cancels(Answers):
        def send(self, peer, paths, told, cancel=None):
            queue.cancel(job.number)
            told(Sent(paths[0], "busy"))

    queue.deliver(Cancels())
    assert queue.jobs() == []
    assert list((tmp_path / "queue").iterdir()) == []


def test_a_missing_file_is_told(tmp_path, queue):
    with pytest.raises(UnreadableImage, match="does not exist"):
        queue.add(PEER, [tmp_path / "none.dcm"])
    assert queue.jobs() == []


def test_a_damaged_note_and_a_copy_without_one_do_no_harm(tmp_path, queue):
    queue.add(PEER, files(tmp_path, 1))
    folder = tmp_path / "queue"
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[]")
    orphan, fresh = folder / "old.dcm", folder / "new.dcm"
    for path in (orphan, fresh):
        path.write_bytes(b"x")
    os.utime(orphan, (0, 0))
    assert queue.deliver(Answers("")) == 1
    assert not orphan.exists()
    assert fresh.exists()


def test_killed_in_mid_queue_everything_arrives(tmp_path):
    """SIGKILL, again and again, while the command sends; in the end every object is with the peer."""
    count = 40
    files(tmp_path, count)
    home, inbox, port = tmp_path / "home", tmp_path / "in", free_port()
    environment = {**os.environ, "BUSI_VIEWER_HOME": str(home)}
    command = [sys.executable, "-m", "busi_viewer", "dicom", "send"]
    queue = SendQueue(home / "data" / "sending")
    queue.add(Peer("STORESCP", "127.0.0.1", port), [tmp_path / f"{n}.dcm" for n in range(count)])
    with storescp(inbox, port=port):
        kills = 0
        for wanted in (1, 12, 25):
            with subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as one:
                until = time.monotonic() + 60
                while len(list(inbox.iterdir())) < wanted and one.poll() is None and time.monotonic() < until:
                    time.sleep(0.001)
                if one.poll() is None:
                    one.send_signal(signal.SIGKILL)
                    kills += 1
        assert kills
        assert queue.jobs()
        assert subprocess.run(command, env=environment, timeout=60).returncode == 0
    assert queue.jobs() == []
    assert set(instances(inbox)) == {f"1.2.826.0.1.{n}" for n in range(count)}


def test_a_peer_that_comes_late_gets_it_all(tmp_path):
    queue = SendQueue(tmp_path / "queue", clock := Clock())
    port = free_port()
    queue.add(Peer("STORESCP", "127.0.0.1", port), files(tmp_path, 2))
    network = DicomNetwork("BUSIVIEWER")
    assert queue.deliver(network) == 0
    assert "cannot be reached" in queue.jobs()[0].problem
    clock.now += 10
    with storescp(tmp_path / "in", port=port):
        assert queue.deliver(network) == 2
    assert len(instances(tmp_path / "in")) == 2
    assert json.dumps([job.name for job in queue.jobs()]) == "[]"
