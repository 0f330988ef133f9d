"""Sizes in millimetres, frame rate and descriptive facts of a DICOM image."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from busi_viewer.core.image import Region
from busi_viewer.dicom.values import integer, items, number, numbers, shared_group, text

FACTS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyDescription",
    "SeriesDescription",
    "Manufacturer",
    "ManufacturerModelName",
    "Modality",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
)
_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRES = 1, 1, 3
_PLAUSIBLE_MM = (0.0005, 10.0)
_TOLERANCE = 0.01
_MAX_REGIONS = 64


def calibrate(
    ds: Dataset, shape: tuple[int, int]
) -> tuple[tuple[Region, ...], tuple[float, float] | None, tuple[str, ...]]:
    """Calibrated regions, spacing (dy, dx) in mm of the whole image or None, and warnings.

    2D tissue regions of the ultrasound calibration (PS3.3 C.8.5.5) win over Pixel Spacing. Imager Pixel Spacing is at the
    detector, not in the patient, and is never used.
    """
    regions = _regions(ds, shape)
    general = _pixel_spacing(ds)
    if not regions:
        return (), general, ()
    warnings: tuple[str, ...] = ()
    if general is not None and any(_differ(region.spacing_mm, general) for region in regions):
        warnings = ("The ultrasound calibration and Pixel Spacing disagree; the ultrasound calibration is used.",)
    height, width = shape
    whole = len(regions) == 1 and (regions[0].x0, regions[0].y0, regions[0].x1, regions[0].y1) == (0, 0, width, height)
    return regions, regions[0].spacing_mm if whole else None, warnings


def _regions(ds: Dataset, shape: tuple[int, int]) -> tuple[Region, ...]:
    found = (_region(item, shape) for item in items(ds, "SequenceOfUltrasoundRegions")[:_MAX_REGIONS])
    return tuple(region for region in found if region is not None)


def _region(item: Dataset, shape: tuple[int, int]) -> Region | None:
    """A 2D tissue region in centimetres, clipped to the image; None for any other or a senseless one."""
    if (integer(item, "RegionSpatialFormat"), integer(item, "RegionDataType")) != (_TWO_DIMENSIONAL, _TISSUE):
        return None
    if {integer(item, "PhysicalUnitsXDirection"), integer(item, "PhysicalUnitsYDirection")} != {_CENTIMETRES}:
        return None
    spacing = _plausible(10 * (number(item, "PhysicalDeltaY") or 0.0), 10 * (number(item, "PhysicalDeltaX") or 0.0))
    corners = [integer(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if spacing is None or None in corners:
        return None
    x0, y0, x1, y1 = (corner or 0 for corner in corners)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1 + 1, shape[1]), min(y1 + 1, shape[0])
    return Region(x0, y0, x1, y1, spacing) if x1 > x0 and y1 > y0 else None


def _pixel_spacing(ds: Dataset) -> tuple[float, float] | None:
    """Pixel Spacing (row distance dy, column distance dx) of the image or shared by all its frames."""
    measures = shared_group(ds, "PixelMeasuresSequence")
    values = numbers(ds, "PixelSpacing") or (numbers(measures, "PixelSpacing") if measures is not None else ())
    return _plausible(values[0], values[1]) if len(values) == 2 else None


def _plausible(dy: float, dx: float) -> tuple[float, float] | None:
    """The spacing without signs, or None where no ultrasound image can have it (zero, microscopic or huge)."""
    low, high = _PLAUSIBLE_MM
    return (abs(dy), abs(dx)) if low <= abs(dy) <= high and low <= abs(dx) <= high else None


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return any(abs(a - b) > _TOLERANCE * max(a, b) for a, b in zip(one, other, strict=True))


def frame_rate(ds: Dataset) -> float | None:
    """Frames per second as recorded, else as recommended for display, else from the time between frames."""
    rate = number(ds, "CineRate") or number(ds, "RecommendedDisplayFrameRate")
    if not rate:
        interval = number(ds, "FrameTime")
        rate = 1000.0 / interval if interval and interval > 0 else None
    return rate if rate is not None and 0.1 <= rate <= 1000.0 else None


def facts(ds: Dataset) -> Mapping[str, str]:
    """What may be shown about patient and examination. Never log it."""
    found = {keyword: text(ds, keyword) for keyword in FACTS}
    found["Laterality"] = text(ds, "ImageLaterality") or text(ds, "Laterality")
    return MappingProxyType({keyword: words for keyword, words in found.items() if words is not None})
