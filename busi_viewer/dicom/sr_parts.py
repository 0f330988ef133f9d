"""Small parts of a measurement report: numbers, lines, comments, where on which frame of the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset

from busi_viewer.core.measure import Point
from busi_viewer.dicom import codes
from busi_viewer.dicom.origin import Origin

Group = sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations
Image = TypeVar("Image", bound=Dataset)


def image_of(origin: Origin, frame: int, kind: Any = sr.SourceImageForRegion) -> Any:
    """The source (and the frame of it, from 0, where it has several) as one of highdicom's kinds of image reference."""
    return kind(
        referenced_sop_class_uid=origin.header.SOPClassUID,
        referenced_sop_instance_uid=origin.header.SOPInstanceUID,
        referenced_frame_numbers=[frame + 1] if origin.frames > 1 else None,
    )


def comment(text: str) -> Dataset:
    """A comment in words."""
    return said(codes.COMMENT, text)


def said(concept: sr.CodedConcept, text: str) -> Dataset:
    """Free text under a concept."""
    return sr.TextContentItem(concept, text, relationship_type=sr.RelationshipTypeValues.CONTAINS)


def line(origin: Origin, frame: int, points: Sequence[Point]) -> sr.CoordinatesForMeasurement:
    """An open line through points given as pixel centres."""
    return sr.CoordinatesForMeasurement(
        graphic_type=sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.asarray(points, dtype=np.float64) + 0.5,
        source_image=image_of(origin, frame),
    )


def number(
    concept: sr.CodedConcept, value: float, unit: sr.CodedConcept, where: sr.CoordinatesForMeasurement | None = None
) -> sr.Measurement:
    """A measured value, exactly as given (Floating Point Value beside the decimal string)."""
    return sr.Measurement(
        name=concept, value=float(value), unit=unit, referenced_coordinates=[where] if where is not None else None
    )


def location_of(origin: Origin, side: str | None) -> sr.FindingSite:
    """The breast; its side as the reader says (left, right), else as the image does."""
    stated = {"left": "L", "right": "R"}.get(side or "", origin.side or "")
    return sr.FindingSite(anatomic_location=codes.BREAST, laterality=codes.SIDES.get(stated))
