"""Independent programs on every object we write: dciodvfy, Orthanc, and dcmtk's tools for reports and states."""

import io
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation
from out_kit import CASES, SOURCES, document, kept, made, read, run, said, tool
from PIL import Image

from busi_viewer.core.image import to_uint8

ALLOWED: dict[str, str] = {}
"""Errors of dciodvfy that we accept, each with its reason. None at present."""

PICTURES = ("image", "segmentation", "heatmap")


@pytest.mark.parametrize(("source", "kind"), CASES)
def test_dciodvfy_finds_no_error(source, kind):
    dciodvfy = tool("dciodvfy", "dicom3tools")
    _, words = run(dciodvfy, kept(source, kind))
    errors = [line for line in words.splitlines() if line.startswith("Error")]
    assert [line for line in errors if not any(known in line for known in ALLOWED)] == []


@pytest.mark.parametrize("source", SOURCES)
def test_dcmtk_reads_the_report(source):
    dsrdump, dsr2xml = tool("dsrdump", "dcmtk"), tool("dsr2xml", "dcmtk")
    code, words = run(dsrdump, "+Pl", kept(source, "structured_report"))
    assert code == 0
    assert "Reader lesion 1" in words
    assert words.count("SCOORD") >= len(said(source).outlines)
    code, words = run(dsr2xml, kept(source, "structured_report"))
    assert code == 0
    assert "<scoord" in words


@pytest.mark.parametrize("source", [source for source in SOURCES if source in ("mono", "inverse", "mono_cine", "png")])
def test_dcmtk_accepts_and_renders_the_grey_presentation_state(source, tmp_path):
    code, words = run(tool("dcmpschk", "dcmtk"), kept(source, "presentation"))
    affected = [line.rpartition(":")[2].strip() for line in words.splitlines() if "Affected attribute" in line]
    umlauts = [] if source == "png" else ["PatientName (0010,0010), Type PN"]  # it knows ASCII only
    assert (code, affected) == (0, umlauts), words
    image = kept("png", "image") if source == "png" else document(source).record.path
    rendered = tmp_path / "rendered.pgm"
    code, words = run(tool("dcmp2pgm", "dcmtk"), "-p", kept(source, "presentation"), image, rendered)
    assert code == 0, words
    record = document(source).record
    shown = np.asarray(Image.open(rendered)).ravel()
    assert np.corrcoef(shown, to_uint8(record.frames[0], record.window).ravel())[0, 1] > 0.99


def test_dcmtk_takes_the_pdf_out_again(tmp_path):
    out = tmp_path / "report.pdf"
    code, words = run(tool("dcm2pdf", "dcmtk"), kept("mono", "pdf"), out)
    assert code == 0, words
    assert out.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("source", SOURCES)
def test_highdicom_finds_the_outlines_by_source_frame(source):
    segmentation = Segmentation.from_dataset(read(made(source, "segmentation")))
    several = len(document(source).record.frames) > 1
    origin = read(made("png", "image")) if source == "png" else pydicom.dcmread(document(source).record.path)
    for outline in said(source).outlines:
        (number,) = segmentation.get_segment_numbers(segment_label=outline.label)
        if several:
            found = segmentation.get_pixels_by_source_frame(
                origin.SOPInstanceUID, [outline.frame + 1], segment_numbers=[number]
            )
        else:
            found = segmentation.get_pixels_by_source_instance([origin.SOPInstanceUID], segment_numbers=[number])
        mask = np.zeros(document(source).record.shape, bool)
        outline.fill(mask)
        assert (found[0, ..., 0].astype(bool) == mask).all()


class Orthanc:
    """A running Orthanc: REST at ``url``, DICOM at ``port``."""

    def __init__(self, url, port):
        self.url, self.port = url, port

    def call(self, path, data=None, method=None):
        """The body of a REST answer."""
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def find(self, uid):
        """Orthanc's name of an instance, or None."""
        query = {"Level": "Instance", "Query": {"SOPInstanceUID": str(uid)}}
        found = json.loads(self.call("/tools/find", json.dumps(query).encode()))
        return found[0] if found else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    """An archive of its own, on free ports, empty."""
    program, place = tool("Orthanc", "orthanc"), tmp_path_factory.mktemp("orthanc")
    web, port = free_port(), free_port()
    settings = {
        "Name": "test",
        "StorageDirectory": str(place / "storage"),
        "IndexDirectory": str(place / "storage"),
        "HttpPort": web,
        "DicomPort": port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
    }
    (place / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    with (place / "log").open("w") as log:
        process = subprocess.Popen([program, str(place / "orthanc.json")], stdout=log, stderr=log)
        peer = Orthanc(f"http://127.0.0.1:{web}", port)
        try:
            for _ in range(300):
                try:
                    peer.call("/system")
                    break
                except (urllib.error.URLError, ConnectionError):
                    if process.poll() is not None:
                        pytest.fail("Orthanc did not start:\n" + (place / "log").read_text(encoding="utf-8"))
                    time.sleep(0.1)
            yield peer
        finally:
            process.terminate()
            process.wait(20)


def plain(ds):
    """A data set as text, without the group that a transfer writes anew."""
    return ds.to_json()


@pytest.mark.parametrize(("source", "kind"), CASES)
def test_orthanc_stores_and_returns_every_object(orthanc, source, kind):
    storescu = tool("storescu", "dcmtk")
    path, uid = kept(source, kind), read(made(source, kind)).SOPInstanceUID
    syntax = ["-xr"] if kind == "heatmap" and source.endswith("cine") else []
    code, words = run(storescu, "-R", *syntax, "-aec", "ORTHANC", "127.0.0.1", orthanc.port, path)
    assert code == 0, words
    name = orthanc.find(uid)
    sent = orthanc.call(f"/instances/{name}/file")
    assert plain(read(sent)) == plain(pydicom.dcmread(path))
    orthanc.call(f"/instances/{name}", method="DELETE")
    assert json.loads(orthanc.call("/instances", path.read_bytes()))["Status"] == "Success"
    assert orthanc.call(f"/instances/{orthanc.find(uid)}/file") == path.read_bytes()


@pytest.mark.parametrize(("source", "kind"), [case for case in CASES if case[1] in PICTURES])
def test_orthanc_shows_every_picture(orthanc, source, kind):
    orthanc.call("/instances", made(source, kind))
    name, ds = orthanc.find(read(made(source, kind)).SOPInstanceUID), read(made(source, kind))
    frames = int(ds.get("NumberOfFrames", 1))
    assert len(json.loads(orthanc.call(f"/instances/{name}/frames"))) == frames
    stored = ds.pixel_array.reshape(frames, ds.Rows, ds.Columns, -1)
    for index in range(frames):
        preview = orthanc.call(f"/instances/{name}/frames/{index}/preview")
        shown = np.asarray(Image.open(io.BytesIO(preview)))
        shown = shown.reshape(ds.Rows, ds.Columns, -1)
        if kind == "image":  # shown from its darkest to its brightest value
            one_grey = np.ptp(stored[index]) == 0
            assert one_grey or np.corrcoef(shown.ravel(), stored[index].ravel())[0, 1] > 0.999
        elif kind == "segmentation":
            assert ((shown > 0) == (stored[index] > 0)).all()
        else:
            assert (shown == stored[index]).all()
