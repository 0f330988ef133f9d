"""What a reader should know about an image because of the kind of DICOM object it is in."""

from __future__ import annotations

from pydicom import uid
from pydicom.dataset import Dataset

from busi_viewer.dicom.values import items, text

_MOST_FRAMES = 10_000


def notices(ds: Dataset, modality: str | None) -> tuple[str, ...]:
    """What is to be said; nothing for ultrasound images, cines and captures of them."""
    said = [] if modality in (None, "US") else [f"Not an ultrasound image (modality {modality})."]
    if text(ds, "SOPClassUID") == uid.EnhancedUSVolumeStorage:
        said.append("A 3D volume: its frames are neighbouring planes, not moments of a cine.")
        if _data_types(ds) - {"TISSUE_INTENSITY"}:
            said.append("Not all of its frames show tissue: some hold flow or other values.")
    return tuple(said)


def is_cine(ds: Dataset) -> bool:
    """Whether several frames follow each other in time."""
    return text(ds, "SOPClassUID") != uid.EnhancedUSVolumeStorage


def _data_types(ds: Dataset) -> set[str]:
    """Data Type (0018,9808) of all frames of an enhanced object, where stated."""
    groups = [
        *items(ds, "SharedFunctionalGroupsSequence"),
        *items(ds, "PerFrameFunctionalGroupsSequence")[:_MOST_FRAMES],
    ]
    found = {text(kind, "DataType") for group in groups for kind in items(group, "ImageDataTypeSequence")}
    return {name for name in found if name is not None}
