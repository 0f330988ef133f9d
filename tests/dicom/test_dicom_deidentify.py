"""De-identification: nothing of the patient is left anywhere, and what a study needs is."""

import sys

import cv2
import jpeg_ls
import numpy as np
import pydicom
import pytest
from dicom_files import ultrasound, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from busi_viewer.core.deidentify import DeidentifyOptions, NotDeidentified
from busi_viewer.core.phantom import phantom
from busi_viewer.dicom import residual_text
from busi_viewer.dicom.deidentify import FileDeidentifier
from busi_viewer.dicom.reader import read
from busi_viewer.dicom.residual_text import read_text

SECRET = b"s" * 32
PLAIN = DeidentifyOptions()
SHIFT = DeidentifyOptions(dates="shift")
FAMILY, GIVEN, NUMBER = "Quaxelbrook", "Zephyrine", "PX40718842"
PLANTED = (FAMILY, GIVEN, NUMBER)
TEXT_VRS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "UI", "AS", "DA", "DS", "DT", "IS", "TM")
BYTE_VRS = ("OB", "OW", "UN", "OF", "OD", "OL", "OV")
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
WHOLE = (0, 0, 10_000, 10_000)


def region(x0, y0, x1, y1, spatial=1):
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = spatial, 1
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1 - 1, y1 - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.01
    return item


def patient(ds, **elements):
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = f"{FAMILY}^{GIVEN}", NUMBER, "19681203"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.840.9.1", "1.2.840.9.1.1"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20240305", "101112", "A77001"
    ds.StudyDescription = f"Breast ultrasound left {FAMILY}"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def blank(**elements):
    """A small frame with a grey wedge, in which no OCR finds anything."""
    return patient(ultrasound(np.tile(np.arange(64, dtype=np.uint8), (48, 1))), **elements)


def report(**elements):
    """An object without pixels."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = uid.ComprehensiveSRStorage, "1.2.840.9.1.1.5", "SR"
    return patient(ds, **elements)


def deidentify(tmp_path, ds, name="a.dcm", options=PLAIN, secret=SECRET, **writing):
    path = write(tmp_path / name, ds, **writing) if isinstance(ds, Dataset) else ds
    told = FileDeidentifier(secret, options).deidentify(path, tmp_path / "out", lambda *_: None)
    return told, tmp_path / "out" / told.name


def assert_nowhere(path, words=PLANTED):
    data = path.read_bytes().lower()
    for word in words:
        for encoding in ENCODINGS:
            found = word.lower().encode(encoding, "ignore")
            assert len(found) < 4 or found not in data, (word, encoding)
        assert word.lower() not in str(path).lower()


def planted_value(vr):
    if vr in BYTE_VRS:
        return f"{FAMILY} {GIVEN} {NUMBER}  ".encode("utf-16-le" if vr != "OB" else "latin-1")
    return f"{FAMILY}^{GIVEN} {NUMBER}"


def raw_element(tag, vr, value):
    """An element that pydicom writes without judging its value."""
    data = value if isinstance(value, bytes) else value.encode() + b" " * (len(value) % 2)
    return pydicom.dataelem.RawDataElement(Tag(tag), vr, len(data), data, 0, False, True)


def every_element():
    """(tag, VR) of each attribute of the standard that can hold letters or bytes and is not needed to decode the pixels."""
    needed = {"SpecificCharacterSet", "PhotometricInterpretation", "SOPClassUID", "SOPInstanceUID", "PixelData"}
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if (
            tag >> 16 > 2
            and keyword
            and keyword not in needed
            and vr in (*TEXT_VRS, *BYTE_VRS, "OB or OW")
            and "Pixel" not in keyword
        ):
            yield tag, vr.split(" ")[0]


def test_planted_in_every_attribute_it_is_found_nowhere(tmp_path):
    ds = blank()
    for tag, vr in every_element():
        if tag not in ds:
            ds[tag] = raw_element(tag, vr, planted_value(vr))
    inner = Dataset()
    for tag, vr in every_element():
        inner[tag] = raw_element(tag, vr, planted_value(vr))
    kept = Dataset()
    kept.ViewModifierCodeSequence = Sequence([inner])
    ds.ViewCodeSequence = Sequence([kept])
    ds.add(DataElement(0x00091001, "LO", f"{FAMILY} private"))
    ds.add(DataElement(0x00090010, "LO", FAMILY))
    ds.add(DataElement(0x60003000, "OW", FAMILY.encode() + b" "))
    ds.add(DataElement(0x60000022, "LO", FAMILY))
    assert len(ds) > 1000
    told, out = deidentify(tmp_path, ds, f"{FAMILY} {GIVEN}.dcm")
    assert_nowhere(out)
    assert told.done["private removed"] == 2
    assert pydicom.dcmread(out).PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192", "ISO_IR 144"])
def test_other_character_sets_leave_nothing(tmp_path, charset):
    ds = report(SpecificCharacterSet=charset)
    name = "Кваксова^Зефирина" if charset != "ISO_IR 100" else "Quäxlöw^Zoë"
    ds.PatientName, ds.ImageComments = name, name.replace("^", " ") + " breast"
    _, out = deidentify(tmp_path, ds)
    assert_nowhere(out, name.split("^"))
    clean = pydicom.dcmread(out)
    assert str(clean.PatientName).startswith("BV-")
    assert clean.ImageComments == "breast"


def test_the_pixels_that_remain_are_those_that_were(tmp_path):
    pixels = np.tile(np.arange(64, dtype=np.uint8), (48, 1))
    _, out = deidentify(
        tmp_path, patient(ultrasound(pixels.copy(), SequenceOfUltrasoundRegions=[region(10, 5, 60, 40)]))
    )
    expected = np.zeros_like(pixels)
    expected[5:40, 10:60] = pixels[5:40, 10:60]
    np.testing.assert_array_equal(pydicom.dcmread(out).pixel_array, expected)
    assert read(out).regions[0].x0 == 10


def test_what_is_said_was_done(tmp_path):
    _, out = deidentify(tmp_path, blank(), options=DeidentifyOptions(dates="shift"))
    clean = pydicom.dcmread(out)
    codes = [(item.CodeValue, item.CodingSchemeDesignator) for item in clean.DeidentificationMethodCodeSequence]
    assert codes == [("113100", "DCM"), ("113101", "DCM"), ("113105", "DCM"), ("113107", "DCM")]
    assert (clean.BurnedInAnnotation, clean.LongitudinalTemporalInformationModified) == ("NO", "MODIFIED")
    assert clean.StudyDescription == "Breast ultrasound left"
    assert (clean.AccessionNumber, clean.get("InstitutionName")) == ("", None)


def test_dates_go_or_move_together(tmp_path):
    first, second = report(StudyDate="20240305"), report(StudyDate="20240404", SOPInstanceUID="1.2.9")
    moved = [pydicom.dcmread(deidentify(tmp_path, ds, options=SHIFT)[1]) for ds in (first, second)]
    days = [np.datetime64(f"{one.StudyDate[:4]}-{one.StudyDate[4:6]}-{one.StudyDate[6:]}") for one in moved]
    assert (days[1] - days[0]).astype(int) == 30
    assert moved[0].StudyDate != "20240305"
    assert moved[0].StudyTime == "101112"
    assert moved[0].PatientBirthDate == ""
    gone = pydicom.dcmread(deidentify(tmp_path, report(SOPInstanceUID="1.2.10"))[1])
    assert gone.StudyDate == ""


def test_references_stay_consistent_over_a_study_and_differ_by_secret(tmp_path):
    image = report(SOPInstanceUID="1.2.840.9.1.1.7")
    other = report(SOPInstanceUID="1.2.840.9.1.1.8")
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    other.SourceImageSequence = Sequence([item])
    one, two = (pydicom.dcmread(deidentify(tmp_path, ds)[1]) for ds in (image, other))
    assert two.SourceImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID != "1.2.840.9.1.1.7"
    assert two.SourceImageSequence[0].ReferencedSOPClassUID == image.SOPClassUID
    assert (one.StudyInstanceUID, one.PatientID) == (two.StudyInstanceUID, two.PatientID)
    again = pydicom.dcmread(deidentify(tmp_path, image, secret=b"t" * 32)[1])
    assert again.PatientID != one.PatientID
    assert again.SOPInstanceUID != one.SOPInstanceUID


def test_a_name_in_a_uid_goes(tmp_path):
    ds = report()
    ds["RelatedGeneralSOPClassUID"] = raw_element(0x0008001A, "UI", f"1.2.{FAMILY}")
    ds["FrameOfReferenceUID"] = raw_element(0x00200052, "UI", f"1.2.840.10008.{FAMILY}")
    _, out = deidentify(tmp_path, ds)
    assert_nowhere(out)


LETTERS = "MUELLER ANNA"


def with_text(shape, at=(8, 20), value=255):
    """A (H, W) phantom with a line of letters in its upper strip, which is black."""
    frame = np.ascontiguousarray(phantom("benign", 3, shape)[0])
    frame[:28] = 0
    cv2.putText(frame, LETTERS, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, value, 1, cv2.LINE_AA)
    return frame


def ybr(frame):
    return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]


def palette(ds):
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", (np.arange(255, -1, -1, dtype="<u2") * 257).tobytes())
    return ds


def source_of(kind, frames):
    """A data set with text outside the region, as one photometric interpretation, and how to write it."""
    writing = {}
    if kind == "MONOCHROME1":
        ds = ultrasound(255 - frames, PhotometricInterpretation="MONOCHROME1")
    elif kind == "RGB":
        ds = ultrasound(np.repeat(frames[..., None], 3, -1))
    elif kind == "RGB by plane":
        ds = ultrasound(np.repeat(frames[..., None], 3, -1), PlanarConfiguration=1)
        ds.PixelData = np.repeat(frames[:, None], 3, 1).tobytes()
    elif kind == "YBR_FULL":
        ds = ultrasound(np.stack([ybr(frame) for frame in frames]), PhotometricInterpretation="YBR_FULL")
    elif kind == "PALETTE COLOR":
        ds = palette(ultrasound(255 - frames, PhotometricInterpretation="PALETTE COLOR"))
    elif kind == "16 bit":
        ds = ultrasound(frames.astype(np.uint16) * 16, BitsStored=12, HighBit=11)
    elif kind == "JPEG":
        encoded = [cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))[1].tobytes() for frame in frames]
        ds = ultrasound(np.repeat(frames[..., None], 3, -1), PhotometricInterpretation="YBR_FULL_422")
        writing = {"syntax": uid.JPEGBaseline8Bit, "frames": encoded}
    elif kind == "JPEG-LS":
        ds = ultrasound(frames)
        writing = {"syntax": uid.JPEGLSLossless, "frames": [bytes(jpeg_ls.encode_array(frame)) for frame in frames]}
    else:
        ds = ultrasound(frames)
    return ds, writing


KINDS = ("MONOCHROME2", "MONOCHROME1", "RGB", "RGB by plane", "YBR_FULL", "PALETTE COLOR", "16 bit", "JPEG", "JPEG-LS")


@pytest.mark.parametrize("kind", KINDS)
def test_text_outside_the_region_goes_on_every_frame(tmp_path, kind):
    frames = np.stack([with_text((96, 200), at=(6 + 10 * n, 20)) for n in range(2)])
    ds, writing = source_of(kind, frames)
    patient(ds, SequenceOfUltrasoundRegions=[region(0, 30, 200, 96)])
    path = write(tmp_path / "a.dcm", ds, **writing)
    before = read(path)
    told, out = deidentify(tmp_path, path)
    after = read(out)
    assert told.blackened == 30 * 200
    for index in range(2):
        shown = np.asarray(after.frames[index])
        assert int(shown[:30].max()) == 0
        np.testing.assert_array_equal(shown[30:], np.asarray(before.frames[index])[30:])
    clean = pydicom.dcmread(out)
    compressed = kind.startswith("JPEG")
    assert clean.file_meta.TransferSyntaxUID == (uid.JPEGLSLossless if compressed else uid.ExplicitVRLittleEndian)
    assert clean.get("LossyImageCompression") == ("01" if kind == "JPEG" else None)
    assert_nowhere(out)


def test_text_in_the_region_is_refused_or_blackened_on_every_frame(tmp_path):
    plain, lettered = phantom("benign", 3, (96, 200))[0], with_text((96, 200), at=(30, 80))
    ds = patient(ultrasound(np.stack([plain, lettered]), SequenceOfUltrasoundRegions=[region(0, 0, 200, 96)]))
    path = write(tmp_path / "a.dcm", ds)
    with pytest.raises(NotDeidentified, match="there may be text"):
        deidentify(tmp_path, path)
    assert not (tmp_path / "out").exists()
    told, out = deidentify(tmp_path, path, options=DeidentifyOptions(text="remove"))
    assert told.text_boxes >= 1
    for frame in pydicom.dcmread(out).pixel_array:
        assert frame[lettered == 255].max() == 0
        assert not [found for found in read_text(frame) if len(found.words) > 3]


def test_without_regions_every_frame_is_looked_at_as_a_whole(tmp_path):
    """A banner that comes up on one frame of a cine holds the whole cine back; blackened, it goes from every frame."""
    plain, lettered = phantom("benign", 3, (96, 200))[0], with_text((96, 200))
    path = write(tmp_path / "a.dcm", patient(ultrasound(np.stack([plain, lettered]))))
    with pytest.raises(NotDeidentified, match=r"no acquisition region.*frame 2"):
        deidentify(tmp_path, path)
    told, out = deidentify(tmp_path, path, options=DeidentifyOptions(text="remove"))
    assert told.region == "whole frame"
    for frame in pydicom.dcmread(out).pixel_array:
        assert frame[:28][lettered[:28] > 0].max() == 0


def test_a_region_by_hand_is_all_that_is_kept_on_every_frame(tmp_path):
    frames = np.stack([with_text((160, 320), at=(8 + 40 * n, 20)) for n in range(3)])
    path = write(tmp_path / "a.dcm", patient(ultrasound(frames)))
    told, out = deidentify(tmp_path, path, options=DeidentifyOptions(region=(10, 30, 400, 150)))
    assert (told.region, told.blackened, told.text_boxes) == ("by hand", 160 * 320 - 120 * 310, 0)
    for before, after in zip(frames, pydicom.dcmread(out).pixel_array, strict=True):
        np.testing.assert_array_equal(after[30:150, 10:], before[30:150, 10:])
        after[30:150, 10:] = 0
        assert after.max() == 0
    with pytest.raises(NotDeidentified, match="region to keep"):
        deidentify(tmp_path, path, options=DeidentifyOptions(region=(320, 0, 400, 100)))


def test_a_region_by_hand_only_narrows_those_that_the_file_states(tmp_path):
    frame = with_text((160, 320))
    ds = patient(ultrasound(frame, SequenceOfUltrasoundRegions=[region(0, 30, 200, 160)]))
    _, out = deidentify(tmp_path, ds, options=DeidentifyOptions(region=(100, 0, 320, 160)))
    left = pydicom.dcmread(out).pixel_array
    assert (left[:30].max(), left[:, :100].max(), left[:, 200:].max()) == (0, 0, 0)
    np.testing.assert_array_equal(left[30:, 100:200], frame[30:, 100:200])


def test_measures_and_body_sides_may_stay(tmp_path):
    frame = phantom("benign", 3, (160, 320))[0]
    frame[:60] = 0
    cv2.putText(frame, "1 D 12.3 mm", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1, cv2.LINE_AA)
    _, out = deidentify(tmp_path, patient(ultrasound(frame)))
    np.testing.assert_array_equal(pydicom.dcmread(out).pixel_array, frame)


def test_a_patient_who_is_called_like_a_known_word(tmp_path):
    ds = report(PatientName="Long^Breast", SeriesDescription="long axis left breast")
    clean = pydicom.dcmread(deidentify(tmp_path, ds)[1])
    assert clean.SeriesDescription == "axis left"


def test_an_encapsulated_document_is_refused(tmp_path):
    ds = patient(Dataset())
    ds.SOPClassUID, ds.SOPInstanceUID = uid.EncapsulatedPDFStorage, "1.2.3"
    ds.EncapsulatedDocument = b"%PDF-1.4 "
    with pytest.raises(Exception, match="no pixels"):
        deidentify(tmp_path, ds)


def test_the_same_object_twice_is_refused_the_second_time(tmp_path):
    deidentify(tmp_path, report())
    with pytest.raises(NotDeidentified, match="same object"):
        deidentify(tmp_path, report())


ELEMENTS = sorted(every_element())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    word=st.sampled_from(["Quaxelbrook", "Ödegårdson", "Włodkowicz", "佐藤健太郎", "Зефирина"]),
    tags=st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=30),
    nested=st.integers(0, 3),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "latin-1"]),
)
def test_random_data_sets_keep_nothing(tmp_path_factory, word, tags, nested, encoding):
    folder = tmp_path_factory.mktemp("random")
    data = word.encode(encoding, "replace")
    inner = Dataset()
    for tag, vr in tags:
        inner[tag] = raw_element(tag, vr, data + b" " * (len(data) % 2))
    for _ in range(nested):
        outer = Dataset()
        outer.ViewCodeSequence = Sequence([inner])
        inner = outer
    ds = report()
    ds.update({tag: inner.get_item(tag) for tag in list(inner.keys()) if tag not in ds})
    _, out = deidentify(folder, ds)
    assert data.lower() not in out.read_bytes().lower()


def test_without_the_text_recognition_nothing_with_pixels_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    residual_text._engine.cache_clear()
    try:
        with pytest.raises(NotDeidentified, match="text recognition"):
            deidentify(tmp_path, blank())
        assert not (tmp_path / "out").exists()
        deidentify(tmp_path, report())
    finally:
        residual_text._engine.cache_clear()
