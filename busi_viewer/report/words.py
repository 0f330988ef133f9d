"""Words and numbers of the report: sizes with units, percentages, identifiers, what kind of outline it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.lexicon import Proposal
from busi_viewer.core.measure import Lesion
from busi_viewer.core.reporting import Change

NOT_GIVEN = "Not given"
NO_VALUE = "–"
NOT_SAID = "not said"

_FACT_NAMES: dict[str, tuple[str, ...]] = {
    "patient": ("patient", "patientname", "name"),
    "patient_id": ("patientid",),
    "birth": ("patientbirthdate", "birthdate", "dateofbirth", "birth"),
    "examination": ("studydate", "examination", "examinationdate", "acquisitiondate", "acquisitiondatetime", "date"),
    "accession": ("accession", "accessionnumber"),
    "side": ("side", "laterality", "imagelaterality"),
}


def fact(facts: Mapping[str, str], name: str) -> str | None:
    """One of the record's facts under any of its spellings, made readable (``Sample^Anna`` → ``Sample, Anna``)."""
    spelled = {re.sub(r"[^a-z]", "", key.lower()): value for key, value in facts.items()}
    value = next((spelled[key] for key in _FACT_NAMES[name] if spelled.get(key, "").strip()), None)
    if value is None:
        return None
    if name == "patient":
        return _person(value)
    if name in ("birth", "examination"):
        return _date(value)
    if name == "side":
        return {"L": "left", "R": "right", "B": "both"}.get(value.strip().upper(), value.strip())
    return value.strip()


def _person(value: str) -> str:
    """A DICOM person name's first non-empty representation, as "Family, Given Middle"."""
    written = next((group for group in value.split("=") if group.strip("^ ")), value)
    parts = [part.strip() for part in written.split("^")]
    given = " ".join(part for part in parts[1:3] if part)
    return f"{parts[0]}, {given}" if parts[0] and given else parts[0] or given


def _date(value: str) -> str:
    match = re.fullmatch(r"(\d{4})(\d{2})(\d{2})(?:[ T]?(\d{2})(\d{2})[\d.+-]*)?", value.strip())
    if not match:
        return value.strip()
    year, month, day, hour, minute = match.groups()
    return f"{year}-{month}-{day}" + (f", {hour}:{minute}" if hour else "")


def age(birth: str, at: str) -> int | None:
    """Whole years from one day to another, both beginning with YYYY-MM-DD; None for anything else."""
    try:
        born, then = (date.fromisoformat(day[:10]) for day in (birth, at))
    except ValueError:
        return None
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    return years if 0 <= years < 130 else None


def percent(share: float) -> str:
    """A probability in whole per cent; never 0 % or 100 %, which nothing estimated is."""
    if share < 0.005:
        return "< 1 %"
    return "> 99 %" if share > 0.995 else f"{share * 100:.0f} %"


def threshold(share: float) -> str:
    """A threshold in per cent, below 10 with one decimal where it has one, as the window says it."""
    return f"{share * 100:.1f} %" if share < 0.1 and share * 100 % 1 > 0.05 else f"{share * 100:.0f} %"


def length(mm: float | None, px: float) -> str:
    """A length in mm where it is known, else in px."""
    return f"{mm:.1f} mm" if mm is not None else f"{px:.0f} px"


def area(lesion: Lesion) -> str:
    """The lesion's area in mm² where it is known, else in px."""
    if lesion.area_mm2 is None:
        return f"{lesion.area_px:,} px²"
    return f"{lesion.area_mm2:.0f} mm²" if lesion.area_mm2 >= 10 else f"{lesion.area_mm2:.1f} mm²"


def axes(lesion: Lesion) -> str:
    """Long by short axis with one unit: ``20.1 × 15.0 mm``."""
    if lesion.long_axis_mm is not None and lesion.short_axis_mm is not None:
        return f"{lesion.long_axis_mm:.1f} × {lesion.short_axis_mm:.1f} mm"
    return f"{lesion.long_axis_px:.0f} × {lesion.short_axis_px:.0f} px"


def extent(lesion: Lesion) -> str:
    """Vertical by horizontal extent with one unit."""
    if lesion.ap_mm is not None and lesion.width_mm is not None:
        return f"{lesion.ap_mm:.1f} × {lesion.width_mm:.1f} mm"
    return f"{lesion.ap_px:.0f} × {lesion.width_px:.0f} px"


def angle(lesion: Lesion) -> str:
    """The long axis's angle to the image's top edge, falling to the right is positive."""
    return f"{lesion.angle_deg:.0f}°".replace("-0°", "0°").replace("-", "−")


def proposal(proposed: Proposal) -> str:
    """A proposed descriptor with its probability; orientation is geometry."""
    return f"{proposed.word}, {proposed.percent}" if proposed.percent else f"{proposed.word} (geometry)"


def proposal_basis(proposed: Sequence[Proposal]) -> str:
    """What the figures of a lesion's proposed words are, and how well such proposals held."""
    bases = [(each.name, each.basis) for each in proposed if each.basis is not None]
    if not bases:
        return ""
    held = "; ".join(
        f"{name.replace('_', ' ')} {b.balanced_accuracy:.2f} ({b.ci95[0]:.2f}–{b.ci95[1]:.2f})" for name, b in bases
    )
    counts = sorted({basis.n for _, basis in bases})
    n = "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    source = ", ".join(dict.fromkeys(basis.data for _, basis in bases))
    return (
        "AI words are proposals, per cent as if all values were equally frequent. Balanced accuracy (95 % CI), "
        f"cross-validated on {n} lesions of {source}: {held}."
    )


def local(at: str, when: datetime) -> str:
    """A time of the store (UTC, ISO 8601) in the time zone of ``when``: ``2025-03-11, 10:41``."""
    try:
        stamp = datetime.fromisoformat(at)
    except ValueError:
        return at
    stamp = stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
    return f"{stamp.astimezone(when.tzinfo):%Y-%m-%d, %H:%M}"


def by(change: Change | None, when: datetime) -> str:
    """Who changed something, and when; empty if that is not known."""
    return f"{change.user}, {local(change.at, when)}" if change is not None else ""


def spacing(record: ImageRecord) -> str:
    """The pixel spacing in words."""
    found = {region.spacing_mm for region in record.regions} or ({record.spacing_mm} if record.spacing_mm else set())
    if not found:
        return "Not calibrated: sizes in px"
    if len(found) > 1:
        return f"{len(record.regions)} regions, each with its own"
    dy, dx = next(iter(found))
    value = f"{dx:.3g} mm/px" if abs(dx - dy) < 1e-3 * dx else f"{dx:.3g} across, {dy:.3g} down, mm/px"
    if record.calibrated_by_reader:
        return f"{value}, calibrated by reader"
    return f"{value}, inside the region" if record.regions else value


def outline_change(pair_overlap: float | None, analysed: bool) -> str:
    """What the reader did with an outline: ``pair_overlap`` is its Dice with the proposal, None if there was none."""
    if pair_overlap is None:
        return "drawn" if analysed else "drawn, image not analysed"
    return "accepted, not edited" if pair_overlap >= 1.0 else f"edited, overlap (Dice) {min(pair_overlap, 0.99):.2f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``3 frames``, ``1 frame``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def band(coverage: float) -> str:
    """What the tinted band around the model's outline is: on validation images, for lesions that the model outlines."""
    return f"Tinted: holds {round(100 * coverage)} % of the true boundary on average."
