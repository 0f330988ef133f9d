"""What the reader says in a measurement report: descriptor words, assessment and management, callipers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from highdicom import sr

from busi_viewer.core.callipers import Calliper, Kind, Quantity, ellipse_axes, measured
from busi_viewer.core.derived import Derived
from busi_viewer.core.findings import LesionFindings, assigned
from busi_viewer.dicom import codes
from busi_viewer.dicom.naming import uid_of
from busi_viewer.dicom.origin import Origin
from busi_viewer.dicom.sr_parts import Group, image_of, line, location_of, number, said

Words = list[sr.QualitativeEvaluation]
_UNITS = {
    "mm": codes.MILLIMETRE,
    "mm²": codes.SQUARE_MILLIMETRE,
    "px": codes.PIXELS,
    "px²": codes.SQUARE_PIXELS,
    "°": codes.DEGREE,
}
_NAMES = {
    "length": codes.DISTANCE,
    "axis_a": codes.LONG_AXIS,
    "axis_b": codes.SHORT_AXIS,
    "angle": codes.ANGLE,
    "perimeter": codes.PERIMETER,
    "area": codes.AREA,
}


def said_of(derived: Derived) -> tuple[Mapping[tuple[int, int], Words], tuple[LesionFindings, ...]]:
    """(the reader's words by (frame, number) of the reader's outline, what is said of lesions without such an outline)."""
    words: dict[tuple[int, int], Words] = {}
    unplaced: list[LesionFindings] = []
    for frame in sorted({lesion.frame for lesion in derived.findings.lesions}):
        here = [outline for outline in derived.outlines if outline.by_reader and outline.frame == frame]
        found, others = assigned(derived.findings, frame, [outline.lesion for outline in here])
        unplaced += others
        for outline, lesion in zip(here, found, strict=True):
            if lesion is not None:
                words[outline.frame, outline.number] = _words(derived, lesion)
    return words, tuple(unplaced)


def _words(derived: Derived, lesion: LesionFindings) -> Words:
    """Descriptors, position and category of a lesion."""
    location = derived.findings.location_of(lesion)
    pairs = [
        (descriptor.name, value)
        for descriptor in derived.findings.edition.lesion
        for value in lesion.said(descriptor.name)
    ]
    pairs += [("position", location.position)] if location.position else []
    words = [sr.QualitativeEvaluation(*codes.descriptor(name, value)) for name, value in pairs]
    return words + _category(derived, lesion.assessment)


def _category(derived: Derived, category: str | None) -> Words:
    if category is None:
        return []
    meaning = f"BI-RADS {category}: {derived.findings.edition.assessments[category]}"
    return [sr.QualitativeEvaluation(codes.CONCEPTS["assessment"], codes.private(meaning))]


def assessment_group(origin: Origin, derived: Derived, lesion: LesionFindings | None) -> Group | None:
    """What the reader says of the image (``lesion`` None) or of a lesion without an outline; None if nothing."""
    findings = derived.findings
    location = findings.location if lesion is None else findings.location_of(lesion)
    if lesion is not None:
        words, name, frame = _words(derived, lesion), f"Reader finding {lesion.key}", lesion.frame
        kept: list[tuple[str, str]] = []
    else:
        chosen = {"composition": findings.composition, "position": location.position, "plane": location.plane}
        chosen["management"] = findings.management
        words = [sr.QualitativeEvaluation(*codes.descriptor(key, value)) for key, value in chosen.items() if value]
        words += _category(derived, findings.assessment)
        name, frame = "Reader assessment", 0
        kept = [(key, getattr(findings, key)) for key in ("history", "comparison", "technique", "impression")]
    measured_values = (
        [number(codes.NIPPLE, location.distance_mm, codes.MILLIMETRE)] if location.distance_mm is not None else []
    )
    texts = [said(codes.CONCEPTS.get(key) or codes.private(key.capitalize()), text) for key, text in kept if text]
    if not (words or measured_values or texts):
        return None
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid_of("said", origin.uid, name), identifier=name),
        finding_sites=[location_of(origin, location.side)],
        measurements=measured_values or None,
        qualitative_evaluations=words or None,
        source_images=[image_of(origin, frame, sr.SourceImageForMeasurementGroup)],
    )
    group[0].ContentSequence.extend(texts)
    return group


def calliper_groups(origin: Origin, derived: Derived) -> list[Group]:
    """Each of the reader's callipers with its values and the places they were measured at."""
    groups: list[Group] = []
    for index, calliper in enumerate(derived.callipers, 1):
        quantities, scale = measured(calliper, derived.record)
        drawn = _drawn(calliper, quantities, origin, derived)
        name = f"Reader calliper {index}" + (f": {calliper.name}" if calliper.name else "")
        group = sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(
                uid=uid_of("calliper", origin.uid, calliper.frame, calliper.kind, calliper.points), identifier=name[:64]
            ),
            finding_sites=[location_of(origin, derived.findings.location.side)],
            measurements=drawn,
            source_images=[image_of(origin, calliper.frame, sr.SourceImageForMeasurementGroup)],
        )
        if scale.note:
            group[0].ContentSequence.append(said(codes.COMMENT, f"In pixels: the calliper {scale.note}."))
        groups.append(group)
    return groups


def _drawn(
    calliper: Calliper, quantities: Sequence[Quantity], origin: Origin, derived: Derived
) -> list[sr.Measurement]:
    """The values of a calliper; lengths and angles with their points, an ellipse's axes with theirs."""
    points = calliper.points
    places = {"length": points, "angle": points, "axis_a": points[:2], "axis_b": points[2:4]}
    if calliper.kind is Kind.ELLIPSE:
        _, scale = measured(calliper, derived.record)
        places["axis_a"], places["axis_b"] = ellipse_axes(points, scale)
    names = dict(_NAMES)
    size = {quantity.name: quantity.value for quantity in quantities}
    if size.get("axis_a", 0.0) < size.get("axis_b", 0.0):
        names |= {"axis_a": codes.SHORT_AXIS, "axis_b": codes.LONG_AXIS}
    return [
        number(
            names[quantity.name],
            quantity.value,
            _UNITS[quantity.unit],
            line(origin, calliper.frame, places[quantity.name]) if quantity.name in places else None,
        )
        for quantity in quantities
    ]
