"""Sources of every kind with something said about them, and the DICOM objects made of it; peers where installed."""

import atexit
import functools
import io
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from dicom_files import ultrasound, write
from dicom_peers import program
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage, generate_uid
from small_engine import OtsuEngine, lesion_image

from busi_viewer import bootstrap
from busi_viewer.core.callipers import Calliper, Kind
from busi_viewer.core.derived import derive
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, LesionFindings, Location
from busi_viewer.workflow.descriptors import described
from busi_viewer.workflow.open import open_image

WHEN = datetime(2026, 11, 20, 16, 0, 0, 123456, tzinfo=UTC)
KINDS = ("image", "segmentation", "structured_report", "heatmap", "presentation", "pdf")
SOURCES = ("mono", "inverse", "mono_cine", "rgb", "rgb_cine", "ybr", "ybr_cine", "palette", "png")
CASES = [(source, kind) for source in SOURCES for kind in KINDS if kind != "image" or source == "png"]
CASES += [("pages", "image"), ("pages", "segmentation"), ("grey_pages", "image")]
"""Source and kind of every object that is made; pages are those of a TIFF."""


def stack(count):
    """Speckled images in which a dark lesion grows and, in the middle, is not there."""
    frames = [lesion_image((90, 120), [(30, 30, 60 + i, 80 + i)], seed=i) for i in range(count)]
    if count > 2:
        frames[1][:] = frames[1].mean(dtype=float)
    return np.stack(frames)


def dicom(path, pixels, region=True, **elements):
    """A well-formed ultrasound file around the pixels."""
    ds = ultrasound(pixels, **elements)
    several = "NumberOfFrames" in ds
    if several:
        ds.SOPClassUID = UltrasoundMultiFrameImageStorage
        ds.FrameTime, ds.FrameIncrementPointer = 40.0, 0x00181063
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(ds, keyword, generate_uid(entropy_srcs=[str(path.name), keyword]))
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Müller^Änne", "4711", "19700102", "F"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260102", "101112", "7", "A1"
    ds.ReferringPhysicianName, ds.Laterality, ds.InstanceNumber = "", "L", 3
    if region:
        item = Dataset()
        item.RegionSpatialFormat = item.RegionDataType = 1
        item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
        item.PhysicalDeltaX, item.PhysicalDeltaY = 0.01, 0.012
        item.RegionLocationMinX0 = item.RegionLocationMinY0 = 0
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = ds.Columns - 1, ds.Rows - 1
        ds.SequenceOfUltrasoundRegions = [item]
    return ds


def _source(name, folder):
    path = folder / f"{name}.dcm"
    grey = stack(5 if name.endswith("cine") else 1)
    if not name.endswith("cine"):
        grey = grey[0]
    colour = np.stack([grey, grey, np.minimum(grey, 200)], axis=-1)
    if name.endswith("pages"):
        path = folder / f"{name}.tiff"
        frames = stack(3)
        pages = list(frames) if name == "grey_pages" else [np.stack([f, f, 255 - f], axis=-1) for f in frames]
        assert cv2.imwritemulti(str(path), pages)
        return path
    if name == "png":
        path = folder / "picture.png"
        cv2.imwrite(str(path), grey)
        return path
    if name.startswith("mono"):
        return write(path, dicom(path, grey, WindowCenter="120", WindowWidth="200"))
    if name == "inverse":
        return write(path, dicom(path, 255 - grey, PhotometricInterpretation="MONOCHROME1"))
    if name.startswith("rgb"):
        return write(path, dicom(path, colour), ImplicitVRLittleEndian)
    if name.startswith("ybr"):
        frames = colour if colour.ndim == 4 else colour[None]
        packed = [cv2.imencode(".jpg", cv2.cvtColor(f, cv2.COLOR_RGB2BGR))[1].tobytes() for f in frames]
        ds = dicom(path, colour, PhotometricInterpretation="YBR_FULL_422")
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", 10
        ds.LossyImageCompressionMethod = "ISO_10918_1"
        return write(path, ds, JPEGBaseline8Bit, packed)
    ds = dicom(path, grey, region=False, PhotometricInterpretation="PALETTE COLOR")
    for colour_name in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour_name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{colour_name}PaletteColorLookupTableData", (np.arange(256) * 257).astype("<u2").tobytes())
    return write(path, ds)


@functools.cache
def folder():
    """Where this test run's files lie."""
    made_folder = tempfile.mkdtemp(prefix="busi-viewer-dicom-")
    atexit.register(shutil.rmtree, made_folder, ignore_errors=True)
    return Path(made_folder)


@functools.cache
def maker():
    return bootstrap.services().dicom_maker()


@functools.cache
def document(source):
    """A document of the source: analysed, its first outline redrawn by the reader, described, measured."""
    record = open_image(_source(source, folder()), bootstrap.services().sources)
    found = Document(record)
    result = OtsuEngine().analyse(record)
    found.offer(result)
    mask = cv2.dilate(result.frames[0].mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    mask[40:44, 50:54] = False  # a hole
    found.set_reader_mask(0, mask)
    largest = found.lesions(0)[0]
    found.set_callipers(
        [
            Calliper(Kind.TWO_AXIS, (*largest.long_axis, *largest.short_axis), 0, "mass"),
            Calliper(Kind.ANGLE, ((10.0, 10.0), (40.0, 40.0), (70.0, 10.0)), 0),
            Calliper(Kind.ELLIPSE, ((60.0, 20.0), (90.0, 30.0), (70.0, 40.0)), 0),
            Calliper(Kind.LENGTH, ((12.5, 20.25), (60.0, 44.0)), 0),
        ]
    )
    words = {"shape": ("irregular",), "margin": ("angular", "spiculated"), "echo_pattern": ("heterogeneous",)}
    lesions = (
        LesionFindings(1, 0, largest.bbox, words, assessment="4B"),
        LesionFindings(2, 0, None, {"shape": ("oval",)}),
    )
    place = Location("left", "2:00", 30.0, "radial")
    found.set_findings(
        Findings(
            composition="heterogeneous",
            location=place,
            lesions=lesions,
            assessment="4B",
            management="tissue sampling",
            history="Lump, 46 years",
        )
    )
    return found


@functools.cache
def said(source):
    found = document(source)
    return derive(found, WHEN, "Reader^Rita", lambda frame: described(found.record, frame))


@functools.cache
def made(source, kind):
    """The bytes of an object."""
    if kind == "image":
        return maker().image(document(source).record)
    if kind == "pdf":
        path = folder() / f"{source}.pdf"
        bootstrap.services().report_writer().write(document(source), path)
        return maker().pdf(said(source), path.read_bytes())
    return getattr(maker(), kind)(said(source))


def read(data):
    """An object's data set."""
    return pydicom.dcmread(io.BytesIO(data))


def kept(source, kind):
    """The object as a file."""
    path = folder() / f"{source}.{kind}.dcm"
    if not path.exists():
        path.write_bytes(made(source, kind))
    return path


def tool(name, package):
    """The path of a peer's program; skips where it is not installed."""
    found = program(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def run(*command):
    """What a program says, with its exit code."""
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=120, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", errors="replace")
