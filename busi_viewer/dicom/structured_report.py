"""A Comprehensive SR with TID 1500: what reader and model say, each in groups of its own, with outlines as SCOORD.

The reader's outlines, callipers, words and assessment are named as the reader's; only groups that carry an algorithm
identification are the model's. Image positions of SCOORD count from the corner of the first pixel, ours from its centre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Sequence as Several
from copy import deepcopy
from dataclasses import replace

import numpy as np
from highdicom import sr
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from busi_viewer import __version__
from busi_viewer.core.derived import RESEARCH, Derived, Outline
from busi_viewer.core.errors import OutputError
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import CLASSES, FrameResult, ModelInfo
from busi_viewer.dicom import codes
from busi_viewer.dicom.envelope import Series, begin
from busi_viewer.dicom.naming import SOFTWARE, person, uid_of
from busi_viewer.dicom.origin import Origin
from busi_viewer.dicom.reader_groups import assessment_group, calliper_groups, said_of
from busi_viewer.dicom.segmentation import tracking_uid
from busi_viewer.dicom.sr_parts import Group, comment, image_of, location_of, number

SERIES = Series("sr", ComprehensiveSRStorage, 9102, "SR", "Measurements and findings, research use only")
MOST_POINTS = 8000
"""An explicit FL element holds 16,383 values: a longer outline is thinned."""


def structured_report(origin: Origin, derived: Derived) -> Dataset:
    """The report as a whole. Raises OutputError if nothing is said."""
    original, origin = origin, _as_ultrasound(origin)
    groups = _groups(origin, derived)
    if not groups:
        raise OutputError(
            "nothing is said of this image yet",
            path=derived.record.path,
            remedy="Analyse it, or give an outline, a calliper or a finding first.",
        )
    ds = begin(SERIES, origin, derived)
    source = Dataset()
    source.update(origin.header)
    source.Rows, source.Columns = origin.shape
    source.Modality = "US"
    report = sr.MeasurementReport(
        observation_context=_context(derived),
        procedure_reported=codes.BREAST_ULTRASOUND,
        imaging_measurements=groups,
        title=codes.REPORT,
        referenced_images=[source],
    )
    report[0].ContentSequence.extend([comment(RESEARCH), *map(comment, _remarks(derived))])
    ds.update(report[0])
    ds.ReferencedPerformedProcedureStepSequence = Sequence()
    ds.PerformedProcedureCodeSequence = Sequence()
    ds.CompletionFlag, ds.VerificationFlag, ds.PreliminaryFlag = "COMPLETE", "UNVERIFIED", "PRELIMINARY"
    ds.CurrentRequestedProcedureEvidenceSequence = Sequence([_evidence(origin)])
    ds.CodingSchemeIdentificationSequence = Sequence([codes.scheme_item()])
    _refer_to(original, ds)
    return ds


def _as_ultrasound(origin: Origin) -> Origin:
    """The source as if it were of an ultrasound class: highdicom makes no references to retired and private ones."""
    header = deepcopy(origin.header)
    header.SOPClassUID = UltrasoundMultiFrameImageStorage if origin.frames > 1 else UltrasoundImageStorage
    return replace(origin, header=header)


def _refer_to(origin: Origin, ds: Dataset) -> None:
    """Give every reference to the source its own class."""

    def correct(item: Dataset, element: DataElement) -> None:
        if element.keyword == "ReferencedSOPClassUID" and item.ReferencedSOPInstanceUID == origin.uid:
            element.value = origin.header.SOPClassUID

    ds.walk(correct)


def _evidence(origin: Origin) -> Dataset:
    """The image that the report rests on, within its study."""
    series = origin.series()
    series.ReferencedSOPSequence = Sequence([origin.reference()])
    study = Dataset()
    study.StudyInstanceUID = origin.header.StudyInstanceUID
    study.ReferencedSeriesSequence = Sequence([series])
    return study


def _context(derived: Derived) -> sr.ObservationContext:
    """Who observed: the software always, the reader where known."""
    device = sr.ObserverContext(
        observer_type=codes.code("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=uid_of("device", __version__), name=SOFTWARE, manufacturer_name=SOFTWARE, model_name=__version__
        ),
    )
    reader = person(derived.reader)
    human = sr.ObserverContext(
        observer_type=codes.code("121006", "DCM", "Person"),
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(name=reader),
    )
    return sr.ObservationContext(
        observer_person_context=human if derived.reader else None, observer_device_context=device
    )


def _remarks(derived: Derived) -> Iterable[str]:
    """What a user of the values must know."""
    if derived.model is not None:
        yield "Groups with an algorithm identification are the model's; all others are the reader's."
        yield from derived.model.notes
    if derived.record.calibrated_by_reader:
        yield "Sizes in mm rest on a calibration by the reader; the image states none."
    if not derived.outlines and derived.model is not None and derived.model.outlines:
        yield derived.nothing[1]
    yield from derived.record.warnings


def _groups(origin: Origin, derived: Derived) -> list[Group]:
    words, unplaced = said_of(derived)
    said = [assessment_group(origin, derived, lesion) for lesion in (None, *unplaced)]
    outlined = [
        _outline(origin, derived, track, outline, words.get((outline.frame, outline.number), []))
        for track in derived.tracks
        for outline in track
    ]
    estimates = [_estimate(origin, frame, derived.model) for frame in derived.frames if derived.model]
    return [
        *(group for group in said if group is not None),
        *outlined,
        *calliper_groups(origin, derived),
        *estimates,
    ]


def _outline(
    origin: Origin,
    derived: Derived,
    track: Several[Outline],
    outline: Outline,
    said: Several[sr.QualitativeEvaluation],
) -> Group:
    """One outline on one frame with its sizes and words."""
    lesion = outline.lesion
    evaluations = list(said)
    if not outline.by_reader:
        evaluations = [
            sr.QualitativeEvaluation(*codes.descriptor(proposal.name, proposal.value, proposal.word))
            for proposal in lesion.descriptors
        ]
    side = derived.findings.location.side if outline.by_reader else None
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=tracking_uid(origin, tuple(track)), identifier=outline.label),
        referenced_region=sr.ImageRegion(
            graphic_type=sr.GraphicTypeValues.POLYLINE,
            graphic_data=scoord(lesion.contour),
            source_image=image_of(origin, outline.frame),
        ),
        finding_type=codes.LESION,
        finding_sites=[location_of(origin, side)],
        algorithm_id=None if outline.by_reader or derived.model is None else algorithm(derived.model),
        measurements=list(_sizes(lesion)),
        qualitative_evaluations=evaluations or None,
    )
    if outline.accepted:
        group[0].ContentSequence.append(comment("AI's outline, accepted by the reader unchanged."))
    return group


def scoord(contour: NDArray[np.generic]) -> NDArray[np.float64]:
    """A contour (N, 2) of pixel centres as a closed POLYLINE: its first point again at the end."""
    step = math.ceil(len(contour) / MOST_POINTS)
    points = np.asarray(contour[:: max(step, 1)], dtype=np.float64) + 0.5
    return np.vstack([points, points[:1]])


def algorithm(model: ModelInfo) -> sr.AlgorithmIdentification:
    """The model by name, version, hash and operating point."""
    parameters = [f"weights SHA-256 {model.sha256}"]
    if model.operating_point is not None:
        parameters.append(f"operating point {model.operating_point:g} (probability of cancer)")
    return sr.AlgorithmIdentification(
        name=model.name, version=model.version or "unknown", parameters=parameters, manufacturer=SOFTWARE
    )


def _sizes(lesion: Lesion) -> Iterable[sr.Measurement]:
    """Axes, extents and area; in mm where known, else in px. TID 1410 has no place for the axes' end points."""
    known, area = lesion.area_mm2 is not None, lesion.area_px if lesion.area_mm2 is None else lesion.area_mm2
    unit, square = (codes.MILLIMETRE, codes.SQUARE_MILLIMETRE) if known else (codes.PIXELS, codes.SQUARE_PIXELS)
    for concept, name in (
        (codes.LONG_AXIS, "long_axis"),
        (codes.SHORT_AXIS, "short_axis"),
        (codes.HEIGHT, "ap"),
        (codes.WIDTH, "width"),
    ):
        yield number(concept, getattr(lesion, f"{name}_mm" if known else f"{name}_px"), unit)
    yield number(codes.AREA, area, square)
    if lesion.mean_probability is not None:
        yield number(codes.MEAN_PROBABILITY, 100 * lesion.mean_probability, codes.PERCENT)


def _estimate(origin: Origin, frame: FrameResult, model: ModelInfo) -> Group:
    """What the model says of a frame as a whole; nothing but that it is withheld where it is."""
    concepts = dict(zip(CLASSES, (codes.NORMAL, codes.BENIGN, codes.CANCER), strict=True))
    shares = dict(zip(CLASSES, frame.probabilities, strict=True))
    measured = [number(concepts[name], 100 * shares[name], codes.PERCENT) for name in reversed(CLASSES)]
    said = [sr.QualitativeEvaluation(codes.WITHHELD, codes.YES if frame.abstained else codes.NO)]
    if not frame.abstained and model.operating_point is not None:
        said.append(sr.QualitativeEvaluation(codes.ABOVE, codes.YES if frame.above_operating_point else codes.NO))
    name = "AI estimate" if origin.frames == 1 else f"AI estimate, frame {frame.index + 1}"
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid_of("estimate", origin.uid, frame.index), identifier=name),
        algorithm_id=algorithm(model),
        finding_sites=[location_of(origin, None)],
        measurements=None if frame.abstained else measured,
        qualitative_evaluations=said,
        source_images=[image_of(origin, frame.index, sr.SourceImageForMeasurementGroup)],
    )
    reasons = [*frame.abstain_reasons, *frame.quality.reasons]
    if not frame.calibrated and not frame.abstained:
        reasons.append("The probabilities are not calibrated.")
    group[0].ContentSequence.extend(comment(reason) for reason in dict.fromkeys(reasons))
    return group
