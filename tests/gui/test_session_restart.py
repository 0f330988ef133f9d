"""A session that was closed and opened again goes on as one that never was: the same undo items, in the same order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from busi_viewer.core.callipers import Calibration, Calliper, Kind
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.steps import readable
from busi_viewer.gui.session import Grip, Session
from busi_viewer.store.case_store import SqliteCaseStore
from busi_viewer.workflow.casework import restore

SHAPE = (20, 30)
ACTS = ("stroke", "text", "choice", "nudge", "scale", "drop", "undo", "redo", "rest", "frame", "restart")


def made_record(path):
    path.write_bytes(b"content")
    return ImageRecord(path, "ab" * 32, "png", ArrayFrames((np.zeros(SHAPE, np.uint8),) * 2), SHAPE)


def keeping(store, image):
    def keep(kind, step=None, reason=""):
        if kind == "step":
            store.commit(image, step, reason)
        elif kind == "rest":
            store.settle()
        else:
            getattr(store, kind)(image)

    return keep


def opened(record, store):
    kept = store.open_image(record)
    session = Session(Document(record))
    assert restore(session.document, kept) == []
    session.remember(*readable(kept.steps, kept.position))
    session.keep = keeping(store, kept.image)
    return session


def act(session, name, value):
    document = session.document
    if name == "stroke":
        session.apply(MaskEdit(session.frame, (value, 3, value + 4, 9), np.ones((6, 4), bool), f"Stroke {value}"))
    elif name == "text":
        field = ("history", "impression")[value % 2]
        longer = getattr(document.findings, field) + "x"
        session.set_findings(replace(document.findings, **{field: longer}), field, text=field)
    elif name == "choice":
        session.set_findings(replace(document.findings, assessment=("2", "3", None)[value % 3]), "Assessment", "why")
    elif name == "nudge":
        item = Calliper(Kind.LENGTH, ((1.5, 2), (value + len(document.callipers), 9)), session.frame, "Length 1")
        session.set_callipers([item], "Move Length 1", Grip(0, value % 2))
    elif name == "scale":
        stated = Calibration(((0.0, 0.0), (0.0, value + 5.0)), 10.0) if value % 4 else None
        session.set_calibration(stated, "Calibrate")
    elif name == "drop":
        session.show_machine((0, 1))
    elif name == "frame":
        session.set_frame(value % 2)
    else:
        {"undo": session.undo.undo, "redo": session.undo.redo, "rest": session.rest}[name]()


def state(session):
    document, undo = session.document, session.undo
    masks = {frame: document.reader_mask(frame).tobytes() for frame in document.edited_frames}
    said = document.findings, document.callipers, document.calibration, document.record.spacing_mm
    return masks, said, [undo.text(n) for n in range(undo.count())], undo.index()


TYPED = [("text", 0), ("text", 0), ("nudge", 1), ("nudge", 1), ("restart", 0), ("nudge", 1), ("undo", 0)]
DROPPED = [
    ("stroke", 1),
    ("frame", 1),
    ("stroke", 2),
    ("drop", 0),
    ("restart", 0),
    ("undo", 0),
    ("restart", 0),
    ("redo", 0),
]


@example(acts=TYPED)
@example(acts=DROPPED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 4)), max_size=40))
def test_a_session_opened_again_at_any_moment_goes_on_as_if_it_never_was_closed(qtbot, tmp_path_factory, acts):
    place = Path(tmp_path_factory.mktemp("restart"))
    record = made_record(place / "a.png")
    store = SqliteCaseStore(place / "store", "reader")
    never, session = Session(Document(record)), opened(record, store)
    for name, value in [*acts, ("restart", 0)]:
        if name == "restart":
            store.close()
            store = SqliteCaseStore(place / "store", "reader")
            shown = session.frame
            session = opened(record, store)
            session.set_frame(shown)
            assert state(session) == state(never)
        else:
            act(never, name, value)
            act(session, name, value)
    for one in (never, session):
        while one.undo.canUndo():
            one.undo.undo()
    assert state(session) == state(never)
    assert session.document.findings.empty
    assert store.check() == []
    store.close()
