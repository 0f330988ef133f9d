"""A reader at work, as a process of its own: ``python scripted_session.py STORE SEED``, until it is killed.

Each act is handed to the keeper, as the window does. Lines on stdout: ``did N`` when act N was handed over, ``kept N`` when
nothing was waiting any more after it, each with the time.
"""

import os
import random
import sys
import time
from pathlib import Path

from store_kit import Reader, make_record, open_store

from busi_viewer.workflow.casework import restore
from busi_viewer.workflow.keeping import Keeper

FRAMES = 2


def record_of(place):
    return make_record(Path(place) / "image.png", b"the image", write=False, frames=FRAMES, spacing=None)


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
    pace = random.Random()
    say("open", 0)
    while reader.edits < 100_000:
        reader.act()
        say("did", reader.edits)
        if pace.random() < 0.5:
            keeper.flush(5.0)
            say("kept", reader.edits)
        else:
            time.sleep(pace.uniform(0.0, 0.01))


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
