"""A reader's process killed at random moments: no committed edit is lost, no store is damaged.

``BUSI_VIEWER_KILLS=200`` asks for the long run.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_session import late_record_of, record_of
from store_kit import Reader, open_store, said, same_masks, same_steps

import busi_viewer
from busi_viewer.core.casebook import AuditQuery
from busi_viewer.core.document import Document
from busi_viewer.store.fields import differences
from busi_viewer.workflow.casework import restore

HERE = Path(__file__).parent
ROOT = Path(busi_viewer.__file__).parents[1]
KILLS = int(os.environ.get("BUSI_VIEWER_KILLS", "8"))


def killed_session(place, seed, wait, *more):
    """Run the session until ``wait`` seconds after it began to work; (acts handed over, of these surely kept)."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "scripted_session.py"), str(place), str(seed), *more],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(ROOT)))},
    )
    first = process.stdout.readline()
    assert first.startswith(b"open"), first
    time.sleep(wait)
    died = time.monotonic()
    process.kill()
    lines = [line.split() for line in process.stdout.read().splitlines() if line.count(b" ") == 2]
    process.wait()
    assert not [line for line in lines if line[0] == b"problem"]
    done = max((int(line[1]) for line in lines if line[0] == b"did"), default=0)
    kept = max((int(line[1]) for line in lines if line[0] == b"kept"), default=0)
    slow = float(os.environ.get("BUSI_VIEWER_SLOW", "1"))
    aged = max((int(n) for word, n, at in lines if word == b"did" and float(at) < died - slow), default=0)
    return done, max(kept, aged)


def flat(version):
    """(name, value) of each entry that a version holds."""
    return [(name, new) for name, _, new in differences(None, version.value)] if version is not None else []


def told(store):
    """The findings as the audit trail alone tells them."""
    found = {}
    for row in reversed(store.audit.rows(AuditQuery(action="findings", limit=-1))):
        assert found.get(row.field, "") == row.old
        found[row.field] = row.new
    return {name: value for name, value in found.items() if value}


@pytest.mark.timeout(120 + 10 * KILLS)
def test_kill_9_loses_no_committed_edit(tmp_path):
    rng = random.Random(20)
    record = record_of(tmp_path)
    store = open_store(tmp_path)
    before = store.open_image(record)
    store.close()
    total = 0
    for seed in range(KILLS):
        done, kept = killed_session(tmp_path, seed, rng.uniform(0.0, 0.8))
        store = open_store(tmp_path)
        assert store.check() == []
        assert store.audit.verify().intact
        count = len(store._db.rows("SELECT 1 FROM journal")) - total
        assert kept <= count <= done + 1, (seed, kept, count, done)
        total += count
        recovery = store.recovery
        assert (recovery.edits if recovery else 0) == count
        if count:
            assert recovery.images == (record.path,)

        reader = Reader(record, seed)
        restore(reader.document, before)
        reader.stack, reader.position = list(before.steps), before.position
        reader.run(count)
        after = store.open_image(record)
        again = Document(record)
        restore(again, after)
        assert said(again) == reader.said
        assert same_masks(after.masks, reader.masks)
        older = after.position - reader.position  # what one gives back and the other no longer has, or never had
        assert same_steps(after.steps[max(older, 0) :], reader.stack[max(-older, 0) :])
        store.acknowledge_recovery()
        assert store.recovery is None
        assert told(store) == dict(flat(after.findings))
        before = after
        store.close()
    sys.stdout.write(f"{KILLS} kills, {total} edits kept, none lost, no damaged store\n")
    assert total > KILLS


@pytest.mark.timeout(120 + 10 * KILLS)
def test_kill_9_loses_nothing_of_a_file_that_is_not_identified_yet(tmp_path):
    rng = random.Random(21)
    total = drafts = 0
    for seed in range(max(KILLS // 2, 1)):
        done, kept = killed_session(tmp_path, seed, rng.uniform(0.0, 0.5), "late")
        store = open_store(tmp_path)
        assert store.check() == []
        assert store.audit.verify().intact
        record = late_record_of(tmp_path, seed)
        draft = store.look_draft(record)
        drafts += draft is not None
        record.digest.known = True
        after = store.open_image(record)
        if draft is not None and draft.image != after.image:
            assert after.blank, "known before, without work"
            store.join(draft.image, after.image)
            after = store.open_image(record)
        assert store.look_draft(record) is None
        assert store.check() == []
        reader = Reader(record, seed).run(kept)
        again = Document(record)
        restore(again, after)
        while not is_as(reader, again, after) and reader.edits <= done:
            reader.act()
        assert is_as(reader, again, after), (seed, kept, done)
        total += reader.edits
        store.acknowledge_recovery()
        store.close()
    sys.stdout.write(f"{max(KILLS // 2, 1)} kills, {drafts} before the file was identified, {total} edits kept\n")
    assert total > KILLS


def is_as(reader, document, kept):
    """Whether all that is kept is what the reader had done by then."""
    older = max(kept.position - reader.position, 0)
    return (
        said(document) == reader.said
        and same_masks(kept.masks, reader.masks)
        and same_steps(kept.steps[older:], reader.stack[-len(kept.steps) :] if kept.steps else reader.stack)
    )


def test_a_proper_end_leaves_nothing_to_recover(tmp_path):
    store = open_store(tmp_path)
    record = record_of(tmp_path)
    image = store.open_image(record).image
    store.save_field(image, "findings", {"shape": "irregular"})
    store.close()
    store = open_store(tmp_path)
    assert store.recovery is None
    store.close()
