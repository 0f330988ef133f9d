"""A new data set with only what may stay of an old one; nothing is edited in place, so nothing is forgotten."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from PIL import ImageCms
from pydicom.datadict import dictionary_keyword, dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from busi_viewer.core.deidentify import Dates
from busi_viewer.dicom import confidentiality as profile
from busi_viewer.dicom.clean_values import (
    CODE_TAGS,
    DUMMY,
    DUMMY_DATE,
    age,
    cleaned_code,
    cleaned_text,
    decimal,
    is_code,
    names_in,
    plain_numbers,
    strings,
    term,
)
from busi_viewer.dicom.confidentiality import Action, action_for
from busi_viewer.dicom.substitutes import Patient, Substitutes, is_registered
from busi_viewer.dicom.values import items, numbers, text, value

MAX_DEPTH = 32
"""Sequences nested deeper are removed."""
_TEXT_LENGTHS = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UC": 10240, "UT": 10240}
_DATES = {"DA": DUMMY_DATE, "DT": DUMMY_DATE, "TM": "000000"}
_NUMERIC = {"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"}
_PSEUDONYMS = {"PatientName", "PatientID"}
_PATIENT_GROUP = 0x0010


@dataclass
class HeaderCleaner:
    """Cleans the data sets of one file. ``done`` counts what happened, by action; it names no attribute's value."""

    substitutes: Substitutes
    dates: Dates
    done: Counter[str] = field(default_factory=Counter)
    _patient: Patient = field(init=False)
    _names: frozenset[str] = field(init=False, default=frozenset())
    _palette: bool = field(init=False, default=False)

    def clean(self, ds: Dataset) -> tuple[Dataset, Patient, frozenset[str]]:
        """The cleaned data set without pixels and file meta, who its patient becomes, and the names that it held."""
        self._patient = self.substitutes.patient(ds)
        self._names = names_in(ds)
        self._palette = text(ds, "PhotometricInterpretation") == "PALETTE COLOR"
        clean = self._data_set(ds, 0)
        clean.PatientName = clean.PatientID = self._patient.name
        return clean, self._patient, self._names

    def _data_set(self, ds: Dataset, depth: int) -> Dataset:
        clean, coded = Dataset(), depth > 0 and is_code(ds)
        if coded:
            self.done["codes checked"] += 1
            clean = cleaned_code(ds, self._names)
        for tag in sorted(ds.keys()):
            if coded and tag in CODE_TAGS:
                continue
            element = self._element(ds, tag, depth)
            if element is not None:
                clean.add(element)
        return clean

    def _element(self, ds: Dataset, tag: BaseTag, depth: int) -> DataElement | None:
        action = action_for(int(tag))
        if action is Action.REMOVE:
            self.done["private removed" if tag.is_private else "removed"] += 1
            return None
        vr, keyword = dictionary_VR(tag), dictionary_keyword(tag)
        if keyword in _PSEUDONYMS:
            self.done["replaced"] += 1
            return DataElement(tag, vr, self._patient.name)
        if self.dates == "shift" and vr in _DATES and tag.group != _PATIENT_GROUP:
            return self._date(ds, tag, vr, keyword, action)
        if action is Action.EMPTY:
            self.done["emptied"] += 1
            return DataElement(tag, vr, Sequence() if vr == "SQ" else None)
        if action is Action.DUMMY:
            return self._dummy(tag, vr)
        found = self._kept(ds, tag, vr, keyword, depth)
        if found is None:
            self.done["removed"] += 1
        return found

    def _dummy(self, tag: BaseTag, vr: str) -> DataElement | None:
        """A value that says nothing, for attributes that some objects must have."""
        self.done["replaced"] += 1
        if vr in _DATES:
            return DataElement(tag, vr, _DATES[vr])
        if vr in _TEXT_LENGTHS or vr in ("PN", "AE", "CS"):
            return DataElement(tag, vr, DUMMY)
        if vr == "UI":
            return DataElement(tag, vr, self.substitutes.uid("dummy"))
        return None

    def _date(self, ds: Dataset, tag: BaseTag, vr: str, keyword: str, action: Action) -> DataElement | None:
        """A date moved by the patient's days; times of day stay. What is no date becomes what the table says."""
        found = strings(ds, keyword)
        moved = [single.strip() if vr == "TM" else self._patient.moved(single) for single in found]
        if vr == "TM":
            moved = [
                single if single and single.replace(".", "").isdecimal() and len(single) <= 14 else None
                for single in moved
            ]
        if found and all(moved):
            self.done["dates moved"] += 1
            return DataElement(tag, vr, moved)
        self.done["emptied"] += 1
        return self._dummy(tag, vr) if action is Action.DUMMY else DataElement(tag, vr, None)

    def _kept(self, ds: Dataset, tag: BaseTag, vr: str, keyword: str, depth: int) -> DataElement | None:
        """An attribute as far as its value may stay, or None."""
        if vr == "SQ":
            return self._sequence(ds, tag, keyword, depth)
        if keyword == "ICCProfile":
            return DataElement(tag, "OB", _srgb())
        if keyword in profile.BINARY:
            return self._table(ds, tag, keyword)
        if vr in _DATES:
            return self._dummy(tag, vr)
        if vr in ("PN", "AE", "UR", "UN"):
            return None
        if vr in _NUMERIC or "US" in vr.split(" or "):
            return self._numbers(ds, tag)
        return self._strings(ds, tag, vr, keyword)

    def _strings(self, ds: Dataset, tag: BaseTag, vr: str, keyword: str) -> DataElement | None:
        """Values written as text, each as far as it may stay; None where one may not."""
        found = strings(ds, keyword)
        kept: list[Any] | None
        if vr == "UI":
            self.done["UIDs replaced"] += len(found)
            kept = [uid if is_registered(uid) else self.substitutes.uid(uid) for uid in map(_bare, found) if uid]
        elif vr == "CS":
            kept = [term(single) for single in found]
        elif vr in ("DS", "IS"):
            kept = [decimal(single, self._names) if single.strip() else "" for single in found]
        elif vr == "AS":
            kept = [age(single) for single in found]
        elif vr in _TEXT_LENGTHS:
            kept = [cleaned_text(single, self._names, _TEXT_LENGTHS[vr]) for single in found]
        else:
            kept = None
        if kept is None or None in kept:
            return None
        several = dictionary_VM(tag) != "1"
        return DataElement(tag, vr, kept if several and len(kept) != 1 else (kept[0] if kept else None))

    def _sequence(self, ds: Dataset, tag: BaseTag, keyword: str, depth: int) -> DataElement | None:
        if depth >= MAX_DEPTH:
            return None
        return DataElement(tag, "SQ", Sequence([self._data_set(item, depth + 1) for item in items(ds, keyword)]))

    def _numbers(self, ds: Dataset, tag: BaseTag) -> DataElement | None:
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001 - the boundary to pydicom's lazy decoding, which raises anything on malformed values
            return None
        if element.value is not None and not plain_numbers(element.value):
            return None
        return DataElement(tag, element.VR, element.value)

    def _table(self, ds: Dataset, tag: BaseTag, keyword: str) -> DataElement | None:
        """A look-up table of just the announced length; of palettes only where the pixels need one."""
        found = value(ds, keyword)
        announced = numbers(ds, keyword.replace("Data", "Descriptor"))
        if found is None or len(announced) != 3 or (not keyword.startswith("LUT") and not self._palette):
            return None
        count = int(announced[0]) or 65536
        if keyword.endswith("Data") and len(found) not in (count, count + count % 2, 2 * count):
            return None
        return DataElement(tag, ds[tag].VR, found)


def _bare(uid: str) -> str:
    return uid.strip("\0 ")


def _srgb() -> bytes:
    """An sRGB profile in place of the object's own, which may name a device."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def state(clean: Dataset, codes: tuple[str, ...], dates: Dates) -> None:
    """Write into the data set what was done to it (PS3.15 section E.2, PS3.3 C.7.1.1 and C.12.1)."""
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = f"busi_viewer, PS3.15 table E.1-1 edition {profile.EDITION}"
    clean.DeidentificationMethodCodeSequence = Sequence(_code(code) for code in codes)
    clean.LongitudinalTemporalInformationModified = "MODIFIED" if dates == "shift" else "REMOVED"
    clean.SpecificCharacterSet = "ISO_IR 192"


def _code(value: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", profile.MEANINGS[value][:64]
    return item
