"""Reading DICOM values that may be missing, malformed or hostile: a plain value or None, never an exception."""

from __future__ import annotations

import logging
import math
import warnings
from typing import Any

from pydicom import config
from pydicom.dataset import Dataset

# pydicom comments on every oddity of a file, at times with its values: nothing of that may reach a terminal or a log.
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
config.settings.reading_validation_mode = config.IGNORE


def value(ds: Dataset, keyword: str) -> Any:
    """The element's value, or None where it is missing, empty or cannot be decoded."""
    try:
        found = ds.get(keyword)
    except Exception:  # noqa: BLE001 - the boundary to pydicom's lazy decoding, which raises anything on malformed values
        return None
    return None if found is None or found == "" else found


def numbers(ds: Dataset, keyword: str) -> tuple[float, ...]:
    """All values as finite floats; empty where any is not a number."""
    found = value(ds, keyword)
    if found is None:
        return ()
    several = list(found) if hasattr(found, "__iter__") and not isinstance(found, (str, bytes)) else [found]
    try:
        floats = tuple(float(item) for item in several)
    except (TypeError, ValueError, OverflowError):
        return ()
    return floats if all(math.isfinite(number) for number in floats) else ()


def number(ds: Dataset, keyword: str) -> float | None:
    """The first value as a finite float."""
    return next(iter(numbers(ds, keyword)), None)


def integer(ds: Dataset, keyword: str) -> int | None:
    """The first value as an int, if it is a whole number."""
    found = number(ds, keyword)
    return int(found) if found is not None and found == int(found) else None


def text(ds: Dataset, keyword: str) -> str | None:
    """The value as a string without padding; several values are joined by a backslash as in the file."""
    found = value(ds, keyword)
    if found is None or isinstance(found, bytes):
        return None
    several = found if hasattr(found, "__iter__") and not isinstance(found, str) else [found]
    try:
        words = "\\".join(str(item) for item in several) if not hasattr(found, "components") else str(found)
    except Exception:  # noqa: BLE001 - text in a wrong character set
        return None
    return words.replace("\x00", "").strip() or None


def items(ds: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty where there is none."""
    found = value(ds, keyword)
    if found is None or isinstance(found, (str, bytes)) or not hasattr(found, "__iter__"):
        return []
    return [item for item in found if isinstance(item, Dataset)]


def nested(ds: Dataset) -> list[Dataset]:
    """The items of all its sequences, in order; elements that cannot be decoded are passed over."""
    found: list[Dataset] = []
    for tag in sorted(ds.keys()):
        try:
            element = ds[tag]
            found += element.value if element.VR == "SQ" and element.value else []
        except Exception:  # noqa: BLE001 - the boundary to pydicom's lazy decoding, as above
            continue
    return found


def shared_group(ds: Dataset, keyword: str) -> Dataset | None:
    """A functional group valid for all frames of an enhanced multi-frame object."""
    shared = items(ds, "SharedFunctionalGroupsSequence")
    groups = items(shared[0], keyword) if shared else []
    return groups[0] if groups else None
