"""Callipers that the reader places, and the reader's own calibration of an image that states none. Values only.

Points are image positions (x right, y down, pixel centres). Whatever has an angle in it (angles, perpendiculars, ellipses) is
computed in millimetres where they are known, so that pixels that are not square change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.measure import Lesion, Point

SCHEMA = 1
MOST_MM = 1000.0
"""Longest known length that a calibration may state."""


class Kind(StrEnum):
    """What a calliper measures.

    Its points are, for a length: its ends; two axes: the ends of A, then those of B; an angle: end, vertex, end; an ellipse:
    the ends of one axis, then a place whose distance from that axis (in mm where known) is half the other axis.
    """

    LENGTH = "length"
    TWO_AXIS = "two_axis"
    ANGLE = "angle"
    ELLIPSE = "ellipse"

    @property
    def points(self) -> int:
        """Number of points."""
        return {"length": 2, "two_axis": 4}.get(self.value, 3)

    @property
    def word(self) -> str:
        """The kind's name as shown."""
        return {"length": "Length", "two_axis": "Two axes", "angle": "Angle"}.get(self.value, "Ellipse")


@dataclass(frozen=True)
class Calliper:
    """One measurement on one frame. ``proposed``: placed by the machine along a lesion's axes and not moved since.

    Raises ValueError for a wrong number of points, or for points that are no numbers.
    """

    kind: Kind
    points: tuple[Point, ...]
    frame: int = 0
    name: str = ""
    proposed: bool = False

    def __post_init__(self) -> None:
        if len(self.points) != self.kind.points or self.frame < 0:
            raise ValueError(f"{len(self.points)} points on frame {self.frame} are no {self.kind}")
        if not all(math.isfinite(value) for point in self.points for value in point):
            raise ValueError("a calliper's points must be finite")

    def moved(self, index: int, to: Point) -> Calliper:
        """With one point elsewhere; it is then the reader's."""
        points = (*self.points[:index], to, *self.points[index + 1 :])
        return replace(self, points=points, proposed=False)

    def shifted(self, dx: float, dy: float) -> Calliper:
        """Moved as a whole; it is then the reader's."""
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points), proposed=False)


@dataclass(frozen=True)
class Calibration:
    """The reader's: the line between ``points`` is ``mm`` long, pixels are taken as square. It holds for every frame.

    Raises ValueError for a line shorter than a pixel and a length that is not in (0, MOST_MM].
    """

    points: tuple[Point, Point]
    mm: float
    frame: int = 0

    def __post_init__(self) -> None:
        if not (math.dist(*self.points) >= 1.0 and 0.0 < self.mm <= MOST_MM):
            raise ValueError(f"{self.mm} mm between {self.points} is no calibration")

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """(dy, dx) in mm."""
        side = self.mm / math.dist(*self.points)
        return side, side


@dataclass(frozen=True)
class Scale:
    """How a calliper is measured: (dy, dx) in mm, or None for pixels; ``note`` says why there are no mm although the file
    states some. ``by_reader``: the calibration is the reader's.
    """

    spacing_mm: tuple[float, float] | None
    by_reader: bool = False
    note: str = ""

    def place(self, point: Point) -> Point:
        """A point in the plane in which is measured: mm, or px taken as square."""
        dy, dx = self.spacing_mm or (1.0, 1.0)
        return point[0] * dx, point[1] * dy

    def image(self, place: Point) -> Point:
        """The inverse of :meth:`place`."""
        dy, dx = self.spacing_mm or (1.0, 1.0)
        return place[0] / dx, place[1] / dy


@dataclass(frozen=True)
class Quantity:
    """One measured value. ``name`` is length, axis_a, axis_b, angle, perimeter or area; ``unit`` mm, mm², px, px² or °."""

    name: str
    value: float
    unit: str

    @property
    def text(self) -> str:
        """The value with its unit, as shown: mm to a tenth, px and degrees whole, areas whole from 10 on."""
        digits = 1 if self.unit == "mm" or (self.unit == "mm²" and self.value < 10) else 0
        space = "" if self.unit == "°" else " "
        return f"{self.value:,.{digits}f}{space}{self.unit}"


CROSSING = "reaches from one acquisition region into another"
DIFFERENT = "crosses acquisition regions with different calibration"
OUTSIDE = "leaves the calibrated acquisition region"


def scale_of(record: ImageRecord, points: Sequence[Point]) -> Scale:
    """The scale for points of one calliper: that of the region that holds them all, else of the image, else px.

    A region within a region counts with its own calibration. From region to region nothing is measured in mm, since what
    lies between two panes of an image is no distance.
    """
    if not record.regions:
        return Scale(record.spacing_mm, by_reader=record.calibrated_by_reader)
    found = [record.spacing_at(*point) for point in points]
    inside = [spacing for spacing in found if spacing is not None]
    if any(not _same(inside[0], other) for other in inside[1:]):
        return Scale(None, note=DIFFERENT)
    if len(inside) < len(points):
        return Scale(None, note=OUTSIDE if inside else "")
    if not any(all(region.contains(*point) for point in points) for region in record.regions):
        return Scale(None, note=CROSSING)
    return Scale(inside[0])


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(math.isclose(one, other, rel_tol=1e-3) for one, other in zip(a, b, strict=True))


def calliper_scale(record: ImageRecord, calliper: Calliper) -> Scale:
    """The scale of a calliper; an ellipse must lie inside its region with all four ends of its axes."""
    scale = scale_of(record, calliper.points)
    if calliper.kind is Kind.ELLIPSE and scale.spacing_mm is not None:
        (a, b), (c, d) = ellipse_axes(calliper.points, scale)
        return scale_of(record, (a, b, c, d))
    return scale


def quantities(calliper: Calliper, scale: Scale) -> tuple[Quantity, ...]:
    """What a calliper says. An ellipse's perimeter is Ramanujan's second approximation (1914), exact to 1e-4."""
    places = [scale.place(point) for point in calliper.points]
    unit = "px" if scale.spacing_mm is None else "mm"
    if calliper.kind is Kind.LENGTH:
        return (Quantity("length", math.dist(*places), unit),)
    if calliper.kind is Kind.TWO_AXIS:
        a, b = math.dist(*places[:2]), math.dist(*places[2:])
        return Quantity("axis_a", a, unit), Quantity("axis_b", b, unit)
    if calliper.kind is Kind.ANGLE:
        return (Quantity("angle", _angle(*places), "°"),)
    (p, q), (r, s) = ellipse_axes(calliper.points, scale)
    a = math.dist(scale.place(p), scale.place(q))
    b = math.dist(scale.place(r), scale.place(s))
    h = ((a - b) / (a + b)) ** 2 if a + b else 0.0
    around = math.pi * (a + b) / 2 * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    return (
        Quantity("axis_a", a, unit),
        Quantity("axis_b", b, unit),
        Quantity("perimeter", around, unit),
        Quantity("area", math.pi * a * b / 4, f"{unit}²"),
    )


def summary(found: Sequence[Quantity]) -> str:
    """What a calliper says in one line, without an ellipse's circumference: ``20.1 × 15.0 mm, 236 mm²``."""
    texts = {quantity.name: quantity.text for quantity in found}
    if "axis_a" not in texts:
        return next(iter(texts.values()))
    both = f"{texts['axis_a'].rsplit(' ', 1)[0]} × {texts['axis_b']}"
    return f"{both}, {texts['area']}" if "area" in texts else both


def measured(calliper: Calliper, record: ImageRecord) -> tuple[tuple[Quantity, ...], Scale]:
    """What a calliper says on an image, and the scale it was measured with."""
    scale = calliper_scale(record, calliper)
    return quantities(calliper, scale), scale


def _angle(end: Point, vertex: Point, other: Point) -> float:
    """Degrees in [0, 180] between two arms; 0 where an arm has no length."""
    u = (end[0] - vertex[0], end[1] - vertex[1])
    v = (other[0] - vertex[0], other[1] - vertex[1])
    return math.degrees(math.atan2(abs(u[0] * v[1] - u[1] * v[0]), u[0] * v[0] + u[1] * v[1]))


def ellipse_axes(points: Sequence[Point], scale: Scale) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    """End points in the image of both axes of an ellipse, the drawn one first; the other stands on its middle."""
    a, b, c = (scale.place(point) for point in points)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    nx, ny, reach = _across(a, b, c)
    ends = ((middle[0] + nx * reach, middle[1] + ny * reach), (middle[0] - nx * reach, middle[1] - ny * reach))
    return (points[0], points[1]), (scale.image(ends[0]), scale.image(ends[1]))


ELLIPSE_STEPS = 72
"""Straight pieces that an ellipse is drawn with."""


def straight_lines(calliper: Calliper, scale: Scale) -> list[tuple[Point, Point]]:
    """Its straight lines in the image: one, both axes, both arms, or an ellipse's two axes."""
    points = calliper.points
    if calliper.kind is Kind.ELLIPSE:
        return list(ellipse_axes(points, scale))
    if calliper.kind is Kind.ANGLE:
        return [(points[0], points[1]), (points[1], points[2])]
    return [(points[i], points[i + 1]) for i in range(0, len(points), 2)]


def ring(calliper: Calliper, scale: Scale) -> list[Point]:
    """The closed line of an ellipse in the image; nothing for other kinds."""
    if calliper.kind is not Kind.ELLIPSE:
        return []
    (a, b), (c, d) = ellipse_axes(calliper.points, scale)
    turns = [2 * math.pi * i / ELLIPSE_STEPS for i in range(ELLIPSE_STEPS)]
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    u, v = ((b[0] - a[0]) / 2, (b[1] - a[1]) / 2), ((d[0] - c[0]) / 2, (d[1] - c[1]) / 2)
    return [(x + u[0] * math.cos(t) + v[0] * math.sin(t), y + u[1] * math.cos(t) + v[1] * math.sin(t)) for t in turns]


def squared(a: Point, b: Point, start: Point, end: Point, scale: Scale) -> Point:
    """``end`` moved so that start–end is perpendicular to a–b, as far from a–b as it was."""
    pa, pb, ps, pe = (scale.place(point) for point in (a, b, start, end))
    nx, ny, _ = _across(pa, pb, pe)
    reach = (pe[0] - ps[0]) * nx + (pe[1] - ps[1]) * ny
    return scale.image((ps[0] + nx * reach, ps[1] + ny * reach))


def off_square(a: Point, b: Point, start: Point, end: Point, scale: Scale) -> float:
    """Degrees in [0, 90] by which start–end is not perpendicular to a–b."""
    pa, pb, ps, pe = (scale.place(point) for point in (a, b, start, end))
    turned = (ps[0] + pb[0] - pa[0], ps[1] + pb[1] - pa[1])
    return abs(90.0 - _angle(turned, ps, pe))


def _across(a: Point, b: Point, c: Point) -> tuple[float, float, float]:
    """Unit normal of a–b and how far ``c`` lies along it from a–b."""
    x, y = b[0] - a[0], b[1] - a[1]
    long = math.hypot(x, y)
    nx, ny = (-y / long, x / long) if long else (0.0, 1.0)
    return nx, ny, (c[0] - a[0]) * nx + (c[1] - a[1]) * ny


def proposal(lesion: Lesion, frame: int, name: str = "") -> Calliper:
    """Two axes along a measured lesion: the longest, then the widest perpendicular to it."""
    return Calliper(Kind.TWO_AXIS, (*lesion.long_axis, *lesion.short_axis), frame, name, proposed=True)


SAME_PX = 1.0


def repeats(calliper: Calliper, lesion: Lesion) -> bool:
    """Whether a calliper stands where a lesion's axes are, within SAME_PX at every end."""
    if calliper.kind is not Kind.TWO_AXIS:
        return False
    lines = ((calliper.points[:2], lesion.long_axis), (calliper.points[2:], lesion.short_axis))
    return all(
        min(max(math.dist(a, c), math.dist(b, d)), max(math.dist(a, d), math.dist(b, c))) <= SAME_PX
        for (a, b), (c, d) in lines
    )


def calibrated(record: ImageRecord, calibration: Calibration | None) -> ImageRecord:
    """The record with the reader's calibration, or (None) without. Raises ValueError where the file states its own."""
    if states_scale(record):
        raise ValueError("the file states its own calibration")
    return replace(
        record,
        spacing_mm=calibration.spacing_mm if calibration is not None else None,
        calibrated_by_reader=calibration is not None,
    )


def states_scale(record: ImageRecord) -> bool:
    """Whether the file itself states a calibration, for all of the image or a part of it; a reader's is not taken then."""
    return bool(record.regions) or (record.spacing_mm is not None and not record.calibrated_by_reader)


def to_json(callipers: Sequence[Calliper], calibration: Calibration | None) -> dict[str, Any]:
    """Both as a JSON value, for the case store."""
    return {
        "schema": SCHEMA,
        "calibration": None
        if calibration is None
        else {"points": [list(p) for p in calibration.points], "mm": calibration.mm, "frame": calibration.frame},
        "callipers": [
            {
                "kind": calliper.kind.value,
                "points": [list(point) for point in calliper.points],
                "frame": calliper.frame,
                "name": calliper.name,
                "proposed": calliper.proposed,
            }
            for calliper in callipers
        ],
    }


def from_json(value: Mapping[str, Any]) -> tuple[tuple[Calliper, ...], Calibration | None]:
    """The inverse of :func:`to_json`. Raises ValueError for a schema that is not known or values that do not fit it."""
    if value.get("schema") != SCHEMA:
        raise ValueError(f"callipers of schema {value.get('schema')!r} are not known")
    try:
        callipers = tuple(
            Calliper(Kind(item["kind"]), _points(item["points"]), item["frame"], item["name"], item["proposed"])
            for item in value["callipers"]
        )
        stated = value["calibration"]
        if stated is None:
            return callipers, None
        a, b = _points(stated["points"])
        return callipers, Calibration((a, b), float(stated["mm"]), stated["frame"])
    except (KeyError, TypeError) as error:
        raise ValueError("callipers do not fit their schema") from error


def _points(pairs: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in pairs)
