"""What is done while the disk fails: ``python faulty_deeds.py DEED PLACE``. Exit status 0 done, 3 refused with words.

PLACE holds what :func:`prepare` made: ``store`` with a session's work, ``case`` exported from it, ``empty`` without a case,
``old`` of the first schema.
"""

import os
import sqlite3
import sys
from pathlib import Path

import numpy as np
from store_kit import Reader, disc, keeping, make_late, make_record, make_result, open_store

from busi_viewer.core.document import Document
from busi_viewer.core.errors import UserError
from busi_viewer.core.steps import replacement_step

HERE = Path(__file__).parent
DRAFT = 2
TABLES = (
    "cases",
    "images",
    "journal",
    "reader_masks",
    "analyses",
    "ai_masks",
    "versions",
    "reports",
    "audit",
    "settings",
)


def record_of(place):
    return make_record(place / "image.png", b"the image", write=False)


def prepare(place):
    make_record(place / "image.png", b"the image")
    store = open_store(place / "store")
    image = store.open_image(record_of(place)).image
    late = make_late(place / "late.png", b"the late image")
    assert store.draft(late) == DRAFT
    Reader(late, 4, keeping(store, DRAFT)).run(6)
    Reader(record_of(place), 11, keeping(store, image)).run(12)
    store.save_result(image, make_result(record_of(place)))
    store.save_field(image, "findings", {"shape": "oval"})
    store.save_field(image, "callipers", {"lines": [[1, 2, 3, 4]]})
    store.flag(image, True)
    store.sign(image, {"text": "signed"})
    store.export_case(store.cases()[0].case, place / "case")
    store.close()
    open_store(place / "empty").close()
    (place / "old").mkdir()
    connection = sqlite3.connect(place / "old" / "cases.sqlite3")
    connection.executescript((HERE / "schema_1.sql").read_text(encoding="utf-8"))
    connection.close()


def contents(folder):
    """Everything a store holds, read by SQLite alone after a proper opening; and that it is whole."""
    store = open_store(folder)
    assert store.check() == []
    assert store.audit.verify().intact
    rows = {table: store._db.rows(f"SELECT * FROM {table}") for table in TABLES}
    store.close()
    return rows


def save(place):
    """One save of all kinds of things, as a whole."""
    store = open_store(place / "store")
    record = record_of(place)
    image = store.open_image(record).image
    with store._db.transaction():
        store.save_result(image, make_result(record, p=(0.5, 0.3, 0.2)))
        document = Document(record)
        for frame, mask in store.open_image(record).masks.items():
            document.set_reader_mask(frame, mask)
        store.commit(image, replacement_step(document, 0, disc(radius=9), "Accept outline"))
        store.undo(image)
        store.redo(image)
        store.save_field(image, "findings", {"shape": "irregular", "note": np.arange(3000).tolist()})
        store.save_field(image, "callipers", {"lines": [[5, 6, 7, 8]]})
        store.flag(image, False)
        store.set_setting("theme", "dark")
        other = store.open_image(make_record(place / "late.png", b"the late image", write=False)).image
        store.join(DRAFT, other)
        store.sign(image, {"text": np.arange(3000).tolist()})


def sign(place):
    store = open_store(place / "store")
    store.sign(1, {"text": "again"})


def export(place):
    store = open_store(place / "store")
    store.export_case(store.cases()[0].case, place / "out" / "case")


def take_over(place):
    store = open_store(place / "empty")
    store.import_case(place / "case")


def migrate(place):
    open_store(place / "old")


def back_up(place):
    open_store(place / "store").back_up(place / "copies" / "copy.sqlite3")


DEEDS = {"save": save, "sign": sign, "export": export, "import": take_over, "migrate": migrate, "backup": back_up}

if __name__ == "__main__":
    try:
        DEEDS[sys.argv[1]](Path(sys.argv[2]))
    except UserError:
        os._exit(3)
    os._exit(0)
