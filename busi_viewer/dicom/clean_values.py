"""Single values of a data set: which may stay, and what stands in place of the others."""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping
from pydicom.tag import Tag

from busi_viewer.dicom.values import text, value
from busi_viewer.dicom.vocabulary import TERMS, WORDS

DUMMY = "REMOVED"
DUMMY_DATE = "19000101"
_TOKEN = re.compile(r"[^\W_]+")
_SHORT_NUMBER = re.compile(r"\d{1,3}")
_NUMBERED_TERM = re.compile(r"\d{1,4}")
_DECIMAL = re.compile(r"\s*[+-]?\d{1,9}(\.\d{0,15})?([eE][+-]?\d{1,3})?\s*|\s*[+-]?\.\d{1,15}\s*")
_AGE = re.compile(r"\d{3}[DWMY]")
_NUMBERS = {"PatientID", "AccessionNumber", "OtherPatientIDs", "AdmissionID", "ServiceEpisodeID", "IssuerOfPatientID"}
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,15}")
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_OWN_SCHEME = "99BUSIVIEWER"
_SCHEMES = {
    "DCM",
    "SCT",
    "SRT",
    "SNM3",
    "99SDM",
    "UCUM",
    "LN",
    "RADLEX",
    "UMLS",
    "FMA",
    "NCIt",
    "MDC",
    "BARI",
    "BI",
    "IBSI",
}


def known_words(words: str, names: AbstractSet[str]) -> str:
    """The words of the vocabulary that a text holds, in order; a short number stays behind one. ``names`` never stay."""
    kept: list[str] = []
    after_word = False
    for match in _TOKEN.finditer(words):
        token = match.group()
        folded = token.casefold()
        if folded in WORDS and folded not in names:
            kept.append(token if token.isascii() else folded)
            after_word = True
        elif after_word and token.isascii() and _SHORT_NUMBER.fullmatch(token):
            kept.append(token)
            after_word = False
        else:
            after_word = False
    return " ".join(kept)


def names_in(ds: Dataset) -> frozenset[str]:
    """Case-folded: the words of all person names in a data set and its sequences, and the patient's numbers."""
    found: set[str] = set()
    for tag in list(ds.keys()):
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001 - the boundary to pydicom's lazy decoding; such an element is removed anyway
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                found |= names_in(item)
        elif element.VR == "PN":
            found |= {token.casefold() for token in _TOKEN.findall(str(element.value)) if len(token) > 1}
        elif element.keyword in _NUMBERS:
            found |= {str(element.value).strip().casefold()} - {""}
    return frozenset(found)


def cleaned_text(words: str, names: AbstractSet[str], limit: int) -> str:
    """Free text as far as it is known words; a dummy where none is; empty, or a number of three digits, stays."""
    if not words.strip():
        return ""
    if _SHORT_NUMBER.fullmatch(words.strip()):
        return words.strip()
    return (known_words(words, names) or DUMMY)[:limit]


def term(code_string: str) -> str:
    """A code string (CS) that the vocabulary knows, or a short number; else nothing."""
    stripped = code_string.strip()
    return stripped if stripped in TERMS or _NUMBERED_TERM.fullmatch(stripped) else ""


def decimal(digits: str, names: AbstractSet[str]) -> str | None:
    """A number as written (DS, IS); None for anything else, a number of the patient, and ten digits before the point."""
    whole = digits.strip()
    if whole in names or not _DECIMAL.fullmatch(whole) or len(whole) > 16 or not math.isfinite(float(whole)):
        return None
    return whole


def age(words: str) -> str | None:
    """An age (AS), or None."""
    return words if _AGE.fullmatch(words) else None


CODE_TAGS = {
    Tag(keyword)
    for keyword in (
        *("CodeValue", "LongCodeValue", "URNCodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning"),
        *("EquivalentCodeSequence", "ContextIdentifier", "MappingResource", "ContextGroupVersion"),
    )
}
"""What :func:`cleaned_code` answers for; anything else in the item is cleaned as everywhere."""


def is_code(ds: Dataset) -> bool:
    """Whether an item of a sequence is a coded entry (PS3.3 section 8.8)."""
    return any(name in ds for name in ("CodeValue", "LongCodeValue", "URNCodeValue"))


def cleaned_code(ds: Dataset, names: AbstractSet[str]) -> Dataset:
    """A coded entry: a registered code with its own meaning, or one whose words are all known, or a dummy."""
    found = _first(ds, "CodeValue") or _first(ds, "LongCodeValue")
    scheme = _first(ds, "CodingSchemeDesignator")
    meaning = _first(ds, "CodeMeaning")
    clean = Dataset()
    registered = _meanings().get((scheme, found))
    if registered is not None:
        meaning = registered
    elif not _harmless(found, scheme, meaning, names):
        found, scheme, meaning = DUMMY, f"99{DUMMY}", DUMMY
    setattr(clean, "CodeValue" if len(found) <= 16 else "LongCodeValue", found)
    clean.CodingSchemeDesignator = scheme
    clean.CodeMeaning = meaning[:64]
    version = _first(ds, "CodingSchemeVersion")
    if _SHORT_NUMBER.fullmatch(version.replace(".", "")) or re.fullmatch(r"20\d{6}", version):
        clean.CodingSchemeVersion = version
    return clean


def _first(ds: Dataset, keyword: str) -> str:
    return text(ds, keyword) or ""


def _harmless(found: str, scheme: str, meaning: str, names: AbstractSet[str]) -> bool:
    """Whether a code that no dictionary holds says nothing but known words."""
    if scheme not in _SCHEMES and scheme != _OWN_SCHEME:
        return False
    tokens = _TOKEN.findall(meaning)
    if not tokens or len(known_words(meaning, names).split()) != len(tokens) or not _CODE.fullmatch(found):
        return False
    if scheme == _OWN_SCHEME:  # its values are made of the meaning's first letters, where long with a checksum
        return found[:10] == "_".join(tokens).casefold()[:10]
    return all(run.casefold() in WORDS for run in _LETTERS.findall(found))


@cache
def _meanings() -> dict[tuple[str, str], str]:
    """(scheme, value) → meaning of the codes that the standard uses, the older SNOMED values too."""
    known: Any = concepts
    found = {
        (scheme, code): meaning
        for scheme, terms in known.items()
        for codes in terms.values()
        for code, (meaning, _) in codes.items()
    }
    for old, new in mapping["SRT"].items():
        if (meaning := found.get(("SCT", new))) is not None:
            found["SRT", old] = found["SNM3", old] = meaning
    return found


def plain_numbers(found: Any) -> bool:
    """Whether a value holds nothing but numbers."""
    several = found if isinstance(found, MutableSequence) else [found]
    return all(isinstance(single, (int, float)) for single in several)


def strings(ds: Dataset, keyword: str) -> list[str]:
    """The values of an element as strings; bytes of a wrong VR are taken as Latin-1."""
    found = value(ds, keyword)
    if found is None:
        return []
    if isinstance(found, bytes):
        return found.decode("latin-1").rstrip("\0 ").split("\\")
    several = (
        found
        if hasattr(found, "__iter__") and not isinstance(found, str) and not hasattr(found, "components")
        else [found]
    )
    return [str(single) for single in several]
