import math
from pathlib import Path

import numpy as np
import pytest
from dicom_files import ultrasound, write
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from busi_viewer.core.image import ImageRecord
from busi_viewer.dicom.calibration import calibrate, frame_rate
from busi_viewer.dicom.source import DicomSource

SHAPE = (24, 32)


def region(x0=0, y0=0, x1=31, y1=23, dx=0.02, dy=0.01, **elements):
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = 1, 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    item.PhysicalDeltaX, item.PhysicalDeltaY = dx, dy
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def calibrated(*regions, **elements):
    ds = Dataset()
    if regions:
        ds.SequenceOfUltrasoundRegions = list(regions)
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    found = calibrate(ds, SHAPE)
    return found.regions, found.spacing, found.warnings


def test_one_region_over_everything_is_the_whole_spacing():
    regions, spacing, warnings = calibrated(region())
    assert (regions[0].x0, regions[0].y0, regions[0].x1, regions[0].y1) == (0, 0, 32, 24)
    assert regions[0].spacing_mm == pytest.approx((0.1, 0.2))
    assert spacing == regions[0].spacing_mm
    assert warnings == ()


def test_bounds_are_inclusive_and_clipped():
    regions, spacing, _ = calibrated(region(4, 2, 9, 5), region(10, 2, 900, 5))
    assert (regions[0].x0, regions[0].y0, regions[0].x1, regions[0].y1) == (4, 2, 10, 6)
    assert regions[1].x1 == 32
    assert spacing is None


def test_deltas_lose_their_sign():
    assert calibrated(region(dx=-0.02, dy=-0.01))[0][0].spacing_mm == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    "senseless",
    [
        {"dx": 0.0},
        {"dy": 0.0},
        {"dx": math.nan},
        {"dy": math.inf},
        {"dx": 1e-30},
        {"dx": 1e30},
        {"x0": 40, "x1": 50},
        {"x0": 20, "x1": 10},
        {"RegionSpatialFormat": 3},
        {"RegionDataType": 3},
        {"PhysicalUnitsXDirection": 4},
        {"PhysicalUnitsYDirection": 7},
    ],
)
def test_regions_that_are_no_tissue_or_senseless_do_not_count(senseless):
    assert calibrated(region(**senseless)) == ((), None, ())
    good = region(0, 0, 9, 9)
    assert len(calibrated(region(**senseless), good)[0]) == 1


def test_pixel_spacing_where_there_are_no_regions():
    assert calibrated(PixelSpacing=[0.3, 0.4])[1] == (0.3, 0.4)
    assert calibrated(region(RegionDataType=3), PixelSpacing=[0.3, 0.4])[1] == (0.3, 0.4)
    assert calibrated(ImagerPixelSpacing=[0.3, 0.4])[1] is None


@pytest.mark.parametrize("spacing", [[0, 0], [-0.0, 1], [-0.3, 0.4], [1e-9, 0.1], [500, 500], [0.3]])
def test_senseless_pixel_spacing_is_unknown(spacing):
    assert calibrated(PixelSpacing=spacing)[1] is None


def test_pixel_spacing_shared_by_all_frames():
    measures, groups = Dataset(), Dataset()
    measures.PixelSpacing = [0.3, 0.4]
    groups.PixelMeasuresSequence = [measures]
    assert calibrated(SharedFunctionalGroupsSequence=[groups])[1] == (0.3, 0.4)


def test_disagreement_is_told_and_the_region_wins():
    regions, spacing, warnings = calibrated(region(), PixelSpacing=[0.1, 0.203])
    assert spacing == regions[0].spacing_mm
    assert "disagree" in warnings[0]
    assert calibrated(region(), PixelSpacing=[0.1, 0.201])[2] == ()


@pytest.mark.parametrize("keyword", ["ImagerPixelSpacing", "NominalScannedPixelSpacing"])
def test_sizes_on_the_detector_or_on_paper_are_compared_and_never_used(keyword):
    regions, spacing, warnings = calibrated(region(), **{keyword: [0.3, 0.4]})
    assert spacing == regions[0].spacing_mm
    assert len(warnings) == 1
    assert keyword[0] in warnings[0]
    assert "disagree" in warnings[0]
    assert calibrated(region(), **{keyword: [0.1, 0.2]})[2] == ()


def test_where_the_reference_pixel_is_changes_no_size():
    moved = region(ReferencePixelX0=-7, ReferencePixelY0=300, ReferencePixelPhysicalValueX=5.0)
    assert calibrated(moved) == calibrated(region())


def test_pixel_measures_of_each_frame_count_where_they_agree():
    def frame(*spacing):
        measures, group = Dataset(), Dataset()
        measures.PixelSpacing = list(spacing)
        group.PixelMeasuresSequence = [measures]
        return group

    assert calibrated(PerFrameFunctionalGroupsSequence=[frame(0.3, 0.4), frame(0.3, 0.4)])[1] == (0.3, 0.4)
    assert calibrated(PerFrameFunctionalGroupsSequence=[frame(0.3, 0.4), frame(0.3, 0.5)])[1] is None


def located(*regions):
    ds = ultrasound(np.zeros(SHAPE, np.uint8), SequenceOfUltrasoundRegions=list(regions))
    found = calibrate(ds, SHAPE)
    return ImageRecord(Path("a"), "", "dicom", None, SHAPE, found.spacing, found.regions, covered=found.covered)


def test_the_foremost_of_overlapping_regions_counts():
    """By Region Flags, whose bit 0 set means low priority; an inset of equal priority lies in front."""
    inset = {"x0": 0, "y0": 0, "x1": 9, "y1": 9, "dx": 0.05, "dy": 0.05}
    for regions in ((region(), region(**inset)), (region(**inset), region())):
        record = located(*regions)
        assert record.spacing_at(5, 5) == pytest.approx((0.5, 0.5))
        assert record.spacing_at(20, 20) == pytest.approx((0.1, 0.2))
    assert located(region(RegionFlags=0), region(**inset, RegionFlags=1)).spacing_at(5, 5) == pytest.approx((0.1, 0.2))
    assert located(region(RegionFlags=3), region(**inset, RegionFlags=2)).spacing_at(5, 5) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(
    ("trace_flags", "tissue_flags", "hidden"), [(0, 1, True), (0, 0, True), (1, 1, True), (1, 0, False)]
)
@pytest.mark.parametrize("spatial_format", [2, 3, 4])
def test_nothing_is_measured_in_mm_on_a_trace_over_the_tissue(trace_flags, tissue_flags, hidden, spatial_format):
    trace = region(0, 12, 31, 23, RegionSpatialFormat=spatial_format, RegionDataType=3, RegionFlags=trace_flags)
    record = located(region(RegionFlags=tissue_flags), trace)
    assert (record.spacing_at(5, 15) is None) == hidden
    assert record.spacing_at(5, 5) == pytest.approx((0.1, 0.2))
    assert (record.spacing_mm is None) == hidden


def test_graphics_and_colour_flow_over_tissue_take_nothing_away():
    graphics = region(0, 0, 31, 23, RegionSpatialFormat=5, RegionDataType=12)
    flow = region(8, 8, 20, 20, RegionDataType=2)
    assert located(region(), graphics, flow).spacing_at(10, 10) == pytest.approx((0.1, 0.2))


def test_frame_rate():
    for elements, rate in (
        ({"CineRate": 25}, 25.0),
        ({"RecommendedDisplayFrameRate": 12}, 12.0),
        ({"FrameTime": 40}, 25.0),
        ({"FrameTime": 0}, None),
        ({"FrameTime": -3}, None),
        ({"CineRate": 0, "FrameTime": 50}, 20.0),
        ({}, None),
    ):
        ds = Dataset()
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        assert frame_rate(ds) == rate


def test_through_a_file(tmp_path):
    ds = ultrasound(np.zeros(SHAPE, np.uint8), SequenceOfUltrasoundRegions=[region(4, 2, 9, 5)], PixelSpacing=[9, 9])
    record = DicomSource().open(write(tmp_path / "a", ds))
    assert record.spacing_at(5, 3) == pytest.approx((0.1, 0.2))
    assert record.spacing_at(20, 20) is None
    assert "disagree" in record.warnings[0]


numbers = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 0.01, -0.02]))
coordinates = st.integers(0, 2**32 - 1)


@given(coordinates, coordinates, coordinates, coordinates, numbers, numbers)
def test_no_header_gives_a_senseless_region(x0, y0, x1, y1, dx, dy):
    for found in calibrated(region(x0, y0, x1, y1, dx, dy))[0]:
        assert 0 <= found.x0 < found.x1 <= SHAPE[1]
        assert 0 <= found.y0 < found.y1 <= SHAPE[0]
        assert all(0 < value <= 10 for value in found.spacing_mm)
