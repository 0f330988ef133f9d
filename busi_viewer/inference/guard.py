"""Whether an image is one that the model may judge."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.content import colour_share, is_blank
from busi_viewer.core.errors import NotUltrasound
from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.core.results import Quality
from busi_viewer.nets.card import Guard

MIN_SIDE = 64


ANALYSED_MODALITIES = ("US", "OT", "SC")
"""DICOM modalities that may hold ultrasound: ultrasound itself, other, and secondary capture."""


def refuse_foreign(record: ImageRecord) -> None:
    """Raise NotUltrasound for a DICOM file that states another modality (CT, MR, MG …)."""
    modality = record.facts.get("Modality")
    if modality and modality not in ANALYSED_MODALITIES:
        named = modality if re.fullmatch(r"[A-Z0-9_ ]{1,16}", modality) else "unknown"
        raise NotUltrasound(
            f"this is not an ultrasound image (modality {named}), so it is not analysed",
            path=record.path,
            remedy="Analyse ultrasound images only.",
        )


def judge(frame: Pixels, grey: NDArray[np.uint8], embedding: NDArray[np.float32], guard: Guard | None) -> Quality:
    """Compare a frame with the training images.

    Simple faults first (too small, blank, coloured), then the Mahalanobis distance d² of the embedding. The score is
    limit / (limit + d²): 0.5 at the limit, near 1 for images like the training images; None without a fitted guard.
    """
    reasons = []
    if min(grey.shape) < MIN_SIDE:
        reasons.append(f"Image smaller than {MIN_SIDE} pixels")
    if is_blank(grey):
        reasons.append("Image almost blank")
    if guard is None:
        return Quality(not reasons, None, tuple(reasons))
    if colour_share(frame) > guard.max_colour:
        reasons.append("Coloured image (Doppler, elastography or a photograph)")
    offset = embedding.astype(np.float64) - np.asarray(guard.mean)
    distance = float(((offset @ np.asarray(guard.projection)) ** 2).sum())
    if not distance <= guard.limit:
        reasons.append("Unlike the training images")
    return Quality(not reasons, guard.limit / (guard.limit + distance), tuple(reasons))
