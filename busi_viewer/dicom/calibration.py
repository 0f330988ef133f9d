"""Sizes in millimetres, frame rate and descriptive facts of a DICOM image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
Box = tuple[int, int, int, int]
_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRES = 1, 1, 3
_TRACES = {2, 3, 4}
"""Region Spatial Formats with an axis that is no distance: M-mode, spectrum, waveform."""
_PLAUSIBLE_MM = (0.0005, 10.0)
_TOLERANCE = 0.01
_MAX_REGIONS = 64


@dataclass(frozen=True)
class Calibration:
    """``regions`` are calibrated, the foremost first, ``covered`` as in ImageRecord; ``spacing`` (dy, dx) mm of the whole image."""

    regions: tuple[Region, ...] = ()
    covered: tuple[Box, ...] = ()
    spacing: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()


def calibrate(ds: Dataset, shape: tuple[int, int]) -> Calibration:
    """The sizes of an image of (height, width).

    2D tissue regions of the ultrasound calibration (PS3.3 C.8.5.5) win over Pixel Spacing. Imager Pixel Spacing is at the
    detector and Nominal Scanned Pixel Spacing on paper, not in the patient: they are never used, only compared.
    """
    regions, covered = _regions(ds, shape)
    general = _pixel_spacing(ds)
    if not regions:
        return Calibration(spacing=general)
    warnings = tuple(
        f"The ultrasound calibration and {name} disagree; the ultrasound calibration is used."
        for name, spacing in (("Pixel Spacing", general), *_foreign_spacings(ds))
        if spacing is not None and any(_differ(region.spacing_mm, spacing) for region in regions)
    )
    height, width = shape
    whole = not covered and len(regions) == 1 and _box(regions[0]) == (0, 0, width, height)
    return Calibration(regions, covered, regions[0].spacing_mm if whole else None, warnings)


def _regions(ds: Dataset, shape: tuple[int, int]) -> tuple[tuple[Region, ...], tuple[Box, ...]]:
    """Calibrated regions, and the boxes of traces that lie over them.

    Where regions overlap, the one of high priority is seen (Region Flags, bit 0 = 0), and of equal ones the smaller, which
    is an inset. A trace that is not surely behind the tissue counts as in front of it.
    """
    tissue: list[tuple[int, Region]] = []
    traces: list[tuple[int, Box]] = []
    for item in items(ds, "SequenceOfUltrasoundRegions")[:_MAX_REGIONS]:
        low_priority = (integer(item, "RegionFlags") or 0) & 1
        box = _clipped(item, shape)
        region = _region(item, box)
        if region is not None:
            tissue.append((low_priority, region))
        elif box is not None and integer(item, "RegionSpatialFormat") in _TRACES:
            traces.append((low_priority, box))
    tissue.sort(key=lambda found: (found[0], _area(_box(found[1]))))
    in_front = {
        box
        for low_priority, box in traces
        if any(_overlap(box, _box(region)) and low_priority <= other for other, region in tissue)
    }
    return tuple(region for _, region in tissue), tuple(sorted(in_front))


def _region(item: Dataset, box: Box | None) -> Region | None:
    """A 2D tissue region in centimetres; None for any other or a senseless one."""
    if (integer(item, "RegionSpatialFormat"), integer(item, "RegionDataType")) != (_TWO_DIMENSIONAL, _TISSUE):
        return None
    if {integer(item, "PhysicalUnitsXDirection"), integer(item, "PhysicalUnitsYDirection")} != {_CENTIMETRES}:
        return None
    spacing = _plausible(10 * (number(item, "PhysicalDeltaY") or 0.0), 10 * (number(item, "PhysicalDeltaX") or 0.0))
    return Region(*box, spacing) if spacing is not None and box is not None else None


def _clipped(item: Dataset, shape: tuple[int, int]) -> Box | None:
    """A region's box (its last pixel belongs to it) inside the image; None where nothing of it is."""
    corners = [integer(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if None in corners:
        return None
    x0, y0, x1, y1 = (corner or 0 for corner in corners)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1 + 1, shape[1]), min(y1 + 1, shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _box(region: Region) -> Box:
    return region.x0, region.y0, region.x1, region.y1


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(one: Box, other: Box) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])


def _pixel_spacing(ds: Dataset) -> tuple[float, float] | None:
    """Pixel Spacing (row distance dy, column distance dx) of the image or of all its frames alike."""
    here = _pair(ds, "PixelSpacing")
    if here is not None:
        return here
    shared = shared_group(ds, "PixelMeasuresSequence")
    if shared is not None:
        return _pair(shared, "PixelSpacing")
    frames = items(ds, "PerFrameFunctionalGroupsSequence")
    found = {_pair(measures, "PixelSpacing") for frame in frames for measures in items(frame, "PixelMeasuresSequence")}
    return found.pop() if len(found) == 1 else None


def _foreign_spacings(ds: Dataset) -> tuple[tuple[str, tuple[float, float] | None], ...]:
    return (
        ("Imager Pixel Spacing", _pair(ds, "ImagerPixelSpacing")),
        ("Nominal Scanned Pixel Spacing", _pair(ds, "NominalScannedPixelSpacing")),
    )


def _pair(ds: Dataset, keyword: str) -> tuple[float, float] | None:
    values = numbers(ds, keyword)
    return _plausible(values[0], values[1]) if len(values) == 2 and min(values) > 0 else None


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
