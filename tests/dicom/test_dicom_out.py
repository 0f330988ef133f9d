"""The objects we write say what they were given: pixels, positions, values, words, references, whose they are."""

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pydicom
import pytest
from dicom_files import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from out_kit import CASES, SOURCES, WHEN, dicom, document, made, maker, read, said, stack
from PIL import Image
from small_engine import OtsuEngine

from busi_viewer import __version__, bootstrap
from busi_viewer.core.callipers import measured
from busi_viewer.core.derived import RESEARCH, Derived, Tracker, derive
from busi_viewer.core.document import Document
from busi_viewer.core.errors import OutputError, UnreadableImage
from busi_viewer.core.image import ArrayFrames, ImageRecord, to_uint8
from busi_viewer.core.masks import components, fill_holes, fill_polygon
from busi_viewer.core.measure import measure_all
from busi_viewer.core.render import as_rgb
from busi_viewer.dicom.structured_report import scoord
from busi_viewer.workflow.open import open_image

DICOM_SOURCES = [source for source in SOURCES if source != "png"]


def items(ds, concept, kind=None):
    """All content items of an SR under a concept's meaning, at any depth."""
    found = []
    for item in ds.get("ContentSequence", ()):
        name = item.get("ConceptNameCodeSequence")
        if name and name[0].CodeMeaning == concept and kind in (None, item.ValueType):
            found.append(item)
        found += items(item, concept, kind)
    return found


def groups(ds):
    """Measurement groups by tracking identifier."""
    return {items(g, "Tracking Identifier")[0].TextValue: g for g in items(ds, "Measurement Group")}


def source_header(source):
    record = document(source).record
    if record.kind != "dicom":
        return read(made(source, "image"))
    return pydicom.dcmread(record.path, stop_before_pixels=True)


@pytest.mark.parametrize(("source", "kind"), CASES)
def test_every_object_names_source_maker_model_and_purpose(source, kind):
    ds, origin = read(made(source, kind)), source_header(source)
    assert ds.StudyInstanceUID == origin.StudyInstanceUID
    assert str(ds.PatientName) == str(origin.PatientName)
    assert (ds.PatientID, ds.StudyDate, ds.AccessionNumber) == (
        origin.PatientID,
        origin.StudyDate,
        origin.AccessionNumber,
    )
    assert (ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions) == (
        "busi_viewer",
        "busi_viewer",
        __version__,
    )
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    if kind == "image":
        return
    assert ds.SeriesInstanceUID != origin.SeriesInstanceUID
    assert origin.SOPInstanceUID in [e.value for e in ds.iterall() if e.keyword == "ReferencedSOPInstanceUID"]
    assert "research use only" in ds.SeriesDescription.lower()
    model = ds.ContributingEquipmentSequence[0]
    assert (model.ManufacturerModelName, model.SoftwareVersions) == ("otsu", "1.0")
    assert "0" * 64 in model.ContributionDescription
    assert RESEARCH in model.ContributionDescription


@pytest.mark.parametrize("source", SOURCES)
def test_segmentation_gives_back_every_outline(source):
    ds = read(made(source, "segmentation"))
    pixels = np.atleast_3d(ds.pixel_array.astype(bool)) if ds.NumberOfFrames == 1 else ds.pixel_array.astype(bool)
    pixels = pixels.reshape(-1, ds.Rows, ds.Columns)
    labels = {s.SegmentNumber: s.SegmentLabel for s in ds.SegmentSequence}
    back = {}
    for frame, groups_ in zip(pixels, ds.PerFrameFunctionalGroupsSequence, strict=True):
        of = groups_.DerivationImageSequence[0].SourceImageSequence[0]
        segment = groups_.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        back[labels[segment], int(of.get("ReferencedFrameNumber", 1)) - 1] = frame
    expected = {}
    for outline in said(source).outlines:
        expected[outline.label, outline.frame] = np.zeros((ds.Rows, ds.Columns), bool)
        outline.fill(expected[outline.label, outline.frame])
    assert back.keys() == expected.keys()
    assert all((back[key] == expected[key]).all() for key in expected)
    reader = sum(mask for (label, frame), mask in back.items() if label.startswith("Reader") and frame == 0)
    assert (reader == document(source).reader_mask(0)).all()


def test_segments_say_who_outlined():
    segments = {s.SegmentLabel: s for s in read(made("mono", "segmentation")).SegmentSequence}
    assert segments["Reader lesion 1"].SegmentAlgorithmType == "MANUAL"
    assert segments["AI lesion 1"].SegmentAlgorithmType == "AUTOMATIC"
    algorithm = segments["AI lesion 1"].SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("otsu", "1.0")
    assert "0" * 64 in algorithm.AlgorithmParameters


def test_a_lesion_is_one_segment_while_it_overlaps_from_frame_to_frame():
    ds = read(made("mono_cine", "segmentation"))
    frames = {}
    for item in ds.PerFrameFunctionalGroupsSequence:
        label = ds.SegmentSequence[item.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1].SegmentLabel
        number = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        frames.setdefault(label, []).append(number)
    assert frames["AI lesion 1"] == [1]  # on the second frame there is nothing
    assert frames["AI lesion 2"] == [3, 4, 5]


def test_accepting_unchanged_is_said():
    found = Document(document("mono").record)
    found.offer(document("mono").result)
    found.set_reader_mask(0, found.shown_mask(0))
    segments = {s.SegmentLabel: s for s in read(maker().segmentation(derive(found, WHEN))).SegmentSequence}
    assert segments["Reader lesion 1"].SegmentAlgorithmType == "SEMIAUTOMATIC"


@pytest.mark.parametrize(
    ("withheld", "label", "words"),
    [(False, "No lesion outlined", "No lesion outlined on this image"), (True, "Outline withheld", "did not judge")],
)
def test_nothing_outlined_is_an_empty_segment_and_words(withheld, label, words):
    record = document("mono").record
    frames = tuple(replace(f, abstained=withheld) for f in said("mono").frames)
    nothing = Derived(record, WHEN, (), frames, said("mono").model)
    ds = read(maker().segmentation(nothing))
    assert not ds.pixel_array.any()
    assert ds.SegmentSequence[0].SegmentLabel == label
    assert words in ds.SegmentSequence[0].SegmentDescription
    sr = read(maker().structured_report(nothing))
    comments = " ".join(item.TextValue for item in items(sr, "Comment"))
    assert words in comments
    assert "does not exclude cancer" in comments
    assert bool(items(sr, "Probability of cancer")) != withheld


blots = arrays(bool, st.tuples(st.integers(3, 23), st.integers(3, 23)), elements=st.booleans())


def picture(tmp_path, shape):
    """A document that is not DICOM, of any size."""
    return ImageRecord(tmp_path / "a.png", "ab" * 32, "png", ArrayFrames((np.zeros(shape, np.uint8),)), shape)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(masks=st.lists(blots, min_size=1, max_size=3))
def test_any_masks_survive_the_segmentation(tmp_path, masks):
    height, width = (max(m.shape[axis] for m in masks) for axis in (0, 1))
    frames = tuple(np.zeros((height, width), np.uint8) for _ in masks)
    record = replace(picture(tmp_path, (height, width)), frames=ArrayFrames(frames))
    tracker, outlines, whole = Tracker(by_reader=True), [], []
    for index, mask in enumerate(masks):
        whole.append(np.zeros((height, width), bool))
        whole[-1][: mask.shape[0], : mask.shape[1]] = mask
        outlines += tracker.add(index, whole[-1], measure_all(whole[-1], record))
    if not outlines:
        with pytest.raises(OutputError, match="no outline"):
            maker().segmentation(Derived(record, WHEN))
        return
    ds = read(maker().segmentation(Derived(record, WHEN, tuple(outlines))))
    back = np.zeros((len(masks), height, width), bool)
    pixels = ds.pixel_array.reshape(-1, height, width).astype(bool)
    for frame, item in zip(pixels, ds.PerFrameFunctionalGroupsSequence, strict=True):
        of = item.DerivationImageSequence[0].SourceImageSequence[0]
        back[int(of.get("ReferencedFrameNumber", 1)) - 1] |= frame
    assert (back == np.stack(whole)).all()


@settings(max_examples=60)
@given(blot=blots)
def test_any_outline_survives_scoord(blot):
    for part in components(blot):
        points = scoord(measure_all(part, picture_record(part.shape))[0].contour).astype(np.float32)
        assert (points[0] == points[-1]).all()
        assert (fill_polygon(part.shape, points - 0.5) == fill_holes(part)).all()


def picture_record(shape):
    return ImageRecord("a.png", "ab" * 32, "png", ArrayFrames((np.zeros(shape, np.uint8),)), shape)


@pytest.mark.parametrize("source", ["mono", "palette", "ybr_cine", "png"])
def test_report_gives_back_outlines_and_sizes(source):
    found = groups(read(made(source, "structured_report")))
    for outline in said(source).outlines:
        if len([o for o in said(source).outlines if o.label == outline.label]) > 1:
            continue  # of a lesion on several frames there is a group each
        group, lesion = found[outline.label], outline.lesion
        region = items(group, "Image Region", "SCOORD")[0]
        assert (np.array(region.GraphicData).reshape(-1, 2)[:-1] - 0.5 == lesion.contour).all()
        known = lesion.long_axis_mm is not None
        assert known == (source in ("mono", "ybr_cine"))
        for name, length in (
            ("Long Axis", lesion.long_axis_mm if known else lesion.long_axis_px),
            ("Short Axis", lesion.short_axis_mm if known else lesion.short_axis_px),
            ("Height", lesion.ap_mm if known else lesion.ap_px),
            ("Width", lesion.width_mm if known else lesion.width_px),
            ("Area", lesion.area_mm2 if known else lesion.area_px),
        ):
            value = items(group, name, "NUM")[0].MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            assert value.FloatingPointValue == length
            assert float(value.NumericValue) == pytest.approx(length, rel=1e-9)
            area = name == "Area"
            assert unit == (("mm2" if area else "mm") if known else ("{pixels2}" if area else "{pixels}"))


@pytest.mark.parametrize("storage", ["1.2.840.10008.5.1.4.1.1.6", "1.3.46.670589.2.4.1.1"])
def test_an_image_of_a_retired_or_private_class_is_reported_and_referred_to_by_it(tmp_path, storage):
    path = tmp_path / "a.dcm"
    ds = dicom(path, stack(1)[0])
    ds.SOPClassUID = storage
    record = open_image(write(path, ds), bootstrap.services().sources)
    found = Document(record)
    found.offer(OtsuEngine().analyse(record))
    back = read(maker().structured_report(derive(found, WHEN, "", lambda frame: frame)))
    assert len(items(back, "Image Region", "SCOORD")) == len(found.lesions(0)) > 0
    references = [item for item in back.iterall() if item.keyword == "ReferencedSOPClassUID"]
    assert len(references) > 2
    assert {str(item.value) for item in references} == {storage}


def test_callipers_come_back_with_their_points():
    found, record = groups(read(made("mono", "structured_report"))), document("mono").record
    for index, calliper in enumerate(document("mono").callipers, 1):
        group = next(g for name, g in found.items() if name.startswith(f"Reader calliper {index}"))
        values = sorted(
            n.MeasuredValueSequence[0].FloatingPointValue for n in group.ContentSequence if n.ValueType == "NUM"
        )
        assert values == sorted(quantity.value for quantity in measured(calliper, record)[0])
        assert not items(group, "Algorithm Name")
    drawn = items(found["Reader calliper 4"], "Distance")[0].ContentSequence[0]
    assert tuple(drawn.GraphicData) == (13.0, 20.75, 60.5, 44.5)


def test_words_are_coded_and_only_the_readers_carry_an_assessment():
    found = groups(read(made("mono", "structured_report")))
    codes = {
        (i.ConceptNameCodeSequence[0].CodeValue, i.ConceptCodeSequence[0].CodeValue)
        for i in found["Reader lesion 1"].ContentSequence
        if i.ValueType == "CODE"
    }
    assert {("107644003", "49608001"), ("111037", "129742005"), ("111037", "111343")} <= codes
    category = items(found["Reader lesion 1"], "Assessment Category")[0].ConceptCodeSequence[0]
    assert (category.CodingSchemeDesignator, category.CodeMeaning) == ("99BUSIVIEWER", "BI-RADS 4B: moderate suspicion")
    for name, group in found.items():
        machine = bool(items(group, "Algorithm Name"))
        assert machine == name.startswith("AI")
        if machine:
            assert not items(group, "Assessment Category")
            assert not items(group, "Recommended Follow-up")
    assert items(found["AI lesion 1"], "Orientation")
    assert items(found["Reader finding 2"], "Shape")[0].ConceptCodeSequence[0].CodeValue == "84360004"
    assert items(found["Reader assessment"], "Recommended Follow-up")
    assert items(found["Reader assessment"], "History")[0].TextValue == "Lump, 46 years"


def test_private_words_are_told_from_the_standards():
    ds = read(made("mono", "structured_report"))
    own = {e.value: 0 for e in ds.iterall() if e.keyword == "CodingSchemeDesignator" and e.value.startswith("99")}
    assert list(own) == ["99BUSIVIEWER"]
    assert ds.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99BUSIVIEWER"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["Rita Reader", "Reader^Rita", "a\\b=c", "x" * 300, ""])
def test_any_readers_name_is_the_observers(name):
    ds = read(maker().structured_report(replace(said("mono"), reader=name)))
    observers = [str(item.PersonName) for item in items(ds, "Person Observer Name")]
    assert observers == ({"Rita Reader": ["Rita Reader^"], "Reader^Rita": ["Reader^Rita"], "": []}.get(name, observers))
    assert len(observers) == bool(name)
    assert items(ds, "Device Observer Name")[0].TextValue == "busi_viewer"


def test_the_estimate_is_the_models():
    group = groups(read(made("mono", "structured_report")))["AI estimate"]
    value = items(group, "Probability of cancer")[0].MeasuredValueSequence[0]
    assert value.FloatingPointValue == 100 * said("mono").frames[0].probabilities[2]
    parameters = [i.TextValue for i in items(group, "Algorithm Parameters")]
    assert parameters[0] == "weights SHA-256 " + "0" * 64
    assert "0.4" in parameters[1]


@pytest.mark.parametrize("source", SOURCES)
def test_presentation_state_draws_where_the_outline_is(source):
    ds = read(made(source, "presentation"))
    expected = "Color" if source not in ("mono", "inverse", "mono_cine", "png") else "Grayscale"
    assert ds.SOPClassUID.name.startswith(expected)
    layers = {layer.GraphicLayer: layer for layer in ds.GraphicLayerSequence}
    assert {"READER", "AI", "CALLIPERS", "NOTE"} == set(layers)
    first = next(a for a in ds.GraphicAnnotationSequence if a.GraphicLayer == "READER")
    assert ("ReferencedFrameNumber" in first.ReferencedImageSequence[0]) == source.endswith("cine")
    points = np.array(first.GraphicObjectSequence[0].GraphicData).reshape(-1, 2) - 0.5
    drawn = fill_polygon(document(source).record.shape, points)
    mask = fill_holes(document(source).reader_mask(0))
    assert 2 * (drawn & mask).sum() / (drawn.sum() + mask.sum()) > 0.98
    words = [t.UnformattedTextValue for a in ds.GraphicAnnotationSequence for t in a.get("TextObjectSequence", ())]
    assert RESEARCH in words


def test_presentation_state_keeps_the_images_window():
    ds = read(made("mono", "presentation"))
    assert (ds.SoftcopyVOILUTSequence[0].WindowCenter, ds.SoftcopyVOILUTSequence[0].WindowWidth) == (120, 200)


@pytest.mark.parametrize("source", ["mono", "rgb_cine"])
def test_heatmap_leaves_the_image_free_and_carries_its_words_below(source):
    ds = read(made(source, "heatmap"))
    height, width = document(source).record.shape
    pages = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns, 3)
    warm = [f for f in said(source).frames if f.heatmap is not None]
    assert len(pages) == len(warm)
    assert ds.Columns == width
    for page, frame in zip(pages, warm, strict=True):
        cold = frame.heatmap.values <= 0.15
        record = document(source).record
        shown = as_rgb(to_uint8(record.frames[frame.index], record.window))[cold]
        assert (page[:height][cold] == shown).all()
        assert page[height:].std() > 10


def test_pdf_comes_back_whole_and_its_properties_name_no_patient():
    ds = read(made("mono", "pdf"))
    pdf = ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength]
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert (ds.MIMETypeOfEncapsulatedDocument, "Research" in ds.DocumentTitle) == ("application/pdf", True)
    pypdfium2 = pytest.importorskip("pypdfium2")
    properties = str(pypdfium2.PdfDocument(io.BytesIO(pdf)).get_metadata_dict())
    assert "ller" not in properties
    assert "4711" not in properties
    with pytest.raises(OutputError):
        maker().pdf(said("mono"), b"no PDF")


def test_a_picture_becomes_the_same_secondary_capture_every_time_and_opens_again():
    data = made("png", "image")
    assert data == maker().image(document("png").record)
    record = document("png").record
    assert data == maker().image(replace(record, spacing_mm=(0.1, 0.1), calibrated_by_reader=True))
    path = record.path.with_suffix(".image.dcm")
    path.write_bytes(data)
    again = open_image(path, bootstrap.services().sources)
    assert (again.frames[0] == record.frames[0]).all()
    assert not again.warnings
    with pytest.raises(OutputError, match="DICOM already"):
        maker().image(document("mono").record)


@pytest.mark.parametrize("kind", ["segmentation", "structured_report", "heatmap", "presentation"])
def test_same_content_same_bytes_and_other_times_other_objects_of_one_series(kind):
    assert getattr(maker(), kind)(said("rgb")) == made("rgb", kind)
    later = read(getattr(maker(), kind)(replace(said("rgb"), when=WHEN + timedelta(minutes=1))))
    ds = read(made("rgb", kind))
    assert later.SOPInstanceUID != ds.SOPInstanceUID
    assert later.SeriesInstanceUID == ds.SeriesInstanceUID


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_an_image_that_cannot_be_referred_to_is_refused(tmp_path, keyword):
    path = tmp_path / "a.dcm"
    ds = dicom(path, np.zeros((20, 30), np.uint8))
    setattr(ds, keyword, "")
    record = open_image(write(path, ds), bootstrap.services().sources)
    with pytest.raises(OutputError, match="no valid"):
        maker().pdf(Derived(record, WHEN), b"%PDF-")


def test_an_image_that_was_replaced_is_refused(tmp_path):
    path = tmp_path / "a.dcm"
    record = open_image(write(path, dicom(path, np.zeros((20, 30), np.uint8))), bootstrap.services().sources)
    write(path, dicom(tmp_path / "b.dcm", np.zeros((20, 30), np.uint8)))
    with pytest.raises(UnreadableImage, match="another image"):
        maker().pdf(Derived(record, WHEN), b"%PDF-")


def test_malformed_patient_values_are_left_out_and_names_keep_their_letters(tmp_path):
    path = tmp_path / "a.dcm"
    ds = dicom(path, np.zeros((20, 30), np.uint8))
    ds.PatientSex, ds.PatientAge = "female", "fifty"
    ds["PatientBirthDate"]._value = "1.2.1970"
    record = open_image(write(path, ds), bootstrap.services().sources)
    back = read(maker().pdf(Derived(record, WHEN), b"%PDF-"))
    assert (back.PatientSex, back.PatientBirthDate, str(back.PatientName)) == ("", "", "Müller^Änne")
    assert "PatientAge" not in back


def test_where_nothing_is_said_nothing_is_written():
    bare = Derived(document("mono").record, WHEN)
    for kind in ("presentation", "heatmap", "segmentation", "structured_report"):
        with pytest.raises(OutputError):
            getattr(maker(), kind)(bare)


def test_pages_of_a_narrow_image_keep_their_words(tmp_path):
    frame = said("mono").frames[0]
    shape = (60, 70)
    record = picture_record(shape)
    heat = replace(frame.heatmap, values=np.zeros(shape, np.float32))
    ds = read(maker().heatmap(Derived(record, WHEN, (), (replace(frame, heatmap=heat),), said("mono").model)))
    assert ds.Rows > shape[0] + 100
    Image.fromarray(ds.pixel_array).save(tmp_path / "narrow.png")
