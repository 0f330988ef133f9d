"""What the tests of the store share: records without files' decoders, results, edits, and a scripted editing session."""

import hashlib
import random
from pathlib import Path

import numpy as np

from busi_viewer.core.band import Band
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import Basis, Proposal
from busi_viewer.core.masks import stroke
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality
from busi_viewer.core.steps import edit_step, replacement_step
from busi_viewer.store.case_store import SqliteCaseStore

SHAPE = (96, 128)


def make_record(path, content=b"pixels", *, write=True, facts=None, frames=1, shape=SHAPE):
    """A record of a file with this content; the file is written so that it can be looked for."""
    path = Path(path)
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pixels = np.zeros(shape, np.uint8)
    sha256 = hashlib.sha256(content).hexdigest()
    return ImageRecord(path, sha256, "png", ArrayFrames((pixels,) * frames), shape, (0.1, 0.1), facts=facts or {})


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


class Reader:
    """A reader as the window would have them: a document, its undo stack, and calls to keep what is done.

    ``run(n)`` does the n first acts of a script that depends on the seed alone, so that two readers can be compared.
    """

    def __init__(self, record, seed, keep=None):
        self.document = Document(record)
        self.stack, self.position = [], 0
        self.rng = random.Random(seed)
        self.keep = keep
        self.edits = 0

    def act(self):
        """One act: mostly a stroke, sometimes undo, redo, or a whole outline replaced or dropped."""
        choice = self.rng.random()
        frame = self.rng.randrange(len(self.document.record.frames))
        if choice < 0.15 and self.position:
            return self._undo()
        if choice < 0.25 and self.position < len(self.stack):
            return self._redo()
        step = None
        if choice < 0.3:
            step = replacement_step(self.document, frame, None, "Back to AI outline")
        elif choice < 0.4:
            step = replacement_step(self.document, frame, disc(radius=self.rng.uniform(4, 30)), "Accept outline")
        if step is None:
            step = edit_step(self.document, random_edit(self.rng, frame=frame))
        del self.stack[self.position :]
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
        parts = tuple(None if part is None else part.tobytes() for part in (step.before, step.after))
        return step.frame, step.box, step.label, parts

    return [key(step) for step in one] == [key(step) for step in other]


def open_store(place, **options):
    return SqliteCaseStore(Path(place), "reader", **options)
