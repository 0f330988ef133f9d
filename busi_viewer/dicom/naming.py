"""Who made an object and what identifies it: UIDs, equipment, the model as contributing equipment, times."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from busi_viewer import __version__
from busi_viewer.core.derived import RESEARCH
from busi_viewer.core.results import ModelInfo
from busi_viewer.dicom import codes

SOFTWARE = "busi_viewer"
_NAMESPACE = uuid.UUID("6d1e0f2c-0f0b-5e0a-9f5e-5b8c0c6a7d11")


def uid_of(*parts: object) -> UID:
    """A UID that follows from the parts: UUID version 5 as decimal under 2.25 (PS3.5 B.2, ITU-T X.667)."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, chr(31).join(str(part) for part in parts)).int}")


def equip(ds: Dataset) -> None:
    """Name the software as the maker (General and Enhanced General Equipment)."""
    ds.Manufacturer = ds.ManufacturerModelName = SOFTWARE
    ds.SoftwareVersions = __version__
    ds.DeviceSerialNumber = f"{SOFTWARE}-{__version__}"  # of software there is no other


def name_model(ds: Dataset, model: ModelInfo | None) -> None:
    """Name the network among the contributing equipment, with version and the SHA-256 of its weights."""
    if model is None:
        return
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([codes.PROCESSING])
    item.Manufacturer = SOFTWARE
    item.ManufacturerModelName = model.name[:64]
    item.SoftwareVersions = (model.version or "unknown")[:64]
    item.ContributionDescription = f"Neural network, weights SHA-256 {model.sha256}. {RESEARCH}"
    ds.ContributingEquipmentSequence = Sequence([item])


def person(name: str) -> str:
    """A name as typed in the form of a person's name: what has no caret is a family name alone. Empty stays empty."""
    plain = " ".join(name.replace("\\", "/").replace("=", "-").split())[:60]
    return plain if not plain or "^" in plain else f"{plain}^"


def date(when: datetime) -> str:
    """A DICOM date."""
    return when.strftime("%Y%m%d")


def time(when: datetime) -> str:
    """A DICOM time to the microsecond."""
    return when.strftime("%H%M%S.%f")
