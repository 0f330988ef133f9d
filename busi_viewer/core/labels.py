"""What a file's header says of where it belongs: patient, study, series. For lists; nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    """``patient``, ``study`` and ``series`` are (key that tells them apart, words to show), in DICOM's hierarchy.

    ``at`` is when the image was made (or, failing that, the study), as YYYYMMDDhhmmss or a beginning of it; "" if not stated.
    """

    patient: tuple[str, str]
    study: tuple[str, str]
    series: tuple[str, str]
    at: str = ""
