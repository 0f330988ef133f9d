"""What stands in place of UIDs, patients and dates: made with a secret, so that the same always becomes the same.

HMAC-SHA256 (RFC 2104) of the original value with the secret; without the secret nothing leads back.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date, timedelta

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from busi_viewer.dicom.values import text

MAX_SHIFT_DAYS = 3650
_DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_MOMENT = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?(?:[+-]\d{4})?)")


@dataclass(frozen=True)
class Substitutes:
    """The substitutes made with one secret (bytes, at least 16)."""

    secret: bytes

    def uid(self, original: str) -> str:
        """A UID below 2.25 (ISO/IEC 9834-8: a 128-bit number), always the same for one original."""
        return f"2.25.{int.from_bytes(self._digest('uid', original.strip(chr(0) + ' '))[:16], 'big')}"

    def patient(self, ds: Dataset) -> Patient:
        """The pseudonym and date shift of a data set's patient: by ID and issuer, else name and birth date, else study."""
        number = text(ds, "PatientID")
        known = [number, text(ds, "IssuerOfPatientID")] if number else [text(ds, "PatientName")]
        known += [] if number else [text(ds, "PatientBirthDate")]
        if not any(known):
            known = ["study", text(ds, "StudyInstanceUID") or text(ds, "SOPInstanceUID")]
        digest = self._digest("patient", "\n".join((part or "").casefold() for part in known))
        days = 1 + int.from_bytes(digest[8:12], "big") % MAX_SHIFT_DAYS
        return Patient(f"BV-{digest[:6].hex().upper()}", timedelta(days=-days))

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.new(self.secret, f"{kind}\n{value}".encode("utf-8", "backslashreplace"), hashlib.sha256).digest()


@dataclass(frozen=True)
class Patient:
    """Who a patient becomes: ``name`` stands for name and ID, ``shift`` moves all dates."""

    name: str
    shift: timedelta

    def moved(self, stamp: str) -> str | None:
        """A DICOM date, or date and time, moved by whole days; None for what is neither."""
        stamp = stamp.strip()
        if day := _DAY.fullmatch(stamp):
            return self._moved("".join(day.groups()))
        if moment := _MOMENT.fullmatch(stamp):
            moved = self._moved(moment[1])
            return moved and moved + moment[2]
        return None

    def _moved(self, day: str) -> str | None:
        try:
            moved = date(int(day[:4]), int(day[4:6]), int(day[6:])) + self.shift
        except (ValueError, OverflowError):
            return None
        return moved.isoformat().replace("-", "")


def is_registered(uid: str) -> bool:
    """Whether a UID is one of the standard's own (a SOP class, a transfer syntax …), which stay."""
    return uid in UID_dictionary
