"""What the tests of the store share: records without files' decoders, results, edits, and a scripted editing session."""

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import numpy as np

from busi_viewer.core.band import Band
from busi_viewer.core.callipers import Calibration, Calliper, Kind, states_scale
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import Basis, Proposal
from busi_viewer.core.masks import stroke
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality
from busi_viewer.core.steps import FieldStep, edit_step, findings_step, joined, marks_step, replacement_step
from busi_viewer.store.case_store import SqliteCaseStore

SHAPE = (96, 128)


def make_record(path, content=b"pixels", *, write=True, facts=None, frames=1, shape=SHAPE, spacing=(0.1, 0.1)):
    """A record of a file with this content; the file is written so that it can be looked for."""
    path = Path(path)
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pixels = np.zeros(shape, np.uint8)
    sha256 = hashlib.sha256(content).hexdigest()
    return ImageRecord(path, sha256, "png", ArrayFrames((pixels,) * frames), shape, spacing, facts=facts or {})


class Late:
    """The digest of a file that is large for a test: known once ``known`` is set."""

    def __init__(self, path, content):
        status = path.stat()
        self.known, self.stamp = False, (status.st_size, status.st_mtime_ns)
        self._value = hashlib.sha256(content).hexdigest()

    def __str__(self):
        assert self.known, "asked for before it was known"
        return self._value


def make_late(path, content=b"pixels", **facts):
    """A record of a file with this content that is not identified yet."""
    record = make_record(path, content, **facts)
    return replace(record, digest=Late(record.path, content))


def disc(shape=SHAPE, centre=(60, 40), radius=20):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(xx - centre[0], yy - centre[1]) < radius


def make_result(record, *, p=(0.1, 0.2, 0.7), model="a" * 64):
    mask = disc(record.shape)
    yy, xx = np.mgrid[: record.shape[0], : record.shape[1]]
    heat = np.exp(-((xx - 60) ** 2 + (yy - 40) ** 2) / 800.0).astype(np.float32)
    lesions = measure_all(mask, record)
    basis = Basis(120, "lesions", 0.8, (0.7, 0.9))
    proposal = Proposal("shape", "irregular", 0.7, basis, ("uneven outline",), (1, 2, 3, 4), 2.5)
    lesions = tuple(type(one)(**{**vars(one), "descriptors": (proposal,)}) for one in lesions)
    frame = FrameResult(
        index=0,
        probabilities=p,
        calibrated=True,
        above_operating_point=True,
        abstained=False,
        abstain_reasons=(),
        quality=Quality(True, 0.9, ()),
        mask=mask,
        lesions=lesions,
        heatmap=Heatmap("malignant", heat, 0.8),
        timing_ms={"total": 12.5},
        band=Band(0.2, 0.8, 0.1, 0.9, tuple(lesion.contour for lesion in lesions)),
    )
    info = ModelInfo("tiny", "1.0", model, 0.06, ("on 10 images",))
    return AnalysisResult(record.path, record.sha256, info, "cpu", (frame,), warnings=("small",))


def random_edit(rng, shape=SHAPE, frame=0):
    points = [(rng.uniform(5, shape[1] - 5), rng.uniform(5, shape[0] - 5)) for _ in range(3)]
    box, pixels = stroke(shape, points, rng.uniform(2, 8))
    return MaskEdit(frame, box, pixels, "Brush")


def random_step(rng, document, frame, choice):
    """Some step that changes the document; ``choice`` in [0, 1) says of which kind."""
    step = None
    if choice < 0.3:
        step = replacement_step(document, frame, None, "Back to AI outline")
    elif choice < 0.4:
        step = replacement_step(document, frame, disc(radius=rng.uniform(4, 30)), "Accept outline")
    elif choice < 0.5:
        name = rng.choice(("history", "impression"))
        longer = getattr(document.findings, name) + rng.choice("abcé ")
        step = findings_step(document, replace(document.findings, **{name: longer}), frame, name.title(), name)
    elif choice < 0.6:
        value = rng.choice(("2", "3", "4A", None))
        step = findings_step(document, replace(document.findings, assessment=value), frame, "Assessment")
    elif choice < 0.7:
        grip = rng.randrange(2)
        moved = [Calliper(Kind.LENGTH, ((0.5, grip), (rng.uniform(1, 90), 7)), frame, "Length 1")]
        step = marks_step(document, moved, document.calibration, frame, "Move Length 1", f"0.{grip}")
    elif choice < 0.75 and not states_scale(document.record):
        scale = Calibration(((0.0, 0.0), (0.0, rng.uniform(10, 50))), 10.0, frame) if rng.random() < 0.8 else None
        step = marks_step(document, document.callipers, scale, frame, "Calibrate")
    return step if step is not None else edit_step(document, random_edit(rng, frame=frame))


class Reader:
    """A reader as the window would have them: a document, its undo stack, and calls to keep what is done.

    ``run(n)`` does the n first acts of a script that depends on the seed alone, so that two readers can be compared.
    """

    def __init__(self, record, seed, keep=None, *, draws_only=False):
        self.document = Document(record)
        self.stack, self.position = [], 0
        self.rng = random.Random(seed)
        self.keep = keep
        self.edits = 0
        self.draws_only = draws_only

    def act(self):
        """One act: a stroke, a finding, a calliper; sometimes undo, redo, or a whole outline replaced or dropped."""
        choice = self.rng.random()
        frame = self.rng.randrange(len(self.document.record.frames))
        if choice < 0.15 and self.position:
            return self._undo()
        if choice < 0.25 and self.position < len(self.stack):
            return self._redo()
        step = random_step(self.rng, self.document, frame, 1.0 if self.draws_only and choice > 0.4 else choice)
        del self.stack[self.position :]
        whole = joined(self.stack[-1] if self.stack else None, step)
        if whole is not None:
            self.stack[-1] = whole
        else:
            self.stack.append(step)
            self.position += 1
        step.apply(self.document)
        return self._kept("step", step)

    def _undo(self):
        self.position -= 1
        self.stack[self.position].inverse().apply(self.document)
        return self._kept("undo")

    def _redo(self):
        self.stack[self.position].apply(self.document)
        self.position += 1
        return self._kept("redo")

    def _kept(self, kind, step=None):
        self.edits += 1
        if self.keep is not None:
            self.keep(kind, step)
        return kind

    def run(self, count):
        while self.edits < count:
            self.act()
        return self

    @property
    def masks(self):
        return {frame: self.document.reader_mask(frame) for frame in self.document.edited_frames}

    @property
    def said(self):
        return said(self.document)


def said(document):
    """What a document holds beside the outlines."""
    return document.findings, document.callipers, document.calibration


def keeping(store, image):
    """What to give a Reader so that its acts are kept in ``store`` at once."""

    def keep(kind, step):
        if kind == "step":
            store.commit(image, step)
        else:
            getattr(store, kind)(image)

    return keep


def same_masks(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[frame], other[frame]) for frame in one)


def same_steps(one, other):
    def key(step):
        if isinstance(step, FieldStep):
            return step
        parts = tuple(None if part is None else part.tobytes() for part in (step.before, step.after))
        return step.frame, step.box, step.label, step.chained, parts

    return [key(step) for step in one] == [key(step) for step in other]


def open_store(place, **options):
    return SqliteCaseStore(Path(place), "reader", **options)
