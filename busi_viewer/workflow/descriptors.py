"""The descriptor model in use, and its proposals for the lesions of a frame."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from busi_viewer import paths
from busi_viewer.core.descriptors import MOST, DescriptorModel, propose, read_model
from busi_viewer.core.errors import ModelError
from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.core.lexicon import Proposal
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import FrameResult
from busi_viewer.workflow.models import DESCRIPTORS, DESCRIPTORS_FILE

PLACE = Path(DESCRIPTORS) / DESCRIPTORS_FILE
ULTRASOUND = ("US", "OT", "SC")
"""DICOM modalities that may hold ultrasound: ultrasound itself, other, and secondary capture."""

_log = logging.getLogger(__name__)


def model() -> DescriptorModel | None:
    """The user's own descriptor model if there is one among the user's models, else the bundled one.

    Read once for each state of the file. None (and a line in the log) if it cannot be used: then nothing but orientation
    is proposed.
    """
    own, bundled = paths.user_models() / PLACE, paths.bundled_models() / PLACE
    path = own if own.is_file() else bundled
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    except ModelError as error:
        _log.warning("no descriptors are proposed: %s", error.what)
        return None


@functools.lru_cache(maxsize=2)
def _read(path: Path, modified: int) -> DescriptorModel:
    return read_model(path)


def proposals(record: ImageRecord, pixels: Pixels, lesions: Sequence[Lesion], index: int) -> tuple[Proposal, ...]:
    """The proposals for one of the lesions of a frame of ``record``, whose pixels are given; milliseconds.

    A DICOM file of another modality than ultrasound gets orientation alone; so does every lesion after the largest
    :data:`busi_viewer.core.descriptors.MOST`.
    """
    foreign = record.facts.get("Modality") not in (None, "", *ULTRASOUND)
    return propose(lesions, index, pixels, record.window, None if foreign or index >= MOST else model())


def with_proposals(record: ImageRecord, pixels: Pixels, lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """The lesions of a frame, each with its :func:`proposals`."""
    return tuple(
        replace(lesion, descriptors=proposals(record, pixels, lesions, index)) for index, lesion in enumerate(lesions)
    )


def described(record: ImageRecord, frame: FrameResult) -> FrameResult:
    """The result with proposals on its lesions; unchanged where the outline is withheld. Raises UnreadableImage."""
    if frame.abstained or not frame.lesions:
        return frame
    return replace(frame, lesions=with_proposals(record, record.frames[frame.index], frame.lesions))
