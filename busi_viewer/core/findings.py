"""What the reader says of an image: structured findings in the lexicon's words, as values and as JSON.

A lesion's findings keep a ``key`` (1, 2, …) that never changes, and the place where its outline last lay;
:func:`assigned` finds the outline that is theirs after edits. None and empty always mean: not said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from busi_viewer.core.errors import UserError
from busi_viewer.core.lexicon import EDITIONS, FIFTH, PLANES, POSITIONS, SIDES, Lexicon
from busi_viewer.core.measure import Lesion

SCHEMA = 1
Place = tuple[int, int, int, int]
"""A box (x, y, w, h) in pixels."""
FARTHEST_MM = 300.0


class FindingsError(UserError):
    """Findings that cannot be read or that say something outside the lexicon."""


@dataclass(frozen=True)
class Location:
    """Where in the breast: ``side``, ``position`` (of POSITIONS), ``distance_mm`` from the nipple, and the probe's ``plane``."""

    side: str | None = None
    position: str | None = None
    distance_mm: float | None = None
    plane: str | None = None


@dataclass(frozen=True)
class Identity:
    """Whose image it is, as the reader typed it where the file does not say; empty = not said. Dates as typed."""

    patient: str = ""
    patient_id: str = ""
    birth: str = ""
    examination: str = ""
    accession: str = ""


@dataclass(frozen=True)
class LesionFindings:
    """One lesion. ``frame`` and ``place`` are where its outline lay when it was last described (place None: no outline).

    ``words`` holds, by the descriptor's name, the values given; a descriptor that is not there was not described.
    ``position`` and ``distance_mm`` are given where they differ from the image's. ``assessment`` is a category.
    """

    key: int
    frame: int = 0
    place: Place | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    position: str | None = None
    distance_mm: float | None = None
    assessment: str | None = None

    def said(self, name: str) -> tuple[str, ...]:
        """The values given for a descriptor; empty if none."""
        return self.words.get(name, ())

    def saying(self, name: str, values: Sequence[str]) -> LesionFindings:
        """These findings with other values for a descriptor; none take it back."""
        words = {known: said for known, said in self.words.items() if known != name}
        if values:
            words[name] = tuple(values)
        return replace(self, words=words)

    @property
    def empty(self) -> bool:
        """Whether nothing is said of the lesion."""
        return not self.words and self.position is None and self.distance_mm is None and self.assessment is None


@dataclass(frozen=True)
class Findings:
    """All that the reader says of one image. ``assessment`` is the image's category, ``management`` what is to be done.

    ``lexicon`` is the key of the edition. Raises FindingsError where something said is not in it.
    """

    lexicon: str = FIFTH.key
    composition: str | None = None
    location: Location = Location()
    lesions: tuple[LesionFindings, ...] = ()
    assessment: str | None = None
    management: str | None = None
    history: str = ""
    comparison: str = ""
    technique: str = ""
    impression: str = ""
    identity: Identity = Identity()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def empty(self) -> bool:
        """Whether nothing is said at all."""
        return self == Findings(lexicon=self.lexicon)

    @property
    def edition(self) -> Lexicon:
        """The lexicon whose words are used."""
        return EDITIONS[self.lexicon]

    @property
    def category(self) -> str | None:
        """The image's category as the reader gave it; else the gravest that the reader gave a lesion; else None."""
        if self.assessment is not None:
            return self.assessment
        given = [lesion.assessment for lesion in self.lesions if lesion.assessment is not None]
        return max(given, key=self.edition.gravity.index) if given else None

    def lesion(self, key: int) -> LesionFindings | None:
        """The lesion with that key, or None."""
        return next((lesion for lesion in self.lesions if lesion.key == key), None)

    def next_key(self) -> int:
        """A key for one more lesion."""
        return 1 + max((lesion.key for lesion in self.lesions), default=0)

    def with_lesion(self, lesion: LesionFindings) -> Findings:
        """These findings with the lesion of that key replaced or added; one of which nothing is said is left out."""
        others = {one.key: one for one in self.lesions if one.key != lesion.key}
        if not lesion.empty:
            others[lesion.key] = lesion
        return replace(self, lesions=tuple(others[key] for key in sorted(others)))

    def location_of(self, lesion: LesionFindings) -> Location:
        """Where the lesion lies: the image's location, but for what is said of the lesion itself."""
        return replace(
            self.location,
            position=lesion.position or self.location.position,
            distance_mm=self.location.distance_mm if lesion.distance_mm is None else lesion.distance_mm,
        )


def stated_side(facts: Mapping[str, str]) -> str | None:
    """The side that the file's header states (DICOM Image Laterality), or None: B, U and anything else are no side."""
    return {"L": "left", "R": "right"}.get(facts.get("Laterality", "").strip().upper()[:1])


def prefilled(facts: Mapping[str, str]) -> Findings:
    """The findings of an image of which nothing was said yet: empty but for the side that its header states."""
    return Findings(location=Location(side=stated_side(facts)))


def assigned(
    findings: Findings, frame: int, lesions: Sequence[Lesion]
) -> tuple[tuple[LesionFindings | None, ...], tuple[LesionFindings, ...]]:
    """(for each outlined lesion of a frame what is said of it or None, what is said of lesions whose outline is gone).

    Findings go to the outline whose box overlaps most with the place they were made at (intersection over union), the
    greatest overlap first; those without any overlap have no outline.
    """
    here = [one for one in findings.lesions if one.frame == frame]
    pairs = sorted(
        (
            (-_overlap(one.place, lesion.bbox), one.key, number)
            for one in here
            for number, lesion in enumerate(lesions)
            if one.place is not None and _overlap(one.place, lesion.bbox) > 0
        ),
    )
    of_key = {one.key: one for one in here}
    found: dict[int, LesionFindings] = {}
    for _, key, number in pairs:
        if key in of_key and number not in found:
            found[number] = of_key.pop(key)
    return tuple(found.get(number) for number in range(len(lesions))), tuple(of_key.values())


def _overlap(a: Place, b: Place) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / (a[2] * a[3] + b[2] * b[3] - common) if common else 0.0


def to_json(findings: Findings) -> dict[str, Any]:
    """The findings as a JSON object; what was not said is left out, lesions go by their key."""
    said: dict[str, Any] = {"schema": SCHEMA, "lexicon": findings.lexicon}
    for name in _TEXTS + _CHOICES:
        if getattr(findings, name):
            said[name] = getattr(findings, name)
    location = {item.name: getattr(findings.location, item.name) for item in fields(Location)}
    if any(value is not None for value in location.values()):
        said["location"] = {name: value for name, value in location.items() if value is not None}
    identity = {item.name: getattr(findings.identity, item.name) for item in fields(Identity)}
    if any(identity.values()):
        said["identity"] = {name: value for name, value in identity.items() if value}
    if findings.lesions:
        said["lesions"] = {str(lesion.key): _lesion_json(lesion) for lesion in findings.lesions}
    return said


def _lesion_json(lesion: LesionFindings) -> dict[str, Any]:
    said: dict[str, Any] = {"frame": lesion.frame, **{name: list(values) for name, values in lesion.words.items()}}
    if lesion.place is not None:
        said["place"] = list(lesion.place)
    for name in _OF_LESION:
        if getattr(lesion, name) is not None:
            said[name] = getattr(lesion, name)
    return said


def from_json(value: Any) -> Findings:
    """The findings that :func:`to_json` wrote. Raises FindingsError for anything else, unknown entries included."""
    entries = _object(value, "findings")
    schema = entries.pop("schema", None)
    if schema != SCHEMA:
        raise _wrong(
            f"their form is {schema!r}, this version reads form {SCHEMA}", "Open them with the version that wrote them."
        )
    edition = EDITIONS.get(str(entries.get("lexicon")))
    if edition is None:
        raise _wrong(f"the lexicon {entries.get('lexicon')!r} is not known")
    location = _object(entries.pop("location", {}), "location")
    _only(location, [item.name for item in fields(Location)], "location")
    identity = _object(entries.pop("identity", {}), "identity")
    _only(identity, [item.name for item in fields(Identity)], "identity")
    lesions = [_lesion(edition, key, one) for key, one in _object(entries.pop("lesions", {}), "lesions").items()]
    _only(entries, ["lexicon", *_TEXTS, *_CHOICES], "findings")
    return Findings(
        **entries,
        location=Location(**location),
        lesions=tuple(sorted(lesions, key=lambda one: one.key)),
        identity=Identity(**identity),
    )


def _lesion(edition: Lexicon, key: str, value: Any) -> LesionFindings:
    if not (key.isascii() and key.isdigit()) or key.startswith("0"):
        raise _wrong(f"{key!r} is no lesion's number")
    entries = _object(value, f"lesion {key}")
    names = [one.name for one in edition.lesion]
    _only(entries, [*names, *_OF_LESION, "frame", "place"], f"lesion {key}")
    words = {}
    for name in names:
        if name in entries:
            words[name] = _strings(entries.pop(name), f"{name} of lesion {key}")
    if "place" in entries:
        entries["place"] = tuple(entries["place"]) if isinstance(entries["place"], list) else entries["place"]
    return LesionFindings(int(key), words=words, **entries)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(f"{what}: an object was expected")
    return dict(value)


def _strings(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise _wrong(f"{what}: a list of words was expected")
    return tuple(value)


def _only(entries: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    unknown = sorted(set(entries) - set(known))
    if unknown:
        raise _wrong(f"{what}: unknown entry {', '.join(map(repr, unknown))}")


def _wrong(what: str, remedy: str = "") -> FindingsError:
    return FindingsError(f"these findings cannot be used: {what}", remedy=remedy)


_TEXTS = ("history", "comparison", "technique", "impression")
_CHOICES = ("composition", "assessment", "management")
_OF_LESION = ("position", "distance_mm", "assessment")


def _check(findings: Findings) -> None:
    """Raise FindingsError where something said is outside the edition, or is of the wrong kind."""
    edition = EDITIONS.get(findings.lexicon)
    if edition is None:
        raise _wrong(f"the lexicon {findings.lexicon!r} is not known")
    location = findings.location
    _one_of("tissue composition", findings.composition, edition.composition.values)
    _one_of("side", location.side, SIDES)
    _one_of("plane", location.plane, PLANES)
    _one_of("assessment", findings.assessment, edition.assessments)
    _one_of("management", findings.management, edition.managements)
    _check_position("", location.position, location.distance_mm)
    for name in _TEXTS:
        if not isinstance(getattr(findings, name), str):
            raise _wrong(f"{name}: a text was expected")
    for item in fields(Identity):
        if not isinstance(getattr(findings.identity, item.name), str):
            raise _wrong(f"{item.name}: a text was expected")
    keys = [lesion.key for lesion in findings.lesions]
    if keys != sorted(set(keys)):
        raise _wrong("lesions must have different numbers, in order")
    for lesion in findings.lesions:
        _check_lesion(edition, lesion)


def _check_lesion(edition: Lexicon, lesion: LesionFindings) -> None:
    of = f" of lesion {lesion.key}"
    if not _whole(lesion.key, 1) or not _whole(lesion.frame, 0):
        raise _wrong(f"number or frame{of}: a whole number was expected")
    place = lesion.place
    if place is not None and not (
        isinstance(place, tuple) and len(place) == 4 and all(map(_whole, place, (0, 0, 1, 1)))
    ):
        raise _wrong(f"place{of}: four whole numbers were expected")
    known = {one.name: one for one in edition.lesion}
    for name, values in lesion.words.items():
        if name not in known:
            raise _wrong(f"unknown descriptor {name!r}{of}")
        if not values or not known[name].fits(values):
            raise _wrong(f"{known[name].title.lower()}{of}: {', '.join(map(str, values))!r} is not in the lexicon")
    _one_of(f"assessment{of}", lesion.assessment, edition.assessments)
    _check_position(of, lesion.position, lesion.distance_mm)


def _check_position(of: str, position: str | None, distance_mm: float | None) -> None:
    _one_of(f"position{of}", position, POSITIONS)
    if distance_mm is None:
        return
    if isinstance(distance_mm, bool) or not isinstance(distance_mm, int | float):
        raise _wrong(f"distance from the nipple{of}: a number was expected")
    if not 0 <= distance_mm <= FARTHEST_MM:
        raise _wrong(f"distance from the nipple{of}: {distance_mm} mm is not between 0 and {FARTHEST_MM:.0f}")


def _one_of(what: str, value: str | None, known: Sequence[str] | Mapping[str, str]) -> None:
    if value is not None and not (isinstance(value, str) and value in known):
        raise _wrong(f"{what}: {value!r} is not in the lexicon")


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
