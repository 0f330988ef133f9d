"""Whether an image is one that the model may judge."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.content import COLOURED, describe
from busi_viewer.core.errors import NotUltrasound
from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.core.results import Quality
from busi_viewer.core.texture import texture
from busi_viewer.nets.card import Guard, LearnedGuard
from busi_viewer.nets.novelty import likeness

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


def judge(
    frame: Pixels,
    window: tuple[float, float],
    square: NDArray[np.uint8],
    embedding: NDArray[np.float32],
    guard: LearnedGuard | Guard | None,
) -> Quality:
    """Whether the model may judge a frame; ``square`` (S, S) is the frame as the network saw it.

    What the pixels say first (too small, blank, Doppler, drawn, two views), then how unlike the training images the frame is. The
    score is 0.5 at the guard's limit and near 1 for images like those; None without a fitted guard.
    """
    reasons = []
    if min(frame.shape[:2]) < MIN_SIDE:
        reasons.append(f"Image smaller than {MIN_SIDE} pixels")
    content = describe(frame, window, marks=False)
    if content.blank:
        reasons.append("Image almost blank")
    if content.colour_share >= COLOURED:
        reasons.append("Coloured image (Doppler, elastography or a photograph)")
    elif content.flow:
        reasons.append("Colour Doppler")
    if content.drawn and not content.blank:
        reasons.append("Drawn areas, as on a document or a screenshot")
    if content.two_views:
        reasons.append("Two views side by side")
    if guard is None:
        return Quality(not reasons, None, tuple(reasons))
    score = _likeness(square, embedding, guard)
    if not score >= 0.5:
        reasons.append("Unlike the training images")
    return Quality(not reasons, score if np.isfinite(score) else 0.0, tuple(reasons))


def _likeness(square: NDArray[np.uint8], embedding: NDArray[np.float32], guard: LearnedGuard | Guard) -> float:
    """In [0, 1], 0.5 at the guard's limit; NaN where the embedding is not finite.

    With a guard of earlier releases from the squared Mahalanobis distance d² of the embedding: limit / (limit + d²).
    """
    if isinstance(guard, LearnedGuard):
        return likeness(guard, embedding, texture(square))
    offset = embedding.astype(np.float64) - np.asarray(guard.mean)
    distance = float(((offset @ np.asarray(guard.projection)) ** 2).sum())
    return guard.limit / (guard.limit + distance)
