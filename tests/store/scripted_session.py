"""A reader at work, as a process of its own: ``python scripted_session.py STORE SEED [late]``, until it is killed.

``late``: on a file of its own that is identified only after a while; a known one where the seed is odd.

Each act is handed to the keeper, as the window does. Lines on stdout: ``did N`` when act N was handed over, ``kept N`` when
nothing was waiting any more after it, each with the time.
"""

import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

from store_kit import Reader, make_late, make_record, open_store

from busi_viewer.workflow.casework import restore
from busi_viewer.workflow.keeping import Keeper

FRAMES = 2


def record_of(place):
    return make_record(Path(place) / "image.png", b"the image", write=False, frames=FRAMES, spacing=None)


def late_record_of(place, seed):
    path = Path(place) / f"{seed}.png"
    return make_late(path, f"image {seed}".encode(), write=not path.exists(), frames=FRAMES, spacing=None)


def say(word, number):
    os.write(1, f"{word} {number} {time.monotonic():.6f}\n".encode())


def work(place, seed):
    store = open_store(place)
    keeper = Keeper(store, on_problem=lambda error: say("problem", 0))
    record = record_of(place)
    kept = keeper.open(record)
    reader = Reader(record, seed)
    restore(reader.document, kept)
    reader.stack, reader.position = list(kept.steps), kept.position

    def keep(kind, step):
        if kind == "step":
            keeper.step(kept.image, step)
        else:
            getattr(keeper, kind)(kept.image)

    reader.keep = keep
    say("open", 0)
    go_on(keeper, reader)


def work_on_late(place, seed):
    """As the window does: kept as a draft, and under the image from when that is known."""
    store = open_store(place)
    keeper = Keeper(store, on_problem=lambda error: say("problem", 0))
    record = late_record_of(place, seed)
    if seed % 2:
        store.open_image(replace(record, digest=record.digest._value))
    reader = Reader(record, seed)
    image = keeper.draft(record)

    def keep(kind, step):
        if kind == "step":
            keeper.step(image, step)
        else:
            getattr(keeper, kind)(image)

    def identify():
        nonlocal image
        record.digest.known = True
        known = keeper.open(record).image
        if keeper.number(image) != known:
            keeper.join(image, known)
        image = known

    reader.keep = keep
    say("open", 0)
    go_on(keeper, reader, identify)


def go_on(keeper, reader, identify=lambda: None):
    """Do what the script says until the process ends; ``identify`` is called once at some act."""
    pace = random.Random()
    when = pace.randrange(1, 60)
    while reader.edits < 100_000:
        reader.act()
        if reader.edits == when:
            identify()
        say("did", reader.edits)
        if pace.random() < 0.5:
            keeper.flush(5.0)
            say("kept", reader.edits)
        else:
            time.sleep(pace.uniform(0.0, 0.01))


if __name__ == "__main__":
    (work_on_late if sys.argv[3:] == ["late"] else work)(sys.argv[1], int(sys.argv[2]))
