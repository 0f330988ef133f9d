"""The coded words of the objects we write: the standard's where it has them, else our own scheme, named as such.

Sources: DICOM PS3.16 CID 6005, 6007, 6151 to 6155 and 6165 (breast imaging), 244 (laterality), 7469 (sizes).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from busi_viewer.core import lexicon

PRIVATE = "99BUSIVIEWER"
"""The coding scheme of words that no standard scheme holds."""


def code(value: str, scheme: str, meaning: str) -> CodedConcept:
    """A coded concept."""
    return CodedConcept(value, scheme, meaning)


def private(meaning: str) -> CodedConcept:
    """A concept of our own scheme; its code value follows from the words (at most 16 characters, as SH demands)."""
    words = re.findall(r"[a-z0-9]+", meaning.lower())
    joined = "_".join(words)
    short = joined if len(joined) <= 16 else f"{joined[:10]}_{_checksum(joined)}"
    return CodedConcept(short, PRIVATE, meaning[:64])


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()) & 0xFFFFF:05x}"


def scheme_item() -> Dataset:
    """The identification of our scheme (Coding Scheme Identification Sequence)."""
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE
    item.CodingSchemeName = "busi_viewer: words without a code in a standard scheme"
    item.CodingSchemeResponsibleOrganization = "busi_viewer"
    return item


BREAST = code("76752008", "SCT", "Breast")
SIDES: Mapping[str, CodedConcept] = {
    "R": code("24028007", "SCT", "Right"),
    "L": code("7771000", "SCT", "Left"),
    "B": code("51440002", "SCT", "Right and left"),
}
LESION = code("52988006", "SCT", "Lesion")
ABNORMAL = code("49755003", "SCT", "Morphologically Abnormal Structure")
SEGMENTATION = code("113076", "DCM", "Segmentation")
SOURCE = code("121322", "DCM", "Source image for image processing operation")
PROCESSING = code("109102", "DCM", "Processing Equipment")
INTELLIGENCE = code("123110", "DCM", "Artificial Intelligence")
BREAST_ULTRASOUND = code("47079000", "SCT", "Ultrasonography of breast")
REPORT = code("126000", "DCM", "Imaging Measurement Report")
COMMENT = code("121106", "DCM", "Comment")
YES, NO = code("373066001", "SCT", "Yes"), code("373067005", "SCT", "No")

LONG_AXIS = code("103339001", "SCT", "Long Axis")
SHORT_AXIS = code("103340004", "SCT", "Short Axis")
AREA = code("42798000", "SCT", "Area")
HEIGHT = code("121207", "DCM", "Height")
WIDTH = code("103355008", "SCT", "Width")
ANGLE = code("110859", "DCM", "Angle")
PERIMETER = code("131191004", "SCT", "Perimeter")
NIPPLE = code("121242", "DCM", "Distance from nipple")
DISTANCE = code("121206", "DCM", "Distance")
CANCER = code("111047", "DCM", "Probability of cancer")
BENIGN, NORMAL = private("Probability of benign"), private("Probability of normal")
ABOVE = private("Above the model's operating point")
WITHHELD = private("Estimate withheld")
MEAN_PROBABILITY = private("Mean pixel probability of outline")

MILLIMETRE, SQUARE_MILLIMETRE = code("mm", "UCUM", "mm"), code("mm2", "UCUM", "mm2")
SQUARE_PIXELS, DEGREE = code("{pixels2}", "UCUM", "square pixels"), code("deg", "UCUM", "degree")
PIXELS, PERCENT = code("{pixels}", "UCUM", "pixels"), code("%", "UCUM", "percent")

CONCEPTS: Mapping[str, CodedConcept] = {
    lexicon.SHAPE: code("107644003", "SCT", "Shape"),
    lexicon.ORIENTATION: code("111354", "DCM", "Orientation"),
    lexicon.MARGIN: code("111037", "DCM", "Margins"),
    lexicon.ECHO: code("111360", "DCM", "Echo pattern"),
    lexicon.POSTERIOR: code("111366", "DCM", "Posterior acoustic features"),
    lexicon.COMPOSITION: code("111350", "DCM", "Breast background echotexture"),
    "management": code("111053", "DCM", "Recommended Follow-up"),
    "assessment": code("111005", "DCM", "Assessment Category"),
    "position": code("111014", "DCM", "Clockface or region"),
    "history": code("121060", "DCM", "History"),
    "impression": code("121073", "DCM", "Impression"),
}
"""The name of each descriptor."""

VALUES: Mapping[tuple[str, str], CodedConcept] = {
    (lexicon.SHAPE, "irregular"): code("49608001", "SCT", "Irregular"),
    (lexicon.SHAPE, "oval"): code("84360004", "SCT", "Ovoid shape (Oval)"),
    (lexicon.SHAPE, "round"): code("42700002", "SCT", "Round shape"),
    (lexicon.ORIENTATION, "parallel"): code("111355", "DCM", "Parallel"),
    (lexicon.ORIENTATION, "not parallel"): code("111356", "DCM", "Not parallel"),
    (lexicon.MARGIN, "circumscribed"): code("129738007", "SCT", "Circumscribed lesion"),
    (lexicon.MARGIN, "not circumscribed"): code("RID34355", "RADLEX", "Non-circumscribed margin"),
    (lexicon.MARGIN, "indistinct"): code("129741003", "SCT", "Indistinct lesion"),
    (lexicon.MARGIN, "angular"): code("111343", "DCM", "Angular margins"),
    (lexicon.MARGIN, "microlobulated"): code("129739004", "SCT", "Microlobulated lesion"),
    (lexicon.MARGIN, "spiculated"): code("129742005", "SCT", "Spiculated lesion"),
    (lexicon.ECHO, "anechoic"): code("111361", "DCM", "Anechoic"),
    (lexicon.ECHO, "hyperechoic"): code("111362", "DCM", "Hyperechoic"),
    (lexicon.ECHO, "complex cystic and solid"): code("111363", "DCM", "Complex"),
    (lexicon.ECHO, "hypoechoic"): code("111364", "DCM", "Hypoechoic"),
    (lexicon.ECHO, "isoechoic"): code("111365", "DCM", "Isoechoic"),
    (lexicon.POSTERIOR, "none"): code("111367", "DCM", "No posterior acoustic features"),
    (lexicon.POSTERIOR, "enhancement"): code("111368", "DCM", "Posterior enhancement"),
    (lexicon.POSTERIOR, "shadowing"): code("111369", "DCM", "Posterior shadowing"),
    (lexicon.COMPOSITION, "homogeneous, fat"): code("111351", "DCM", "Homogeneous fat echotexture"),
    (lexicon.COMPOSITION, "homogeneous, fibroglandular"): code(
        "111352", "DCM", "Homogeneous fibroglandular echotexture"
    ),
    (lexicon.COMPOSITION, "heterogeneous"): code("111353", "DCM", "Heterogeneous echotexture"),
    (lexicon.ASSOCIATED, "architectural distortion"): code("129792006", "SCT", "Architectural distortion of breast"),
    (lexicon.ASSOCIATED, "skin thickening"): code("129797000", "SCT", "Skin thickening of breast"),
    (lexicon.ASSOCIATED, "skin retraction"): code("129796009", "SCT", "Skin retraction of breast"),
    (lexicon.ASSOCIATED, "oedema"): code("79654002", "SCT", "Edema"),
    (lexicon.ASSOCIATED, "vascularity absent"): code("111373", "DCM", "Vascularity not present"),
    (lexicon.ASSOCIATED, "internal vascularity"): code("111375", "DCM", "Vascularity present in lesion"),
    (lexicon.SPECIAL, "clustered microcysts"): code("111129", "DCM", "Clustered microcysts"),
    (lexicon.SPECIAL, "complicated cyst"): code("111130", "DCM", "Complicated cyst"),
    (lexicon.SPECIAL, "intramammary lymph node"): code("443808008", "SCT", "Intramammary lymph node"),
    (lexicon.SPECIAL, "axillary lymph node"): code("68171009", "SCT", "Axillary lymph node"),
    (lexicon.SPECIAL, "fat necrosis"): code("21381006", "SCT", "Fat necrosis of breast"),
    ("position", "12:00"): code("129783008", "SCT", "12 o'clock position"),
    ("position", "1:00"): code("129772004", "SCT", "1 o'clock position"),
    ("position", "2:00"): code("129773009", "SCT", "2 o'clock position"),
    ("position", "3:00"): code("129774003", "SCT", "3 o'clock position"),
    ("position", "4:00"): code("129775002", "SCT", "4 o'clock position"),
    ("position", "5:00"): code("129776001", "SCT", "5 o'clock position"),
    ("position", "6:00"): code("129777005", "SCT", "6 o'clock position"),
    ("position", "7:00"): code("129778000", "SCT", "7 o'clock position"),
    ("position", "8:00"): code("129779008", "SCT", "8 o'clock position"),
    ("position", "9:00"): code("129780006", "SCT", "9 o'clock position"),
    ("position", "10:00"): code("129781005", "SCT", "10 o'clock position"),
    ("position", "11:00"): code("129782003", "SCT", "11 o'clock position"),
    ("position", "retroareolar"): code("129784002", "SCT", "Subareolar region"),
    ("position", "central"): code("129786000", "SCT", "Central region of breast"),
    ("position", "axillary tail"): code("129785001", "SCT", "Axillary tail region"),
    ("position", "axilla"): code("129791004", "SCT", "Axilla region"),
    (lexicon.POSTERIOR, "combined pattern"): code("111370", "DCM", "Combined posterior enhancement and shadowing"),
}
"""The standard code of a descriptor's value; what is missing here goes under :data:`PRIVATE`."""


def descriptor(name: str, value: str, word: str = "") -> tuple[CodedConcept, CodedConcept]:
    """(concept, value) of a descriptor; ``word`` is how the value reads, if otherwise, where no standard code says it."""
    concept = CONCEPTS.get(name) or private(name.replace("_", " ").capitalize())
    return concept, VALUES.get((name, value)) or private((word or value).capitalize())
