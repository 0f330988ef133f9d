"""What becomes of every attribute: PS3.15 table E.1-1 for those it lists, and a list of what may stay for all others.

The table is that of the standard's edition 2026c, as the package dicom-anonymizer holds it. Where it offers several actions
the one that keeps the object valid is taken: a dummy before an empty value, an empty value before removal. What the table
does not list is kept only if its value is a number, a registered UID, a known term or known words (``clean_values``), so that
a name written where none belongs goes too.
"""

from __future__ import annotations

from enum import Enum
from functools import cache

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.datadict import dictionary_keyword, dictionary_VR
from pydicom.tag import BaseTag, Tag

EDITION = "2026c"
PROFILE = "113100"
CLEAN_PIXELS, CLEAN_GRAPHICS, CLEAN_CONTENT, CLEAN_DESCRIPTORS = "113101", "113103", "113104", "113105"
MODIFIED_DATES = "113107"
MEANINGS = {
    PROFILE: "Basic Application Confidentiality Profile",
    CLEAN_PIXELS: "Clean Pixel Data Option",
    CLEAN_GRAPHICS: "Clean Graphics Option",
    CLEAN_CONTENT: "Clean Structured Content Option",
    CLEAN_DESCRIPTORS: "Clean Descriptors Option",
    MODIFIED_DATES: "Retain Longitudinal Temporal Information Modified Dates Option",
}
"""Codes of PS3.16 CID 7050, all of the scheme DCM."""

DESCRIPTORS = {"StudyDescription", "SeriesDescription", "ProtocolName", "AcquisitionProtocolName", "ImageComments"}
"""Listed free text of which known words may stay (Clean Descriptors)."""
_CLEANED = {"ContentSequence", "GraphicAnnotationSequence", "ReferencedImageSequence", "SourceImageSequence"}
"""Listed sequences whose items are cleaned instead of removed (Clean Structured Content, Clean Graphics; references)."""
_NEEDED = {"PresentationCreationDate", "PresentationCreationTime"}
"""Listed for removal, but objects are not valid without: a dummy takes their place."""
BINARY = {
    f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue") for part in ("Data", "Descriptor")
} | {"LUTData", "LUTDescriptor"}
"""Bytes that may stay; all other bytes but the pixels are removed."""
PIXELS = {"PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"}


class Action(Enum):
    """What to do with an attribute."""

    REMOVE = "remove"
    EMPTY = "empty"
    DUMMY = "dummy"
    UID = "uid"
    CLEAN = "clean"
    BY_VALUE = "by value"


@cache
def _actions() -> dict[int, Action]:
    rules = (
        (table.X_TAGS, Action.REMOVE),
        (table.Z_TAGS, Action.EMPTY),
        (table.X_Z_TAGS, Action.EMPTY),
        (table.D_TAGS, Action.DUMMY),
        (table.Z_D_TAGS, Action.DUMMY),
        (table.X_D_TAGS, Action.DUMMY),
        (table.X_Z_D_TAGS, Action.DUMMY),
        (table.U_TAGS, Action.UID),
        (table.X_Z_U_STAR_TAGS, Action.CLEAN),
    )
    # entries of four numbers are masks of repeating groups (curves, overlays): those groups are removed whole
    return {int(Tag(entry)): action for tags, action in rules for entry in tags if len(entry) == 2}


@cache
def action_for(tag: int) -> Action:
    """The action for a tag. Private, unknown and repeating groups, group lengths and pixels (written apart) are removed."""
    known = BaseTag(tag)
    if known.is_private or known.element == 0 or known.group < 8 or known.group >> 8 in (0x50, 0x60):
        return Action.REMOVE
    try:
        keyword, vr = dictionary_keyword(known), dictionary_VR(known)
    except KeyError:
        return Action.REMOVE
    if keyword in PIXELS or known.group >= 0xFFFA:
        return Action.REMOVE
    if keyword in DESCRIPTORS or keyword in _CLEANED:
        return Action.CLEAN
    if keyword in _NEEDED:
        return Action.DUMMY
    action = _actions().get(tag, Action.BY_VALUE)
    if vr == "SQ" and action is Action.DUMMY:
        return Action.EMPTY if (known.group, known.element) in table.X_Z_D_TAGS else Action.REMOVE
    return action
