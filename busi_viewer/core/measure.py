"""Sizes of a lesion mask, in pixels and, where the spacing is known, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.lexicon import Proposal
from busi_viewer.core.masks import outer_contour, set_part

Point = tuple[float, float]


@dataclass(frozen=True)
class Lesion:
    """One outlined lesion. Lengths along axes; ``ap`` is the vertical and ``width`` the horizontal extent.

    ``bbox`` is (x, y, w, h) in pixels; ``contour`` (N, 2) int32 x, y; ``long_axis`` and ``short_axis`` are end points in
    pixels. Values in mm are None where the image is not calibrated. ``angle_deg`` ∈ (−90, 90], 0 = parallel to the image's
    top edge, positive = falling to the right (y points down). ``region`` is the index of the calibrated region or None.
    ``descriptors`` are the machine's proposals, where they were made (:mod:`busi_viewer.core.descriptors`).
    """

    area_px: int
    long_axis_px: float
    short_axis_px: float
    ap_px: float
    width_px: float
    angle_deg: float
    bbox: tuple[int, int, int, int]
    contour: NDArray[np.int32]
    long_axis: tuple[Point, Point]
    short_axis: tuple[Point, Point]
    area_mm2: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    ap_mm: float | None = None
    width_mm: float | None = None
    region: int | None = None
    mean_probability: float | None = None
    descriptors: tuple[Proposal, ...] = ()

    @property
    def orientation(self) -> str:
        """BI-RADS orientation by geometry: parallel if wider than tall, else (round included) not parallel.

        Width and height are the extents along and across the image's top edge, which stands for the skin; in mm where they
        are known, else in pixels, taken as square. Source: "taller than wide", Stavros et al., Radiology 196 (1995)
        123–134; that a round mass counts as not parallel is the lexicon's (BI-RADS ultrasound, 5th edition, 2013).
        """
        if self.ap_mm is None or self.width_mm is None:
            return "parallel" if self.width_px > self.ap_px else "not parallel"
        return "parallel" if self.width_mm > self.ap_mm else "not parallel"


def _boundary(contour: NDArray[np.int32]) -> NDArray[np.float64]:
    """Mid-points of the outer sides of boundary pixels, so that a shape w pixels wide measures w, not w − 1."""
    centres = contour.astype(np.float64)
    offsets = np.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
    return np.asarray((centres[:, None, :] + offsets[None, :, :]).reshape(-1, 2), dtype=np.float64)


def _longest(points: NDArray[np.float64]) -> tuple[int, int]:
    """Indices of the two points farthest apart (maximum Feret diameter) among convex-hull vertices."""
    squared = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
    i, j = np.unravel_index(int(squared.argmax()), squared.shape)
    return int(i), int(j)


def _axes(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Long axis (2, 2) = maximum Feret diameter, and the widest extent (2, 2) perpendicular to it, drawn through its middle."""
    hull = np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0, :], dtype=np.float64)
    i, j = _longest(hull)
    a, b = (hull[i], hull[j]) if tuple(hull[i]) <= tuple(hull[j]) else (hull[j], hull[i])
    along = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
    across = np.array([-along[1], along[0]])
    reach = (hull - a) @ across
    position = float(np.mean([(hull[int(reach.argmin())] - a) @ along, (hull[int(reach.argmax())] - a) @ along]))
    foot = a + along * position
    return np.stack([a, b]), np.stack([foot + across * reach.min(), foot + across * reach.max()])


def _length(axis: NDArray[np.float64], scale: NDArray[np.float64]) -> float:
    return float(np.hypot(*((axis[1] - axis[0]) * scale)))


def _ends(axis: NDArray[np.float64]) -> tuple[Point, Point]:
    return (float(axis[0, 0]), float(axis[0, 1])), (float(axis[1, 0]), float(axis[1, 1]))


def measure(mask: Mask, spacing_mm: tuple[float, float] | None = None, region: int | None = None) -> Lesion:
    """Measure one component. With anisotropic spacing (dy, dx) the axes are found in millimetres, not in pixels.

    Raises ValueError for an empty mask.
    """
    contour = outer_contour(mask)
    if not len(contour):
        raise ValueError("an empty mask has no size")
    x, y, w, h = (int(v) for v in cv2.boundingRect(contour.reshape(-1, 1, 2)))
    dy, dx = spacing_mm or (1.0, 1.0)
    scale = np.array([dx, dy])
    long_axis, short_axis = (axis / scale for axis in _axes(_boundary(contour) * scale))
    one = np.ones(2)
    run = (long_axis[1] - long_axis[0]) * scale
    angle = float(np.degrees(np.arctan2(run[1], run[0])))
    angle = angle + 180.0 if angle <= -90.0 else angle - 180.0 if angle > 90.0 else angle
    area = int(mask.sum())
    known = spacing_mm is not None
    return Lesion(
        area_px=area,
        long_axis_px=_length(long_axis, one),
        short_axis_px=_length(short_axis, one),
        ap_px=float(h),
        width_px=float(w),
        angle_deg=angle,
        bbox=(x, y, w, h),
        contour=contour,
        long_axis=_ends(long_axis),
        short_axis=_ends(short_axis),
        area_mm2=area * dy * dx if known else None,
        long_axis_mm=_length(long_axis, scale) if known else None,
        short_axis_mm=_length(short_axis, scale) if known else None,
        ap_mm=h * dy if known else None,
        width_mm=w * dx if known else None,
        region=region,
    )


def rescaled(lesion: Lesion, side_mm: float | None) -> Lesion:
    """The lesion in mm of square pixels with this side, or (None) in px alone; for images whose file states no scale.

    With square pixels the axes are the same in mm and in px.
    """
    known = side_mm is not None
    side = side_mm or 0.0
    return replace(
        lesion,
        area_mm2=lesion.area_px * side * side if known else None,
        long_axis_mm=lesion.long_axis_px * side if known else None,
        short_axis_mm=lesion.short_axis_px * side if known else None,
        ap_mm=lesion.ap_px * side if known else None,
        width_mm=lesion.width_px * side if known else None,
    )


def measure_all(mask: Mask, record: ImageRecord, probability: NDArray[np.floating] | None = None) -> tuple[Lesion, ...]:
    """Every lesion of the mask, largest first, calibrated by the region that holds its centre.

    ``probability`` (H, W) gives each lesion's mean confidence.
    """
    lesions = []
    (rows, columns), lit = set_part(mask)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(lit, connectivity=8)
    for index in sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA])):
        x, y, w, h = (int(v) for v in stats[index, :4])
        part = labels[y : y + h, x : x + w] == index
        x, y = x + columns.start, y + rows.start
        cx, cy = float(centres[index, 0]) + columns.start, float(centres[index, 1]) + rows.start
        lesion = _moved(measure(part, record.spacing_at(cx, cy), record.region_at(cx, cy)), x, y)
        if probability is not None:
            inside = probability[y : y + h, x : x + w][part]
            lesion = replace(lesion, mean_probability=float(np.mean(inside, dtype=np.float64)))
        lesions.append(lesion)
    return tuple(lesions)


def _moved(lesion: Lesion, x: int, y: int) -> Lesion:
    """The lesion measured in a cut-out whose corner is (x, y), in the coordinates of the whole image."""

    def shifted(axis: tuple[Point, Point]) -> tuple[Point, Point]:
        (ax, ay), (bx, by) = axis
        return (ax + x, ay + y), (bx + x, by + y)

    return replace(
        lesion,
        bbox=(lesion.bbox[0] + x, lesion.bbox[1] + y, lesion.bbox[2], lesion.bbox[3]),
        contour=lesion.contour + np.array([x, y], dtype=np.int32),
        long_axis=shifted(lesion.long_axis),
        short_axis=shifted(lesion.short_axis),
    )
