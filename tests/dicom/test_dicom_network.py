"""C-ECHO, C-FIND, C-STORE both ways, with real peers."""

import socket
import subprocess
import threading
import time
import urllib.request

import numpy as np
import pydicom
import pytest
from dicom_files import ultrasound, write
from dicom_peers import free_port, orthanc, running, storescp, tool, wait_for
from pydicom import uid
from pynetdicom import AE
from pynetdicom.sop_class import UltrasoundImageStorage

from busi_viewer.core.network import NetworkError, Peer, Reception
from busi_viewer.dicom.network import DicomNetwork
from busi_viewer.dicom.receiver import Receiver

NETWORK = DicomNetwork("BUSIVIEWER")


def image(path, number=1, syntax=uid.ExplicitVRLittleEndian, size=32, **elements):
    pixels = np.random.default_rng(number).integers(0, 255, (size, size), dtype=np.uint8)
    ds = ultrasound(pixels, SOPInstanceUID=f"1.2.826.0.1.{number}", **elements)
    ds.PatientName, ds.PatientID, ds.StudyInstanceUID = "Test^Anna", "P1", "1.2.826.0.2"
    ds.SeriesInstanceUID, ds.StudyID, ds.AccessionNumber, ds.StudyDate = "1.2.826.0.3", "1", "A1", "20240102"
    write(path, ds, syntax)
    saved = pydicom.dcmread(path)
    saved.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    saved.save_as(path)
    return path


def send(peer, *paths):
    told = []
    NETWORK.send(peer, paths, told.append)
    return told


def test_orthanc_answers_takes_finds_and_returns(tmp_path):
    compressed = image(tmp_path / "c.dcm", 3, uid.ExplicitVRLittleEndian)
    ds = pydicom.dcmread(compressed)
    ds.compress(uid.JPEGLSLossless, generate_instance_uid=False)
    ds.save_as(compressed)
    paths = [image(tmp_path / "a.dcm", 1), image(tmp_path / "b.dcm", 2, uid.ImplicitVRLittleEndian), compressed]
    with orthanc(tmp_path / "orthanc") as pacs:
        peer = Peer("ORTHANC", "127.0.0.1", pacs.port)
        NETWORK.echo(peer)
        assert [sent.problem for sent in send(peer, *paths)] == ["", "", ""]
        studies = NETWORK.find(peer, "STUDY", {"PatientID": "P1"})
        assert [(one["StudyInstanceUID"], one["PatientName"]) for one in studies] == [("1.2.826.0.2", "Test^Anna")]
        assert len(NETWORK.find(peer, "SERIES", {"StudyInstanceUID": "1.2.826.0.2"})) == 1
        keys = {"StudyInstanceUID": "1.2.826.0.2", "SeriesInstanceUID": "1.2.826.0.3"}
        assert len(NETWORK.find(peer, "IMAGE", keys)) == 3
        assert NETWORK.find(peer, "STUDY", {"PatientID": "nobody"}) == []
        with pytest.raises(ValueError, match="Nonsense"):
            NETWORK.find(peer, "STUDY", {"Nonsense": "1"})
        returned = {}
        for instance in pacs.get("/instances"):
            data = pacs.get(f"/instances/{instance}/file")
            one = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
            returned[str(one.SOPInstanceUID)] = one
        for path in paths:
            mine = pydicom.dcmread(path)
            theirs = returned[mine.SOPInstanceUID]
            np.testing.assert_array_equal(theirs.pixel_array, mine.pixel_array)
            assert theirs.file_meta.TransferSyntaxUID == mine.file_meta.TransferSyntaxUID


def test_a_wrong_title_is_told(tmp_path):
    with orthanc(tmp_path / "orthanc") as pacs, pytest.raises(NetworkError, match="rejects us"):
        NETWORK.echo(Peer("WRONG", "127.0.0.1", pacs.port))


def test_who_closes_without_an_answer_is_asked_again_and_told_of():
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_at_once():
            for _ in range(2):
                connection, _address = server.accept()
                asked.append(connection.recv(6)[:1])
                connection.close()

        peer = threading.Thread(target=close_at_once, daemon=True)
        peer.start()
        with pytest.raises(NetworkError, match="broke off"):
            NETWORK.echo(Peer("PACS", "127.0.0.1", server.getsockname()[1]))
        peer.join(10)
    assert asked == [b"\x01", b"\x01"]


def test_nobody_there_is_told():
    with pytest.raises(NetworkError, match="cannot be reached"):
        NETWORK.echo(Peer("PACS", "127.0.0.1", free_port()))


def test_a_refused_compression_and_a_broken_file_are_told_and_the_rest_is_sent(tmp_path):
    compressed = image(tmp_path / "c.dcm", 3)
    ds = pydicom.dcmread(compressed)
    ds.compress(uid.JPEGLSLossless, generate_instance_uid=False)
    ds.save_as(compressed)
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM")
    plain = image(tmp_path / "a.dcm", 1)
    port = free_port()
    with running(tool("storescp"), "-aet", "S", "-od", str(tmp_path), str(port)) as process:  # uncompressed only
        wait_for(port, process)
        told = {
            sent.path.name: sent
            for sent in send(Peer("S", "127.0.0.1", port), compressed, tmp_path / "broken.dcm", plain)
        }
    assert told["a.dcm"].problem == ""
    assert "compression" in told["c.dcm"].problem
    assert "not a whole DICOM file" in told["broken.dcm"].problem
    assert told["c.dcm"].final


def test_an_implicit_peer_gets_explicit_files_converted(tmp_path):
    port, folder = free_port(), tmp_path / "in"
    folder.mkdir()
    with running(tool("storescp"), "+xi", "-aet", "S", "-od", str(folder), str(port)) as process:
        wait_for(port, process)
        path = image(tmp_path / "a.dcm")
        assert send(Peer("S", "127.0.0.1", port), path)[0].problem == ""
    (received,) = folder.iterdir()
    np.testing.assert_array_equal(pydicom.dcmread(received).pixel_array, pydicom.dcmread(path).pixel_array)


class Receiving:
    """A receiver on a free port, and what it heard."""

    def __init__(self, folder, **options):
        self.got, self.folder = [], folder
        options = {"title": "BUSIVIEWER", "port": 0, **options}
        self.receiver = Receiver(Reception(folder, **options), lambda path, title: self.got.append((path, title)))

    def __enter__(self):
        self.receiver.start()
        self.port = str(self.receiver.port)
        return self

    def __exit__(self, *_):
        self.receiver.stop()


def storescu(receiving, *paths, title="BUSIVIEWER", options=()):
    command = [
        tool("storescu"),
        *options,
        "-aet",
        "DCMTK",
        "-aec",
        title,
        "127.0.0.1",
        receiving.port,
        *map(str, paths),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).returncode


def test_dcmtk_sends_to_us_and_the_same_twice_is_one_file(tmp_path):
    paths = [image(tmp_path / "a.dcm", 1), image(tmp_path / "b.dcm", 2)]
    with Receiving(tmp_path / "in") as here:
        assert (
            subprocess.run([tool("echoscu"), "-aec", "BUSIVIEWER", "127.0.0.1", here.port], timeout=60).returncode == 0
        )
        assert storescu(here, *paths) == 0
        assert storescu(here, paths[0]) == 0
        names = sorted(path.name for path in (tmp_path / "in").iterdir())
        assert len(names) == 2
        assert {title for _, title in here.got} == {"DCMTK"}
    for path, _ in here.got:
        theirs = pydicom.dcmread(path)
        mine = next(one for one in map(pydicom.dcmread, paths) if one.SOPInstanceUID == theirs.SOPInstanceUID)
        np.testing.assert_array_equal(theirs.pixel_array, mine.pixel_array)


def test_orthanc_sends_to_us(tmp_path):
    with Receiving(tmp_path / "in") as here:
        modalities = {"us": ["BUSIVIEWER", "127.0.0.1", int(here.port)]}
        with orthanc(tmp_path / "orthanc", DicomModalities=modalities) as pacs:
            send(Peer("ORTHANC", "127.0.0.1", pacs.port), image(tmp_path / "a.dcm"))
            (instance,) = pacs.get("/instances")
            request = urllib.request.Request(f"http://127.0.0.1:{pacs._http}/modalities/us/store", instance.encode())
            urllib.request.urlopen(request, timeout=30).read()
        assert len(here.got) == 1
    assert pydicom.dcmread(here.got[0][0]).PatientID == "P1"


def test_only_our_title_and_known_callers_may_connect(tmp_path):
    path = image(tmp_path / "a.dcm")
    with Receiving(tmp_path / "in", callers=("PACS",)) as here:
        assert storescu(here, path) != 0
    with Receiving(tmp_path / "in", callers=("DCMTK",)) as here:
        assert storescu(here, path, title="OTHER") != 0
        assert storescu(here, path) == 0
        assert len(here.got) == 1


def test_an_object_that_is_too_large_is_broken_off(tmp_path):
    small, large = image(tmp_path / "a.dcm", 1), image(tmp_path / "b.dcm", 2, size=1500)
    with Receiving(tmp_path / "in", max_bytes=1_000_000) as here:
        assert storescu(here, large) != 0
        assert storescu(here, small) == 0
        assert len(here.got) == 1
    assert len(list((tmp_path / "in").iterdir())) == 1


def test_a_uid_that_looks_like_a_path_stays_in_the_folder(tmp_path):
    ds = pydicom.dcmread(image(tmp_path / "a.dcm"))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "../../../../tmp/escaped"
    entity = AE("DCMTK")
    entity.add_requested_context(UltrasoundImageStorage, uid.ExplicitVRLittleEndian)
    with Receiving(tmp_path / "deep" / "in") as here:
        association = entity.associate("127.0.0.1", int(here.port), ae_title="BUSIVIEWER")
        association.send_c_store(ds)
        association.release()
        wait_until(lambda: here.got)
    assert [path.parent for path, _ in here.got] == [tmp_path / "deep" / "in"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "deep"]


def wait_until(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


def test_a_port_that_is_taken_is_told(tmp_path):
    with Receiving(tmp_path / "in") as here, pytest.raises(NetworkError, match="cannot receive"):
        Receiving(tmp_path / "in", port=int(here.port)).receiver.start()


def test_a_folder_that_vanishes_is_no_success(tmp_path):
    with Receiving(tmp_path / "in") as here:
        (tmp_path / "in").rmdir()
        assert storescu(here, image(tmp_path / "a.dcm")) != 0
        assert here.got == []


def test_sending_can_be_stopped(tmp_path):
    stop, told = threading.Event(), []
    paths = [image(tmp_path / f"{n}.dcm", n) for n in range(3)]

    def hear(sent):
        told.append(sent)
        stop.set()

    with storescp(tmp_path / "in") as port:
        NETWORK.send(Peer("STORESCP", "127.0.0.1", port), paths, hear, stop)
    assert len(told) == 1


@pytest.mark.parametrize(
    "words", ["PACS", "PACS@host", "@host:1", "A@host:0", "A@host:70000", "A" * 17 + "@h:1", "A\\B@h:1"]
)
def test_what_names_no_peer_is_refused(words):
    with pytest.raises(NetworkError):
        Peer.parse(words)


def test_a_peer_is_written_as_it_is_read():
    assert str(Peer.parse(" PACS 1@10.0.0.5:104 ")) == "PACS 1@10.0.0.5:104"
