"""Outlines as a DICOM Segmentation (PS3.3 A.51): one binary segment for each lesion and maker, over all frames.

Built element by element, because libraries refuse multi-frame ultrasound. Each segment's frame names the source frame it
lies on (Derivation Image, Referenced Frame Number). Ultrasound has no frame of reference, so there are no plane macros:
the segment's pixels are the source's pixels, which Spatial Locations Preserved says.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SegmentationStorage

from busi_viewer.core.derived import RESEARCH, Derived, Outline
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import Mask
from busi_viewer.core.results import ModelInfo
from busi_viewer.dicom import codes
from busi_viewer.dicom.envelope import Series, begin, breast, lossy, refer
from busi_viewer.dicom.naming import SOFTWARE, person, uid_of
from busi_viewer.dicom.origin import Origin

SERIES = Series("seg", SegmentationStorage, 9101, "SEG", "Lesion outlines, research use only")
Track = tuple[Outline, ...]


def segmentation(origin: Origin, derived: Derived) -> Dataset:
    """The segmentation. Where the model outlined nothing, or all is withheld, one segment with one empty frame says so.

    Raises OutputError if neither reader nor model outlined anything and the image was not analysed by a model that outlines.
    """
    if not derived.outlines and not (derived.frames and derived.model is not None and derived.model.outlines):
        raise OutputError(
            "there is no outline",
            path=derived.record.path,
            remedy="Analyse the image or draw an outline first.",
        )
    ds = begin(SERIES, origin, derived)
    refer(ds, origin)
    lossy(ds, origin)
    tracks = derived.tracks
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
    ds.Rows, ds.Columns = origin.shape
    ds.ContentLabel, ds.ContentDescription = "LESIONS", RESEARCH
    ds.ContentCreatorName = person(derived.reader)
    ds.SegmentationType, ds.SegmentsOverlap = "BINARY", "YES" if _overlap(tracks) else "NO"
    names = [_segment(number, track, origin, derived.model) for number, track in enumerate(tracks, 1)]
    ds.SegmentSequence = Sequence(names or [_nothing(origin, derived)])
    _dimensions(ds)
    first = derived.frames[0].index if derived.frames else 0
    places = [(number, outline.frame) for number, track in enumerate(tracks, 1) for outline in track] or [(1, first)]
    ds.NumberOfFrames = len(places)
    ds.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    ds.PerFrameFunctionalGroupsSequence = Sequence([_frame(origin, segment, frame) for segment, frame in places])
    outlines = [outline for track in tracks for outline in track]
    ds.PixelData = pack(_masks(outlines, origin.shape))
    ds["PixelData"].VR = "OB"
    return ds


def tracking_uid(origin: Origin, track: Track) -> str:
    """What identifies a lesion's outlines in every object that speaks of them: source, maker and shapes."""
    shapes = [(outline.frame, outline.lesion.contour.tobytes().hex()) for outline in track]
    return uid_of("track", origin.uid, track[0].label, shapes)


def pack(masks: Iterator[Mask]) -> bytes:
    """Frames as PS3.5 8.1.1 packs single bits: first pixel in the lowest bit, one frame after the other without a gap."""
    packed = bytearray()
    rest: NDArray[np.bool_] = np.zeros(0, dtype=bool)
    for mask in masks:
        bits = np.concatenate([rest, mask.ravel()])
        whole = len(bits) // 8 * 8
        packed += np.packbits(bits[:whole], bitorder="little").tobytes()
        rest = bits[whole:]
    packed += np.packbits(rest, bitorder="little").tobytes()
    return bytes(packed) + b"\0" * (len(packed) % 2)


def _masks(outlines: list[Outline], shape: tuple[int, int]) -> Iterator[Mask]:
    if not outlines:
        yield np.zeros(shape, dtype=bool)
    for outline in outlines:
        mask = np.zeros(shape, dtype=bool)
        outline.fill(mask)
        yield mask


def _overlap(tracks: tuple[Track, ...]) -> bool:
    """Whether reader's and machine's segments may share pixels; those of one maker never do."""
    return len({track[0].by_reader for track in tracks}) > 1


def _segment(number: int, track: Track, origin: Origin, model: ModelInfo | None) -> Dataset:
    """The description of a segment."""
    item = _bare(number, track[0].label, origin)
    item.TrackingID, item.TrackingUID = track[0].label, tracking_uid(origin, track)
    accepted = all(outline.accepted for outline in track)
    if track[0].by_reader and not accepted:
        item.SegmentAlgorithmType = "MANUAL"
        return item
    if track[0].by_reader:
        item.SegmentDescription = "AI's outline, accepted by the reader unchanged"
    _by_machine(item, model, "SEMIAUTOMATIC" if track[0].by_reader else "AUTOMATIC")
    return item


def _nothing(origin: Origin, derived: Derived) -> Dataset:
    label, meaning = derived.nothing
    item = _bare(1, label, origin)
    item.SegmentDescription = meaning
    if derived.model is None:
        item.SegmentAlgorithmType = "MANUAL"
    else:
        _by_machine(item, derived.model, "AUTOMATIC")
    return item


def _bare(number: int, label: str, origin: Origin) -> Dataset:
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel = number, label
    item.SegmentedPropertyCategoryCodeSequence = Sequence([codes.ABNORMAL])
    item.SegmentedPropertyTypeCodeSequence = Sequence([codes.LESION])
    item.AnatomicRegionSequence = breast(origin)
    return item


def _by_machine(item: Dataset, model: ModelInfo | None, kind: str) -> None:
    name = model.name if model else SOFTWARE
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = kind, name[:64]
    algorithm = Dataset()
    algorithm.AlgorithmFamilyCodeSequence = Sequence([codes.INTELLIGENCE])
    algorithm.AlgorithmName = name[:64]
    algorithm.AlgorithmVersion = (model.version if model else "")[:64] or "unknown"
    algorithm.AlgorithmParameters = f"weights SHA-256 {model.sha256}" if model else "unknown"
    item.SegmentationAlgorithmIdentificationSequence = Sequence([algorithm])


def _dimensions(ds: Dataset) -> None:
    """Frames are ordered by segment, then by source frame (as position in the one stack of source frames)."""
    organization = Dataset()
    organization.DimensionOrganizationUID = uid_of("dimensions", ds.SeriesInstanceUID)
    ds.DimensionOrganizationSequence = Sequence([organization])
    indices = []
    for pointer, group, label in (
        (0x0062000B, 0x0062000A, "Segment"),
        (0x00209056, 0x00209111, "Stack"),
        (0x00209057, 0x00209111, "Source frame"),
    ):
        index = Dataset()
        index.DimensionOrganizationUID = organization.DimensionOrganizationUID
        index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group
        index.DimensionDescriptionLabel = label
        indices.append(index)
    ds.DimensionIndexSequence = Sequence(indices)


def _frame(origin: Origin, segment: int, frame: int) -> Dataset:
    """The functional groups of one frame: which segment, which source frame."""
    content = Dataset()
    content.DimensionIndexValues = [segment, 1, frame + 1]
    content.StackID, content.InStackPositionNumber = "1", frame + 1
    which = Dataset()
    which.ReferencedSegmentNumber = segment
    source = origin.reference([frame])
    source.PurposeOfReferenceCodeSequence = Sequence([codes.SOURCE])
    source.SpatialLocationsPreserved = "YES"
    derivation = Dataset()
    derivation.DerivationCodeSequence = Sequence([codes.SEGMENTATION])
    derivation.SourceImageSequence = Sequence([source])
    item = Dataset()
    item.FrameContentSequence = Sequence([content])
    item.SegmentIdentificationSequence = Sequence([which])
    item.DerivationImageSequence = Sequence([derivation])
    return item
