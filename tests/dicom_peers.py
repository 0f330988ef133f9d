"""Real DICOM peers, started for a test: dcmtk's storescp and Orthanc, on ports of this computer alone."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileMetaDataset

PACKAGES = {"storescp": "dcmtk", "storescu": "dcmtk", "echoscu": "dcmtk", "findscu": "dcmtk", "Orthanc": "orthanc"}
PACKAGES |= dict.fromkeys(("dcmconv", "dcmcrle", "dcmcjpeg", "dcmdjpeg", "dcmcjpls", "dcmj2pnm", "dcml2pnm"), "dcmtk")
PACKAGES |= dict.fromkeys(("opj_compress", "opj_decompress"), "libopenjp2-tools")
PACKAGES |= dict.fromkeys(("ojph_compress", "ojph_expand"), "openjph-tools")


def program(name):
    """The program's path, or None. Not pynetdicom's scripts of the same names, which lie beside our Python."""
    own = Path(sys.executable).parent
    folders = [folder for folder in os.get_exec_path() if Path(folder) != own]
    return shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin", "/usr/local/sbin"]))


def tool(name):
    """The program's path; skips where it is not installed."""
    found = program(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {PACKAGES[name]})")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process=None, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process is None or process.poll() is None, "the peer ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the peer does not listen")


@contextlib.contextmanager
def running(*command):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def storescp(folder, *options, port=None):
    """dcmtk's receiver; gives its port."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    with running(tool("storescp"), "-aet", "STORESCP", "+xa", "-od", str(folder), *options, str(port)) as process:
        wait_for(port, process)
        yield port


class Orthanc:
    """A running Orthanc: ``port`` for DICOM, ``get`` for its own account of what it has."""

    def __init__(self, port, http):
        self.port, self._http = port, http

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}{path}", timeout=20) as answer:
            body = answer.read()
        return body if path.endswith("/file") else json.loads(body)


@contextlib.contextmanager
def orthanc(folder, **settings):
    folder.mkdir(exist_ok=True)
    port, http = free_port(), free_port()
    chosen = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "DicomCheckCalledAet": True,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowFind": True,
        "Plugins": [],
        **settings,
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(chosen))
    with running(tool("Orthanc"), str(path)) as process:
        wait_for(port, process)
        wait_for(http, process)
        yield Orthanc(port, http)


def small_object(path, number, size=0):
    """A whole DICOM object (a report, with ``size`` bytes of text) whose SOP Instance UID ends in ``number``."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = uid.ComprehensiveSRStorage, f"1.2.826.0.1.{number}", "SR"
    ds.PatientName, ds.PatientID = "Test^Anna", "P1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.2", "1.2.826.0.3"
    ds.TextValue = "x" * size
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    return path


def instances(folder):
    """The SOP Instance UIDs of the whole objects in a folder, sorted."""
    return sorted(str(dcmread(path).SOPInstanceUID) for path in folder.iterdir() if path.is_file())
