"""Outlines and callipers as a presentation state: a viewer draws them over the untouched image.

Grayscale Softcopy (PS3.3 A.33.1) for grey sources, Color Softcopy (A.33.2) for RGB, YBR and palettes. Graphic positions in
PIXEL units count from the corner of the first pixel (C.10.5), ours from its centre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Several
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ColorSoftcopyPresentationStateStorage, GrayscaleSoftcopyPresentationStateStorage

from busi_viewer.core.callipers import Calliper, Kind, calliper_scale, ellipse_axes, measured
from busi_viewer.core.derived import RESEARCH, Derived, Outline
from busi_viewer.core.errors import OutputError
from busi_viewer.core.measure import Lesion
from busi_viewer.core.render import CALLIPER_COLOUR, LESION_COLOURS, outlines
from busi_viewer.dicom.envelope import Series, begin
from busi_viewer.dicom.naming import date, person, time
from busi_viewer.dicom.origin import Origin

READER, MACHINE, CALLIPERS, NOTE = "READER", "AI", "CALLIPERS", "NOTE"
MOST_POINTS = 4000
"""A polyline's most points; an explicit FL element holds 16,383 values."""

_LAYERS = (
    (MACHINE, "AI outlines", LESION_COLOURS[1]),
    (READER, "Reader's outlines", LESION_COLOURS[0]),
    (CALLIPERS, "Callipers: the reader's, and axes of outlines", CALLIPER_COLOUR),
    (NOTE, "Research use only", CALLIPER_COLOUR),
)


def presentation_state(origin: Origin, derived: Derived) -> Dataset:
    """The presentation state. Raises OutputError if there is nothing to draw."""
    if not derived.outlines and not derived.callipers:
        raise OutputError(
            "there is neither an outline nor a calliper to show",
            path=derived.record.path,
            remedy="Analyse the image, draw an outline or place a calliper first.",
        )
    sop = ColorSoftcopyPresentationStateStorage if origin.colour else GrayscaleSoftcopyPresentationStateStorage
    ds = begin(Series("presentation", sop, 9104, "PR", "Outlines and callipers, research use only"), origin, derived)
    ds.ContentLabel, ds.ContentDescription = "OUTLINES", "Outlines and callipers. Research use only."
    ds.ContentCreatorName = person(derived.reader)
    ds.PresentationCreationDate, ds.PresentationCreationTime = date(derived.when), time(derived.when)
    series = origin.series()
    series.ReferencedImageSequence = Sequence([origin.reference()])
    ds.ReferencedSeriesSequence = Sequence([series])
    ds.GraphicAnnotationSequence = Sequence(_annotations(origin, derived))
    used = {item.GraphicLayer for item in ds.GraphicAnnotationSequence}
    ds.GraphicLayerSequence = Sequence(
        _layer(number, *layer) for number, layer in enumerate(_LAYERS, 1) if layer[0] in used
    )
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [origin.shape[1], origin.shape[0]]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    ds.DisplayedAreaSelectionSequence = Sequence([area])
    if origin.colour:
        ds.ICCProfile = _srgb()
    else:
        _greys(ds, origin)
    return ds


def _greys(ds: Dataset, origin: Origin) -> None:
    """The image's own way from stored values to greys, unchanged: what the state leaves out, a viewer would switch off."""
    header = origin.header
    ds.PresentationLUTShape = "INVERSE" if header.get("PhotometricInterpretation") == "MONOCHROME1" else "IDENTITY"
    if "RescaleSlope" in header and "RescaleIntercept" in header:
        ds.RescaleSlope, ds.RescaleIntercept = header.RescaleSlope, header.RescaleIntercept
        ds.RescaleType = header.get("RescaleType") or "US"
    voi = Dataset()
    if "VOILUTSequence" in header:
        voi.VOILUTSequence = Sequence([header.VOILUTSequence[0]])
    elif "WindowCenter" in header and "WindowWidth" in header:
        voi.WindowCenter, voi.WindowWidth = _first(header.WindowCenter), _first(header.WindowWidth)
    if len(voi):
        ds.SoftcopyVOILUTSequence = Sequence([voi])


def _first(value: object) -> object:
    return value[0] if isinstance(value, Several) and not isinstance(value, str) else value


def _annotations(origin: Origin, derived: Derived) -> list[Dataset]:
    """One item for each frame and layer that has something to show."""
    found: list[Dataset] = []
    frames = sorted({o.frame for o in derived.outlines} | {c.frame for c in derived.callipers})
    for frame in frames:
        here = [outline for outline in derived.outlines if outline.frame == frame]
        placed = [calliper for calliper in derived.callipers if calliper.frame == frame]
        for layer, by_reader in ((MACHINE, False), (READER, True)):
            drawn = [outline for outline in here if outline.by_reader == by_reader]
            graphics = [part for outline in drawn for part in _outline(outline, origin.shape)]
            texts = [_label(outline) for outline in drawn]
            found += _item(origin, frame, layer, graphics, texts)
        axes = _reader_or_machine(here)
        lines = [_polyline(axis) for o in axes for axis in (o.lesion.long_axis, o.lesion.short_axis)]
        labels = [_text(_sizes(outline.lesion), outline.lesion.short_axis[1]) for outline in axes]
        for calliper in placed:
            drawn_lines, text = _calliper(calliper, derived)
            lines += drawn_lines
            labels.append(text)
        found += _item(origin, frame, CALLIPERS, lines, labels)
        found += _item(origin, frame, NOTE, [], [_note(origin)])
    return found


def _reader_or_machine(here: list[Outline]) -> list[Outline]:
    """Those whose axes are drawn: the reader's where there are any, so that no size stands there twice."""
    return [outline for outline in here if outline.by_reader] or here


def _item(origin: Origin, frame: int, layer: str, graphics: list[Dataset], texts: list[Dataset]) -> list[Dataset]:
    if not graphics and not texts:
        return []
    item = Dataset()
    item.GraphicLayer = layer
    item.ReferencedImageSequence = Sequence([origin.reference([frame])])
    if texts:
        item.TextObjectSequence = Sequence(texts)
    if graphics:
        item.GraphicObjectSequence = Sequence(graphics)
    return [item]


def _outline(outline: Outline, shape: tuple[int, int]) -> list[Dataset]:
    """The boundary and its holes, smoothed as on screen."""
    mask = np.zeros(shape, dtype=bool)
    outline.fill(mask)
    (paths,) = outlines(mask, [outline.lesion])
    return [_polyline(np.vstack([path, path[:1]]), dashed=not outline.by_reader) for path in paths if len(path)]


def _polyline(points: object, *, dashed: bool = False) -> Dataset:
    """An open or closed line through (N, 2) pixel centres; AI's is dashed where the viewer can."""
    places: NDArray[np.float64] = np.asarray(points, dtype=np.float64) + 0.5
    step = math.ceil(len(places) / MOST_POINTS)
    places = np.vstack([places[:-1:step], places[-1:]])
    item = Dataset()
    item.GraphicAnnotationUnits, item.GraphicDimensions = "PIXEL", 2
    item.NumberOfGraphicPoints = len(places)
    item.GraphicData = [round(float(value), 3) for value in places.ravel()]
    item.GraphicType, item.GraphicFilled = "POLYLINE", "N"
    if dashed:
        style = Dataset()
        style.PatternOnColorCIELabValue = _lab(LESION_COLOURS[1])
        style.PatternOnOpacity, style.LineThickness = 1.0, 1.0
        style.LineDashingStyle, style.LinePattern = "DASHED", 0x00FF
        style.ShadowStyle, style.ShadowOffsetX, style.ShadowOffsetY = "OFF", 0.0, 0.0
        style.ShadowColorCIELabValue, style.ShadowOpacity = [0, 0x8080, 0x8080], 0.0
        item.LineStyleSequence = Sequence([style])
    return item


def _text(words: str, point: tuple[float, float]) -> Dataset:
    """Words beside an image position, which they are anchored to."""
    item = Dataset()
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.UnformattedTextValue = words
    item.AnchorPoint = [round(value + 0.5, 3) for value in point]
    item.AnchorPointVisibility = "N"
    return item


def _label(outline: Outline) -> Dataset:
    """The outline's name: the reader's above to the right, AI's below to the left, so that both can be read."""
    x, y, width, height = outline.lesion.bbox
    return _text(outline.label, (x + width, y) if outline.by_reader else (x, y + height))


def _note(origin: Origin) -> Dataset:
    """The research-use line along the foot of the image."""
    item = Dataset()
    item.BoundingBoxAnnotationUnits = "DISPLAY"
    item.UnformattedTextValue = RESEARCH
    item.BoundingBoxTopLeftHandCorner, item.BoundingBoxBottomRightHandCorner = [0.02, 0.95], [0.98, 0.99]
    item.BoundingBoxTextHorizontalJustification = "LEFT"
    return item


def _sizes(lesion: Lesion) -> str:
    if lesion.long_axis_mm is None or lesion.short_axis_mm is None:
        return f"{lesion.long_axis_px:.0f} x {lesion.short_axis_px:.0f} px"
    return f"{lesion.long_axis_mm:.1f} x {lesion.short_axis_mm:.1f} mm"


def _calliper(calliper: Calliper, derived: Derived) -> tuple[list[Dataset], Dataset]:
    """The lines of a calliper and its values."""
    quantities, _ = measured(calliper, derived.record)
    points = calliper.points
    lines: list[object] = [points]
    if calliper.kind is Kind.TWO_AXIS:
        lines = [points[:2], points[2:]]
    elif calliper.kind is Kind.ELLIPSE:
        lines = list(ellipse_axes(points, calliper_scale(derived.record, calliper)))
    words = ", ".join(quantity.text.replace("²", "2").replace("°", " deg") for quantity in quantities)
    return [_polyline(one) for one in lines], _text(words, points[1])


def _layer(order: int, name: str, words: str, colour: tuple[int, int, int]) -> Dataset:
    item = Dataset()
    item.GraphicLayer, item.GraphicLayerOrder, item.GraphicLayerDescription = name, order, words
    item.GraphicLayerRecommendedDisplayGrayscaleValue = 0xFFFF
    item.GraphicLayerRecommendedDisplayCIELabValue = _lab(colour)
    return item


def _lab(colour: tuple[int, int, int]) -> list[int]:
    """A colour of sRGB as CIELab in 16 bits (PS3.3 C.10.7.1.1): L over 0…100, a and b over −128…127."""
    lab = cv2.cvtColor(np.array([[colour]], dtype=np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    lightness = round(float(lab[0]) / 100 * 0xFFFF)
    return [lightness, *(round((float(value) + 128) / 255 * 0xFFFF) for value in lab[1:])]


@cache
def _srgb() -> bytes:
    """The sRGB profile, of even length; without a creation time, so that the same input gives the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07e4 0001 0001 0000 0000 0000")
    return bytes(profile) + b"\0" * (len(profile) % 2)
